/** The program's backend settings, while a launch has put its own in their place: a running handle refuses changes. */
export class BackendSettings {
  #replaced: { readonly own: string; readonly original: readonly string[] } | undefined;

  /** Settings of the program, given the ones that are set now. */
  original(current: readonly string[]): readonly string[] {
    return this.#replaced && this.#replaced.own === current.join(':') ? this.#replaced.original : current;
  }

  replace(original: readonly string[], own: readonly string[]): void {
    this.#replaced = { own: own.join(':'), original };
  }
}
