// Runs one load in this process and tells the parent what it saw: `node --expose-gc test/soak/load.mjs NAME SECONDS`.
import { loads } from './loads.mjs';
import { read, settle } from './meters.mjs';

const segments = 20;
const [name, seconds] = process.argv.slice(2);
const { count, start } = loads[name];

const load = { listeners: () => 0, files: () => 0, stop: () => undefined, ...(await start()) };
let done = await load.work(); // what is made once is there before the first reading
await settle();
const before = read(load);
const samples = [];
const began = performance.now();
for (let segment = 1; segment <= segments; segment++) {
  const target = (count * segment) / segments;
  const deadline = began + (seconds * 1000 * segment) / segments;
  while (done < target && performance.now() < deadline) done += await load.work();
  await settle();
  samples.push(read(load));
}
const took = (performance.now() - began) / 1000;
await load.stop();
process.send({ done, seconds: took, before, samples });
process.disconnect();
