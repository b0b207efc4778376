// What is wrong with an image on a server, in the words of qemu-img.
import { image, noQemuImg } from '../faults/faults';
import { badDescription, noDriver, serverFailed } from '../faults/source-faults';
import { reasonOfQemuImg } from '../faults/words';
import { UnusableImage } from '../host/unusable-image';

/** Milliseconds in which a server has to answer. */
export const patienceMs = 30_000;

/** What qemu says of options that do not make an image. */
const misunderstood =
  /JSON parse error|must be specified|does not support the option|requires an? |(?:address|filename|path|option) (?:is )?missing|^(?:Invalid p|P)arameter '/;

/** The error for a failure of qemu-img with an image on a server. */
export function faultOfServer(
  error: unknown,
  { shown, format }: { readonly shown: string; readonly format?: string | undefined },
): unknown {
  const { code, stderr = '', killed } = error as { code?: unknown; stderr?: string; killed?: boolean };
  if (code === 127) return UnusableImage.for(noQemuImg(), error);
  if (killed) return UnusableImage.for(serverFailed(shown, `no answer within ${patienceMs / 1000} s`), error);
  // What a module says that is not there comes before it.
  const why = reasonOfQemuImg(stderr.slice(Math.max(0, stderr.lastIndexOf('qemu-img: ')))) || String(error);
  const [, driver] = /^Unknown (?:protocol|driver) '([^']*)'/.exec(why) ?? [];
  if (driver !== undefined && driver !== format) return UnusableImage.for(noDriver(shown, driver), error);
  if (/^json:/i.test(shown) && misunderstood.test(why))
    return UnusableImage.for(badDescription(shown, why), error);
  const isOfFormat = /^Image is not in|^Unknown driver|Image not in|[Ii]nvalid signature|bad signature/.test(
    why,
  );
  return UnusableImage.for(isOfFormat ? image(shown, why, undefined) : serverFailed(shown, why), error);
}
