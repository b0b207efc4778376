/** Rules of `check()`: what they find, what they do not, and what comes of what cannot be found out. */
import { describe, expect, test } from '@jest/globals';
import {
  checkRules,
  type Guestfs,
  GuestfsError,
  type InspectionReport,
  type Rule,
  type TreeRule,
} from '../../lib';
import { crc32 } from '../../lib/check/crc32';
import { checkExpectations } from '../../lib/check/expect/expectations';
import { isInRange, parseRange } from '../../lib/check/expect/ranges';
import { unexpectedUnits } from '../../lib/check/expect/units';
import { checkCheckOptions } from '../../lib/check/options';
import { type GuestRule, isTreeRule } from '../../lib/check/rule';
import { fstabEntries } from '../../lib/check/rules/fstab';
import { gptBackup } from '../../lib/check/rules/gpt';
import { partitionAlignment } from '../../lib/check/rules/partitions';
import { passwordKind } from '../../lib/check/rules/passwords';
import { Evaluation } from '../../lib/check/run';
import { versionParts } from '../../lib/packages/package';
import { type FakeNode, FakeOther, link } from '../support/fake-guest';
import { debian, treeOf } from '../support/trees';

const ruleOf = (id: string) => checkRules().find((each) => each.id === id) as Rule;

/** What a rule finds in a tree. */
async function findings(rule: Rule, files: Readonly<Record<string, FakeNode>>, system = debian) {
  const evaluation = new Evaluation({ ...checkCheckOptions({}), rules: [rule] }, undefined);
  await evaluation.tree(treeOf(files, system));
  const report = evaluation.report(['disk.img'], []);
  expect(report.problems).toEqual([]);
  return report.findings;
}

const paths = async (id: string, files: Readonly<Record<string, FakeNode>>) =>
  (await findings(ruleOf(id), files)).map(({ path }) => path);

const pem = '-----BEGIN RSA PRIVATE KEY-----\nMII\n';

