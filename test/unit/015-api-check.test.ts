/** `npm run api:check`: reads guestfs.h and guestfs(3), and names what in api/ is otherwise. */
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, describe, expect, test } from '@jest/globals';
import { temporaryFolder } from '../support/folder';
import { root, runNode } from '../support/script';

/** The API of a small libguestfs, in the tables' form. */
const api = {
  functions: [
    {
      name: 'lid',
      since: '0.0.3',
      ret: { kind: 'RErr' },
      args: [{ name: 'jar', kind: 'String' }],
      opts: true,
    },
    { name: 'weigh', since: '1.2.0', ret: { kind: 'RInt64' }, args: [{ name: 'jar', kind: 'String' }] },
    { name: 'fill', since: '1.2.0', ret: { kind: 'RErr' }, args: [{ name: 'jam', kind: 'BufferIn' }] },
    { name: 'taste', since: '1.3.7', ret: { kind: 'RStruct', struct: 'flavour' }, group: 'tongue' },
    { name: 'list_jars', since: '1.3.7', ret: { kind: 'RHashtable' }, deprecated: 'list_all_Jars' },
    { name: 'list_all_Jars', since: '1.5.1', ret: { kind: 'RHashtable' }, progress: true },
    { name: 'spoon', since: '1.7.1', ret: { kind: 'RErr' } },
  ] as Record<string, unknown>[],
  structs: [
    {
      name: 'flavour',
      fields: [
        { name: 'sort', kind: 'FString' },
        { name: 'id', kind: 'FUUID' },
        { name: 'seal', kind: 'FBuffer' },
        { name: 'sugar', kind: 'FOptPercent' },
      ],
    },
  ],
  events: [
    { name: 'close', bit: 0 },
    { name: 'boil', bit: 3 },
  ],
  withoutMethods: [{ name: 'set_private', why: 'the addon has it' }],
};
const lidOptions = [
  { name: 'tight', kind: 'Bool' },
  { name: 'label', kind: 'String', since: '1.5.2' },
];
Object.assign(api.functions[0] as object, { options: lidOptions });

const header = `
#define GUESTFS_DEPRECATED_REPLACED_BY(s)
#define GUESTFS_HAVE_CREATE_FLAGS 1
extern GUESTFS_DLL_PUBLIC guestfs_h *guestfs_create_flags (unsigned flags, ...);
#define GUESTFS_EVENT_CLOSE 0x0001
#define GUESTFS_EVENT_BOIL  0x0008
#define GUESTFS_EVENT_ALL   0x0009
#define GUESTFS_HAVE_SET_PRIVATE 1
extern GUESTFS_DLL_PUBLIC void guestfs_set_private (guestfs_h *g, const char *key, void *data);

#define GUESTFS_HAVE_STRUCT_FLAVOUR 1
struct guestfs_flavour {
  char *sort;
  char id[32]; /* not terminated */
  /* bytes */
  uint32_t seal_len;
  char *seal;
  float sugar; /* or -1 */
};
struct guestfs_flavour_list {
  uint32_t len;
  struct guestfs_flavour *val;
};

#define GUESTFS_HAVE_FILL 1
extern GUESTFS_DLL_PUBLIC int guestfs_fill (guestfs_h *g, const char *jam, size_t jam_size);
#define GUESTFS_HAVE_INTERNAL_SHELF 1
extern GUESTFS_DLL_PUBLIC int guestfs_internal_shelf (guestfs_h *g);
#define GUESTFS_HAVE_LID 1
extern GUESTFS_DLL_PUBLIC int guestfs_lid (guestfs_h *g, const char *jar);
#define GUESTFS_HAVE_LID_OPTS 1
#define GUESTFS_LID_OPTS_TIGHT 0
#define GUESTFS_LID_OPTS_LABEL 1
extern GUESTFS_DLL_PUBLIC int guestfs_lid_opts (guestfs_h *g, const char *jar, ...);
extern GUESTFS_DLL_PUBLIC int guestfs_lid_opts_va (guestfs_h *g, const char *jar, va_list args);
struct guestfs_lid_opts_argv {
  uint64_t bitmask;
# define GUESTFS_LID_OPTS_TIGHT_BITMASK (UINT64_C(1)<<0)
  int tight;
# define GUESTFS_LID_OPTS_LABEL_BITMASK (UINT64_C(1)<<1)
  const char *label;
};
extern GUESTFS_DLL_PUBLIC int guestfs_lid_opts_argv (guestfs_h *g, const char *jar, const struct guestfs_lid_opts_argv *optargs);
#define GUESTFS_HAVE_LIST_ALL_JARS 1
extern GUESTFS_DLL_PUBLIC char **guestfs_list_all_Jars (guestfs_h *g);
#define GUESTFS_HAVE_LIST_JARS 1
#ifndef GUESTFS_NO_DEPRECATED
extern GUESTFS_DLL_PUBLIC char **guestfs_list_jars (guestfs_h *g)
  GUESTFS_DEPRECATED_REPLACED_BY ("list_all_Jars");
#endif
#define GUESTFS_HAVE_TASTE 1
extern GUESTFS_DLL_PUBLIC struct guestfs_flavour *guestfs_taste (guestfs_h *g);
#define GUESTFS_HAVE_WEIGH 1
extern GUESTFS_DLL_PUBLIC int64_t guestfs_weigh (guestfs_h *g, const char *jar);
`;

