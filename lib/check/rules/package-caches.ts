import { folderRule } from '../leftovers';

export const packageCaches = folderRule(
  {
    id: 'package-caches',
    severity: 'note',
    title: 'Caches of package managers',
    advice:
      'Empty the cache: apt-get clean and rm -r /var/lib/apt/lists/*, dnf clean all, zypper clean --all, apk cache clean, pacman -Scc',
    help: 'They make the image larger and help nobody: what is in them is outdated when the machine boots. Looked at are the caches of apt, dnf, yum, zypper, apk, pacman, of PackageKit, and of pip, npm and others in homes.',
  },
  [
    { path: /^(\/var\/cache\/apt\/archives)\/.+\.deb$/, what: 'downloaded packages' },
    { path: /^(\/var\/cache\/apt)\/[^/]+\.bin$/, what: 'a cache of apt' },
    { path: /^(\/var\/lib\/apt\/lists)\/(?!lock$).+$/, what: 'lists of packages' },
    {
      path: /^(\/var\/cache\/(?:dnf|yum|libdnf5|zypp|apk|pacman\/pkg|PackageKit|eopkg|xbps|urpmi))\/(?!.*\.(?:lock|pid)$).+$/,
      what: 'a cache of packages',
    },
    { path: /^(\/etc\/apk\/cache)\/.+$/, what: 'a cache of packages' },
    {
      path: /^(\/var\/cache\/(?:distfiles|binpkgs)|\/usr\/portage\/distfiles|\/var\/db\/repos)\/.+$/,
      what: 'a cache of packages',
    },
    {
      path: /^(\/(?:root|home\/[^/]+)\/\.cache\/(?:pip|yarn|uv|go-build|composer|node-gyp|deno|bun|pypoetry))\/.+$/,
      what: 'a cache of packages',
    },
    {
      path: /^(\/(?:root|home\/[^/]+)\/(?:\.npm\/_cacache|\.bundle\/cache|\.cargo\/registry\/cache|\.m2\/repository|\.gradle\/caches|\.nuget\/packages|go\/pkg\/mod\/cache))\/.+$/,
      what: 'a cache of packages',
    },
  ],
);
