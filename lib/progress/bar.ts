import { beforeEnd } from './before-end';
import { type Context, type Failure, type Format, type Measure, measureOf, type Task } from './format';
import { renderEnded, renderRunning } from './render';
import { Taskbar, type TaskbarState } from './taskbar';

/** Milliseconds before an operation that reports nothing is worth a line. */
const PATIENCE = 1000;

/** Milliseconds without a bar after `clear`: whoever writes, perhaps a program behind a pipe, shall have done so. */
const MANNERS = 250;

const ERASE_LINE_END = '\x1b[K';
const ERASE_SCREEN_END = '\x1b[J';
const ERASE = `\r${ERASE_SCREEN_END}`;
/** Whether the terminal wraps long lines (autowrap). */
const WRAP = '\x1b[?7h';
const NO_WRAP = '\x1b[?7l';
const LAST_COLUMN = '\x1b[9999G';
/**
 * Way to the next line that a terminal takes for a wrapped one: one blank in the last column, and one that is too much.
 */
const WRAPPED_LINE = `${ERASE_LINE_END}${LAST_COLUMN}${WRAP}  \r${NO_WRAP}`;
const GREEN = 32;
const RED = 31;

/**
 * A line per running operation, redrawn in place.
 *
 * Terminals differ in what they do to lines when their size changes: some break long ones anew, and some of those
 * (xterm.js, and so editors and web consoles) then lose the cursor, unless it is in that line. So
 * - the cursor always rests at the start of the first line: wherever the lines go, all of them lie behind it and are
 *   erased by the next redraw;
 * - to the terminal all lines are a single one that was broken at the margin, the one with the cursor;
 * - no line is ever longer than the terminal is wide, also where its new width has not been told yet.
 */
export class BarFormat implements Format {
  readonly period = 100;
  readonly #context: Context;
  readonly #colour: boolean;
  readonly #taskbar: Taskbar | undefined;
  /** Tasks on the screen. */
  #drawn: readonly Task[] = [];
  #quietUntil = 0;
  #forgetEnd = () => {};
  /** Tasks whose bar, not only a spinner, has been on the screen. */
  readonly #shown = new WeakSet<Task>();

  constructor(
    context: Context,
    { colour, taskbar }: { readonly colour: boolean; readonly taskbar: boolean },
  ) {
    this.#context = context;
    this.#colour = colour;
    this.#taskbar = taskbar ? new Taskbar() : undefined;
  }

  // Everything but the end waits for the next tick: ten redraws a second, however much is reported.
  started(): void {}
  progressed(): void {}
  entered(): void {}

  ended(task: Task, failure: Failure | undefined): void {
    if (this.#shown.has(task)) {
      const { now } = this.#context;
      const view = {
        label: this.#labelOf(task),
        operation: task.operation,
        elapsed: now() - task.started,
        failure: failure && (failure.isAbort ? 'aborted' : failure.code),
      };
      this.#draw(this.#paint(renderEnded(view, this.#columns), failure ? RED : GREEN));
    } else if (this.#drawn.includes(task)) {
      this.#draw();
    }
  }

  tick(): void {
    this.#draw();
  }

  line(text: string): void {
    this.#draw(text);
  }

  clear(): void {
    this.#quietUntil = this.#context.now() + MANNERS;
    this.#remove();
  }

  #remove(): void {
    if (this.#drawn.length === 0) return;
    this.#context.output.write(ERASE + (this.#taskbar?.change(undefined) ?? ''));
    this.#remember([]);
  }

  #labelOf(task: Task): string {
    return task.label ?? this.#context.label;
  }

  // Some terminals wrap as soon as the last column is written, so it stays free.
  get #columns(): number {
    return Math.max(this.#context.output.columns - 1, 1);
  }

  /** Replaces what is on the screen by the lines of now, below a line that stays. */
  #draw(above?: string): void {
    const time = this.#context.now();
    const tasks = this.#visible(time);
    const stale = this.#drawn.length > 0;
    let text = '';
    if (above !== undefined) text += `${stale ? ERASE : ''}${above}\n`;
    if (tasks.length > 0) {
      const lines = tasks.map((task) => this.#line(task, time));
      text += `\r${NO_WRAP}${lines.join(WRAPPED_LINE)}${ERASE_SCREEN_END}${WRAP}\r`;
      if (tasks.length > 1) text += `\x1b[${tasks.length - 1}A`;
    } else if (stale && above === undefined) {
      text += ERASE;
    }
    text += this.#taskbar?.change(stateOf(tasks, time)) ?? '';
    // A signal may come as soon as something is to be seen, and takes it away only when it is known.
    if (tasks.length > 0) this.#remember(tasks);
    if (text !== '') this.#context.output.write(text);
    if (tasks.length === 0) this.#remember(tasks);
  }

  #visible(time: number): Task[] {
    const { output, tasks } = this.#context;
    if (time < this.#quietUntil) return [];
    const visible = [...tasks].filter((task) => task.progress || time - task.started >= PATIENCE);
    // Lines beyond the screen could not be reached again.
    return visible.slice(0, Math.max(output.rows - 1, 1));
  }

  #line(task: Task, time: number): string {
    const bar = barOf(task, time);
    if (bar) this.#shown.add(task);
    const view = {
      label: this.#labelOf(task),
      operation: task.operation,
      elapsed: Math.max(time - task.started, 0),
      bar,
      phase: task.phase,
      rate: task.estimate.rate,
    };
    return renderRunning(view, this.#columns);
  }

  #remember(drawn: readonly Task[]): void {
    if (drawn.length > 0 && this.#drawn.length === 0) {
      this.#forgetEnd = beforeEnd(() => this.#remove(), ['SIGHUP', 'SIGINT', 'SIGTERM', 'SIGTSTP']);
    }
    if (drawn.length === 0) this.#forgetEnd();
    this.#drawn = drawn;
  }

  #paint(text: string, colour: number): string {
    // Only the mark at the front.
    return this.#colour ? `\x1b[${colour}m${text.charAt(0)}\x1b[0m${text.slice(1)}` : text;
  }
}

/** The taskbar is one: it shows what began first and can be measured, which is the whole where there is one. */
function stateOf(tasks: readonly Task[], time: number): TaskbarState {
  const [first] = tasks.map((task) => measureOf(task, time)).filter((measure) => measure !== undefined);
  return first?.percent ?? (tasks.length > 0 ? 'moving' : undefined);
}

function barOf(task: Task, time: number): Measure | 'moving' | undefined {
  const measure = measureOf(task, time);
  return measure ?? (task.progress || task.phase !== undefined ? 'moving' : undefined);
}
