// The recipes of the documentation, with the libraries and tools that they are for.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import { transformSync } from '@swc/core';
import { parse, parseAllDocuments } from 'yaml';
import { parseArguments } from '../../lib/cli/arguments';
import { loadCommand } from '../../lib/cli/commands';
import { Screen } from '../support/screen';
import { resultOf, root } from '../support/script';

jest.setTimeout(30_000);

interface Fence {
  readonly document: string;
  readonly language: string;
  readonly code: string;
}

let fences: readonly Fence[];

beforeAll(async () => {
  fences = await resultOf<Fence[]>(`
    const { documentNames, readDocument } = await import('./scripts/markdown.mjs');
    const fences = documentNames().flatMap((document) =>
      readDocument(document).fences.map(({ language, code }) => ({ document, language, code })));
    console.log(JSON.stringify(fences));`);
});

/** The program that imports the package, as JavaScript. */
function recipe(name: string): string {
  const found = fences.filter(({ language, code }) => language === 'ts' && code.includes(`from '${name}'`));
  expect(found).toHaveLength(1);
  const parser = { syntax: 'typescript' } as const;
  return transformSync(found[0]?.code ?? '', { jsc: { parser, target: 'es2022' } }).code;
}

const run = (code: string) => [process.execPath, '--input-type=module', '-e', code];

/** A handle whose operations take half a second. */
const handle = `
  globalThis.g = {
    async zeroDevice(device, { onProgress }) {
      for (const ratio of [0, 0.25, 0.5, 0.75, 1]) {
        onProgress({ ratio });
        await new Promise((resolve) => setTimeout(resolve, 150));
      }
      if (globalThis.failure) throw failure;
    },
    checksumDevice: async () => 'abc123',
  };`;

describe('progress in other hands', () => {
  test('a task of listr2', async () => {
    await using screen = new Screen(run(handle + recipe('listr2')));
    await screen.until(() => {
      expect(screen.lines[0]).toMatch(/^. Wipe the second disk$/);
      expect(screen.lines[1]).toMatch(/^ +. 50 %$/);
    });
    expect(await screen.ended).toBe(0);
    expect(screen.lines).toEqual(['✔ Wipe the second disk', '✔ Checksum abc123']);
    expect(screen.modes).toEqual({ cursorIsVisible: true, linesWrap: true });
  });

  test('a bar of cli-progress', async () => {
    await using screen = new Screen(run(handle + recipe('cli-progress')));
    await screen.until(() => expect(screen.lines).toEqual([expect.stringMatching(/^zeroDevice █+░+ 50 %$/)]));
    expect(await screen.ended).toBe(0);
    expect(screen.lines).toEqual([expect.stringMatching(/^zeroDevice █+ 100 %$/)]);
    expect(screen.modes).toEqual({ cursorIsVisible: true, linesWrap: true });
  });

  test('a bar of cli-progress gives the cursor back when the operation fails', async () => {
    const failing = `${handle} globalThis.failure = new Error('mine');`;
    await using screen = new Screen(run(failing + recipe('cli-progress')));
    expect(await screen.ended).toBe(1);
    expect(screen.lines.join('\n')).toContain('Error: mine');
    expect(screen.modes).toEqual({ cursorIsVisible: true, linesWrap: true });
  });
});

