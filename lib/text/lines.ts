/** The lines of a console, without what a guest could use to play with a terminal. */
export function printableLines(text: string): string[] {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is to be removed
      .replace(/\x1b\[[0-9;?]*[ -/]*[@-~]/g, '')
      .split(/[\r\n]+/)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: likewise
      .map((line) => line.replace(/[\x00-\x1f\x7f-\x9f\ud800-\udfff]/g, '').trimEnd())
      .filter((line) => line !== '')
  );
}
