import type { FaultCode } from '../faults/faults';

/** How bad a {@link Finding} is: as it should be, worth knowing, or something does not work. */
export type Severity = 'ok' | 'warning' | 'error';

/**
 * What {@link diagnose} can find. What is as it should be has a plain name. A fault with which a launch would reject has
 * the `code` of that error, so that one leads to the other. `docs/guides/troubleshooting.md` has them all.
 */
export type FindingCode =
  | 'APPLIANCE'
  | 'APPLIANCE_BUSY'
  | 'APPLIANCE_NOT_BUILT'
  | 'APPLIANCE_STALE'
  | 'BACKEND'
  | 'CACHEDIR'
  | 'CACHEDIR_SHORT'
  | 'HYPERVISOR'
  | 'IMAGE'
  | 'IMAGE_UNWRITABLE'
  | 'INIT'
  | 'KERNEL'
  | 'KVM'
  | 'KVM_FAILS'
  | 'KVM_FORBIDDEN'
  | 'KVM_MISSING'
  | 'LAUNCH'
  | 'LAUNCH_FAILED'
  | 'LIBRARY'
  | 'LIBRARY_OLD'
  | 'MEMORY'
  | 'NO_INIT'
  | 'QEMU_IMG'
  | 'TMPDIR'
  | 'TMPDIR_SHORT'
  | FaultCode
  | 'ERR_GUESTFS_NOT_LOADED'
  | 'ERR_GUESTFS_QEMU_IMG_MISSING'
  | 'ERR_GUESTFS_TERMINATED'
  | 'ERR_GUESTFS_TIMEOUT';

/** One thing that {@link diagnose} has looked at. */
export interface Finding {
  /** Always the same for what it stands for. */
  readonly code: FindingCode;
  /** How bad it is. */
  readonly severity: Severity;
  /** What has been found, in a few words. */
  readonly title: string;
  /** Which files, how much, and what to do where a command does not say it. */
  readonly detail: string;
  /** The command that mends it; null where nothing is to be mended, or where no one command does. */
  readonly remedy: string | null;
}

export function ok(code: FindingCode, title: string, detail: string): Finding {
  return { code, severity: 'ok', title, detail, remedy: null };
}

export function warning(
  code: FindingCode,
  title: string,
  detail: string,
  remedy: string | null = null,
): Finding {
  return { code, severity: 'warning', title, detail: sentence(detail), remedy };
}

export function failure(
  code: FindingCode,
  title: string,
  detail: string,
  remedy: string | null = null,
): Finding {
  return { code, severity: 'error', title, detail: sentence(detail), remedy };
}

/** The advice of a remedy continues an error's message. */
function sentence(text: string): string {
  return text.replace(/^[a-z](?=[a-z]* )/, (letter) => letter.toUpperCase());
}
