// A client in a process of its own, which writes each result to a journal once: argv[2] says what it does, as JSON.
const { closeSync, fstatSync, ftruncateSync, openSync, readFileSync, writeSync } = require('node:fs');
const { Fleet, defineTask } = require('../../dist');

const { connection, batch, task, options, list, journal } = JSON.parse(process.argv[2]);
const wait = defineTask({ name: 'wait', options: (given) => given, run: async () => null });

async function main() {
  const file = openSync(journal, 'r+');
  const text = readFileSync(journal, 'utf8');
  // What it was writing when it was killed is not written.
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  ftruncateSync(file, Buffer.byteLength(whole));
  const had = new Set(
    whole
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line).index),
  );
  const fleet = new Fleet({ ...connection, tasks: [wait] });
  const images = JSON.parse(readFileSync(list, 'utf8'));
  const results = fleet.run(task, images, { batch, options, concurrency: 200, attempts: 20 });
  for await (const { index, image, error } of results) {
    if (had.has(index)) continue;
    const line = JSON.stringify({ index, image, ...(error && { error: `${error.code}: ${error.message}` }) });
    writeSync(file, `${line}\n`, fstatSync(file).size);
  }
  closeSync(file);
  await fleet.close();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
