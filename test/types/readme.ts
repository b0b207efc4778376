// A program as the README has it. Compiled, not run.
import { diff, Guestfs, inspect, inspectAll, ProgressReporter, privateKey } from 'guestfs';

const report = await inspect('disk.qcow2', { onProgress: (p) => console.log(p.operation, p.ratio) });
console.log(report.operatingSystems[0]?.productName);

const job = privateKey<{ id: number }>('acme:job');

await using g = new Guestfs({ memsize: 1280 });
new ProgressReporter({ format: 'auto' }).attach(g);
await g.addDrive('disk.qcow2', { readonly: true });
await g.launch({ timeout: 120_000, accel: 'auto' });
for (const [device, type] of await g.listFilesystems()) console.log(device, type);
await g.mountRo('/dev/sda1', '/');
await g.copyDeviceToDevice('/dev/sda', '/dev/sdb', {
  size: 1024n,
  signal: AbortSignal.timeout(60_000),
  onProgress: ({ ratio }) => console.log(ratio),
});
const size: bigint = (await g.statns('/etc/passwd')).stSize;
g.private.set(job, { id: Number(size) });
const id: number | undefined = g.private.get(job)?.id;
console.log(id);
g.on('warning', (text: string) => console.warn(text));
for await (const { image, report, error } of inspectAll(['a.qcow2', 'b.qcow2'], { concurrency: 4 })) {
  if (error) console.error(image, error.message);
  else console.log(image, report.operatingSystems[0]?.productName);
}
for await (const { path, type, size, mtime } of g.walk('/var/log', { maxDepth: 2 })) {
  console.log(path, type === 'file' ? size + 1n : mtime.getTime());
}
await g.copyOut('/etc', './rescued', {
  onProgress: ({ bytes, totalBytes }) => console.log(bytes - totalBytes),
});
await g.copyIn('./site', '/srv', { owner: { uid: 33, gid: 33 } });
for await (const difference of diff('before.qcow2', 'after.qcow2', { content: true })) {
  if (difference.change !== 'changed') continue;
  const hash: string | null | undefined = difference.changes.content?.after;
  console.log(difference.path, difference.before.mtime, hash);
}
