// The appliance's disk as a template needs it: a copy with two things more, made without booting anything.
import { chmod, link, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from '../host/programs';
import { runQemuImg } from '../host/qemu-img';
import { scripts } from './generated/scripts';
import { inspectionLenses } from './lenses';
import { OwnedFolder, ownedFolders } from './owned-folder';
import { files, publish, synced, type TemplateStore } from './store';

const ours = '/usr/lib/guestfs-node';
const lensFolder = '/usr/share/augeas/lenses/dist';

/**
 * Gives `target` the root of an appliance with the template's own files in it; it is made where there is none of that
 * name yet, and shared by all templates of this appliance.
 *
 * @throws Error where it cannot be made
 */
export async function provideRoot(
  store: TemplateStore,
  { name, source, target }: { name: string; source: string; target: string },
  signal: AbortSignal,
): Promise<void> {
  const ready = join(store.roots, name, files.root);
  const linked = () =>
    link(ready, target).then(
      () => true,
      () => false,
    );
  await mkdir(store.roots, { recursive: true });
  if (await linked()) return;
  await ownedFolders(store.roots); // removes those of dead makers
  const draft = await OwnedFolder.make(store.roots, name, 0o755);
  try {
    const root = join(draft.path, files.root);
    await runQemuImg(['convert', '-q', '-f', 'raw', '-O', 'raw', source, root], signal);
    await putFiles(root, draft.path, signal);
    await chmod(root, 0o444);
    await synced(root);
    await publish(draft, join(store.roots, name));
  } catch (error) {
    await draft.remove();
    throw error;
  }
  if (!(await linked())) throw new Error(`${ready} cannot be linked to`);
}

/** debugfs, of the tools for ext2, writes into a filesystem that nobody has mounted. It splits its commands at spaces. */
async function putFiles(root: string, folder: string, signal: AbortSignal): Promise<void> {
  const scratch = await mkdtemp(join(folder, 'files-'));
  const look = (command: string) => debugfs(['-R', command, root], scratch, signal);
  await writeFile(join(scratch, 'pause'), scripts.pause);
  const place = (await isOfType('directory', '/usr/sbin', look)) ? inFront : await inPlace(look);
  const lenses = inspectionLenses.map((lens) => `ln ${lensFolder}/${lens}.aug ${ours}/lenses/${lens}.aug`);
  const commands = [`mkdir ${ours}`, `mkdir ${ours}/lenses`, ...lenses, ...place.commands];
  await writeFile(join(scratch, 'commands'), `${commands.join('\n')}\n`);
  await debugfs(['-w', '-f', 'commands', root], scratch, signal);
  if ((await look(`cat ${place.path}`)) !== scripts.pause) {
    throw new Error('debugfs did not write into the appliance');
  }
  await rm(scratch, { recursive: true });
}

type Look = (command: string) => Promise<string>;

/** Where the pause goes, and what brings it there. */
interface Place {
  readonly path: string;
  readonly commands: readonly string[];
}

function placeAt(path: string, ...before: string[]): Place {
  return { path, commands: [...before, `write pause ${path}`, `set_inode_field ${path} mode 0100755`] };
}

/** The daemon looks for programs in /usr/sbin before /usr/bin. */
const inFront = placeAt('/usr/sbin/ls');

/** Where /usr/sbin is a link to /usr/bin, the program itself has to make room. */
async function inPlace(look: Look): Promise<Place> {
  if (!(await isOfType('regular', '/usr/bin/ls', look))) {
    throw new Error('the appliance has its `ls` at a place that is not known');
  }
  return placeAt('/usr/bin/ls', `ln /usr/bin/ls ${ours}/ls`, 'unlink /usr/bin/ls');
}

async function isOfType(type: string, path: string, look: Look): Promise<boolean> {
  return new RegExp(`^Inode: \\d+ +Type: ${type}`, 'm').test(await look(`stat ${path}`));
}

/** Often in a folder that is not on the path of ordinary users. */
function debugfs(args: readonly string[], cwd: string, signal: AbortSignal): Promise<string> {
  const env = {
    ...process.env,
    PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin`,
    LC_ALL: 'C',
    PAGER: 'cat',
  };
  return runProgram('debugfs', args, { env, cwd, signal }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw new Error('debugfs, of e2fsprogs, is not installed');
    throw error;
  });
}
