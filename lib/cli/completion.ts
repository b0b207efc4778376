import { quoted } from '../text/shell';
import { optionsOf, parseArguments, takesValue } from './arguments';
import { type Command, type Description, ExitCode, type Operand, type Option } from './command';

const shells = ['bash', 'zsh', 'fish'] as const;

type Shell = (typeof shells)[number];

const description: Description = {
  name: 'completion',
  summary: 'Print what makes bash, zsh or fish complete the arguments of guestfs',
  operands: [{ name: 'SHELL', choices: shells }],
  about: [
    'Prints a script for a shell, so that it completes commands, options, their values and the names of files.',
  ],
  options: [],
  examples: [
    {
      args: 'bash > ~/.local/share/bash-completion/completions/guestfs',
      about: 'bash, from the next shell on',
    },
    { args: 'zsh > ~/.zfunc/_guestfs', about: 'zsh, where ~/.zfunc is in $fpath before compinit is called' },
    { args: 'fish > ~/.config/fish/completions/guestfs.fish', about: 'fish' },
  ],
  exitCodes: { 0: 'success' },
};

/** @param descriptions those of all commands */
export function completionCommand(descriptions: () => readonly Description[]): Command {
  return {
    description,
    async run(args) {
      const shell = parseArguments(description, args).operands[0] as Shell;
      process.stdout.write(completionScript(shell, descriptions()));
      return ExitCode.success;
    },
  };
}

const writers: Readonly<Record<Shell, (commands: readonly Description[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

export function completionScript(shell: Shell, commands: readonly Description[]): string {
  return writers[shell](commands);
}

/** Names of an option, the short one too. */
const flagsOf = ({ name, short }: Option) =>
  short === undefined ? [`--${name}`] : [`-${short}`, `--${name}`];

function bashScript(commands: readonly Description[]): string {
  const cases = commands.map((each) => {
    const values = optionsOf(each).filter(takesValue);
    const operands = each.operands.flatMap(({ choices = [] }) => choices);
    const files = each.operands.some(({ file }) => file);
    return `    ${each.name})
      case $previous in
${values.map((option) => `        ${flagsOf(option).join('|')}) ${bashValue(option)}; return ;;\n`).join('')}      esac
      options='${optionsOf(each).flatMap(flagsOf).join(' ')}'
      operands='${operands.join(' ')}'
      ${files ? 'files=yes' : 'files='}
      ;;
`;
  });
  const names = commands.map(({ name }) => name).join(' ');
  return `# Completion of guestfs for bash: made by \`guestfs completion bash\`.
_guestfs() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} options operands files
  COMPREPLY=()
  # What stands behind = is a word of its own.
  if [[ $previous == '=' ]]; then previous=\${COMP_WORDS[COMP_CWORD-2]}; fi
  if [[ $current == '=' ]]; then current=; fi
  if (( COMP_CWORD == 1 )); then
    COMPREPLY=($(compgen -W '${names} --help --version' -- "$current"))
    return
  fi
  case \${COMP_WORDS[1]} in
${cases.join('')}    *) return ;;
  esac
  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$current"))
  elif [[ -n $operands ]]; then
    COMPREPLY=($(compgen -W "$operands" -- "$current"))
  elif [[ -n $files ]]; then
    _guestfs_files "$current"
  fi
}

_guestfs_files() {
  local IFS=$'\\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY=($(compgen -f -- "$1"))
}

complete -F _guestfs guestfs
`;
}

function bashValue({ choices, file }: Option): string {
  if (choices) return `COMPREPLY=($(compgen -W '${choices.join(' ')}' -- "$current"))`;
  return file ? '_guestfs_files "$current"' : ':';
}

function zshScript(commands: readonly Description[]): string {
  const cases = commands.map((each) => {
    const specs = [...optionsOf(each).flatMap(zshOption), ...each.operands.flatMap(zshOperand)];
    return `        ${each.name})\n          _arguments -s -S \\\n${specs.map((spec) => `            ${quoted(spec)}`).join(' \\\n')}\n          ;;\n`;
  });
  const names = commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`).join('\n');
  return `#compdef guestfs
# Completion of guestfs for zsh: made by \`guestfs completion zsh\`.
_guestfs() {
  local curcontext="$curcontext" state line
  local -a commands=(
${names}
  )
  _arguments -C '--help[Show this help]' '--version[Show the version]' '1: :->command' '*:: :->arguments'
  case $state in
    command) _describe command commands ;;
    arguments)
      case $line[1] in
${cases.join('')}      esac
      ;;
  esac
}

