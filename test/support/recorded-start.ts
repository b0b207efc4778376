/** What libguestfs would start: the arguments that it gives to qemu, without an appliance. */
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Guestfs } from '../../lib';

/** Launches a handle whose qemu writes its arguments down and fails. */
export async function recordedStart(g: Guestfs, folder: string): Promise<string[]> {
  const program = join(folder, 'qemu');
  const record = join(folder, 'arguments');
  const real = await g.getHv();
  await writeFile(
    program,
    `#!/bin/sh\ncase " $* " in *" -append "*) printf '%s\\0' "$@" >'${record}'; exit 1 ;; esac\nexec '${real}' "$@"\n`,
  );
  await chmod(program, 0o755);
  await g.setHv(program);
  await g.launch({ accel: 'tcg', template: 'never' }).then(
    () => {
      throw new Error('an appliance is up that cannot be');
    },
    () => undefined,
  );
  return (await readFile(record, 'utf8')).split('\0').slice(0, -1);
}
