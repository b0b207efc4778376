import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { debianMbr } from '../../../../test/images';
import { imageFolder, until } from '../support/images';
import { type WorkerProcess, WorkerProcesses } from '../support/processes';
import { type ServerKind, serverKinds, servers } from '../support/servers';

// Everything dies: workers are killed and stopped, the server restarts, the client is killed and comes back. In the end every
// image has one result, none is lost, and none comes twice.

const count = Number(process.env.GUESTFS_FLEET_CHAOS_JOBS ?? 2000);
const guests = Number(process.env.GUESTFS_FLEET_CHAOS_IMAGES ?? 60);
/** What a worker has begun has it in its environment, also when the worker is gone. */
const mark = randomUUID();
process.env.GUESTFS_FLEET_CHAOS = mark;
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

interface Chaos {
  readonly task: string;
  readonly options: object;
  readonly images: readonly string[];
  readonly roots: readonly string[];
  readonly concurrency: number;
  /** Milliseconds between two deaths. */
  readonly everyMs: number;
}

async function chaos(
  kind: ServerKind,
  { task, options: taskOptions, images, everyMs, ...how }: Chaos,
): Promise<void> {
  const server = await servers[kind]();
  const journal = join(folder.path, `journal-${kind}-${task}`);
  const list = join(folder.path, `images-${kind}-${task}.json`);
  writeFileSync(journal, '');
  writeFileSync(list, JSON.stringify(images));
  const options = { ...server.connection, ...how, lockMs: 2000, deaths: 50 };
  const running: WorkerProcess[] = await Promise.all([0, 1, 2].map(() => workers.start(options)));
  let isDone = false;
  let code: number | null = null;
  let [clients, kills, stops, restarts] = [0, 0, 0, 0];

  const startClient = () => {
    clients++;
    const argument = JSON.stringify({
      ...{ connection: server.connection, batch: `chaos-${kind}` },
      ...{ task, options: taskOptions, list, journal },
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
    await pause(everyMs);
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
      setTimeout(() => worker.child.kill('SIGCONT'), Math.max(everyMs, 4000)).unref();
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
  expect(results).toHaveLength(images.length);
  expect(results.map(({ index }) => index).sort((a, b) => a - b)).toEqual(images.map((_, index) => index));
  for (const { index, image } of results) expect(image).toBe(images[index]);
  console.log(`${kind}: ${kills} kills, ${stops} stops, ${restarts} restarts, ${clients} clients`);
  expect(Math.min(kills, stops, clients - 1)).toBeGreaterThan(0);
  expect(restarts).toBeGreaterThan(0);
  await workers.end();
  await server.stop();
}

/** Programs that workers have left behind. */
function orphans(): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(mark);
    } catch {
      return false;
    }
  });
}

describe.each(serverKinds)('%s', (kind) => {
  test(`${count} jobs, while all that can die does`, async () => {
    const images = Array.from({ length: count }, (_, n) => folder.file(`${kind}-${n}.img`));
    const how = { roots: [folder.path], concurrency: 8, everyMs: 1200 };
    await chaos(kind, { task: 'wait', options: { ms: 100 }, images, ...how });
  }, 1_200_000);

  test(`${guests} images in appliances, of which none is left in the end`, async () => {
    const backing = await debianMbr();
    const images = Array.from({ length: guests }, (_, n) => {
      const path = join(folder.path, `${kind}-${n}.qcow2`);
      execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', backing, '-F', 'raw', path]);
      return path;
    });
    // An inspection has to come to its end between two deaths, now and then.
    const how = { roots: [folder.path, dirname(backing)], concurrency: 1, everyMs: 10_000 };
    let most = 0;
    const watching = setInterval(() => {
      most = Math.max(most, orphans().length);
    }, 1000);
    await chaos(kind, { task: 'inspect', options: { applications: false }, images, ...how });
    clearInterval(watching);
    // Workers, their appliances, and what watches over these: else the search would find none at any time.
    expect(most).toBeGreaterThan(4);
    await until(() => orphans().length === 0, 30_000);
  }, 3_600_000);
});
