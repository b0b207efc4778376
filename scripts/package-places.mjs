// Places where native packages break: bundles, executables, restrictions. Each recipe of docs/guides/bundlers.md is tried
// here, with the packed package, by scripts/package-tests.mjs; what takes minutes, `--more`, every night.

import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';

const carried = `prebuilds/linux-${process.arch}/guestfs.glibc.node`;
const works = /^libguestfs 1\.\d+\.\d+/m;
const banner = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

/** @param t what package-tests.mjs offers: `test`, `run`, `fails`, `says`, `tool`, `node`, and the `cwd` of a project */
export async function everydayPlaces(t) {
  await esbuild(t);
  await tracer(t);
  await executable(t);
  await permissions(t);
  await workers(t);
  await otherSystems(t);
  await readme(t);
}

/** Moves what was built away from the package, so that nothing but itself is left to find. */
function away({ cwd }, name) {
  const target = path.join(path.dirname(cwd), `away-${name}`);
  cpSync(path.join(cwd, 'out', name), target, { recursive: true });
  return target;
}

async function esbuild(t) {
  const { test, run, fails, says, tool, node, cwd } = t;
  const bundle = (name, file, ...options) =>
    run(
      [
        tool('esbuild/bin/esbuild'),
        file,
        '--bundle',
        '--platform=node',
        `--outfile=out/${name}/${file}`,
        ...options,
      ],
      cwd,
    );
  const esm = ['--format=esm', '--loader:.node=copy'];

  await test('esbuild carries the addon', async () => {
    await bundle('carried', 'main.cjs', '--loader:.node=copy');
    says(await run([node(24), 'main.cjs'], away(t, 'carried')), works);
  });
  await test('esbuild carries the addon of an ES module, and it is told when it is lost', async () => {
    await bundle('carried-esm', 'main.mjs', ...esm, `--banner:js=${banner}`);
    const folder = away(t, 'carried-esm');
    says(await run([node(24), 'main.mjs'], folder), works);
    for (const name of readdirSync(folder).filter((each) => each.endsWith('.node')))
      rmSync(path.join(folder, name));
    says(await fails([node(24), 'main.mjs'], folder), isBundle);
    const addon = path.join(cwd, 'node_modules/guestfs', carried);
    says(await run([node(24), 'main.mjs'], folder, { GUESTFS_NODE_ADDON: addon }), works);
  });
  await test('an ES module of esbuild without require() says what it needs', async () => {
    await bundle('bare', 'main.mjs', ...esm);
    says(
      await fails([node(24), 'main.mjs'], away(t, 'bare')),
      /has no require\(\)\. .*createRequire.*'bundled'/s,
    );
  });
  await test('esbuild leaves the package out', async () => {
    await bundle('external', 'main.mjs', '--format=esm', '--external:guestfs');
    says(await run([node(24), 'out/external/main.mjs'], cwd), works);
  });
  await test('Bun builds, and compiles', async () => {
    const bun = tool(`bun-${process.arch}/bin/bun`);
    await run([bun, 'build', 'main.mjs', '--target=node', '--outdir=out/bun'], cwd);
    const folder = away(t, 'bun');
    renameSync(path.join(folder, 'main.js'), path.join(folder, 'main.mjs'));
    says(await run([node(24), 'main.mjs'], folder), works);
    await run([bun, 'build', 'main.mjs', '--compile', '--outfile', 'out/bun-executable/main'], cwd);
    says(await run(['./main'], away(t, 'bun-executable')), works);
  });
}

const isBundle =
  /is a bundle, and its addon is not where.*external:guestfs.*serverExternalPackages.*'bundled'/s;

async function tracer({ test, run, says, tool, node, cwd }) {
  await test('@vercel/nft traces the addon', async () => {
    const files = await run([node(24), tool('@vercel/nft/out/cli.js'), 'print', 'main.mjs'], cwd);
    says(files, new RegExp(`^node_modules/guestfs/${carried}$`, 'm'));
  });
}

