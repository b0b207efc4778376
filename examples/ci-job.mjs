// A step of a CI job: makes an image from a folder, with progress that is fit for a log, a time limit and an exit code.
//   node examples/ci-job.mjs folder image.qcow2
import { basename } from 'node:path';
import { Guestfs, GuestfsError, ProgressReporter } from 'guestfs';

const [folder, image] = process.argv.slice(2);
const GiB = 2 ** 30;

const g = new Guestfs();
// Plain lines where there is no terminal, and one now and then while nothing happens: no runner thinks that it hangs.
const reporter = new ProgressReporter({ label: basename(image) }).attach(g);
const signal = AbortSignal.timeout(30 * 60_000);
try {
  await g.diskCreate(image, 'qcow2', 2 * GiB, { signal });
  await g.addDrive(image, { format: 'qcow2', signal });
  await g.launch({ timeout: 5 * 60_000, signal });
  await g.partDisk('/dev/sda', 'gpt', { signal });
  await g.mkfs('ext4', '/dev/sda1', { signal });
  await g.mount('/dev/sda1', '/', { signal });
  await g.copyIn(folder, '/', { signal });
  await g.zeroFreeSpace('/', { signal }); // so that the image packs well
  await g.shutdown({ signal });
  reporter.line(`${image} is ready`);
} catch (error) {
  const code = error instanceof GuestfsError ? error.code : error.name;
  reporter.line(`${image} was not made: ${error.message} (${code})`);
  process.exitCode = 1;
} finally {
  await g.close();
  reporter.close();
}
