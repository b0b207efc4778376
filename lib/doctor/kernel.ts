// The kernel of the appliance: supermin takes the newest one that it finds.

import { basename, dirname, join } from 'node:path';
import { missingKernel, noKernel, textOf, unreadableKernel } from '../faults/faults';
import { installCommand } from '../faults/packages';
import { shellWord } from '../text/shell';
import { asRoot } from './command';
import { type Finding, failure, ok } from './finding';
import type { Machine } from './machine';

const modules = '/lib/modules';
/** Kernels for Xen's own machines, for dumps, and for those who look for faults: supermin passes over them. */
const unsuitable = /xen|zfcpdump|\+debug/;

export function checkKernel(machine: Machine): Finding[] {
  const kernel = chosenKernel(machine);
  if (kernel === undefined) {
    const fault = noKernel(machine.distribution);
    return [
      failure(
        fault.code,
        'There is no kernel for the appliance',
        textOf(fault),
        installCommand(['kernel'], machine.distribution),
      ),
    ];
  }
  const refused = machine.refusal(kernel, 'read');
  if (refused === undefined) return [ok('KERNEL', 'The kernel can be read', kernel)];
  const title = 'The kernel cannot be read';
  if (refused === 'ENOENT') {
    const fault = missingKernel(kernel);
    return [failure(fault.code, title, textOf(fault), 'unset SUPERMIN_KERNEL')];
  }
  const fault = unreadableKernel(kernel);
  return [failure(fault.code, title, textOf(fault), asRoot(machine, `chmod 0644 ${shellWord(kernel)}`))];
}

/** Kernel that supermin takes, by its own rules. */
function chosenKernel(machine: Machine): string | undefined {
  const { SUPERMIN_KERNEL: named, SUPERMIN_KERNEL_VERSION: version } = machine.env;
  // What it cannot read the version from, it passes over.
  if (named && (version || !machine.refusal(named, 'read'))) return named;
  const withModules = machine.names(modules).map((version) => join(modules, version, 'vmlinuz'));
  const inBoot = machine
    .names('/boot')
    .filter((name) => /^vmlinu.-/.test(name))
    .map((name) => join('/boot', name));
  return (
    newest(withModules.filter((path) => !unsuitable.test(path) && machine.facts(path))) ??
    newest(inBoot.filter((path) => !unsuitable.test(path) && hasModules(machine, path)))
  );
}

function hasModules(machine: Machine, kernel: string): boolean {
  return machine.facts(join(modules, versionOf(kernel), 'modules.dep')) !== undefined;
}

function versionOf(kernel: string): string {
  return basename(kernel) === 'vmlinuz'
    ? basename(dirname(kernel))
    : basename(kernel).slice('vmlinuz-'.length);
}

function newest(kernels: readonly string[]): string | undefined {
  const byVersion = new Intl.Collator('en', { numeric: true });
  return [...kernels].sort((a, b) => byVersion.compare(versionOf(a), versionOf(b))).at(-1);
}
