// Programs that end with open handles; the first argument says how.
import { keepCheckerToOurselves } from './checked-node.mjs';
import { Guestfs, internalTest, withHandle } from './library.mjs';

keepCheckerToOurselves();
const [how, fifo] = process.argv.slice(2);

const g = new Guestfs();
g.on('trace', () => undefined);
g.private.set('self', g);
await g.setTrace(true);

const ways = {
  end: () => g.version(),
  exit: () => process.exit(3),
  exitInCalls() {
    for (let i = 0; i < 1000; i++) void g.version();
    setTimeout(() => process.exit(3), 5);
  },
  exitInListener() {
    g.once('enter', () => process.exit(3));
    void g.version();
  },
  exitWhileClosing() {
    void g.close();
    process.exit(3);
  },
  async exitWithMany() {
    const handles = Array.from({ length: 50 }, () => new Guestfs());
    await Promise.all(handles.map((handle) => handle.version()));
    await withHandle((other) => other.version());
    process.exit(3);
  },
  throws() {
    setImmediate(() => {
      throw new Error('not caught');
    });
  },
  stuck() {
    g.once('enter', () => process.exit(3));
    void internalTest(g, 'SetOutput', [fifo]);
  },
  async launching() {
    await g.addDriveScratch(2 ** 20);
    setTimeout(() => process.exit(3), 3000);
    await g.launch();
  },
};

await ways[how]();
