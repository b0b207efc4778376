// Faults of what names an image: servers, drivers, domains, and what the image is packed in.
import { errnoOf, type Fault } from './faults';
import { installWords, type Need } from './packages';

/** What has the driver for a protocol, where a distribution has it apart. */
const driverPackages: Readonly<Record<string, Need>> = {
  ...{ http: 'qemu-block-curl', https: 'qemu-block-curl', ftp: 'qemu-block-curl', ftps: 'qemu-block-curl' },
  ...{ ssh: 'qemu-block-ssh', rbd: 'qemu-block-rbd', iscsi: 'qemu-block-iscsi' },
};

/** Fault of a qemu that cannot reach an image by this protocol. */
export const noDriver = (shown: string, protocol: string): Fault => {
  const need = driverPackages[protocol];
  return {
    code: 'ERR_GUESTFS_NO_DRIVER',
    problem: `${shown} cannot be opened: qemu has no driver for ${protocol} on this machine`,
    advice: need ? `install it (${installWords([need])})` : 'Use a qemu that was built with it',
  };
};

/** Fault of a server that does not answer, or does not give the image. */
export const serverFailed = (shown: string, why: string): Fault => ({
  code: 'ERR_GUESTFS_SERVER',
  errno: errnoOf(why),
  problem: `${shown} cannot be opened: ${why.replace(/\.$/, '')}`,
  advice: adviceFor(why),
});

function adviceFor(why: string): string {
  if (/\b40[13]\b|[Aa]uthenti|[Ll]ogin denied|permission/.test(why))
    return 'See that the server knows the user, and give the password by --secret file:PATH (secret of the image in the API), or by an ssh-agent';
  if (/host key|known_hosts|fingerprint/.test(why))
    return "See that the server is the right one, and connect once with ssh, so that its key gets into '~/.ssh/known_hosts'";
  if (/[Ff]ailed to connect|error connecting/.test(why)) return reachable;
  if (/byte ranges/.test(why)) return 'It gives whole files only: download the image, and name the file';
  if (/[Rr]esol(?:ve|ution)|Name or service not known/.test(why)) return 'See how the server is called';
  if (/certificate|gnutls|handshake|\b(?:SSL|TLS)\b/i.test(why))
    return "See that it speaks TLS, with a certificate that this machine's own authorities vouch for";
  if (/returned error: 5\d\d\b/.test(why))
    return "The fault is the server's: see its log, or try again later";
  if (/\b404\b|not available|No such file|does not exist/.test(why))
    return 'See what the image is called on the server';
  return reachable;
}

const reachable = 'See that the server runs and can be reached from here';

/** Fault of a description of an image, `json:{…}`, that qemu does not understand. */
export const badDescription = (shown: string, why: string): Fault => ({
  code: 'ERR_GUESTFS_IMAGE_INVALID',
  problem: `${shown} is no description of an image: ${why.replace(/\.$/, '')}`,
  advice: "Mend it: qemu's manual of block devices says what each of its drivers takes",
});

/** Fault of a URI in the header of an image: its maker would choose what this machine connects to, and opens. */
export const uriRefused = (image: string, uri: string, isData: boolean): Fault => ({
  code: isData ? 'ERR_GUESTFS_DATA_FILE' : 'ERR_GUESTFS_BACKING_FILE',
  problem: `${image} names ${uri} as ${isData ? 'the file that has its content' : 'its backing file'}, and what an image names on other machines, or describes to qemu, is not opened unasked`,
  advice: 'Where you trust the image, allow it: --follow-uris, or followUris: true of the image in the API',
});

/** Fault of a file that lies outside of the folders in which an image, and what it names, must lie. */
export const outside = (image: string, path: string): Fault => ({
  code: 'ERR_GUESTFS_OUTSIDE',
  problem: `${path === image ? path : `${image} names ${path}, which`} is in none of the folders that images may be in`,
  advice: 'Move it there, or allow its folder (within)',
});

/** Fault of what can be read and not written. */
export const onlyRead = (shown: string, why: string): Fault => ({
  code: 'ERR_GUESTFS_READ_ONLY_SOURCE',
  problem: `${shown} cannot be changed: ${why}`,
  advice: 'Change a copy of it in a file of its own',
});

/** Fault of a program that is needed for an image, and not there. */
export const missingProgram = (program: string, shown: string, needs: readonly Need[]): Fault => ({
  code: 'ERR_GUESTFS_PROGRAM_MISSING',
  problem: `${shown} cannot be opened without ${program}, which is not there`,
  advice: installWords(needs),
});

/** Fault of a packed image that is not what it was. */
export const brokenPack = (shown: string, why: string): Fault => ({
  code: 'ERR_GUESTFS_IMAGE_INVALID',
  problem: `${shown} cannot be unpacked: ${why}`,
  advice: 'See whether it was copied or downloaded to its end, and do that again',
});

/** Fault of an archive of which no file is a disk. */
export const noDiskIn = (shown: string): Fault => ({
  code: 'ERR_GUESTFS_IMAGE_INVALID',
  problem: `${shown} is an archive without an image of a disk`,
  advice: 'See what is in it with tar(1), and name the file that is the disk',
});

/** Fault of an archive in which a disk of the machine that it describes is missing. */
export const diskMissing = (shown: string, name: string): Fault => ({
  code: 'ERR_GUESTFS_DISK_MISSING',
  problem: `${shown} describes a machine of which the disk ${name} is not in it: what is on that could not be looked at`,
  advice: 'See whether it was exported, copied or downloaded to its end, or add that disk',
});

/** Fault of a file that is no image of a disk at all. */
export const noDisk = (shown: string, what: string, advice: string): Fault => ({
  code: 'ERR_GUESTFS_IMAGE_UNSUPPORTED',
  problem: `${shown} is ${what}, and no image of a disk that can be read here`,
  advice: `${advice}; if its bytes are a disk all the same, give the format raw`,
});

/** Fault of an image that is packed where it cannot be unpacked. */
export const packedElsewhere = (shown: string, packing: string): Fault => ({
  code: 'ERR_GUESTFS_IMAGE_UNSUPPORTED',
  problem: `${shown} is packed (${packing}), which is read of files of this machine only`,
  advice: 'Download it, and name the file',
});
