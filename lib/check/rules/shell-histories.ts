import type { TreeRule } from '../rule';
import { secretRule } from '../secrets';

export const shellHistories: TreeRule = {
  ...secretRule(
    {
      id: 'shell-histories',
      severity: 'warning',
      title: 'Histories of shells and other programs',
      advice: 'Remove the file',
      help: 'They tell what was typed while the image was made, passwords and tokens among it. Looked at are the histories of shells, databases, Python, Node.js, less and vi in all homes.',
    },
    [
      {
        path: /\/(?:\.(?:bash|zsh|sh|ash|ksh|mksh|csh|tcsh|mysql|mariadb|psql|sqlite|rediscli|dbshell|mongo|irb|php|node_repl|python|scala|octave|R|influx|calc|eog)_?history|\.(?:history|histfile|lesshst|viminfo|pry_history|rhistory|zhistory|irb-history|wget-hsts)|\.node_repl_history|\.local\/share\/(?:fish\/fish_history|nano\/search_history|nvim\/shada\/main\.shada)|\.local\/state\/(?:bash\/history|zsh\/history|nvim\/shada\/main\.shada|python_history)|\.mongodb\/mongosh\/[^/]+_history|PSReadLine\/ConsoleHost_history\.txt|PSReadline\/ConsoleHost_history\.txt)$/,
        what: 'a history of what was typed',
        binary: true,
      },
    ],
  ),
};
