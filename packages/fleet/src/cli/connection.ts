// Where the server is, as the command is told: what lets one in comes from the environment and from files, for arguments are
// seen by all users of the machine.
import { readFileSync } from 'node:fs';
import { type Arguments, type Option, UsageError } from 'guestfs/internal';
import type { FleetConnectionOptions } from '../connection';

export const connectionOptions: readonly Option[] = [
  {
    name: 'redis',
    value: 'URL',
    about: 'Redis, redis://HOST:PORT, or rediss:// for TLS; default: $GUESTFS_FLEET_REDIS',
  },
  {
    name: 'postgres',
    value: 'URL',
    about: 'PostgreSQL, postgres://HOST/DATABASE; default: $GUESTFS_FLEET_POSTGRES',
  },
  {
    name: 'server-file',
    value: 'FILE',
    file: true,
    about:
      'File whose first line is the URL of the server, with its password: others see arguments, but not the file',
  },
  { name: 'fleet', value: 'NAME', about: 'Name of the fleet, where the server has several; default guestfs' },
];

export function connectionOf(args: Arguments, env: NodeJS.ProcessEnv = process.env): FleetConnectionOptions {
  const name = args.value('fleet');
  const [redis, postgres, file] = ['redis', 'postgres', 'server-file'].map((option) => args.value(option));
  if ([redis, postgres, file].filter((each) => each !== undefined).length > 1)
    throw args.wrong('--redis, --postgres and --server-file exclude each other');
  for (const url of [redis, postgres])
    if (url !== undefined && letsIn(url))
      throw args.wrong(
        'others can see the arguments of a running program: give a URL with a password by --server-file or the environment',
      );
  if (redis !== undefined) return { ...ofUrl(redis, ['redis']), name };
  if (postgres !== undefined) return { ...ofUrl(postgres, ['postgres']), name };
  if (file !== undefined) return { ...ofUrl(readUrl(file)), name };
  const { GUESTFS_FLEET_REDIS: ofRedis, GUESTFS_FLEET_POSTGRES: ofPostgres } = env;
  if (ofRedis) return { ...ofUrl(ofRedis, ['redis']), name };
  if (ofPostgres) return { ...ofUrl(ofPostgres, ['postgres']), name };
  throw args.wrong('a server is missing: --redis, --postgres or --server-file');
}

/** Whether a URL has what lets one in; also one that cannot be read may have. */
function letsIn(url: string): boolean {
  if (!URL.canParse(url)) return /@|pass|secret|token/i.test(url);
  const { password, searchParams } = new URL(url);
  return password !== '' || [...searchParams.keys()].some((key) => /pass|secret|token/i.test(key));
}

type Kind = 'redis' | 'postgres';

/** What is wrong is told without the URL: it may have a password. */
function ofUrl(url: string, kinds: readonly Kind[] = ['redis', 'postgres']): FleetConnectionOptions {
  if (kinds.includes('redis') && /^rediss?:\/\/./.test(url) && URL.canParse(url)) return { redis: url };
  if (kinds.includes('postgres') && /^postgres(?:ql)?:\/\/./.test(url)) return { postgres: url };
  const schemes = kinds.map((kind) => (kind === 'redis' ? 'redis:// or rediss://' : 'postgres://'));
  throw new UsageError(`the URL of the server must be one of ${schemes.join(', or ')}`);
}

function readUrl(file: string): string {
  try {
    return readFileSync(file, 'utf8').split('\n')[0]?.trim() ?? '';
  } catch (error) {
    throw new UsageError(`the file of the server cannot be read: ${(error as Error).message}`);
  }
}
