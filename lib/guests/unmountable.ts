// Why a filesystem cannot be mounted: mount(8) lists what it might be, the kernel of the appliance has said what it is.
import { errorFor, type GuestfsError } from '../faults/errors';
import type { Guestfs } from '../guestfs';
import { isRefusal, orNull } from './problems';

type Calls = Pick<Guestfs, 'dmesg' | 'vfsType'>;

/** mount(8), of what the kernel refuses. Nothing of an image stands before these words. */
const refused =
  /(?:^|: )mount exited with status 32: mount: \S+: (?:wrong fs type, bad option, bad superblock on |can't read superblock on |mount\(2\) system call failed: Structure needs cleaning)/;

/** A driver's word on a filesystem, as `EXT4-fs (sda1): bad geometry` or `BTRFS error (device sda2): no root`. */
const driversWord =
  /^(?:<\d>)?(?:\[ *\d+\.\d+\] )?([A-Za-z][\w-]{2,15})((?: \w+)?) ?\((?:device )?[\w:. -]{1,64}\): (.+)$/;

/** What does not say what is wrong. */
const isIdle = (level: string, words: string) =>
  /^ (?:info|notice)$/.test(level) || /^(?:open_ctree failed|Mounting |mount(?:ing|ed)\b)/.test(words);

const mostWords = 2;
const longestWord = 200;

/**
 * Makes a mount, and says what the kernel says where it refuses it: what it has said is what it says once more when the
 * mount is tried again.
 *
 * @throws GuestfsError ERR_GUESTFS_UNMOUNTABLE, or the mount's own error
 */
export async function mounting(g: Calls, device: string, mount: () => Promise<void>): Promise<void> {
  try {
    await mount();
  } catch (error) {
    if (!isRefusal(error) || !refused.test(error.shortMessage)) throw error;
    const before = (await orNull(g.dmesg())) ?? '';
    const again = await mount().catch((reason: unknown) => reason);
    if (again === undefined) return;
    if (!isRefusal(again)) throw again;
    throw unmountable(
      error,
      device,
      await orNull(g.vfsType(device)),
      since(before, (await orNull(g.dmesg())) ?? ''),
    );
  }
}

function unmountable(error: GuestfsError, device: string, type: string | null, said: string): GuestfsError {
  const words = reasonsIn(said);
  const what = type ? `the ${type} filesystem on ${device}` : `what is on ${device}`;
  const why = words.length > 0 ? `the kernel says: ${words.join('; ')}` : 'the kernel does not say why';
  return errorFor({
    ...{
      code: 'ERR_GUESTFS_UNMOUNTABLE',
      errno: error.errno,
      operation: error.operation,
      cause: error,
      unnamed: true,
    },
    problem: `${what} cannot be mounted; ${why}`,
    joint: '; ',
    hint: 'it is damaged or cut off, or has features that are newer than this appliance: copy the image again to its end, or let the fsck of the filesystem mend a copy of it',
  });
}

/** What has come to the kernel's messages, of which the oldest go. */
function since(before: string, now: string): string {
  if (now.startsWith(before)) return now.slice(before.length);
  const last = before.trimEnd().split('\n').at(-1) ?? '';
  return now.slice(now.lastIndexOf(last) + last.length);
}

/** The kernel's reasons among its messages, a few. */
export function reasonsIn(messages: string): string[] {
  const found = new Set<string>();
  for (const line of messages.split('\n')) {
    const [, , level = '', words = ''] = driversWord.exec(line.slice(0, 1000)) ?? [];
    if (words === '' || isIdle(level, words)) continue;
    found.add(words.length > longestWord ? `${words.slice(0, longestWord)}…` : words);
    if (found.size === mostWords) break;
  }
  return [...found];
}