describe('jobs', () => {
  const scripts = Object.keys(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).scripts);

  /** What a shell would make of it, and whether what it calls of ours exists. */
  function expectToRun(script: string): void {
    const { status, stderr } = spawnSync('bash', ['-n'], { input: script, encoding: 'utf8' });
    expect({ script, status, stderr }).toEqual({ script, status: 0, stderr: '' });
    for (const [, name] of script.matchAll(/\bnpm run (?:--silent )?([\w:-]+)/g))
      expect(scripts).toContain(name);
    for (const [, line = ''] of script.matchAll(/^(?:npx )?guestfs ([^|>\n]*)/gm)) expectToBeCommand(line);
    for (const [, name = ''] of script.matchAll(/\bnode (\S+)\.mjs\b/g)) {
      // The guide says that the example is such a program.
      const file = name === 'make-image' ? 'examples/ci-job' : name;
      expect([name, existsSync(join(root, `${file}.mjs`))]).toEqual([name, true]);
    }
  }

  /** A command line of the program, without its name. */
  function expectToBeCommand(line: string): void {
    const [name = '', ...args] = line.trim().split(/\s+/);
    if (name.startsWith('--')) return;
    const command = loadCommand(name);
    expect([line, command?.description.name]).toEqual([line, name]);
    if (command) parseArguments(command.description, args);
  }

  interface Job {
    readonly 'runs-on'?: string;
    readonly image?: string;
    readonly script?: readonly string[];
    readonly steps?: readonly { readonly uses?: string; readonly run?: string; readonly name?: string }[];
  }

  function expectGithubWorkflow(
    { jobs }: { jobs: Record<string, Job> },
    action = /^[\w-]+\/[\w-]+@v\d+$/,
  ): void {
    expect(Object.keys(jobs).length).toBeGreaterThan(0);
    for (const { 'runs-on': runner, steps = [] } of Object.values(jobs)) {
      expect(runner).toMatch(/./);
      expect(steps.length).toBeGreaterThan(0);
      for (const { uses, run, ...others } of steps) {
        // One of the two, and nothing that GitHub does not know.
        expect([uses, run].filter((each) => each !== undefined)).toHaveLength(1);
        expect(['name', 'with', 'env', 'if', 'id']).toEqual(expect.arrayContaining(Object.keys(others)));
        if (uses !== undefined) expect(uses).toMatch(action);
        // Expressions are filled in before the shell sees them.
        if (run !== undefined) expectToRun(run.replaceAll(/\$\{\{.*?\}\}/g, 'x'));
      }
    }
  }

  const folder = join(root, '.github/workflows');
  test.each(readdirSync(folder))('%s of our own', (name) => {
    // By commit: a tag can be moved.
    expectGithubWorkflow(parse(readFileSync(join(folder, name), 'utf8')), /^[\w-]+\/[\w-]+@[0-9a-f]{40}$/);
  });

  test('of other systems, in the guide', () => {
    const documents = fences
      .filter(({ language }) => language === 'yaml')
      .flatMap(({ code }) => parseAllDocuments(code).map((each) => each.toJS()))
      // Kubernetes has its own: programs that stay, and no jobs of ours.
      .filter(({ apiVersion }) => apiVersion === undefined);
    const kinds = documents.map((each) => {
      if (each.jobs) return 'github';
      return each.pool ? 'azure' : each.steps ? 'buildkite' : 'gitlab';
    });
    expect(kinds.sort()).toEqual(['azure', 'buildkite', 'github', 'gitlab']);
    for (const each of documents) {
      if (each.jobs) expectGithubWorkflow(each);
      else if (each.steps) expectSteps(each.steps);
      else expectGitlabJobs(each);
    }
    const [jenkins] = fences.filter(({ language }) => language === 'groovy');
    const commands = [...(jenkins?.code ?? '').matchAll(/\bsh '(.*)'/g)].map(([, command = '']) => command);
    expect(commands.length).toBeGreaterThan(0);
    for (const command of commands) expectToRun(command);
  });

  function expectGitlabJobs(document: Record<string, Job>): void {
    for (const { image, script = [] } of Object.values(document)) {
      expect(image).toMatch(/./);
      expect(script.length).toBeGreaterThan(0);
      for (const line of script) expectToRun(line);
    }
  }

  /** Those of Azure Pipelines and of Buildkite. */
  function expectSteps(
    steps: readonly { script?: string; task?: string; command?: readonly string[] }[],
  ): void {
    for (const { script, task, command } of steps) {
      if (task !== undefined) expect(task).toMatch(/^\w+@\d+$/);
      else for (const line of command ?? [script ?? '']) expectToRun(line);
    }
  }

  test('the container', () => {
    const [file] = fences.filter(({ language }) => language === 'dockerfile');
    const instructions = (file?.code ?? '')
      .replaceAll(/\\\n\s*/g, '')
      .trim()
      .split('\n');
    const known = /^(FROM|RUN|WORKDIR|COPY|USER|CMD) (.+)$/;
    for (const instruction of instructions) {
      const [, name, rest = ''] = known.exec(instruction) ?? [];
      expect([instruction, name]).toEqual([instruction, expect.any(String)]);
      if (name === 'RUN') expectToRun(rest);
      if (name === 'CMD') expectToRun(JSON.parse(rest).join(' '));
    }
    expect(instructions[0]).toMatch(/^FROM node:\d+-/);
  });

  test('commands that the documentation shows exist, with their options', () => {
    const shown = fences.filter(({ language }) => language === 'sh');
    expect(shown.length).toBeGreaterThan(5);
    for (const { code } of shown) expectToRun(code.replaceAll(/ +#.*$/gm, ''));
  });
});