/** Files that hold secrets, and the same without. */
const secrets: readonly (readonly [rule: string, path: string, secret: string, none: string])[] = [
  ['private-keys', '/home/a/.ssh/id_rsa', pem, 'ssh-rsa AAAA a@b\n'],
  ['private-keys', '/home/a/.ssh/work', '-----BEGIN ENCRYPTED PRIVATE KEY-----\n', 'Host x\n'],
  ['private-keys', '/root/putty.ppk', 'PuTTY-User-Key-File-3: ssh-ed25519\n', '\n'],
  ['private-keys', '/etc/pki/tls/private/x.key', pem, '-----BEGIN CERTIFICATE-----\n'],
  ['private-keys', '/etc/openvpn/client.ovpn', `client\n<key>\n${pem}`, 'client\n'],
  [
    'private-keys',
    '/etc/wireguard/wg0.conf',
    '[Interface]\nPrivateKey = x=\n',
    '[Interface]\n# PrivateKey = x\nPrivateKey =\n',
  ],
  ['private-keys', '/root/.config/sops/age/keys.txt', 'AGE-SECRET-KEY-1ABC\n', '# public key\n'],
  [
    'cloud-credentials',
    '/root/.aws/credentials',
    '[a]\naws_secret_access_key=x\n',
    '[a]\nregion=b\n#aws_secret_access_key=x\n',
  ],
  [
    'cloud-credentials',
    '/home/a/sa-credentials.json',
    '{"private_key": "x", "type": "service_account"}',
    '{"type": "service_account"}',
  ],
  ['cloud-credentials', '/home/a/.azure/msal_token_cache.json', '{"AccessToken": {}}', '{}'],
  ['cloud-credentials', '/home/a/.kube/config', 'users:\n- user: \n    client-key-data: x\n', 'users: []\n'],
  ['cloud-credentials', '/home/a/.config/doctl/config.yaml', 'access-token: x\n', 'access-token: ""\n'],
  ['cloud-credentials', '/srv/terraform.tfstate', '{"resources": [{}]}', '{"resources": []}'],
  ['cloud-credentials', '/root/.s3cfg', 'secret_key = x\n', 'secret_key =\nuse_https = True\n'],
  ['cloud-credentials', '/root/.vault-token', 'hvs.x', '\n'],
  ['registry-tokens', '/root/.npmrc', '//r/:_authToken=npm_x\n', `//r/:_authToken=$\{T}\n;_auth=x\n`],
  ['registry-tokens', '/root/.pypirc', '[pypi]\npassword = x\n', '[pypi]\nusername = x\n'],
  ['registry-tokens', '/etc/pip.conf', 'index-url = https://a:b@c/\n', 'index-url = https://c/a:b\n'],
  ['registry-tokens', '/root/.docker/config.json', '{"auths":{"r":{"auth":"eA=="}}}', '{"auths":{"r":{}}}'],
  ['registry-tokens', '/run/containers/auth.json', '{"auths":{"r":{"auth":"eA=="}}}', '{}'],
  ['registry-tokens', '/root/.cargo/credentials.toml', '[registry]\ntoken = "x"\n', '[registry]\n'],
  ['registry-tokens', '/root/.gem/credentials', '---\n:rubygems_api_key: rubygems_x\n', '---\n'],
  [
    'registry-tokens',
    '/root/.bundle/config',
    '---\nBUNDLE_GEMS__EXAMPLE__ORG: "a:b"\n',
    '---\nBUNDLE_PATH: "vendor"\n',
  ],
  [
    'registry-tokens',
    '/root/.config/composer/auth.json',
    '{"github-oauth":{"github.com":"ghp_0123456789"}}',
    '{}',
  ],
  [
    'registry-tokens',
    '/root/.m2/settings.xml',
    '<!-- <password>no</password> -->\n<password>x</password>',
    `<!-- <password>x</password> --><password>$\{env.P}</password>`,
  ],
  [
    'registry-tokens',
    '/root/.gradle/gradle.properties',
    'signing.password=x\n',
    '#password=x\norg.gradle.daemon=true\n',
  ],
  [
    'registry-tokens',
    '/etc/apt/auth.conf.d/x.conf',
    'machine m login a password b\n',
    '# machine m login a password b\n',
  ],
  ['registry-tokens', '/etc/yum.repos.d/x.repo', '[x]\npassword=y\n', '[x]\ngpgcheck=1\npassword=\nname=z\n'],
  ['repository-tokens', '/root/.git-credentials', 'https://a:b@c\n', '\n'],
  [
    'repository-tokens',
    '/srv/app/.git/config',
    '[remote "o"]\n url = https://x:tok@g/r\n',
    '[remote "o"]\n url = https://g/r\n',
  ],
  [
    'repository-tokens',
    '/root/.config/gh/hosts.yml',
    'github.com:\n    oauth_token: gho_x\n',
    'github.com:\n    user: x\n',
  ],
  ['repository-tokens', '/root/.netrc', 'machine a\nlogin b\npassword c\n', 'machine a\n'],
  ['repository-tokens', '/root/.pgpass', 'h:5432:*:u:p\n', '# h:5432:*:u:p\n'],
  ['repository-tokens', '/root/.my.cnf', '[client]\npassword=x\n', '[client]\nuser=x\n'],
  [
    'repository-tokens',
    '/etc/NetworkManager/system-connections/w',
    '[wifi-security]\npsk=x\n',
    '[wifi]\nssid=x\n',
  ],
  [
    'repository-tokens',
    '/etc/wpa_supplicant/wpa_supplicant.conf',
    'network={\n psk="x"\n}\n',
    'network={\n}\n',
  ],
  ['repository-tokens', '/etc/gitlab-runner/config.toml', 'token = "x"\n', 'token = ""\n'],
];

