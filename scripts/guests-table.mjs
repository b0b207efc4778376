// `npm run guests:table [-- NAME…]`: what this package and virt-inspector tell of the guests of the tests, side by side.
// It goes into docs/guides/real-guests.md; of those that are named only their rows change.

import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { recipe } from './recipes.mjs';
import { setup } from './setup.mjs';
import { main, root } from './steps.mjs';

const guide = path.join(root, 'docs/guides/real-guests.md');
const begin = '<!-- by npm run guests:table -->';
const end = '<!-- end -->';

await main(async () => {
  await setup('test', 'guests');
  const { debianGuest, guests } = recipe('guests/table/guests.ts');
  const names = process.argv.slice(2);
  const all = [await debianGuest(), ...guests];
  for (const guest of all.filter(({ name }) => names.length === 0 || names.includes(name))) {
    const row = line(await compare(guest));
    console.log(row);
    write(row, all);
  }
  return 0;
});

async function compare(guest) {
  const { makeGuest } = recipe('guests/table/maker.ts');
  const { answersInXml, answersOf, differences } = recipe('guests/table/comparison.ts');
  const made = await makeGuest(guest);
  const ours = await run(process.execPath, ['dist/cli/main.js', 'inspect', '--json', ...oursFor(made)]);
  const theirs = await run('virt-inspector', theirsFor(made), made.key && `${made.key}\n`.repeat(8));
  return [
    guest.name,
    guest.layout,
    guest.names?.naming ?? '-',
    cell(ours, (output) => differences(guest, made, answersOf(JSON.parse(output)))),
    cell(theirs, (output) => differences(guest, made, answersInXml(output))),
  ];
}

function oursFor({ images: [image, ...others], key, blocksize }) {
  return [
    ...['--progress', 'none', '--format', 'raw', ...others.flatMap((each) => ['--add', each])],
    ...(key ? ['--key', `key:${key}`] : []),
    ...(blocksize ? ['--blocksize', String(blocksize)] : []),
    image,
  ];
}

function theirsFor({ images, key, blocksize }) {
  return [
    ...(blocksize ? [`--blocksize=${blocksize}`] : []),
    ...['--format=raw', ...images.flatMap((image) => ['-a', image])],
    ...(key ? ['--keys-from-stdin'] : []),
  ];
}

async function run(command, args, input = '') {
  const child = spawn(command, args, { cwd: root });
  child.stdin.on('error', () => {}); // not every program reads it
  child.stdin.end(input);
  const exit = new Promise((resolve) => child.once('close', resolve));
  const [output, errors, code] = await Promise.all([text(child.stdout), text(child.stderr), exit]);
  return { output, errors, code };
}

function cell({ output, errors, code }, judge) {
  if (output === '') return `failed (${code}): ${errors.trim().split('\n')[0]}`;
  return judge(output).join('; ') || 'right';
}

function line(cells) {
  return `| ${cells.map((each) => each.replaceAll('|', '\\|')).join(' | ')} |`;
}

/** Puts a row in the place of the guest's former one. Rows are in the order of the guests. */
function write(row, guests) {
  const [before, rest = ''] = readFileSync(guide, 'utf8').split(begin);
  const [table, after] = rest.split(end);
  const isOf = (name) => (each) => each.startsWith(`| ${name} |`);
  const former = table.split('\n');
  const rows = guests.map(({ name }) => [row, ...former].find(isOf(name))).filter(Boolean);
  const whole = [
    line(['Guest', 'Layout', 'fstab by', 'guestfs', 'virt-inspector']),
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ];
  writeFileSync(guide, `${before}${begin}\n\n${whole.join('\n')}\n\n${end}${after}`);
}
