// What a guest is expected to contain, as programs and files say it, checked before anything is launched.
import { invalidType, invalidValue, unknownOption } from '../../faults/arguments';
import { isArray, isRecord } from '../../options/read';
import { parseRange } from './ranges';

/** What a guest is expected to contain. What is not named may be as it is. */
export interface Expectations {
  /** The operating system itself. */
  readonly system?: ExpectedSystem | undefined;
  /** Files by their paths; `'absent'`: there is none, `'present'`: there is something. */
  readonly files?: Readonly<Record<string, ExpectedFile | 'present' | 'absent'>> | undefined;
  /**
   * Packages by their names: `'absent'`, `'present'`, or a range of versions, as `'>= 3.0.11, < 4'`, in the order of the
   * package manager. A version without a release (`-1`) or epoch (`1:`) stands for all of them.
   */
  readonly packages?: Readonly<Record<string, string>> | undefined;
  /** Users by their names. */
  readonly users?: Readonly<Record<string, ExpectedUser | 'present' | 'absent'>> | undefined;
  /** Groups by their names. */
  readonly groups?: Readonly<Record<string, ExpectedGroup | 'present' | 'absent'>> | undefined;
  /** Units of systemd by their names: `'ssh.service'`. A unit that is not there counts as disabled. */
  readonly units?:
    | Readonly<Record<string, 'enabled' | 'disabled' | 'masked' | 'present' | 'absent'>>
    | undefined;
}

/** An operating system as it is expected. */
export interface ExpectedSystem {
  /** Distribution, as `inspect()` tells it: `'debian'`. */
  readonly distro?: string | undefined;
  /** Version: `'12'` stands for 12.5, too. */
  readonly version?: string | undefined;
  /** Architecture: `'x86_64'`. */
  readonly arch?: string | undefined;
  /** Host name. */
  readonly hostname?: string | undefined;
}

/** A file as it is expected. Links are not followed for `type: 'symlink'` and `target`, else they are. */
export interface ExpectedFile {
  /** Type of the file. */
  readonly type?: 'file' | 'directory' | 'symlink' | undefined;
  /** Permissions, four octal digits: `'0644'`. */
  readonly mode?: string | undefined;
  /** Owner, by name or number. */
  readonly owner?: string | number | undefined;
  /** Group, by name or number. */
  readonly group?: string | number | undefined;
  /** Size, bytes. */
  readonly size?: number | undefined;
  /** Target of a symbolic link, as it stands there. */
  readonly target?: string | undefined;
  /** SHA-256 of the content, hexadecimal. */
  readonly sha256?: string | undefined;
  /** Regular expressions of JavaScript that match somewhere in the content; `^` and `$` stand for lines. */
  readonly matches?: string | readonly string[] | undefined;
  /** Regular expressions that match nowhere in the content. */
  readonly lacks?: string | readonly string[] | undefined;
}

/** A user as it is expected. */
export interface ExpectedUser {
  /** User id. */
  readonly uid?: number | undefined;
  /** Primary group, by name or number. */
  readonly group?: string | number | undefined;
  /** Names of further groups in which the user is. */
  readonly groups?: readonly string[] | undefined;
  /** Home folder. */
  readonly home?: string | undefined;
  /** Shell. */
  readonly shell?: string | undefined;
  /** Whether a password is set, empty, or none opens the account. */
  readonly password?: 'locked' | 'set' | 'empty' | undefined;
}

/** A group as it is expected. */
export interface ExpectedGroup {
  /** Group id. */
  readonly gid?: number | undefined;
  /** Names of users that are in it. */
  readonly members?: readonly string[] | undefined;
}

const operation = 'check';

/** Refuses a value, or takes it. */
type Check = (name: string, value: unknown) => void;

const text: Check = (name, value) => {
  if (typeof value !== 'string') throw invalidType(operation, name, 'string', value);
};

