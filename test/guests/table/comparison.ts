/** What two programs tell of a guest, held against what is known of it. */
import type { InspectionReport } from '../../../lib';
import type { Guest } from './guests';
import type { MadeGuest } from './maker';
import { expectedMounts, packagesOf, toldSystem } from './truth';

/** A system as a program tells of it. */
interface Answer extends Omit<ReturnType<typeof toldSystem>, 'versionText'> {
  /** Version as text, or as two numbers. */
  readonly versionText: string | readonly [major: string, minor: string] | null;
}

export interface Answers {
  readonly systems: readonly Answer[];
  readonly filesystems: readonly { readonly device: string; readonly uuid: string | null }[];
  /** Whether it says that something could not be found out. */
  readonly hasProblems: boolean;
}

export const answersOf = ({ operatingSystems, filesystems, problems }: InspectionReport): Answers => ({
  ...{ systems: operatingSystems.map(toldSystem), filesystems },
  hasProblems: problems.length > 0,
});

/** Answers in the XML of virt-inspector(1), which is flat, and has a line for each element. */
export function answersInXml(xml: string): Answers {
  const all = (text: string, element: string) =>
    [...text.matchAll(new RegExp(`<${element}((?: [^>]*)?)>(.*?)</${element}>`, 'gs'))].map(
      ([, attributes = '', content = '']) => [/dev="([^"]*)"/.exec(attributes)?.[1] ?? '', content] as const,
    );
  const one = (text: string, element: string) => {
    const found = all(text, element)[0]?.[1];
    return found === undefined || found === 'unknown' ? null : decoded(found);
  };
  const systems = all(xml, 'operatingsystem').map(([, whole]): Answer => {
    const applications = all(whole, 'application').map(([, application]) => application);
    const text = whole.replace(/<applications>.*<\/applications>/s, '');
    const mountpoints = all(text, 'mountpoint').map(([device, path]) => [decoded(path), device]);
    const swaps = all(text, 'filesystem').filter(([, content]) => one(content, 'type') === 'swap');
    return {
      ...{ type: one(text, 'name'), distro: one(text, 'distro'), productName: one(text, 'product_name') },
      versionText: [one(text, 'major_version') ?? '0', one(text, 'minor_version') ?? '0'],
      ...{
        arch: one(text, 'arch'),
        hostname: one(text, 'hostname'),
        packageFormat: one(text, 'package_format'),
      },
      ...{ mountpoints: Object.fromEntries(mountpoints), swaps: swaps.map(([device]) => device) },
      packages: applications.map((each) => packageIn((element) => one(each, element))).sort(),
    };
  });
  const filesystems = all(xml, 'filesystem').map(([device, content]) => ({
    device,
    uuid: one(content, 'uuid'),
  }));
  return { systems, filesystems, hasProblems: false };
}

function packageIn(value: (element: string) => string | null): string {
  const epoch = value('epoch');
  const [version, release] = [value('version') ?? '', value('release')];
  const evr = `${epoch && epoch !== '0' ? `${epoch}:` : ''}${version}${release ? `-${release}` : ''}`;
  return [value('name'), evr, value('arch') ?? ''].join(' ').trim();
}

function decoded(text: string): string {
  const names: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };
  return text.replace(/&(\w+);/g, (whole, name: string) => names[name] ?? whole);
}

const words = {
  ...{ type: 'kind of system', distro: 'distribution', productName: 'product name', arch: 'architecture' },
  ...{ hostname: 'host name', packageFormat: 'package format' },
} as const;

/** What is not as it is, in words; empty where all is right. */
export function differences(guest: Guest, made: MadeGuest, answers: Answers): string[] {
  const [told, ...others] = answers.systems;
  if (told === undefined) return [answers.hasProblems ? 'system not found, and said so' : 'no system found'];
  const expected = { ...guest.system.tells, ...expectedMounts(guest, made, answers.filesystems) };
  const found = others.length > 0 ? [`${others.length + 1} systems instead of one`] : [];
  for (const [key, name] of Object.entries(words) as [keyof typeof words, string][]) {
    if (told[key] !== expected[key])
      found.push(`${name}: ${told[key] ?? 'none'} (${expected[key] ?? 'none'})`);
  }
  if (!isVersion(told.versionText, expected.versionText)) {
    const text = Array.isArray(told.versionText) ? told.versionText.join('.') : (told.versionText ?? 'none');
    found.push(`version: ${text} (${expected.versionText ?? 'none'})`);
  }
  return [
    ...found,
    ...mountDifferences(told, expected),
    ...packageDifferences(told, guest, answers.hasProblems),
  ];
}

/** Two numbers can say no more than the beginning. */
function isVersion(told: Answer['versionText'], expected: string | null): boolean {
  if (told === null || typeof told === 'string') return told === expected;
  const [major = 0, minor = 0] = (expected ?? '').split('.').map((part) => Number.parseInt(part, 10) || 0);
  return Number(told[0]) === major && Number(told[1]) === minor;
}

function mountDifferences(told: Answer, expected: ReturnType<typeof expectedMounts>): string[] {
  const wrong: string[] = [];
  for (const path of new Set([...Object.keys(expected.mountpoints), ...Object.keys(told.mountpoints)])) {
    const [is, should] = [told.mountpoints[path], expected.mountpoints[path]];
    if (is === should) continue;
    wrong.push(
      is === undefined
        ? `${path} missing`
        : should === undefined
          ? `${path} is not there`
          : `${path} on ${is} (${should})`,
    );
  }
  if (told.swaps.slice().sort().join() !== [...expected.swaps].sort().join()) {
    wrong.push(`swap: ${told.swaps.join(', ') || 'none'} (${expected.swaps.join(', ') || 'none'})`);
  }
  return wrong;
}

function packageDifferences({ packages }: Answer, { system }: Guest, isSaid: boolean): string[] {
  if (packages === null) return [isSaid ? 'packages unknown, and says so' : 'packages unknown'];
  const truth = packagesOf(system);
  if (packages.join() === truth.join())
    return system.unlisted && truth.length === 0 ? ['none where packages are unknown'] : [];
  if (packages.length === 0) return [`none of ${truth.length} packages, without a word`];
  return [`${packages.filter((each) => truth.includes(each)).length} of ${truth.length} packages right`];
}
