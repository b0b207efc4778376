// The images that the benchmarks work on: a real Debian from the tests' recipes, and a tree of many files.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { Readable } from 'node:stream';
import { recipe } from '../../scripts/recipes.mjs';
import { withHandle } from '../support/with-handle.mjs';

export const debianImage = () => recipe('images/index.ts').debianMbr();

export function overlay(file, backing, format) {
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', backing, '-F', format, file]);
  return file;
}

/** An empty disk. */
export function emptyDisk(folder, name, size) {
  const file = path.join(folder, name);
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', file, String(size)]);
  return file;
}

/** A filesystem on the disk, with that many files below /tree. */
export function makeTree(disk, files) {
  return withHandle(async (g) => {
    await g.addDrive(disk, { format: 'qcow2' });
    await g.launch();
    await g.mkfs('ext4', '/dev/sda');
    await g.mount('/dev/sda', '/');
    await g.mkdir('/tree');
    await g.tarIn(Readable.from(archive(files)), '/tree');
    await g.shutdown();
  });
}

const filesInFolder = 50;
const blockSize = 512;

/** A tar archive of small files, 50 in a folder. */
function* archive(files) {
  for (let i = 0; i < files; i++) {
    const folder = `folder-${Math.floor(i / filesInFolder)}`;
    if (i % filesInFolder === 0) yield header(`${folder}/`, '5', 0);
    const content = Buffer.from(`content of file ${i}\n`);
    yield Buffer.concat([header(`${folder}/file-${i}`, '0', content.length), padded(content)]);
  }
  yield Buffer.alloc(2 * blockSize);
}

function padded(content) {
  return Buffer.concat([content, Buffer.alloc((blockSize - (content.length % blockSize)) % blockSize)]);
}

/** As POSIX has it in pax(1), "ustar Interchange Format". */
function header(name, type, size) {
  const block = Buffer.alloc(blockSize);
  const octal = (number, digits) => `${number.toString(8).padStart(digits - 1, '0')}\0`;
  block.write(name, 0);
  block.write(octal(type === '5' ? 0o755 : 0o644, 8), 100);
  block.write(octal(0, 8) + octal(0, 8), 108);
  block.write(octal(size, 12) + octal(1_600_000_000, 12), 124);
  block.write(`        ${type}`, 148);
  block.write('ustar\x0000', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}
