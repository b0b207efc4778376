/** Hypervisors that fail as some do. */
import { accessSync, constants, existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Guestfs } from '../../lib';
import { testUnless } from './conditions';

/**
 * What happens to the appliance: under KVM its guest `hangs` behind the firmware or its qemu `dies`, while emulation
 * works; a `broken` one dies under both, a `leaving` one once it has connected to libguestfs, which then forgets its
 * drives; a `starved` one gets no memory, a `stopped` one no processor, a `sleeping` and a `busy` one keep silent.
 */
export type Fault = 'hangs' | 'dies' | 'broken' | 'leaving' | 'starved' | 'stopped' | 'sleeping' | 'busy';

/** Stands between libguestfs and the real qemu, and keeps a list of the appliances that it was to start. */
export class FaultyHypervisor {
  readonly #folder: string;
  readonly path: string;
  readonly #attempts: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.path = join(folder, 'qemu');
    this.#attempts = join(folder, 'attempts');
  }

  static async make(fault: Fault): Promise<FaultyHypervisor> {
    const hypervisor = new FaultyHypervisor(await mkdtemp(join(tmpdir(), 'guestfs-hv-')));
    const { path } = hypervisor;
    const real = await realHypervisor();
    await writeFile(path, script(real, fault, hypervisor.#attempts));
    await chmod(path, 0o755);
    // libguestfs keeps what it has found out about a qemu by its size and time: it need not find out again.
    const { mtime } = await stat(real);
    await utimes(path, mtime, mtime);
    await writeFile(hypervisor.#attempts, '');
    return hypervisor;
  }

  /** The accelerators with which an appliance was started, in order. */
  async attempts(): Promise<string[]> {
    return (await readFile(this.#attempts, 'utf8')).split('\n').filter(Boolean);
  }

  async forgetAttempts(): Promise<void> {
    await writeFile(this.#attempts, '');
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

export async function realHypervisor(): Promise<string> {
  await using g = new Guestfs();
  const hv = await g.getHv();
  if (hv.includes('/')) return hv;
  // Since 1.60 libguestfs looks for it in the PATH.
  const folders = (process.env.PATH ?? '').split(':');
  const found = folders.map((folder) => join(folder, hv)).find((path) => existsSync(path));
  if (!found) throw new Error(`there is no ${hv} in the PATH: install qemu`);
  return found;
}

function script(real: string, fault: Fault, attempts: string): string {
  // A paused guest is as silent as one that hangs; it is emulated so that this needs no working KVM.
  const hang = `printf 'SeaBIOS (a test)\\r\\nBooting from ROM...\\r\\n'
exec '${real}' "$@" -machine accel=tcg -cpu max -S`;
  const die = `echo 'qemu: the accelerator failed as the test wants it' >&2
exit 1`;
  const leave = `socket=$(printf '%s\\n' "$@" | sed -n 's/^socket,path=\\(.*\\),id=channel0$/\\1/p')
exec '${process.execPath}' -e 'require("node:net").connect(process.argv[1], process.exit)' "$socket"`;
  const everywhere: Partial<Record<Fault, string>> = {
    broken: die,
    leaving: leave,
    starved: `ulimit -v 400000; exec '${real}' "$@"`,
    stopped: 'kill -STOP $$',
    sleeping: 'sleep 600',
    busy: 'while :; do :; done',
  };
  return `#!/bin/sh
# Only an appliance has the socket; the rest are questions about qemu's features.
case "$*" in *guestfsd.sock*) ;; *) exec '${real}' "$@" ;; esac
case "$*" in *accel=tcg*) accel=tcg ;; *) accel=kvm ;; esac
echo $accel >> '${attempts}'
${everywhere[fault] ?? `[ $accel = tcg ] && exec '${real}' "$@"\n${fault === 'hangs' ? hang : die}`}
`;
}

function whyNoKvm(): string | undefined {
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
    return undefined;
  } catch (error) {
    return `/dev/kvm cannot be opened (${(error as NodeJS.ErrnoException).code}), so libguestfs never asks for KVM`;
  }
}

/** For tests in which libguestfs has to choose KVM, be it one that works or not. */
export const testWithKvm = testUnless(whyNoKvm());

export const kvmCanBeOpened = whyNoKvm() === undefined;
