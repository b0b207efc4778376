import { folderRule } from '../leftovers';

export const logs = folderRule(
  {
    id: 'logs',
    severity: 'note',
    title: 'Logs',
    advice: 'Empty the files, or remove them: rm -r of journals, truncate -s 0 of what programs expect',
    help: 'They tell of the machine on which the image was made, and of who was on it. Looked at is what is not empty in /var/log and in other folders of logs and crashes.',
  },
  [
    { path: /^(\/var\/log\/journal)\/.+$/, what: 'the journal' },
    { path: /^(\/var\/log)\/.+$/, what: 'logs' },
    { path: /^(\/var\/(?:crash|spool\/abrt|lib\/systemd\/coredump|tmp\/abrt|adm))\/.+$/, what: 'crashes' },
    { path: /^(\/(?:var\/spool\/mail|var\/mail))\/[^/]+$/, what: 'mail' },
    {
      path: /^(\/root)\/(?:anaconda-ks\.cfg|original-ks\.cfg|install\.log.*|anaconda-[^/]+\.log)$/,
      what: 'logs of the installer',
    },
  ],
);
