// The description of a machine in an OVA (OVF): which files are its disks.

/** Attributes of all elements of this name, by their names without prefixes. */
function elements(text: string, name: string): Map<string, string>[] {
  const tags = text.match(new RegExp(`<(?:\\w+:)?${name}\\s[^<>]*>`, 'g')) ?? [];
  return tags.map(
    (tag) =>
      new Map(
        [...tag.matchAll(/(?:\w+:)?(\w+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)].map(
          ([, key = '', double, single = '']) => [key, unescaped(double ?? single)],
        ),
      ),
  );
}

const entities: Readonly<Record<string, string>> = {
  ...{ '&lt;': '<', '&gt;': '>', '&quot;': '"', '&apos;': "'", '&amp;': '&' },
};

const unescaped = (text: string) => text.replace(/&\w+;/g, (entity) => entities[entity] ?? entity);

/** Disks of a description beyond which no machine has any. */
const mostDisks = 256;

/** What files of disks are called where a description does not say which of its files they are. */
const isCalledDisk = /\.(?:raw|img|vmdk|qcow2|vhdx?)(?:\.gz)?$/i;

/** Names of the files that are the disks of the machine, in their order. Those that lie elsewhere, or in pieces, are left out. */
export function disksInDescription(text: string): string[] {
  const files = elements(text, 'File');
  const wanted = new Set(elements(text, 'Disk').map((disk) => disk.get('fileRef')));
  const isDisk = (file: ReadonlyMap<string, string>) =>
    wanted.size > 0 ? wanted.has(file.get('id')) : isCalledDisk.test(file.get('href') ?? '');
  const own = files.filter((file) => isDisk(file) && !file.has('chunkSize'));
  const names = new Set(own.flatMap((file) => file.get('href') ?? []));
  return [...names].filter((name) => name !== '' && !/^\w+:\/\//.test(name)).slice(0, mostDisks);
}
