// Where the repository is: package.json gets it when a release is made, by `node scripts/repository.mjs`, from the
// environment of GitHub Actions. Nothing else in the repository knows it, so that a fork's package names the fork.

import { spawnSync } from 'node:child_process';
import { readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { main, npm, root, StepError } from './steps.mjs';

/** What package.json says of a repository that has this address. */
export function fieldsOf(address) {
  return {
    'repository.type': 'git',
    'repository.url': `git+${address}.git`,
    homepage: `${address}#readme`,
    'bugs.url': `${address}/issues`,
  };
}

/** Fields that a release needs and package.json lacks. */
export function missingFields() {
  const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  return ['repository', 'homepage', 'bugs'].filter((field) => manifest[field] === undefined);
}

if (realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await main(async () => {
    const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: name } = process.env;
    if (!server || !name)
      throw new StepError('GITHUB_SERVER_URL and GITHUB_REPOSITORY must say where it is.');
    const settings = Object.entries(fieldsOf(`${server}/${name}`)).map(([key, value]) => `${key}=${value}`);
    const [command, ...args] = [
      ...npm,
      'pkg',
      'set',
      ...settings,
      '--workspaces',
      '--include-workspace-root',
    ];
    return spawnSync(command, args, { cwd: root, stdio: 'inherit' }).status ?? 1;
  });
}
