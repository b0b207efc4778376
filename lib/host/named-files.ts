// The files that the header of an image names: qemu opens some of them as soon as it looks at the image. They are found
// without qemu, so that it can be kept from that.

/** Bytes of an image in which its header names files: a cluster of qcow2 at most, a descriptor of VMDK. */
export const headOfImage = 2 * 2 ** 20;

export interface NamedFile {
  readonly name: string;
  /** Whether it has content of the image itself. */
  readonly isData: boolean;
}

/** The files that an image with these first bytes names. */
export function namedFiles(head: Buffer): NamedFile[] {
  const magic = head.toString('latin1', 0, 4);
  if (magic === 'QFI\xfb') return ofQcow(head);
  if (magic === 'QED\0')
    return [
      fileAt(
        head,
        head.length >= 64 ? head.readUInt32LE(56) : 0,
        head.length >= 64 ? head.readUInt32LE(60) : 0,
      ),
    ].flat();
  if (magic === 'KDMV' || magic === 'COWD') return ofSparseVmdk(head, magic);
  // qemu takes comments and blank lines before the first word.
  return /^(?:[ \t]*(?:#[^\n]*)?\r?\n)*version=\d/.test(head.toString('latin1', 0, 4096))
    ? ofVmdk(head.toString('utf8'))
    : [];
}

/** Whether a name leads to another machine, or describes a file to qemu, by qemu's own rule. */
export function isUri(name: string): boolean {
  return /^[^/]*:/.test(name);
}

/** Formats by what their images begin with. */
const beginnings: readonly (readonly [format: string, at: number, begins: string])[] = [
  ['qcow2', 0, 'QFI\xfb'],
  ['qed', 0, 'QED\0'],
  ['vmdk', 0, 'KDMV'],
  ['vmdk', 0, '# Disk DescriptorFile'],
  ['vhdx', 0, 'vhdxfile'],
  ['vpc', 0, 'conectix'],
  ['vdi', 64, '\x7f\x10\xda\xbe'],
];

/** Format of an image with these first bytes; undefined where it may be raw. */
export function formatOfHead(head: Buffer): string | undefined {
  return beginnings.find(([, at, begins]) => head.toString('latin1', at, at + begins.length) === begins)?.[0];
}

function fileAt(head: Buffer, offset: number, length: number, isData = false): NamedFile[] {
  if (offset === 0 || length === 0 || offset >= head.length) return [];
  return [{ name: head.toString('utf8', offset, offset + length), isData }];
}

const dataFileName = 0x44415441;

function ofQcow(head: Buffer): NamedFile[] {
  if (head.length < 72) return [];
  const files = fileAt(head, Number(head.readBigUInt64BE(8)), Math.min(head.readUInt32BE(16), 1023));
  const version = head.readUInt32BE(4);
  if (version < 2) return files;
  let at = version === 2 ? 72 : head.length >= 104 ? head.readUInt32BE(100) : head.length;
  while (at + 8 <= head.length) {
    const [type, length] = [head.readUInt32BE(at), head.readUInt32BE(at + 4)];
    if (type === 0) break;
    if (type === dataFileName) files.push(...fileAt(head, at + 8, length, true));
    at += 8 + Math.ceil(length / 8) * 8;
  }
  return files;
}

const sector = 512;

/** Of an image that has its content in itself the extents that it names mean nothing to qemu. */
function ofSparseVmdk(head: Buffer, magic: string): NamedFile[] {
  if (magic === 'COWD' || head.length < sector) return [];
  const start = Number(head.readBigUInt64LE(28)) * sector;
  const files = ofVmdk(head.toString('utf8', start, start + Number(head.readBigUInt64LE(36)) * sector));
  const isWhole = head.readBigUInt64LE(12) !== 0n;
  return isWhole ? files.filter(({ isData }) => !isData) : files;
}

function ofVmdk(descriptor: string): NamedFile[] {
  const extents = descriptor.matchAll(/^\s*(?:RW|RDONLY|NOACCESS)\s+\d+\s+\w+\s+"([^"\n]*)"/gm);
  const [, parent] = /parentFileNameHint="([^"\n]*)"/.exec(descriptor) ?? [];
  return [
    ...[...extents].map(([, name = '']) => ({ name, isData: true })),
    ...(parent === undefined ? [] : [{ name: parent, isData: false }]),
  ];
}
