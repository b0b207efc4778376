// `node FLAGS template.cjs FOLDER`: a launch from a template or none, and copies of a file to the host.
const { join } = require('node:path');
const { Guestfs } = require('guestfs');

(async () => {
  const folder = process.argv[2];
  const g = new Guestfs();
  try {
    await g.addDriveScratch(64 * 2 ** 20);
    await g.launch({ template: 'only', accel: 'tcg', timeout: 300_000 });
    console.log(`launched from a ${g.launchWay.from}`);
    await g.mkfs('ext4', '/dev/sda');
    await g.mount('/dev/sda', '/');
    await g.write('/file', 'content');
    await g.download('/file', join(folder, 'downloaded'));
    console.log('downloaded');
    await g.copyOut('/file', folder);
  } catch (error) {
    console.log(`${error.code}: ${error.message}`);
  } finally {
    await g.close();
  }
})();
