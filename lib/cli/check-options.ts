// What `guestfs check` is told: by options, and by the files that they name.
import type { CheckOptions } from '../check';
import type { Arguments } from './arguments';
import { isModule, loadModule, readDocument } from './documents';

export type OwnOptions = Pick<CheckOptions, 'ignore' | 'severities' | 'severity' | 'rules' | 'expect'>;

export async function ownOptions(args: Arguments): Promise<OwnOptions> {
  const rules: unknown[] = [];
  let ignore: unknown[] = args.values('ignore').map((text) => {
    const [, rule = text, path] = /^([^:]+):(.+)$/s.exec(text) ?? [];
    return path === undefined ? rule : { rule, path };
  });
  let configured: Record<string, unknown> = {};
  for (const file of args.values('rules')) {
    if (isModule(file))
      rules.push(...listIn(await loadModule('check', file), `the default export of ${file}`, args));
    else {
      const said = (await readDocument('check', file)) as Record<string, unknown>;
      if (typeof said !== 'object' || said === null || Array.isArray(said))
        throw args.wrong(`${file} is no object`);
      const unknown = Object.keys(said).find((name) => !['ignore', 'severities', 'severity'].includes(name));
      if (unknown !== undefined)
        throw args.wrong(`${file} has ${unknown}, and may have ignore, severities, severity`);
      const { ignore: more = [], ...others } = said;
      ignore = [...ignore, ...listIn(more, `ignore of ${file}`, args)];
      configured = {
        ...configured,
        ...others,
        severities: { ...(configured.severities as object), ...(said.severities as object) },
      };
    }
  }
  const expect = args.value('expect');
  const severity = args.value('severity');
  return {
    ...configured,
    ...(severity !== undefined && { severity }),
    ignore,
    rules,
    ...(expect !== undefined && { expect: await readDocument('check', expect) }),
    // Each is checked where the function takes it.
  } as OwnOptions;
}

function listIn(value: unknown, what: string, args: Arguments): readonly unknown[] {
  if (!Array.isArray(value)) throw args.wrong(`${what} is no list`);
  return value;
}
