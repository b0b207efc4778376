// `npm run check:package`: what publint and attw say of the packed package, and what the package must not have, since
// package managers stumble over it. For a release (`-- --release`, or a tag in CI) it must also say where its repository is.
// `--facts`: only what package.json says, without packing.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { missingFields } from './repository.mjs';
import { attached, main, npm, root, StepError, step } from './steps.mjs';

const isRelease = process.argv.includes('--release') || /^refs\/tags\/v/.test(process.env.GITHUB_REF ?? '');

await main(async () => {
  await step('no scripts to run when it is installed', { work: checkScripts });
  await step('types of all entrances for every TypeScript', { work: checkEntrances });
  if (isRelease) await step('where the repository is', { work: checkRepository });
  if (process.argv.includes('--facts')) return 0;
  for (const command of [
    ['run', '--silent', 'build:ts'],
    ['exec', '--', 'publint', '--strict'],
    // The oldest way of Node.js to find modules does not know a package's other entrances.
    ['exec', '--', 'attw', '--pack', '.', '--profile', 'node16'],
    ['run', '--silent', 'build:fleet'],
    ['exec', '--', 'publint', '--strict', 'packages/fleet'],
    ['exec', '--', 'attw', '--pack', 'packages/fleet'],
  ]) {
    const code = await attached([...npm, ...command]);
    if (code !== 0) return code;
  }
  return 0;
});

/** pnpm ends with an error over such a script, and over a binding.gyp, which stands for one. */
function checkScripts() {
  const { scripts, files } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const found = ['preinstall', 'install', 'postinstall', 'prepare'].filter((name) => name in scripts);
  if (files.includes('binding.gyp')) found.push('binding.gyp');
  if (found.length > 0)
    throw new StepError(`the package has what runs when it is installed: ${found.join(', ')}`);
}

/** The oldest way of TypeScript to find modules reads no `exports`. */
function checkEntrances() {
  const { exports, typesVersions } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const wrong = Object.entries(exports).flatMap(([entrance, target]) => {
    const types = target.types ?? target.require?.types;
    if (entrance === '.' || types === undefined) return [];
    return typesVersions['*'][entrance.slice(2)]?.[0] === types ? [] : [entrance];
  });
  if (wrong.length > 0) throw new StepError(`typesVersions lacks the types of ${wrong.join(', ')}`);
}

function checkRepository() {
  const missing = missingFields();
  if (missing.length === 0) return;
  throw new StepError(`package.json lacks ${missing.join(', ')}: node scripts/repository.mjs sets them`);
}
