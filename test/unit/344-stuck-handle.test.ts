import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { Guestfs } from '../../lib';
import { invoke } from '../../lib/calls/invoke';
import { temporaryFolder } from '../support/folder';
import { failureOf } from '../support/internal';
import { runProgram } from '../support/processes';

// A call that was killed, and that the host does not let go of, holds up nobody else: here it opens a FIFO.

const stuckMs = 30_000;

test(
  'calls behind it, a launch too, reject after a while, and the handle works again when it returns',
  async () => {
    using folder = temporaryFolder();
    const fifo = folder.file('fifo');
    execFileSync('mkfifo', [fifo]);
    const g = new Guestfs();
    const entered = once(g, 'enter');
    const call = failureOf(g[invoke]('internalTestSetOutput', [fifo], undefined));
    await entered;
    const kill = g.kill();
    expect(await call).toMatchObject({ code: 'ERR_GUESTFS_TERMINATED' });
    await kill;

    const stuck = { name: 'GuestfsError', code: 'ERR_GUESTFS_STUCK' };
    const behind = [failureOf(g.launch({ timeout: 60_000 })), failureOf(g.getPath())];
    expect(await behind[0]).toMatchObject({ ...stuck, operation: 'launch' });
    expect(await behind[1]).toMatchObject({ ...stuck, operation: 'getPath' });

    const waiting = g.version(); // and this one has come in time
    const reader = await open(fifo, 'r');
    expect((await waiting).major).toBe(1n);
    await reader.close();
    await g.close();
  },
  stuckMs,
);

test(
  'close() settles, and the program ends by itself',
  async () => {
    using folder = temporaryFolder();
    const fifo = folder.file('fifo');
    execFileSync('mkfifo', [fifo]);
    const outcome = await runProgram(
      `
      const { once } = require('node:events');
      const { Guestfs } = require('guestfs');
      const { invoke } = require(process.cwd() + '/dist/calls/invoke.js');
      (async () => {
        const g = new Guestfs();
        const entered = once(g, 'enter');
        g[invoke]('internalTestSetOutput', [process.env.FIFO]).catch(({ code }) => console.log(code));
        await entered;
        await g.kill();
        await g.close();
        console.log('closed');
      })();
    `,
      { FIFO: fifo },
    );
    expect(outcome).toMatchObject({ code: 0, stdout: 'ERR_GUESTFS_TERMINATED\nclosed\n', stderr: '' });
  },
  stuckMs,
);
