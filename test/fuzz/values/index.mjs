// The values that calls are made with: decent ones, wrong ones and hostile ones.
import fc from 'fast-check';
import { bytes, longBytes } from './bytes.mjs';
import { lists, longLists } from './lists.mjs';
import { bigints, booleans, nothing, numbers, undefinedValue } from './numbers.mjs';
import { brokenSignals, signals } from './signals.mjs';
import {
  brokenStreams,
  duplex,
  endlessSource,
  failingSources,
  failingTargets,
  sources,
  stuckTarget,
  targets,
} from './streams.mjs';
import { aText, devices, inputFiles, longTexts, outputFiles, paths, texts } from './texts.mjs';
import { functions, things } from './things.mjs';

export { undefinedValue } from './numbers.mjs';
export { aText } from './texts.mjs';
export { Value } from './value.mjs';

const often = (weight, arbitrary) => ({ weight, arbitrary });
/** Long values take their time. */
const seldom = (...values) => often(1, fc.constantFrom(...values));

/** Any value at all. */
export const anything = fc.oneof(
  often(40, texts),
  often(30, numbers),
  often(15, bigints),
  often(10, booleans),
  often(15, fc.constantFrom(nothing, undefinedValue)),
  often(20, bytes),
  often(30, lists),
  often(40, fc.constantFrom(...things, ...functions, ...signals, ...brokenSignals)),
  often(
    10,
    fc.constantFrom(...sources, ...failingSources, ...targets, ...failingTargets, ...brokenStreams, duplex),
  ),
  seldom(...longTexts, longBytes, ...longLists),
);

const inputs = fc.oneof(bytes, fc.constantFrom(...sources, ...failingSources, ...brokenStreams, duplex));
const outputs = fc.constantFrom(...targets, ...failingTargets, ...brokenStreams, duplex);
const strings = fc.oneof(often(150, texts), seldom(...longTexts));

/**
 * Values of the type that something of a kind has: most of them good, some out of range. First the kinds of
 * libguestfs's arguments, then narrower ones, then our own options.
 */
export const typed = {
  String: strings,
  OptString: fc.oneof(often(4, strings), often(1, fc.constant(nothing))),
  StringList: fc.oneof(often(100, lists), seldom(...longLists)),
  Bool: booleans,
  Int: numbers,
  Int64: fc.oneof(numbers, bigints),
  BufferIn: fc.oneof(often(100, bytes), often(20, texts), seldom(longBytes)),

  FileIn: fc.oneof(strings, inputs, fc.constant(endlessSource)),
  FileOut: fc.oneof(strings, outputs, fc.constant(stuckTarget)),

  Natural: fc.oneof(numbers, bigints),
  Device: devices,
  Path: paths,
  InputFile: fc.oneof(inputFiles, inputs),
  OutputFile: fc.oneof(outputFiles, outputs),

  signal: fc.constantFrom(...signals, ...brokenSignals),
  onProgress: fc.constantFrom(...functions),
  killOnAbort: booleans,
  keepPartial: booleans,
  timeout: numbers,
  interval: numbers,
  accel: fc.constantFrom('auto', 'kvm', 'tcg', 'TCG', '').map(aText),
  template: fc.constantFrom('auto', 'never', 'only', 'Only', '').map(aText),
  format: fc.constantFrom('auto', 'bar', 'text', 'json', 'none', 'Bar', '').map(aText),
  label: texts,
};
