import { secretRule } from '../secrets';

export const cloudCredentials = secretRule(
  {
    id: 'cloud-credentials',
    severity: 'error',
    title: 'Credentials of clouds and clusters',
    advice: 'Remove the file, and revoke the credentials: whoever had the image may have them',
    help: 'Whoever has the image can act in the name of their owner. Looked at are the files in which the tools of AWS, Google Cloud, Azure, DigitalOcean, Oracle, IBM, Alibaba, Hetzner, OpenStack, Kubernetes, Terraform, Vault, Heroku, Fly.io, s3cmd, rclone and others keep credentials.',
  },
  [
    {
      path: /\/\.aws\/(?:credentials|config)$/,
      what: 'an access key of AWS',
      holds: /^[ \t]*aws_(?:secret_access_key|session_token)[ \t]*=[ \t]*\S/im,
    },
    {
      path: /\/\.aws\/(?:sso|cli)\/cache\/[^/]+\.json$/,
      what: 'a token of AWS',
      holds: /"(?:accessToken|SecretAccessKey)"\s*:\s*"[^"]/,
    },
    {
      path: /\/gcloud\/(?:credentials\.db|access_tokens\.db)$/,
      what: 'credentials of Google Cloud',
      binary: true,
    },
    {
      path: /\/gcloud\/(?:application_default_credentials|legacy_credentials\/[^/]+\/adc)\.json$/,
      what: 'credentials of Google Cloud',
      holds: /"(?:refresh_token|private_key)"\s*:\s*"[^"]/,
    },
    {
      path: /^\/(?:root|home|etc|opt|srv|var|usr\/local|usr\/home|Users)\/(?:[^/]+\/){0,6}[^/]*(?:service[-_]?account|credentials?|[-_]key|gcp|google)[^/]*\.json$/,
      what: 'a key of a service account of Google Cloud',
      holds: [/"type"\s*:\s*"service_account"/, /"private_key"\s*:\s*"[^"]/],
    },
    {
      path: /\/\.azure\/(?:accessTokens|msal_token_cache|service_principal_entries|azureProfile)\.json$/,
      what: 'tokens of Azure',
      holds: /"(?:accessToken|refreshToken|client_secret|secret|AccessToken|RefreshToken)"\s*:/,
    },
    { path: /\/\.azure\/msal_token_cache\.bin$/, what: 'tokens of Azure', binary: true },
    {
      path: /\/doctl\/config\.yaml$/,
      what: 'a token of DigitalOcean',
      holds: /^[ \t]*access-token:[ \t]*["']?\w/m,
    },
    { path: /\/hcloud\/cli\.toml$/, what: 'a token of Hetzner', holds: /^[ \t]*token[ \t]*=[ \t]*["']\w/m },
    {
      path: /\/\.oci\/config$/,
      what: 'credentials of Oracle Cloud',
      holds: /^[ \t]*(?:key_file|pass_phrase)[ \t]*=[ \t]*\S/m,
    },
    {
      path: /\/\.bluemix\/config\.json$/,
      what: 'a token of IBM Cloud',
      holds: /"IAM(?:Refresh)?Token"\s*:\s*"[^"]/,
    },
    {
      path: /\/\.aliyun\/config\.json$/,
      what: 'an access key of Alibaba Cloud',
      holds: /"access_key_secret"\s*:\s*"[^"]/,
    },
    {
      path: /\/(?:openstack\/)?(?:secure|clouds)\.ya?ml$/,
      what: 'a password of OpenStack',
      holds: /^[ \t]*(?:password|application_credential_secret)[ \t]*:[ \t]*\S/m,
    },
    {
      path: /\/[^/]*openrc(?:\.sh)?$/,
      what: 'a password of OpenStack',
      holds: /OS_(?:PASSWORD|APPLICATION_CREDENTIAL_SECRET)=["']?[^\s"'$]/,
    },
    {
      path: /\/(?:\.kube\/config|etc\/kubernetes\/[^/]+\.conf|etc\/rancher\/[^/]+\/[^/]+\.yaml)$/,
      what: 'credentials of Kubernetes',
      holds: /^[ \t]*(?:-[ \t]*)?(?:token|client-key-data|password)[ \t]*:[ \t]*\S/m,
    },
    { path: /\/var\/run\/secrets\/kubernetes\.io\/serviceaccount\/token$/, what: 'a token of Kubernetes' },
    {
      path: /\/(?:\.terraform\.d\/credentials\.tfrc\.json|\.terraformrc|\.tofurc)$/,
      what: 'a token of Terraform',
      holds: /"?token"?\s*[:=]\s*"[^"]/,
    },
    {
      path: /\/terraform\.tfstate(?:\.backup)?$/,
      what: 'the state of Terraform, which holds secrets in clear',
      holds: /"resources"\s*:\s*\[\s*\{/,
    },
    { path: /\/\.vault-token$/, what: 'a token of Vault' },
    { path: /\/\.s3cfg$/, what: 'an access key of S3', holds: /^[ \t]*secret_key[ \t]*=[ \t]*\S/m },
    {
      path: /\/(?:\.boto|etc\/boto\.cfg)$/,
      what: 'an access key',
      holds: /^[ \t]*(?:aws_secret_access_key|gs_secret_access_key|gs_oauth2_refresh_token)[ \t]*=[ \t]*\S/m,
    },
    {
      path: /\/\.mc\/config\.json$|\/\.minio\/config\.json$/,
      what: 'an access key of MinIO',
      holds: /"secretKey"\s*:\s*"[^"]/,
    },
    {
      path: /\/rclone(?:\/rclone)?\.conf$/,
      what: 'credentials of rclone',
      holds: /^[ \t]*(?:token|pass|password|secret_access_key|client_secret|key)[ \t]*=[ \t]*\S/m,
    },
    { path: /\/\.passwd-s3fs$|\/etc\/passwd-s3fs$/, what: 'an access key of S3', holds: /\S+:\S+/ },
    { path: /\/\.fly\/config\.yml$/, what: 'a token of Fly.io', holds: /^[ \t]*access_token:[ \t]*\S/m },
    { path: /\/\.config\/heroku\/[^/]+$|\/\.heroku\/[^/]+$/, what: 'a token of Heroku', holds: /token/i },
    {
      path: /\/\.cloudflared\/(?:cert\.pem|[^/]+\.json)$/,
      what: 'credentials of Cloudflare',
      holds: /TUNNEL TOKEN|"TunnelSecret"/,
    },
  ],
);
