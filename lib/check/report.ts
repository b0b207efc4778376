import type { CheckSeverity } from './rule';

/** Result of {@link check}: what was found in the images of one guest. Plain data: it survives JSON. */
export interface CheckReport {
  /** Version of the format. */
  version: 1;
  /** Paths of the images, in the order in which they were given; passwords of URIs are not in them. */
  images: string[];
  /** Operating systems and filesystems with data that were looked at. */
  trees: CheckedTree[];
  /** Rules, and what came of each. */
  rules: RuleReport[];
  /** Findings that are not ignored, in the order of the rules. */
  findings: CheckFinding[];
  /** What could not be found out, and why. */
  problems: CheckProblem[];
  /** Whether everything could be looked at: only then no finding means that there is nothing to be found. */
  complete: boolean;
}

/** An operating system, or a filesystem that belongs to none. */
export interface CheckedTree {
  /** Root of the operating system, or the filesystem. */
  device: string;
  /** Kind of the tree. */
  kind: 'linux' | 'unix' | 'windows' | 'data';
  /** Name of the system for people; null where it has none. */
  name: string | null;
}

/** A rule, and what came of it. */
export interface RuleReport {
  /** Name of the rule. */
  id: string;
  /** CheckSeverity of its findings, where they have none of their own. */
  severity: CheckSeverity;
  /** Title of one line. */
  title: string;
  /** Why it matters, and what is looked at. */
  help: string;
  /**
   * Outcome: `'passed'` when nothing was found; `'found'`; `'failed'` when it could not be evaluated, at least in part;
   * `'skipped'` when the guest has nothing that the rule is about.
   */
  outcome: 'passed' | 'found' | 'failed' | 'skipped';
}

/** Something that should not be so. */
export interface CheckFinding {
  /** Name of the rule. */
  rule: string;
  /** How much it matters. */
  severity: CheckSeverity;
  /** Title of the rule. */
  title: string;
  /** What was seen, in words that can play with no terminal. */
  seen: string;
  /** What to do. */
  advice: string;
  /** Operating system, filesystem, partition or disk; null for the guest as a whole. */
  device: string | null;
  /** File of the guest, as it is called there; null where it is about none. */
  path: string | null;
  /** Line of the file, from 1; null where it is about none. */
  line: number | null;
}

/** Something that could not be found out. */
export interface CheckProblem {
  /** Rule that could not be evaluated; null where it is not about a single one. */
  rule: string | null;
  /** Code, as that of a GuestfsError. */
  code: string;
  /** Name of the method that failed. */
  operation: string;
  /** Disk, partition, volume or root concerned; null for the guest as a whole. */
  device: string | null;
  /** File of the guest; null where it is about none. */
  path: string | null;
  /** Explanation. */
  message: string;
}