# Called by compinit's loader, or sourced.
if [[ $funcstack[1] == _guestfs ]]; then _guestfs "$@"; else compdef _guestfs guestfs; fi
`;
}

/** A spec for each of its names; those that may not be repeated exclude each other. */
function zshOption(option: Option): string[] {
  const { about, value, multiple } = option;
  const flags = flagsOf(option);
  const text = zshText(firstSentence(about), /[[\]:\\]/g);
  return flags.map((flag) => {
    const before = multiple ? '*' : flags.length > 1 ? `(${flags.join(' ')})` : '';
    const isLong = flag.startsWith('--');
    const argument = value === undefined ? '' : `:${zshText(value, /[:\\]/g)}:${zshAction(option)}`;
    return `${before}${flag}${value !== undefined && isLong ? '=' : ''}[${text}]${argument}`;
  });
}

function zshOperand(operand: Operand, index: number, all: readonly Operand[]): string | readonly string[] {
  const { name, optional, repeated } = operand;
  // What follows any number of others cannot be told from them, and zsh takes one description of all of them only.
  if (all.slice(0, index).some((each) => each.repeated)) return [];
  if (repeated) return `*:${name}:${zshAction(all.slice(index).find(({ file }) => file) ?? operand)}`;
  return `${index + 1}:${optional ? ':' : ''}${name}:${zshAction(operand)}`;
}

function zshAction({ choices, file }: Pick<Option, 'choices' | 'file'>): string {
  if (choices) return `(${choices.join(' ')})`;
  return file ? '_files' : ' ';
}

function zshText(text: string, special: RegExp): string {
  return text.replace(special, '\\$&');
}

function fishScript(commands: readonly Description[]): string {
  const names = commands.map(({ name }) => name).join(' ');
  const top = commands.map(
    ({ name, summary }) =>
      `complete -c guestfs -n __fish_use_subcommand -f -a ${name} -d ${fishQuoted(summary)}\n`,
  );
  const rest = commands.map((each) => {
    const here = `complete -c guestfs -n '__guestfs_command_is ${each.name}'`;
    const choices = each.operands.flatMap((operand) => operand.choices ?? []);
    const operands = each.operands.some(({ file }) => file)
      ? `${here} -F\n`
      : `${here} -f${choices.length > 0 ? ` -a ${fishQuoted(choices.join(' '))}` : ''}\n`;
    return (
      operands +
      optionsOf(each)
        .map((option) => `${here} ${fishOption(option)}\n`)
        .join('')
    );
  });
  return `# Completion of guestfs for fish: made by \`guestfs completion fish\`.
function __guestfs_command_is
    set -l words (commandline -opc)
    test "$words[2]" = $argv[1]
end

complete -c guestfs -f
complete -c guestfs -n __fish_use_subcommand -l help -d 'Show this help'
complete -c guestfs -n __fish_use_subcommand -l version -d 'Show the version'
# Commands: ${names}
${top.join('')}${rest.join('')}`;
}

function fishOption({ name, short, about, value, choices, file }: Option): string {
  const names = `${short === undefined ? '' : `-s ${short} `}-l ${name}`;
  const argument =
    value === undefined ? '' : choices ? ` -x -a ${fishQuoted(choices.join(' '))}` : file ? ' -r -F' : ' -x';
  return `${names}${argument} -d ${fishQuoted(firstSentence(about))}`;
}

function fishQuoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}

/** The rest is for the help. */
function firstSentence(text: string): string {
  return text.split(/[;:.] /)[0] ?? text;
}
