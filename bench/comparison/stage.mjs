// Where the contestants meet: their images, and one program of each with an appliance of its own.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Contestant } from './contestant.mjs';
import { debianImage, emptyDisk, makeTree, overlay } from './images.mjs';

const GiB = 2 ** 30;
const file = (name) => fileURLToPath(new URL(`contestants/${name}`, import.meta.url));

export const treeFiles = 50_000;
export const deviceSize = GiB;

export class Stage {
  #folder = mkdtempSync(path.join(tmpdir(), 'guestfs-comparison-'));
  #idle;
  #launched;
  #tree;
  #debian;
  #direct;

  /** A contestant's program, before it does anything: 'ours', 'c' or 'python'. */
  start(name) {
    this.#direct ??= this.#compile();
    const commands = {
      ours: [process.execPath, file('ours.mjs')],
      c: [this.#direct],
      // The distribution's, which has the binding.
      python: ['/usr/bin/python3', file('binding.py')],
    };
    return new Contestant(...commands[name]);
  }

  #startAll() {
    return { ours: this.start('ours'), c: this.start('c'), python: this.start('python') };
  }

  /** Without an appliance. */
  idle() {
    this.#idle ??= this.#startAll();
    return this.#idle;
  }

  /** Each with a filesystem with a tree of files in /tree, and a second disk. */
  launched() {
    this.#launched ??= this.#launch();
    return this.#launched;
  }

  async #launch() {
    const tree = await this.tree();
    const second = emptyDisk(this.#folder, 'second.qcow2', deviceSize);
    const programs = this.#startAll();
    for (const [name, program] of Object.entries(programs)) {
      const own = (disk) => overlay(`${disk}.${name}`, disk, 'qcow2');
      await program.do('launch', own(tree), own(second));
      await program.do('mount', '/dev/sda');
    }
    return programs;
  }

  tree() {
    this.#tree ??= this.#makeTree();
    return this.#tree;
  }

  async #makeTree() {
    const disk = emptyDisk(this.#folder, 'tree.qcow2', 4 * GiB);
    await makeTree(disk, treeFiles);
    return disk;
  }

  /** That many disks of the same Debian. */
  async debians(count) {
    this.#debian ??= await debianImage();
    return Array.from({ length: count }, (_, i) =>
      overlay(path.join(this.#folder, `debian-${i}.qcow2`), this.#debian, 'raw'),
    );
  }

  /** A file of zeros on the host. */
  zeros(size) {
    const zeros = path.join(this.#folder, 'zeros');
    execFileSync('truncate', ['-s', String(size), zeros]);
    return zeros;
  }

  #compile() {
    const program = path.join(this.#folder, 'direct');
    const flags = execFileSync('pkg-config', ['--cflags', '--libs', 'libguestfs'], { encoding: 'utf8' });
    execFileSync('cc', ['-O2', '-o', program, file('direct.c'), ...flags.trim().split(/\s+/)]);
    return program;
  }

  async strike() {
    for (const programs of [this.#idle, await this.#launched]) {
      for (const program of Object.values(programs ?? {})) await program.end();
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
