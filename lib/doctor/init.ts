// Who reaps the processes that are left behind: a qemu whose parent has ended becomes a child of process 1.
import { basename } from 'node:path';
import { type Finding, ok, warning } from './finding';
import type { Machine } from './machine';

/** Programs that start others and do not reap what they inherit. */
const negligent = /^(node|nodejs|npm|npx|yarn|pnpm|bun|deno|python[\d.]*|java|sleep|tail)$/;

export function checkInit(machine: Machine): Finding[] {
  const program = programOf(machine);
  const zombies = zombiesOfInit(machine);
  if (zombies === 0 && machine.pid !== 1 && !negligent.test(program)) {
    return [
      ok(
        'INIT',
        'Processes that are left behind are reaped',
        program ? `Process 1 is ${program}` : 'There is an init',
      ),
    ];
  }
  const evidence = zombies > 0 ? `, and ${zombies} that have ended are still in the process table` : '';
  return [
    warning(
      'NO_INIT',
      'Nobody reaps processes that are left behind',
      `Process 1 is ${machine.pid === 1 ? 'this program' : program || 'no init'}${evidence}: each qemu whose program has ended stays as a zombie. Run the container with an init`,
      'docker run --init',
    ),
  ];
}

function programOf(machine: Machine): string {
  const [path = ''] = (machine.text('/proc/1/cmdline') ?? '').split('\0');
  return basename(path);
}

function zombiesOfInit(machine: Machine): number {
  const processes = machine.names('/proc').filter((name) => /^\d+$/.test(name));
  // The program's name, in parentheses, may contain anything.
  return processes.filter((pid) => /\) Z 1 [^)]*$/.test(machine.text(`/proc/${pid}/stat`) ?? '')).length;
}
