// What guest is this, and what does its /etc say? Step by step; `inspect()` does all of it at once.
//   node examples/inspect-vm.mjs disk.qcow2
import { inspect } from 'node:util';
import { Guestfs } from 'guestfs';

const [image] = process.argv.slice(2);

const g = new Guestfs();
try {
  await g.addDrive(image, { readonly: true });
  await g.launch();

  // What a guest says is quoted: it may hold what a terminal obeys.
  for (const root of await g.inspectOs()) {
    const version = `${await g.inspectGetMajorVersion(root)}.${await g.inspectGetMinorVersion(root)}`;
    console.log(`${root}: ${inspect(await g.inspectGetProductName(root))}`);
    console.log(`  ${await g.inspectGetType(root)}, ${await g.inspectGetDistro(root)} ${version}`);
    console.log(`  called ${inspect(await g.inspectGetHostname(root))}`);

    // Shorter paths first: / before /boot.
    const mountpoints = [...(await g.inspectGetMountpoints(root))].sort(([a], [b]) => a.length - b.length);
    for (const [path, device] of mountpoints) {
      await g.mountRo(device, path).catch(({ message }) => console.error(inspect(message)));
    }
    if (await g.isFile('/etc/issue.net', { followsymlinks: true })) {
      for (const line of await g.headN(3, '/etc/issue.net')) console.log(`  ${inspect(line)}`);
    }
    await g.umountAll();
  }
} finally {
  await g.close();
}
