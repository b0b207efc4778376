// The command line with which libguestfs starts qemu, as far as a template needs to understand it.
import { commandLineUnknown, type Refusal } from './refusal';

/** Bytes of the word by which the host tells the guest to go on; the machine of a clone has it in the same length. */
export const controlLength = 256;

const controlItem = 'opt/org.guestfs.node/control';

/** More disks than that have no place on libguestfs's SCSI bus. */
const mostDisks = 255;

/** Flags that take no value; the value of all others follows them. */
const flags: ReadonlySet<string> = new Set(['-no-user-config', '-nodefaults', '-no-reboot', '-no-hpet']);

/** Options of which every value shapes the machine and none concerns a disk. */
const machineOptions: ReadonlySet<string> = new Set([
  ...['-global', '-display', '-machine', '-cpu', '-m', '-smp', '-rtc', '-object'],
]);

/** Devices that libguestfs gives every appliance; the machine of the template has them too. */
const ownDevice =
  /^(virtio-rng-pci,|virtio-scsi-pci,id=scsi$|virtio-serial-pci$|virtserialport,|virtio-net-pci,netdev=usernet$)/;

/** Words of the kernel's command line that differ from launch to launch and shape nothing that is saved. */
const privateWord = /^(lpj=|TERM=|guestfs_identifier=)/;

/** A command line of qemu, taken apart. */
export interface CommandLine {
  /** What the machine of a template must have been started with for this one to go on from it. */
  readonly words: readonly string[];
  readonly kernel: string;
  readonly initrd: string;
  /** The appliance's disk. */
  readonly root: string;
  /** Number of disks that the launch brings. */
  readonly disks: number;
  readonly accelerated: boolean;
  /** All of it but the appliance's disk and what newer qemus do not know. */
  readonly clone: readonly string[];
  /** As `clone`, but without disks and connections. */
  readonly maker: readonly string[];
}

/** Takes a command line apart; the reason why not, where anything in it is not as known. */
export function parseCommandLine(args: readonly string[]): CommandLine | Refusal {
  const words: string[] = [];
  const clone: string[] = [];
  const maker: string[] = [];
  const files = new Map<string, string>();
  let disks = 0;
  let accelerated = false;
  const machine = (...shape: string[]) => {
    words.push(shape.join(' '));
    clone.push(...shape);
    maker.push(...shape);
  };
  for (let i = 0; i < args.length; i++) {
    const option = args[i] as string;
    if (flags.has(option)) {
      machine(option);
      continue;
    }
    const value = args[++i];
    if (value === undefined) return commandLineUnknown(option);
    const unknown = () => commandLineUnknown(`${option} ${value}`);
    switch (option) {
      case '-kernel':
      case '-initrd':
        files.set(option, value);
        clone.push(option, value);
        maker.push(option, value);
        break;
      case '-append': {
        const shaping = value.split(' ').filter((word) => !privateWord.test(word));
        const marked = `${value} guestfs_node_template=1`;
        words.push(`-append ${shaping.join(' ')}`);
        clone.push(option, marked);
        maker.push(option, marked);
        break;
      }
      case '-serial':
        clone.push(option, value);
        maker.push(option, value);
        break;
      case '-chardev':
        if (!/^socket,path=.*,id=channel0$/.test(value)) return unknown();
        clone.push(option, value);
        maker.push(option, 'null,id=channel0');
        break;
      case '-netdev':
        // Another process is at the other end of all others.
        if (!/^user,id=usernet(,|$)/.test(value)) return unknown();
        machine(option, value);
        break;
      case '-drive': {
        const root = rootOf(value);
        if (root !== undefined) files.set('root', root);
        else if (!/(^|,)id=hd\d+(,|$)/.test(value) || !/(^|,)if=none(,|$)/.test(value)) return unknown();
        else clone.push(option, value);
        break;
      }
      case '-device':
        if (value === 'scsi-hd,drive=appliance') break;
        if (/^scsi-hd,drive=hd\d+(,|$)/.test(value)) {
          disks++;
          clone.push(option, value);
        } else if (ownDevice.test(value)) machine(option, value);
        else return unknown();
        break;
      default:
        if (!machineOptions.has(option)) return unknown();
        // Newer qemus have no such property, which they say as soon as there is a disk of that kind.
        if (option === '-global' && value.startsWith('virtio-blk-pci.scsi=')) break;
        if (option === '-machine') accelerated = !/(^|,)accel=tcg(,|$)/.test(value);
        machine(option, value);
    }
  }
  const [kernel, initrd, root] = ['-kernel', '-initrd', 'root'].map((name) => files.get(name));
  if (kernel === undefined || initrd === undefined || root === undefined) {
    return commandLineUnknown('no kernel, initrd or root');
  }
  if (disks > mostDisks) return commandLineUnknown(`${disks} disks`);
  return { words, kernel, initrd, root, disks, accelerated, clone, maker };
}

/** Path of the appliance's disk where the value of `-drive` is that disk. */
function rootOf(value: string): string | undefined {
  const [, path] = /^file=(.*),snapshot=on,id=appliance,.*\bformat=raw\b/.exec(value) ?? [];
  return path?.replaceAll(',,', ',');
}

/** The devices that a template adds to the machine, the same for its maker and its clones; `root` begins a drive. */
export function templateDevices({ root, control }: { root: string; control: string }): string[] {
  return [
    // On a full disk qemu would stop the machine, and wait for somebody to tell it to go on.
    ...['-drive', `${root},cache=unsafe,werror=report,if=none,id=appliance`],
    ...['-device', 'virtio-blk-pci,drive=appliance'],
    ...['-device', 'vmgenid,guid=auto'],
    ...['-fw_cfg', `name=${controlItem},file=${escaped(control)}`],
  ];
}

/** A value of one of qemu's options, in which a comma is written twice. */
export function escaped(value: string): string {
  return value.replaceAll(',', ',,');
}

/** The word by which a clone goes on, or by which a template waits. */
export function controlWord(fields: readonly (string | number)[]): string {
  return `${fields.join(' ').padEnd(controlLength - 1)}\n`;
}
