import { constants } from 'node:buffer';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { compileWithHeader } from '../support/c-library';
import { temporaryFolder } from '../support/folder';
import { resultOf } from '../support/script';

// Results that JavaScript cannot hold, as long as they say, and results for which there is no memory. They come from a
// stand-in for libguestfs, whose long ones are one piece of memory, mapped again and again.

const tooLongForText = constants.MAX_STRING_LENGTH + 1;
const tooLongForList = 2 ** 26 + 1;
const tooLongForMap = 2 ** 24 + 1;

const code = `
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum { piece = 2 << 20 };
static struct { char *first, *last; } results[2]; /* the long ones */
static int count;
static char element[] = "x";

extern void __libc_free(void *);
void free(void *p) {
  if (p == element) return;
  for (int i = 0; i < count; i++)
    if ((char *)p >= results[i].first && (char *)p < results[i].last) return;
  __libc_free(p);
}

/* A pattern as many times as it takes, and zeros behind it. */
static void *repeated(const void *pattern, size_t size, size_t times) {
  const size_t length = times * size + piece;
  const int fd = memfd_create("piece", 0);
  if (ftruncate(fd, piece) == -1) abort();
  char *one = mmap(NULL, piece, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  for (size_t at = 0; at < piece; at += size) memcpy(one + at, pattern, size);
  munmap(one, piece);
  char *first = mmap(NULL, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char *last = first + length;
  for (char *at = first; at < last; at += piece) {
    const size_t rest = last - at;
    mmap(at, rest < piece ? rest : piece, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, fd, 0);
  }
  results[count].first = first;
  results[count].last = last;
  count++;
  close(fd);
  memset(first + times * size, 0, size);
  return first;
}
static char *long_text(void) {
  static char *text;
  if (!text) text = repeated("x", 1, ${tooLongForText});
  return text;
}
static char **long_list(size_t length) {
  static char **list;
  char *pointer = element;
  if (!list) list = repeated(&pointer, sizeof pointer, ${tooLongForList});
  return list + ${tooLongForList} - length;
}

static char *text_of(size_t size, char byte) {
  char *text = memset(malloc(size + 1), byte, size);
  text[size] = 0;
  return text;
}
/* There is little more memory than the process has. */
static void limit_memory(void) {
  FILE *f = fopen("/proc/self/statm", "r");
  size_t pages = 0;
  if (fscanf(f, "%zu", &pages) != 1) abort();
  fclose(f);
  const struct rlimit limit = {pages * 4096 + (32 << 20), RLIM_INFINITY};
  setrlimit(RLIMIT_AS, &limit);
}
static void lift_limit(void) {
  const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
  setrlimit(RLIMIT_AS, &none);
}

char *guestfs_cat(guestfs_h *g, const char *path) {
  lift_limit();
  if (!strcmp(path, "/ascii")) return long_text();
  char *text = text_of(64 << 20, '\\xff');
  limit_memory();
  return text;
}
char *guestfs_read_file(guestfs_h *g, const char *path, size_t *size) {
  *size = strtoull(path + 1, NULL, 10);
  return malloc(64);
}
char **guestfs_find(guestfs_h *g, const char *directory) { return long_list(${tooLongForList}); }
char **guestfs_list_filesystems(guestfs_h *g) { return long_list(2l * ${tooLongForMap}); }
char **guestfs_ls(guestfs_h *g, const char *directory) {
  char **list = calloc(2, sizeof *list);
  list[0] = long_text();
  return list;
}
struct guestfs_utsname *guestfs_utsname(guestfs_h *g) {
  struct guestfs_utsname *name = malloc(sizeof *name);
  *name = (struct guestfs_utsname){strdup(""), strdup(""), long_text(), strdup("")};
  return name;
}
struct guestfs_lvm_pv_list *guestfs_pvs_full(guestfs_h *g) {
  struct guestfs_lvm_pv_list *list = malloc(sizeof *list);
  *list = (struct guestfs_lvm_pv_list){${tooLongForList}, NULL};
  return list;
}
void guestfs_free_lvm_pv_list(struct guestfs_lvm_pv_list *list) { free(list); }
struct guestfs_xattr_list *guestfs_getxattrs(guestfs_h *g, const char *path) {
  lift_limit();
  struct guestfs_xattr_list *list = malloc(sizeof *list);
  *list = (struct guestfs_xattr_list){1, malloc(sizeof *list->val)};
  list->val[0] = (struct guestfs_xattr){strdup("name"), 64 << 20, text_of(64 << 20, 'x')};
  if (strcmp(path, "/memory")) return list;
  limit_memory();
  return list;
}
const char *guestfs_get_program(guestfs_h *g) {
  static char *program;
  lift_limit();
  if (!program) program = text_of(64 << 20, 'x');
  limit_memory();
  return program;
}
int guestfs_sync(guestfs_h *g) {
  lift_limit();
  char *text = text_of(2 << 20, 'x');
  const int result = guestfs_set_backend(g, text); /* which refuses it, and says what it refuses */
  free(text);
  return result;
}
int guestfs_umount_opts_argv(guestfs_h *g, const char *mountpoint, const struct guestfs_umount_opts_argv *options) { return 0; }
static guestfs_event_callback on_event;
int guestfs_set_event_callback(guestfs_h *g, guestfs_event_callback callback, uint64_t events, int flags, void *data) {
  on_event = callback;
  return 0;
}
int guestfs_umount_all(guestfs_h *g) {
  lift_limit();
  on_event(g, NULL, GUESTFS_EVENT_TRACE, 0, 0, long_text(), ${2 ** 28 + 1}, NULL, 0);
  return 0;
}
`;

