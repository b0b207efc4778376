// A handle under test: makes calls and looks at what comes of them, and at what libguestfs got to see.
import { inspect } from 'node:util';
import { GuestfsError } from 'guestfs';
import { invoke } from '../../dist/calls/invoke.js';
import { functions } from '../../dist/native/addon.js';
import { withoutNumbers } from './calls.mjs';
import { encode } from './verdicts.mjs';

/** A promise of the library's is broken. */
export function fail(what, seen) {
  const shown = inspect(seen, { maxStringLength: 500, maxArrayLength: 10 });
  throw new Error(seen === undefined ? what : `${what}: ${shown}`);
}

export class Subject {
  g;
  #entered = [];
  #traced = [];

  /** The handle must trace its calls. */
  constructor(g) {
    this.g = g;
    g.on('library', () => {}); // setVerbose() makes it talk
    g.on('enter', (name) => this.#entered.push(name));
    g.on('trace', (text) => this.#traced.push(text));
  }

  /** Makes a call; throws an error when what comes of it is not what must. Returns how it was settled. */
  async try(call) {
    const { fn } = call;
    const verdict = call.verdict();
    const settled = await this.#settle(call);
    const { error } = settled;
    const { available } = functions.get(fn.method);
    const codes = new Set(verdict.codes);
    if (!available) codes.add('ERR_GUESTFS_UNSUPPORTED');
    if (verdict.aborted) codes.add('ABORT_ERR');
    // A stream that fails by itself may do so before the abort.
    const aborted = verdict.aborted && !(verdict.aborted === 'later' && verdict.fails && error);
    const mayPass = verdict.mayPass && available && !aborted;
    if (error && codes.has(error.code)) {
      checkRefusal(fn, error);
      await this.#checkUnseen(verdict.aborted === 'later');
    } else {
      if (!mayPass) fail(`should be refused with ${[...codes].join(' or ')}`, settled);
      if (error && !verdict.fails) checkFailure(fn, error);
      const unseen = this.#traced.length === 0 && (verdict.fails || (error && isOwnRefusal(fn, error)));
      if (!unseen) this.#checkSeen(verdict.trace());
    }
    return settled;
  }

  async #settle(call) {
    const { fn } = call;
    this.#entered = [];
    this.#traced = [];
    const args = call.make();
    let promise;
    try {
      promise = fn.method in this.g ? this.g[fn.method](...args) : this.#invoke(fn, args);
    } catch (error) {
      fail('threw at once instead of rejecting', error);
    }
    call.meddle();
    if (!(promise instanceof Promise)) fail('returned no promise', promise);
    return promise.then(
      (value) => ({ value }),
      (error) => ({ error }),
    );
  }

  /** libguestfs's own test functions have no method. */
  #invoke(fn, args) {
    const count = fn.args.length;
    return this.g[invoke](fn.method, args.slice(0, count), args[count]);
  }

  /** Another call shows that none was under way. */
  async #checkUnseen(unlessAborted) {
    await this.g.getMemsize();
    if (unlessAborted) return;
    if (this.#entered.join() !== 'get_memsize')
      fail('was refused, but not before it reached libguestfs', this.#entered);
  }

  #checkSeen(expected) {
    const seen = encode(withoutNumbers(this.#traced[0] ?? ''));
    if (!seen.equals(expected))
      fail(`should have reached libguestfs as ${brief(expected)}, but did as`, brief(seen));
  }
}

/** What libguestfs itself refuses without a trace: options that it does not know, and texts of a certain form. */
function isOwnRefusal(fn, error) {
  const checked = fn.args.some(({ subtype }) => subtype === 'GUID' || subtype === 'Filename');
  return checked || error.code === 'ERR_GUESTFS_UNSUPPORTED';
}

function brief(bytes) {
  return `${bytes.subarray(0, 400).toString('latin1')}${bytes.length > 400 ? `… (${bytes.length} bytes)` : ''}`;
}

const kinds = new Map([
  ['ERR_INVALID_ARG_TYPE', 'TypeError'],
  ['ERR_INVALID_ARG_VALUE', 'TypeError'],
  ['ERR_OUT_OF_RANGE', 'RangeError'],
  ['ERR_GUESTFS_UNSUPPORTED', 'GuestfsError'],
  ['ABORT_ERR', 'AbortError'],
]);

/** The error of a call that was not made. */
function checkRefusal(fn, error) {
  const right = error instanceof Error && error.name === kinds.get(error.code);
  if (!right || !error.message.startsWith(`${fn.method}: `)) fail('was refused with an odd error', error);
  if (error.message.length > 1000) fail(`was refused in ${error.message.length} characters`, error.message);
}

/** The error of a call that libguestfs was asked for. */
function checkFailure(fn, error) {
  const coded = error instanceof GuestfsError && /^(E[A-Z0-9]+|ERR_GUESTFS(_[A-Z]+)*)$/.test(error.code);
  if (!coded || error.operation !== fn.method) fail('failed with an odd error', error);
}
