import { secretRule } from '../secrets';

export const repositoryTokens = secretRule(
  {
    id: 'repository-tokens',
    severity: 'error',
    title: 'Tokens of source repositories and other services',
    advice: 'Remove the token or password, and revoke it: whoever had the image may have it',
    help: 'Whoever has the image can act in the name of their owner. Looked at are the credentials of git, GitHub, GitLab, Subversion and Mercurial, .netrc, passwords of databases (.pgpass, .my.cnf), of wireless networks and VPNs, and tokens of CI runners and agents.',
  },
  [
    {
      path: /\/(?:\.git-credentials|git\/credentials)$/,
      what: 'passwords of git',
      holds: /^[ \t]*https?:\/\/[^\s:@]*:[^\s@]+@/m,
    },
    {
      path: /\/(?:\.gitconfig|etc\/gitconfig|\.config\/git\/config|\.git\/config)$/,
      what: 'a password for git',
      holds:
        /https?:\/\/[^\s/:@"']*:[^\s/@"']+@|^[ \t]*extraheader[ \t]*=.{0,200}authorization:[ \t]*\S{1,2000}[ \t]+\S/im,
    },
    { path: /\/gh\/hosts\.yml$/, what: 'a token of GitHub', holds: /^[ \t]*oauth_token:[ \t]*\S/m },
    {
      path: /\/(?:\.config\/hub|\.hub)$/,
      what: 'a token of GitHub',
      holds: /^[ \t]*-?[ \t]*oauth_token:[ \t]*\S/m,
    },
    { path: /\/glab-cli\/config\.yml$/, what: 'a token of GitLab', holds: /^[ \t]*(?:job_)?token:[ \t]*\S/m },
    { path: /\/(?:\.netrc|_netrc)$/, what: 'passwords of .netrc', holds: /\bpassword\s+\S/ },
    {
      path: /\/\.subversion\/auth\/svn\.simple\/[^/]+$/,
      what: 'a password of Subversion',
      holds: /^password$/m,
    },
    { path: /\/\.hgrc$/, what: 'a password of Mercurial', holds: /^[ \t]*\S+\.password[ \t]*=[ \t]*\S/m },
    { path: /\/\.pgpass$/, what: 'a password of PostgreSQL', holds: /^[^#:\n][^:\n]*(?::[^:\n]*){3}:\S/m },
    {
      path: /\/(?:\.my\.cnf|\.mylogin\.cnf|root\/\.mysql\/[^/]+)$/,
      what: 'a password of MySQL',
      holds: /^[ \t]*password[ \t]*=[ \t]*\S/m,
    },
    {
      path: /\/etc\/mysql\/debian\.cnf$/,
      what: 'a password of MySQL',
      holds: /^[ \t]*password[ \t]*=[ \t]*\S/m,
    },
    {
      path: /\/etc\/(?:NetworkManager\/system-connections\/[^/]+|netplan\/[^/]+\.ya?ml)$/,
      what: 'a password of a network',
      holds:
        /^[ \t]*(?:psk|password|private-key|leap-password|wep-key\d|secret)[ \t]*[=:][ \t]*["']?[^\s"']/m,
    },
    {
      path: /\/etc\/wpa_supplicant\/[^/]+\.conf$/,
      what: 'a password of a wireless network',
      holds: /^[ \t]*(?:#[ \t]*)?(?:psk|password|wep_key\d)[ \t]*=[ \t]*\S/m,
    },
    {
      path: /\/var\/lib\/iwd\/[^/]+\.(?:psk|8021x)$/,
      what: 'a password of a wireless network',
      holds: /^[ \t]*(?:Passphrase|PreSharedKey|EAP-.*Password)[ \t]*=[ \t]*\S/m,
    },
    {
      path: /\/etc\/(?:ppp\/(?:chap|pap)-secrets|ipsec\.secrets)$/,
      what: 'a password of a network',
      holds: /^[ \t]*(?!#|include\b)\S.*\S[ \t]+\S/m,
    },
    {
      path: /\/etc\/(?:fstab\.d|samba|cifs)[^/]*\/[^/]*cred[^/]*$|\/\.(?:smb|cifs)?credentials$/,
      what: 'a password of a file server',
      holds: /^[ \t]*password[ \t]*=[ \t]*\S/m,
    },
    {
      path: /\/etc\/gitlab-runner\/config\.toml$/,
      what: 'a token of a CI runner',
      holds: /^[ \t]*token[ \t]*=[ \t]*"[^"]/m,
    },
    {
      path: /\/(?:actions-runner|_work|runner)\/\.credentials(?:_rsaparams)?$/,
      what: 'credentials of a CI runner',
    },
    {
      path: /\/\.config\/(?:containers|systemd)\/credstore\/[^/]+$|^\/etc\/credstore\/[^/]+$/,
      what: 'a credential of systemd',
    },
    { path: /\/\.vnc\/passwd$/, what: 'a password of VNC', binary: true },
  ],
);
