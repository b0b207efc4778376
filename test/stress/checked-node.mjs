// How a program starts another one under the checker under which it runs itself.

const variable = 'GUESTFS_STRESS_NODE';

/** For the environment of the first program: `command` is node with what goes before it, `env` what it needs. */
export const describeCheckedNode = (command, env) => ({
  [variable]: JSON.stringify({ command, env }),
  ...env,
});

/**
 * The same, for its children. `leaks: false` is for programs that end by process.exit() or an exception: Node.js leaves
 * its heap in place then, and everything in it would be a leak.
 */
export function checkedNode({ leaks }) {
  const { command = [process.execPath, '--expose-gc'], env = {} } = JSON.parse(process.env[variable] ?? '{}');
  const options = leaks ? {} : { ASAN_OPTIONS: `${env.ASAN_OPTIONS ?? ''}:detect_leaks=0` };
  return { command, env: { ...process.env, ...env, ...options } };
}

/** libguestfs starts programs that are none of our business: they run without the checker. */
export function keepCheckerToOurselves() {
  delete process.env.LD_PRELOAD;
}
