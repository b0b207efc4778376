// Loads the binary: the one that the environment names, else what was compiled here, else what the package carries.
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { explainNotLoaded, type Failed, isPackage, reasonOf } from './not-loaded';

/** @throws Error with the code `ERR_GUESTFS_NOT_LOADED`, and why as its `reason` */
export function loadBinary(): unknown {
  const named = process.env.GUESTFS_NODE_ADDON;
  let file: string | undefined;
  try {
    file = named || besideExecutable() || compiledHere();
    return file ? opened(file) : carried();
  } catch (cause) {
    throw notLoaded(cause as Error, file, Boolean(named));
  }
}

function notLoaded(cause: Error, file: string | undefined, named: boolean): Error {
  const failed: Failed = {
    ...{ cause, file, named },
    platform: process.platform,
    arch: process.arch,
    root: packageRoot(),
    executable: isExecutable() ? process.execPath : undefined,
    permissions: permissions(),
  };
  const reason = reasonOf(failed);
  return Object.assign(new Error(explainNotLoaded(failed, reason), { cause }), {
    code: 'ERR_GUESTFS_NOT_LOADED',
    reason,
  });
}

/** The folder of the package; undefined in a bundle, which has no folder or that of another package. */
function packageRoot(): string | undefined {
  if (typeof __dirname !== 'string') return undefined;
  const root = join(__dirname, '../..');
  return isPackage(root) ? root : undefined;
}

/** A bundle that is an ES module has no `__dirname`. */
function compiledHere(): string | undefined {
  if (typeof __dirname !== 'string') return undefined;
  const file = join(__dirname, '../../build/Release/guestfs.node');
  return existsSync(file) ? file : undefined;
}

function permissions(): Failed['permissions'] {
  const permission = process.permission as typeof process.permission | undefined;
  if (!permission) return 'none';
  // Node.js 20 does not tell of addons.
  const allowed = permission.has('addon') || process.execArgv.includes('--allow-addons');
  return allowed ? 'with addons' : 'without addons';
}

/** A single executable application contains no addon: it lies beside it. */
function besideExecutable(): string | undefined {
  if (!isExecutable()) return undefined;
  const folder = dirname(process.execPath);
  const name = readdirSync(folder).find((each) => /^guestfs\b.*\.node$/.test(each));
  return name && join(folder, name);
}

function isExecutable(): boolean {
  return (process.getBuiltinModule?.('node:sea') as { isSea(): boolean } | undefined)?.isSea() === true;
}

/** Not by `require`, which bundlers would want to know more of. */
function opened(file: string): unknown {
  const binary = { exports: {} };
  process.dlopen(binary, file);
  return binary.exports;
}

/**
 * Literal, so that bundlers and tracers find these files and take them along; within `try`, so that they put up with a
 * package that carries only one of them.
 */
function carried(): unknown {
  const target = `${process.platform}-${process.arch}`;
  try {
    if (target === 'linux-x64') return require('../../prebuilds/linux-x64/guestfs.glibc.node');
    if (target === 'linux-arm64') return require('../../prebuilds/linux-arm64/guestfs.glibc.node');
  } catch (error) {
    throw error as Error;
  }
  throw new Error(`The package carries no binary for ${target}.`);
}
