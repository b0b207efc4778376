import type { InspectionReport, LaunchOptions } from 'guestfs';
import { Guestfs, GuestfsError, privateKey } from 'guestfs';
import exercise from './exercise.cjs';

await exercise({ Guestfs, GuestfsError, privateKey });

const g = new Guestfs({ memsize: 1024 });
const release: bigint = (await g.version()).release;
const settings: LaunchOptions = { timeout: 60_000, accel: 'auto' };
const systems = (report: InspectionReport): string[] => report.operatingSystems.map(({ root }) => root);
// @ts-expect-error: there is no such method, and the declarations must say so.
if (typeof g.noSuchMethod !== 'undefined') throw new Error(`${release} ${settings} ${systems}`);
await g.close();
