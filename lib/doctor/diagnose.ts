import { AbortError, GuestfsError } from '../faults/errors';
import { checkAppliance, findAppliance } from './appliance';
import { checkBackend, checkNetwork } from './backend';
import type { Finding } from './finding';
import { checkSockdir, checkTmpdir } from './folders';
import { checkImage } from './images';
import { checkInit } from './init';
import { checkKernel } from './kernel';
import { checkKvm } from './kvm';
import { checkLaunch } from './launch';
import { checkHypervisor, checkLibrary, checkQemuImg, libraryFailed, settingsRefused } from './library';
import { type Machine, thisMachine } from './machine';
import { checkMemory } from './memory';
import { type CheckedDiagnoseOptions, checkDiagnoseOptions, type DiagnoseOptions } from './options';
import { checkPermissions } from './permissions';
import { readSettings, type Settings } from './settings';
import { checkTemplates, findTemplates } from './templates';

/** `diagnose()`, as index.ts explains it. */
export async function diagnose(options?: DiagnoseOptions): Promise<Finding[]> {
  const checked = checkDiagnoseOptions(options);
  try {
    return await collect(thisMachine(), checked);
  } catch (error) {
    if (checked.signal?.aborted) throw new AbortError('diagnose', checked.signal.reason);
    throw error;
  }
}

async function collect(machine: Machine, options: CheckedDiagnoseOptions): Promise<Finding[]> {
  const { images, launch = true, handleOptions, onFinding, signal } = options;
  const findings: Finding[] = [];
  const add = (more: readonly Finding[]) => {
    signal?.throwIfAborted();
    for (const finding of more) {
      findings.push(finding);
      onFinding?.(finding);
    }
  };
  signal?.throwIfAborted();
  const settings = await readSettings(handleOptions).catch((error) => {
    add([whyUnusable(machine, error)]);
    return undefined;
  });
  const restricted = checkPermissions(machine);
  if (restricted.length > 0) {
    if (settings) add(checkLibrary(settings));
    add(restricted);
  } else {
    add(settings ? checkAll(machine, settings) : checkWithoutLibrary(machine));
    if (settings) add(checkTemplates(machine, settings, await findTemplates(settings)));
  }
  for (const image of images) add([await checkImage(image, signal)]);
  if (launch && settings) add(await checkLaunch(machine, options, findings));
  return findings;
}

/** Why there is no handle; what is wrong with the options is the program's own fault, and is thrown. */
function whyUnusable(machine: Machine, error: Error & { code?: unknown }): Finding {
  if (error.code === 'ERR_GUESTFS_NOT_LOADED') return libraryFailed(machine, error);
  if (error instanceof GuestfsError) return settingsRefused(machine, error);
  throw error;
}

/** Makes all checks, in the order in which one needs the other. */
export function checkAll(machine: Machine, settings: Settings): Finding[] {
  const needsKernel = findAppliance(machine, settings.path)?.kind !== 'fixed';
  return [
    ...checkLibrary(settings),
    ...checkBackend(machine, settings),
    ...checkHypervisor(machine, settings),
    ...checkQemuImg(machine),
    ...(needsKernel ? checkKernel(machine) : []),
    ...checkAppliance(machine, settings),
    ...checkTmpdir(machine, settings),
    ...checkSockdir(machine, settings),
    ...checkKvm(machine, settings),
    ...checkMemory(machine, settings),
    ...checkNetwork(machine, settings),
    ...checkInit(machine),
  ];
}

/** Makes the checks that need no libguestfs: where there is none, nobody knows what it would use. */
export function checkWithoutLibrary(machine: Machine): Finding[] {
  return [...checkQemuImg(machine), ...checkKernel(machine), ...checkKvm(machine), ...checkInit(machine)];
}
