// What this machine's KVM is worth. /dev/kvm existing proves nothing: on some virtual machines
// the guest hangs, on others qemu dies.
import { accessSync, constants, mkdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname } from 'node:path';
import { bootId } from './boot-id';
import { cacheFile, writeWhole } from './cache-file';
import { isForbidden } from './permissions';

const device = '/dev/kvm';

/** `unknown`: Node's permission model does not let this process look. */
export type KvmState = 'usable' | 'missing' | 'forbidden' | 'unknown';

/** Whether an appliance with these settings of its backend will be emulated, as far as that is known. */
export function isEmulated(settings: readonly string[]): boolean {
  const forces = (accelerator: string) => settings.some((each) => each.split('=')[0] === accelerator);
  if (forces('force_tcg') || kvmState() !== 'usable') return true;
  return !forces('force_kvm') && kvmIsKnownToFail();
}

/** Whether /dev/kvm is there and may be opened; not whether guests run on it. */
export function kvmState(): KvmState {
  try {
    accessSync(device, constants.R_OK | constants.W_OK);
    return 'usable';
  } catch (error) {
    if (isForbidden(error)) return 'unknown';
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'missing' : 'forbidden';
  }
}

/**
 * How long a verdict holds, in milliseconds: a day. A moment in which a busy machine kept a guest from its work must not
 * cost every later launch its speed. Nor does it outlive a boot: another kernel or another host may behave otherwise.
 */
const verdictHoldsMs = 24 * 60 * 60 * 1000;

interface Verdict {
  readonly kvm: 'fails';
  readonly bootId: string;
  /** Time when a launch found it out, in ISO 8601. */
  readonly found: string;
}

/** File in which the verdict is kept for this user's other processes; undefined where there is no home. */
export function verdictFile(): string | undefined {
  return cacheFile('kvm.json', { HOME: home(), ...process.env });
}

/** Also where no variable says it, as in a service. */
function home(): string | undefined {
  try {
    return homedir();
  } catch {
    return undefined;
  }
}

/**
 * Time when a launch of this process found out, or another one whose verdict this one has read; milliseconds since the
 * epoch.
 */
let foundHere: number | undefined;

export function kvmIsKnownToFail(now = Date.now()): boolean {
  if (!holds(foundHere, now)) foundHere = readVerdict();
  return holds(foundHere, now);
}

/** Whether a verdict holds. A time to come is that of a clock that has been put back since. */
function holds(found: number | undefined, now: number): boolean {
  return found !== undefined && found <= now && now - found < verdictHoldsMs;
}

function readVerdict(): number | undefined {
  try {
    const verdict = JSON.parse(readFileSync(verdictFile() ?? '', 'utf8')) as Partial<Verdict>;
    const holdsHere = verdict.kvm === 'fails' && verdict.bootId !== undefined && verdict.bootId === bootId();
    return holdsHere && typeof verdict.found === 'string' ? Date.parse(verdict.found) : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps the verdict for this process and, where the file can be written, for this user's others. */
export function rememberThatKvmFails(): void {
  const now = Date.now();
  foundHere = now;
  const id = bootId();
  const file = verdictFile();
  if (id === undefined || file === undefined) return;
  const verdict: Verdict = { kvm: 'fails', bootId: id, found: new Date(now).toISOString() };
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeWhole(file, JSON.stringify(verdict));
  } catch {
    // This process alone.
  }
}
