// Every method of the API tables, on handles that are not launched: what libguestfs must not see it does not see, and
// what it may see it sees exactly.
import fc from 'fast-check';
import { Guestfs } from 'guestfs';
import { camel, loadApi } from '../../generator/api.mjs';
import { callsOf } from './calls.mjs';
import { Subject } from './subject.mjs';

/** These do something to the host, or to the process, when their arguments are right: they get wrong ones only. */
const onlyWrong = new Map([
  ['add_domain', 'connects to libvirt'],
  ['disk_create', 'makes files'],
  ['internal_test_set_output', 'makes files'],
  ['internal_test_rhashtable', 'a bug of libguestfs: abort()s when its number is negative or too large'],
  ['internal_test_rstringlist', 'likewise'],
  ['internal_test_rstructlist', 'likewise'],
  ['mount_local', 'mounts folders'],
]);

/** Members of the class rather than calls: surface.mjs has them. */
const isHandWritten = (fn) => Object.hasOwn(Guestfs.prototype, camel(fn.name));

/** The functions of the tables, each with the name of its method. */
export function allFunctions() {
  const { functions, internalTests } = loadApi();
  return [...functions, ...internalTests]
    .filter((fn) => !isHandWritten(fn))
    .map((fn) => ({ ...fn, method: camel(fn.name) }));
}

/** Calls every method `runs` times. */
export async function fuzzMethods({ seed, runs, journal }) {
  for (const [i, fn] of allFunctions().entries()) {
    const calls = callsOf(fn);
    const harmless = onlyWrong.has(fn.name) ? calls.filter((call) => !call.verdict().mayPass) : calls;
    const g = new Guestfs();
    try {
      const subject = new Subject(g);
      const property = fc.asyncProperty(harmless, async (call) => {
        journal.begin(`${call}`);
        await g.setTrace(true);
        await subject.try(call);
      });
      await fc.assert(property, { seed: seed + i, numRuns: runs, includeErrorInReport: true });
    } finally {
      await g.close();
    }
  }
}
