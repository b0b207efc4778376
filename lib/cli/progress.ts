// How a command shows its progress, as --progress has it.
import { type ProgressCi, type ProgressFormat, ProgressReporter } from '../progress';
import { type CiLog, type CiSystem, ciLogs, ciSystemOf, ciSystems } from '../text/ci/systems';

/** A format, or the system in whose log lines are written. */
export type ProgressChoice = ProgressFormat | CiSystem;

const formats = ['auto', 'bar', 'text', 'json', 'none'] as const satisfies ProgressFormat[];

export const progressChoices: readonly ProgressChoice[] = [...formats, ...ciSystems];

export function reporterFor(choice: ProgressChoice): ProgressReporter {
  // Failures are told by the command itself, with what to do.
  return new ProgressReporter({ ...optionsOf(choice), annotations: false });
}

/** The log of a job to which stderr goes; undefined where that is none. */
export function logOf(choice: ProgressChoice): CiLog | undefined {
  const { ci } = optionsOf(choice);
  const system = ci === 'auto' ? ciSystemOf(process.stderr, process.env) : ci;
  return system && ciLogs[system];
}

export function optionsOf(choice: ProgressChoice): { format: ProgressFormat; ci: ProgressCi } {
  return isSystem(choice) ? { format: 'text', ci: choice } : { format: choice, ci: 'auto' };
}

function isSystem(choice: ProgressChoice): choice is CiSystem {
  return ciSystems.includes(choice as CiSystem);
}
