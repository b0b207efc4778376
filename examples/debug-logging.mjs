// What libguestfs does, as events: its own messages, a trace of the calls, the appliance's console.
//   node examples/debug-logging.mjs 2> debug.log
import { inspect } from 'node:util';
import { Guestfs } from 'guestfs';

const g = new Guestfs();
for (const event of /** @type {const} */ (['library', 'trace', 'warning', 'appliance'])) {
  g.on(event, (text) => {
    // The console belongs to the guest: never show what it says as it is.
    for (const line of text.split('\n')) if (line) console.error(`${event}: ${inspect(line)}`);
  });
}
try {
  await g.setVerbose(true);
  await g.setTrace(true);
  await g.addDriveScratch(1024 * 1024);
  await g.launch();
} finally {
  await g.close();
}
