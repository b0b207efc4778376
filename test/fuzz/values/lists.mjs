// Lists of all kinds.
import vm from 'node:vm';
import fc from 'fast-check';
import { nothing, number, numbers, undefinedValue } from './numbers.mjs';
import { aText, texts } from './texts.mjs';
import { allTraps, things } from './things.mjs';
import { fail, shortened, Value } from './value.mjs';

const list = (label, items, make, meddle = (array) => array.fill('meddled')) =>
  new Value(label, { is: 'list', items }, make, meddle);

const made = (items) => items.map((item) => item.make());
const labelled = (what, items) => shortened(`${what}[${items.join(', ')}]`);

const foreignList = vm.runInNewContext('(items) => Array.from(items)');

class OwnList extends Array {
  static get [Symbol.species]() {
    return fail();
  }

  [Symbol.iterator]() {
    return fail();
  }
}

/** A getter in a list's place; `later` is what it does when it is read again. */
function withGetters(items, later) {
  const array = new Array(items.length);
  for (const [i, item] of items.entries()) {
    let reads = 0;
    Object.defineProperty(array, i, { get: () => (reads++ === 0 ? item.make() : later()), enumerable: true });
  }
  return array;
}

const untouched = () => {};
const kindsOfLists = [
  (items) => list(labelled('', items), items, () => made(items)),
  (items) => list(labelled('frozen ', items), items, () => Object.freeze(made(items)), untouched),
  (items) =>
    list(labelled('a subclass of Array: ', items), items, () => OwnList.from(made(items)), untouched),
  (items) => list(labelled('of another realm: ', items), items, () => foreignList(made(items))),
  (items) =>
    list(labelled('with getters: ', items), items, () => withGetters(items, () => 'else'), untouched),
  (items) =>
    list(
      labelled('with getters that throw when read again: ', items),
      items,
      () => withGetters(items, fail),
      untouched,
    ),
  (items) =>
    list(labelled('with holes: ', items), [...items, undefinedValue], () => {
      const array = made(items);
      array.length++;
      return array;
    }),
];

const someText = aText('a');
const oddLists = [
  new Value('a list with a getter that throws', { is: 'unreadable list' }, () =>
    Object.defineProperty(['a', 'b'], 1, { get: fail }),
  ),
  new Value('a list with a proxy for its prototype', { is: 'unreadable list' }, () =>
    Object.setPrototypeOf(new Array(2), new Proxy(Array.prototype, allTraps)),
  ),
  list('a list of 2^32-1 holes', [undefinedValue], () => new Array(2 ** 32 - 1), untouched),
];
const manyItems = new Array(100_000).fill(someText);
export const longLists = [
  list('a list of 100,000 texts', manyItems, () => made(manyItems)),
  list('a list of 100,000 texts and a number', [...manyItems, number(5)], () => [...made(manyItems), 5]),
];

const goodItems = fc.array(texts, { maxLength: 5 });
const anyItems = fc.array(fc.oneof(texts, numbers, fc.constantFrom(nothing, undefinedValue, ...things)), {
  maxLength: 4,
});
export const lists = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.tuple(fc.constantFrom(...kindsOfLists), goodItems).map(([kind, items]) => kind(items)),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(fc.constantFrom(...kindsOfLists), anyItems).map(([kind, items]) => kind(items)),
  },
  { weight: 1, arbitrary: fc.constantFrom(...oddLists) },
);
