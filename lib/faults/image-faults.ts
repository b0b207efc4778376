// Faults of images that are found before an appliance is started: by the host's own look, or by the words of qemu-img.
import { errnoOf, type Fault } from './faults';

/** Fault of a file that an image keeps its content in: the data file of a qcow2 image, or an extent of a VMDK image. */
export const dataFile = (path: string, why: string, image = 'the image'): Fault => ({
  code: 'ERR_GUESTFS_DATA_FILE',
  errno: errnoOf(why),
  problem: `the data file ${path}, in which ${image} keeps its content, cannot be opened: ${why}`,
  advice:
    "Put it in its place, under that name; a qcow2 image can be told another one with 'qemu-img amend -o data_file=…' (with --image-opts and data-file.filename=… where the old one is gone)",
});

/** Fault of a backing file of which qemu does not say the name, as of one on another machine. */
export const backingFileOf = (image: string, why: string): Fault => ({
  code: 'ERR_GUESTFS_BACKING_FILE',
  errno: errnoOf(why),
  problem: `a backing file of ${image} cannot be opened: ${why}`,
  advice:
    "See that it is there ('qemu-img info --backing-chain' names it), or that its server runs and can be reached, or tell the image another one with 'qemu-img rebase -u -b'",
});

/** What to do where a backing file is of another format than the image above it says. */
export const backingFormat =
  "Tell the image the format that its backing file has: 'qemu-img rebase -u -b FILE -F FORMAT'";

/** Fault of a file that is read as raw, and is evidently an image of another format: the bytes of that are taken for the disk. */
export const otherFormat = (path: string, format: string): Fault => ({
  code: 'ERR_GUESTFS_OTHER_FORMAT',
  problem: `${path} is read as raw, and begins as an image of the format ${format} does: what is in that is not found`,
  advice: `Leave the format out, or give ${format}; where it is a backing file, tell the image above it: 'qemu-img rebase -u -b FILE -F ${format}'`,
});

/** Fault of a backing file, or a data file, on another machine. */
export const remoteFile = (
  code: 'ERR_GUESTFS_BACKING_FILE' | 'ERR_GUESTFS_DATA_FILE',
  path: string,
  why: string,
): Fault => ({
  code,
  problem: `the ${code === 'ERR_GUESTFS_BACKING_FILE' ? 'backing' : 'data'} file ${path} cannot be opened: ${why}`,
  advice: `See that its server runs and can be reached, or bring the file here and tell the image its new place with '${
    code === 'ERR_GUESTFS_BACKING_FILE' ? 'qemu-img rebase -u -b' : 'qemu-img amend -o data_file=…'
  }'`,
});

/** Fault of an image that is encrypted as a whole by qemu itself: what the guest encrypts is none of qemu's business. */
export const imageEncrypted = (path: string, format: string): Fault => ({
  code: 'ERR_GUESTFS_IMAGE_ENCRYPTED',
  problem: `${path} is encrypted by qemu (${format}), and libguestfs cannot give qemu the key`,
  advice:
    format === 'luks'
      ? "Give the format raw: then its content is a LUKS volume, which the guest's keys open"
      : "Decrypt a copy: 'qemu-img convert --object secret,id=key,file=KEYFILE --image-opts driver=qcow2,encrypt.key-secret=key,file.filename=IMAGE -O qcow2 COPY'",
});

/** Fault of an image with something that this qemu cannot do. */
export const imageUnsupported = (path: string, why: string): Fault => ({
  code: 'ERR_GUESTFS_IMAGE_UNSUPPORTED',
  problem: `${path} cannot be opened: this qemu does not support it (${why})`,
  advice:
    "Use a newer qemu, or convert the image where it was made, with its own program or 'qemu-img convert', to a plain qcow2 or raw image",
});

/** Fault of an image that was not closed, and whose last changes are in a log that only a writer may replay. */
export const imageDirty = (path: string, why: string): Fault => ({
  code: 'ERR_GUESTFS_IMAGE_DIRTY',
  problem: `${path} was not closed properly: ${why}`,
  advice:
    "Close it in the program that uses it, or mend it (a copy of it, to be safe) with 'qemu-img check -r all'",
});

