// The library, and the programs beside it.
import { installCommand } from '../distribution';
import type { GuestfsError } from '../errors';
import { isLibraryMissing } from '../not-loaded';
import { noHypervisor, unusableCachedir, unusableTmpdir } from '../remedies';
import { quote } from './command';
import { type Finding, failure, ok, warning } from './finding';
import { findProgram, type Machine } from './machine';
import type { Settings } from './settings';

/** The oldest that the package is for. */
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

/** `error` is what loading it has thrown. */
export function libraryFailed(machine: Machine, error: Error): Finding {
  const { message, cause } = error;
  const missing = cause instanceof Error && isLibraryMissing(cause);
  const remedy = missing ? installCommand(['libguestfs'], machine.distribution) : 'npm rebuild guestfs';
  return failure('ERR_GUESTFS_NOT_LOADED', 'libguestfs cannot be loaded', message, remedy);
}

/** `error` is what libguestfs has said of the settings of the environment, or of the options. */
export function settingsRefused(machine: Machine, error: GuestfsError): Finding {
  const [, setting = '', folder = '', why = ''] = /(\w+): (\/.*): realpath: (.*)$/.exec(error.message) ?? [];
  if (folder) {
    const unusable = /cachedir/i.test(setting) ? unusableCachedir : unusableTmpdir;
    const { code, advice } = unusable(folder, why);
    return failure(
      code,
      'A folder that is named for libguestfs is not there',
      advice,
      `mkdir -p ${quote(folder)}`,
    );
  }
  const variable = /\bLIBGUESTFS_\w+/.exec(error.message)?.[0];
  const remedy = variable && machine.env[variable] !== undefined ? `unset ${variable}` : null;
  return failure('SETTINGS_REFUSED', 'libguestfs refuses its settings', error.message, remedy);
}

export function checkHypervisor(machine: Machine, { hv, backend }: Settings): Finding[] {
  // With libvirt it is libvirt that chooses it.
  if (backend !== 'direct') return [];
  if (!machine.refusal(hv, 'execute')) return [ok('HYPERVISOR', 'There is a hypervisor', hv)];
  const { code, advice } = noHypervisor(hv);
  return [failure(code, 'There is no hypervisor', advice, installCommand(['qemu'], machine.distribution))];
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

/** Of two versions, by their numbers. */
export function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map((each) => each.split('.').map(Number)) as [number[], number[]];
  for (const [index, number] of b.entries()) {
    const own = a[index] ?? 0;
    if (own !== number) return own < number;
  }
  return false;
}
