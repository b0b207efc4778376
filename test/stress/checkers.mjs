// The checkers of memory and threads: how each watches node, and what it writes.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const suppressions = fileURLToPath(new URL('suppressions/', import.meta.url));
const node = [process.execPath, '--expose-gc'];

const joined = (options) =>
  Object.entries(options)
    .map(([name, value]) => `${name}=${value}`)
    .join(':');

/**
 * `mistakes`: those of the canary that it must find. `scenarios`: what it has time for, and `scale` how much of them.
 * `watch` says how to run node with an addon of this checker, given the addon's file and the prefix of its logs, which
 * `split` cuts into reports.
 */
export const checkers = {
  address: {
    title: 'AddressSanitizer and LeakSanitizer',
    mistakes: ['leak', 'readBehindBlock'],
    scale: 1,
    scenarios: ['unit', 'appliance'],
    watch: (addon, log) => ({
      command: [...preloading('libasan.so', addon), ...node],
      env: {
        // Exit codes are the scenarios' own: the reports decide.
        ASAN_OPTIONS: joined({
          log_path: log,
          exitcode: 0,
          abort_on_error: 1,
          detect_stack_use_after_return: 1,
        }),
        LSAN_OPTIONS: joined({ suppressions: `${suppressions}leak.supp`, print_suppressions: 0 }),
      },
    }),
    // One memory error and the end, or a list of leaks.
    split: (log) =>
      /ERROR: AddressSanitizer/.test(log)
        ? [log]
        : log.split(/\n\n+/).filter((part) => / leak of /.test(part)),
  },

  undefined: {
    title: 'UndefinedBehaviorSanitizer',
    mistakes: ['overflowInt'],
    scale: 1,
    scenarios: ['unit', 'appliance'],
    watch: (_, log) => ({
      command: node,
      env: { UBSAN_OPTIONS: joined({ log_path: log, print_stacktrace: 1 }) },
    }),
    split: (log) => log.split(/^(?=\S.*: runtime error: )/m).filter((part) => part !== ''),
  },

  thread: {
    title: 'ThreadSanitizer',
    mistakes: ['race'],
    scale: 1,
    scenarios: ['unit', 'appliance'],
    watch: (addon, log) => ({
      command: [...withoutRandomAddresses(), ...preloading('libtsan.so', addon), ...node],
      env: {
        TSAN_OPTIONS: joined({ log_path: log, exitcode: 0, suppressions: `${suppressions}thread.supp` }),
      },
    }),
    split: (log) => log.split(/^=+\n/m).filter((part) => /^WARNING|^FATAL/.test(part)),
  },

  valgrind: {
    title: 'valgrind',
    mistakes: ['leak', 'readBehindBlock'],
    scale: 0.05,
    scenarios: ['unit'],
    watch: (_, log) => ({
      command: [
        ...['valgrind', '--quiet', `--log-file=${log}.%p`, '--num-callers=40', '--fullpath-after='],
        ...['--leak-check=full', '--show-leak-kinds=definite', '--child-silent-after-fork=yes'],
        ...[`--suppressions=${suppressions}valgrind.supp`, ...node],
      ],
      env: {},
    }),
    split: (log) => log.split(/^==\d+== \n/m).filter((part) => /^==\d+== {4}at /m.test(part)),
  },
};

/**
 * The runtime of a sanitizer must be there before anything else. It wraps the XDR functions with which libguestfs talks
 * to its appliance, and looks for the real ones when it starts: libtirpc, which has them, must not come later with the
 * addon, or the wrappers call nothing.
 */
function preloading(runtime, addon) {
  const file = run(process.env.CXX ?? 'g++', `-print-file-name=${runtime}`).trim();
  const [, xdr] = /(\S*\/libtirpc\.so\S*)/.exec(run('ldd', addon)) ?? [];
  return ['env', `LD_PRELOAD=${[file, xdr].filter(Boolean).join(' ')}`];
}

/** ThreadSanitizer finds its memory taken where addresses are too random. */
function withoutRandomAddresses() {
  const command = ['setarch', '-R'];
  return spawnSync(command[0], [...command.slice(1), 'true']).status === 0 ? command : [];
}

function run(command, ...args) {
  const { stdout, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (error) throw error;
  return stdout;
}

export const builtFor = (root, checker, name) =>
  path.join(root, `build-${checker}`, 'RelWithDebInfo', `${name}.node`);
