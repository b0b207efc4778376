/** Images with every fault that there is a rule for, and clean ones: no finding is missed, and none invented. */
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import type { CheckReport, Guestfs } from '../../lib';
import { checkRules } from '../../lib';
import { withAppliance } from '../images/appliance';
import { MiB } from '../support/appliance';
import { runCli } from '../support/cli';
import { type TemporaryFolder, temporaryFolder } from '../support/folder';
import { schemaErrors } from '../support/schemas';

const key =
  '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH PRIVATE KEY-----\n';
const publicKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHVudXNlZA someone@example.org\n';
const stanza = (name: string, state = 'install ok installed', version = '1.0-1') =>
  `Package: ${name}\nStatus: ${state}\nArchitecture: amd64\nVersion: ${version}\n`;

/** Files of both systems. */
const common: Readonly<Record<string, string>> = {
  '/etc/os-release': 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian \u001b]0;evil\u0007GNU/Linux"\n',
  '/etc/debian_version': '12.5\n',
  '/etc/hostname': 'golden\n',
  '/etc/passwd':
    'root:x:0:0:root:/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/bash\ngames:x:5:60::/usr/games:/bin/sh\n',
  '/etc/group': 'root:x:0:\nsudo:x:27:alice\nalice:x:1000:\n',
  '/etc/ssh/sshd_config': '# HostKey /etc/ssh/ssh_host_rsa_key\nPermitRootLogin no\n',
  '/boot/grub/i386-pc/linux.mod': 'elf',
  '/boot/grub/grub.cfg': 'linux /vmlinuz',
  '/boot/config-6.1.0-18-amd64': 'CONFIG_X=y',
  '/usr/bin/sudo': 'elf',
  '/usr/bin/find': 'elf',
  '/usr/share/doc/openssl/test/key.pem': key,
  '/etc/ssl/certs/ca.pem': '-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n',
  '/var/lib/dpkg/info/sudo.list': '/.\n/bin\n/bin/sudo\n',
  '/var/lib/dpkg/info/findutils.list': '/usr/bin/find\n',
  '/lib/systemd/system/ssh.service': '[Service]\n',
  '/lib/systemd/system/getty@.service': '[Service]\n',
  '/lib/systemd/system/telnet.socket': '[Socket]\n',
};

/** Files of the system with nothing wrong: what looks like a fault there is none. */
const fine: Readonly<Record<string, string>> = {
  '/etc/shadow': 'root:*:19000:0:99999:7:::\nalice:!:19000:0:99999:7:::\ngames:!*:19000::::::\n',
  '/etc/machine-id': 'uninitialized\n',
  '/root/.ssh/known_hosts': `host ${publicKey}`,
  '/home/alice/.ssh/authorized_keys': `# ${publicKey}`,
  '/home/alice/.bash_history': '',
  '/home/alice/.npmrc': `//registry.example.org/:_authToken=$\{NPM_TOKEN}\npassword=\n`,
  '/home/alice/.docker/config.json': '{"auths":{},"credsStore":"pass"}',
  '/home/alice/.aws/config': '[default]\nregion = eu-west-1\n',
  '/home/alice/.gitconfig': '[user]\n\tname = Alice\n[url "https://example.org/"]\n',
  '/var/log/dpkg.log': '',
  '/var/cache/apt/archives/lock': '',
  '/var/lib/apt/lists/lock': '',
  '/var/lib/systemd/random-seed': '',
  '/var/lib/dhcp/dhclient.leases': '',
  '/boot/vmlinuz-6.1.0-18-amd64': 'MZ',
  '/var/lib/dpkg/status': [
    stanza('findutils'),
    stanza('sudo'),
    stanza('gone', 'deinstall ok config-files'),
  ].join('\n'),
};

