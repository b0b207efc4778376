import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { imageFolder } from '../support/images';
import { type WorkerProcess, WorkerProcesses } from '../support/processes';
import { serverKinds, servers } from '../support/servers';

// Everything dies: workers are killed and stopped, the server restarts, the client is killed and comes back. In the end every
// image has one result, none is lost, and none comes twice.

const count = Number(process.env.GUESTFS_FLEET_CHAOS_JOBS ?? 2000);
const folder = imageFolder();
const workers = new WorkerProcesses();
let client: ChildProcess | undefined;

afterAll(async () => {
  client?.kill('SIGKILL');
  await workers.end();
  folder.remove();
});

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Results that the client has written down: whole lines only, for it may be killed while it writes one. */
function written(journal: string): { index: number; image: string; error?: string }[] {
  const text = readFileSync(journal, 'utf8');
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

describe.each(serverKinds)('%s', (kind) => {
  test(`${count} jobs, while all that can die does`, async () => {
    const server = await servers[kind]();
    const journal = join(folder.path, `journal-${kind}`);
    const list = join(folder.path, `images-${kind}.json`);
    const images = Array.from({ length: count }, (_, n) => folder.file(`${kind}-${n}.img`));
    writeFileSync(journal, '');
    writeFileSync(list, JSON.stringify(images));
    const options = { ...server.connection, roots: [folder.path], concurrency: 8, lockMs: 2000, deaths: 50 };
    const running: WorkerProcess[] = await Promise.all([0, 1, 2].map(() => workers.start(options)));
    let isDone = false;
    let code: number | null = null;
    let [clients, kills, stops, restarts] = [0, 0, 0, 0];

    const startClient = () => {
      clients++;
      const argument = JSON.stringify({
        connection: server.connection,
        batch: `chaos-${kind}`,
        list,
        journal,
      });
      const child = spawn(process.execPath, [join(__dirname, '../support/client.cjs'), argument], {
        stdio: ['ignore', 'inherit', 'inherit'],
      });
      child.once('exit', (status, signal) => {
        if (signal === null) [isDone, code] = [true, status];
        else startClient();
      });
      client = child;
    };
    startClient();

    for (let step = 0; !isDone; step++) {
      await pause(1200);
      const at = step % 3;
      const worker = running[at];
      if (isDone || !worker) break;
      if (step % 2 === 0) {
        worker.child.kill('SIGKILL');
        await worker.ended;
        running[at] = await workers.start(options);
        kills++;
      } else {
        worker.child.kill('SIGSTOP');
        setTimeout(() => worker.child.kill('SIGCONT'), 4000).unref();
        stops++;
      }
      if (step % 3 === 1) client?.kill('SIGKILL');
      if (step % 6 === 2 && restarts < 3) {
        await server.restart();
        restarts++;
      }
    }

    expect(code).toBe(0);
    const results = written(journal);
    expect(results.filter(({ error }) => error !== undefined)).toEqual([]);
    expect(results).toHaveLength(count);
    expect(results.map(({ index }) => index).sort((a, b) => a - b)).toEqual(images.map((_, index) => index));
    for (const { index, image } of results) expect(image).toBe(images[index]);
    console.log(`${kind}: ${kills} kills, ${stops} stops, ${restarts} restarts, ${clients} clients`);
    expect(Math.min(kills, stops, clients - 1)).toBeGreaterThan(0);
    expect(restarts).toBeGreaterThan(0);
    await workers.end();
    await server.stop();
  }, 1_200_000);
});
