// A process may have several copies of the package: dependencies that bring their own, test runners that load modules anew.
import { Writable } from 'node:stream';
import { runInNewContext } from 'node:vm';

type Package = typeof import('../../lib');

describe('handles of another copy of the package', () => {
  let ours: Package;
  let theirs: Package;

  beforeAll(() => {
    ours = copy('../../lib/text/generated/package', {});
    theirs = copy('../../lib/text/generated/package', {});
  });

  test('are handles', async () => {
    expect(ours.Guestfs).not.toBe(theirs.Guestfs);
    await using g = new theirs.Guestfs();
    expect(g).toBeInstanceOf(ours.Guestfs);
    expect(new Proxy(g, {})).toBeInstanceOf(ours.Guestfs);
    expect(runInNewContext('g instanceof Guestfs', { g, Guestfs: ours.Guestfs })).toBe(true);
    expect({}).not.toBeInstanceOf(ours.Guestfs);
    class Special extends ours.Guestfs {}
    expect(g).not.toBeInstanceOf(Special);
  });

  test('are watched by a reporter', async () => {
    await using g = new theirs.Guestfs();
    const lines: string[] = [];
    const stream = new Writable({ write: (chunk, _, done) => done(void lines.push(String(chunk))) });
    const reporter = new ours.ProgressReporter({ format: 'json', stream }).attach(g);
    await g.diskCreate('/nowhere/disk.img', 'raw', 512).catch(() => {});
    reporter.close();
    expect(lines.map((line) => JSON.parse(line).operation)).toContain('diskCreate');
  });

  test('are compared', async () => {
    await using a = new ours.Guestfs();
    await using b = new theirs.Guestfs();
    const differences = ours.compare(a, '/', b, '/');
    await expect(differences.next()).rejects.toMatchObject({ code: 'ERR_GUESTFS_NOT_LAUNCHED' });
  });

  test('are told where their version is another one', async () => {
    const other = copy('../../lib/text/generated/package', { packageVersion: '0.0.1' });
    await using g = new other.Guestfs();
    const reporter = new ours.ProgressReporter({ format: 'none' });
    await using own = new ours.Guestfs();
    const attempts = [() => reporter.attach(g), () => reporter.attach(own, { parent: g })];
    for (const attempt of attempts) expect(attempt).toThrow(/of another version.*npm ls guestfs/);
    expect(() => reporter.attach({} as never)).toThrow(/must be of type Guestfs/);
  });
});

function copy(file: string, changes: object): Package {
  let loaded: Package | undefined;
  jest.isolateModules(() => {
    jest.doMock(file, () => ({ ...jest.requireActual(file), ...changes }));
    loaded = require('../../lib');
    jest.dontMock(file);
  });
  return loaded as Package;
}
