// What checkers have written, and whom it concerns.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Code of ours, and libguestfs's, which does what we tell it to. All else is Node.js's own affair. */
const ours = /src-native\/|stress\/canary|(guestfs|canary)\.node|libguestfs\.so/;

/**
 * The reports in a folder of logs: those that name our code, and the others. `split` cuts a log into reports, `addon` is
 * the file that was checked.
 */
export function readReports(folder, split, addon) {
  const reports = readdirSync(folder).flatMap((name) => split(readFileSync(join(folder, name), 'utf8')));
  return {
    ours: reports.filter((report) => ours.test(report)).map((report) => withLines(report, addon)),
    others: reports.filter((report) => !ours.test(report)),
  };
}

/** A checker that has looked at the loaded files before the addon was one of them knows no more than addresses. */
function withLines(report, addon) {
  return report.replace(/<null> <null> \((guestfs\.node)\+(0x[0-9a-f]+)\)/g, (frame, _, address) => {
    const { stdout } = spawnSync('addr2line', ['-Cfpe', addon, address], { encoding: 'utf8' });
    return stdout?.trim() || frame;
  });
}