describe('secrets in well-known places', () => {
  test.each(secrets)('%s: %s', async (rule, path, secret, none) => {
    expect(await paths(rule, { [path]: secret })).toEqual([path]);
    expect(await paths(rule, { [path]: none })).toEqual([]);
  });

  test('are not told themselves, and who may read them is', async () => {
    const [found] = await findings(ruleOf('registry-tokens'), {
      '/root/.npmrc': '\n//r/:_authToken=npm_secret\n',
    });
    expect(found).toMatchObject({ line: 2, seen: 'a token of npm, which every user may read' });
    expect(JSON.stringify(found)).not.toContain('npm_secret');
    const own = new FakeOther({ mode: 0o100600, content: '_auth=x\n' });
    expect((await findings(ruleOf('registry-tokens'), { '/root/.npmrc': own }))[0]?.seen).toBe(
      'a token of npm',
    );
  });

  test('are those of users, and not what packages bring', async () => {
    const files = ['/usr/share/doc/x/.npmrc', '/usr/lib/python3/test/key.pem', '/nix/store/x/.npmrc'];
    for (const rule of ['registry-tokens', 'private-keys'])
      expect(await paths(rule, Object.fromEntries(files.map((path) => [path, `_auth=x\n${pem}`])))).toEqual(
        [],
      );
  });

  /** What an expression that is written without care takes forever for. */
  const pieces = [
    ...[
      '\n',
      ' ',
      '"',
      'password',
      'password ',
      'password=\n',
      'token',
      '"a":{',
      '"a":"',
      '-----BEGIN ',
      '-----BEGIN A ',
      '<!--',
    ],
    ...[
      'BUNDLE_',
      '_',
      'http://a:',
      'a:',
      ':',
      '::',
      '=',
      'extraheader = authorization: ',
      'authorization:x',
      '"resources":[',
      'a.',
    ],
    ...['"type":"service_account"', '<password>${', 'machine ', 'secret', '\t#', '- '],
  ];

  test('are looked for in no more time than the text is long', async () => {
    const started = process.cpuUsage();
    for (const [rule, path] of secrets)
      for (const piece of pieces)
        await findings(ruleOf(rule), { [path]: piece.repeat(2 ** 17 / piece.length) });
    expect(process.cpuUsage(started).user / 1000).toBeLessThan(20_000);
  }, 60_000);
});

describe('passwords', () => {
  test.each([
    ['', 'empty', undefined],
    ['*', 'locked', undefined],
    ['!', 'locked', undefined],
    ['!!', 'locked', undefined],
    ['*LK*', 'locked', undefined],
    ['!$6$salt$hash', 'locked', undefined],
    ['x', 'locked', undefined],
    ['$1$salt$hash', 'weak', 'MD5'],
    ['$md5$salt$$hash', 'weak', 'Sun MD5'],
    ['abJnggxhB/yWI', 'weak', 'DES'],
    ['_J9..CCCCXBrJUJV154M', 'weak', 'BSDi DES'],
    ['$sha1$40000$x$y', 'weak', 'SHA-1'],
    ['$3$$8846f7eaee8fb117ad06bdd830b7586c', 'weak', 'NT'],
    ['$5$salt$hash', 'usable', 'SHA-256'],
    ['$6$rounds=5000$salt$hash', 'usable', 'SHA-512'],
    ['$y$j9T$salt$hash', 'usable', 'yescrypt'],
    ['$2b$12$hash', 'usable', 'bcrypt'],
  ])('%j is %s', (field, kind, method) => {
    expect(passwordKind(field)).toEqual(method === undefined ? { kind } : { kind, method });
  });

  test('are in shadow, in master.passwd and in passwd itself', async () => {
    expect(await paths('empty-passwords', { '/etc/shadow': '#x::\n+::\nroot:*:\na::1\n' })).toEqual([
      '/etc/shadow',
    ]);
    expect(await paths('empty-passwords', { '/etc/master.passwd': 'toor::0:0::0:0::/root:\n' })).toEqual([
      '/etc/master.passwd',
    ]);
    expect(await paths('empty-passwords', { '/etc/passwd': 'a::1:1::/:\nb:x:2:2::/:\n' })).toEqual([
      '/etc/passwd',
    ]);
    expect(await paths('weak-password-hashes', { '/etc/passwd': 'a:abJnggxhB/yWI:1:1::/:\n' })).toEqual([
      '/etc/passwd',
    ]);
  });
});

