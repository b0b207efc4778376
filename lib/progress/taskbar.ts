// Progress in the taskbar, or in the tab, of the terminal: ConEmu's sequence OSC 9;4, which others have taken over.

/** Variables by which terminals that know the sequence are known, and by which it is switched. */
export const taskbarVariables = [
  ...(['GUESTFS_TASKBAR', 'WT_SESSION', 'ConEmuANSI', 'TERM_PROGRAM', 'TERM_PROGRAM_VERSION'] as const),
  ...(['VTE_VERSION', 'TMUX', 'STY'] as const),
];

/** Programs that know the sequence, from a version on. Others may take OSC 9 for a notification. */
const programs: ReadonlyMap<string, readonly number[]> = new Map([
  ['ghostty', [1, 2]],
  ['iTerm.app', [3, 6, 6]],
  ['vscode', [1, 97]],
  ['WezTerm', [0]],
]);

/** Whether a terminal knows the sequence: only where that is certain, and no multiplexer is in between. */
export function hasTaskbar(env: NodeJS.ProcessEnv): boolean {
  if (env.GUESTFS_TASKBAR === '0' || env.GUESTFS_TASKBAR === '1') return env.GUESTFS_TASKBAR === '1';
  if (env.TMUX || env.STY) return false;
  if (env.WT_SESSION || env.ConEmuANSI === 'ON' || Number(env.VTE_VERSION) >= 8000) return true;
  const least = programs.get(env.TERM_PROGRAM ?? '');
  return least !== undefined && isAtLeast(env.TERM_PROGRAM_VERSION ?? '', least);
}

function isAtLeast(version: string, least: readonly number[]): boolean {
  // WezTerm's version is a date.
  const parts = version.split(/[.-]/).map(Number);
  for (const [index, part] of least.entries()) {
    const own = parts[index] ?? 0;
    if (own !== part) return own > part;
  }
  return true;
}

/** What the taskbar is to show: a percentage, that something moves, or nothing. */
export type TaskbarState = number | 'moving' | undefined;

/** The sequences that change what the taskbar shows, and nothing where it shows that already. */
export class Taskbar {
  #shown: TaskbarState;

  change(state: TaskbarState): string {
    if (state === this.#shown) return '';
    this.#shown = state;
    if (state === undefined) return '\x1b]9;4;0\x1b\\';
    return state === 'moving' ? '\x1b]9;4;3\x1b\\' : `\x1b]9;4;1;${state}\x1b\\`;
  }
}
