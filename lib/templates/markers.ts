// What the template's part in the guest says on the appliance's console.

import { later } from '../options/own-timers';
import { printable } from '../text/printable';

/** One of its lines; a guest's disks are not there yet, or have not been read. */
const line = /^guestfs-template: ([\w :.`'-]{1,200})\r?\n/gm;

/**
 * A line of qemu's own, before the guest goes on. What a clone cannot do only when it has the saved state, such as locking
 * an image, qemu says, and stands still for ever.
 */
const qemusLine = /^qemu[\w.-]*: (?!.*(?:\bkvm\b|\btcg\b|warning: )).+\n/im;

/** Milliseconds for one of its words: a boot on a busy machine takes minutes. */
const patienceMs = 300_000;

/** Most characters that are kept while a line is incomplete. */
const longestLine = 200;

interface Waiter {
  readonly word: string;
  resolve(): void;
  reject(error: Error): void;
}

export class Markers {
  readonly #seen = new Set<string>();
  #text = '';
  #waiters: Waiter[] = [];
  #failure: Error | undefined;
  #end: Error | undefined;
  #onEnd: (() => void)[] = [];
  /** What qemu has complained of before the guest said anything. */
  complaint: string | undefined;

  read(text: string): void {
    this.#text += text;
    if (this.#seen.size === 0) this.#hearQemu();
    let end = 0;
    for (const found of this.#text.matchAll(line)) {
      end = found.index + found[0].length;
      this.#hear(found[1] as string);
    }
    this.#text = this.#text.slice(end).slice(-longestLine);
  }

  /** Waits for a word. Rejects when the guest says that it failed, or has ended. */
  reached(word: string): Promise<void> {
    if (this.#seen.has(word)) return Promise.resolve();
    const error = this.#failure ?? this.#end;
    if (error) return Promise.reject(error);
    return new Promise((resolve, reject) => {
      this.#waiters.push({ word, resolve, reject });
      later(() => reject(new Error(`the guest did not say "${word}" in time`)), patienceMs).unref();
    });
  }

  /** Why the guest gave up, in its words; undefined where it did not. */
  get failure(): string | undefined {
    return this.#failure?.message;
  }

  /** To be called when qemu has ended. */
  end(): void {
    this.#end ??= new Error('qemu has ended');
    for (const resolve of this.#onEnd.splice(0)) resolve();
    this.#reject(this.#end);
  }

  /** Waits until qemu has ended. */
  ended(): Promise<void> {
    if (this.#end) return Promise.resolve();
    return new Promise((resolve) => this.#onEnd.push(resolve));
  }

  #hearQemu(): void {
    const said = qemusLine.exec(this.#text.split('guestfs-template: ', 1)[0] ?? '')?.[0];
    if (said !== undefined) this.complaint ??= printable(said.trim());
  }

  #hear(word: string): void {
    if (word.startsWith('failed: ')) {
      this.#failure ??= new Error(word.slice('failed: '.length));
      this.#reject(this.#failure);
    }
    this.#seen.add(word);
    const reached = this.#waiters.filter((waiter) => waiter.word === word);
    this.#waiters = this.#waiters.filter((waiter) => waiter.word !== word);
    for (const { resolve } of reached) resolve();
  }

  #reject(error: Error): void {
    for (const { reject } of this.#waiters.splice(0)) reject(error);
  }
}
