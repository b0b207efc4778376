// What shells offer when somebody presses Tab.

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { optionsOf } from '../../lib/cli/arguments';
import { commandNames, descriptions } from '../../lib/cli/commands';
import { completionScript } from '../../lib/cli/completion';
import { progressChoices } from '../../lib/cli/progress';
import { runCli } from '../support/cli';
import { testUnless } from '../support/conditions';
import { type TemporaryFolder, temporaryFolder } from '../support/folder';
import { Screen } from '../support/screen';

jest.setTimeout(30_000);

const all = descriptions();

const flagsOf = (command: (typeof all)[number]) =>
  optionsOf(command).flatMap(({ name, short }) => (short ? [`-${short}`, `--${name}`] : [`--${name}`]));

const reasonWithout = (shell: string) => {
  try {
    execFileSync('sh', ['-c', `command -v ${shell}`]);
    return undefined;
  } catch {
    return `${shell} is not installed`;
  }
};

/** A folder with images and other files, to be completed. */
let files: TemporaryFolder;

beforeAll(() => {
  files = temporaryFolder();
  writeFileSync(files.file('a disk.img'), '');
  mkdirSync(files.file('a folder'));
});

afterAll(() => files[Symbol.dispose]());

test('the program prints the script', async () => {
  expect(await runCli('completion', 'bash')).toEqual({
    stdout: completionScript('bash', all),
    stderr: '',
    code: 0,
  });
});

