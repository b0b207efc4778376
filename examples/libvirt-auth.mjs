// Opens the disks of a guest that libvirt knows, and answers when libvirt asks who wants that.
//   node examples/libvirt-auth.mjs guest qemu+libssh2://server/system
import { createInterface } from 'node:readline/promises';
import { Guestfs } from 'guestfs';

const [domain, libvirturi] = process.argv.slice(2);
const terminal = createInterface({ input: process.stdin, output: process.stderr });

const g = new Guestfs({
  libvirtAuth: async ({ uri, credentials, signal }) => {
    const answers = [];
    for (const { prompt } of credentials)
      answers.push(await terminal.question(`${uri}: ${prompt} `, { signal }));
    return answers;
  },
});
try {
  const disks = await g.addDomain(domain, { libvirturi, readonly: true });
  console.log(`${domain}: ${disks} ${disks === 1 ? 'disk' : 'disks'}`);
} finally {
  terminal.close();
  await g.close();
}
