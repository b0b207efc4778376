const { Guestfs, versions } = require('guestfs');

(async () => {
  const g = new Guestfs();
  const { major } = await g.version();
  await g.close();
  console.log(`libguestfs ${versions.libguestfs} ${major}`);
})();
