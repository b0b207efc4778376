// One of the soak's worker threads.
import { Guestfs } from 'guestfs';

const g = new Guestfs();
await g.version();
await g.close();
