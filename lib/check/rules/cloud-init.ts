import { folderRule } from '../leftovers';

export const cloudInit = folderRule(
  {
    id: 'cloud-init-state',
    severity: 'warning',
    title: 'State of cloud-init and its like',
    advice: 'Run cloud-init clean --logs --seed while the image is made, or remove the folder',
    help: 'Machines may be taken for the one on which the image was made, so that what is to be done once is not done, and user data holds secrets. Looked at are the states of cloud-init, Ignition, the agents of Azure and Google, and cloudbase-init.',
  },
  [
    { path: /^(\/var\/lib\/cloud\/instances?)\/.+$/, what: 'an instance of cloud-init, with its user data' },
    { path: /^(\/var\/lib\/cloud\/(?:data|sem|handlers|scripts|seed))\/.+$/, what: 'state of cloud-init' },
    { path: /^(\/var\/lib\/waagent)\/(?!events\/|README).+$/, what: 'state of the agent of Azure' },
    {
      path: /^(\/var\/lib\/google)\/(?:.*instance_id|.*host_key.*|.*accounts\.json)$/,
      what: 'state of the agent of Google Cloud',
    },
    { path: /^(\/etc)\/\.ignition-result\.json$/, what: 'a run of Ignition' },
    { path: /^(\/run\/cloud-init)\/.+$/, what: 'state of cloud-init' },
  ],
);
