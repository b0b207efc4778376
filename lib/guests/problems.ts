import { GuestfsError } from '../faults/errors';
import { isFatal } from '../faults/kinds';
import type { InspectionProblem } from './report';

/** Whether a call has failed after which more can be asked of the handle. */
export function isRefusal(error: unknown): error is GuestfsError {
  return error instanceof GuestfsError && !isFatal(error);
}

/** Codes of what people should know, and what does not keep anything from being found out. */
const harmless: ReadonlySet<string> = new Set([
  'ERR_GUESTFS_FSTAB',
  'ERR_GUESTFS_HIBERNATED',
  'ERR_GUESTFS_IMAGE_DIRTY',
  'ERR_GUESTFS_ODD_SIZE',
  'ERR_GUESTFS_UNCLEAN',
]);

/** Whether a problem means that something was not found out, or may be wrong. */
export const isHarmless = (code: string): boolean => harmless.has(code);

/** Collects what fails, so that one failure does not lose the rest. */
export class Problems {
  /** Failures of calls, with the devices that they are about. */
  readonly errors: { readonly device: string | null; readonly error: GuestfsError }[] = [];
  readonly #list: InspectionProblem[];
  /** Devices by what the appliance's kernel calls them, for whatever its programs say. */
  kernelNames: ReadonlyMap<string, string> = new Map();

  constructor(list: InspectionProblem[]) {
    this.#list = list;
  }

  note(device: string | null, code: string, message: string, operation = 'inspect'): void {
    this.#list.push({ code, operation, device, message });
  }

  noteError(device: string | null, error: GuestfsError): void {
    const { code, operation, message } = error;
    this.note(device, code, this.#inOurNames(message, device), operation);
    this.errors.push({ device, error });
  }

  /** A message of a device with the name that the report has for it. Others may be names of the report already. */
  #inOurNames(message: string, device: string | null): string {
    const block = device === null ? undefined : /\/dev\/[a-z]+\d*/.exec(device)?.[0];
    const kernelName = [...this.kernelNames].find(([, each]) => each === block)?.[0];
    if (block === undefined || kernelName === undefined || kernelName === block) return message;
    const isNamed = new RegExp(`${block}(?![\\w])`).test(message);
    return isNamed ? message : message.replace(new RegExp(`${kernelName}(?![\\w])`, 'g'), block);
  }

  /** Returns what `work` does, or notes its failure and returns undefined. */
  async attempt<T>(device: string | null, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.noteError(device, error);
      return undefined;
    }
  }
}

/** Result of a call, or null where libguestfs has no answer and that means nothing. */
export async function orNull<T>(call: Promise<T>): Promise<T | null> {
  try {
    return await call;
  } catch (error) {
    if (isRefusal(error)) return null;
    throw error;
  }
}
