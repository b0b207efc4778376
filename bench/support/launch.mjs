// Launches an appliance with the disks that are named. --template=MODE, --memory: prints its proportional memory in MiB.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Guestfs } from 'guestfs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { template: { type: 'string' }, memory: { type: 'boolean' } },
});

const g = new Guestfs();
for (const disk of positionals) await g.addDrive(disk, { format: 'qcow2' });
await g.launch({ template: values.template });
if (values.memory) console.log(proportional(await g.getPid()));
await g.close();

function proportional(pid) {
  const [, kiB] = /^Pss: +(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'));
  return Number(kiB) / 1024;
}
