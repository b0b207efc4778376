// What is compared. `measure` returns a number for each contestant, in `unit`; `limits` are what ours is held to: a
// `ratio` to another contestant, or so much `atMost`.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { root } from '../../scripts/steps.mjs';
import { deviceSize, treeFiles } from './stage.mjs';

const command = path.join(root, 'dist/cli/main.js');
const launching = [path.join(root, 'bench/support/launch.mjs')];
const rounds = 5;

export const rows = {
  ping: {
    title: 'round trip to the appliance, one at a time',
    unit: 'µs',
    limits: [{ to: 'c', ratio: 1.1 }],
    measure: async (stage) => byTurns(await stage.launched(), 500, ['ping', 500]),
  },

  pings: {
    title: 'the same, 64 queued at once',
    unit: 'µs',
    limits: [{ to: 'c', ratio: 1 }],
    measure: async (stage) => byTurns(await stage.launched(), 640, ['ping', 640], ['pingsAtOnce', 640, 64]),
  },

  look: {
    title: 'call without the appliance, awaited',
    unit: 'µs',
    limits: [{ atMost: 15 }],
    measure: (stage) => byTurns(stage.idle(), 20_000, ['look', 20_000]),
  },

  looks: {
    title: '100,000 of them at once',
    unit: 'µs',
    limits: [{ atMost: 3 }],
    measure: async (stage) => byTurns(stage.idle(), 100_000, ['look', 100_000], ['looksAtOnce', 100_000]),
  },

  download: {
    title: 'device of 1 GiB to a stream',
    unit: 's',
    limits: [{ to: 'c', ratio: 1.05 }, { grownMiB: 32 }],
    measure: async (stage) => once(await stage.launched(), ['download', '/dev/sdb']),
  },

  upload: {
    title: 'stream of 1 GiB to a file',
    unit: 's',
    limits: [{ to: 'c', ratio: 1.05 }, { grownMiB: 32 }],
    async measure(stage) {
      const file = ['upload', stage.zeros(deviceSize), '/uploaded'];
      return once(await stage.launched(), file, ['upload', deviceSize, '/uploaded']);
    },
  },

  walk: {
    title: `walk of ${treeFiles.toLocaleString('en')} files`,
    unit: 's',
    limits: [
      { to: 'tool', ratio: 0.12 },
      { to: 'python', ratio: 0.5 },
    ],
    tool: 'virt-ls -lR, less its launch',
    async measure(stage) {
      const list = (...args) => seconds('virt-ls', '-a', disk, '-m', '/dev/sda', ...args);
      const disk = await stage.tree();
      const walks = await once(await stage.launched(), ['walk', '/tree']);
      return { ...walks, tool: list('-lR', '/tree') - list('/lost+found') };
    },
  },

  launch: {
    title: 'launch, whole process, template there',
    unit: 's',
    limits: [{ to: 'tool', ratio: 0.1 }],
    tool: 'guestfish run',
    async measure(stage) {
      const [disk] = await stage.debians(1);
      const taken = await inTurns(3, {
        ...Object.fromEntries(
          ['ours', 'c', 'python'].map((name) => [name, () => launchWhole(stage, name, disk)]),
        ),
        tool: () => seconds('guestfish', '--format=qcow2', '-a', disk, 'run'),
      });
      return taken;
    },
  },

  firstLaunch: {
    title: 'first launch of a machine: appliance and template made',
    unit: 's',
    limits: [{ to: 'tool', ratio: 1.2 }],
    tool: 'guestfish run',
    async measure(stage) {
      const [disk] = await stage.debians(1);
      const first = (work) => withFreshCache((env) => work(env));
      return inTurns(1, {
        ours: () => first((env) => seconds(process.execPath, ...launching, disk, { env })),
        tool: () => first((env) => seconds('guestfish', '--format=qcow2', '-a', disk, 'run', { env })),
      });
    },
  },

  drives: {
    title: 'launch with 27 drives',
    unit: 's',
    limits: [{ to: 'tool', ratio: 0.4 }],
    tool: 'guestfish run',
    async measure(stage) {
      const disks = await stage.debians(27);
      return inTurns(1, {
        ours: () => seconds(process.execPath, ...launching, ...disks),
        tool: () => seconds('guestfish', '--format=qcow2', ...disks.flatMap((disk) => ['-a', disk]), 'run'),
      });
    },
  },

  memory: {
    title: 'memory of an appliance, proportional',
    unit: 'MiB',
    limits: [{ to: 'tool', ratio: 1.05 }],
    tool: 'booted',
    async measure(stage) {
      const [disk] = await stage.debians(1);
      const used = (template) => async () => {
        const { stdout } = run(process.execPath, [...launching, disk, `--template=${template}`, '--memory']);
        return Number(stdout);
      };
      return inTurns(3, { ours: used('only'), tool: used('never') });
    },
  },

  list: {
    title: 'a folder of a Debian, whole process',
    unit: 's',
    limits: [{ to: 'tool', ratio: 0.2 }],
    tool: 'virt-ls',
    async measure(stage) {
      const [disk] = await stage.debians(1);
      return inTurns(3, {
        ours: () => seconds(process.execPath, command, 'ls', disk, '/etc'),
        tool: () => seconds('virt-ls', '-a', disk, '/etc'),
      });
    },
  },

  inspect: {
    title: 'inspection of a Debian, whole process',
    unit: 's',
    limits: [{ to: 'tool', ratio: 0.3 }],
    tool: 'virt-inspector',
    async measure(stage) {
      const [disk] = await stage.debians(1);
      return inTurns(3, {
        ours: () => seconds(process.execPath, command, 'inspect', '--json', disk),
        tool: () => seconds('virt-inspector', '-a', disk),
      });
    },
  },

  inspectAll: {
    title: 'inspection of 8 images',
    unit: 's',
    limits: [{ to: 'tool', ratio: 0.35 }],
    tool: 'xargs -P2 virt-inspector',
    async measure(stage) {
      const disks = await stage.debians(8);
      const eachOf = `printf '%s\\n' "$@" | xargs -P2 -n1 virt-inspector -a`;
      return inTurns(1, {
        ours: () => seconds(process.execPath, command, 'inspect', '--json', ...disks),
        tool: () => seconds('sh', '-c', eachOf, 'sh', ...disks),
      });
    },
  },

  callback: {
    title: 'from a call to its event, p99',
    unit: 'ms',
    limits: [{ atMost: 2 }],
    async measure(stage) {
      const { p99, gaps } = await stage.idle().ours.do('watch', 'callbacks', 1000);
      return { ours: p99, gaps };
    },
  },

  trace: {
    title: '1,000,000 trace events',
    unit: 's',
    limits: [{ to: 'python', ratio: 1 }, { grownMiB: 32 }],
    measure: async (stage) => once(stage.idle(), ['trace', 1_000_000]),
  },
};

