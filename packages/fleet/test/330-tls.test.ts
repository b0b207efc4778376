import { execFile, execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { imageFolder } from './support/images';
import { startRedis } from './support/servers';

// The server by TLS, with a password from a file, and a certificate that is checked.

const program = join(__dirname, '../dist/cli/main.js');
const folder = imageFolder();
afterAll(() => folder.remove());

function status(env: NodeJS.ProcessEnv): Promise<{ code: number; stdout: string; stderr: string }> {
  const args = [program, 'status', '--json', '--server-file', join(folder.path, 'server')];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { env: { ...process.env, ...env } }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

test('the certificate is checked, the password comes from the file, and neither is shown', async () => {
  const [key, certificate] = [join(folder.path, 'key.pem'), join(folder.path, 'certificate.pem')];
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const made = [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '2',
    '-keyout',
    key,
    '-out',
    certificate,
  ];
  execFileSync('openssl', [...made, ...subject], { stdio: 'ignore' });
  const tls = ['--tls-cert-file', certificate, '--tls-key-file', key, '--tls-auth-clients', 'no'];
  const server = await startRedis('--requirepass', 'hush', ...tls, '--tls-port', '0');
  const port = new URL((server.connection as { redis: string }).redis).port;
  const set = ['-a', 'hush', '--no-auth-warning', '-p', port, 'config', 'set', 'port', '0', 'tls-port', port];
  execFileSync('redis-cli', set, { stdio: 'ignore' });
  const serverFile = (url: string) => writeFileSync(join(folder.path, 'server'), `${url}\n`);
  try {
    serverFile(`rediss://:hush@127.0.0.1:${port}`);
    const trusted = await status({ NODE_EXTRA_CA_CERTS: certificate });
    expect(trusted).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(trusted.stdout)).toMatchObject({ batches: [] });
    const untrusted = await status({});
    expect(untrusted).toMatchObject({ code: 1, stderr: expect.stringMatching(/certificate.*FLEET_SERVER/) });
    serverFile(`rediss://:wrong@127.0.0.1:${port}`);
    const refused = await status({ NODE_EXTRA_CA_CERTS: certificate });
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/WRONGPASS.*FLEET_SERVER/) });
    expect(untrusted.stderr + refused.stderr).not.toMatch(/hush|:wrong/);
  } finally {
    await server.stop();
  }
}, 60_000);
