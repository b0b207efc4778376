// Whether launches can go on from a template, which templates there are, and what speaks against it.
import { usualMode } from '../launch/from-template';
import type { RefusalReason } from '../templates/refusal';
import { folderOf, spaceNeeded, type Template, TemplateStore } from '../templates/store';
import { humanSize } from '../text/size';
import { type Finding, ok, warning } from './finding';
import { findProgram, type Machine } from './machine';
import type { Settings } from './settings';

export async function findTemplates({ cachedir }: Settings): Promise<Template[]> {
  return new TemplateStore(cachedir).list();
}

export function checkTemplates(
  machine: Machine,
  settings: Settings,
  templates: readonly Template[],
): Finding[] {
  const boots = (why: string) => [ok('TEMPLATE', 'Launches boot', why)];
  const mode = settings.template ?? usualMode(isEmulated(machine, settings));
  if (typeof mode === 'object') {
    return boots(
      `${sentence(mode.why)}. The option template: 'auto', or GUESTFS_TEMPLATE=auto, tries a template all the same`,
    );
  }
  if (mode === 'never') return boots("Templates are switched off: the option 'template', GUESTFS_TEMPLATE");
  if (settings.backend !== 'direct') return boots(`The backend is ${settings.backend}`);
  if (templates.length > 0) return [ok('TEMPLATE', 'There are templates for launches', listed(templates))];
  const obstacle = obstacleTo(machine, settings);
  if (obstacle !== undefined) {
    const detail = `${obstacle}. Each launch boots, which takes a quarter of a minute and more`;
    return [warning('TEMPLATE_UNUSABLE', 'There is no template, and none can be made', detail)];
  }
  return [
    warning(
      'TEMPLATE_NOT_MADE',
      'There is no template for launches yet',
      'The first launch makes it, which takes some seconds more than a boot; later ones go on from there in a second or two',
      'npx guestfs warm',
    ),
  ];
}

function isEmulated({ kvm, kvmFails }: Machine, { backendSettings }: Settings): boolean {
  return kvm !== 'usable' || kvmFails || backendSettings.some((each) => /^force_tcg\b/.test(each));
}

/** `2 templates, 1.6 GiB: /var/tmp/.guestfs-node-0/650c…, …` */
function listed(templates: readonly Template[]): string {
  const size = humanSize(templates.reduce((sum, { bytes }) => sum + bytes, 0));
  const places = templates.map(({ folder, shared }) => (shared ? `${folder} (root's)` : folder));
  return `${templates.length}, ${size}: ${places.join(', ')}`;
}

/** What keeps this user from making one. */
function obstacleTo(machine: Machine, { cachedir }: Settings): string | undefined {
  if (!findProgram(machine, 'debugfs'))
    return 'There is no debugfs, of the package e2fsprogs, which makes it';
  const own = folderOf(cachedir, machine.uid);
  const facts = machine.facts(own);
  if (facts && (facts.uid !== machine.uid || !facts.isFolder || (facts.mode & 0o022) !== 0)) {
    return `${own} is not a folder that belongs to this user and that no other may write to`;
  }
  const place = facts ? own : cachedir;
  const refused = machine.refusal(place, 'write');
  if (refused !== undefined) return `${place} may not be written to (${refused})`;
  const space = machine.space(cachedir);
  if (space !== undefined && space < spaceNeeded) return `${cachedir} has less than 3 GiB left`;
  return undefined;
}

/** Reasons that are nobody's wish, and that a user can do something about. */
const faults: ReadonlySet<RefusalReason> = new Set([
  ...(['command-line', 'missing', 'cache', 'making', 'restoring'] as const),
]);

/** What a launch that has booted says of templates. */
export function templateVerdict(
  way: { readonly reason?: RefusalReason | undefined; readonly why?: string | undefined } | undefined,
  before: readonly Finding[],
): Finding[] {
  if (!way?.reason || !faults.has(way.reason)) return [];
  if (before.some(({ code }) => code === 'TEMPLATE_UNUSABLE')) return [];
  const detail = `${sentence(way.why ?? way.reason)}. Launches boot, which takes a quarter of a minute and more`;
  return [warning('TEMPLATE_UNUSABLE', 'The launch could not go on from a template', detail)];
}

function sentence(text: string): string {
  return text.replace(/^[a-z]/, (letter) => letter.toUpperCase());
}
