// The last thing that was begun, in a file that outlives a crash of the process.
import { ftruncateSync, openSync, writeSync } from 'node:fs';

export class Journal {
  #file;
  /** How many things have been begun. */
  entries = 0;

  constructor(path) {
    this.#file = openSync(path, 'w');
  }

  begin(what) {
    this.entries++;
    const size = writeSync(this.#file, what, 0);
    ftruncateSync(this.#file, size);
  }
}
