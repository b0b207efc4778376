// What the library must make of values, from their nature alone.

export const TYPE = 'ERR_INVALID_ARG_TYPE';
export const VALUE = 'ERR_INVALID_ARG_VALUE';
export const RANGE = 'ERR_OUT_OF_RANGE';

const refused = (code) => ({ code });

/** The bytes of a text, undefined where it stands for none. */
export function encode(text) {
  if (text.isWellFormed()) return Buffer.from(text);
  const bytes = Buffer.alloc(text.length * 3);
  let size = 0;
  for (const character of text) {
    const code = character.codePointAt(0);
    if (code >= 0xdc80 && code <= 0xdcff) bytes[size++] = code - 0xdc00;
    else if (code >= 0xd800 && code <= 0xdfff) return undefined;
    else size += bytes.write(character, size);
  }
  return bytes.subarray(0, size);
}

function judgeText(text, mayHaveNul) {
  if (!mayHaveNul && text.includes('\0')) return refused(VALUE);
  const encoded = encode(text);
  return encoded === undefined ? refused(VALUE) : { bytes: encoded };
}

const judges = {
  String: (nature) => (nature.is === 'text' ? judgeText(nature.text, false) : refused(TYPE)),
  OptString: (nature) => (nature.is === 'null' ? { value: null } : judges.String(nature)),
  StringList(nature) {
    if (nature.is === 'unreadable list') return refused(VALUE);
    if (nature.is !== 'list') return refused(TYPE);
    const items = [];
    for (const item of nature.items) {
      const judged = judge('String', item);
      if (judged.code) return judged;
      items.push(judged.bytes);
    }
    return { items };
  },
  Bool: (nature) => (nature.is === 'boolean' ? { value: nature.boolean } : refused(TYPE)),
  Int(nature) {
    if (nature.is !== 'number') return refused(TYPE);
    return Number.isInteger(nature.number) && Math.abs(nature.number + 0.5) <= 2 ** 31
      ? { value: nature.number }
      : refused(RANGE);
  },
  Int64(nature) {
    if (nature.is === 'bigint')
      return BigInt.asIntN(64, nature.bigint) === nature.bigint ? { value: nature.bigint } : refused(RANGE);
    if (nature.is !== 'number') return refused(TYPE);
    return Number.isSafeInteger(nature.number) ? { value: nature.number } : refused(RANGE);
  },
  Natural(nature) {
    return (nature.number ?? nature.bigint ?? 0) < 0 ? refused(RANGE) : judges.Int64(nature);
  },
  BufferIn(nature) {
    if (nature.is === 'bytes') return { bytes: nature.bytes };
    if (nature.is === 'detached') return refused(VALUE);
    return nature.is === 'text' ? judgeText(nature.text, true) : refused(TYPE);
  },
};

const accepted = { value: undefined };

function judgeDuration(nature, longest) {
  if (nature.is !== 'number') return refused(TYPE);
  return nature.number > 0 && nature.number <= longest ? accepted : refused(RANGE);
}

function judgeWord(nature, words) {
  if (nature.is !== 'text') return refused(TYPE);
  return words.includes(nature.text) ? accepted : refused(VALUE);
}

judges.Device = judges.Path = judges.String;

/** Files on the host: paths, or streams in their place. */
const judgeFile = (nature, stream) => {
  if (nature.is === 'text') return judgeText(nature.text, false);
  if (nature.is === stream || nature.is === 'duplex') return { stream: true, fails: nature.fails };
  return nature.is === 'broken stream' ? { code: TYPE, orCode: VALUE } : refused(TYPE);
};
judges.FileIn = judges.InputFile = (nature) => {
  // They are copied by other means than arguments that are bytes.
  if (nature.is === 'bytes') return nature.shrunken ? refused(VALUE) : { stream: true };
  return nature.is === 'detached' ? refused(VALUE) : judgeFile(nature, 'source');
};
judges.FileOut = judges.OutputFile = (nature) => judgeFile(nature, 'target');

/** Of the options that are not libguestfs's. */
Object.assign(judges, {
  signal: (nature) => {
    if (nature.is === 'signal') return nature;
    return ['thing', 'broken signal', 'broken stream'].includes(nature.is)
      ? { code: TYPE, orCode: VALUE }
      : refused(TYPE);
  },
  onProgress: (nature) => (nature.is === 'function' ? accepted : refused(TYPE)),
  killOnAbort: (nature) => judges.Bool(nature),
  keepPartial: (nature) => judges.Bool(nature),
  timeout: (nature) => judgeDuration(nature, 2 ** 31 - 1),
  interval: (nature) => judgeDuration(nature, Number.POSITIVE_INFINITY),
  accel: (nature) => judgeWord(nature, ['auto', 'kvm', 'tcg']),
  template: (nature) => judgeWord(nature, ['auto', 'never', 'only']),
  format: (nature) => judgeWord(nature, ['auto', 'bar', 'text', 'json', 'none']),
  label: (nature) => (nature.is === 'text' ? accepted : refused(TYPE)),
});

/** Adds a kind of texts: only some words. */
export function addWords(kind, words) {
  judges[kind] ??= (nature) => {
    if (nature.is !== 'text') return refused(TYPE);
    return words.includes(nature.text) ? judges.String(nature) : refused(VALUE);
  };
}

/** Verdicts on values that are long and used again and again. */
const known = new WeakMap();

/** Either the `code` with which an argument of this kind must be refused, or what must reach libguestfs. */
export function judge(kind, { nature }) {
  const verdicts = known.get(nature) ?? {};
  known.set(nature, verdicts);
  verdicts[kind] ??= judges[kind](nature);
  // What a list is wanted for is looked at before it is read, or after.
  if (nature.is === 'unreadable list') verdicts[kind].orCode = VALUE;
  return verdicts[kind];
}
