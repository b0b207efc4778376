// Where the time of commands goes, by call and by program in the appliance, which tells of its programs, and so takes some
// longer: `npm run bench -- profile [COMMAND ARGUMENT…]`; without a command, that of some on a real Debian.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { debianImage } from './comparison/images.mjs';
import { Calls, Programs } from './support/profiles.mjs';

const given = process.argv.slice(2);
for (const args of given.length > 0 ? [given] : usual(await debianImage())) await profile(args);

function usual(image) {
  const debian = ['--format', 'raw', image];
  return [
    ['inspect', '--json', ...debian],
    ['ls', ...debian, '/'],
    ['filesystems', '--all', ...debian],
    ['df', ...debian],
  ];
}

async function profile(args) {
  console.log(`\nguestfs ${args.join(' ')}`);
  const worker = fork(fileURLToPath(new URL('support/profiled.mjs', import.meta.url)), args, {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { ...process.env, LIBGUESTFS_DEBUG: '1' },
  });
  const calls = new Calls();
  const programs = new Programs();
  worker.on('message', ({ call, line, at, duration }) => {
    if (call) calls.add(call, at, duration);
    if (call === 'launch') programs.begin(at);
    if (line !== undefined) programs.read(line, at);
  });
  const [status] = await once(worker, 'exit');
  if (status !== 0) throw new Error(`guestfs ${args.join(' ')} ended with ${status}`);
  console.table(calls.table());
  console.table(programs.table());
}
