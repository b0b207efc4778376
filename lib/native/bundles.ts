// What to do about bundles. It imports nothing: in some bundles that is what does not work.

/** Ways to leave the package out of a bundle, a line each. */
export const leavingOut: readonly string[] = [
  'esbuild: --external:guestfs, or --loader:.node=copy, which carries the addon along',
  "webpack: externals: { guestfs: 'commonjs guestfs' }",
  "Rollup: external: ['guestfs']",
  "Vite: ssr: { external: ['guestfs'] }",
  "Next.js: serverExternalPackages: ['guestfs']",
  "Nuxt, Nitro: externals: { external: ['guestfs'] }",
  'Bun: --external guestfs',
];

/**
 * Looks whether there is a `require` for what Node.js itself has: esbuild makes ES modules that have none.
 *
 * @throws Error with the code `ERR_GUESTFS_NOT_LOADED`
 */
export function checkRequire(): void {
  try {
    require('node:path');
  } catch (cause) {
    const message = [
      'guestfs: this code is a bundle in the form of an ES module that has no require(). Give it one by a banner:',
      "  import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
      'or leave the package out of the bundle, and install it where the program runs:',
      ...leavingOut.map((line) => `  ${line}`),
    ].join('\n');
    throw Object.assign(new Error(message, { cause }), {
      code: 'ERR_GUESTFS_NOT_LOADED',
      reason: 'bundled',
    });
  }
}
