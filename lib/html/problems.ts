import { isHarmless } from '../guests/problems';
import type { InspectionProblem, InspectionReport } from '../guests/report';
import { html, type Markup, nothing } from './markup';

/** What to do, by the code of a problem. */
const advice: Readonly<Record<string, string>> = {
  EIO: 'The image, or the storage on which it lies, may be damaged: qemu-img check looks at the image.',
  ERR_GUESTFS_FILESYSTEM: 'Look at it on a machine whose kernel has the driver.',
  ERR_GUESTFS_FSTAB:
    'Nothing, unless something is missed: the line names what is not among the disks of this guest.',
  ERR_GUESTFS_HIBERNATED:
    'Start the guest and shut it down, so that what it has not written yet is on its disks.',
  ERR_GUESTFS_IMAGE_CORRUPT:
    'Look at it with qemu-img check, and mend a copy of it with qemu-img check -r all.',
  ERR_GUESTFS_COPIES: 'Look at each of the copies by itself.',
  ERR_GUESTFS_DISK_MISSING: 'Add the disk, or export the machine again.',
  ERR_GUESTFS_OTHER_FORMAT: 'Give the format that the file has.',
  ERR_GUESTFS_BLOCKSIZE: 'Leave --blocksize out, or give the other size.',
  ERR_GUESTFS_IMAGE_CUT: 'Copy or download the image again, to its end.',
  ERR_GUESTFS_IMAGE_DIRTY: 'End what has the image open, or look at it with qemu-img check.',
  ERR_GUESTFS_IMAGE_EMPTY: 'Look whether the image was written to its end: there is nothing in it.',
  ERR_GUESTFS_KEY: 'Give the key that opens this volume: --key, or keys.',
  ERR_GUESTFS_MEMBERS_MISSING: 'Give all disks of the guest: --add, or a list of images.',
  ERR_GUESTFS_NO_PACKAGE_LIST: 'Nothing: what is missing cannot be listed from outside.',
  ERR_GUESTFS_NOT_OPENED: 'Give the key of the volume: --key, or keys.',
  ERR_GUESTFS_NOT_RECOGNISED: 'Look into its filesystem by name: --root or --mount.',
  ERR_GUESTFS_ODD_SIZE: 'Look whether the image is whole: its size is not one of whole sectors.',
  ERR_GUESTFS_TERMINATED:
    'Try again with more memory (memsize); a broken filesystem may have crashed the appliance.',
  ERR_GUESTFS_UNMOUNTABLE:
    'Copy the image again, to its end, or let the fsck of this filesystem mend a copy of it.',
  ERR_GUESTFS_UNCLEAN: 'Start the guest and shut it down, without fast startup.',
  ERR_GUESTFS_UNSUPPORTED: 'Install a libguestfs that has the tools: guestfs doctor tells which there is.',
};

const encryptedAdvice = 'Give its key to see what is in it: --key, or keys.';

export function renderProblems({ problems, encrypted }: InspectionReport): Markup {
  const closed = encrypted.filter(({ opened }) => !opened);
  if (problems.length + closed.length === 0) return nothing;
  return html`<h3>Problems</h3>
${problems.map(renderProblem)}
${closed.map(({ device, type }) => renderNote(device, `is encrypted (${type})`, encryptedAdvice))}`;
}

function renderProblem({ code, operation, device, message }: InspectionProblem): Markup {
  const mark = isHarmless(code) ? 'Note' : 'Problem';
  return html`<div class="problem"><p><strong>${mark}</strong> ${device && html`<span class="code">${device}</span>: `}${message.replace(/\s+/g, ' ')}</p>
<p class="dim">${code}, ${operation}</p>${advice[code] && html`<p>${advice[code]}</p>`}</div>
`;
}

function renderNote(device: string, text: string, todo: string): Markup {
  return html`<div class="problem"><p><strong>Note</strong> <span class="code">${device}</span> ${text}</p><p>${todo}</p></div>
`;
}
