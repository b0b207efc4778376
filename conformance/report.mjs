// What people and programs are told: a line for each failure and skip, and the totals.
import { differenceFor } from './known-differences.mjs';

/** After so long without a line the report says how far it is. */
const silenceMs = 30_000;

export class Report {
  #files = [];
  #lastLine = Date.now();

  /** `verbose`: a line for each test that passed, too. */
  constructor({ version, verbose = false, log = console.log }) {
    this.version = version;
    this.verbose = verbose;
    this.print = log;
  }

  /** From now on results are of this file. */
  begin(file, kind, count) {
    this.#files.push({ file, kind, count, results: [], started: Date.now() });
    this.log(`${file}: ${kind}, ${count} tests, libguestfs ${this.version.join('.')}`);
  }

  add(id, { status, reason }) {
    const { results, count } = this.#files.at(-1);
    const result = { id, status, reason };
    const known = differenceFor(result, this.version);
    if (known && status === 'failed') result.knownDifference = known.why;
    results.push(result);
    if (status !== 'passed' || this.verbose) this.log(line(result));
    if (result.knownDifference) this.log(`         known difference of libguestfs: ${known.why}`);
    if (known && status === 'passed') this.log(`         listed as a known difference, and no longer one`);
    if (Date.now() - this.#lastLine > silenceMs) this.log(`…        ${results.length} of ${count}`);
  }

  end() {
    const file = this.#files.at(-1);
    file.seconds = Math.round((Date.now() - file.started) / 1000);
    this.log(`${file.file}: ${totals(file.results)}, in ${file.seconds} s\n`);
  }

  summary() {
    this.log(totals(this.#results));
  }

  toJSON() {
    const files = this.#files.map(({ file, kind, seconds, results }) => ({
      file,
      kind,
      seconds,
      ...count(results),
      results,
    }));
    const { node } = process.versions;
    return { libguestfs: this.version.join('.'), node, ...count(this.#results), files };
  }

  /** 0 when tests ran and none failed; with `acceptKnown` known differences are no failures. */
  exitCode({ acceptKnown = false } = {}) {
    const { failed, knownDifferences } = count(this.#results);
    const bad = acceptKnown ? failed - knownDifferences : failed;
    return bad > 0 || this.#results.length === 0 ? 1 : 0;
  }

  log(text) {
    this.#lastLine = Date.now();
    this.print(text);
  }

  get #results() {
    return this.#files.flatMap(({ results }) => results);
  }
}

function line({ id, status, reason }) {
  const text = reason === undefined ? id : `${id}: ${reason}`;
  return `${status === 'failed' ? 'FAILED' : status}`.padEnd(9) + text.replaceAll('\n', `\n${' '.repeat(9)}`);
}

function count(results) {
  const number = (status) => results.filter((result) => result.status === status).length;
  return {
    passed: number('passed'),
    failed: number('failed'),
    knownDifferences: results.filter(({ knownDifference }) => knownDifference).length,
    skipped: number('skipped'),
  };
}

function totals(results) {
  const { passed, failed, knownDifferences, skipped } = count(results);
  const known = knownDifferences > 0 ? ` (${knownDifferences} of them known differences of libguestfs)` : '';
  return `${passed} passed, ${failed} failed${known}, ${skipped} skipped`;
}
