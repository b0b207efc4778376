// Handles and reporters are resources: `using` closes them.
import { Guestfs, ProgressReporter } from 'guestfs';
import { is } from './equal.js';

export async function disposal() {
  await using g = new Guestfs();
  using reporter = new ProgressReporter().attach(g);
  is<Promise<void>>()(g[Symbol.asyncDispose](), true);
  is<void>()(reporter[Symbol.dispose](), true);
}

export async function wrongDisposal() {
  // @ts-expect-error it takes time to close a handle
  using g = new Guestfs();
  return g;
}
