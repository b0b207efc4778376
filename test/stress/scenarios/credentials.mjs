// The handle's thread waits in a callback for JavaScript's answer to libvirt.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Guestfs, settled, withFolder, withHandle } from '../library.mjs';

export function credentials({ times }) {
  return withFolder(async (folder) => {
    const libvirturi = await testDriver(folder);
    for (let i = 0; i < times(10); i++) {
      await answered(libvirturi);
      await leftWaiting(libvirturi, (g) => g.kill());
      await leftWaiting(libvirturi, (_, controller) => controller.abort());
    }
  });
}

/** libvirt's own test driver asks for a name and a password. */
async function testDriver(folder) {
  const node = join(folder, 'node.xml');
  await writeFile(join(folder, 'disk.img'), Buffer.alloc(1024));
  await writeFile(
    node,
    `<node>
      <domain type='test'>
        <name>guest</name><memory>1024</memory><os><type>hvm</type></os>
        <devices>
          <disk type='file' device='disk'>
            <driver name='qemu' type='raw'/><source file='${folder}/disk.img'/><target dev='vda'/>
          </disk>
        </devices>
      </domain>
      <auth><user password='sesame'>ali</user></auth>
    </node>`,
  );
  return `test://${node}`;
}

async function answered(libvirturi) {
  const libvirtAuth = async () => {
    await sleep(1);
    globalThis.gc();
    return { authname: 'ali', passphrase: Buffer.from('sesame') };
  };
  const disks = await withHandle((g) => g.addDomain('guest', { libvirturi, readonly: true }), {
    libvirtAuth,
  });
  assert.equal(disks, 1);
}

/** The handler never answers. */
async function leftWaiting(libvirturi, end) {
  let asked;
  const question = new Promise((resolve) => {
    asked = resolve;
  });
  const g = new Guestfs({
    libvirtAuth: () => {
      asked();
      return new Promise(() => undefined);
    },
  });
  const controller = new AbortController();
  const options = { libvirturi, readonly: true, signal: controller.signal };
  const calls = settled([g.addDomain('guest', options), g.version()]);
  await question;
  g.private.set('beside the question', 1);
  await end(g, controller);
  await calls;
  await g.close();
}
