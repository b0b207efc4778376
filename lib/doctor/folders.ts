// The folders for overlays and sockets.
import { textOf, unusableSockdir, unusableTmpdir } from '../faults/faults';
import { unset, useFolder } from './command';
import { type Finding, failure, ok, warning } from './finding';
import type { Machine } from './machine';
import type { Settings } from './settings';

const MiB = 2 ** 20;
/** Overlays are small until something is written to a scratch or read-only drive. */
const overlaysNeed = { least: 16 * MiB, wanted: 256 * MiB };

export function checkTmpdir(machine: Machine, { tmpdir }: Settings): Finding[] {
  const refused = refusalOf(machine, tmpdir);
  const unusable = 'The folder for temporary files cannot be used';
  const others = ['/tmp', '/var/tmp'].filter((folder) => folder !== tmpdir);
  const remedy = () => useFolder(machine, 'LIBGUESTFS_TMPDIR', others, overlaysNeed.wanted);
  if (refused) {
    const fault = unusableTmpdir(tmpdir, refused);
    return [failure(fault.code, unusable, textOf(fault), remedy())];
  }
  const space = machine.space(tmpdir);
  const detail = space === undefined ? tmpdir : `${tmpdir}, ${Math.floor(space / MiB)} MiB left`;
  if (space === undefined || space >= overlaysNeed.wanted) {
    return [ok('TMPDIR', 'The folder for temporary files can be used', detail)];
  }
  if (space < overlaysNeed.least) {
    const fault = unusableTmpdir(tmpdir, 'No space left on device');
    return [failure(fault.code, unusable, textOf(fault), remedy())];
  }
  const what = `What is written to scratch and read-only drives goes there: ${detail}`;
  return [warning('TMPDIR_SHORT', 'There is little space for temporary files', what)];
}

export function checkSockdir(machine: Machine, { sockdir }: Settings): Finding[] {
  const refused = refusalOf(machine, sockdir);
  if (!refused) return [];
  const fault = unusableSockdir(sockdir, refused);
  const remedy = unset(machine, sockdir, 'XDG_RUNTIME_DIR') ?? null;
  return [failure(fault.code, 'The folder for sockets cannot be used', textOf(fault), remedy)];
}

function refusalOf(machine: Machine, folder: string): string | undefined {
  return machine.refusal(folder, 'write') ?? machine.refusal(folder, 'execute');
}
