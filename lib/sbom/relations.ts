// Which of the packages of a system depend on which.
import type { Package } from '../packages/package';

/** Packages, by their places, that each depends on, in their order. What is not among them, or is a file, is left out. */
export function dependencies(packages: readonly Package[]): number[][] {
  const places = new Map<string, number>();
  for (const [place, { provides }] of packages.entries())
    for (const each of provides) if (!places.has(nameIn(each))) places.set(nameIn(each), place);
  // Its own name counts before what others call themselves.
  for (const [place, { name }] of packages.entries()) places.set(name, place);
  return packages.map(({ depends }, own) => {
    const found = depends.flatMap((each) => chosen(each, places) ?? []);
    return [...new Set(found)].filter((place) => place !== own).sort((a, b) => a - b);
  });
}

/** The first of the alternatives, `a | b`, that is there. */
function chosen(text: string, places: ReadonlyMap<string, number>): number | undefined {
  for (const each of text.split('|')) {
    const place = places.get(nameIn(each));
    if (place !== undefined) return place;
  }
  return undefined;
}

/** The name in `name (>= 1)`, `name>=1`, `name:any`, `so:libc.so.6=1`. */
function nameIn(text: string): string {
  const [name = ''] = /^[^\s<>=~(]+(?:\([^)<>=]*\)(?:\([^)]*\))?)?/.exec(text.trim()) ?? [];
  return name.replace(/:(?:any|native)$/, '');
}
