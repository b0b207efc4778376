import type { FaultCode } from '../faults/faults';

/**
 * Severity of a {@link Finding}: `'ok'` as it should be, `'warning'` worth knowing, `'error'` something does not work.
 */
export type Severity = 'ok' | 'warning' | 'error';

/**
 * Code of a {@link Finding}. A fault with which a launch would reject has the `code` of that error, so that one leads
 * to the other; everything else has a plain name. `docs/guides/troubleshooting.md` lists them all.
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
  | 'PERMISSIONS'
  | 'QEMU_IMG'
  | 'TEMPLATE'
  | 'TEMPLATE_NOT_MADE'
  | 'TEMPLATE_UNUSABLE'
  | 'TMPDIR'
  | 'TMPDIR_SHORT'
  | FaultCode
  | 'ERR_GUESTFS_NOT_LOADED'
  | 'ERR_GUESTFS_TEMPLATE'
  | 'ERR_GUESTFS_TERMINATED'
  | 'ERR_GUESTFS_TIMEOUT';

/** A result of one of the checks of {@link diagnose}. */
export interface Finding {
  /** Code of the finding, for programs. */
  readonly code: FindingCode;
  /** Severity of the finding. */
  readonly severity: Severity;
  /** Result of the check, in a few words. */
  readonly title: string;
  /** Particulars: which files, how much, and what to do where no command does it. */
  readonly detail: string;
  /** Shell command that mends the fault; null where nothing is to be mended, or no single command mends it. */
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

/** A sentence of a fault's text, which continues an error's message. */
function sentence(text: string): string {
  return text.replace(/^[a-z](?=[a-z]* )/, (letter) => letter.toUpperCase());
}
