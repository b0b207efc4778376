// A command of this package that tells its parent of each call, and of each line of the appliance's log, with the time.
import { tracingChannel } from 'node:diagnostics_channel';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const [name, ...args] = process.argv.slice(2);
const { command } = require(`../../dist/cli/${name}.js`);

const handles = new WeakSet();
tracingChannel('guestfs:call').subscribe({
  start: ({ handle }) => listenTo(handle),
  asyncEnd: ({ operation, duration }) => process.send({ call: operation, at: performance.now(), duration }),
});

function listenTo(handle) {
  if (handles.has(handle)) return;
  handles.add(handle);
  let rest = '';
  handle.on('library', () => {}); // else libguestfs would print it
  handle.on('appliance', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    for (const line of lines) process.send({ line: line.trimEnd(), at: performance.now() });
  });
}

process.exitCode = await command.run(args, new AbortController().signal);
process.disconnect();
