// The end of a process, with handles in all states.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { checkedNode } from '../checked-node.mjs';
import { makeFifo, withFolder } from '../library.mjs';

const program = fileURLToPath(new URL('../program.mjs', import.meta.url));
const codes = { end: 0, exit: 3, exitInCalls: 3, exitInListener: 3, exitWhileClosing: 3, exitWithMany: 3 };

export async function exits() {
  for (const [how, code] of Object.entries(codes)) await ends(code, how);
  await ends(1, 'throws');
  await withFolder((folder) => ends(3, 'stuck', makeFifo(folder)));
}

/** Runs a program under the same checker as this one. */
export async function ends(expected, ...args) {
  const { command, env } = checkedNode({ leaks: expected === 0 });
  const [executable, ...options] = [...command, program, ...args];
  const child = spawn(executable, options, { env, stdio: ['ignore', 'inherit', 'pipe'] });
  const [[code, signal], stderr] = await Promise.all([once(child, 'close'), text(child.stderr)]);
  assert.equal(signal ?? code, expected, `${args[0]} ended with ${signal ?? code}: ${stderr}`);
}
