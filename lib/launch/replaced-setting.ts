/** A setting of a handle for which a launch has put another in its place: a running handle refuses changes. */
export class ReplacedSetting {
  #replaced: { readonly own: string; readonly original: string } | undefined;

  /** That of the program, given the one that is set now. */
  original(current: string): string {
    return this.#replaced?.own === current ? this.#replaced.original : current;
  }

  replace(original: string, own: string): void {
    this.#replaced = { own, original };
  }
}
