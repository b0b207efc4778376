/** The part of `qemu-img info --output=json` that is used here. */
export interface ImageInfo {
  readonly format: string;
  /** Size of the disk that the guest sees, bytes. */
  readonly virtualSize: number;
  /** Space that the image takes on the host, bytes; undefined where qemu cannot tell. */
  readonly actualSize: number | undefined;
  readonly backingFile: string | undefined;
  readonly backingFormat: string | undefined;
}

/**
 * Reads what qemu-img has said of an image, which has a say in it.
 *
 * @throws Error that says what is wrong with it
 */
export function parseImageInfo(json: string): ImageInfo {
  const fields = JSON.parse(json) as unknown;
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) throw new Error('no object');
  const read = (name: string) => (fields as Readonly<Record<string, unknown>>)[name] ?? undefined;
  return {
    format: required('format', text('format', read('format'))),
    virtualSize: required('virtual-size', bytes('virtual-size', read('virtual-size'))),
    actualSize: bytes('actual-size', read('actual-size')),
    backingFile: text('full-backing-filename', read('full-backing-filename')),
    backingFormat: text('backing-filename-format', read('backing-filename-format')),
  };
}

function required<T>(name: string, value: T | undefined): T {
  if (value === undefined) throw new Error(`no "${name}"`);
  return value;
}

function text(name: string, value: unknown): string | undefined {
  if (value === undefined || (typeof value === 'string' && value !== '')) return value;
  throw new Error(`"${name}" is no text`);
}

/** A header may say anything: more than this, and a number would be another one. */
function bytes(name: string, value: unknown): number | undefined {
  if (value === undefined || (Number.isSafeInteger(value) && (value as number) >= 0)) {
    return value as number | undefined;
  }
  throw new Error(`"${name}" is no number of bytes that an image can have`);
}
