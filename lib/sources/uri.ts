// What names an image: a path, a URI as libguestfs's own tools take it, or qemu's JSON.
import { isText } from '../text/bytes';

/** Protocols by which libguestfs reaches an image on a server. */
export type Protocol = 'nbd' | 'ssh' | 'http' | 'https' | 'ftp' | 'ftps' | 'rbd' | 'iscsi';

export type Location =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'json'; readonly json: string }
  | RemoteLocation;

/** An image on a server. */
export interface RemoteLocation {
  readonly kind: 'remote';
  readonly protocol: Protocol;
  /** Servers as libguestfs takes them: `host`, `host:port`, `unix:/socket`; several or none for rbd only. */
  readonly server: readonly string[];
  /** Name of the image on the server, as libguestfs takes it. */
  readonly name: string;
  readonly username?: string | undefined;
  /** Password; it is shown nowhere. */
  readonly secret?: string | undefined;
  /** Query of the URI, which libguestfs does not take; it may be what lets one in, and is shown nowhere. */
  readonly query?: string | undefined;
  /** The URI as it may be shown. */
  readonly shown: string;
}

/** A name that looks like a URI and is none; its message says why, and the hint what to do. */
export class BadUri extends Error {
  readonly hint: string;

  constructor(problem: string, hint: string) {
    super(problem);
    this.hint = hint;
  }
}

const known = 'file, nbd, nbd+unix, ssh, http, https, ftp, ftps, rbd, iscsi';

