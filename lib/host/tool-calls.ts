// Calls for which libguestfs runs a program on the host, as qemu-img. What the program says is no part of libguestfs's
// error: it comes as an event of the console.

const toolCalls: ReadonlySet<string> = new Set([
  'addCdrom',
  'addDrive',
  'addDriveRo',
  'addDriveRoWithIf',
  'addDriveScratch',
  'addDriveWithIf',
  'diskCreate',
  'diskFormat',
  'diskHasBackingFile',
  'diskVirtualSize',
]);

export const runsTool = (method: string): boolean => toolCalls.has(method);

/** A disk image on this machine. */
export interface Image {
  readonly path: string;
  readonly format: string | undefined;
}

/** The image that such a call opens, if it opens one. */
export function imageOf(
  method: string,
  args: readonly unknown[],
  options: Readonly<Record<string, unknown>>,
): Image | undefined {
  if (!runsTool(method) || (options.protocol ?? 'file') !== 'file') return undefined;
  const [path, format] =
    method === 'diskCreate' ? [options.backingfile, options.backingformat] : [args[0], options.format];
  if (typeof path !== 'string') return undefined;
  return { path, format: typeof format === 'string' ? format : undefined };
}
