// `guestfs inspect` on a real terminal, as the person in front of it sees it.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { emptyDisk, missing } from '../images';
import { descendants, leftAfter } from '../support/processes';
import { Screen } from '../support/screen';
import { root } from '../support/script';

const guestfs = (...args: string[]) => [process.execPath, join(root, 'dist/cli/main.js'), ...args];

test('several images: bars while they are inspected, tables when they have been', async () => {
  const [image, nothing] = [await emptyDisk(), await missing()];
  await using screen = new Screen(guestfs('inspect', nothing, image), { columns: 100, patience: 120_000 });
  await screen.until(() => {
    expect(screen.lines.at(-2)).toMatch(/^inspectAll \[=+> +\] {2}50% {2}\d+s/);
    expect(screen.lines.at(-1)).toMatch(/ inspect \[ *<=> *\] {2}\d+s {2}launch: \w+$/);
  });
  await screen.resize(50, 24);
  // The same two lines, shorter.
  await screen.until(() => {
    expect(screen.lines.at(-2)).toMatch(/^inspectAll \[.{0,30}\] {2}50%/);
    expect(screen.lines.at(-1)).toMatch(/^\S+ inspect \[.{0,30}\]/);
  });
  await screen.resize(100, 24);
  expect(await screen.ended).toBe(1);

  const lines = screen.lines;
  const once = (pattern: RegExp) =>
    expect([pattern, lines.filter((line) => pattern.test(line)).length]).toEqual([pattern, 1]);
  once(/^guestfs: /);
  expect(lines.join('')).toContain(' does not exist (ENOENT)');
  once(/^✓ \S+ inspect 100% \d/);
  once(/^✓ inspectAll 100% \d/);
  once(/^No operating system found\.$/);
  // Nothing is left of the bars, and nothing is torn.
  expect(lines.filter((line) => /\[[ =<>]+\]/.test(line))).toEqual([]);
  expect(screen.cursor).toEqual([lines.length, 0]);
  expect(screen.modes).toEqual({ cursorIsVisible: true, linesWrap: true });
});

test('Ctrl-C leaves neither bars nor an appliance', async () => {
  await using screen = new Screen(guestfs('inspect', '--template', 'never', await emptyDisk()), {
    patience: 120_000,
  });
  await screen.until(() => expect(screen.lines).toEqual([expect.stringMatching(/^\S+ launch \[.*kernel$/)]));
  const started = descendants(screen.child.pid as number).map((line) => Number.parseInt(line, 10));
  expect(started.length).toBeGreaterThan(1);
  screen.type('\x03');
  expect(await screen.ended).toBe(130);
  // The terminal itself says ^C, where the cursor was.
  expect(screen.lines.join('')).not.toMatch(/launch \[/);
  expect(screen.cursor[1]).toBe(0);
  expect(screen.modes).toEqual({ cursorIsVisible: true, linesWrap: true });
  const alive = () => started.filter((each) => existsSync(`/proc/${each}`)).map(String);
  expect(await leftAfter(5000, alive)).toEqual([]);
});
