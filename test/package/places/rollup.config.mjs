import commonjs from '@rollup/plugin-commonjs';
import resolve from '@rollup/plugin-node-resolve';

export default {
  ...{ input: 'main.mjs', external: ['guestfs'] },
  ...{ output: { file: 'out/rollup/main.mjs' }, plugins: [resolve(), commonjs()] },
};
