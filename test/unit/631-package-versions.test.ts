/** Versions, compared as their package managers compare them, and what has changed between two systems. */
import { execFileSync, spawnSync } from 'node:child_process';
import { comparePackages } from '../../lib/packages/compare';
import { packageOf, versionParts } from '../../lib/packages/package';
import { compareVersions } from '../../lib/packages/versions';
import { Random } from '../support/random';

const random = new Random(631);
const pieces = ['0', '1', '2', '10', '09', '.', '~', '+', 'a', 'b', 'rc', 'Z', 'git'];

/** Versions that begin with a digit, as those of packages do. */
const versions = Array.from({ length: 60 }, () => {
  const rest = Array.from({ length: random.below(6) }, () => pieces[random.below(pieces.length)]);
  return `${random.below(3)}${rest.join('')}`;
});
const pairs = versions.flatMap((a, index) => versions.slice(index, index + 8).map((b) => [a, b] as const));

const sign = (format: string, a: string, b: string) =>
  Math.sign(compareVersions(format, versionParts(a), versionParts(b)));

test('as dpkg does', () => {
  // Each is a process, or two.
  const some = pairs.filter((_, index) => index % 6 === 0);
  const wrong = some.filter(([a, b]) => {
    const isOlder = spawnSync('dpkg', ['--compare-versions', a, 'lt', b]).status === 0;
    const isSame = spawnSync('dpkg', ['--compare-versions', a, 'eq', b]).status === 0;
    return sign('deb', a, b) !== (isOlder ? -1 : isSame ? 0 : 1);
  });
  expect(wrong).toEqual([]);
});

test('as rpm does', () => {
  const more = [...pairs, ['1^', '1'], ['1^a', '1.1'], ['1~', '1^'], ['1^2', '1^1'], ['1.0', '1.a']] as const;
  const calls = more.map(([a, b]) => `print(rpm.vercmp('${a}', '${b}') .. ' ')`).join('');
  const said = execFileSync('rpm', ['--eval', `%{lua: ${calls}}`])
    .toString()
    .trim()
    .split(/\s+/)
    .map(Number);
  const wrong = more.filter(([a, b], index) => sign('rpm', a, b) !== said[index]);
  expect(wrong).toEqual([]);
});

test('as apk does, by its manual', () => {
  const rising = [
    ...['1.2_alpha', '1.2_alpha2', '1.2_beta', '1.2_pre', '1.2_rc1', '1.2', '1.2-r1', '1.2-r10', '1.2_git1'],
    ...['1.2_p1', '1.2a', '1.2b', '1.2.0', '1.2.1', '1.10', '2'],
  ];
  for (const [index, each] of rising.entries())
    for (const later of rising.slice(index + 1))
      expect([each, later, sign('apk', each, later)]).toEqual([each, later, -1]);
});

test('epochs count before all else', () => {
  for (const format of ['deb', 'rpm', 'pacman']) expect(sign(format, '1:1-1', '2-1')).toBe(1);
});

test('packages that came, went, and have other versions', () => {
  const one = (name: string, version: string, arch = 'x86_64') =>
    packageOf({ name, arch, ...versionParts(version) });
  const before = [
    one('a', '1-1'),
    one('b', '2-1'),
    one('c', '1:1-1'),
    one('k', '6.1-1'),
    one('k', '6.2-1'),
    one('m', '1', 'i686'),
  ];
  const after = [
    one('b', '2-2'),
    one('c', '9-1'),
    one('k', '6.2-1'),
    one('k', '6.3-1'),
    one('m', '1'),
    one('n', '1-1'),
  ];
  const told = comparePackages('rpm', before, after).map(({ change, name, arch }) => [change, name, arch]);
  expect(told).toEqual([
    ['removed', 'a', 'x86_64'],
    ['upgraded', 'b', 'x86_64'],
    ['downgraded', 'c', 'x86_64'],
    ['removed', 'k', 'x86_64'],
    ['added', 'k', 'x86_64'],
    ['removed', 'm', 'i686'],
    ['added', 'm', 'x86_64'],
    ['added', 'n', 'x86_64'],
  ]);
});
