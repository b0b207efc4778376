// The functions that need an appliance, on one that is launched: whatever they are given, the appliance and this
// process live on.
import { writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { Guestfs } from 'guestfs';
import { loadApi } from '../../generator/api.mjs';
import { callsOf, kindOf as kindOfAny } from './calls.mjs';
import { allFunctions } from './methods.mjs';
import { fail, Subject } from './subject.mjs';

const MiB = 2 ** 20;

/** These get wrong arguments only. */
const onlyWrong = new Map([
  ['aug_init', 'some flags make it check the types of all lenses, which takes minutes'],
  ['copy_in', 'reads any folder of the host'],
  ['copy_out', 'writes into any folder of the host'],
  ['mount_local', 'mounts folders'],
  ['internal_exit', 'ends the appliance: that is its purpose'],
  ['sleep', 'sleeps'],
]);

/** Narrower than String: an argument's subtype and the values that are worth trying. */
const kindsOfTexts = new Map([
  ['Device', 'Device'],
  ['Mountable', 'Device'],
  ['Dev_or_Path', 'Device'],
  ['Mountable_or_Path', 'Device'],
  ['Pathname', 'Path'],
  ['FileIn', 'InputFile'],
  ['FileOut', 'OutputFile'],
]);

const kindOf = (arg) => (arg.kind === 'String' && kindsOfTexts.get(arg.subtype)) || kindOfAny(arg);

/** Calls every function that talks to the appliance `runs` times, and more often with wrong arguments. */
export async function fuzzAppliance({ seed, runs, journal }) {
  const { texts } = loadApi();
  const talkative = allFunctions().filter(({ name }) =>
    ['launched', 'mounted'].includes(texts.get(name)?.needs),
  );
  const g = new Guestfs();
  try {
    await g.addDriveScratch(64 * MiB);
    await g.addDriveScratch(64 * MiB);
    journal.begin('launch');
    await g.launch();
    writeFileSync('../input', 'some text\n');
    await g.setTrace(true);
    const subject = new Subject(g);
    for (const [i, fn] of talkative.entries()) {
      await restore(g);
      const calls = callsOf(fn, kindOf).filter((call) => !call.verdict().kills);
      const check = (some, numRuns) => {
        const property = fc.asyncProperty(some, async (call) => {
          journal.begin(`${call}`);
          const { error } = await subject.try(call);
          if (error?.code === 'ERR_GUESTFS_TERMINATED') fail('ended the appliance', error);
        });
        // Without shrinking: the same call once more finds another appliance.
        return fc.assert(property, {
          seed: seed + i,
          numRuns,
          includeErrorInReport: true,
          endOnFailure: true,
        });
      };
      await check(
        calls.filter((call) => !call.verdict().mayPass),
        5 * runs,
      );
      // Without arguments there is one way to be right, which other tests go.
      if (fn.args.length === 0 || onlyWrong.has(fn.name)) continue;
      await check(
        calls.filter((call) => call.verdict().mayPass),
        runs,
      );
    }
  } finally {
    await g.close();
  }
}

/** Something to work on, in place of what the calls have left of it. */
async function restore(g) {
  const mounted = await g.mountpoints();
  if (mounted.size === 1 && mounted.get('/dev/sdb') === '/') return;
  await g.umountAll();
  await g.blockdevSetrw('/dev/sdb');
  await g.mkfs('ext2', '/dev/sdb');
  await g.mount('/dev/sdb', '/');
  await g.mkdir('/folder');
  await g.write('/file', 'text\n');
  await g.write('/folder/file', 'text\n');
  await g.lnS('/file', '/link');
}