describe('what makes machines the same', () => {
  const id = '0123456789abcdef0123456789abcdef\n';

  test('is a machine id that is set, told once', async () => {
    expect(await paths('machine-id', { '/etc/machine-id': id, '/var/lib/dbus/machine-id': id })).toEqual([
      '/etc/machine-id',
    ]);
    expect(await paths('machine-id', { '/etc/machine-id': '', '/var/lib/dbus/machine-id': id })).toEqual([
      '/var/lib/dbus/machine-id',
    ]);
    for (const none of ['', 'uninitialized\n'])
      expect(await paths('machine-id', { '/etc/machine-id': none })).toEqual([]);
  });

  test('are host keys, where sshd_config has them too, and their public halves are none', async () => {
    const files = {
      '/etc/ssh/ssh_host_rsa_key': pem,
      '/etc/ssh/ssh_host_rsa_key.pub': 'ssh-rsa',
      '/etc/ssh/ssh_host_dsa_key': '',
    };
    expect(await paths('ssh-host-keys', files)).toEqual(['/etc/ssh/ssh_host_rsa_key']);
    const configured = { '/etc/ssh/sshd_config.d/a.conf': ' hostkey "/opt/key one"\n', '/opt/key one': pem };
    expect(await paths('ssh-host-keys', configured)).toEqual(['/opt/key one']);
  });

  test.each([
    ['random-seeds', '/var/lib/systemd/random-seed'],
    ['random-seeds', '/boot/efi/loader/random-seed'],
    ['random-seeds', '/var/db/entropy-file'],
    ['dhcp-leases', '/var/lib/dhcp/dhclient.leases'],
    ['dhcp-leases', '/var/lib/dhclient/dhclient--eth0.lease'],
    ['dhcp-leases', '/var/lib/NetworkManager/internal-1-eth0.lease'],
    ['dhcp-leases', '/var/db/dhclient.leases.em0'],
    ['shell-histories', '/home/a/.zsh_history'],
    ['shell-histories', '/root/.python_history'],
    ['shell-histories', '/root/.viminfo'],
  ])('%s: %s, unless it is empty', async (rule, path) => {
    expect(await paths(rule, { [path]: 'x' })).toEqual([path]);
    expect(await paths(rule, { [path]: '' })).toEqual([]);
  });

  test.each([
    ['logs', '/var/log/nginx/access.log', '/var/log'],
    ['logs', '/var/crash/x', '/var/crash'],
    ['cloud-init-state', '/var/lib/cloud/data/instance-id', '/var/lib/cloud/data'],
    ['cloud-init-state', '/var/lib/waagent/provisioned', '/var/lib/waagent'],
    ['package-caches', '/var/cache/dnf/x.rpm', '/var/cache/dnf'],
    ['package-caches', '/var/cache/pacman/pkg/x.zst', '/var/cache/pacman/pkg'],
    ['package-caches', '/root/.cache/pip/http/x', '/root/.cache/pip'],
  ])('%s: what is in folders is told once: %s', async (rule, path, folder) => {
    expect(await paths(rule, { [path]: 'x', [`${path}2`]: 'x' })).toEqual([folder]);
    expect(await paths(rule, { [path]: '' })).toEqual([]);
  });
});

test('permissions that everybody has are told of files of the system, and not where they belong', async () => {
  const with_ = (mode: number, content: FakeNode = 'x') => new FakeOther({ mode, content });
  const files = {
    ...{
      '/etc/cron.d/job': with_(0o100666),
      '/usr/lib/plugins': with_(0o40777, {}),
      '/usr/bin/x': with_(0o100755),
    },
    ...{
      '/tmp': with_(0o41777, {}),
      '/home/a/x': with_(0o100666),
      '/var/lib/docker/overlay2/x': with_(0o100666),
    },
    ...{ '/etc/link': link('x'), '/etc/socket': with_(0o140777), '/var/spool/x': with_(0o41777, {}) },
  };
  expect(await paths('world-writable', files)).toEqual(['/etc/cron.d/job', '/usr/lib/plugins']);
});

