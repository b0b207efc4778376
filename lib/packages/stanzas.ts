// Stanzas of fields, as dpkg writes them, and what is known by them of each package.
import { BadDatabase, mostPackages } from './package';

export type Stanza = ReadonlyMap<string, string>;

/** Fields of one stanza that are read. */
const mostFields = 1000;

/** Architectures of one package; Debian has a dozen. */
const mostArches = 100;

/** Fields of each stanza, their names in small letters, and lines that go on joined by line breaks. */
export function* stanzas(text: string): Generator<Stanza> {
  let fields = new Map<string, string>();
  let last: string | undefined;
  for (const line of lines(text)) {
    if (line.trim() === '') {
      if (fields.size > 0) yield fields;
      fields = new Map();
      last = undefined;
    } else if (/^[ \t]/.test(line)) {
      if (last !== undefined) fields.set(last, `${fields.get(last)}\n${line.slice(1)}`);
    } else {
      const colon = line.indexOf(':');
      const isField = colon > 0 && fields.size < mostFields;
      last = isField ? line.slice(0, colon).toLowerCase() : undefined;
      if (last !== undefined) fields.set(last, line.slice(colon + 1).trim());
    }
  }
  if (fields.size > 0) yield fields;
}

/** One by one: a database may be nothing but ends of lines. */
function* lines(text: string): Generator<string> {
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\n', at);
    yield text.slice(at, end < 0 ? text.length : end);
    at = end < 0 ? text.length : end + 1;
  }
}

/** Stanzas by the packages that they are about: of one name there may be several, for several architectures. */
export class Records {
  readonly #byName = new Map<string, Stanza[]>();
  #count = 0;

  /** The last word on a package counts. */
  add(stanza: Stanza): void {
    this.#put(stanza, (known) => known.filter((each) => !isOfSameArch(stanza, each)));
  }

  /** As `add()`, of what dpkg has done with packages that were there. */
  change(stanza: Stanza): void {
    this.#put(stanza, (known) => {
      // What is gone need not say any more for which architecture it was.
      if (!isInstalled(stanza) && !stanza.has('architecture')) return known.length === 1 ? [] : known;
      // What may be there for one architecture only takes the place of what had its name.
      const isOnly = (each: Stanza) => isInstalled(stanza) && !(isForSeveral(stanza) && isForSeveral(each));
      return known.filter((each) => !isOnly(each) && !isOfSameArch(stanza, each));
    });
  }

  all(): Stanza[] {
    return [...this.#byName.values()].flat();
  }

  #put(stanza: Stanza, staying: (known: readonly Stanza[]) => readonly Stanza[]): void {
    const name = stanza.get('package');
    if (!name) return;
    const known = this.#byName.get(name) ?? [];
    const all = [...staying(known), stanza];
    this.#count += all.length - known.length;
    if (this.#count > mostPackages || all.length > mostArches)
      throw new BadDatabase('more packages of dpkg than any distribution has');
    this.#byName.set(name, all);
  }
}

/** Whether packages of it for several architectures can be there at once. */
export const isForSeveral = (stanza: Stanza) => stanza.get('multi-arch') === 'same';

const isOfSameArch = (a: Stanza, b: Stanza) => a.get('architecture') === b.get('architecture');

/** States of packages whose files are there. Without a word on it the package is part of the image. */
const states: ReadonlySet<string> = new Set([
  ...['installed', 'triggers-pending', 'triggers-awaited', 'half-configured', 'unpacked'],
]);

export function isInstalled(fields: Stanza): boolean {
  const [, , state] = fields.get('status')?.split(/\s+/) ?? ['', '', 'installed'];
  return Boolean(fields.get('package')) && states.has(state ?? '');
}
