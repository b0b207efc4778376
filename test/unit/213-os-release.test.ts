import { describe, expect, test } from '@jest/globals';
import { unknownSystem } from '../../lib/guests/operating-system';
import { parseOsRelease } from '../../lib/guests/os-release';
import { addFamily } from '../../lib/guests/own-words';

describe('os-release(5)', () => {
  test.each<[what: string, line: string, value: string | undefined]>([
    ['without quotes', 'X=debian', 'debian'],
    ['in double quotes', 'X="Debian GNU/Linux 12 (bookworm)"', 'Debian GNU/Linux 12 (bookworm)'],
    ['in single quotes', `X='It is "so"'`, 'It is "so"'],
    ['with escapes in double quotes', String.raw`X="a \"b\" \$c \`d\` \\e \n"`, 'a "b" $c `d` \\e \\n'],
    ['with escapes in single quotes, which are none', String.raw`X='a\$b'`, String.raw`a\$b`],
    ['with escapes without quotes', String.raw`X=a\ b\$`, 'a b$'],
    ['empty', 'X=', ''],
    ['empty in quotes', 'X=""', ''],
    ['with blanks around the line', '  X=12 \t', '12'],
    ['with what follows a quote', 'X="12" # twelve', '12'],
    ['with an equals sign', 'X="a=b"', 'a=b'],
    ['that is expanded by a shell, and by nobody else', 'X="$HOME"', '$HOME'],
    ['with a quote that is not closed', 'X="12', undefined],
    ['with a backslash at its end', 'X="12\\', undefined],
    ['in a comment', '#X=12', undefined],
    ['of a name that is none', '1X=12', undefined],
    ['with a blank before the equals sign', 'X =12', undefined],
  ])('a value %s', (_, line, value) => {
    expect(parseOsRelease(`A=1\n${line}\nB=2\n`)).toEqual(
      new Map([['A', '1'], ...(value === undefined ? [] : [['X', value] as [string, string]]), ['B', '2']]),
    );
  });

  test('the last one counts, and lines may end as those of DOS', () => {
    expect([...parseOsRelease('ID=a\r\n\r\nID="b"\r\n')]).toEqual([['ID', 'b']]);
  });

  test('names of objects are names like others', () => {
    const release = Object.fromEntries(parseOsRelease('__proto__=x\nconstructor=y\n'));
    expect(Object.entries(release)).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
    expect(Object.getPrototypeOf(release)).toBe(Object.prototype);
  });

  test('hostile text takes no time', () => {
    const evil = [
      `X="${'\\'.repeat(65_536)}`,
      `X='${"'".repeat(65_536)}`,
      'X='.repeat(32_768),
      '='.repeat(65_536),
    ];
    const began = process.cpuUsage();
    for (const text of evil) parseOsRelease(text);
    expect(process.cpuUsage(began).user / 1000).toBeLessThan(1000);
  });
});

describe('the family of a system', () => {
  test.each<[release: Record<string, string>, distro: string | null, format: string | null]>([
    [{ ID: 'amzn', ID_LIKE: 'centos rhel fedora' }, 'amzn', 'rpm'],
    [{ ID: 'raspbian', ID_LIKE: 'debian' }, 'raspbian', 'deb'],
    [{ ID: 'arch' }, 'archlinux', 'pacman'],
    [{ ID: 'opensuse-microos', ID_LIKE: 'suse opensuse opensuse-tumbleweed' }, 'opensuse-microos', 'rpm'],
    [{ ID: 'nixos' }, 'nixos', null],
    [{ ID: 'constructor', ID_LIKE: 'toString' }, 'constructor', null],
    [{ NAME: 'Nameless' }, null, null],
  ])('is what it says itself: %j', (osRelease, distro, packageFormat) => {
    const system = { ...unknownSystem('/dev/sda1'), osRelease };
    addFamily(system);
    expect(system).toMatchObject({ distro, packageFormat });
  });

  test('is what libguestfs says where it knows the distribution', () => {
    const osRelease = { ID: 'ubuntu' };
    const system = { ...unknownSystem('/dev/sda1'), osRelease, distro: 'linuxmint', packageFormat: 'deb' };
    addFamily(system);
    expect(system).toMatchObject({ distro: 'linuxmint', packageFormat: 'deb' });
  });
});