const script = `
  const g = new Guestfs();
  const traces = [];
  g.on('trace', (text) => traces.push(text.length));
  const outcome = (promise) => promise.then(
    (value) => ({ value }),
    ({ name, code, errno, operation, message }) =>
      ({ name, code, errno, operation, message: message.slice(0, 100), length: message.length }),
  );
  const seen = {
    text: await outcome(g.cat('/ascii')),
    buffer: await outcome(g.readFile('/${constants.MAX_LENGTH + 1}')),
    hugeBuffer: await outcome(g.readFile('/${2n ** 63n}')),
    list: await outcome(g.find('/')),
    longElement: await outcome(g.ls('/')),
    map: await outcome(g.listFilesystems()),
    longField: await outcome(g.utsname()),
    structs: await outcome(g.pvsFull()),
    largeField: await outcome(g.getxattrs('/').then(([{ attrval }]) => attrval.length)),
    noMemoryForText: await outcome(g.cat('/memory')),
    noMemoryForField: await outcome(g.getxattrs('/memory')),
    noMemoryAtOnce: await outcome(g.getProgram()),
    trace: await outcome(g.umountAll()),
  };
  const before = g.umount('/'); // so that the next one is not made at once
  seen.noMemoryOnThread = await outcome(g.getProgram());
  seen.reason = await outcome(g.sync()); // which lifts the limit, before anything is printed
  await before;
  await g.close();
  console.log(JSON.stringify({ seen, traces }));
`;

type Outcome = { value: unknown } | { code: string; message: string };

const folder = temporaryFolder();
let seen: Record<string, Outcome> = {};
let traces: number[] = [];

beforeAll(async () => {
  const env = { LD_PRELOAD: compileWithHeader(code, folder) };
  const timeout = 140_000;
  ({ seen, traces } = await resultOf<{ seen: typeof seen; traces: number[] }>(script, { env, timeout }));
}, 150_000);
afterAll(() => folder[Symbol.dispose]());

test.each([
  ['text', 'cat', 'string', `${tooLongForText} bytes`],
  ['buffer', 'readFile', 'Buffer', `${constants.MAX_LENGTH + 1} bytes`],
  ['hugeBuffer', 'readFile', 'Buffer', `${2 ** 63} bytes`],
  ['list', 'find', 'array', `${tooLongForList} elements`],
  ['longElement', 'ls', 'string', `${tooLongForText} bytes`],
  ['map', 'listFilesystems', 'Map', `${tooLongForMap} entries`],
  ['longField', 'utsname', 'string', `${tooLongForText} bytes`],
  ['structs', 'pvsFull', 'array', `${tooLongForList} elements`],
])('too long: %s', (what, operation, type, length) => {
  expect(seen[what]).toMatchObject({
    name: 'GuestfsError',
    code: 'ERR_STRING_TOO_LONG',
    errno: 0,
    operation,
    message: `${operation}: the result does not fit into a JavaScript ${type}: it has ${length}`,
  });
});

test.each([
  ['noMemoryForText', 'cat', 'cat: there is no memory for the result'],
  ['noMemoryForField', 'getxattrs', 'getxattrs: there is no memory for the result'],
  ['noMemoryAtOnce', 'getProgram', 'Cannot allocate memory'],
  ['noMemoryOnThread', 'getProgram', 'Cannot allocate memory'],
])('%s', (what, operation, message) => {
  expect(seen[what]).toMatchObject({ name: 'GuestfsError', code: 'ENOMEM', errno: 12, operation, message });
});

test('a large field of a struct is whole', () => {
  expect(seen.largeField).toEqual({ value: 64 * 2 ** 20 });
});

test('of a message that is too long the beginning arrives', () => {
  expect(seen.trace).toEqual({});
  expect(traces).toEqual([2 ** 28]);
  expect(seen.reason).toMatchObject({ code: 'ERR_GUESTFS', length: 2 ** 20 });
  expect((seen.reason as { message: string }).message).toMatch(/^invalid backend: x+$/);
});
