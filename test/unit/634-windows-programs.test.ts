/** Programs of Windows of which the registry, or a user, is not what it should be. */
import { errorFor } from '../../lib/faults/errors';
import type { Guestfs } from '../../lib/guestfs';
import { BadDatabase } from '../../lib/packages/package';
import { readPrograms } from '../../lib/packages/windows';

const software = '/Windows/System32/config/SOFTWARE';

interface Told {
  readonly users?: readonly string[];
  /** Names of the programs in a hive, by its path; a number for as many keys without a name. */
  readonly hives?: Readonly<Record<string, readonly string[] | number>>;
  readonly realpath?: (path: string) => string;
}

const refused = (operation: string) => errorFor({ code: 'EIO', operation, problem: 'it cannot be read' });

/** A guest in which each hive has its programs, in the first of the places in which they may be. */
function guest({ users = [], hives = {}, realpath = (path) => path }: Told) {
  const calls = { values: 0 };
  let open: readonly string[] | number = [];
  const g = {
    readdir: async (path: string) => (path === '/' ? ['Users'] : users).map((name) => ({ name })),
    statns: async (path: string) => {
      if (hives[path] === undefined) throw errorFor({ code: 'ENOENT', operation: 'statns', problem: 'no' });
      return { stMode: 0o100644n, stSize: 1n };
    },
    realpath: async (path: string) => realpath(path),
    hivexOpen: async (path: string) => {
      open = hives[path] ?? [];
    },
    hivexClose: async () => undefined,
    hivexRoot: async () => 1n,
    hivexNodeGetChild: async (_: bigint, name: string) => (name === 'Wow6432Node' ? 0n : 2n),
    hivexNodeChildren: async () =>
      Array.from({ length: typeof open === 'number' ? open : open.length }, (_, index) => ({
        hivexNodeH: BigInt(index + 10),
      })),
    hivexNodeName: async (node: bigint) => `key ${node}`,
    hivexNodeGetValue: async (node: bigint, name: string) => {
      calls.values++;
      return name === 'DisplayName' && typeof open !== 'number' ? node : 0n;
    },
    hivexValueType: async () => 1n,
    hivexValueValue: async (value: bigint) =>
      Buffer.from((open as readonly string[])[Number(value) - 10] ?? '', 'utf16le'),
  };
  return { g: g as unknown as Guestfs, calls };
}

async function read(told: Told) {
  const notes: string[] = [];
  const programs = await readPrograms(guest(told).g, software, (message) => notes.push(message));
  return { names: programs.map(({ displayName }) => displayName), notes };
}

const hiveOf = (user: string) => `/Users/${user}/NTUSER.DAT`;

test('keys without a name are counted, too: each takes several calls', async () => {
  const { g, calls } = guest({ hives: { [software]: 1_000_000 } });
  await expect(readPrograms(g, software, () => undefined)).rejects.toThrow(BadDatabase);
  expect(calls.values).toBeLessThan(50_000);
});

test('a user with too many keys takes nothing away from the machine, and is told', async () => {
  const hives = { [software]: ['Ours'], [hiveOf('eve')]: 1_000_000 };
  expect(await read({ users: ['eve'], hives })).toEqual({
    names: ['Ours'],
    notes: [expect.stringMatching(/^the programs in \/Users\/eve\/NTUSER\.DAT could not be read: more/)],
  });
});

test('neither do users who cannot be looked at', async () => {
  const realpath = () => {
    throw refused('realpath');
  };
  const hives = { [software]: ['Ours'], [hiveOf('eve')]: ['Mine'] };
  expect(await read({ users: ['eve'], hives, realpath })).toEqual({
    names: ['Ours'],
    notes: [expect.stringMatching(/^the programs of users could not be read: /)],
  });
});

test('that there are more users than are looked at is told', async () => {
  const users = Array.from({ length: 150 }, (_, index) => `user${String(index).padStart(3, '0')}`);
  const hives = { [software]: ['Ours'], [hiveOf('user000')]: ['Mine'], [hiveOf('user149')]: ['Last'] };
  expect(await read({ users: [...users, 'Public'], hives })).toEqual({
    names: ['Ours', 'Mine'],
    notes: ['/Users has 150 folders: programs were looked for in the first 100 only'],
  });
});