/** A single executable application, of each Node. */
async function executable(t) {
  const { test, run, fails, says, tool, node, cwd } = t;
  const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';
  for (const version of [20, 26]) {
    await test(`a single executable application of Node ${version}`, async () => {
      const folder = path.join(cwd, `out/executable ${version}`);
      mkdirSync(folder, { recursive: true });
      const bundled = path.join(folder, 'main.cjs');
      const options = ['--bundle', '--platform=node', '--external:*.node', `--outfile=${bundled}`];
      await run([tool('esbuild/bin/esbuild'), 'main.cjs', ...options], cwd);
      const config = { main: 'main.cjs', output: 'main.blob', disableExperimentalSEAWarning: true };
      writeFileSync(path.join(folder, 'sea.json'), JSON.stringify(config));
      await run([node(version), '--experimental-sea-config', 'sea.json'], folder);
      cpSync(node(version), path.join(folder, 'app'));
      const inject = ['app', 'NODE_SEA_BLOB', 'main.blob', '--sentinel-fuse', fuse];
      await run([node(24), tool('postject/dist/cli.js'), ...inject], folder);
      const app = path.join(folder, 'app');
      const addon = path.join(cwd, 'node_modules/guestfs', carried);
      says(await fails([app], cwd), /single executable.*cp \S+ '\S+\/executable \d+\/guestfs\.node'/s);
      says(await run([app], cwd, { GUESTFS_NODE_ADDON: addon }), works);
      cpSync(addon, path.join(folder, 'guestfs.node'));
      says(await run([app], cwd), works);
    });
  }
}

async function permissions({ test, run, fails, says, node, cwd }) {
  for (const version of [20, 22, 24, 26]) {
    await test(`the permission model of Node ${version}`, async () => {
      const flag = version === 20 ? '--experimental-permission' : '--permission';
      const restricted = [node(version), '--no-warnings', flag, `--allow-fs-read=${cwd}`];
      says(
        await fails([...restricted, 'main.cjs'], cwd),
        /--allow-addons --allow-fs-read=\S+.*'permission-addons'/s,
      );
      // The package alone may be read, and nothing else on this machine.
      says(await run([...restricted, '--allow-addons', 'main.cjs'], cwd), works);
      const disk = path.join(path.dirname(cwd), 'disk.img');
      const inspecting = [...restricted, '--allow-addons', 'inspect.cjs', disk];
      says(await run(inspecting, cwd), /^ERR_ACCESS_DENIED: .*--allow-fs-read=/m);
    });
  }
  await test('what the permission model forbids to a launch from a template, and to the doctor', async () => {
    const restricted = [
      node(24),
      '--no-warnings',
      '--permission',
      '--allow-addons',
      `--allow-fs-read=${cwd}`,
    ];
    const all = ['--allow-child-process', '--allow-fs-read=*', '--allow-fs-write=*'];
    const cli = path.join(cwd, 'node_modules/guestfs/dist/cli/main.js');
    const launching = ['template.cjs', mkdtempSync(path.join(cwd, 'copied-'))];
    says(
      await run([...restricted, ...launching], cwd),
      /^ERR_GUESTFS_TEMPLATE: .*permission model.*--allow-child-process '--allow-fs-read=\*' '--allow-fs-write=\*'/m,
    );
    says(
      await run([...restricted, ...all, ...launching], cwd),
      /^launched from a template\ndownloaded\nERR_ACCESS_DENIED: copyOut: .*permission model.*download\(\)/m,
    );
    const looking = await run([...restricted, cli, 'doctor', '--no-launch'], cwd);
    says(looking, /\(PERMISSIONS\)\n.*--allow-fs-read=/);
    if (/There is no/.test(looking)) throw new Error(`The doctor tells what it cannot know:\n${looking}`);
    says(await run([...restricted, ...all, cli, 'doctor', '--no-launch'], cwd), /qemu/);
  });
  await test('--no-addons', async () =>
    says(await fails([node(24), '--no-addons', 'main.cjs'], cwd), /was started with --no-addons/));
}

/** In a worker, also where Node's permission model has to allow them. */
async function workers({ test, run, fails, says, node, cwd }) {
  await test('workers', async () => {
    const ends = /^libguestfs 1\.\d+\.\d+ 1 in thread \d+\nthe worker has ended with 0$/m;
    for (const version of [20, 26]) says(await run([node(version), 'worker.mjs'], cwd), ends);
    const restricted = [
      node(24),
      '--no-warnings',
      '--permission',
      '--allow-addons',
      `--allow-fs-read=${cwd}`,
    ];
    says(await fails([...restricted, 'worker.mjs'], cwd), /allow-worker/);
    says(await run([...restricted, '--allow-worker', 'worker.mjs'], cwd), ends);
  });
}

