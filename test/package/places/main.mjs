import { Guestfs, versions } from 'guestfs';

const g = new Guestfs();
const { major } = await g.version();
await g.close();
console.log(`libguestfs ${versions.libguestfs} ${major}`);
