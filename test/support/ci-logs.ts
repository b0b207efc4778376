/** Readers of the logs of continuous integration systems, by the syntax that these document. */

/** Something that a system does because of a line, with the values decoded. */
export interface ServiceMessage {
  readonly name: string;
  readonly value?: string;
  readonly properties?: Readonly<Record<string, string>>;
}

/** A line that is shown, or a message. */
export type LogPart = string | ServiceMessage;

type Reader = (line: string) => LogPart[];

/** As a comparison by the rules of a language does it, which some of them make. */
const seen = (line: string) => line.replace(/\p{Default_Ignorable_Code_Point}/gu, '');

function decoded(text: string, notations: Readonly<Record<string, string>>): string {
  const names = Object.keys(notations).map((name) => name.replace(/[|[\]]/g, '\\$&'));
  return text.replace(new RegExp(names.join('|'), 'gi'), (name) => notations[name.toUpperCase()] ?? name);
}

function properties(text: string, separator: string, notations: Record<string, string>) {
  const pairs = text.split(separator).filter((pair) => pair.trim() !== '');
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      return [pair.slice(0, at).trim(), decoded(pair.slice(at + 1), notations)];
    }),
  );
}

const githubData = { '%0A': '\n', '%0D': '\r', '%25': '%' };
const github: Reader = (line) => {
  const [, name, given = '', value = ''] =
    /^::([\w-]+)(?: ([^:]*))?::(.*)$/su.exec(seen(line).trimStart()) ?? [];
  if (name !== undefined) {
    const more =
      given === '' ? {} : { properties: properties(given, ',', { ...githubData, '%3A': ':', '%2C': ',' }) };
    return [{ name, value: decoded(value, githubData), ...more }];
  }
  const [, old, data = ''] = /##\[([\w-]+)[^\]]*\](.*)$/su.exec(seen(line)) ?? [];
  return [old === undefined ? line : { name: old, value: data }];
};

const gitlab: Reader = (line) => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the marker has them
  const marker = /section_(start|end):(\d+):([A-Za-z0-9_.-]+)(\[[^\]]*\])?\r\x1b\[0K/gu;
  const parts: LogPart[] = [];
  let at = 0;
  for (const found of line.matchAll(marker)) {
    parts.push(line.slice(at, found.index));
    const [whole, kind = '', time = '', section = '', options = ''] = found;
    parts.push({ name: kind, value: section, properties: { time, options } });
    at = found.index + whole.length;
  }
  parts.push(line.slice(at));
  return parts
    .map((part) => (typeof part === 'string' ? part.replaceAll('\x1b[0K', '') : part))
    .filter((part) => part !== '' || parts.length === 1);
};

const azureData = { '%0A': '\n', '%0D': '\r', '%3B': ';', '%5D': ']', '%AZP25': '%' };
const azure: Reader = (line) => {
  const [, name, given = '', value = ''] = /##vso\[([\w.]+)\s*([^\]]*)\](.*)$/isu.exec(seen(line)) ?? [];
  if (name !== undefined) {
    return [{ name, value: decoded(value, azureData), properties: properties(given, ';', azureData) }];
  }
  const [, format, text = ''] = /^##\[(\w+)\](.*)$/su.exec(seen(line)) ?? [];
  return [format === undefined ? line : { name: format, value: text }];
};

const buildkite: Reader = (line) => {
  const [, mark, title] = /^(---|\+\+\+|~~~|\^\^\^ \+\+\+)(?:\s+(.*))?$/su.exec(line) ?? [];
  if (mark === undefined) return [line];
  return [title === undefined ? { name: mark } : { name: mark, value: title }];
};

const teamcityText = { '||': '|', "|'": "'", '|[': '[', '|]': ']', '|N': '\n', '|R': '\r' };
const unescaped = (text: string) =>
  text.replace(/\|(?:0x([0-9a-f]{4})|.)/gisu, (whole, hex: string | undefined) =>
    hex === undefined
      ? (teamcityText[whole.toUpperCase() as keyof typeof teamcityText] ?? whole)
      : String.fromCharCode(Number.parseInt(hex, 16)),
  );
const teamcity: Reader = (line) => {
  const [, name, given = ''] =
    /##teamcity\[(\w+)((?:\s+(?:\w+\s*=\s*)?'(?:\|.|[^|'])*')*)\s*\]/isu.exec(seen(line)) ?? [];
  if (name === undefined) return [line];
  const values = [...given.matchAll(/\s+(?:(\w+)\s*=\s*)?'((?:\|.|[^|'])*)'/gsu)].map(
    ([, key = 'value', value = '']) => [key, unescaped(value)] as const,
  );
  const { value, ...others } = Object.fromEntries(values);
  return [
    {
      name,
      ...(value !== undefined && { value }),
      ...(Object.keys(others).length > 0 && { properties: others }),
    },
  ];
};

export const logReaders = { github, gitlab, azure, buildkite, teamcity, plain: (line: string) => [line] };

/** What a system makes of a log. */
export function readLog(system: keyof typeof logReaders, text: string): LogPart[] {
  return text.split('\n').slice(0, -1).flatMap(logReaders[system]);
}

export function messagesOf(parts: readonly LogPart[]): ServiceMessage[] {
  return parts.filter((part) => typeof part !== 'string');
}
