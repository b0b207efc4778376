/** The part of `qemu-img info --output=json` that is used here. */
export interface ImageInfo {
  readonly format: string;
  /** Size of the disk that the guest sees, bytes. */
  readonly virtualSize: number;
  /** Space that the image takes on the host, bytes; undefined where qemu cannot tell. */
  readonly actualSize: number | undefined;
  readonly backingFile: string | undefined;
  readonly backingFormat: string | undefined;
  /** File that holds the content of a qcow2 image, as the image names it. */
  readonly dataFile: string | undefined;
  /** Whether qemu needs a key to open the image. */
  readonly isEncrypted: boolean;
  /** Whether qemu has found the image's own tables damaged. */
  readonly isCorrupt: boolean;
  /** Whether a writer has not closed the image. */
  readonly isDirty: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads what qemu-img has said of an image, which has a say in it.
 *
 * @throws Error that says what is wrong with it
 */
export function parseImageInfo(json: string): ImageInfo {
  const fields = JSON.parse(json) as unknown;
  if (!isObject(fields)) throw new Error('no object');
  const read = (name: string) => fields[name] ?? undefined;
  const specific = particularsOf(fields);
  return {
    format: required('format', text('format', read('format'))),
    virtualSize: required('virtual-size', bytes('virtual-size', read('virtual-size'))),
    actualSize: bytes('actual-size', read('actual-size')),
    backingFile: text('full-backing-filename', read('full-backing-filename')),
    backingFormat: text('backing-filename-format', read('backing-filename-format')),
    dataFile: text('data-file', specific['data-file'] ?? undefined),
    isEncrypted: read('encrypted') === true,
    isCorrupt: specific.corrupt === true,
    isDirty: read('dirty-flag') === true,
  };
}

/** What only images of its format have. */
function particularsOf(fields: Fields): Fields {
  const specific = fields['format-specific'];
  const data = isObject(specific) ? specific.data : undefined;
  return isObject(data) ? data : {};
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
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
