// Whether appliances can run on KVM. Without it they run under emulation: slower, but as well.
import { shellWord } from '../text/shell';
import { asRoot } from './command';
import { type Finding, ok, warning } from './finding';
import type { Machine } from './machine';
import type { Settings } from './settings';

const device = '/dev/kvm';
const emulated = 'Appliances run under emulation, several times slower';

export function checkKvm(machine: Machine, settings?: Settings): Finding[] {
  const backendSettings =
    settings?.backendSettings ?? machine.env.LIBGUESTFS_BACKEND_SETTINGS?.split(':') ?? [];
  if (backendSettings.includes('force_tcg'))
    return [
      ok('KVM', 'KVM is not used', 'The backend settings have force_tcg: appliances run under emulation'),
    ];
  switch (machine.kvm) {
    case 'unknown':
      return [];
    case 'missing':
      return [missing(machine)];
    case 'forbidden':
      return [forbidden(machine)];
    case 'usable':
      return [
        machine.kvmFails ? kvmFails(machine, 'a launch has found out that guests do not run on it') : usable,
      ];
  }
}

const usable = ok(
  'KVM',
  'KVM may be used',
  `${device} can be opened. Whether guests run on it, a launch tells`,
);

/** Finding that guests do not run on KVM; `why` is how that is known. */
export function kvmFails({ kvmVerdict }: Pick<Machine, 'kvmVerdict'>, why: string): Finding {
  const memory = kvmVerdict
    ? ` That is remembered in ${kvmVerdict} for a day, or until the machine reboots.`
    : '';
  return warning(
    'KVM_FAILS',
    'KVM is there, and does not work',
    `${device} can be opened, but ${why}.${memory} ${emulated}. The command spares other programs the attempt`,
    'export LIBGUESTFS_BACKEND_SETTINGS=force_tcg',
  );
}

function missing(machine: Machine): Finding {
  const flag = /^flags\s*:.*\b(vmx|svm)\b/m.exec(machine.text('/proc/cpuinfo') ?? '')?.[1];
  const module = flag && { vmx: 'kvm_intel', svm: 'kvm_amd' }[flag];
  const detail = module
    ? `The processor could, but there is no ${device}: load the module or, in a container, add the option --device ${device}`
    : `There is no ${device}: this processor, or the virtual machine that this is, does not offer it`;
  return warning(
    'KVM_MISSING',
    'There is no KVM',
    `${detail}. ${emulated}`,
    module ? asRoot(machine, `modprobe ${module}`) : null,
  );
}

function forbidden(machine: Machine): Finding {
  const group = groupName(machine);
  const remedy = group ? `usermod --append --groups ${shellWord(group)} "$(id -un)"` : `chmod 0666 ${device}`;
  const detail = group
    ? `Only members of the group ${group} may open ${device}: join it, and log in again`
    : `This user may not open ${device}`;
  return warning('KVM_FORBIDDEN', 'KVM may not be used', `${detail}. ${emulated}`, asRoot(machine, remedy));
}

/** Name of the group that may open /dev/kvm; undefined where it has none, as often in containers. */
function groupName(machine: Machine): string | undefined {
  const facts = machine.facts(device);
  if (!facts || (facts.mode & 0o060) !== 0o060 || facts.gid === 0) return undefined;
  const lines = (machine.text('/etc/group') ?? '').split('\n').map((line) => line.split(':'));
  return lines.find(([, , gid]) => gid === String(facts.gid))?.[0];
}
