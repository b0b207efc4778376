// Evaluates rules, and keeps apart what was found, what was not, and what could not be found out.
import type { WalkEntry } from '../bulk/entry';
import { isFatal } from '../faults/kinds';
import { isRefusal } from '../guests/problems';
import type { InspectionProblem } from '../guests/report';
import { BadDatabase } from '../packages/package';
import { printable } from '../text/printable';
import type { CheckedOptions } from './options';
import type { CheckedTree, CheckFinding, CheckProblem, CheckReport, RuleReport } from './report';
import {
  type CheckedGuest,
  isTreeRule,
  type Rule,
  type Sighting,
  severities,
  type Tree,
  type TreeRule,
} from './rule';

const operation = 'check';

/** Entries of a tree that a rule is given, and findings of a rule in one tree: more would tell no more. */
const mostEntries = 20_000;
const mostFindings = 200;

/** Characters of what was seen, which are in part the guest's. */
const longest = 1000;

export class Evaluation {
  readonly #options: CheckedOptions;
  readonly #signal: AbortSignal | undefined;
  readonly #states = new Map<Rule, { hasRun: boolean; hasFailed: boolean; hasFound: boolean }>();
  readonly #findings = new Map<Rule, CheckFinding[]>();
  readonly #problems: CheckProblem[] = [];
  readonly #trees: CheckedTree[] = [];

  constructor(options: CheckedOptions, signal: AbortSignal | undefined) {
    this.#options = options;
    this.#signal = signal;
    for (const rule of options.rules) {
      this.#states.set(rule, { hasRun: false, hasFailed: false, hasFound: false });
      this.#findings.set(rule, []);
    }
  }

  async tree(tree: Tree): Promise<void> {
    const { device, kind, system } = tree;
    const name = system?.productName ?? system?.distro ?? null;
    this.#trees.push({ device, kind, name });
    const rules = this.#options.rules.filter(isTreeRule).filter(({ trees }) => trees.includes(kind));
    const entries = await this.#walkWhole(tree, rules);
    for (const rule of rules) {
      const wanted = entries.get(rule) ?? [];
      await this.#run(rule, device, () => rule.check(tree, wanted));
    }
  }

  async guest(guest: CheckedGuest): Promise<void> {
    for (const rule of this.#options.rules) {
      if (isTreeRule(rule)) continue;
      await guest.g.umountAll();
      await this.#run(rule, null, () => rule.checkGuest(guest));
    }
  }

