// Everything native, used hard: `node --expose-gc test/stress/main.mjs [--scale=N] unit|appliance|SCENARIO…`.
// `npm run test:sanitizers` runs it under each checker; it ends with 1 where a result is wrong.
import { keepCheckerToOurselves } from './checked-node.mjs';
import { callArguments } from './scenarios/arguments.mjs';
import { calls } from './scenarios/calls.mjs';
import { credentials } from './scenarios/credentials.mjs';
import { events } from './scenarios/events.mjs';
import { exits } from './scenarios/exits.mjs';
import { handles } from './scenarios/handles.mjs';
import { launched } from './scenarios/launched.mjs';
import { launches } from './scenarios/launches.mjs';
import { privateData } from './scenarios/private-data.mjs';
import { queue } from './scenarios/queue.mjs';
import { streams } from './scenarios/streams.mjs';
import { workers } from './scenarios/workers.mjs';

const groups = {
  unit: {
    handles,
    calls,
    arguments: callArguments,
    streams,
    queue,
    events,
    credentials,
    privateData,
    workers,
    exits,
  },
  appliance: { launches, launched },
};
const all = { ...groups.unit, ...groups.appliance };

keepCheckerToOurselves();
process.on('unhandledRejection', fail);
const options = process.argv.slice(2);
const scale = Number(options.find((option) => option.startsWith('--scale='))?.slice('--scale='.length) ?? 1);
const names = options.filter((option) => !option.startsWith('--'));
for (const name of names.flatMap((name) => Object.keys(groups[name] ?? { [name]: all[name] }))) {
  const start = performance.now();
  await all[name]({ times }).catch(fail);
  console.log(`  ${name}: ${((performance.now() - start) / 1000).toFixed(1)} s`);
}

/** How often something is done: `count` times at full scale, and at least once. */
function times(count) {
  return Math.max(1, Math.round(count * scale));
}

/** Without ending at once: only of a process that ends by itself can be said what it leaked. */
function fail(error) {
  console.error(error);
  process.exitCode = 1;
}
