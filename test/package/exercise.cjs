// What every program here does with the package, however it has loaded it.
const assert = require('node:assert/strict');
const { mkdtempSync, readFileSync, rmSync, statSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

module.exports = async function exercise({ Guestfs, GuestfsError, privateKey }) {
  const folder = mkdtempSync(join(tmpdir(), 'guestfs-package-'));
  const g = new Guestfs({ identifier: 'package-test', memsize: 1024 });
  try {
    assert.equal((await g.version()).major, 1n);
    assert.equal(await g.getMemsize(), 1024);
    const key = privateKey('package:test');
    g.private.set(key, { kept: true });
    assert.deepEqual(g.private.get(key), { kept: true });

    const disk = join(folder, 'disk.img');
    await g.diskCreate(disk, 'raw', 1024n * 1024n);
    assert.equal(statSync(disk).size, 1024 * 1024);
    await g.addDrive(disk, { readonly: true, format: 'raw' });

    await fails(g.addDrive(join(folder, 'none')), { name: 'GuestfsError', code: 'ENOENT' });
    await fails(g.mount('/dev/sda1', '/'), { name: 'GuestfsError', code: 'ERR_GUESTFS_NOT_LAUNCHED' });
    await fails(g.mount(1, '/'), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
    await g.close();
    await fails(g.version(), { name: 'GuestfsError', code: 'ERR_GUESTFS_CLOSED' });
  } finally {
    await g.close();
    rmSync(folder, { recursive: true });
  }

  async function fails(promise, expected) {
    const error = await promise.then(
      () => assert.fail('resolved'),
      (reason) => reason,
    );
    assert.equal(error.code, expected.code, error.message);
    assert.equal(error.name, expected.name, error.message);
    assert.equal(error instanceof GuestfsError, expected.name === 'GuestfsError');
  }
  console.log(`loaded ${/\S+\.node$/m.exec(mapped())}`);
};

/** Names of the files that this process has mapped: among them the addon that was really loaded. */
function mapped() {
  return readFileSync('/proc/self/maps', 'utf8');
}
