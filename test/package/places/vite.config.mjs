export default {
  build: { ssr: 'main.mjs', outDir: 'out/vite', target: 'node20' },
  ssr: { external: ['guestfs'] },
};
