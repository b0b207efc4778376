// Licences: expressions of SPDX where they are some, else names as they stand.
import type { Guestfs } from '../guestfs';
import { smallFile } from '../guests/small-files';
import type { Package } from '../packages/package';

/** A licence in the words of a package, as the document has it. */
export type License =
  | { readonly kind: 'expression'; readonly text: string }
  | { readonly kind: 'name'; readonly text: string };

export function licenseOf(text: string): License {
  const parse = require('spdx-expression-parse') as (text: string) => unknown;
  try {
    // Other documents are not there, and numbers are those of this one.
    if (!/DocumentRef-|LicenseRef-\d+(?![\w.-])/.test(text) && parse(text))
      return { kind: 'expression', text };
  } catch {
    // It is no expression.
  }
  return { kind: 'name', text };
}

/** Debian's short names of licences that SPDX calls otherwise: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/ */
const named: readonly (readonly [RegExp, string])[] = [
  [/^(A?GPL|LGPL|GFDL)-(\d)(?:\.0)?$/, '$1-$2.0-only'],
  [/^(A?GPL|LGPL|GFDL)-(\d)(?:\.0)?\+$/, '$1-$2.0-or-later'],
  [/^(A?GPL|LGPL|GFDL)-(\d\.\d)$/, '$1-$2-only'],
  [/^(A?GPL|LGPL|GFDL)-(\d\.\d)\+$/, '$1-$2-or-later'],
  [/^Expat$/i, 'MIT'],
  [/^Apache-2$/, 'Apache-2.0'],
  [/^MPL-(\d)$/, 'MPL-$1.0'],
  [/^BSD-([234])-clause$/i, 'BSD-$1-Clause'],
];

/** Licences that the copyright file of a package of Debian names. */
export async function copyrightOf(g: Guestfs, { name }: Package): Promise<string[]> {
  if (!/^[a-z\d][a-z\d+.-]*$/.test(name)) return [];
  const text = await smallFile(g, `/usr/share/doc/${name}/copyright`);
  if (!text?.startsWith('Format:')) return [];
  const names = [...text.matchAll(/^License:[ \t]*(\S.*)$/gim)].map(([, each = '']) => each.trim());
  return [...new Set(names.map(spdxName))].sort();
}

function spdxName(text: string): string {
  return text
    .split(/( and | or )/i)
    .map((part) => {
      const [pattern, replacement] = named.find(([each]) => each.test(part)) ?? [];
      return pattern ? part.replace(pattern, replacement as string) : part;
    })
    .join('')
    .replace(/ (and|or) /gi, (word) => word.toUpperCase());
}
