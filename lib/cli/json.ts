// What commands print as JSON: the schemas in schemas/ are generated from these types, of which each with `Output` is one.
import type { CheckReport } from '../check';
import type { PackageDifference } from '../diff';
import type { Finding } from '../doctor';
import type { InspectionReport, VolumeReport } from '../inspect';
import type { TemplateReport } from '../launch/templates';
import type { WarmResult } from '../launch/warm';

/**
 * A whole number, with all its digits: beyond 2^53 a reader that has doubles only loses some.
 *
 * @asType integer
 */
type Whole = number;

/** Failure, where it stands in a result. */
export interface FailureJson {
  /** Code, as that of a GuestfsError. */
  code: string;
  /** Name of the method or command that failed. */
  operation: string;
  /** What has failed, and why. */
  message: string;
  /** What to do, where that is known. */
  hint?: string;
}

/** An image that could not be looked at. */
export interface FailedImageJson {
  /** The image as it was given, without passwords. */
  path: string;
  /** Why. */
  error: FailureJson;
}

/** `guestfs inspect --json`: of one IMAGE an object, of several an array in their order. */
export type InspectOutput = InspectionReport | FailedImageJson | (InspectionReport | FailedImageJson)[];

/** `guestfs check --as json`: of one IMAGE an object, of several an array in their order. */
export type CheckOutput = CheckReport | FailedImageJson | (CheckReport | FailedImageJson)[];

/** `guestfs filesystems --json`: an array. */
export type FilesystemsOutput = VolumeReport[];

/** Usage of a filesystem: bytes and inodes. */
export interface UsageJson {
  /** The image as it was given, without passwords. */
  image: string;
  /** Device, or other mountable. */
  device: string;
  /** Type in the words of blkid(8). */
  type: string;
  /** Label; null when there is none. */
  label: string | null;
  /** UUID; null when there is none. */
  uuid: string | null;
  /** Size, bytes. */
  size: Whole;
  /** Space in use, bytes. */
  used: Whole;
  /** Free space for other users than root, bytes. */
  available: Whole;
  /** Number of inodes; 0 where there is no such limit. */
  inodes: Whole;
  /** Inodes in use. */
  inodesUsed: Whole;
  /** Free inodes. */
  inodesFree: Whole;
}

/** `guestfs df --json`: an array. */
export type DfOutput = UsageJson[];

/** A file of a guest. */
export interface EntryJson {
  /** Path in the guest; bytes that are not UTF-8 are lone surrogates. */
  path: string;
  /** Type of the file. */
  type: 'file' | 'directory' | 'symlink' | 'blockDevice' | 'characterDevice' | 'fifo' | 'socket' | 'unknown';
  /** Permissions, four octal digits. */
  mode: string;
  /** Number of names. */
  nlink: Whole;
  /** User id of the owner. */
  uid: Whole;
  /** Group id. */
  gid: Whole;
  /** Size, bytes. */
  size: Whole;
  /** Space that it takes, bytes. */
  allocated: Whole;
  /** Inode number. */
  ino: Whole;
  /** Time of the last access, ISO 8601 with nanoseconds; null where it is none. */
  atime: string | null;
  /** Time of the last change of the content. */
  mtime: string | null;
  /** Time of the last change of the inode. */
  ctime: string | null;
  /** Target of a symbolic link. */
  target: string | null;
  /** Major and minor number of a device, `'8,1'`. */
  device: string | null;
}

/** `guestfs ls --json`: NDJSON, an object a line. */
export type LsOutput = EntryJson;

/** A property before and after. */
interface ChangeJson<T> {
  before: T;
  after: T;
}

/** Properties that have changed. */
export interface ChangesJson {
  type?: ChangeJson<EntryJson['type']>;
  /** Permissions, four octal digits. */
  mode?: ChangeJson<string>;
  uid?: ChangeJson<Whole>;
  gid?: ChangeJson<Whole>;
  size?: ChangeJson<Whole>;
  /** Nanoseconds since 1970, in digits. */
  mtimeNs?: ChangeJson<string>;
  target?: ChangeJson<string | null>;
  rdev?: ChangeJson<Whole>;
  /** Values in base64, by their names. */
  xattrs?: ChangeJson<Record<string, string> | null>;
  /** SHA-256. */
  content?: ChangeJson<string | null>;
}

/** A file that has come, gone or changed. */
export type DifferenceJson =
  | { change: 'added'; path: string; before: null; after: EntryJson }
  | { change: 'removed'; path: string; before: EntryJson; after: null }
  | {
      change: 'changed';
      path: string;
      before: EntryJson;
      after: EntryJson;
      changes: ChangesJson;
      /** Unified difference, with --text; null where it cannot be told so. */
      text?: string | null;
    };

/** `guestfs diff --json`: NDJSON, an object a line; with --packages, a package in each. */
export type DiffOutput = DifferenceJson | PackageDifference;

/** `guestfs checksum --json`: NDJSON, an object a line. */
export interface ChecksumOutput {
  /** Path in the guest. */
  path: string;
  /** Algorithm. */
  type: string;
  /** Checksum, hexadecimal; of crc decimal. */
  checksum: string;
  /** Size, bytes. */
  size: Whole;
}

/** `guestfs doctor --json`: an array. */
export type DoctorOutput = Finding[];

/** `guestfs warm --json`: an object; with --list and --remove an array of templates. */
export type WarmOutput = WarmResult | TemplateReport[];

/** Work of which logs tell, and what has come of it. */
export interface LoggedTaskJson {
  /** Label of the work, as a rule the image. */
  label?: string;
  /** Method or command. */
  operation: string;
  /** Whether it is all the work on an image, or one operation. */
  kind: 'image' | 'operation';
  /** Milliseconds that it took; null where no end is told. */
  elapsed: number | null;
  /** Why it failed. */
  error?: { code: string; message: string };
}

/** `guestfs progress --json`: an array. */
export type SummaryOutput = LoggedTaskJson[];
