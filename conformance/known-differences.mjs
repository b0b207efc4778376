// Where a version of libguestfs, or an appliance as distributions pack it, is known to differ from what the tests of a
// newer libguestfs expect. It explains a failure; it does not turn it into a pass.
import { older } from './values.mjs';

/** `before`: the first version without the difference. `reason`: what the failure says, so that no other is explained. */
const differences = [
  ...['test_file_architecture_6', 'test_file_architecture_18'].map((test) => ({
    test,
    before: [1, 53, 1],
    reason: "got 'LoongArch'",
    why: 'before 1.53.1 libguestfs gave this architecture as file(1) spells it, LoongArch',
  })),
  {
    test: 'test_file_architecture_28',
    before: [1, 49, 5],
    reason: 'unknown architecture',
    why: 'before 1.49.5 libguestfs did not look into files that zstd compressed',
  },
  {
    test: 'test_part_get_gpt_attributes_0',
    before: [1, 53, 4],
    reason: 'got 5n',
    why: 'before 1.53.4 the appliance cut these attributes to 32 bits',
  },
  {
    test: 'test_grub_install_0',
    reason: 'modinfo.sh',
    why: "the appliance has grub-install but not GRUB's modules, which distributions pack separately",
  },
];

/** The known difference that explains a failure, or that a test which passed is said to have. */
export function differenceFor({ id, status, reason }, version) {
  return differences.find(
    (difference) =>
      difference.test === id &&
      (!difference.before || older(version, difference.before)) &&
      (status === 'passed' ? difference.before : status === 'failed' && reason.includes(difference.reason)),
  );
}
