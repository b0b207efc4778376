// Replays conformance data against this package: `npm run conformance -- FILE…`.
import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Guestfs } from 'guestfs';
import { isBindTests, runBindTests } from './bindtests.mjs';
import { isCapiTests, runCapiTests } from './capi.mjs';
import { Report } from './report.mjs';
import { Source } from './source.mjs';

const usage = `Usage: npm run conformance -- [OPTIONS] FILE…

Replays conformance data against this package and libguestfs. A FILE is one of two kinds, told by its content:
tests of a binding (arguments and results of libguestfs's internal_test functions; no appliance), or libguestfs's
tests of its API (one launched appliance for all).

  --only PATTERN       only tests whose name matches this regular expression
  --json FILE          write the results to FILE, too
  --source FOLDER      libguestfs's source, whose files some tests read; default: the distribution's source package
  --timeout SECONDS    of one test, and of a launch; default 300
  --accept-known       exit with 0 when all that failed are known differences of libguestfs
  --verbose            a line for each test that passed, too

Exit codes: 0 nothing failed, 1 something failed or no test ran, 2 wrong usage.`;

const options = {
  only: { type: 'string', default: '' },
  json: { type: 'string' },
  source: { type: 'string' },
  timeout: { type: 'string', default: '300' },
  'accept-known': { type: 'boolean' },
  verbose: { type: 'boolean' },
  help: { type: 'boolean' },
};

class UsageError extends Error {}

/** Runs the command; returns its exit code. */
export async function conformance(args) {
  let settings;
  try {
    settings = readArguments(args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n\`npm run conformance -- --help\` tells how it is used.`);
    return 2;
  }
  if (settings.help) {
    console.log(usage);
    return 0;
  }
  return await replay(settings);
}

function readArguments(args) {
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    if (values.help) return values;
    if (positionals.length === 0) throw new Error('no FILE is given');
    const timeout = Number(values.timeout) * 1000;
    if (!(timeout > 0)) throw new Error('--timeout must be a number of seconds');
    return { ...values, timeout, only: new RegExp(values.only), files: positionals.map(readFile) };
  } catch (error) {
    throw new UsageError(error.message, { cause: error });
  }
}

function readFile(name) {
  const data = JSON.parse(readFileSync(name, 'utf8'));
  if (isBindTests(data)) return { name, data, kind: 'tests of a binding' };
  if (isCapiTests(data)) return { name, data, kind: "libguestfs's tests of its API" };
  throw new Error(
    `${name} is no conformance data: neither tests of a binding nor libguestfs's tests of its API`,
  );
}

async function replay({ files, only, timeout, verbose, source, json, ...settings }) {
  const version = await libraryVersion();
  const report = new Report({ version, verbose });
  const log = (text) => report.log(text);
  for (const { name, data, kind } of files) {
    const tests = (data.tests ?? data).filter(({ id }) => only.test(id));
    report.begin(name, kind, tests.length);
    if (isBindTests(data)) await runBindTests(tests, report);
    else if (tests.length > 0) {
      await runCapiTests(data, tests, report, { version, timeout, source: new Source(source, log) });
    }
    report.end();
  }
  report.summary();
  if (json) writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`);
  return report.exitCode({ acceptKnown: settings['accept-known'] });
}

async function libraryVersion() {
  const g = new Guestfs();
  const { major, minor, release } = await g.version();
  await g.close();
  return [major, minor, release].map(Number);
}

if (realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.exitCode = await conformance(process.argv.slice(2));
}
