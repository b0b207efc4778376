// The library, and the programs beside it.

import { faultOf, GuestfsError, tell } from '../faults/errors';
import { noHypervisor, textOf } from '../faults/faults';
import { installCommand } from '../faults/packages';
import { variableIn } from '../faults/words';
import { shellWord } from '../text/shell';
import { unset } from './command';
import { type Finding, type FindingCode, failure, ok, warning } from './finding';
import { findProgram, type Machine } from './machine';
import type { Settings } from './settings';

/** Oldest version of libguestfs that the package is for. */
const oldest = '1.40';

export function checkLibrary({ version, missing }: Settings): Finding[] {
  const some = missing.length > 3 ? `${missing.slice(0, 3).join(', ')}, …` : missing.join(', ');
  const lacks =
    missing.length === 0
      ? 'It has every function that this package knows'
      : `It is older than ${missing.length} functions that this package knows (${some}): Guestfs.supports() tells`;
  if (isOlder(version, oldest)) {
    return [
      warning(
        'LIBRARY_OLD',
        `libguestfs ${version} is too old`,
        `The oldest that is known to work is ${oldest}. ${lacks}`,
      ),
    ];
  }
  return [ok('LIBRARY', `libguestfs ${version}`, lacks)];
}

/** Finding that libguestfs cannot be loaded; `error` is what loading it has thrown. */
export function libraryFailed(machine: Machine, error: Error & { readonly reason?: unknown }): Finding {
  const { message, reason } = error;
  return failure(
    'ERR_GUESTFS_NOT_LOADED',
    'libguestfs cannot be loaded',
    message,
    notLoadedRemedy(machine, reason),
  );
}

function notLoadedRemedy({ distribution }: Machine, reason: unknown): string | null {
  switch (reason) {
    case 'library':
      return installCommand(['libguestfs'], distribution);
    case 'named':
      return 'unset GUESTFS_NODE_ADDON';
    case 'incomplete':
    case 'processor':
    case 'musl':
    case 'glibc':
    case 'unfit':
      return 'npx guestfs build';
    default:
      return null;
  }
}

/** Finding that settings of the environment, or options, are refused; `error` is what making a handle has thrown. */
export function settingsRefused(machine: Machine, error: GuestfsError): Finding {
  const said = tell(error);
  const setting = faultOf(error)?.setting;
  if (setting) {
    const { name, folder } = setting;
    const variable = name in machine.env ? `unset ${name}` : undefined;
    return failure(
      error.code as FindingCode,
      'A folder that is named for libguestfs is not there',
      said,
      variable ??
        unset(machine, folder, 'LIBGUESTFS_TMPDIR', 'LIBGUESTFS_CACHEDIR') ??
        `mkdir -p ${shellWord(folder)}`,
    );
  }
  const words = error.cause instanceof GuestfsError ? error.cause.message : error.message;
  const variable = variableIn(words, Object.keys(machine.env));
  const remedy = variable === undefined ? null : `unset ${variable}`;
  return failure('ERR_GUESTFS_SETTINGS', 'libguestfs refuses its settings', said, remedy);
}

export function checkHypervisor(machine: Machine, { hv }: Settings): Finding[] {
  if (hv === undefined) return [];
  const path = hv.includes('/') ? hv : (findProgram(machine, hv) ?? hv);
  const facts = machine.facts(path);
  const isProgram = facts?.isFolder === false && !machine.refusal(path, 'execute');
  if (isProgram) return [ok('HYPERVISOR', 'There is a hypervisor', path)];
  const fault = noHypervisor(hv, facts ? 'EACCES' : 'ENOENT', machine.distribution);
  const remedy =
    unset(machine, hv, 'LIBGUESTFS_HV', 'LIBGUESTFS_QEMU') ?? installCommand(['qemu'], machine.distribution);
  return [failure(fault.code, 'There is no hypervisor', textOf(fault), remedy)];
}

export function checkQemuImg(machine: Machine): Finding[] {
  const path = findProgram(machine, 'qemu-img');
  if (path) return [ok('QEMU_IMG', 'There is qemu-img', path)];
  return [
    failure(
      'ERR_GUESTFS_QEMU_IMG_MISSING',
      'There is no qemu-img',
      'libguestfs needs it for drives that are added read-only, and inspect() for the formats of images',
      installCommand(['qemu-img'], machine.distribution),
    ),
  ];
}

/** Whether a version comes before another, by their numbers. */
export function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map((each) => each.split('.').map(Number)) as [number[], number[]];
  for (const [index, number] of b.entries()) {
    const own = a[index] ?? 0;
    if (own !== number) return own < number;
  }
  return false;
}
