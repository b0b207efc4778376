// The options that commands share, and what they say.
import type { ImageFile, VolumeKey } from '../inspect';
import type { Accelerator, TemplateMode } from '../launch/options';
import type { Arguments } from './arguments';
import type { Operand, Option } from './command';
import { parseKey, parseSecret } from './keys';
import { type ProgressChoice, progressChoices } from './progress';

/** What commands say of the paths that they take. */
export const windowsPaths =
  'Of a Windows guest a PATH may also be as it is there: C:\\Users\\ann, D:/, \\Windows, in upper or lower case.';

export const imageOperand: Operand = { name: 'IMAGE', file: true };

const accelerators = ['auto', 'kvm', 'tcg'] as const satisfies Accelerator[];
const templateModes = ['auto', 'never', 'only'] as const satisfies TemplateMode[];

export const formatOption: Option = {
  name: 'format',
  value: 'FORMAT',
  about:
    'Format of the images, as raw or qcow2; default: detected. Give it for raw images that a guest could write to: a guest may fake another format, to make other files of this machine be read',
};

export const blocksizeOption: Option = {
  name: 'blocksize',
  value: 'BYTES',
  choices: ['512', '4096'],
  about: "Size of the disks' sectors; default: what their partition tables tell, else 512",
};

/** Stands for the IMAGE, or for one of them. */
export const domainOption: Option = {
  name: 'domain',
  short: 'd',
  value: 'DOMAIN',
  multiple: true,
  about:
    'In the place of an IMAGE: the disks of this guest of libvirt, by name or UUID; the same as domain:DOMAIN',
};

export const connectOption: Option = {
  name: 'connect',
  short: 'c',
  value: 'URI',
  about: 'The libvirt that knows the DOMAIN; default: $LIBVIRT_DEFAULT_URI, else its own',
};

export const secretOption: Option = {
  name: 'secret',
  value: 'SECRET',
  about:
    'Password for the user whom the URI of an IMAGE names: file:PATH or env:VARIABLE. Others can see the arguments of a running program, and with them a password in a URI',
};

export const followUrisOption: Option = {
  name: 'follow-uris',
  about:
    'Let images name files on other machines, or describe them as JSON, as their backing or data files: whoever made such an image chooses what is opened',
};

export const progressOption: Option = {
  name: 'progress',
  value: 'FORMAT',
  choices: progressChoices,
  about:
    'Progress on stderr; default auto: bars on a terminal, else lines, as the system that runs the job understands them. A system that is named is taken for that one; plain: lines, and nothing that a system obeys. With json, errors and notes are JSON too',
};

export const templateOption: Option = {
  name: 'template',
  value: 'MODE',
  choices: templateModes,
  about:
    'Whether the appliance goes on from a template, one that was booted before and saved; default: $GUESTFS_TEMPLATE, else auto under emulation, which boots where it has to',
};

/** Options of every command that launches a guest. */
export const launchOptions: readonly Option[] = [
  formatOption,
  blocksizeOption,
  domainOption,
  connectOption,
  secretOption,
  followUrisOption,
  {
    name: 'key',
    value: 'KEY',
    multiple: true,
    about:
      'Key of encrypted volumes, [DEVICE:]file:PATH or [DEVICE:]key:STRING, DEVICE being the name or UUID of one volume. Others can see the arguments of a running program: prefer file',
  },
  progressOption,
  { name: 'accel', value: 'ACCEL', choices: accelerators, about: 'How the appliance runs; default auto' },
  templateOption,
  {
    name: 'timeout',
    value: 'SECONDS',
    about: 'Give up when the appliance is not up after that time',
  },
];

export const addOption: Option = {
  name: 'add',
  short: 'a',
  value: 'IMAGE',
  multiple: true,
  file: true,
  about: 'A further disk of the same guest, in their order',
};

/** @throws UsageError where the further disks could be those of several guests */
export function checkOneGuest(args: Arguments): void {
  if (args.operands.length > 1 && args.has('add'))
    throw args.wrong('--add is for the disks of one guest, so of one IMAGE');
}

export const htmlOption: Option = {
  name: 'html',
  value: 'FILE',
  file: true,
  about: 'Write a web page of one file to FILE, too: it needs neither network nor JavaScript',
};

export const concurrencyOption: Option = {
  name: 'concurrency',
  value: 'N',
  about: 'Work on up to N IMAGEs at a time; default: what processors and free memory allow',
};

export const mountOptions: readonly Option[] = [
  {
    name: 'root',
    value: 'DEVICE',
    about: 'The operating system to look into, where there are several, as inspect names it: /dev/sda2',
  },
  {
    name: 'mount',
    value: 'DEVICE',
    about:
      'Look into this filesystem, and into no other; default: the operating system with all its filesystems, or the only filesystem there is',
  },
];

/** Options of the commands that look into the files of a guest. */
export const guestOptions: readonly Option[] = [addOption, ...mountOptions, ...launchOptions];

/** Values of {@link launchOptions}. */
export interface LaunchArguments {
  /** What is said of all images. */
  readonly image: Omit<ImageFile, 'path'>;
  readonly keys: readonly VolumeKey[];
  readonly progress: ProgressChoice;
  readonly accel: Accelerator;
  readonly template: TemplateMode | undefined;
  readonly timeout: number | undefined;
}

export function launchArguments(args: Arguments): LaunchArguments {
  const [blocksize, secret] = [args.value('blocksize'), args.value('secret')];
  return {
    image: {
      format: args.value('format'),
      blocksize: blocksize === undefined ? undefined : Number(blocksize),
      secret: secret === undefined ? undefined : parseSecret(secret),
      followUris: args.has('follow-uris') || undefined,
      libvirturi: args.value('connect'),
    },
    keys: args.values('key').map(parseKey),
    progress: (args.value('progress') ?? 'auto') as ProgressChoice,
    accel: (args.value('accel') ?? 'auto') as Accelerator,
    template: args.value('template') as TemplateMode | undefined,
    timeout: args.milliseconds('timeout'),
  };
}

/** Values of {@link mountOptions}. */
export interface MountArguments {
  readonly root?: string | undefined;
  readonly mountable?: string | undefined;
}

export function mountArguments(args: Arguments): MountArguments {
  if (args.has('root') && args.has('mount')) throw args.wrong('--root and --mount exclude each other');
  return { root: args.value('root'), mountable: args.value('mount') };
}