  async #walkWhole(tree: Tree, rules: readonly TreeRule[]): Promise<Map<TreeRule, WalkEntry[]>> {
    try {
      return await this.#walk(tree, rules);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.#note(null, tree.device, error);
      return new Map();
    }
  }

  /** Walks a tree once for all rules that want to see some of it. */
  async #walk(tree: Tree, rules: readonly TreeRule[]): Promise<Map<TreeRule, WalkEntry[]>> {
    const wanted = new Map<TreeRule, WalkEntry[]>();
    const lost = new Map<TreeRule, number>();
    const seeing = rules.filter(({ wants }) => wants !== undefined);
    if (seeing.length === 0) return wanted;
    const wants = (rule: TreeRule, entry: WalkEntry) => {
      try {
        return rule.wants?.(entry) === true;
      } catch (error) {
        this.#fail(rule, tree.device, error);
        return false;
      }
    };
    const chosen = new Map<string, TreeRule[]>();
    const filter = (entry: WalkEntry) => {
      const for_ = seeing.filter((rule) => wants(rule, entry));
      if (for_.length > 0) chosen.set(entry.path, for_);
      return for_.length > 0;
    };
    const onError = (error: Error, path: string) => this.#note(null, tree.device, error, path);
    for await (const entry of tree.g.walk('/', { filter, onError, signal: this.#signal })) {
      for (const rule of chosen.get(entry.path) ?? []) {
        const list = wanted.get(rule) ?? [];
        if (list.length < mostEntries) list.push(entry);
        else lost.set(rule, (lost.get(rule) ?? 0) + 1);
        wanted.set(rule, list);
      }
      chosen.delete(entry.path);
    }
    for (const [rule, count] of lost) {
      const message = `${count} more files were not looked at: there are too many for ${rule.id}`;
      this.#fail(
        rule,
        tree.device,
        Object.assign(new Error(message), { code: 'ERR_GUESTFS_TOO_MANY_FILES' }),
      );
    }
    return wanted;
  }

  async #run(
    rule: Rule,
    device: string | null,
    evaluate: () => Promise<readonly Sighting[] | undefined>,
  ): Promise<void> {
    try {
      const sightings = await evaluate();
      if (sightings === undefined) return;
      (this.#states.get(rule) as { hasRun: boolean }).hasRun = true;
      this.#take(rule, device, [...sightings]);
    } catch (error) {
      this.#fail(rule, device, error);
    }
  }

  #take(rule: Rule, device: string | null, sightings: readonly Sighting[]): void {
    const found = sightings.map((each) => this.#finding(rule, device, each));
    const told = found.filter((finding) => this.#isTold(finding));
    const list = this.#findings.get(rule) as CheckFinding[];
    list.push(...told.slice(0, mostFindings));
    const rest = told.slice(mostFindings);
    if (rest[0]) {
      const severity = severities.find((each) => rest.some((finding) => finding.severity === each));
      const seen = `${rest.length} more such findings are not told one by one`;
      list.push({ ...rest[0], severity: severity ?? rule.severity, seen, path: null, line: null });
    }
  }

  #finding(rule: Rule, device: string | null, sighting: Sighting): CheckFinding {
    const { levels } = this.#options;
    const given = levels.get(rule.id);
    const severity = given === undefined || given === 'off' ? (sighting.severity ?? rule.severity) : given;
    const seen = printable(String(sighting.seen)).slice(0, longest);
    return {
      ...{ rule: rule.id, severity, title: rule.title, seen, advice: sighting.advice ?? rule.advice },
      ...{ device: sighting.device ?? device, path: sighting.path ?? null, line: sighting.line ?? null },
    };
  }

  #isTold({ rule, severity, path }: CheckFinding): boolean {
    const { ignored, least } = this.#options;
    if (severities.indexOf(severity) > severities.indexOf(least)) return false;
    return !ignored.some(
      (each) => each.rule === rule && (each.path === undefined || matches(each.path, path)),
    );
  }

  #fail(rule: Rule, device: string | null, error: unknown): void {
    if (this.#signal?.aborted || (error instanceof Error && 'code' in error && isFatal(error))) throw error;
    (this.#states.get(rule) as { hasFailed: boolean }).hasFailed = true;
    this.#note(rule.id, device, error);
  }

  #note(rule: string | null, device: string | null, error: unknown, path: string | null = null): void {
    const told = error as Partial<Error & { code: string; operation: string }>;
    const message = printable(told?.message ?? String(error)).slice(0, longest);
    const code =
      error instanceof BadDatabase ? 'ERR_GUESTFS_NO_PACKAGE_LIST' : (told?.code ?? 'ERR_GUESTFS_RULE');
    const known = { code, operation: told?.operation ?? operation };
    this.#problems.push({ rule, ...known, device, path, message });
  }

  /** What has come of it; `problems` are those of the inspection that leave something unseen. */
  report(images: readonly string[], problems: readonly InspectionProblem[]): CheckReport {
    const unseen = problems.map((each): CheckProblem => ({ rule: null, path: null, ...each }));
    const rules = this.#options.rules.map((rule): RuleReport => {
      const { id, severity, title, help } = rule;
      const given = this.#options.levels.get(id);
      return {
        id,
        severity: given === undefined || given === 'off' ? severity : given,
        title,
        help,
        outcome: this.#outcome(rule, unseen.length > 0),
      };
    });
    const all = [...unseen, ...this.#problems];
    return {
      ...{ version: 1 as const, images: [...images], trees: this.#trees, rules },
      findings: [...this.#findings.values()].flat(),
      problems: all,
      complete: all.length === 0,
    };
  }

  #outcome(rule: Rule, isUnseen: boolean): RuleReport['outcome'] {
    const { hasRun, hasFailed } = this.#states.get(rule) as { hasRun: boolean; hasFailed: boolean };
    if ((this.#findings.get(rule)?.length ?? 0) > 0) return 'found';
    if (hasFailed) return 'failed';
    // What the inspection did not see may be what the rule is about.
    const isWalk = isTreeRule(rule) && this.#problems.some((each) => each.rule === null);
    if (isUnseen || isWalk) return 'failed';
    return hasRun ? 'passed' : 'skipped';
  }
}

/** Whether a path of the guest is one, or lies below one, that is ignored; `*` stands for anything but a slash, `**` for all. */
function matches(pattern: string, path: string | null): boolean {
  if (path === null) return false;
  const escaped = pattern.replace(/[.+^${}()|[\]\\?]/g, '\\$&');
  const expression = escaped.replace(/\*\*|\*/g, (stars) => (stars === '**' ? '.*' : '[^/]*'));
  return new RegExp(`^${expression.replace(/\/+$/, '')}(?:/|$)`, 's').test(path);
}
