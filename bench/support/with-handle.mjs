import { Guestfs } from 'guestfs';

/** Node.js 20 knows no `await using` yet. */
export async function withHandle(work) {
  const g = new Guestfs();
  try {
    return await work(g);
  } finally {
    await g.close();
  }
}