/** Files of the other, with the rules that find them. Those with other permissions, and the rest, are planted below. */
const planted: readonly (readonly [rule: string, path: string, content: string])[] = [
  ['ssh-host-keys', '/etc/ssh/ssh_host_ed25519_key', key],
  ['ssh-host-keys', '/srv/keys/host', key],
  ['ssh-authorized-keys', '/root/.ssh/authorized_keys', publicKey],
  ['ssh-authorized-keys', '/etc/ssh/keys/alice', `from="10.0.0.0/8" ${publicKey}`],
  ['private-keys', '/root/.ssh/id_ed25519', key],
  ['private-keys', '/etc/ssl/private/server.key', '-----BEGIN PRIVATE KEY-----\nMII\n'],
  ['private-keys', '/etc/wireguard/wg0.conf', '[Interface]\nPrivateKey = abc=\n'],
  ['cloud-credentials', '/home/alice/.aws/credentials', '[default]\naws_secret_access_key = x\n'],
  ['cloud-credentials', '/root/.kube/config', 'users:\n- user:\n    token: abc\n'],
  [
    'cloud-credentials',
    '/home/alice/.config/gcloud/application_default_credentials.json',
    '{"refresh_token": "1//x"}',
  ],
  ['registry-tokens', '/home/alice/.npmrc', '//registry.npmjs.org/:_authToken=npm_x\n'],
  ['registry-tokens', '/root/.docker/config.json', '{"auths": {"https://r": {"auth": "dTpw"}}}'],
  ['registry-tokens', '/etc/pip.conf', '[global]\nindex-url = https://u:p@example.org/simple\n'],
  ['repository-tokens', '/home/alice/.git-credentials', 'https://alice:token@example.org\n'],
  ['repository-tokens', '/root/.netrc', 'machine example.org login a password b\n'],
  ['machine-id', '/etc/machine-id', '0123456789abcdef0123456789abcdef\n'],
  ['random-seeds', '/var/lib/systemd/random-seed', 'seed'],
  ['dhcp-leases', '/var/lib/dhcp/dhclient.eth0.leases', 'lease {}\n'],
  ['shell-histories', '/root/.bash_history', 'ls\n'],
  ['shell-histories', '/home/alice/.local/share/fish/fish_history', '- cmd: ls\n'],
];

/** Files of which their folders are told. */
const inFolders: readonly (readonly [rule: string, folder: string, path: string])[] = [
  ['logs', '/var/log', '/var/log/syslog'],
  ['logs', '/var/log/journal', '/var/log/journal/0123/system.journal'],
  ['cloud-init-state', '/var/lib/cloud/instances', '/var/lib/cloud/instances/i-1/user-data.txt'],
  ['package-caches', '/var/cache/apt/archives', '/var/cache/apt/archives/sudo_1_amd64.deb'],
  ['package-caches', '/var/lib/apt/lists', '/var/lib/apt/lists/deb.example.org_Packages'],
];

const badStatus = [
  ...[stanza('findutils'), stanza('sudo'), stanza('broken', 'install ok half-configured')],
  stanza('worse', 'install reinstreq unpacked'),
].join('\n');

async function plant(g: Guestfs, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await g.mkdirP(path.slice(0, path.lastIndexOf('/')));
    await g.write(path, content);
  }
}

/** Partitions of a disk, all but the last of 4 MiB, and a boot loader of BIOS. */
async function partition(g: Guestfs, disk: string, starts: readonly number[], end: number): Promise<void> {
  await g.partInit(disk, 'gpt');
  for (const [index, start] of starts.entries()) {
    const last = (starts[index + 1] ?? end) - 8;
    await g.partAdd(disk, 'p', start, last);
  }
}

async function makeSystem(g: Guestfs, disk: string, files: Readonly<Record<string, string>>): Promise<void> {
  const root = `${disk}1`;
  await g.mkfs('ext4', root, { features: '^has_journal' });
  await g.mount(root, '/');
  for (const folder of ['/bin', '/usr/bin', '/home', '/tmp', '/var/tmp']) await g.mkdirP(folder);
  await g.rmdir('/bin');
  await g.lnS('usr/bin', '/bin');
  for (const folder of ['/tmp', '/var/tmp']) await g.chmod(0o1777, folder);
  await plant(g, files);
  await g.chmod(0o4755, '/usr/bin/sudo');
}

async function makeClean(g: Guestfs, disk: string): Promise<void> {
  await partition(g, disk, [2048], 95 * 2048);
  await makeSystem(g, disk, { ...common, ...fine });
  await g.write(
    '/etc/fstab',
    `UUID=${await g.vfsUuid(`${disk}1`)} / ext4 defaults 0 1\nUUID=0-0 /data ext4 nofail 0 2\n/dev/sr0 /media/cdrom udf noauto 0 0\n`,
  );
  await g.mkdirP('/etc/systemd/system/multi-user.target.wants');
  await g.mkdirP('/etc/systemd/system/getty.target.wants');
  await g.lnS('/lib/systemd/system/ssh.service', '/etc/systemd/system/multi-user.target.wants/ssh.service');
  await g.lnS(
    '/lib/systemd/system/getty@.service',
    '/etc/systemd/system/getty.target.wants/getty@tty1.service',
  );
  await g.lnS('/dev/null', '/etc/systemd/system/telnet.socket');
  await g.umountAll();
  // As GRUB's first sector; the table of partitions behind it stays.
  await g.pwriteDevice(disk, Buffer.from('\u00ebc GRUB ', 'latin1'), 0);
}