describe('setuid programs', () => {
  const program = (mode = 0o104755) => new FakeOther({ mode, content: 'elf' });

  test('of no package, and of one that is not known to be so', async () => {
    const files = {
      ...{
        '/usr/bin/sudo': program(),
        '/usr/bin/find': program(0o102755),
        '/opt/x': program(),
        '/usr/bin/ls': program(0o100755),
      },
      ...{ '/var/lib/dpkg/info/a.list': '/usr/bin/sudo\n/usr/bin/find\n/usr/bin/ls\n' },
    };
    const found = await findings(ruleOf('setuid-programs'), files);
    expect(found.map(({ path, severity }) => [path, severity])).toEqual([
      ['/opt/x', 'error'],
      ['/usr/bin/find', 'warning'],
    ]);
  });

  test('as dpkg was told that they are to be, and where', async () => {
    const files = {
      ...{ '/usr/lib/own-helper': program(0o104754), '/usr/bin/su': program(), '/usr/bin/x.real': program() },
      ...{
        '/var/lib/dpkg/info/a.list': '/usr/lib/own-helper\n/usr/bin/su\n/usr/bin/x\n',
        '/var/lib/dpkg/statoverride': 'root mail 4754 /usr/lib/own-helper\nroot root 0755 /usr/bin/su\n',
        '/var/lib/dpkg/diversions': '/usr/bin/x\n/usr/bin/x.real\n:\n',
      },
    };
    const found = await findings(ruleOf('setuid-programs'), files);
    expect(found.map(({ path, severity, seen }) => [path, severity, seen])).toEqual([
      ['/usr/bin/su', 'error', 'setuid, with the permissions 4755; a installs it with 0755'],
      ['/usr/bin/x.real', 'warning', expect.stringContaining('it belongs to a')],
    ]);
  });

  test('as the database of apk has them', async () => {
    const apk = { ...debian, packageFormat: 'apk' };
    const files = {
      ...{ '/bin/bbsuid': program(0o104111), '/bin/busybox': program(), '/lib/apk/db/installed': '' },
    };
    files['/lib/apk/db/installed'] =
      'P:busybox\nV:1-r0\nF:bin\nR:bbsuid\na:0:0:4111\nR:busybox\na:0:0:755\n' as never;
    const found = await findings(ruleOf('setuid-programs'), files, apk);
    expect(found.map(({ path, seen }) => [path, seen])).toEqual([
      ['/bin/busybox', 'setuid, with the permissions 4755; busybox installs it with 0755'],
    ]);
  });

  test('are a problem where it is not known what packages bring', async () => {
    const evaluation = new Evaluation(
      { ...checkCheckOptions({}), rules: [ruleOf('setuid-programs')] },
      undefined,
    );
    await evaluation.tree(treeOf({ '/opt/x': program() }));
    const { problems, rules, complete } = evaluation.report([], []);
    expect(problems).toMatchObject([{ rule: 'setuid-programs', code: 'ERR_GUESTFS_NO_PACKAGE_LIST' }]);
    expect([rules[0]?.outcome, complete]).toEqual(['failed', false]);
  });
});

test('packages whose installation was interrupted', async () => {
  const status = (state: string) => `Package: p\nStatus: ${state}\nVersion: 1\n`;
  for (const state of [
    'install ok unpacked',
    'install reinstreq installed',
    'install ok half-installed',
    'install ok triggers-pending',
  ])
    expect(await paths('package-states', { '/var/lib/dpkg/status': status(state) })).toHaveLength(1);
  for (const state of [
    'install ok installed',
    'hold ok installed',
    'deinstall ok config-files',
    'purge ok not-installed',
  ])
    expect(await paths('package-states', { '/var/lib/dpkg/status': status(state) })).toEqual([]);
  expect(await paths('package-states', { '/var/lib/dpkg/updates/0001': '' })).toHaveLength(1);
  expect(await paths('package-states', { '/lib/apk/db/installed': 'P:a\nf:fs\n\nP:b\n' })).toHaveLength(1);
  const pacman = {
    '/var/lib/pacman/db.lck': '',
    '/var/lib/pacman/local/a-1-1/files': '',
    '/var/lib/pacman/local/b-1-1/desc': '%NAME%\nb\n',
  };
  expect(await paths('package-states', pacman)).toHaveLength(2);
});

test('lines of fstab that lead nowhere, but for those that may', async () => {
  const line = (number: number, options: [string, string][] = []) => ({
    ...{ line: number, spec: 'LABEL=x\u001b[2J', path: '/x', type: 'ext4', options: new Map(options) },
  });
  const tree = {
    ...treeOf({}),
    unresolved: async () => ({
      left: [
        { why: 'unreadable' as const, line: 4 },
        { why: 'absent' as const, line: line(2) },
        { why: 'absent' as const, line: line(3, [['nofail', '']]) },
        { why: 'closed' as const, line: line(5), volume: '/dev/sda2' },
      ],
      lines: [{ line: { ...line(1), path: '/' }, device: '/dev/sda3' }],
    }),
  };
  expect(await fstabEntries.check(tree, [])).toEqual([
    { path: '/etc/fstab', line: 1, seen: 'LABEL=x, mounted at /, is /dev/sda3, and not the root /dev/sda1' },
    { path: '/etc/fstab', line: 2, seen: 'LABEL=x, mounted at /x, is on none of the disks' },
    { path: '/etc/fstab', line: 4, seen: 'a line that mount does not understand' },
  ]);
});

