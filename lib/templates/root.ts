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

/** debugfs, of the tools for ext2, writes into a filesystem that nobody has mounted. */
async function putFiles(root: string, folder: string, signal: AbortSignal): Promise<void> {
  const scratch = await mkdtemp(join(folder, 'files-'));
  const pause = join(scratch, 'pause');
  await writeFile(pause, scripts.pause);
  const place = (await isFolder(root, '/usr/sbin', signal))
    ? inFrontOf(pause)
    : await inPlaceOf(root, pause, signal);
  const lenses = inspectionLenses.map((lens) => `ln ${lensFolder}/${lens}.aug ${ours}/lenses/${lens}.aug`);
  const commands = [`mkdir ${ours}`, `mkdir ${ours}/lenses`, ...lenses, ...place];
  const list = join(scratch, 'commands');
  await writeFile(list, `${commands.join('\n')}\n`);
  await debugfs(['-w', '-f', list, root], signal);
  const written = await debugfs(['-R', `cat ${place.at(-1)?.split(' ')[1]}`, root], signal);
  if (written !== scripts.pause) throw new Error('debugfs did not write into the appliance');
  await rm(scratch, { recursive: true });
}

/** The daemon looks for programs in /usr/sbin before /usr/bin. */
function inFrontOf(pause: string): string[] {
  return [`write ${pause} /usr/sbin/ls`, 'set_inode_field /usr/sbin/ls mode 0100755'];
}

/** Where /usr/sbin is a link to /usr/bin, the program itself has to make room. */
async function inPlaceOf(root: string, pause: string, signal: AbortSignal): Promise<string[]> {
  if (!/^Inode: \d+ +Type: regular/m.test(await debugfs(['-R', 'stat /usr/bin/ls', root], signal))) {
    throw new Error('the appliance has its `ls` at a place that is not known');
  }
  return [
    `ln /usr/bin/ls ${ours}/ls`,
    'unlink /usr/bin/ls',
    `write ${pause} /usr/bin/ls`,
    'set_inode_field /usr/bin/ls mode 0100755',
  ];
}

async function isFolder(root: string, path: string, signal: AbortSignal): Promise<boolean> {
  return /^Inode: \d+ +Type: directory/m.test(await debugfs(['-R', `stat ${path}`, root], signal));
}

/** Often in a folder that is not on the path of ordinary users. */
function debugfs(args: readonly string[], signal: AbortSignal): Promise<string> {
  const env = {
    ...process.env,
    PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin`,
    LC_ALL: 'C',
    PAGER: 'cat',
  };
  return runProgram('debugfs', args, { env, signal }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw new Error('debugfs, of e2fsprogs, is not installed');
    throw error;
  });
}
