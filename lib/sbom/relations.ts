// Which of the packages of a system depend on which.
import type { Package } from '../packages/package';

/** Packages, by their places, that each depends on, in their order. What is not among them, or is a file, is left out. */
export function dependencies(packages: readonly Package[]): number[][] {
  const index = new Index(packages);
  return packages.map(({ depends, arch }, own) => {
    const found = depends.flatMap((each) => index.firstOf(each, arch) ?? []);
    return [...new Set(found)].filter((place) => place !== own).sort((a, b) => a - b);
  });
}

/** Places of packages of one name, by their architectures. */
type Places = ReadonlyMap<string | null, number>;

class Index {
  readonly #named = new Map<string, Map<string | null, number>>();
  readonly #provided = new Map<string, Map<string | null, number>>();
  readonly #arches = new Map<string | null, number>();
  /** Architecture of most packages: what is for all of them asks for those. */
  readonly #native: string | null;

  constructor(packages: readonly Package[]) {
    for (const [place, { name, arch, provides }] of packages.entries()) {
      placesIn(this.#named, name).set(arch, place);
      this.#arches.set(arch, (this.#arches.get(arch) ?? 0) + 1);
      for (const each of provides) {
        const places = placesIn(this.#provided, nameIn(each));
        if (!places.has(arch)) places.set(arch, place);
      }
    }
    const own = [...this.#arches].filter(([arch]) => !isForAll(arch));
    this.#native = own.sort(([, a], [, b]) => b - a)[0]?.[0] ?? null;
  }

  /** Place of the first of the alternatives, `a | b`, that is there, for what has this architecture. */
  firstOf(text: string, arch: string | null): number | undefined {
    for (const each of text.split('|')) {
      const place = this.#find(nameIn(each), isForAll(arch) ? this.#native : arch);
      if (place !== undefined) return place;
    }
    return undefined;
  }

  /** Its own name counts before what others call themselves. */
  #find(full: string, arch: string | null): number | undefined {
    const [, name = full, asked] = /^([^:]+):([^:]+)$/.exec(full) ?? [];
    const isOfAny = asked === 'any' || asked === 'native';
    const isAsked = asked !== undefined && this.#arches.has(asked);
    for (const places of [this.#named, this.#provided]) {
      const found = isAsked ? places.get(name)?.get(asked) : nearest(places.get(isOfAny ? name : full), arch);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

/** Of one package for several architectures, that for the one which asks. */
function nearest(places: Places | undefined, arch: string | null): number | undefined {
  if (!places) return undefined;
  const [first] = places.values();
  return places.get(arch) ?? first;
}

function placesIn<K, P>(index: Map<K, Map<P, number>>, key: K): Map<P, number> {
  const places = index.get(key) ?? new Map<P, number>();
  index.set(key, places);
  return places;
}

const isForAll = (arch: string | null) => arch === null || ['all', 'any', 'noarch'].includes(arch);

/** The name in `name (>= 1)`, `name>=1`, `name:any`, `so:libc.so.6=1`. */
function nameIn(text: string): string {
  return /^[^\s<>=~(]+(?:\([^)<>=]*\)(?:\([^)]*\))?)?/.exec(text.trim())?.[0] ?? '';
}