test('partitions that begin where blocks do not', async () => {
  const partition = (start: number, more: object = {}) => ({
    device: `/dev/sda${start}`,
    start,
    gptType: null,
    mbrId: 0x83,
    ...more,
  });
  const partitions = [
    ...[partition(2048 * 512), partition(63 * 512), partition(1000 * 512)],
    ...[
      partition(34 * 512, { gptType: '21686148-6449-6E6F-744E-656564454649' }),
      partition(65 * 512, { mbrId: 5 }),
    ],
  ];
  const report = { partitions } as unknown as InspectionReport;
  const found = await partitionAlignment.checkGuest({ g: {} as Guestfs, report, filesystems: [] });
  expect(found?.map(({ device, severity }) => [device, severity])).toEqual([
    [`/dev/sda${63 * 512}`, undefined],
    [`/dev/sda${1000 * 512}`, 'note'],
  ]);
  const none = { partitions: [] } as unknown as InspectionReport;
  expect(
    await partitionAlignment.checkGuest({ g: {} as Guestfs, report: none, filesystems: [] }),
  ).toBeUndefined();
});

describe('a GPT', () => {
  const blocks = 200;

  /** A disk with both copies. */
  function disk(block = 512): Buffer {
    const bytes = Buffer.alloc(blocks * block);
    bytes[446 + 4] = 0xee;
    bytes.writeUInt16LE(0xaa55, 510);
    const entries = Buffer.alloc(128 * 128, 7);
    const header = (own: number, other: number, entriesAt: number) => {
      const head = Buffer.alloc(92);
      head.write('EFI PART', 'latin1');
      head.writeUInt32LE(0x10000, 8);
      head.writeUInt32LE(92, 12);
      head.writeBigUInt64LE(BigInt(own), 24);
      head.writeBigUInt64LE(BigInt(other), 32);
      head.writeBigUInt64LE(BigInt(entriesAt), 72);
      head.writeUInt32LE(128, 80);
      head.writeUInt32LE(128, 84);
      head.writeUInt32LE(crc32(entries), 88);
      head.writeUInt32LE(crc32(head), 16);
      head.copy(bytes, own * block);
      entries.copy(bytes, entriesAt * block);
    };
    header(1, blocks - 1, 2);
    header(blocks - 1, 1, blocks - 40);
    return bytes;
  }

  async function faults(bytes: Buffer, block = 512) {
    const g = {
      blockdevGetss: async () => BigInt(block),
      blockdevGetsize64: async () => BigInt(bytes.length),
      preadDevice: async (_: string, count: number, offset: bigint | number) =>
        bytes.subarray(Number(offset), Number(offset) + count),
    } as unknown as Guestfs;
    const report = { images: [{ device: '/dev/sda' }] } as unknown as InspectionReport;
    const found = await gptBackup.checkGuest({ g, report, filesystems: [] });
    return found?.map(({ seen }) => seen.replace('/dev/sda: ', ''));
  }

  test('of which both copies are the same is as it should be, with sectors of any size', async () => {
    expect(await faults(disk())).toEqual([]);
    expect(await faults(disk(4096), 4096)).toEqual([]);
  });

  test('that is none is nothing', async () => {
    expect(await faults(Buffer.alloc(64 * 512))).toBeUndefined();
    expect(await faults(Buffer.alloc(512))).toBeUndefined();
  });

  test.each<[string, (bytes: Buffer) => Buffer | undefined, string]>([
    [
      'without its backup',
      (bytes) => bytes.fill(0, (blocks - 1) * 512),
      'the backup at its end is not there',
    ],
    [
      'of a disk that was made larger',
      (bytes) => Buffer.concat([bytes, Buffer.alloc(100 * 512)]),
      'the backup is not at its end: it stands in block 199, as if the disk ended there',
    ],
    [
      'of a disk that was cut',
      (bytes) => bytes.subarray(0, 100 * 512),
      'the backup is not at its end: it stands nowhere',
    ],
    ['without its beginning', (bytes) => bytes.fill(0, 512, 1024), 'the table at its beginning is not there'],
    [
      'of which a header is damaged',
      (bytes) => void bytes.writeUInt8(9, 512 + 60),
      'the header at its beginning is damaged: its checksum is wrong',
    ],
    [
      'of which a table is damaged',
      (bytes) => void bytes.writeUInt8(9, 2048),
      'the table at its beginning is damaged: its checksum is wrong',
    ],
    [
      'of which the other header is damaged',
      (bytes) => void bytes.writeUInt8(9, 199 * 512 + 60),
      'the header of the backup is damaged: its checksum is wrong',
    ],
    [
      'of which the other table is damaged',
      (bytes) => void bytes.writeUInt8(9, 161 * 512),
      'the table of the backup is damaged: its checksum is wrong',
    ],
    ['of which both are gone', (bytes) => bytes.fill(0, 512), 'neither of its tables is there'],
    [
      'with sizes that are none',
      (bytes) => void bytes.writeUInt32LE(0xffffffff, 512 + 12),
      'the header at its beginning is damaged: its checksum is wrong',
    ],
  ])('%s', async (_, damage, expected) => {
    const bytes = disk();
    expect(await faults(damage(bytes) ?? bytes)).toEqual([expected]);
  });
});

