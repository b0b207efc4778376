import type { FileType, WalkEntry } from '../bulk/entry';
import type { Guestfs } from '../guestfs';
import type { FilesystemReport, InspectionReport, OperatingSystemReport } from '../guests/report';
import type { LeftOut } from '../guests/system-mounts';
import type { Unresolved } from '../guests/unresolved';

/** How much a finding matters, in the words of SARIF: `'error'`, `'warning'`, `'note'`. */
export type CheckSeverity = 'error' | 'warning' | 'note';

/** Severities, the gravest first. */
export const severities: readonly CheckSeverity[] = ['error', 'warning', 'note'];

/** Kind of a tree: of which system it is, or `'data'` for a filesystem that belongs to none. */
export type TreeKind = 'linux' | 'unix' | 'windows' | 'data';

/** What a rule has seen. Secrets themselves are never told. */
export interface Sighting {
  /** What was seen, in words: `'a private key of OpenSSH, readable by all'`. */
  readonly seen: string;
  /** File of the guest. */
  readonly path?: string | undefined;
  /** Line of the file, from 1. */
  readonly line?: number | undefined;
  /** Disk, partition or filesystem; default: that of the tree. */
  readonly device?: string | undefined;
  /** CheckSeverity of this one, where it is not that of the rule. */
  readonly severity?: CheckSeverity | undefined;
  /** What to do, where it is not what the rule says. */
  readonly advice?: string | undefined;
}

/** What every rule says of itself. */
export interface RuleFacts {
  /** Name that never changes, in small letters and hyphens: `'ssh-host-keys'`. */
  readonly id: string;
  /** How much its findings matter. */
  readonly severity: CheckSeverity;
  /** Title of one line. */
  readonly title: string;
  /** What to do about a finding. */
  readonly advice: string;
  /** Why it matters, and what is looked at; some sentences. */
  readonly help: string;
}

/** A rule about the files of an operating system, or of a filesystem with data. */
export interface TreeRule extends RuleFacts {
  /** Kinds of trees that it is about. */
  readonly trees: readonly TreeKind[];
  /**
   * Chooses the entries of the tree that the rule is to see; without it the tree is not walked for it. It is called for
   * each entry, before the target of a link is read.
   */
  readonly wants?: (entry: WalkEntry) => boolean;
  /** Looks at a mounted tree, and the entries that it wanted. What it throws is told as a problem. */
  readonly check: (tree: Tree, entries: readonly WalkEntry[]) => Promise<readonly Sighting[]>;
}

/** A rule about the disks of a guest as a whole. */
export interface GuestRule extends RuleFacts {
  /** Looks at the guest; undefined where the rule is about nothing that it has. What it throws is told as a problem. */
  readonly checkGuest: (guest: CheckedGuest) => Promise<readonly Sighting[] | undefined>;
}

/** A rule of {@link check}: of a tree of files, or of the guest as a whole. */
export type Rule = TreeRule | GuestRule;

/** What is known of a file of a tree. */
export interface FileFacts {
  /** Type of the file; links have been followed inside of the guest. */
  readonly type: FileType;
  /** Permission bits, `0o7777` at most. */
  readonly mode: number;
  /** User id of the owner. */
  readonly uid: number;
  /** Group id. */
  readonly gid: number;
  /** Size, bytes. */
  readonly size: number;
}

/** A tree of files, mounted read-only at `/`. */
export interface Tree {
  /** Handle on which it is mounted. */
  readonly g: Guestfs;
  /** Kind of the tree. */
  readonly kind: TreeKind;
  /** The operating system; null for a filesystem with data. */
  readonly system: OperatingSystemReport | null;
  /** Root of the operating system, or the filesystem. */
  readonly device: string;
  /** Filesystems that are mounted, with their mount points. */
  readonly mounts: OperatingSystemReport['mountpoints'];
  /**
   * Text of a plain file, 4 MiB at most, or its first bytes; undefined where there is none. Links are followed inside of the
   * guest.
   */
  read(path: string, beginning?: number): Promise<string | undefined>;
  /** Facts of what a path leads to; undefined where there is nothing. Links are followed inside of the guest. */
  stat(path: string): Promise<FileFacts | undefined>;
  /** Names in a folder; none where there is no folder. */
  list(path: string): Promise<string[]>;
  /**
   * Lines of the table of mounts that lead nowhere.
   *
   * @internal
   */
  readonly unresolved: () => Promise<{
    readonly left: readonly LeftOut[];
    readonly lines: readonly Unresolved[];
  }>;
}

/** The guest as a whole. Nothing is mounted for a rule, and nothing need stay so. */
export interface CheckedGuest {
  /** Handle with the disks. */
  readonly g: Guestfs;
  /** What `inspect()` has found. */
  readonly report: InspectionReport;
  /** Filesystems that can be mounted. */
  readonly filesystems: readonly FilesystemReport[];
}

export function isTreeRule(rule: Rule): rule is TreeRule {
  return 'check' in rule;
}
