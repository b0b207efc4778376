// os-release(5), in which a system says itself what it is.

/** The variables of an os-release file; of one that is set twice, the last, as for a shell. */
export function parseOsRelease(text: string): Map<string, string> {
  const variables = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const [, name, written] = /^\s*([A-Za-z_]\w*)=(.*)$/.exec(line) ?? [];
    const value = written === undefined ? undefined : meant(written.trim());
    if (name !== undefined && value !== undefined) variables.set(name, value);
  }
  return variables;
}

/** Value as it was meant; undefined where a quote is not closed, for then nobody knows. */
function meant(written: string): string | undefined {
  if (written.startsWith("'")) return /^'([^']*)'/.exec(written)?.[1];
  // In double quotes a backslash stands before what a shell would take for its own, and else for itself.
  if (written.startsWith('"')) {
    return /^"((?:[^"\\]|\\.)*)"/.exec(written)?.[1]?.replace(/\\([$"`\\])/g, '$1');
  }
  return /^(?:[^\s\\]|\\.)*/.exec(written)?.[0].replace(/\\(.)/g, '$1');
}
