// What people should know, and what is no failure.
import type { ProgressReporter } from '../progress';
import { recordHead } from '../progress/record';
import { toJson } from '../text/json';

/** Tells notes on stderr, above the bars; whoever asked for JSON there gets nothing else. */
export class Notes {
  readonly #reporter: ProgressReporter;
  readonly #told = new Set<string>();

  constructor(reporter: ProgressReporter) {
    this.#reporter = reporter;
  }

  /** @param image which of several guests it is about */
  tell(text: string, image?: string): void {
    if (this.#reporter.format === 'json') {
      process.stderr.write(`${toJson({ ...recordHead('note'), image, message: text })}\n`);
    } else this.#reporter.line(`guestfs: ${image === undefined ? '' : `${image}: `}${text}`);
  }

  /** Tells what all guests on this machine find out alike. */
  tellOnce(text: string): void {
    if (this.#told.has(text)) return;
    this.#told.add(text);
    this.tell(text);
  }
}
