import { leftoverRule } from '../leftovers';

export const dhcpLeases = leftoverRule(
  {
    id: 'dhcp-leases',
    severity: 'note',
    title: 'Leases of DHCP',
    advice: 'Remove the file',
    help: 'Machines ask for the address that another one had, and the file tells of the network in which the image was made. Looked at are the leases of dhclient, dhcpcd, NetworkManager, wicked, systemd and udhcpc.',
  },
  [
    {
      path: /^\/var\/(?:lib|db)\/(?:dhcp3?|dhclient|dhcpcd5?)\/.*\.leases?[^/]*$|^\/var\/lib\/(?:NetworkManager\/.*(?:\.lease|\/timestamps|\/seen-bssids)|wicked\/lease-.*\.xml|dhcpcd\/.*\.lease6?|systemd\/network\/.*lease.*)$|^\/var\/db\/dhclient\.leases\.[^/]+$|^\/etc\/dhcpc\/[^/]+\.(?:info|cache)$/,
      what: 'a lease of DHCP',
    },
  ],
);
