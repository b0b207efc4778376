import type { Rule } from '../rule';
import { bootLoaderMissing } from './boot-loader';
import { cloudCredentials } from './cloud-credentials';
import { cloudInit } from './cloud-init';
import { dhcpLeases } from './dhcp-leases';
import { filesystemsFull } from './filesystems-full';
import { fstabEntries } from './fstab';
import { gptBackup } from './gpt';
import { kernelMissing } from './kernel';
import { logs } from './logs';
import { machineId } from './machine-id';
import { packageCaches } from './package-caches';
import { packageStates } from './package-states';
import { partitionAlignment } from './partitions';
import { emptyPasswords, passwordsSet, weakPasswords } from './passwords';
import { privateKeys } from './private-keys';
import { randomSeeds } from './random-seeds';
import { registryTokens } from './registry-tokens';
import { repositoryTokens } from './repository-tokens';
import { setuidPrograms } from './setuid';
import { shellHistories } from './shell-histories';
import { sshAuthorizedKeys } from './ssh-authorized-keys';
import { sshHostKeys } from './ssh-host-keys';
import { worldWritable } from './world-writable';

/** Rules that are always there, in the order in which they are told. */
export const ownRules: readonly Rule[] = [
  ...[sshHostKeys, sshAuthorizedKeys, privateKeys, cloudCredentials, registryTokens, repositoryTokens],
  ...[emptyPasswords, weakPasswords, passwordsSet],
  ...[machineId, randomSeeds, dhcpLeases, shellHistories, logs, cloudInit, packageCaches],
  ...[worldWritable, setuidPrograms],
  ...[fstabEntries, kernelMissing, bootLoaderMissing, packageStates],
  ...[filesystemsFull, partitionAlignment, gptBackup],
];
