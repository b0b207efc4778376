// Programs of Windows, as its registry lists them for their removal: those for all users, of 64 and of 32 bits, and each user's own.
import { listNames } from '../bulk/listing';
import { GuestfsError } from '../faults/errors';
import { isFatal } from '../faults/kinds';
import type { Guestfs } from '../guestfs';
import { BadDatabase, type Note, type Package, packageOf } from './package';
import { GuestFiles } from './system-files';

/** A program, and what only Windows tells. */
export interface Program {
  /** Its name is that of its key, which may be a GUID. */
  readonly package: Package;
  readonly displayName: string;
  readonly installPath: string | null;
}

/** Keys, and characters of what is told of programs, that are read: more are no registry. */
const mostKeys = 20_000;
const mostCharacters = 64 * 2 ** 20;
const tooMany = 'more programs than the registry of any Windows has';

/** Users whose own programs are looked for. */
const mostUsers = 100;

const current = ['Microsoft', 'Windows', 'CurrentVersion', 'Uninstall'];

/** Places in the hive of the machine, with the architecture that they stand for. */
const ofMachine: readonly Place[] = [
  { path: current, arch: null },
  { path: ['Wow6432Node', ...current], arch: 'x86' },
];

const ofUser: readonly Place[] = [
  { path: ['Software', ...current], arch: null },
  { path: ['Software', 'Wow6432Node', ...current], arch: 'x86' },
];

interface Place {
  readonly path: readonly string[];
  readonly arch: string | null;
}

/**
 * Programs in the order of their names.
 *
 * @param note - is told whose programs could not be read
 * @throws BadDatabase, GuestfsError where the hive of the machine cannot be read
 */
export async function readPrograms(g: Guestfs, softwareHive: string, note: Note): Promise<Program[]> {
  const reader = new Reader(g);
  await reader.read(softwareHive, ofMachine);
  const hives = await attempt('of users', note, () => userHives(g, note));
  for (const hive of hives ?? []) await attempt(`in ${hive}`, note, () => reader.read(hive, ofUser));
  return reader.programs.sort((a, b) => compare(a.package.name, b.package.name));
}

/** What is wrong with one user takes away neither the programs of the machine nor those of the others. */
async function attempt<T>(where: string, note: Note, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!isRefusal(error) && !(error instanceof BadDatabase)) throw error;
    note(`the programs ${where} could not be read: ${error.message}`);
    return undefined;
  }
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** Folders that are no user's. */
const shared: ReadonlySet<string> = new Set(['all users', 'default', 'default user', 'public']);

async function userHives(g: Guestfs, note: Note): Promise<string[]> {
  const files = new GuestFiles(g);
  const [home] = (await listNames(g, '/', {})).filter((name) =>
    /^(?:users|documents and settings)$/i.test(name),
  );
  const names = home === undefined ? [] : await files.list(`/${home}`);
  const users = names.filter((name) => !shared.has(name.toLowerCase()));
  if (users.length > mostUsers)
    note(`/${home} has ${users.length} folders: programs were looked for in the first ${mostUsers} only`);
  const found: string[] = [];
  for (const user of users.slice(0, mostUsers)) {
    for (const name of ['NTUSER.DAT', 'ntuser.dat', 'NTUser.dat']) {
      const path = `/${home}/${user}/${name}`;
      if (!(await files.open(path))) continue;
      // A link leads to another place of the guest, and must not lead to one of the appliance.
      found.push(await g.realpath(path));
      break;
    }
  }
  return [...new Set(found)];
}

class Reader {
  readonly programs: Program[] = [];
  readonly #g: Guestfs;
  #keys = 0;
  #characters = 0;

  constructor(g: Guestfs) {
    this.#g = g;
  }

  async read(hive: string, places: readonly Place[]): Promise<void> {
    await this.#g.hivexOpen(hive);
    try {
      for (const { path, arch } of places) {
        const key = await this.#keyAt(path);
        for (const { hivexNodeH } of key === 0n ? [] : await this.#g.hivexNodeChildren(key))
          await this.#add(hivexNodeH, arch);
      }
    } finally {
      await orNull(this.#g.hivexClose());
    }
  }

  /** Key at the end of a path; 0 where there is none. */
  async #keyAt(path: readonly string[]): Promise<bigint> {
    let node = await this.#g.hivexRoot();
    for (const name of path) if (node !== 0n) node = await this.#g.hivexNodeGetChild(node, name);
    return node;
  }

  async #add(node: bigint, arch: string | null): Promise<void> {
    // Those without a name too: each takes several calls.
    if (++this.#keys > mostKeys) throw new BadDatabase(tooMany);
    const text = async (name: string) => textIn(await this.#value(node, name, texts));
    const displayName = await text('DisplayName');
    // What has no name is shown to nobody: parts and updates of others.
    if (displayName === null) return;
    const size = await this.#value(node, 'EstimatedSize', numbers);
    const program: Program = {
      displayName,
      installPath: await text('InstallLocation'),
      package: packageOf({
        ...{ name: await this.#g.hivexNodeName(node), arch, version: await text('DisplayVersion') },
        ...{
          vendor: await text('Publisher'),
          url: await text('URLInfoAbout'),
          description: await text('Comments'),
        },
        installTime: dateIn(await text('InstallDate')),
        installedSize: size?.length === 4 ? size.readUInt32LE(0) * 1024 : null,
      }),
    };
    this.#characters += JSON.stringify(program).length;
    if (this.#characters > mostCharacters) throw new BadDatabase(tooMany);
    this.programs.push(program);
  }

  /** Bytes of a value; null where there is none of these types, or it cannot be read. */
  async #value(node: bigint, name: string, types: ReadonlySet<bigint>): Promise<Buffer | null> {
    const value = (await orNull(this.#g.hivexNodeGetValue(node, name))) ?? 0n;
    if (value === 0n) return null;
    const type = await orNull(this.#g.hivexValueType(value));
    return type !== null && types.has(type) ? await orNull(this.#g.hivexValueValue(value)) : null;
  }
}

/** REG_SZ and REG_EXPAND_SZ, and REG_DWORD. */
const texts: ReadonlySet<bigint> = new Set([1n, 2n]);
const numbers: ReadonlySet<bigint> = new Set([4n]);

/** Text up to its end; installers leave other bytes behind it. */
function textIn(value: Buffer | null): string | null {
  const [text = ''] = value?.toString('utf16le').split('\0', 1) ?? [];
  return text.trim() || null;
}

/** `20240203`, as Windows' own installer writes it; what others write may be anything. */
function dateIn(text: string | null): string | null {
  const date = text?.replace(/^(\d{4})(\d\d)(\d\d)$/, '$1-$2-$3') ?? '';
  const isDate = /^\d{4}-\d\d-\d\d$/.test(date) && !Number.isNaN(Date.parse(date));
  return isDate ? date : null;
}

function isRefusal(error: unknown): error is GuestfsError {
  return error instanceof GuestfsError && !isFatal(error);
}

async function orNull<T>(call: Promise<T>): Promise<T | null> {
  try {
    return await call;
  } catch (error) {
    if (isRefusal(error)) return null;
    throw error;
  }
}