const count: Check = (name, value) => {
  if (!Number.isSafeInteger(value) || (value as number) < 0)
    throw invalidType(operation, name, 'a whole number', value);
};

const textOrCount: Check = (name, value) => (typeof value === 'string' ? undefined : count(name, value));

const oneOf =
  (...words: readonly string[]): Check =>
  (name, value) => {
    text(name, value);
    if (!words.includes(value as string))
      throw invalidValue(operation, name, `must be one of ${words.join(', ')}`, value);
  };

const pattern =
  (expression: RegExp, what: string): Check =>
  (name, value) => {
    text(name, value);
    if (!expression.test(value as string)) throw invalidValue(operation, name, `must be ${what}`, value);
  };

const list =
  (each: Check): Check =>
  (name, value) => {
    if (!isArray(value)) throw invalidType(operation, name, 'Array', value);
    for (const [index, item] of [...value].entries()) each(`${name}[${index}]`, item);
  };

const expression: Check = (name, value) => {
  text(name, value);
  try {
    new RegExp(value as string, 'm');
  } catch (cause) {
    throw invalidValue(operation, name, 'must be a regular expression', cause);
  }
};

const expressions: Check = (name, value) =>
  typeof value === 'string' ? expression(name, value) : list(expression)(name, value);

const range: Check = (name, value) => {
  text(name, value);
  if (value !== 'absent' && value !== 'present' && !parseRange(value as string))
    throw invalidValue(
      operation,
      name,
      "must be 'present', 'absent', or versions as '>= 3.0.11, < 4'",
      value,
    );
};

const fields =
  (known: Readonly<Record<string, Check>>): Check =>
  (name, value) => {
    if (!isRecord(value)) throw invalidType(operation, name, 'object', value);
    for (const [key, each] of Object.entries(value)) {
      const checkOne = Object.hasOwn(known, key) ? known[key] : undefined;
      if (!checkOne)
        throw unknownOption(
          operation,
          `${name}.${key}`,
          Object.keys(known).map((one) => `${name}.${one}`),
        );
      if (each !== undefined) checkOne(`${name}.${key}`, each);
    }
  };

const presence = oneOf('present', 'absent');

const present =
  (known: Check): Check =>
  (name, value) =>
    (typeof value === 'string' ? presence : known)(name, value);

const named =
  (key: Check, each: Check): Check =>
  (name, value) => {
    if (!isRecord(value)) throw invalidType(operation, name, 'object', value);
    for (const [one, what] of Object.entries(value)) {
      key(`${name}: ${one}`, one);
      each(`${name}: ${one}`, what);
    }
  };

const checkAll = fields({
  system: fields({ distro: text, version: textOrCount, arch: text, hostname: text }),
  files: named(
    pattern(/^\/[^\0]*$/, 'an absolute path'),
    present(
      fields({
        ...{
          type: oneOf('file', 'directory', 'symlink'),
          mode: pattern(/^0?[0-7]{3,4}$/, 'octal digits, as 0644'),
        },
        ...{ owner: textOrCount, group: textOrCount, size: count, target: text },
        ...{ sha256: pattern(/^[\da-f]{64}$/i, 'a SHA-256'), matches: expressions, lacks: expressions },
      }),
    ),
  ),
  packages: named(text, range),
  users: named(
    text,
    present(
      fields({
        ...{ uid: count, group: textOrCount, groups: list(text), home: text, shell: text },
        password: oneOf('locked', 'set', 'empty'),
      }),
    ),
  ),
  groups: named(text, present(fields({ gid: count, members: list(text) }))),
  units: named(
    pattern(/^[^/\0]+\.[a-z]+$/, 'the name of a unit, as ssh.service'),
    oneOf('enabled', 'disabled', 'masked', 'present', 'absent'),
  ),
});

/** A copy of what is expected, of which every part is what it should be. */
export function checkExpectations(expected: unknown): Expectations {
  checkAll('options.expect', expected);
  return structuredClone(expected) as Expectations;
}
