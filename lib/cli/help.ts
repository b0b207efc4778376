// Help texts, made of the commands' descriptions.
import { columnsOf } from '../text/columns';
import { optionsOf } from './arguments';
import type { Description, Example, Operand, Option } from './command';

/** Columns beyond which nobody would want a text. */
export const widestHelp = 100;
/** Columns of the narrowest text: on a narrower terminal lines wrap. */
const narrowestHelp = 40;

const interrupted = 'interrupted; 143 and 129 for SIGTERM and SIGHUP';

/** The help of a command. */
export function commandHelp(description: Description, columns: number, program = 'guestfs'): string {
  const { name, operands, about, examples, exitCodes } = description;
  const width = widthOf(columns);
  const codes = { ...exitCodes, 2: 'wrong usage', 130: interrupted };
  return [
    wrap(`Usage: ${program} ${usageOf(name, operands)}`, width, 7),
    ...about.map((paragraph) => wrap(paragraph, width)),
    `Options:\n${list(optionsOf(description).map(optionEntry), width)}`,
    `Examples:\n${examples.map((each) => exampleText(`${program} ${name}`, each, width)).join('')}`,
    `Exit codes:\n${list(Object.entries(codes), width)}`,
  ].join('\n');
}

/** Examples are to be copied, so never wrapped. */
function exampleText(command: string, { args, about }: Example, width: number): string {
  return `${wrap(`  ${about}:`, width, 2)}    ${`${command} ${args}`.trimEnd()}\n`;
}

/** The help of the program. */
export function programHelp(commands: readonly Description[], columns: number): string {
  const width = widthOf(columns);
  const options: [string, string][] = [
    ['--help', 'Show this help, or with a command its own'],
    ['--version', 'Show the version'],
  ];
  return [
    'Usage: guestfs COMMAND [OPTION…] [ARGUMENT…]\n',
    wrap(
      'Looks into virtual machine disk images, without root and without mounting them on this machine. Everything is opened read-only, unless a command is told otherwise.',
      width,
    ),
    `Commands:\n${list(
      commands.map(({ name, summary }) => [name, summary]),
      width,
    )}`,
    `Options:\n${list(options, width)}`,
    wrap(
      "Exit codes: 0 success, 1 failure, 2 wrong usage; 'guestfs COMMAND --help' tells of a command's own",
      width,
    ),
  ].join('\n');
}

/** `ls [OPTION…] IMAGE [PATH…]` */
function usageOf(name: string, operands: readonly Operand[]): string {
  return [name, '[OPTION…]', ...operands.map(operandUsage)].join(' ');
}

function operandUsage({ name, optional, repeated }: Operand): string {
  const text = repeated ? `${name}…` : name;
  return optional ? `[${text}]` : text;
}

function optionEntry({ name, short, value, about, choices, multiple }: Option): [string, string] {
  const names = `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`;
  const facts = [choices && `one of ${choices.join(', ')}`, multiple && 'may be repeated'].filter(Boolean);
  return [names, facts.length > 0 ? `${about} (${facts.join('; ')})` : about];
}

/** Two columns, or where there is no room for two, one below the other. */
function list(entries: readonly (readonly [string, string])[], width: number): string {
  const left = Math.max(...entries.map(([name]) => columnsOf(name))) + 4;
  const isNarrow = width - left < 30;
  return entries
    .map(([name, text]) => {
      if (isNarrow) return `  ${name.trimStart()}\n${wrap(`      ${text}`, width, 6)}`;
      const margin = ' '.repeat(left);
      return wrap(text, width - left)
        .replace(/^/, `  ${name}`.padEnd(left))
        .replace(/\n(?!$)/g, `\n${margin}`);
    })
    .join('');
}

function widthOf(columns: number): number {
  return Math.max(Math.min(columns, widestHelp), narrowestHelp);
}

/** Lines of at most `width` columns; those after the first are indented. A word that is longer stays whole. */
export function wrap(text: string, width: number, indent = 0): string {
  const [margin = ''] = /^ */.exec(text) ?? [];
  const lines: string[] = [];
  let line = margin;
  let isEmpty = true;
  for (const word of text.trim().split(/ +/)) {
    if (!isEmpty && columnsOf(line) + 1 + columnsOf(word) > width) {
      lines.push(line);
      line = ' '.repeat(indent);
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return `${[...lines, line].join('\n')}\n`;
}