describe('an evaluation', () => {
  const rule = (own: Partial<TreeRule>): Rule => ({
    ...{ id: 'own', severity: 'warning', title: 'Own', advice: 'Do', help: 'Help', trees: ['linux'] },
    check: async () => [],
    ...own,
  });
  const run = async (rules: Rule[], options: object = {}, files: Readonly<Record<string, FakeNode>> = {}) => {
    const evaluation = new Evaluation({ ...checkCheckOptions({ rules, ...options }), rules }, undefined);
    await evaluation.tree(treeOf(files));
    return evaluation.report(['a.img'], []);
  };

  test('tells a rule that fails as a problem, and the others all the same', async () => {
    const failing = rule({
      id: 'failing',
      check: async () => Promise.reject(new GuestfsError('no', { code: 'EIO', operation: 'pread' })),
    });
    const bad = rule({
      id: 'bad',
      wants: () => {
        throw new TypeError('x');
      },
    });
    const good = rule({ id: 'good', check: async () => [{ seen: 'this' }] });
    const { rules, problems, findings, complete } = await run(
      [failing, bad, good, rule({ trees: ['windows'] })],
      {},
      { '/a': '' },
    );
    expect(rules.map(({ outcome }) => outcome)).toEqual(['failed', 'failed', 'found', 'skipped']);
    expect(problems.map(({ rule: id, code }) => [id, code])).toEqual(
      expect.arrayContaining([
        ['failing', 'EIO'],
        ['bad', 'ERR_GUESTFS_RULE'],
      ]),
    );
    expect(findings).toMatchObject([{ rule: 'good', seen: 'this', device: '/dev/sda1' }]);
    expect(complete).toBe(false);
  });

  test('passes no rule where something was not seen', async () => {
    const evaluation = new Evaluation({ ...checkCheckOptions({}), rules: [rule({})] }, undefined);
    await evaluation.tree(treeOf({}));
    const problem = { code: 'EIO', operation: 'mountRo', device: '/dev/sda2', message: 'no' };
    expect(evaluation.report([], [problem])).toMatchObject({
      complete: false,
      rules: [{ outcome: 'failed' }],
    });
  });

  test('tells no more findings than anybody reads, and how many there are', async () => {
    const { findings } = await run([
      rule({ check: async () => Array.from({ length: 1000 }, (_, index) => ({ seen: `${index}` })) }),
    ]);
    expect(findings).toHaveLength(201);
    expect(findings.at(-1)?.seen).toBe('800 more such findings are not told one by one');
  });

  test('leaves out what is ignored, and what matters too little', async () => {
    const own = rule({ check: async () => ['/a/x', '/ab', '/b/c/d'].map((path) => ({ path, seen: 'x' })) });
    const paths = async (options: object) => (await run([own], options)).findings.map(({ path }) => path);
    expect(await paths({ ignore: ['own'] })).toEqual([]);
    expect(await paths({ ignore: [{ rule: 'own', path: '/a' }] })).toEqual(['/ab', '/b/c/d']);
    expect(await paths({ ignore: [{ rule: 'own', path: '/*/c' }] })).toEqual(['/a/x', '/ab']);
    expect(await paths({ ignore: [{ rule: 'own', path: '/**d' }] })).toEqual(['/a/x', '/ab']);
    expect(await paths({ severity: 'error' })).toEqual([]);
    expect(await paths({ severity: 'error', severities: { own: 'error' } })).toHaveLength(3);
  });

  test('makes what a guest says harmless', async () => {
    const { findings } = await run([
      rule({ check: async () => [{ seen: `a\u001b[2J\u202e${'x'.repeat(5000)}` }] }),
    ]);
    expect(findings[0]?.seen).toMatch(/^ax{999}$/);
  });
});