/** What is said on systems that have no libguestfs. */
async function otherSystems({ test, run, fails, says, node, cwd }) {
  await test('macOS and Windows', async () => {
    const cli = path.join(cwd, 'node_modules/guestfs/dist/cli/main.js');
    for (const platform of ['darwin', 'win32']) {
      const preload = path.join(cwd, `${platform}.cjs`);
      writeFileSync(preload, `Object.defineProperty(process, 'platform', { value: '${platform}' });\n`);
      const there = [node(24), '--require', preload];
      const why = new RegExp(
        `^(?:Error: )?guestfs: there is no native addon for this system.*this is ${platform}-\\w+\\. Run the program where Linux is`,
        'ms',
      );
      for (const program of ['main.cjs', 'main.mjs']) says(await fails([...there, program], cwd), why);
      for (const command of [['inspect', 'disk.img'], ['build']])
        says(await fails([...there, cli, ...command], cwd), why);
      says(await run([...there, cli, '--version'], cwd), /^guestfs \d/);
    }
  });
}

/** What the README and the guides link to is in the package. */
async function readme({ test, cwd }) {
  await test('links of the documentation within the package', () => {
    const root = path.join(cwd, 'node_modules/guestfs');
    const guides = readdirSync(path.join(root, 'docs/guides')).map((name) => `docs/guides/${name}`);
    const dead = ['README.md', 'docs/reliability.md', 'SECURITY.md', ...guides].flatMap((file) =>
      [...readFileSync(path.join(root, file), 'utf8').matchAll(/\]\((?!\w+:)([^)#\s]+)/g)]
        .map(([, link]) => link)
        .filter((link) => !existsSync(path.join(root, path.dirname(file), link)))
        .map((link) => `${file}: ${link}`),
    );
    if (dead.length > 0) throw new Error(dead.join('\n'));
  });
}

/** Bundlers and frameworks, in a project that has them installed. */
export async function morePlaces(t) {
  const { test, run, fails, says, node, cwd } = t;
  const bin = (file) => path.join(cwd, 'node_modules', file);
  const webpack = (kind) =>
    run([node(24), bin('webpack/bin/webpack.js'), '-c', 'webpack.config.cjs', '--env', `kind=${kind}`], cwd);

  await test('webpack', async () => {
    const output = await webpack('carried');
    if (/Critical dependency/.test(output)) throw new Error(output);
    says(await run([node(24), 'main.cjs'], away(t, 'webpack-carried')), works);
    await webpack('external');
    says(await run([node(24), 'out/webpack-external/main.cjs'], cwd), works);
    await webpack('lost');
    says(await fails([node(24), 'main.cjs'], away(t, 'webpack-lost')), isBundle);
  });
  await test('Rollup', async () => {
    await run([node(24), bin('rollup/dist/bin/rollup'), '-c', 'rollup.config.mjs'], cwd);
    says(await run([node(24), 'out/rollup/main.mjs'], cwd), works);
  });
  await test('Vite', async () => {
    await run([node(24), bin('vite/bin/vite.js'), 'build'], cwd);
    says(await run([node(24), 'out/vite/main.mjs'], cwd), works);
  });
  await test('ncc', async () => {
    await run([node(24), bin('@vercel/ncc/dist/ncc/cli.js'), 'build', 'main.cjs', '-o', 'out/ncc'], cwd);
    says(await run([node(24), 'index.cjs'], away(t, 'ncc')), works);
  });
  await test('Nitro', async () => {
    const nitro = path.join(cwd, 'nitro');
    await run([node(24), bin('nitropack/dist/cli/index.mjs'), 'build'], nitro);
    cpSync(path.join(nitro, '.output'), path.join(cwd, 'out/nitro'), { recursive: true });
    await serves(t, [node(24), 'server/index.mjs'], away(t, 'nitro'), '/version');
  });
  await test('Next.js, standalone', async () => {
    const next = path.join(cwd, 'next');
    await run([node(24), bin('next/dist/bin/next'), 'build'], next, { NEXT_TELEMETRY_DISABLED: '1' });
    cpSync(path.join(next, '.next/standalone'), path.join(cwd, 'out/next'), { recursive: true });
    await serves(t, [node(24), 'next/server.js'], away(t, 'next'), '/api/version');
  });
}

/** Starts a server, which must answer with libguestfs's version. */
async function serves({ start }, command, cwd, url) {
  const port = 20_000 + Math.floor(Math.random() * 10_000);
  const server = start(command, cwd, { PORT: String(port), HOST: '127.0.0.1' });
  try {
    const until = Date.now() + 60_000;
    for (;;) {
      const text = await fetch(`http://127.0.0.1:${port}${url}`).then(
        (response) => response.text(),
        () => undefined,
      );
      if (text !== undefined) {
        if (!works.test(text)) throw new Error(`the server answers: ${text}`);
        return;
      }
      if (Date.now() > until) throw new Error('the server does not answer');
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  } finally {
    server.kill();
  }
}
