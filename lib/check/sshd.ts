// What the configuration of sshd says of files: sshd_config(5).
import { contentLines } from './lines';
import type { Tree } from './rule';

const main = '/etc/ssh/sshd_config';

/** Values of a keyword in all of the configuration. */
export async function sshdValues(tree: Tree, keyword: string): Promise<string[]> {
  const files = [main, ...(await tree.list(`${main}.d`)).map((name) => `${main}.d/${name}`)];
  const values: string[] = [];
  for (const file of files) {
    for (const { text } of contentLines((await tree.read(file)) ?? '')) {
      const [, name = '', value = ''] = /^(\w+)(?:\s*=\s*|\s+)(.*)$/.exec(text) ?? [];
      if (name.toLowerCase() === keyword.toLowerCase())
        values.push(...(value.match(/"[^"]*"|\S+/g) ?? []).map((each) => each.replace(/^"|"$/g, '')));
    }
  }
  return values;
}
