/** Number of the line in which a place of a text is, from 1. */
export function lineOf(text: string, at: number): number {
  let line = 1;
  for (let next = text.indexOf('\n'); next >= 0 && next < at; next = text.indexOf('\n', next + 1)) line++;
  return line;
}

/** Lines that are neither empty nor comments, with their numbers from 1. */
export function contentLines(text: string): { line: number; text: string }[] {
  return text
    .split('\n')
    .map((each, index) => ({ line: index + 1, text: each.trim() }))
    .filter(({ text: each }) => each !== '' && !/^[#;]/.test(each));
}
