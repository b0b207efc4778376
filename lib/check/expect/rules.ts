// Expectations as rules: each kind one of them, so that what could not be looked at is told as with all rules.
import { errorFor } from '../../faults/errors';
import { mountReadOnly } from '../../guests/read-only';
import type { OperatingSystemReport } from '../../guests/report';
import { printable } from '../../text/printable';
import { mountAgain } from '../boot';
import type { CheckedGuest, GuestRule, Sighting, Tree } from '../rule';
import { mountedTree } from '../tree';
import { unexpectedGroups, unexpectedUsers } from './accounts';
import type { Expectations, ExpectedSystem } from './expectations';
import { unexpectedFiles } from './files';
import { unexpectedPackages } from './packages';
import { unexpectedUnits } from './units';

export function expectationRules(expected: Expectations): GuestRule[] {
  const { system, files, packages, users, groups, units } = expected;
  return [
    system && rule('system', 'system', (_, found) => unexpectedSystem(found, system)),
    files && rule('files', 'file', (tree) => unexpectedFiles(tree, files), true),
    packages && rule('packages', 'package', async (_, found) => unexpectedPackages(found, packages)),
    users && rule('users', 'user', (tree) => unexpectedUsers(tree, users)),
    groups && rule('groups', 'group', (tree) => unexpectedGroups(tree, groups)),
    units && rule('units', 'unit', (tree) => unexpectedUnits(tree, units)),
  ].filter((each) => each !== undefined);
}

type Evaluate = (tree: Tree, system: OperatingSystemReport) => Promise<Sighting[]>;
type EvaluateTree = (tree: Tree) => Promise<Sighting[]>;

/** `isForData`: whether it may be about a filesystem without a system, too. */
function rule(kind: keyof Expectations, one: string, evaluate: Evaluate, isForData = false): GuestRule {
  return {
    id: `expect-${kind}`,
    severity: 'error',
    title: `A ${one} that is not as it is expected`,
    advice: 'Correct the image, or what is expected of it',
    help: `What the expectations say of ${kind === 'system' ? 'the system' : kind} is compared with what is in the image.`,
    checkGuest: async (guest) => {
      const found: Sighting[] = [];
      const { g, report } = guest;
      for (const system of report.operatingSystems) {
        await mountAgain(g, system);
        const { root: device } = system;
        const sightings = await evaluate(mountedTree(g, system, device), system);
        found.push(...sightings.map((each) => ({ device, ...each })));
      }
      if (report.operatingSystems.length > 0) return found;
      return isForData ? await ofData(guest, evaluate as EvaluateTree) : nothing(kind);
    },
  };
}

function nothing(kind: string): never {
  throw errorFor({
    ...{ code: 'ERR_GUESTFS_NO_ROOT', operation: 'check' },
    problem: `no operating system was found: what is expected of its ${kind} was not looked at`,
  });
}

/** Of a disk without a system the only filesystem is meant. */
async function ofData({ g, filesystems }: CheckedGuest, evaluate: EvaluateTree): Promise<Sighting[]> {
  const [only, another] = filesystems.filter(({ size }) => size !== null);
  if (!only || another) return nothing('files');
  await g.umountAll();
  await mountReadOnly(g, only.device, '/');
  const sightings = await evaluate(mountedTree(g, null, only.device));
  return sightings.map((each) => ({ device: only.device, ...each }));
}

async function unexpectedSystem(
  { distro, version, versionText, arch, hostname }: OperatingSystemReport,
  expected: ExpectedSystem,
): Promise<Sighting[]> {
  const is = { distro, arch, hostname };
  const found = (['distro', 'arch', 'hostname'] as const)
    .filter((name) => expected[name] !== undefined && expected[name] !== is[name])
    .map((name) => ({
      seen: `its ${name} is ${printable(is[name] ?? 'not known')}, and should be ${expected[name]}`,
    }));
  if (expected.version === undefined) return found;
  const own = versionText ?? (version ? `${version.major}.${version.minor}` : '');
  const should = String(expected.version);
  if (own === should || own.startsWith(`${should}.`)) return found;
  return [...found, { seen: `its version is ${printable(own) || 'not known'}, and should be ${should}` }];
}
