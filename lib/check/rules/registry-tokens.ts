import { secretRule } from '../secrets';

/** A URL with a password. */
const withPassword = /https?:\/\/[^\s/:@"']+:[^\s/@"'${}]+@/;

export const registryTokens = secretRule(
  {
    id: 'registry-tokens',
    severity: 'error',
    title: 'Tokens of package and image registries',
    advice:
      'Remove the token, and revoke it: whoever had the image may have it. Give it to builds as a secret instead',
    help: 'Whoever has the image can read, and often publish, in the name of their owner. Looked at are the configuration files of npm, yarn, pip, Poetry, twine, Docker, Podman, Helm, Cargo, RubyGems, Composer, Maven, Gradle, NuGet, Conan, apt, dnf and zypper.',
  },
  [
    {
      path: /\/(?:\.npmrc|etc\/npmrc|npmrc)$/,
      what: 'a token of npm',
      holds: /^[^#;\n]*(?:_authToken|_auth|_password)[ \t]*=[ \t]*["']?(?!\$\{)[^\s"'$]/m,
    },
    {
      path: /\/\.yarnrc\.yml$/,
      what: 'a token of yarn',
      holds: /^[ \t]*npmAuth(?:Token|Ident)[ \t]*:[ \t]*["']?(?!\$\{)[^\s"'$]/m,
    },
    { path: /\/\.pypirc$/, what: 'a password of PyPI', holds: /^[ \t]*password[ \t]*[=:][ \t]*\S/m },
    {
      path: /\/(?:pip\.conf|pip\.ini|\.config\/uv\/uv\.toml|etc\/uv\/uv\.toml)$/,
      what: 'a password for a package index',
      holds: withPassword,
    },
    {
      path: /\/pypoetry\/auth\.toml$/,
      what: 'a password of Poetry',
      holds: /^[ \t]*(?:password|pypi)[ \t]*[=.]/m,
    },
    {
      path: /\/(?:\.docker\/config\.json|\.dockercfg|containers\/auth\.json|helm\/registry\/config\.json|var\/lib\/kubelet\/config\.json)$/,
      what: 'credentials of a container registry',
      holds: /"(?:auth|identitytoken|registrytoken|password)"\s*:\s*"[^"]/,
    },
    {
      path: /\/\.cargo\/credentials(?:\.toml)?$/,
      what: 'a token of Cargo',
      holds: /^[ \t]*token[ \t]*=[ \t]*["']\S/m,
    },
    { path: /\/\.gem\/credentials$/, what: 'a key of RubyGems', holds: /^:[\w-]+:[ \t]*\S/m },
    {
      path: /\/\.bundle\/config$/,
      what: 'a password of Bundler',
      holds: /^[ \t]*BUNDLE_[A-Z0-9_]+:[ \t]*["']?[^\s"':/]+:[^\s"'/]+["']?[ \t]*$/m,
    },
    {
      path: /\/(?:\.composer|\.config\/composer|composer)\/auth\.json$/,
      what: 'a token of Composer',
      holds: /"(?:password|consumer-secret)"\s*:\s*"[^"]|"[\w.-]+"\s*:\s*"[^"]{8}/,
    },
    {
      path: /\/(?:\.m2\/settings\.xml|etc\/maven\/settings\.xml|maven\/conf\/settings\.xml)$/,
      what: 'a password of Maven',
      holds: /<password>\s*(?!\$\{)[^\s<]/,
      comments: ['<!--', '-->'],
    },
    {
      path: /\/\.gradle\/gradle\.properties$/,
      what: 'a password of Gradle',
      holds: /^[ \t]*[\w.-]{0,100}(?:password|token|secret|apikey)[\w.-]{0,100}[ \t]*[=:][ \t]*\S/im,
    },
    {
      path: /\/NuGet\.Config$/,
      what: 'a password of NuGet',
      holds: /key="(?:ClearText)?Password"\s+value="[^"]/i,
    },
    {
      path: /\/\.conan2?\/(?:credentials\.json|\.conan\.db)$/,
      what: 'credentials of Conan',
      holds: /password|token/,
    },
    {
      path: /\/etc\/apt\/auth\.conf(?:\.d\/[^/]+)?$/,
      what: 'a password of apt',
      holds: /^[^#\n]*\bpassword[ \t]+\S/m,
    },
    {
      path: /\/etc\/apt\/(?:sources\.list(?:\.d\/[^/]+)?|apt\.conf(?:\.d\/[^/]+)?)$/,
      what: 'a password for a package archive',
      holds: withPassword,
    },
    {
      path: /\/etc\/(?:yum\.repos\.d\/[^/]+\.repo|yum\.conf|dnf\/dnf\.conf|zypp\/repos\.d\/[^/]+\.repo)$/,
      what: 'a password for a package repository',
      holds: /^[ \t]*(?:proxy_)?password[ \t]*=[ \t]*\S|https?:\/\/[^\s/:@"']+:[^\s/@"'${}]+@/m,
    },
    {
      path: /\/etc\/zypp\/credentials\.d\/[^/]+$/,
      what: 'a password for a package repository',
      holds: /^[ \t]*password[ \t]*=[ \t]*\S/m,
    },
    {
      path: /\/etc\/apk\/repositories$|\/etc\/pacman\.d\/[^/]+$/,
      what: 'a password for a package repository',
      holds: withPassword,
    },
  ],
);
