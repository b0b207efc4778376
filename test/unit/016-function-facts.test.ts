// What api/ says that functions do to this machine, and that it is said nowhere else.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import ts from 'typescript';
import { functions } from '../../lib/native/addon';
import { type TemporaryFolder, temporaryFolder } from '../support/folder';
import { openLibvirtNode } from '../support/libvirt-node';
import { resultOf, root } from '../support/script';

interface FunctionRecord {
  readonly name: string;
  readonly local?: boolean;
  readonly args?: readonly { readonly name: string; readonly kind: string }[];
  readonly options?: readonly { readonly name: string }[];
}

const table = <T>(name: string): T[] => JSON.parse(readFileSync(join(root, `api/${name}.json`), 'utf8'));
const camel = (name: string) => name.replace(/_+([a-zA-Z0-9])/g, (_, c: string) => c.toUpperCase());
const records = table<FunctionRecord>('functions');
const methods = new Set(records.map(({ name }) => camel(name)));

/** Methods that a condition on their facts holds for, of those that were tried. */
const withFact = (tried: readonly string[], fact: (fn: { [name: string]: unknown }) => boolean) =>
  tried.filter((method) => fact({ ...functions.get(method) })).sort();

describe('the libguestfs of this machine', () => {
  interface Trial {
    readonly method: string;
    /** Programs that it ran. */
    readonly programs: string[];
    readonly drives: number;
    readonly message: string;
  }

  /** What the calls need so that they get as far as possible. */
  const values = (folder: TemporaryFolder, fn: FunctionRecord): Record<string, unknown> => ({
    filename: folder.file(fn.name === 'disk_create' ? 'new.qcow2' : 'image.qcow2'),
    ...{ backingfile: folder.file('image.qcow2'), backingformat: 'qcow2', format: 'qcow2' },
    ...{ readonly: true, size: fn.name === 'disk_create' ? -1 : 1024 * 1024, iface: 'virtio' },
    ...{ dom: 'guest', libvirturi: `test://${folder.file('node.xml')}` },
  });
  const byKind = { Int: 0, Int64: 0, Bool: true, StringList: [], String: 'x', OptString: 'x', BufferIn: 'x' };

  /** Every program of this machine under its name, each of which writes its name down before it runs. */
  function spies(folder: TemporaryFolder): void {
    const spy = folder.file('spy');
    writeFileSync(
      spy,
      `#!/bin/sh\necho "\${0##*/}" >> '${folder.file('log')}'\nexec "/usr/bin/\${0##*/}" "$@"\n`,
    );
    chmodSync(spy, 0o755);
    mkdirSync(folder.file('bin'));
    for (const name of new Set([...readdirSync('/usr/bin'), 'guestunmount']))
      if (existsSync(join('/usr/bin', name))) symlinkSync(spy, folder.file(`bin/${name}`));
  }

  let trials: Trial[];
  let tried: string[];
  const folder = temporaryFolder();
  afterAll(() => folder[Symbol.dispose]());

  beforeAll(async () => {
    spies(folder);
    writeFileSync(folder.file('node.xml'), openLibvirtNode(folder.file('image.qcow2'), 'qcow2'));
    const needs = new Map(
      table<{ name: string; needs: string }>('documentation').map((each) => [each.name, each.needs]),
    );
    const calls = records
      .filter(({ name, local }) => local && /^(?:nothing|config)$/.test(needs.get(name) ?? ''))
      // A launch starts much, and the other two mount: these have tests of their own.
      .filter(({ name }) => !['launch', 'mount_local', 'umount_local'].includes(name))
      .map((fn) => {
        const known = values(folder, fn);
        const args = (fn.args ?? []).map(
          ({ name, kind }) => known[name] ?? byKind[kind as keyof typeof byKind],
        );
        const options = (fn.options ?? []).flatMap(({ name }) =>
          name in known ? [[name, known[name]]] : [],
        );
        return { method: camel(fn.name), args, options: Object.fromEntries(options) };
      });
    trials = await resultOf<Trial[]>(
      `const { existsSync, readFileSync, rmSync } = require('node:fs');
      const { execFileSync } = require('node:child_process');
      const log = ${JSON.stringify(folder.file('log'))};
      const image = ${JSON.stringify(folder.file('image.qcow2'))};
      execFileSync('/usr/bin/qemu-img', ['create', '-q', '-f', 'qcow2', image, '1M']);
      const trials = [];
      for (const { method, args, options } of ${JSON.stringify(calls)}) {
        if (!Guestfs.supports(method)) continue;
        const g = new Guestfs({ environment: false });
        rmSync(log, { force: true });
        let message = '';
        await g[method](...args, options).catch((error) => { message = error.message; });
        const programs = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\\n') : [];
        trials.push({ method, programs, drives: (await g.debugDrives()).length, message });
        await g.close();
      }
      console.log(JSON.stringify(trials));`,
      { env: { PATH: folder.file('bin') } },
    );
    tried = trials.map(({ method }) => method);
  }, 60_000);

  const thoseThat = (condition: (trial: Trial) => boolean) =>
    trials
      .filter(condition)
      .map(({ method }) => method)
      .sort();

  test('runs a program for those that say so, and for no others', () => {
    expect(tried.length).toBeGreaterThan(80);
    const found = thoseThat(({ programs }) => programs.length > 0);
    expect(found).toEqual(withFact(tried, ({ program }) => program !== undefined));
    expect(found).toContain('diskCreate');
    for (const { method, programs } of trials.filter((trial) => trial.programs.length > 0))
      expect([method, programs.at(-1)]).toEqual([method, functions.get(method)?.program]);
  });

  test('has drives after those that say so', () => {
    const found = thoseThat(({ drives }) => drives > 0);
    expect(found).toEqual(withFact(tried, ({ drives }) => (drives as { do?: string })?.do === 'add'));
    expect(found).toHaveLength(7);
  });

  test('refuses those that answer libvirt, which has not asked', () => {
    const found = thoseThat(({ message }) => /only be called from within .*LIBVIRT_AUTH/.test(message));
    expect(found).toEqual(withFact(tried, ({ answersLibvirt }) => answersLibvirt === true));
    expect(found).toHaveLength(5);
  });
});