test.each<[object, string]>([
  [{ ignore: ['ssh-hostkeys'] }, 'did you mean ssh-host-keys?'],
  [{ ignore: 'logs' }, 'must be of type Array'],
  [{ severity: 'high' }, 'must be one of error, warning, note'],
  [{ severities: { logs: 'high' } }, 'must be one of error, warning, note'],
  [{ rules: [{}] }, 'options.rules[0].id'],
  [
    { rules: [{ id: 'logs', severity: 'note', title: '', advice: '', help: '', checkGuest: () => [] }] },
    'two rules named logs',
  ],
  [{ rules: [{ id: 'x', severity: 'note', title: '', advice: '', help: '' }] }, 'options.rules[0].check'],
  [{ expect: { file: {} } }, 'did you mean "options.expect.files"?'],
  [{ expect: { files: { 'etc/x': 'present' } } }, 'must be an absolute path'],
  [{ expect: { files: { '/x': { mode: '888' } } } }, 'octal digits'],
  [{ expect: { files: { '/x': { matches: '(' } } } }, 'must be a regular expression'],
  [{ expect: { packages: ['openssl'] } }, '"options.expect.packages" argument must be of type object'],
  [{ expect: { system: ['debian'] } }, '"options.expect.system" argument must be of type object'],
  [{ expect: { packages: { a: '>>> 1' } } }, 'or versions as'],
  [{ expect: { units: { ssh: 'enabled' } } }, 'the name of a unit'],
  [{ expect: { users: { a: { password: 'x' } } } }, 'must be one of locked, set, empty'],
  [{ unknown: 1 }, 'unknown option'],
])('options %j are refused', (options, message) => {
  expect(() => checkCheckOptions(options as never)).toThrow(message);
});

test.each([
  ['deb', '3.0.11-1~deb12u2', '>= 3.0.11, < 4', true],
  ['deb', '3.0.11-1', '<= 3.0.11', true],
  ['deb', '3.0.11-1', '= 3.0.11-2', false],
  ['deb', '1:2.0-1', '>= 1.5, < 3', true],
  ['deb', '1:2.0-1', '>= 2:1.0', false],
  ['deb', '1.0~rc1-1', '>= 1.0', false],
  ['rpm', '1.10-1.el9', '> 1.9', true],
  ['rpm', '1.10-1.el9', '!= 1.10', false],
  ['apk', '1.36.1-r29', '1.36.1', true],
  ['deb', '7', '*', true],
])('%s: whether %s is in %s: %s', (format, version, range, expected) => {
  expect(isInRange(format, versionParts(version), parseRange(range) ?? [])).toBe(expected);
});

test('units are enabled by links, as systemd sees them', async () => {
  const tree = treeOf({
    '/etc/systemd/system/multi-user.target.wants/a.service': link('/lib/systemd/system/a.service'),
    '/lib/systemd/system/sockets.target.wants/v.socket': link('../v.socket'),
    '/lib/systemd/system/a.service': 'x',
    '/lib/systemd/system/b.service': 'x',
    '/lib/systemd/system/v.socket': 'x',
    '/etc/systemd/system/m.service': link('/dev/null'),
    '/etc/systemd/system/e.service': '',
    '/etc/systemd/system/gone.target.wants/gone.service': link('/lib/systemd/system/gone.service'),
  });
  const states = {
    'a.service': 'enabled',
    'b.service': 'disabled',
    'v.socket': 'enabled',
    'm.service': 'masked',
  } as const;
  const more = { 'e.service': 'masked', 'gone.service': 'absent', 'none.service': 'disabled' } as const;
  expect(await unexpectedUnits(tree, { ...states, ...more })).toEqual([]);
  const wrong = await unexpectedUnits(tree, {
    'b.service': 'enabled',
    'a.service': 'masked',
    'gone.service': 'enabled',
  });
  expect(wrong.map(({ seen }) => seen)).toEqual([
    'the unit b.service is disabled, and should be enabled',
    'the unit a.service is enabled, and should be masked',
    'the unit gone.service is absent, and should be enabled',
  ]);
});

test('every rule says what it is, why, and what to do', () => {
  for (const each of checkRules()) {
    expect(each.id).toMatch(/^[a-z]+(?:-[a-z]+)*$/);
    expect([each.title, each.advice, each.help].every((text) => /^[A-Z]/.test(text))).toBe(true);
    expect(isTreeRule(each) || typeof (each as GuestRule).checkGuest === 'function').toBe(true);
  }
  expect(checkExpectations({})).toEqual({});
});
