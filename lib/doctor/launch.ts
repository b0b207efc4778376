// The proof: an appliance, with nothing in it.

import { GuestfsError, tell } from '../faults/errors';
import type { Guestfs } from '../guestfs';
import { kvmIsKnownToFail } from '../host/kvm';
import { type WarningDetails, warned } from '../launch/warned';
import { printableLines } from '../text/lines';
import { type Finding, type FindingCode, failure, ok } from './finding';
import { kvmFails } from './kvm';
import type { Machine } from './machine';
import type { CheckedDiagnoseOptions } from './options';
import { makeHandle } from './settings';
import { templateVerdict } from './templates';

/**
 * Timeout, milliseconds, that is long enough for a KVM that hangs, a build of the appliance and emulation, one after
 * the other.
 */
const defaultTimeout = 180_000;

/** `before` are the findings that may explain why it fails. */
export async function checkLaunch(
  machine: Machine,
  { timeout = defaultTimeout, signal, handleOptions, onHandle }: CheckedDiagnoseOptions,
  before: readonly Finding[],
): Promise<Finding[]> {
  const g = makeHandle(handleOptions);
  const warnings: WarningDetails[] = [];
  const began = performance.now();
  try {
    g[warned] = (about) => warnings.push(about);
    g.on('warning', () => undefined); // else it would be printed
    onHandle?.(g);
    await g.addDrive('/dev/null', { format: 'raw' });
    await g.launch({ timeout, signal });
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    const from = g.launchWay?.from === 'template' ? ', from a template' : '';
    const how =
      (await g.getBackend()) === 'direct' && machine.kvm !== 'unknown'
        ? `, ${await acceleration(g, machine, warnings)}${from}`
        : '';
    return [
      ok('LAUNCH', 'An appliance starts', `In ${seconds} s${how}`),
      ...kvmVerdict(machine, warnings, before),
      ...templateVerdict(g.launchWay, before),
    ];
  } catch (error) {
    if (signal?.aborted || !(error instanceof GuestfsError)) throw error;
    return [explainLaunch(error, before)];
  } finally {
    await g.close();
  }
}

async function acceleration(
  g: Guestfs,
  { kvm }: Machine,
  warnings: readonly WarningDetails[],
): Promise<string> {
  const emulated =
    kvm !== 'usable' ||
    warnings.length > 0 ||
    kvmIsKnownToFail() ||
    (await g.getBackendSettings()).includes('force_tcg');
  return emulated ? 'under emulation' : 'with KVM';
}

/** A launch that has had to do without KVM says why; once is enough. */
export function kvmVerdict(
  machine: Pick<Machine, 'kvmVerdict'>,
  [warning]: readonly WarningDetails[],
  before: readonly Finding[],
): Finding[] {
  if (!warning || before.some(({ code }) => code === 'KVM_FAILS')) return [];
  return [kvmFails(machine, warning.why)];
}

/** Finding of a launch that failed, with the remedy of the finding that has foretold it. */
export function explainLaunch(error: GuestfsError, before: readonly Finding[]): Finding {
  const { code } = error;
  const cause = before.find((finding) => finding.code === code);
  const known = code.startsWith('ERR_GUESTFS_') ? (code as FindingCode) : 'LAUNCH_FAILED';
  const words = printableLines(tell(error, { more: false })); // more is found out here
  const others = before.filter(({ severity }) => severity === 'error').map((finding) => finding.code);
  if (!cause && others.length > 0)
    words.push(`Perhaps because of what was found before: ${others.join(', ')}`);
  return failure(known, 'An appliance does not start', words.join('\n'), cause?.remedy ?? null);
}