describe('bash', () => {
  /** What bash would offer for the last word. */
  const bash = (words: readonly string[], cwd = '/') => {
    const script = `${completionScript('bash', all)}
COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); _guestfs; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const said = execFileSync('bash', ['--norc', '-c', script, 'bash', ...words], { encoding: 'utf8', cwd });
    return said.split('\n').filter(Boolean);
  };

  test('commands', () => {
    expect(bash(['guestfs', ''])).toEqual([...commandNames, '--help', '--version']);
    expect(bash(['guestfs', 'copy'])).toEqual(['copy-out', 'copy-in']);
  });

  test.each(all.map((each) => [each.name, each] as const))('all options of %s', (name, each) => {
    expect(bash(['guestfs', name, '-'])).toEqual(flagsOf(each));
  });

  test('values, behind a blank or =', () => {
    expect(bash(['guestfs', 'ls', '--progress', 'j'])).toEqual(['json']);
    expect(bash(['guestfs', 'ls', '--progress', '=', 'j'])).toEqual(['json']);
    expect(bash(['guestfs', 'ls', '--progress', '='])).toEqual([...progressChoices]);
    expect(bash(['guestfs', 'checksum', '-t', 'sha5'])).toEqual(['sha512']);
    expect(bash(['guestfs', 'completion', 'z'])).toEqual(['zsh']);
    expect(bash(['guestfs', 'ls', '--timeout', ''])).toEqual([]);
    expect(bash(['guestfs', 'frobnicate', ''])).toEqual([]);
  });

  test('files, with blanks in their names', () => {
    expect(bash(['guestfs', 'ls', 'a'], files.path).sort()).toEqual(['a disk.img', 'a folder']);
    expect(bash(['guestfs', 'df', '--add', 'a d'], files.path)).toEqual(['a disk.img']);
    expect(bash(['guestfs', 'warm', 'a'], files.path)).toEqual([]);
  });
});

describe('fish', () => {
  /** What fish would offer for the last word, without what it says of each. */
  const fish = (line: string) => {
    const script = `${completionScript('fish', all)}\ncomplete -C "$argv[1]"`;
    const options = { encoding: 'utf8', cwd: files.path } as const;
    const said = execFileSync('fish', ['--no-config', '-c', script, line], options);
    return said
      .split('\n')
      .filter(Boolean)
      .map((each) => each.split('\t')[0]);
  };
  const fishTest = testUnless(reasonWithout('fish'));

  fishTest('commands', async () => {
    expect(fish('guestfs ')).toEqual([...commandNames].sort());
    expect(fish('guestfs copy')).toEqual(['copy-in', 'copy-out']);
    expect(fish('guestfs --')).toEqual(['--help', '--version']);
  });

  fishTest('all options of every command, and no others', async () => {
    for (const each of all) {
      const offered = [...fish(`guestfs ${each.name} -`), ...fish(`guestfs ${each.name} --`)];
      expect([each.name, ...[...new Set(offered)].sort()]).toEqual([each.name, ...flagsOf(each).sort()]);
    }
    // An image may be called like a command.
    expect(fish('guestfs inspect ls --rec')).toEqual([]);
  });

  fishTest('values, behind a blank or =', async () => {
    expect(fish('guestfs ls --progress j')).toEqual(['json']);
    expect(fish('guestfs ls --progress=j')).toEqual(['--progress=json']);
    expect(fish('guestfs checksum -t sha5')).toEqual(['sha512']);
    expect(fish('guestfs completion z')).toEqual(['zsh']);
    expect(fish('guestfs ls --timeout ')).toEqual([]);
    expect(fish('guestfs frobnicate ')).toEqual([]);
  });

  fishTest('files, with blanks in their names', async () => {
    expect(fish('guestfs ls a')).toEqual(['a disk.img', 'a folder/']);
    expect(fish("guestfs df --add 'a d'")).toEqual(['a disk.img']);
    expect(fish('guestfs copy-out one.img /etc a')).toEqual(['a disk.img', 'a folder/']);
    expect(fish('guestfs warm a')).toEqual([]);
  });
});

describe('zsh', () => {
  const zshTest = testUnless(reasonWithout('zsh'));
  let screen: Screen;
  let home: TemporaryFolder;

  // As the help says, in the shell of somebody who sits in front of it.
  beforeAll(async () => {
    if (reasonWithout('zsh')) return;
    home = temporaryFolder();
    mkdirSync(home.file('.zfunc'));
    writeFileSync(home.file('.zfunc/_guestfs'), completionScript('zsh', all));
    const settings = [
      'fpath=(~/.zfunc $fpath)',
      'autoload -Uz compinit && compinit -u',
      "PS1='> '",
      `cd ${files.path}`,
      // Tells us, and not the screen, that all keys before it have been answered.
      "answered() { print -n '\\e]0;answered\\a' }",
      "zle -N answered && bindkey '^O' answered",
    ];
    writeFileSync(home.file('.zshrc'), `${settings.join('\n')}\n`);
    const env = { HOME: home.path, ZDOTDIR: home.path };
    screen = new Screen(['zsh', '-i'], { columns: 200, rows: 100, env });
    await screen.shows(['>']);
  });

  afterAll(async () => {
    await screen?.[Symbol.asyncDispose]();
    home?.[Symbol.dispose]();
  });

  const press = async (keys: string) => {
    const { length } = screen.bytes;
    screen.type(`${keys}\x0f`);
    await screen.until(() => expect(screen.bytes.slice(length)).toContain('answered\x07'));
  };

  /** The lines of the terminal when Tab has been pressed behind the text. */
  const zsh = async (text: string) => {
    await press('\x15\x0c'); // clears the line, and the screen
    await press(`${text}\t`);
    return screen.lines;
  };
  /** The words that are listed, without what is said of each. */
  const listed = (lines: readonly string[]) =>
    lines.slice(1).flatMap((line) => line.replace(/ +-- .*/, '').split(/ {2,}/));

  zshTest('commands', async () => {
    const lines = await zsh('guestfs ');
    expect(lines[0]).toBe('> guestfs');
    expect(listed(lines)).toEqual([...commandNames].sort());
    expect(lines).toContainEqual(expect.stringMatching(/^ls +-- List folders of a guest$/));
    expect(listed(await zsh('guestfs copy-'))).toEqual(['copy-in', 'copy-out']);
    expect(listed(await zsh('guestfs --'))).toEqual(['--help', '--version']);
  });

  zshTest('all options of every command, and no others', async () => {
    for (const each of all) {
      await zsh(`guestfs ${each.name} -`);
      // What all have in common is typed first, and the only one there is at once.
      if (screen.lines[0]?.endsWith(' --')) await press('\t');
      const offered = listed(screen.lines);
      const found = offered.length > 0 ? offered : [screen.lines[0]?.split(' ').at(-1)];
      expect([each.name, ...found.sort()]).toEqual([each.name, ...flagsOf(each).sort()]);
    }
  });

  zshTest('values, behind a blank or =', async () => {
    expect(await zsh('guestfs ls --progress j')).toEqual(['> guestfs ls --progress json']);
    expect(await zsh('guestfs ls --progress=j')).toEqual(['> guestfs ls --progress=json']);
    expect(listed(await zsh('guestfs ls --progress='))).toEqual([...progressChoices].sort());
    expect(await zsh('guestfs checksum -t sha5')).toEqual(['> guestfs checksum -t sha512']);
    expect(await zsh('guestfs completion z')).toEqual(['> guestfs completion zsh']);
    expect(await zsh('guestfs ls --timeout ')).toEqual(['> guestfs ls --timeout']);
    expect(await zsh('guestfs frobnicate ')).toEqual(['> guestfs frobnicate']);
  });

  zshTest('files, with blanks in their names, for every operand that is one', async () => {
    expect(await zsh('guestfs ls a\\ d')).toEqual(['> guestfs ls a\\ disk.img']);
    expect(await zsh('guestfs df --add a\\ d')).toEqual(['> guestfs df --add a\\ disk.img']);
    for (const words of ['inspect one.img', 'diff one.img', 'copy-out one.img /etc', 'copy-in one.img a']) {
      expect(await zsh(`guestfs ${words} a\\ f`)).toEqual([`> guestfs ${words} a\\ folder/`]);
    }
    expect(await zsh('guestfs warm a')).toEqual(['> guestfs warm a']);
  });
});
