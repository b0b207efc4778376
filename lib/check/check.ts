import { checkImages, type Inspectable } from '../guests/images';
import { isHarmless } from '../guests/problems';
import { mountReadOnly } from '../guests/read-only';
import type { InspectionProblem, InspectionReport } from '../guests/report';
import { type ExaminedGuest, inspectWith } from '../inspect/inspect';
import { type CheckOptions, checkCheckOptions } from './options';
import type { CheckReport } from './report';
import { Evaluation } from './run';
import { dataTree, systemTree } from './tree';

const operation = 'check';

/** `check()`, as index.ts explains it. */
export async function check(images: Inspectable, options: CheckOptions = {}): Promise<CheckReport> {
  const checked = checkCheckOptions(options);
  const { inspection } = checked;
  checkImages(images, operation);
  const evaluation = new Evaluation(checked, inspection.signal);
  const report = await inspectWith(
    operation,
    images,
    inspection,
    (mounted) => evaluation.tree(systemTree(mounted)),
    (guest) => checkWhole(guest, evaluation),
  );
  const names = report.images.map(({ path }) => path);
  return evaluation.report(names, [...unseen(report)]);
}

/** Filesystems that belong to no system, and then the disks. */
async function checkWhole(
  { g, report, problems, filesystems }: ExaminedGuest,
  evaluation: Evaluation,
): Promise<void> {
  const owned = new Set(
    report.operatingSystems.flatMap((system) => [
      system.root,
      ...system.filesystems,
      ...system.mountpoints.map(({ device }) => device),
    ]),
  );
  for (const { device, size } of filesystems) {
    const isOwned = owned.has(device) || [...owned].some((each) => each.startsWith(`btrfsvol:${device}/`));
    if (isOwned || size === null) continue;
    await problems.attempt(device, async () => {
      await g.umountAll();
      await mountReadOnly(g, device, '/');
      await evaluation.tree(dataTree(g, device));
    });
  }
  await evaluation.guest({ g, report, filesystems });
}

/** What the inspection did not see, what is encrypted included. */
function* unseen({ problems, encrypted }: InspectionReport): Generator<InspectionProblem> {
  yield* problems.filter(({ code }) => !isHarmless(code));
  for (const { device } of encrypted.filter(({ opened }) => !opened))
    yield {
      ...{ code: 'ERR_GUESTFS_ENCRYPTED', operation, device },
      message: `${device} is encrypted, and no key opens it: what is in it was not looked at`,
    };
}