async function makeFaulty(g: Guestfs, disk: string): Promise<void> {
  // The second begins at no multiple of 4 KiB.
  await partition(g, disk, [2048, 80 * 2048 + 1], 88 * 2048);
  const files = Object.fromEntries([
    ...planted.map(([, path, content]) => [path, content] as const),
    ...inFolders.map(([, , path]) => [path, 'content'] as const),
  ]);
  await makeSystem(g, disk, { ...common, ...files });
  await plant(g, {
    '/etc/ssh/sshd_config':
      'HostKey /srv/keys/host\nAuthorizedKeysFile .ssh/authorized_keys /etc/ssh/keys/%u\n',
    '/etc/shadow': `root:$1$abc$0123456789012345678901:1::::::\nalice::1::::::\ngames:$y$j9T$x$y:1::::::\n`,
    '/etc/fstab':
      'UUID=11111111-2222-3333-4444-555555555555 / ext4 defaults 0 1\nUUID=0-0 none swap sw 0 0\nLABEL=lost /srv/lost ext4 defaults 0 2\nnonsense\n',
    '/var/lib/dpkg/status': badStatus,
    '/usr/local/bin/rootsh': 'elf',
    '/opt/app/config': 'x',
  });
  await g.chmod(0o4755, '/usr/local/bin/rootsh');
  await g.chmod(0o4755, '/usr/bin/find');
  await g.chmod(0o666, '/etc/hostname');
  await g.mkdirP('/opt/app/shared');
  await g.chmod(0o777, '/opt/app/shared');
  await g.umountAll();
  await g.mkfs('ext2', `${disk}2`);
  await g.mount(`${disk}2`, '/');
  const { bavail, frsize } = await g.statvfs('/');
  await g.fill(0x61, Number((bavail * frsize * 95n) / 100n), '/ballast');
  await g.umountAll();
  // The backup of the table of partitions.
  await g.pwriteDevice(disk, Buffer.alloc(512), 96 * MiB - 512);
}