describe('lib/ knows functions by their facts', () => {
  /** Lists that are none of libguestfs's functions: which calls are steps of something that is our own, and programs of guests. */
  const ownLists = new Set(['cli/diff.ts', 'check/rules/setuid.ts']);
  /** Our own method, and a step of an inspection that failed. */
  const ownNames = new Set(['copyOut', 'inspectOs']);
  /** Asks which calls are launches: a trace has those without the others. */
  const asksForLaunches = new Set(['telemetry/opentelemetry.ts']);
  /** Patterns of consoles, and of hashes. */
  const ownPatterns = new Set(['launch/phases.ts', 'check/rules/passwords.ts']);

  const files = readdirSync(join(root, 'lib'), { encoding: 'utf8', recursive: true }).filter(
    (name) => name.endsWith('.ts') && !name.includes('generated/'),
  );
  const isMethod = (node: ts.Node) => ts.isStringLiteralLike(node) && methods.has(node.text);

  /** Nodes of all files that a condition holds for, as `file: text`. */
  function nodes(condition: (node: ts.Node, file: string) => boolean): string[] {
    const found: string[] = [];
    for (const file of files) {
      const source = ts.createSourceFile(file, readFileSync(join(root, 'lib', file), 'utf8'), 99, true);
      const visit = (node: ts.Node): void => {
        if (condition(node, file)) found.push(`${file}: ${node.getText()}`);
        ts.forEachChild(node, visit);
      };
      visit(source);
    }
    return found;
  }

  test('and has no lists of names', () => {
    const lists = nodes(
      (node, file) =>
        ts.isArrayLiteralExpression(node) &&
        node.elements.filter(isMethod).length >= 2 &&
        !ownLists.has(file),
    );
    expect(lists).toEqual([]);
  });

  test('nor asks whether a call is one of that name', () => {
    const asked = nodes((node, file) => {
      if (
        asksForLaunches.has(file) ||
        !ts.isBinaryExpression(node) ||
        !/^[!=]==$/.test(node.operatorToken.getText())
      )
        return false;
      const [subject, name] = [node.left, node.right];
      if (!/\b(?:method|operation)$/.test(subject.getText()) || !isMethod(name)) return false;
      return !ownNames.has((name as ts.StringLiteral).text);
    });
    expect(asked).toEqual([]);
  });

  test('nor patterns that a handful of names match', () => {
    const patterns = nodes((node, file) => {
      if (!ts.isRegularExpressionLiteral(node)) return false;
      const [, source = '', flags = ''] = /^\/(.*)\/(\w*)$/s.exec(node.text) ?? [];
      const pattern = new RegExp(source, flags.replace(/[gy]/g, ''));
      const matched = [...methods].filter((method) => pattern.test(method));
      return matched.length >= 3 && matched.length <= 60 && !ownPatterns.has(file);
    });
    expect(patterns).toEqual([]);
  });
});
