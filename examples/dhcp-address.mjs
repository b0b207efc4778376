// Which address did this guest get the last time that it ran? Its DHCP client has left a note.
//   node examples/dhcp-address.mjs disk.qcow2
import { inspect } from 'node:util';
import { Guestfs } from 'guestfs';

const [image] = process.argv.slice(2);

/** Where clients keep their leases, and how they write an address. */
const leases = [
  { files: '/var/lib/dhcp/dhclient*.leases', address: /fixed-address ([\d.]+);/g },
  { files: '/var/lib/dhclient/*.leases', address: /fixed-address ([\d.]+);/g },
  { files: '/var/lib/NetworkManager/*.lease', address: /^(?:ADDRESS=|.*fixed-address )([\d.]+)/gm },
  { files: '/run/systemd/netif/leases/*', address: /^ADDRESS=([\d.]+)/gm },
];

const g = new Guestfs();
try {
  await g.addDrive(image, { readonly: true });
  await g.launch();
  const [root] = await g.inspectOs();
  if (root === undefined) throw new Error(`${image}: no operating system`);
  const mountpoints = [...(await g.inspectGetMountpoints(root))].sort(([a], [b]) => a.length - b.length);
  for (const [path, device] of mountpoints) {
    await g.mountRo(device, path).catch(({ message }) => console.error(inspect(message)));
  }

  for (const { files, address } of leases) {
    for (const file of await g.globExpand(files)) {
      const found = [...(await g.cat(file)).matchAll(address)];
      if (found.length > 0) console.log(`${found.at(-1)?.[1]} (${inspect(file)})`); // the last lease is the newest
    }
  }
} finally {
  await g.close();
}