/** Finds out what a name means. Of what is no URI it is a path; `./` before it makes a path of anything. @throws BadUri */
export function locationOf(text: string): Location {
  if (/^json:\s*\{/i.test(text)) return { kind: 'json', json: text.slice('json:'.length) };
  const legacy = legacyOf(text);
  if (legacy) return legacy;
  const scheme = /^([a-z][a-z\d+.-]+):\/\//i.exec(text)?.[1] ?? /^(file):\//i.exec(text)?.[1];
  return scheme === undefined ? { kind: 'file', path: text } : ofUri(scheme.toLowerCase(), text);
}

/** The names that qemu itself had for them before there were URIs. */
function legacyOf(text: string): RemoteLocation | undefined {
  const shown = text;
  const [, socket, exported = ''] = /^nbd:unix:(\/[^:]*)(?::exportname=(.*))?$/.exec(text) ?? [];
  if (socket !== undefined)
    return { kind: 'remote', protocol: 'nbd', server: [`unix:${socket}`], name: exported, shown };
  const [, server, name = ''] = /^nbd:([\w.-]+:\d+)(?::exportname=(.*))?$/.exec(text) ?? [];
  if (server !== undefined) return { kind: 'remote', protocol: 'nbd', server: [server], name, shown };
  const [, image] = /^rbd:([^:@/]+\/[^:@]+)$/.exec(text) ?? [];
  if (image !== undefined) return { kind: 'remote', protocol: 'rbd', server: [], name: image, shown };
  return undefined;
}

function ofUri(scheme: string, text: string): Location {
  const wrong = (why: string, hint: string) => new BadUri(`${shownOf(text)} ${why}`, hint);
  if (!isText(text)) throw wrong('is no UTF-8', 'write other bytes as %XX');
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw wrong('is no URI that can be read', 'write what has a meaning in URIs, such as @, as %XX (%40)');
  }
  const decoded = (part: string) => {
    try {
      const plain = decodeURIComponent(part);
      if (!plain.includes('\0')) return plain;
    } catch {
      // told below
    }
    throw wrong('has a % before something that it cannot stand for', 'write % itself as %25');
  };
  if (scheme === 'file') {
    if (url.hostname !== '' && url.hostname !== 'localhost')
      throw wrong('names a file of another machine', 'an absolute path has three slashes: file:///PATH');
    if (url.pathname === '' || url.pathname === '/')
      throw wrong('names no file', 'an absolute path has three slashes: file:///PATH');
    return { kind: 'file', path: decoded(url.pathname) };
  }
  const protocol = protocols.get(scheme);
  if (!protocol) {
    const hint = /^nbds(?:\+|$)/.test(scheme)
      ? encrypted
      : `URIs are those of ${known}; a file of that name is ./${text}`;
    throw wrong(`is a URI of a kind that is not known (${scheme})`, hint);
  }
  const isUnix = scheme === 'nbd+unix';
  const server = isUnix ? socketOf(url, wrong) : serverOf(url, protocol, wrong, decoded);
  const path = decoded(url.pathname);
  const name = nameless.has(protocol) ? path.replace(/^\//, '') : path;
  if (protocol !== 'nbd' && (name === '' || name === '/'))
    throw wrong('names no image on the server', 'its path comes behind the server');
  const query = isUnix ? '' : url.search.slice(1);
  return {
    ...{ kind: 'remote', protocol, server, name, shown: shownOf(text) },
    ...(url.username !== '' && { username: decoded(url.username) }),
    ...(url.password !== '' && { secret: decoded(url.password) }),
    ...(query !== '' && { query }),
  };
}

const encrypted =
  'libguestfs has no NBD with TLS: reach the server through ssh (-L), or let nbdkit or qemu-nbd of this machine hand it on';

const protocols: ReadonlyMap<string, Protocol> = new Map([
  ...(['nbd', 'ssh', 'http', 'https', 'ftp', 'ftps', 'rbd', 'iscsi'] as const).map(
    (each) => [each, each] as const,
  ),
  ['nbd+unix', 'nbd'] as const,
  ['nbd+tcp', 'nbd'] as const,
]);

/** Protocols of which the names of images do not begin with a slash. */
const nameless: ReadonlySet<Protocol> = new Set(['nbd', 'rbd', 'iscsi']);

type Wrong = (why: string, hint: string) => BadUri;

function socketOf(url: URL, wrong: Wrong): string[] {
  const socket = url.searchParams.get('socket') ?? '';
  if (socket.startsWith('/') && !socket.includes('\0')) return [`unix:${socket}`];
  throw wrong('names no socket', 'it is nbd+unix:///EXPORT?socket=/PATH');
}

function serverOf(url: URL, protocol: Protocol, wrong: Wrong, decoded: (part: string) => string): string[] {
  const host = decoded(url.hostname);
  if (host === '') {
    if (protocol === 'rbd') return [];
    throw wrong('names no server', `it is ${protocol}://SERVER/…`);
  }
  if (!/^(?:\[[\da-f:.]+\]|[\w.-]+)$/i.test(host))
    throw wrong('names no server that there can be', 'correct it');
  // Monitors of Ceph: libguestfs wants the port.
  const port = url.port || (protocol === 'rbd' ? '6789' : '');
  return [port === '' ? host : `${host}:${port}`];
}

/** A name of an image as it may be shown: URIs and descriptions without what lets one in. */
export function shownName(text: string): string {
  if (/^json:\s*\{/i.test(text)) return withoutCredentials(text);
  return /^[a-z][a-z\d+.-]+:\/\//i.test(text) ? shownOf(text) : text;
}

function withoutCredentials(text: string): string {
  try {
    const shown = JSON.stringify(JSON.parse(text.slice('json:'.length)), (key, value: unknown) => {
      if (/password|secret|cookie|key/i.test(key)) return '…';
      return typeof value === 'string' ? shownName(value) : value;
    });
    return `json:${shown}`;
  } catch {
    return 'json:{…}';
  }
}

/** A URI without what lets one in. */
function shownOf(text: string): string {
  const [, scheme = '', rest = ''] = /^([^:]*:\/\/?)([\s\S]*)$/.exec(text) ?? [];
  const end = rest.search(/[/?#]/);
  const [authority, path] = end < 0 ? [rest, ''] : [rest.slice(0, end), rest.slice(end)];
  const at = authority.lastIndexOf('@');
  const user = authority.slice(0, Math.max(at, 0)).split(':')[0];
  const who = user ? `${user}@` : '';
  // What follows ? may be a signature; of a socket it is the place.
  const place = /^nbd\+unix:/i.test(scheme) ? path : path.replace(/[?#][\s\S]*$/, '');
  return `${scheme}${who}${authority.slice(at + 1)}${place}`;
}

/**
 * What qemu calls an image on a server.
 *
 * @param hidden include what lets one in: for files that nobody else can read, and no command line
 */
export function qemuName(remote: RemoteLocation, hidden = false): string {
  const { protocol, server, name, username, secret, query } = remote;
  const [first = ''] = server;
  const encoded = (text: string) => encodeURIComponent(text);
  const path = name.replace(/^\//, '').split('/').map(encoded).join('/');
  const credentials = hidden && secret !== undefined ? secret : undefined;
  if (protocol === 'rbd') {
    const escaped = (text: string) => text.replace(/[\\:@=;]/g, '\\$&');
    const options = [
      ...(server.length > 0 ? [`mon_host=${server.map(escaped).join('\\;')}`] : []),
      ...(username === undefined ? [] : [`id=${escaped(username)}`]),
      ...(credentials === undefined ? [] : [`key=${escaped(credentials)}`]),
    ];
    return [`rbd:${name.split('/').map(escaped).join('/')}`, ...options].join(':');
  }
  if (protocol === 'nbd') {
    if (!first.startsWith('unix:')) return `nbd://${first}/${path}`;
    return `nbd+unix:///${path}?socket=${encoded(first.slice('unix:'.length))}`;
  }
  const separator = protocol === 'iscsi' ? '%' : ':';
  const password = credentials === undefined ? '' : `${separator}${encoded(credentials)}`;
  const who = username === undefined ? '' : `${encoded(username)}${password}@`;
  return `${protocol}://${who}${first}/${path}${hidden && query !== undefined ? `?${query}` : ''}`;
}

/** Whether libguestfs can be told all of it in its own words, and nobody sees what is to be hidden. */
export function isPlain({ protocol, server, name, secret, query }: RemoteLocation): boolean {
  if (secret !== undefined || query !== undefined) return false;
  if (server.some((each) => each.startsWith('['))) return false;
  // libguestfs puts colons between the parts.
  return (
    protocol !== 'nbd' ||
    ![name, ...server.map((each) => each.replace(/^unix:|:\d+$/, ''))].join().includes(':')
  );
}