/** Fault of an image whose own tables qemu has found damaged. */
export const imageCorrupt = (path: string): Fault => ({
  code: 'ERR_GUESTFS_IMAGE_CORRUPT',
  problem: `${path} is marked as corrupt: qemu has found its tables damaged, so what is read may be wrong, and it cannot be written`,
  advice: "Look at the damage with 'qemu-img check', and mend a copy with 'qemu-img check -r all'",
});

/** Fault of an image whose file ends before what its own tables say is in it. */
export const imageCut = (path: string, bytes: number, least: number): Fault => ({
  code: 'ERR_GUESTFS_IMAGE_CORRUPT',
  problem: `${path} is cut: it has ${bytes} bytes, and by its own tables ${least} at least; what is missing reads as zeros, or not at all`,
  advice: 'See whether it was copied or downloaded to its end, and do that again',
});

/** Fault of an image that qemu does not open, as its file ends too early. */
const fileCut = (path: string, why: string): Fault => ({
  code: 'ERR_GUESTFS_IMAGE_CUT',
  problem: `${path} is cut: ${why.replace(/\.+$/, '')}`,
  advice: 'See whether it was copied or downloaded to its end, and do that again',
});

/** Fault of a disk that ends before what its partition table says is on it. */
export const diskCut = (path: string, bytes: number, least: number): Fault => ({
  code: 'ERR_GUESTFS_IMAGE_CUT',
  problem: `${path} is cut: it is a disk of ${bytes} bytes, and by its partition table of ${least} at least; what is missing cannot be read`,
  advice: 'See whether it was copied or downloaded to its end, and do that again',
});

/** Fault of a disk that is to be read with sectors of another size than its partition table has them. */
export const otherSectors = (path: string, given: number, found: number): Fault => ({
  code: 'ERR_GUESTFS_BLOCKSIZE',
  problem: `${path} was partitioned for sectors of ${found} bytes, and is read as a disk with sectors of ${given}: its partitions are not found where they are`,
  advice: `Leave --blocksize (blocksize of the image) out, or give ${found}`,
});

export const imageEmpty = (path: string): Fault => ({
  code: 'ERR_GUESTFS_IMAGE_EMPTY',
  problem: `${path} is empty: it is a disk of 0 bytes`,
  advice: 'See whether it was copied or downloaded to its end',
});

/** Fault of a raw image that ends in the middle of a sector. */
export const oddSize = (path: string, bytes: number): Fault => ({
  code: 'ERR_GUESTFS_ODD_SIZE',
  problem: `${path} has ${bytes} bytes, which is no multiple of 512: it is no raw disk image, or a part is missing`,
  advice: 'See whether it was copied to its end, and whether it is compressed or of another format',
});

/** What qemu says of an image with something that it cannot do, before anything of the image can stand in it. */
const unsupported =
  /^(?:qcow2: )?(?:[Uu]nsupported\b|[Uu]nknown (?:compression type|incompatible feature)|Differencing\b)|^(?:Operation not|Not) supported$/;
const unreplayed =
  /opened read-only, but contains a log that needs to be replayed|^(?:parallels: )?Image was not closed correctly/;
const cut =
  /^(?:block-vpc: free_data_block_offset points after the end of file|File truncated, expecting at least \d+ bytes)/;
const secret =
  /^(?:Parameter '(?:encrypt\.)?key-secret' is required|Use of AES-CBC encrypted qcow2 images|AES cipher not available)/;

/** The fault of an image that such words of qemu tell; undefined where they tell another kind of fault. */
export function imageFaultIn(path: string, words: string): Fault | undefined {
  if (unsupported.test(words)) return imageUnsupported(path, words);
  if (unreplayed.test(words)) return imageDirty(path, 'its log has to be replayed');
  if (/^(?:qcow2: )?Image is corrupt; cannot be opened read\/write/.test(words)) return imageCorrupt(path);
  if (cut.test(words)) return fileCut(path, words);
  if (secret.test(words))
    return imageEncrypted(path, /^Parameter 'key-secret'/.test(words) ? 'luks' : 'qcow2');
  return undefined;
}