describe('what should not be in an image', () => {
  let folder: TemporaryFolder;
  const image = (name: string) => folder.file(`${name}.img`);
  const checkImage = async (name: string, ...args: string[]) =>
    await runCli('check', '--progress=none', '--format=raw', ...args, image(name));

  beforeAll(async () => {
    folder = temporaryFolder();
    const drives = ['clean', 'faulty', 'data'].map((name) => ({ path: image(name), format: 'raw' as const }));
    for (const { path } of drives) writeFileSync(path, '');
    for (const { path } of drives) truncateSync(path, 96 * MiB);
    await withAppliance(drives, async (g) => {
      await makeClean(g, '/dev/sda');
      await makeFaulty(g, '/dev/sdb');
      await g.mkfs('ext4', '/dev/sdc', { features: '^has_journal' });
      await g.mount('/dev/sdc', '/');
      await plant(g, { '/alice/.ssh/id_rsa': key, '/alice/notes': 'nothing' });
      await g.umountAll();
    });
  });

  afterAll(() => folder[Symbol.dispose]());

  test('is found, all of it and nothing else', async () => {
    const page = folder.file('check.html');
    const { stdout, stderr, code } = await checkImage('faulty', '--as=json', `--html=${page}`);
    expect([code, stderr]).toEqual([3, '']);
    const { findings, rules, problems } = JSON.parse(stdout) as CheckReport;
    expect(problems).toEqual([]);
    expect(schemaErrors('check', JSON.parse(stdout))).toBeNull();
    const shown = readFileSync(page, 'utf8');
    for (const { rule } of findings) expect(shown).toContain(`<td class="code">${rule}</td>`);
    const found = findings.map(({ rule, path, line, device, severity }) =>
      [rule, path ?? device, line, severity].join(' '),
    );
    const planted_ = planted.map(([rule, path]) => [rule, path]);
    const expected = [
      ...[...planted_, ...inFolders.map(([rule, path]) => [rule, path])].map((each) => each.join(' ')),
      ...[
        'weak-password-hashes /etc/shadow 1',
        'empty-passwords /etc/shadow 2',
        'passwords-set /etc/shadow 3',
      ],
      ...[1, 2, 3, 4].map((line) => `fstab-unresolved /etc/fstab ${line}`),
      ...['package-states /var/lib/dpkg/status', 'package-states /var/lib/dpkg/status'],
      ...['world-writable /etc/hostname', 'world-writable /opt/app/shared'],
      ...['setuid-programs /usr/bin/find', 'setuid-programs /usr/local/bin/rootsh'],
      ...['kernel-missing /dev/sda1', 'boot-loader-missing /dev/sda1', 'filesystem-nearly-full /dev/sda2'],
      ...['partition-alignment /dev/sda2', 'gpt-backup /dev/sda'],
    ];
    const plain = found.map((each) => each.replace(/ (?:error|warning|note)$/, ''));
    const known = (each: string) =>
      expected.find((one) => each === `${one} ` || each.startsWith(`${one} `) || each === one);
    expect(plain.filter((each) => known(each) === undefined)).toEqual([]);
    expect(expected.filter((one) => !plain.some((each) => `${each} `.startsWith(`${one} `)))).toEqual([]);
    expect(plain).toHaveLength(expected.length);
    // Every rule has been tried.
    expect(new Set(findings.map(({ rule }) => rule))).toEqual(new Set(checkRules().map(({ id }) => id)));
    expect(rules.every(({ outcome }) => outcome === 'found')).toBe(true);
    // No secret is told.
    expect(stdout).not.toMatch(/b3BlbnNz|npm_x|dTpw|alice:token/);
  });

  test('is not invented, and what is expected is there', async () => {
    const expected = {
      system: { distro: 'debian', version: 12, hostname: 'golden' },
      files: {
        '/etc/hostname': {
          type: 'file',
          mode: '0644',
          owner: 'root',
          group: 0,
          matches: '^golden$',
          lacks: 'evil',
        },
        '/bin': { target: 'usr/bin' },
        '/etc/nologin': 'absent',
      },
      packages: { sudo: '>= 1.0-1, < 2', findutils: '= 1.0', gone: 'absent' },
      users: {
        alice: { uid: 1000, groups: ['sudo'], shell: '/bin/bash', password: 'locked' },
        mallory: 'absent',
      },
      groups: { sudo: { gid: 27, members: ['alice'] } },
      units: {
        'ssh.service': 'enabled',
        'getty@tty1.service': 'enabled',
        'telnet.socket': 'masked',
        'none.service': 'absent',
      },
    };
    writeFileSync(folder.file('fine.json'), JSON.stringify(expected));
    const { stdout, stderr, code } = await checkImage(
      'clean',
      '--as=json',
      `--expect=${folder.file('fine.json')}`,
    );
    const { findings, problems, complete, rules } = JSON.parse(stdout) as CheckReport;
    expect([findings, problems, stderr]).toEqual([[], [], '']);
    expect([complete, code]).toEqual([true, 0]);
    expect(rules.filter(({ id }) => id.startsWith('expect-'))).toHaveLength(6);
  });

  test('of a disk without a system, are the secrets in its files, and what cannot be looked at is a problem', async () => {
    writeFileSync(folder.file('of-system.json'), '{"packages": {"sudo": "present"}}');
    const { stdout, stderr, code } = await checkImage('data', `--expect=${folder.file('of-system.json')}`);
    expect(stdout).toMatch(
      /data on \/dev\/sda\n\nPrivate keys in the image \(private-keys\)\n {2}error {3}\/alice\/\.ssh\/id_rsa:1: a private SSH key/,
    );
    expect(stderr).toContain('no operating system was found');
    expect(code).toBe(1);
  });

  test('is what a guest is not expected to be', async () => {
    writeFileSync(
      folder.file('other.yaml'),
      `system: { distro: fedora }
files:
  /etc/hostname: { mode: "0600", owner: alice, matches: [golden, silver] }
  /etc/nologin: present
packages: { sudo: "> 1.0", findutils: absent, vim: present }
users: { root: { shell: /bin/false }, mallory: present }
groups: { sudo: { members: [root] }, wheel: present }
units: { ssh.service: disabled, telnet.socket: enabled }
`,
    );
    const { stdout, code } = await checkImage('clean', `--expect=${folder.file('other.yaml')}`, '--as=json');
    expect(code).toBe(3);
    expect((JSON.parse(stdout) as CheckReport).findings.map(({ rule, seen }) => `${rule}: ${seen}`)).toEqual([
      'expect-system: its distro is debian, and should be fedora',
      'expect-files: its mode is 0644, and should be 0600',
      'expect-files: its owner is root, and should be alice',
      'expect-files: nothing in it matches /silver/',
      'expect-files: it is not there',
      'expect-packages: the package sudo is 1.0-1, and should be > 1.0',
      'expect-packages: the package findutils (1.0-1) is installed, and should not be',
      'expect-packages: the package vim is not installed',
      'expect-users: the user root: its shell is /bin/bash, and should be /bin/false',
      'expect-users: the user mallory: is not there',
      'expect-groups: the group sudo: root is not in it',
      'expect-groups: the group wheel: is not there',
      'expect-units: the unit ssh.service is enabled, and should be disabled',
      'expect-units: the unit telnet.socket is masked, and should be enabled',
    ]);
  });
});