/**
 * Microseconds for one of `count` calls: the median of some rounds, by turns, so that other work hits all alike. Ours does
 * one more round for the event loop's gaps: watching them takes time of its own.
 */
async function byTurns({ ours, ...others }, count, task, oursTask = task) {
  const oneCall = async (contestant, does) => ((await contestant.do(...does)).seconds / count) * 1e6;
  const works = { ours: () => oneCall(ours, oursTask) };
  for (const [name, other] of Object.entries(others)) works[name] = () => oneCall(other, task);
  const taken = await inTurns(rounds, works);
  const { gaps } = await ours.do('watch', ...oursTask);
  return { ...taken, gaps };
}

/** The median of what each returns. */
async function inTurns(times, works) {
  const taken = Object.fromEntries(Object.keys(works).map((name) => [name, []]));
  for (let i = 0; i < times; i++) {
    for (const [name, work] of Object.entries(works)) taken[name].push(await work());
  }
  return Object.fromEntries(Object.entries(taken).map(([name, values]) => [name, median(values)]));
}

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** Seconds, and of ours what it did to the process. */
async function once({ ours, ...others }, task, oursTask = task) {
  const { seconds, grownMiB, gaps } = await ours.do('watch', ...oursTask);
  const taken = { ours: seconds };
  for (const [name, other] of Object.entries(others)) taken[name] = (await other.do(...task)).seconds;
  return { ...taken, grownMiB, gaps };
}

/** One contestant alone, from its start to its end. */
async function launchWhole(stage, name, disk) {
  const start = performance.now();
  const program = stage.start(name);
  await program.do('launch', disk);
  await program.end();
  return (performance.now() - start) / 1000;
}

/** Seconds that a program takes; the last argument may be options. */
function seconds(program, ...args) {
  const options = typeof args.at(-1) === 'object' ? args.pop() : {};
  const start = performance.now();
  run(program, args, options);
  return (performance.now() - start) / 1000;
}

function run(program, args, options = {}) {
  const result = spawnSync(program, args, { maxBuffer: 2 ** 30, encoding: 'utf8', ...options });
  const { status, error, stderr } = result;
  if (error || status !== 0) throw error ?? new Error(`${program} failed: ${stderr}`);
  return result;
}

/** Works where nothing has been built yet. */
async function withFreshCache(work) {
  const cachedir = mkdtempSync('/var/tmp/guestfs-bench-');
  try {
    return await work({ ...process.env, LIBGUESTFS_CACHEDIR: cachedir });
  } finally {
    rmSync(cachedir, { recursive: true, force: true });
  }
}
