// Makes one of the canary's mistakes: `node test/stress/canary.mjs ADDON MISTAKE`.
import { createRequire } from 'node:module';

const [addon, mistake] = process.argv.slice(2);
createRequire(import.meta.url)(addon)[mistake]();
