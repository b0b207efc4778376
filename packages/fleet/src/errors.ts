// Errors of the fleet, and the way of errors from one machine to another: as codes and fields, not as words.
import { AbortError, GuestfsError } from 'guestfs';

/** Code of a {@link FleetError}. */
export type FleetErrorCode =
  | 'ERR_GUESTFS_FLEET_BATCH'
  | 'ERR_GUESTFS_FLEET_CANCELLED'
  | 'ERR_GUESTFS_FLEET_CLOSED'
  | 'ERR_GUESTFS_FLEET_DRIVER'
  | 'ERR_GUESTFS_FLEET_IMAGE_REFUSED'
  | 'ERR_GUESTFS_FLEET_JOB_LOST'
  | 'ERR_GUESTFS_FLEET_NOT_REPEATED'
  | 'ERR_GUESTFS_FLEET_OPTION'
  | 'ERR_GUESTFS_FLEET_PAYLOAD'
  | 'ERR_GUESTFS_FLEET_RESULT'
  | 'ERR_GUESTFS_FLEET_ROOT'
  | 'ERR_GUESTFS_FLEET_SERVER'
  | 'ERR_GUESTFS_FLEET_STORE'
  | 'ERR_GUESTFS_FLEET_TASK'
  | 'ERR_GUESTFS_FLEET_VERSION'
  | 'ERR_GUESTFS_FLEET_WORKER_LOST';

/** Error of the fleet itself: of a job that could not be given to a worker, or that no worker would, or could, do. */
export class FleetError extends Error {
  /** Code for programs: what is wrong. */
  readonly code: FleetErrorCode;

  constructor(code: FleetErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /** Name of the class, `'FleetError'`. */
  override get name(): string {
    return 'FleetError';
  }
}

/** An error on its way between machines. */
export interface WireError {
  readonly name: string;
  readonly code?: string | undefined;
  readonly message: string;
  readonly operation?: string | undefined;
  readonly errno?: number | undefined;
  readonly shortMessage?: string | undefined;
  readonly hint?: string | undefined;
}

/** Characters of a text that goes over the wire, and of a name. */
const longestText = 8192;
const longestName = 256;

export function toWire(thrown: unknown): WireError {
  const error = (typeof thrown === 'object' && thrown !== null ? thrown : { message: String(thrown) }) as {
    [field in keyof WireError]?: unknown;
  };
  const text = (value: unknown, longest = longestText) =>
    typeof value === 'string' ? value.slice(0, longest) : undefined;
  const errno = Number.isSafeInteger(error.errno) ? (error.errno as number) : undefined;
  return {
    name: text(error.name, longestName) ?? 'Error',
    code: text(error.code, longestName),
    message: text(error.message) ?? '',
    operation: text(error.operation, longestName),
    errno,
    shortMessage: text(error.shortMessage),
    hint: text(error.hint),
  };
}

/** The error as the class that it was of, without the stack and the cause that it had on the other machine. */
export function fromWire(wire: WireError): Error {
  const { name, code = 'ERR_GUESTFS', message, operation = 'inspect', errno, shortMessage, hint } = wire;
  if (name === 'FleetError') return new FleetError(code as FleetErrorCode, message);
  if (name === 'GuestfsError')
    return new GuestfsError(message, { code, operation, errno, shortMessage, hint });
  if (name === 'AbortError') return new AbortError(operation, undefined);
  const error = Object.assign(new Error(message), wire.code === undefined ? {} : { code });
  Object.defineProperty(error, 'name', { value: name, configurable: true });
  return error;
}

export function wasCancelled(): FleetError {
  return new FleetError('ERR_GUESTFS_FLEET_CANCELLED', 'the batch was cancelled');
}