const done = 'This function returns 0 on success or \\-1 on error.';
const entries = String.raw`This function returns a NULL\-terminated array of strings,
or NULL if there was an error. The array of strings will always have length
\f(CW\*(C${'`'}2n+1\*(C'\fR.`;
const progress = String.raw`This long\-running command can generate progress notification messages`;
const section = (name: string, ...paragraphs: string[]) =>
  `.SS ${name}\n.IX Subsection "${name}"\n${paragraphs.map((text) => `.PP\n${text}\n`).join('')}`;

const manual = `.TH guestfs 3 2026-01-01 libguestfs-1.6.2 "Virtualization Support"
.SH NAME
guestfs \\- jars
.SH "API CALLS"
.IX Header "API CALLS"
${section('guestfs_fill', done, '(Added in 1.2.0)')}${section('guestfs_lid', '(Added in 0.3)')}${section(
  'guestfs_lid_opts',
  done,
  '(Added in 0.3)',
)}${section('guestfs_list_all_Jars', entries, progress, '(Added in 1.5.1)')}${section(
  '"guestfs_list_jars"',
  entries,
  '(Added in 1.3.7)',
)}${section(
  'guestfs_taste',
  String.raw`This function depends on the feature \f(CW\*(C${'`'}tongue\*(C'\fR.  See also`,
  '(Added in 1.3.7)',
)}${section('guestfs_weigh', 'On error this function returns \\-1.', '(Added in 1.2.0)')}.SH STRUCTURES
`;

interface Findings {
  differences: string[];
  newer: { functions: number; options: number };
  unknown: { calls: string[]; structs: string[] };
  /** By the name of the call or struct. */
  proposals: Record<string, { line: string; doubts: string[] }>;
}

interface Library {
  tables?: typeof api;
  header?: string;
  manual?: string | null;
  version?: string;
}

const worker = new Worker(join(root, 'test/support/api-check-worker.mjs'));
afterAll(() => worker.terminate());

async function check(library: Library = {}): Promise<Findings> {
  worker.postMessage({ tables: api, header, manual, ...library });
  const [findings] = await once(worker, 'message');
  return findings;
}

/** The tables with facts of a function changed. */
function changed(name: string, facts: Record<string, unknown>): typeof api {
  expect(api.functions.map((fn) => fn.name)).toContain(name);
  return { ...api, functions: api.functions.map((fn) => (fn.name === name ? { ...fn, ...facts } : fn)) };
}

/** The text with a replacement in one place. */
function replaced(text: string, from: string, to: string): string {
  expect(text.split(from)).toHaveLength(2);
  return text.replace(from, to);
}

describe('tables that agree with the library', () => {
  test('have no differences; what is newer is counted', async () => {
    expect(await check()).toMatchObject({
      differences: [],
      newer: { functions: 1, options: 0 },
      unknown: { calls: [], structs: [] },
    });
  });

  test('agree with an older one, which lacks functions, options and reasons to deprecate', async () => {
    const older = [
      ['  const char *label;\n', ''],
      ['# define GUESTFS_LID_OPTS_LABEL_BITMASK (UINT64_C(1)<<1)\n', ''],
      ['\n  GUESTFS_DEPRECATED_REPLACED_BY ("list_all_Jars");', ';'],
      ['extern GUESTFS_DLL_PUBLIC char **guestfs_list_all_Jars (guestfs_h *g);\n', ''],
    ] as const;
    const old = older.reduce((text, [from, to]) => replaced(text, from, to), header);
    expect(await check({ header: old, manual: null, version: '1.4.9' })).toMatchObject({
      differences: [],
      newer: { functions: 2, options: 1 },
    });
    const { differences } = await check({ header: old, manual: null, version: '1.5.2' });
    expect(differences).toEqual([
      'lid: options: api/ has int tight, const char* label, libguestfs has int tight',
      'list_jars: deprecated for: api/ has list_all_Jars, libguestfs has none',
      'list_all_Jars: function: api/ has it since 1.5.1, libguestfs has none',
    ]);
  });

  test('may keep what was otherwise before a version', async () => {
    const tables = changed('taste', { group: 'spoon', before: { '1.6.3': { group: 'tongue' } } });
    expect((await check({ tables })).differences).toEqual([]);
    tables.functions = changed('taste', {
      group: 'spoon',
      before: { '1.6.2': { group: 'tongue' } },
    }).functions;
    expect((await check({ tables })).differences).toEqual([
      'taste: feature group: api/ has spoon, libguestfs has tongue',
    ]);
  });

  test('know a member of a struct by its former name too', async () => {
    const [flavour] = api.structs;
    const fields = (flavour?.fields ?? []).map((f) =>
      f.name === 'sort' ? { ...f, name: 'variety', formerly: 'sort' } : f,
    );
    const tables = { ...api, structs: [{ name: 'flavour', fields }] };
    expect((await check({ tables })).differences).toEqual([]);
  });
});

describe('differences from the header', () => {
  const jar = { name: 'jar', kind: 'String' };
  test.each([
    ['weigh', { ret: { kind: 'RErr' } }, 'result: api/ has int, libguestfs has int64_t'],
    ['weigh', { args: [] }, 'arguments: api/ has none, libguestfs has const char* jar'],
    ['weigh', { args: [{ name: 'pot', kind: 'String' }] }, 'const char* pot, libguestfs has const char* jar'],
    ['fill', { args: [{ name: 'jam', kind: 'String' }] }, 'const char* jam, size_t jam_size'],
    ['weigh', { args: [jar, { name: 'grams', kind: 'Bool' }] }, 'api/ has const char* jar, int grams'],
    [
      'lid',
      { options: lidOptions.slice(0, 1) },
      'options: api/ has int tight, libguestfs has int tight, const',
    ],
    ['lid', { options: [...lidOptions].reverse() }, 'options: api/ has const char* label, int tight'],
    ['lid', { options: [{ name: 'tight', kind: 'Int64' }, lidOptions[1]] }, 'int64_t tight'],
    ['weigh', { deprecated: '' }, 'deprecated for: api/ has without replacement, libguestfs has none'],
    ['list_jars', { deprecated: undefined }, 'deprecated for: api/ has none, libguestfs has list_all_Jars'],
    ['spoon', { since: '1.6.2' }, 'function: api/ has it since 1.6.2, libguestfs has none'],
  ])('%s with %j: %s', async (name, facts, expected) => {
    const { differences } = await check({ tables: changed(name, facts), manual: null, version: '1.6.2' });
    expect(differences).toEqual([expect.stringMatching(new RegExp(`^${name}: `))]);
    expect(differences[0]).toContain(expected);
  });

  test('the bit of an option', async () => {
    const shifted = replaced(header, '_LABEL_BITMASK (UINT64_C(1)<<1)', '_LABEL_BITMASK (UINT64_C(1)<<2)');
    expect((await check({ header: shifted })).differences).toEqual([
      'lid: bit of option label: api/ has 1, libguestfs has 2',
    ]);
  });

  test('members of a struct, and one that is gone', async () => {
    const wider = replaced(header, 'char id[32];', 'char id[64];');
    expect((await check({ header: wider })).differences).toEqual([
      'struct flavour: member 2: api/ has char id[32];, libguestfs has char id[64];',
    ]);
    const longer = replaced(header, '  float sugar; /* or -1 */\n', '  float sugar;\n  int32_t salt;\n');
    expect((await check({ header: longer })).differences).toEqual([
      'struct flavour: member 6: api/ has none, libguestfs has int32_t salt;',
    ]);
    const none = replaced(header, '#define GUESTFS_HAVE_STRUCT_FLAVOUR 1\n', '');
    expect((await check({ header: none })).differences).toEqual([
      'struct flavour: struct: api/ has it, libguestfs has none',
    ]);
  });

  test('events: another bit, a new one, one that is gone', async () => {
    const other = replaced(header, 'GUESTFS_EVENT_BOIL  0x0008', 'GUESTFS_EVENT_COOL  0x0010');
    expect((await check({ header: other })).differences).toEqual([
      'event boil: bit: api/ has 8, libguestfs has none',
      'event cool: bit: api/ has none, libguestfs has 16',
    ]);
  });
});

describe('differences from the manual', () => {
  test.each([
    ['lid', { since: '0.0.4' }, 'since: api/ has 0.0.4, libguestfs has 0.0.3'],
    ['weigh', { progress: true }, 'progress: api/ has true, libguestfs has false'],
    ['list_all_Jars', { progress: false }, 'progress: api/ has false, libguestfs has true'],
    ['taste', { group: undefined }, 'feature group: api/ has none, libguestfs has tongue'],
    ['weigh', { group: 'arm' }, 'feature group: api/ has arm, libguestfs has none'],
    [
      'list_jars',
      { ret: { kind: 'RStringList' } },
      'kind of result: api/ has RStringList, libguestfs has RHash',
    ],
    ['fill', { ret: { kind: 'RBool' } }, 'kind of result: api/ has RBool, libguestfs has RErr'],
    [
      'weigh',
      { args: [{ name: 'jar', kind: 'String', subtype: 'Key' }] },
      'key among the arguments: api/ has true, libguestfs has false',
    ],
  ])('%s with %j: %s', async (name, facts, expected) => {
    const { differences } = await check({ tables: changed(name, facts) });
    expect(differences).toEqual([expect.stringContaining(`${name}: ${expected}`)]);
  });

  test('a function that it does not mention', async () => {
    const other = replaced(manual, '.SS guestfs_taste', '.SS guestfs_smell');
    expect((await check({ manual: other })).differences).toEqual([
      'taste: in the manual: api/ has it, libguestfs has none',
    ]);
  });
});

describe('what the tables lack', () => {
  const without = (...names: string[]) => ({
    ...api,
    functions: api.functions.filter((fn) => !names.includes(fn.name as string)),
  });
  const line = (name: string) => {
    const { name: _, ...facts } = api.functions.find((fn) => fn.name === name) as { name: string };
    return JSON.stringify({ name, ...facts }).replace(/[:,](?=["{[tf])/g, '$& ');
  };

  test('is proposed as it was, where header and manual tell all', async () => {
    const { proposals, unknown } = await check({
      tables: without('fill', 'taste', 'list_jars', 'list_all_Jars'),
    });
    expect(unknown.calls).toEqual(['fill', 'list_all_Jars', 'list_jars', 'taste']);
    for (const name of unknown.calls) expect(proposals[name]).toEqual({ line: line(name), doubts: [] });
  });

  test('is proposed after the example of other functions, else as something to decide', async () => {
    const tables = without('weigh');
    expect((await check({ tables })).proposals).toEqual({ weigh: { line: line('weigh'), doubts: [] } });
    const alone = { ...api, functions: without('weigh', 'lid').functions };
    const { proposals } = await check({ tables: alone });
    expect(proposals.weigh?.doubts).toEqual(['jar is String, or is it OptString or one with a subtype?']);
    const [name, ...rest] = Object.keys(proposals);
    expect([name, rest]).toEqual(['lid_opts', ['weigh']]);
    const lid = JSON.parse(proposals.lid_opts?.line ?? '');
    expect(lid).toEqual({
      name: 'lid',
      since: '0.0.3',
      ret: { kind: 'RErr' },
      args: [{ name: 'jar', kind: 'String' }],
      options: lidOptions.map(({ name, kind }) => ({ name, kind })),
      opts: true,
    });
    expect(proposals.lid_opts?.doubts).toContain('tight is Bool, or is it Int?');
  });

  test('needs the way of a file decided', async () => {
    const source = { name: 'jar', kind: 'String', subtype: 'FileIn' };
    const tables = { ...api, functions: changed('lid', { args: [source] }).functions };
    tables.functions = tables.functions.filter((fn) => fn.name !== 'weigh');
    const { proposals } = await check({ tables });
    expect(JSON.parse(proposals.weigh?.line ?? '')).toMatchObject({ args: [source], cancellable: true });
    expect(proposals.weigh?.doubts).toEqual(['jar is String FileIn, or is it String FileOut?']);
  });

  test('without a manual: kinds of results are to be decided as well', async () => {
    const { proposals } = await check({ tables: without('fill'), manual: null, version: '1.6.2' });
    expect(proposals.fill?.doubts).toEqual([
      'since, progress and group are in the manual only',
      'the result is RErr or RInt or RBool',
    ]);
  });

  test('includes structs', async () => {
    const { proposals } = await check({ tables: { ...api, structs: [] } });
    expect(JSON.parse(proposals.flavour?.line ?? '')).toEqual(api.structs[0]);
  });
});

describe('npm run api:check', () => {
  const apiCheck = (...args: string[]) => runNode(['generator/check-installed.mjs', ...args]);

  test('finds our tables right about the libguestfs of this machine, unless that is newer', async () => {
    const { code, stdout, stderr } = await apiCheck();
    const summary =
      /^libguestfs 1\.(\d+).*\n(\d{3}) functions, 27 structs and 10 events compared: (\w+) diff/s.exec(
        stdout,
      );
    expect(stderr).toBe('');
    expect(summary).not.toBeNull();
    const [, minor, functions, differences] = summary ?? [];
    expect(Number(functions)).toBeGreaterThan(600);
    const table = JSON.parse(readFileSync(join(root, 'api/functions.json'), 'utf8')) as { since: string }[];
    const newest = Math.max(...table.map(({ since }) => Number(since.split('.')[1])));
    if (Number(minor) <= newest) expect([differences, code]).toEqual(['no', 0]);
  });

  test('names differences and ends with 1', async () => {
    using folder = temporaryFolder();
    const { stdout } = await apiCheck();
    const [, version, installed] = /^libguestfs (\S+): ([^,\n]+)/.exec(stdout) as unknown as [
      string,
      string,
      string,
    ];
    const known = readFileSync(installed, 'utf8').replaceAll('guestfs_mount_ro ', 'guestfs_mount_rw ');
    const other = known.replaceAll('GUESTFS_HAVE_MOUNT_RO 1', 'GUESTFS_HAVE_MOUNT_RW 1');
    expect(other).not.toBe(known);
    writeFileSync(folder.file('guestfs.h'), other);
    const result = await apiCheck('--header', folder.file('guestfs.h'), '--version', version);
    expect(result.stdout).toContain('mount_ro: function: api/ has it since 1.0.10, libguestfs has none\n');
    expect(result.stdout).toContain('{"name": "mount_rw", "since": "", "ret": {"kind": "RErr"}, "args": [{');
    expect(result.stdout).toContain(' compared: 2 differences.\n');
    expect(result.code).toBe(1);
  });

  describe('ends with 2 and says what is wrong', () => {
    const folder = temporaryFolder();
    const [guestfsH, guestfs3] = [folder.file('guestfs.h'), folder.file('guestfs.3')];
    writeFileSync(guestfsH, header);
    writeFileSync(guestfs3, manual);
    afterAll(() => folder[Symbol.dispose]());

    test.each([
      ['no such header', ['--header', folder.file('none.h')], 'none.h cannot be read: ENOENT'],
      ['another file', ['--header', guestfs3, '--version', '1.6.2'], "is not libguestfs's guestfs.h"],
      ['a header without a version', ['--header', guestfsH], 'give --version X.Y.Z'],
      ['no such manual', ['--manual', folder.file('none.3.gz')], 'none.3.gz cannot be read: gzip: '],
      ['another manual', ['--header', guestfsH, '--manual', guestfsH], 'is not the manual guestfs(3)'],
      [
        'a manual of another version',
        ['--header', guestfsH, '--manual', guestfs3, '--version', '1.8.0'],
        'of libguestfs 1.8.0, the manual of 1.6.2',
      ],
      ['an unknown option', ['--frobnicate'], 'Usage: npm run api:check'],
    ])('%s', async (_, args, message) => {
      const { code, stderr } = await apiCheck(...args);
      expect(stderr).toContain(message);
      expect(stderr).not.toContain('    at ');
      expect(code).toBe(2);
    });
  });
});
