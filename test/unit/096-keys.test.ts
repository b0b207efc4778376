import { afterAll, expect, test } from '@jest/globals';
import { compileWithHeader } from '../support/c-library';
import { temporaryFolder } from '../support/folder';
import { resultOf } from '../support/script';

// Of keys no copy of ours stays in memory. A stand-in for libguestfs notes the key that it gets, not in plain, and looks for
// its end in what malloc has given out: there JavaScript has no strings.

const code = `
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { size = 24 };
static unsigned char noted[size];

static void note(const char *key) {
  const char *end = key + strlen(key) - size;
  for (int i = 0; i < size; i++) noted[i] = end[i] ^ 0x5a;
}
static int is_at(const unsigned char *p, int width) {
  for (int i = 0; i < size; i++)
    if ((p[i * width] ^ 0x5a) != noted[i] || (width == 2 && p[i * width + 1] != 0)) return 0;
  return 1;
}
static int found(int width) {
  FILE *maps = fopen("/proc/self/maps", "r");
  char line[1024];
  int count = 0;
  while (fgets(line, sizeof line, maps)) {
    unsigned char *from, *to;
    if (!strstr(line, "[heap]") || sscanf(line, "%p-%p", (void **)&from, (void **)&to) != 2) continue;
    for (unsigned char *p = from; p + size * width <= to; p++) count += is_at(p, width);
  }
  fclose(maps);
  return count;
}
int guestfs_luks_open(guestfs_h *g, const char *device, const char *key, const char *mapname) {
  note(key);
  return found(1) > 0 ? 0 : -1; /* this one, at least */
}
int guestfs_max_disks(guestfs_h *g) { return found(1) * 100 + found(2); }
`;

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

test.each([
  ['a key', `await g.luksOpen('/dev/sda1', key, 'name');`],
  [
    'a key of a call that is refused',
    `await g.luksOpen('/dev/sda1', key, 'na\\0me').catch(() => undefined);`,
  ],
  [
    'one that is refused itself',
    `await g.luksOpen('/dev/sda1', key + '\\ud800', 'name').catch(() => undefined);`,
  ],
])('%s', async (_, use) => {
  const script = `
    const random = () => String.fromCharCode(97 + Math.floor(Math.random() * 26));
    const g = new Guestfs();
    const key = Array.from({ length: 60 }, random).join('') + '\\u00e9' + Array.from({ length: 30 }, random).join('');
    await g.luksOpen('/dev/sda1', key, 'name'); // so that it is known
    ${use}
    console.log(await g.maxDisks());
    await g.close();
  `;
  expect(await resultOf(script, { env: { LD_PRELOAD: compileWithHeader(code, folder) } })).toBe(0);
});
