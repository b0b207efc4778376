import { describe, expect, test } from '@jest/globals';
import { callFailed } from '../../lib/faults/errors';
import { tellsWriteError, tooLargeMessage } from '../../lib/faults/words';

const encode =
  'guestfsd: failed to encode reply body\n(maybe the reply exceeds the maximum message size in the protocol?)';

describe('what does not fit into a message of libguestfs', () => {
  test.each([
    [`readdir: ${encode}`, 'answer'],
    [`internal_list_rpm_applications: ${encode}`, 'answer'],
    ['pread: /a: count is too large for the protocol, use smaller reads', 'answer'],
    ['pread_device: /dev/sda: count is too large for the protocol, use smaller reads', 'answer'],
    ['dispatch failed to marshal args', 'arguments'],
    ['pwrite: size of input buffer too large', 'arguments'],
  ] as const)('%j', (message, what) => {
    expect(tooLargeMessage(message)).toBe(what);
    const {
      code,
      hint,
      message: text,
    } = callFailed('readdir', { errno: 0, message }, undefined, {
      instead: ['walk'],
    });
    expect(code).toBe('ERR_GUESTFS_MESSAGE_TOO_LARGE');
    expect(text).toMatch(/^readdir: the (answer is|arguments are) larger than .* 4 MiB\. /);
    expect(hint).toContain('walk()');
  });

  test.each([
    `cat: open: /${encode}: No such file or directory`,
    `cat: /x ${encode}`,
    'rm: /dispatch failed to marshal args: No such file or directory',
    'rm: /a: size of input buffer too large',
    'rm: /a: count is too large for the protocol, use smaller reads',
  ])('is not told by a name of the guest: %j', (message) => {
    expect(tooLargeMessage(message)).toBeUndefined();
  });
});

test.each([
  ['upload: write error: /f', true],
  ['base64_in: write error on file: /f', true],
  [
    'tar_in: tar subcommand failed on directory: /: tar: a: Cannot write: No space left on device\ntar: Exiting',
    true,
  ],
  [
    'tgz_in: tar subcommand failed on directory: /: tar: a: Wrote only 1024 of 10240 bytes\ntar: Exiting',
    true,
  ],
  ["cp: cp: error copying '/sysroot/x' to '/sysroot/y': No space left on device", true],
  ['upload: open: /f: Permission denied', false],
  ['tar_in: tar: This does not look like a tar archive', false],
])('a write error without its errno: %j', (message, is) => {
  expect(tellsWriteError(message)).toBe(is);
});
