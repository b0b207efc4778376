import { secretRule } from '../secrets';

const pem = /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----/;

export const privateKeys = secretRule(
  {
    id: 'private-keys',
    severity: 'error',
    title: 'Private keys in the image',
    advice: 'Remove the key, and replace it where it is trusted: whoever had the image may have it',
    help: 'Whoever has the image has the key. Looked at are the files of .ssh folders, keys of TLS servers and of certificate authorities, of WireGuard, OpenVPN, GnuPG, age, Secure Boot and Kerberos, in homes and in the configuration; not those that packages bring as examples and tests in /usr.',
  },
  [
    { path: /\/\.ssh\/(?!known_hosts|authorized_keys)[^/]+$/, what: 'a private SSH key', holds: pem },
    { path: /\.ppk$/, what: 'a private key of PuTTY', holds: /^PuTTY-User-Key-File-/ },
    {
      path: /^\/(?:etc|opt|srv|root|home|var|usr\/local|usr\/home|boot|Users|ProgramData|data|mnt)\/.*\.(?:pem|key|ovpn|crt|priv)$/,
      what: 'a private key',
      holds: pem,
    },
    {
      path: /^\/(?:etc\/(?:ssl|pki|letsencrypt|openvpn|ipsec\.d|swanctl|easy-rsa)|var\/lib\/(?:dehydrated|acme|shim-signed))\/(?:.*\/)?[^/]+$/,
      what: 'a private key',
      holds: pem,
    },
    { path: /^\/[^/]+\.(?:pem|key)$/, what: 'a private key', holds: pem },
    {
      path: /\/etc\/wireguard\/[^/]+\.conf$/,
      what: 'a private key of WireGuard',
      holds: /^[ \t]*(?:PrivateKey|PresharedKey)[ \t]*=[ \t]*\S/im,
    },
    { path: /\/\.gnupg\/private-keys-v1\.d\/[^/]+\.key$/, what: 'a private key of GnuPG', binary: true },
    { path: /\/\.gnupg\/secring\.gpg$/, what: 'private keys of GnuPG', binary: true },
    {
      path: /\/(?:\.config\/(?:sops\/)?age\/keys?\.txt|age-key\.txt)$/,
      what: 'a private key of age',
      holds: /AGE-SECRET-KEY-1/,
    },
    { path: /\/(?:etc\/krb5|[^/]+)\.keytab$/, what: 'keys of Kerberos', binary: true },
    { path: /\.(?:p12|pfx)$/, what: 'a store of private keys (PKCS #12)', binary: true },
  ],
);
