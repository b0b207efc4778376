export default {
  output: 'standalone',
  serverExternalPackages: ['guestfs'],
  outputFileTracingRoot: new URL('..', import.meta.url).pathname,
};
