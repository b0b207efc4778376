import type { TemplateMode, TemplateReport, WarmResult } from '..';
import { toJson } from '../text/json';
import { printable } from '../text/printable';
import { humanSize } from '../text/size';
import { renderTable } from '../text/table';
import { type Arguments, parseArguments } from './arguments';
import { type Command, type Description, ExitCode } from './command';
import { templateOption } from './options';

const description: Description = {
  name: 'warm',
  summary: 'Build the appliance and its template now, so that the first launch need not',
  operands: [{ name: 'KEY', optional: true, repeated: true }],
  about: [
    'Builds the appliance, the small virtual machine that does the work, where that has not been done yet, and makes its template, from which launches go on where they would boot for long: otherwise the first launch does it. Both are kept in $LIBGUESTFS_CACHEDIR (default: /var/tmp), for this user; what root makes is for all users.',
    'Without a template launches boot, which is not a failure: why there is none is told.',
  ],
  options: [
    {
      name: 'json',
      about:
        'Print JSON: { "built", "ms", "cachedir", "template": { "state", "key", "folder", "bytes", "shared", "reason", "why" } }, state being made, ready or none; with --list and --remove an array of { "key", "folder", "made", "used", "bytes", "words", "shared" }',
    },
    {
      ...templateOption,
      about:
        'Whether to make a template; default: $GUESTFS_TEMPLATE, else auto under emulation. With only it is a failure when there can be none',
    },
    { name: 'list', about: 'List the templates that there are, and make nothing' },
    { name: 'remove', about: 'Remove the templates with these KEYs, or all of this user' },
  ],
  examples: [
    { args: '', about: 'In a container image, or before the first job of a CI machine' },
    { args: '--list', about: 'Which templates there are, when they were used, and how large they are' },
  ],
  exitCodes: {
    0: 'the appliance is ready',
    1: 'it could not be built; or there is no template with that KEY, or that may be removed',
  },
};

export const command: Command = {
  description,
  async run(args, signal) {
    const parsed = parseArguments(description, args);
    check(parsed);
    if (parsed.has('list')) return list(parsed);
    if (parsed.has('remove')) return remove(parsed);
    // Loaded here, so that help and completion are to be had where the addon cannot be loaded.
    const { Guestfs } = require('..') as typeof import('..');
    const template = parsed.value('template') as TemplateMode | undefined;
    const result = await Guestfs.warm({ template, signal });
    print(parsed, result, describe(result));
    return ExitCode.success;
  },
};

function check(args: Arguments): void {
  const [key] = args.operands;
  if (args.has('list') && args.has('remove')) throw args.wrong('--list and --remove exclude each other');
  if (args.has('template') && (args.has('list') || args.has('remove')))
    throw args.wrong('--template is for what is made');
  if (key !== undefined && !args.has('remove')) throw args.wrong(`'${key}': a KEY is for --remove`);
}

function print(args: Arguments, data: object, text: string): void {
  process.stdout.write(args.has('json') ? `${toJson(data)}\n` : text);
}

export function describe({ built, ms, cachedir, template }: WarmResult): string {
  const { state, why, folder = '', bytes = 0, shared } = template;
  const appliance = built
    ? `The appliance has been built, in ${cachedir}.\n`
    : `The appliance in ${cachedir} is ready; nothing had to be built.\n`;
  const place = `${folder}, ${humanSize(bytes)}${shared ? ', for all users' : ''}`;
  const templates = {
    made: `Its template has been made: ${place}.\n`,
    ready: `Its template is ready: ${place}.\n`,
    none: `It has no template, and launches boot: ${why}.\n`,
  };
  return `${appliance}${templates[state]}${built || state === 'made' ? `That took ${(ms / 1000).toFixed(1)} s.\n` : ''}`;
}

async function list(args: Arguments): Promise<ExitCode> {
  const { Guestfs } = require('..') as typeof import('..');
  const templates = await Guestfs.listTemplates();
  print(args, templates, templates.length > 0 ? table(templates) : 'There are no templates.\n');
  return ExitCode.success;
}

async function remove(args: Arguments): Promise<ExitCode> {
  const { Guestfs } = require('..') as typeof import('..');
  const { operands } = args;
  const removed = await Guestfs.removeTemplates({ keys: operands.length > 0 ? operands : undefined });
  const lines = removed.map(({ key, bytes }) => `Removed ${key}, ${humanSize(bytes)}.\n`);
  print(args, removed, lines.join('') || 'Nothing was removed.\n');
  const missed = operands.filter((wanted) => !removed.some(({ key }) => key === wanted));
  for (const key of missed)
    process.stderr.write(`guestfs: warm: this user has no template '${printable(key)}'\n`);
  return missed.length > 0 ? ExitCode.failure : ExitCode.success;
}

export function table(templates: readonly TemplateReport[]): string {
  return renderTable(
    [
      { heading: 'KEY' },
      { heading: 'MADE' },
      { heading: 'USED' },
      { heading: 'SIZE', align: 'right' },
      { heading: 'OWNER' },
    ],
    templates.map(({ key, made, used, bytes, shared }) => [
      ...[key, minute(made), minute(used), humanSize(bytes)],
      shared ? 'root, for all users' : 'you',
    ]),
    Number.POSITIVE_INFINITY,
  );
}

/** `2026-03-01 12:00Z` */
function minute(date: Date | null): string {
  if (date === null || Number.isNaN(date.getTime())) return '-';
  return `${date.toISOString().slice(0, 16).replace('T', ' ')}Z`;
}
