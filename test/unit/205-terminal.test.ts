// Progress on a real terminal, as the person in front of it sees it.
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, jest, test } from '@jest/globals';
import { hasTaskbar } from '../../lib/progress/taskbar';
import { wantsColour } from '../../lib/text/colour';
import { temporaryFolder } from '../support/folder';
import { Screen, type ScreenOptions, SteppedScreen } from '../support/screen';

// Programs start, and screens are drawn; they wait most of the time, and so do it side by side.
jest.setTimeout(30_000);

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A reporter on a terminal, and `begin`, which starts something that takes a while. */
async function reporting(options?: ScreenOptions): Promise<SteppedScreen> {
  const screen = await SteppedScreen.start(options);
  await screen.run(`
    globalThis.reporter = new ProgressReporter();
    globalThis.begin = (operation, label) => {
      const job = new Job(operation);
      reporter.attach(job, { label });
      job.start();
      return job;
    };`);
  return screen;
}

const images = ['one.img', 'two.img', 'three.img'];
const beginThree = `
  globalThis.jobs = ${JSON.stringify(images)}.map((label) => begin('inspect', label));
  jobs.forEach((job, index) => job.progress(index + 1, 4));`;
const endThree = 'for (const job of jobs) job.end();';
const threeBars = ['25%', '50%', '75%'].map((percent, index) =>
  expect.stringMatching(new RegExp(`^${images[index]} inspect \\[=+> *\\] +${percent}(  \\ds)?$`)),
);
const threeEnds = images.map((image) => expect.stringMatching(`^✓ ${image} inspect 100% \\d\\.\\ds$`));
/** With as many lines as that before the bars. */
const history = (count: number) => Array.from({ length: count }, (_, index) => `line ${index}`);
const say = (lines: readonly string[]) => `for (const line of ${JSON.stringify(lines)}) reporter.line(line);`;

/** What is on the terminal when nothing is drawn there any more. */
function expectLeftInOrder(screen: Screen): void {
  expect(screen.cursor).toEqual([screen.lines.length, 0]);
  expect(screen.modes).toEqual({ cursorIsVisible: true, linesWrap: true });
}

