// Reads guestfs(3), the man page in roff, for what the header does not say.

/** The text without its markup, in one line. */
function plain(roff) {
  return roff
    .replace(/^\.(?!\\").*$/gm, '')
    .replace(/\\f(?:\(..|.)|\\s[+-]?\d|\\[&|]/g, '')
    .replace(/\\\*\(C['`]/g, '')
    .replace(/\\\*\([LR]"/g, '"')
    .replace(/\\-/g, '-')
    .replace(/\s+/g, ' ');
}

/** The kinds of results that look alike in C: the manual's sentence about each. */
const returnKinds = [
  ['RErr', /returns 0 on success or -1 on error/],
  ['RBool', /returns a C truth value on success/],
  ['RInt', /On error this function returns -1/],
  ['RHashtable', /array of strings will always have length 2n\+1/],
  ['RStringList', /returns a NULL-terminated array of strings/],
  ['RBufferOut', /size of the returned buffer is written to/],
  ['RConstOptString', /returns a string which may be NULL/],
  ['RConstString', /returns a string, or NULL on error\. The string is owned by the guest handle/],
  ['RString', /returns a string, or NULL on error/],
];

/** Versions before 1.0 are `0.3` in the manual and `0.0.3` in api/. */
const version = (text) => text?.replace(/^0\.(\d+)$/, '0.0.$1');

function call(text) {
  return {
    since: version(/\(Added in ([\d.]+)\)/.exec(text)?.[1]),
    progress: text.includes('This long-running command can generate progress notification messages'),
    key: text.includes('takes a key or passphrase parameter'),
    group: /This function depends on the feature (\w+)/.exec(text)?.[1],
    returnKind: returnKinds.find(([, sentence]) => sentence.test(text))?.[0],
  };
}

/** What the manual says of every call, by its name without `guestfs_`, and the version that it is the manual of. */
export function parseManual(roff) {
  const chapter = /^\.SH "?API CALLS"?\n(.*?)^\.SH /ms.exec(roff)?.[1] ?? '';
  const calls = new Map();
  for (const section of chapter.split(/^\.SS /m).slice(1)) {
    const [, name] = /^"?guestfs_(\w+)"?\n/.exec(section) ?? [];
    if (name) calls.set(name, call(plain(section)));
  }
  return { calls, version: /^\.TH .*libguestfs-(\d+\.\d+\.\d+)/m.exec(roff)?.[1] };
}
