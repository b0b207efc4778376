// Ranges of versions: `>= 3.0.11, < 4`.
import { type Package, versionParts } from '../../packages/package';
import { compareVersions } from '../../packages/versions';

type Versioned = Pick<Package, 'epoch' | 'version' | 'release'>;

interface Bound {
  readonly holds: (order: number) => boolean;
  readonly version: Versioned;
  readonly hasEpoch: boolean;
}

const operators: Readonly<Record<string, (order: number) => boolean>> = {
  '=': (order) => order === 0,
  '==': (order) => order === 0,
  '!=': (order) => order !== 0,
  '>=': (order) => order >= 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '<': (order) => order < 0,
};

/** Bounds of a range, all of which have to hold; undefined where it is none. `*` holds for all. */
export function parseRange(text: string): Bound[] | undefined {
  const bounds: Bound[] = [];
  for (const part of text.split(',').map((each) => each.trim())) {
    if (part === '*') continue;
    const [, operator = '', version = ''] = /^(>=|<=|==|!=|=|>|<)?\s*([\w][\w.+~^:-]*)$/.exec(part) ?? [];
    const holds = operators[operator || '='];
    if (version === '' || !holds) return undefined;
    bounds.push({ holds, version: versionParts(version), hasEpoch: /^\d+:/.test(version) });
  }
  return bounds;
}

/** Whether a version lies in a range. A bound without epoch or release is compared without. */
export function isInRange(format: string, found: Versioned, bounds: readonly Bound[]): boolean {
  return bounds.every(({ holds, version, hasEpoch }) => {
    const epoch = hasEpoch ? found.epoch : version.epoch;
    const release = version.release === null ? null : found.release;
    return holds(compareVersions(format, { epoch, version: found.version, release }, version));
  });
}