describe('a bar', () => {
  test.concurrent('is drawn, redrawn in place, and ends as a line that stays', async () => {
    await using screen = await reporting();
    await screen.run(`globalThis.copy = begin('copyDeviceToDevice'); copy.progress(10, 100)`);
    await screen.shows([expect.stringMatching(/^copyDeviceToDevice \[=+> +\] {2}10% {2}0s$/)]);
    await screen.run('copy.progress(42, 100)');
    await screen.shows([expect.stringMatching(/^copyDeviceToDevice \[=+> +\] {2}42% {2}\ds( {2}ETA \ds)?/)]);
    expect(screen.cursor).toEqual([0, 0]);
    await screen.run('copy.end()');
    await screen.shows([expect.stringMatching(/^✓ copyDeviceToDevice 100% \d\.\ds$/)]);
    expectLeftInOrder(screen);
  });

  test.concurrent('that fails says so, with what the program prints below', async () => {
    await using screen = await reporting();
    await screen.run(`globalThis.copy = begin('upload'); copy.progress(1, 2)`);
    await screen.shows([expect.stringMatching(/^upload \[/)]);
    await screen.run(`
      copy.end(Object.assign(new Error('no space'), { code: 'ENOSPC' }));
      reporter.close();
      console.error('guestfs: no space (ENOSPC)');`);
    await screen.shows([expect.stringMatching(/^✗ upload ENOSPC \d/), 'guestfs: no space (ENOSPC)']);
    expectLeftInOrder(screen);
  });

  test.concurrent('is wiped off by detach', async () => {
    await using screen = await reporting();
    await screen.run(`reporter.line('before'); begin('upload').progress(1, 2)`);
    await screen.shows(['before', expect.stringMatching(/^upload \[/)]);
    await screen.run('reporter.detach()');
    await screen.shows(['before']);
    expectLeftInOrder(screen);
  });

  test.concurrent('never appears where the terminal is dumb, or in CI: plain lines, with nothing that moves', async () => {
    for (const env of [{ TERM: 'dumb' }, { CI: 'true' }]) {
      await using screen = await SteppedScreen.start({ env });
      await screen.run(`
        const job = new Job('upload');
        let now = 0;
        const reporter = new ProgressReporter({ now: () => now }).attach(job);
        job.start();
        now = 2000;
        job.progress(1, 2);
        now = 3000;
        job.end();`);
      await screen.shows(['upload: 50% after 2 s', 'upload: done in 3.0 s']);
      // The terminal itself returns the carriage.
      expect(screen.bytes.replaceAll('\r\n', '\n')).toBe('upload: 50% after 2 s\nupload: done in 3.0 s\n');
    }
  });
});

describe('several bars', () => {
  test.concurrent('stand below each other, and below what is written meanwhile', async () => {
    await using screen = await reporting();
    await screen.run(beginThree);
    await screen.shows(threeBars);
    await screen.run(`reporter.line('warning: ' + 'a very long line '.repeat(8).trim())`);
    const warning = [
      'warning: a very long line a very long line a very long line a very long line a v',
      'ery long line a very long line a very long line a very long line',
    ];
    await screen.shows([...warning, ...threeBars]);
    await screen.run('jobs[1].end()');
    await screen.shows([...warning, threeEnds[1], threeBars[0], threeBars[2]]);
    await screen.run(`reporter.clear(); console.log('a result')`);
    await screen.shows([...warning, threeEnds[1], 'a result', threeBars[0], threeBars[2]]);
    await screen.run('jobs[0].end(); jobs[2].end()');
    await screen.shows([...warning, threeEnds[1], 'a result', threeEnds[0], threeEnds[2]]);
    expectLeftInOrder(screen);
  });

  test.concurrent('are as many as fit', async () => {
    await using screen = await reporting({ rows: 6 });
    await screen.run(`
      globalThis.jobs = Array.from({ length: 10 }, (_, index) => begin('inspect', String(index)));
      for (const job of jobs) job.progress(1, 2);`);
    const some = (from: number) =>
      Array.from({ length: 5 }, (_, index) => expect.stringMatching(`^${from + index} inspect \\[`));
    await screen.shows(some(0));
    await screen.run('for (const job of jobs.slice(0, 2)) job.end()');
    const ends = [0, 1].map((index) => expect.stringMatching(`^✓ ${index} inspect`));
    await screen.shows([...ends, ...some(2)]);
    await screen.run('reporter.close()');
    await screen.shows(ends);
    expectLeftInOrder(screen);
  });

  const labels = [
    '日本語のディスク.qcow2',
    '👩‍👩‍👧‍👦👍🏽🇩🇪.img',
    'e\u0301\u0301\u0301.img',
    '\u0301.img',
    'x'.repeat(300),
    '',
    '㎡﷽',
  ];

  test.concurrent.each([80, 30, 12, 5, 2, 1])(
    'keep to their lines, whatever is in the labels, in %d columns',
    async (columns) => {
      await using screen = await reporting({ columns });
      await screen.run(`
      globalThis.jobs = ${JSON.stringify(labels)}.map((label) => begin('df', label));
      for (const job of jobs) job.progress(1, 2);`);
      // A short name of an operation stays whole where there is room for anything.
      const bars = labels.map(() => expect.stringMatching(columns > 8 ? /df.* 50/ : /./));
      await screen.shows(bars);
      expect(screen.cursor).toEqual([0, 0]);
      await sleep(250); // some redraws
      await screen.shows(bars);
      await screen.run('reporter.close()');
      await screen.shows([]);
      expectLeftInOrder(screen);
    },
  );
});

// Most terminals break long lines anew when their width changes; xterm, screen and the like cut them off.
describe.each([true, false])('a terminal that changes its size, reflowing lines: %s', (reflows) => {
  const sizes = [
    [80, 24, 40, 24],
    [80, 24, 20, 24],
    [80, 24, 120, 24],
    [80, 24, 30, 6],
    [40, 24, 120, 40],
    [80, 6, 25, 6],
    [80, 6, 80, 24],
  ] as const;

  test.concurrent.each(sizes.flatMap((each) => [[...each, 2] as const, [...each, 30] as const]))(
    '%d × %d, %d × %d, and back, %d lines below the top',
    async (columns, rows, otherColumns, otherRows, count) => {
      await using screen = await reporting({ columns, rows, reflows });
      const before = history(count);
      await screen.run(say(before) + beginThree);
      await screen.shows([...before, ...threeBars]);
      for (const [width, height] of [
        [otherColumns, otherRows],
        [columns, rows],
      ] as const) {
        await screen.resize(width, height);
        const { length } = screen.bytes;
        // Until it has been drawn at the new width, and once more.
        await screen.until(() => expect(screen.bytes.length).toBeGreaterThan(length + 500));
        const narrow = images.map((image) =>
          expect.stringMatching(`^[|/\\\\-] ${image.slice(0, 3)}.* inspect \\d\\d%$`),
        );
        await screen.shows([...before, ...(width < 35 ? narrow : threeBars)]);
      }
      await screen.run(endThree);
      await screen.shows([...before, ...threeEnds]);
      expectLeftInOrder(screen);
    },
  );

  // The process may be busy, or stopped, when the window changes.
  test.concurrent('and of which the program has not been told yet', async () => {
    await using screen = await reporting({ reflows });
    const before = history(10);
    await screen.run(`process.removeAllListeners('SIGWINCH');${say(before)}${beginThree}`);
    await screen.shows([...before, ...threeBars]);
    for (const width of [30, 140]) {
      await screen.resize(width, 24);
      const { length } = screen.bytes;
      await screen.until(() => expect(screen.bytes.length).toBeGreaterThan(length + 500));
      // At 30 columns they are cut off, at 140 too short: what matters is that each has its line.
      await screen.shows([
        ...before,
        ...images.map((image) => expect.stringMatching(`^${image} inspect \\[=+>?`)),
      ]);
    }
    await screen.run(endThree);
    await screen.shows([...before, ...threeEnds]);
    expectLeftInOrder(screen);
  });
});

describe('a program that ends while bars are drawn', () => {
  const drawn = async () => {
    const screen = await reporting();
    await screen.run(beginThree);
    await screen.shows(threeBars);
    return screen;
  };

  test.concurrent('by itself leaves nothing of them', async () => {
    await using screen = await drawn();
    await screen.run('setTimeout(() => process.exit(3))');
    expect(await screen.ended).toBe(3);
    expect(screen.lines).toEqual([]);
    expectLeftInOrder(screen);
  });

  test.concurrent('by an error that nobody has caught shows the error, and nothing else', async () => {
    await using screen = await drawn();
    await screen.run(`setTimeout(() => { throw new Error('mine') })`);
    expect(await screen.ended).toBe(1);
    expect(screen.lines[0]).toMatch(/^\S/);
    expect(screen.lines).toContain('Error: mine');
    expect(screen.lines.join('\n')).not.toMatch(/inspect|===/);
    expectLeftInOrder(screen);
  });

  test.concurrent('by Ctrl-C leaves nothing of them', async () => {
    await using screen = await drawn();
    screen.type('\x03');
    expect(await screen.ended).toBe(130);
    expect(screen.lines).toEqual([]);
    expect(screen.cursor[1]).toBe(0);
    expect(screen.modes).toEqual({ cursorIsVisible: true, linesWrap: true });
  });

  test.concurrent.each([
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('by %s leaves nothing of them', async (signal, code) => {
    await using screen = await drawn();
    await screen.run(`setTimeout(() => process.kill(process.pid, '${signal}'))`);
    expect(await screen.ended).toBe(code);
    expect(screen.lines).toEqual([]);
  });

  test.concurrent.each(['on', 'once'])('decides itself about signals that it listens to (%s)', async (on) => {
    await using screen = await drawn();
    await screen.run(`process.${on}('SIGINT', () => reporter.line('not yet'))`);
    screen.type('\x03');
    await screen.shows(['not yet', ...threeBars]);
    await screen.run(`process.removeAllListeners('SIGINT').on('SIGINT', () => process.exit(5))`);
    screen.type('\x03');
    expect(await screen.ended).toBe(5);
    expect(screen.lines).toEqual(['not yet']);
  });

  test.concurrent('or is stopped by Ctrl-Z leaves the terminal to the shell, and draws them again afterwards', async () => {
    const program = `
      const { ProgressReporter } = require('./dist/progress');
      const { Job } = require('./dist/progress/job');
      const reporter = new ProgressReporter();
      for (const label of ${JSON.stringify(images)}) {
        const job = new Job('inspect');
        reporter.attach(job, { label });
        job.start();
        job.progress(1, 2);
      }
      setInterval(() => {}, 1000);`;
    using folder = temporaryFolder();
    const settings = folder.file('bashrc');
    writeFileSync(settings, "PS1='> '\n");
    const env = { BARS: program, NODE_PROGRAM: process.execPath };
    await using screen = new Screen(['bash', '--rcfile', settings, '--noediting', '-i'], { env });
    await screen.shows(['>']);
    screen.type('"$NODE_PROGRAM" -e "$BARS"\n');
    const bars = images.map((image) => expect.stringMatching(`^${image} inspect \\[=+> +\\] +50%`));
    await screen.shows(['> "$NODE_PROGRAM" -e "$BARS"', ...bars]);
    screen.type('\x1a');
    const stopped = [
      '> "$NODE_PROGRAM" -e "$BARS"',
      '', // the ^Z, which the terminal said where the cursor was
      expect.stringMatching(/^\[1\]\+ +Stopped +"\$NODE_PROGRAM" -e "\$BARS"$/),
    ];
    await screen.shows([...stopped, '>']);
    screen.type('fg\n');
    await screen.shows([...stopped, '> fg', '"$NODE_PROGRAM" -e "$BARS"', ...bars]);
    screen.type('\x03');
    await screen.until(() => expect(screen.lines.at(-1)).toBe('>'));
    expect(screen.lines.join('\n')).not.toMatch(/inspect \[/);
    screen.type('exit\n');
    await screen.ended;
  });

  test.concurrent('leaves no listeners behind when they are gone', async () => {
    await using screen = await reporting();
    const count = `return ['exit', 'uncaughtExceptionMonitor', 'SIGINT', 'SIGTERM', 'SIGHUP', 'SIGTSTP'].map((name) => process.listenerCount(name))`;
    const before = await screen.run(count);
    await screen.run(beginThree);
    await screen.shows(threeBars);
    expect(await screen.run(count)).not.toEqual(before);
    await screen.run(endThree);
    expect(await screen.run(count)).toEqual(before);
  });
});

describe('results and progress of a command on one terminal', () => {
  const results = ['-rw-r--r-- a file', 'drwxr-xr-x a folder', '-rw-r--r-- another one'];
  /** As `guestfs ls -l` does it: a line, a while of nothing, the next line. */
  const command = `
    const { ProgressReporter } = require('./dist/progress');
    const { Results } = require('./dist/cli/results');
    const { Job } = require('./dist/progress/job');
    (async () => {
      const reporter = new ProgressReporter();
      const job = new Job('ls');
      reporter.attach(job);
      job.start();
      job.progress(0, 1);
      const results = new Results({ beforeWrite: () => reporter.clear() });
      for (const line of ${JSON.stringify(results)}) {
        await new Promise((resolve) => setTimeout(resolve, 600));
        await results.line(line);
      }
      await new Promise((resolve) => setTimeout(resolve, 600));
      job.end();
      reporter.close();
    })();`;
  const bar = expect.stringMatching(/^ls \[ *<=> *\] {2}\ds$/);
  const end = expect.stringMatching(/^✓ ls 100% \d\.\ds$/);

  test.concurrent.each([
    ['in a terminal', [process.execPath, '-e', command]],
    // Who shows them there is another program.
    ['behind a pipe', ['sh', '-c', '"$0" -e "$1" | cat', process.execPath, command]],
  ])('stand each in its line: %s', async (_, program) => {
    await using screen = new Screen(program);
    for (let count = 0; count <= results.length; count++) {
      await screen.shows([...results.slice(0, count), bar]);
    }
    await screen.shows([...results, end]);
    expect(await screen.ended).toBe(0);
    expectLeftInOrder(screen);
  });

  test.concurrent('results in a file do not hide the bar', async () => {
    using folder = temporaryFolder();
    const file = folder.file('results');
    const program = ['sh', '-c', '"$0" -e "$1" > "$2"', process.execPath, command, file];
    await using screen = new Screen(program);
    await screen.shows([bar]);
    const { length } = screen.bytes;
    await screen.shows([end]);
    // It was redrawn all the time, and wiped off at its end only.
    expect(screen.bytes.slice(length).split('\r\x1b[J')).toHaveLength(2);
    expect(readFileSync(file, 'utf8')).toBe(results.map((line) => `${line}\n`).join(''));
  });

  test.concurrent('progress in a file is plain lines', async () => {
    using folder = temporaryFolder();
    const file = folder.file('log');
    const slow = command.replace('new ProgressReporter()', 'new ProgressReporter({ interval: 200, now })');
    // A clock that runs ten times as fast.
    const fast = `const now = () => 10 * performance.now();${slow}`;
    await using screen = new Screen(['sh', '-c', '"$0" -e "$1" 2> "$2"', process.execPath, fast, file]);
    await screen.shows(results);
    expect(await screen.ended).toBe(0);
    const log = readFileSync(file, 'utf8');
    expect(log).toMatch(/^(ls: still running after \d+ s\n){5,}ls: done in \d+\.\d s\n$/);
  });
});

describe('the taskbar', () => {
  const states = (bytes: string) =>
    bytes
      .split('\x1b]9;4;')
      .slice(1)
      .map((rest) => rest.split('\x1b\\')[0]);

  test.concurrent('shows the bar, and is cleared at the end', async () => {
    await using screen = await reporting({ env: { WT_SESSION: 'a' } });
    await screen.run(`globalThis.copy = begin('upload'); copy.progress(0, 1)`);
    await screen.until(() => expect(states(screen.bytes)).toEqual(['3']));
    await screen.run('copy.progress(42, 100)');
    await screen.until(() => expect(states(screen.bytes)).toEqual(['3', '1;42']));
    await screen.resize(60, 20);
    await screen.run('copy.end()');
    await screen.until(() => expect(states(screen.bytes)).toEqual(['3', '1;42', '0']));
    expect(screen.lines[0]).toMatch(/^✓ upload 100%/);
  });

  test.concurrent('is cleared when a signal ends the program', async () => {
    await using screen = await reporting({ env: { GUESTFS_TASKBAR: '1' } });
    await screen.run(`begin('upload').progress(1, 2)`);
    await screen.until(() => expect(states(screen.bytes)).toEqual(['1;50']));
    screen.type('\x03');
    await screen.ended;
    expect(states(screen.bytes)).toEqual(['1;50', '0']);
  });

  test.each<[NodeJS.ProcessEnv, boolean]>([
    [{ WT_SESSION: 'a' }, true],
    [{ WT_SESSION: 'a', GUESTFS_TASKBAR: '0' }, false],
    [{ WT_SESSION: 'a', TMUX: '/tmp/tmux' }, false],
    [{ ConEmuANSI: 'ON' }, true],
    [{ VTE_VERSION: '8000' }, true],
    [{ VTE_VERSION: '7600' }, false],
    [{ TERM_PROGRAM: 'WezTerm', TERM_PROGRAM_VERSION: '20240203-110809-5046fc22' }, true],
    [{ TERM_PROGRAM: 'ghostty', TERM_PROGRAM_VERSION: '1.1.3' }, false],
    [{ TERM_PROGRAM: 'ghostty', TERM_PROGRAM_VERSION: '1.2.0' }, true],
    [{ TERM_PROGRAM: 'iTerm.app', TERM_PROGRAM_VERSION: '3.5.14' }, false],
    [{ TERM_PROGRAM: 'vscode', TERM_PROGRAM_VERSION: '1.104.0' }, true],
    [{ TERM_PROGRAM: 'Apple_Terminal' }, false],
    [{}, false],
  ])('is known where the terminal is: %j', (env, known) => {
    expect(hasTaskbar(env)).toBe(known);
  });
});

test.each<[NodeJS.ProcessEnv, boolean, boolean]>([
  [{}, true, false],
  [{ NO_COLOR: '1', FORCE_COLOR: '1' }, false, false],
  [{ NO_COLOR: '' }, true, false],
  [{ FORCE_COLOR: '1' }, true, true],
  [{ FORCE_COLOR: '' }, true, true],
  [{ FORCE_COLOR: '0' }, false, false],
  [{ CLICOLOR: '0' }, false, false],
  [{ CLICOLOR: '1' }, true, false],
  [{ CLICOLOR_FORCE: '1', CLICOLOR: '0' }, true, true],
  [{ CLICOLOR_FORCE: '0' }, true, false],
  [{ TERM: 'dumb' }, false, false],
])('colours are as the variables say: %j', (env, onTerminal, elsewhere) => {
  expect([wantsColour(env, true), wantsColour(env, false)]).toEqual([onTerminal, elsewhere]);
});
