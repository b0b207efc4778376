// The systems that run jobs obey what they find in a log, and guests can choose what is in one.

/** Characters that a comparison by the rules of a language, as some of these systems make it, does not see. */
const UNSEEN = '\\p{Default_Ignorable_Code_Point}*';

/** `##[group]`, `##vso[…]` and `##teamcity[…]`, wherever they stand in a line. */
const hashes = new RegExp(`#(?=${UNSEEN}#)`, 'gu');
/** `::error::`, at the beginning of a line. */
const colons = new RegExp(`^((?:\\s|\\p{Default_Ignorable_Code_Point})*:)(?=${UNSEEN}:)`, 'u');
/** `--- a group`, `+++`, `~~~` and `^^^ +++`, at the beginning of a line. */
const rules = /^(\s*)([-+~^])(?=\2\2)/u;
const sections = /(section_(?:start|end))(?=:)/gu;

/** The line without anything that a system would obey, should it stand in a log. */
export function withoutCommands(line: string): string {
  return line.replace(hashes, '# ').replace(colons, '$1 ').replace(rules, '$1$2 ').replace(sections, '$1 ');
}
