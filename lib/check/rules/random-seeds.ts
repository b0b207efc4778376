import { leftoverRule } from '../leftovers';

export const randomSeeds = leftoverRule(
  {
    id: 'random-seeds',
    severity: 'warning',
    title: 'Seeds of random numbers',
    advice: 'Remove the file: the system makes it anew',
    help: 'Machines that begin with the same seed may make the same keys, and whoever has the image knows the seed. Looked at are those of systemd, of its boot loader, of urandom, SeedRNG and of BSD.',
  },
  [
    {
      path: /^\/(?:var\/lib\/(?:systemd\/random-seed|urandom\/random-seed|random-seed|misc\/random-seed|seedrng\/seed\.[^/]+)|(?:boot|efi|boot\/efi)\/loader\/random-seed|var\/db\/(?:entropy(?:-file|\/[^/]+)|host\.random)|etc\/random-seed|entropy|boot\/entropy)$/,
      what: 'a seed of random numbers',
    },
  ],
);
