// Who starts qemu, and how the appliance gets a network if it is to have one.
import { libvirtUnusable, passtFailed, textOf } from '../faults/faults';
import { type Finding, failure, ok, warning } from './finding';
import { isOlder } from './library';
import { findProgram, type Machine } from './machine';
import type { Settings } from './settings';

const daemons = ['virtqemud', 'libvirtd'];
const systemSockets = ['/run/libvirt/virtqemud-sock', '/run/libvirt/libvirt-sock'];

export function checkBackend(machine: Machine, { backend }: Settings): Finding[] {
  const [, uri] = /^libvirt(?::(.*))?$/.exec(backend) ?? [];
  if (!backend.startsWith('libvirt'))
    return [ok('BACKEND', `The backend is ${backend}`, 'libguestfs starts qemu itself')];
  // One on another machine is none of this one's business.
  if (uri?.includes('+')) return [ok('BACKEND', 'The backend is libvirt', `That of ${uri}`)];
  const missing = uri?.endsWith('/system') ? systemMissing(machine) : daemonMissing(machine);
  if (missing) {
    const fault = libvirtUnusable(uri ?? '', missing);
    return [
      failure(
        fault.code,
        'libvirt, the backend, is not there',
        textOf(fault),
        'export LIBGUESTFS_BACKEND=direct',
      ),
    ];
  }
  const asRoot = 'for root it runs qemu as a user of its own, who has to be allowed to open the images';
  return [
    ok('BACKEND', 'The backend is libvirt', machine.uid === 0 ? asRoot : 'It starts qemu as this user'),
  ];
}

function systemMissing(machine: Machine): string | undefined {
  const refusals = systemSockets.map((socket) => machine.refusal(socket, 'write'));
  if (refusals.includes(undefined)) return undefined;
  const refused = refusals.find((each) => each !== 'ENOENT');
  return refused
    ? `this user may not use its socket: ${refused}`
    : 'it does not run: there is no socket of it';
}

function daemonMissing(machine: Machine): string | undefined {
  if (daemons.some((name) => findProgram(machine, name))) return undefined;
  return `there is neither ${daemons.join(' nor ')}`;
}

/** Since 1.52 libguestfs takes passt for the network, where it is installed. */
export function checkNetwork(machine: Machine, { version, backend }: Settings): Finding[] {
  const passt = findProgram(machine, 'passt');
  if (machine.uid !== 0 || backend !== 'direct' || isOlder(version, '1.52') || !passt) return [];
  const detail = `Only handles with setNetwork(true) are concerned. For root ${passt} becomes another user, and then it may not write where libguestfs wants it to. Run such programs as another user, or take passt from the PATH: libguestfs does without it`;
  return [warning(passtFailed.code, 'As root, appliances may not get a network', detail)];
}
