// Which devices there are and what is on each: cheaper than list_filesystems, which runs parted for every partition.
import type { Guestfs } from '../guestfs';
import type { ImageFacts } from '../host/image-facts';
import type { ImageReport } from '../host/image-types';
import {
  type BlkidOutput,
  encryptedOf,
  filesystemOf,
  identityOf,
  isMangled,
  isMountable,
  isPartOf,
  partitionOf,
  partitionTableOf,
  plainUuid,
  tableType,
  unknownFilesystem,
  valueIn,
} from './blkid';
import type { KnownDevices } from './guest-names';
import { whyInactive } from './inactive';
import type { VolumeKey } from './keys';
import { type Member, memberOf, noteLoneMembers } from './members';
import { isRefusal, orNull, type Problems } from './problems';
import type { FilesystemReport, InspectionReport, PartitionReport } from './report';
import { unlock } from './unlock';

export class Devices {
  /** Filesystems of which the sizes can be found out. */
  readonly mountable: FilesystemReport[] = [];
  /** Devices of LVM's physical volumes by their UUIDs without dashes: LVM itself calls disks as the appliance's kernel does. */
  readonly physicalVolumes = new Map<string, string>();
  /** Devices by what the appliance's kernel calls them: libguestfs translates its names in most answers, not in all. */
  readonly kernelNames = new Map<string, string>();
  /** UUIDs of partitions, as blkid writes them. */
  readonly #partitionUuids = new Map<string, string>();
  /** Devices of LVM's logical volumes: `/dev/VG/LV`. */
  logicalVolumes: readonly string[] = [];
  readonly #g: Guestfs;
  readonly #report: InspectionReport;
  readonly #problems: Problems;
  readonly #keys: readonly VolumeKey[];
  readonly #writable: boolean;
  readonly #seen = new Set<string>();
  /** What is a part of something larger. */
  readonly members: Member[] = [];
  /** Disks that begin with zeros, and on which nothing is recognised. */
  readonly #blank: string[] = [];
  /** Devices by what is of one only, of those that the appliance's kernel tells apart by that. */
  readonly #identities = new Map<string, string>();
  #hasLvm = false;

  /** @param writable open encrypted volumes so that they can be changed */
  constructor(
    g: Guestfs,
    report: InspectionReport,
    problems: Problems,
    keys: readonly VolumeKey[],
    writable = false,
  ) {
    this.#g = g;
    this.#report = report;
    this.#problems = problems;
    problems.kernelNames = this.kernelNames;
    this.#keys = keys;
    this.#writable = writable;
  }

  /** What has been found, by all that names it. */
  get known(): KnownDevices {
    const { images, partitions, filesystems, encrypted } = this.#report;
    return {
      disks: images.map(({ device }) => device),
      ...{ partitions, encrypted },
      filesystems: filesystems.filter(({ device }) => !device.startsWith('btrfsvol:')),
      partitionUuids: this.#partitionUuids,
      logicalVolumes: this.logicalVolumes,
    };
  }

  async examine(): Promise<void> {
    const partitions = await this.#list(() => this.#g.listPartitions());
    for (const image of this.#report.images) {
      const output = await this.#probe(image.device);
      if (!output) continue;
      image.partitionTable = partitionTableOf(output);
      const isPartitioned = partitions.some((partition) => isPartOf(partition, image.device));
      if (output.has('TYPE')) await this.#addContent(image.device, output);
      else if (image.virtualSize === 0) continue;
      else if (!isPartitioned && image.partitionTable === null) await this.#noteUnrecognised(image);
      else if (!isPartitioned) await this.#noteWithoutPartitions(image);
    }
    for (const device of partitions) await this.#examinePartition(device);
    for (const device of await this.#list(() => this.#g.listMdDevices())) {
      if (!partitions.some((partition) => isPartOf(partition, device))) await this.#examineVolume(device);
    }
    await this.#examineLogicalVolumes();
    await this.#unlockAll();
    const found = { members: this.members, filesystems: this.#report.filesystems };
    await noteLoneMembers(this.#g, found, this.#problems);
    this.#noteBlank();
  }

  async #examinePartition(device: string): Promise<void> {
    const output = await this.#probe(device);
    const partition = output
      ? partitionOf(device, output)
      : await this.#problems.attempt(device, () => this.#partitionByParted(device));
    const uuid = output && valueIn(output, 'PART_ENTRY_UUID');
    if (uuid) this.#partitionUuids.set(device, uuid);
    if (partition) {
      if (isMangled(partition.label)) partition.label = await this.#exactName(partition);
      this.#report.partitions.push(partition);
    }
    if (output) await this.#addContent(device, output);
    else this.#report.filesystems.push(unknownFilesystem(device));
  }

  async #exactName({ device, number, label }: PartitionReport): Promise<string | null> {
    const name = await this.#problems.attempt(device, async () =>
      this.#g.partGetName(await this.#g.partToDev(device), number),
    );
    return name ?? label;
  }

  /** blkid refuses a partition that looks like two filesystems at once. */
  async #partitionByParted(device: string): Promise<PartitionReport | undefined> {
    const g = this.#g;
    const disk = await g.partToDev(device);
    const number = await g.partToPartnum(device);
    const type = tableType(await g.partGetParttype(disk)) ?? 'unknown';
    const partition = (await g.partList(disk)).find(({ partNum }) => partNum === number);
    return (
      partition && {
        device,
        number,
        start: Number(partition.partStart),
        end: Number(partition.partEnd),
        size: Number(partition.partSize),
        type,
        mbrId: type === 'mbr' ? await g.partGetMbrId(disk, number) : null,
        gptType: type === 'gpt' ? await g.partGetGptType(disk, number) : null,
        bootable: await g.partGetBootable(disk, number),
        label: null,
        content: null,
      }
    );
  }

  async #examineVolume(device: string): Promise<void> {
    if (this.#seen.has(device)) return;
    const output = await this.#probe(device);
    if (output) await this.#addContent(device, output);
    else this.#report.filesystems.push(unknownFilesystem(device));
  }

  async #addContent(device: string, output: BlkidOutput): Promise<void> {
    if (output.get('TYPE') === 'LVM2_member') {
      this.#hasLvm = true;
      this.physicalVolumes.set(plainUuid(output.get('UUID') ?? ''), device);
    }
    this.#noteCopy(device, output);
    const member = memberOf(device, output);
    if (member) this.members.push(member);
    const encrypted = encryptedOf(device, output);
    if (encrypted) this.#report.encrypted.push(encrypted);
    const filesystem = filesystemOf(device, output);
    if (!filesystem) return;
    if (isMangled(filesystem.label)) {
      const label = await this.#problems.attempt(device, () => this.#g.vfsLabel(device));
      filesystem.label = label ?? filesystem.label;
    }
    this.#report.filesystems.push(filesystem);
    if (isMountable(output)) this.mountable.push(filesystem);
    // blkid(8) finds nothing where nothing can be read.
    else if (filesystem.type === 'unknown') await this.#beginningOf(device);
  }

  /** Of copies of a disk LVM, RAID and btrfs take one for the other. */
  #noteCopy(device: string, output: BlkidOutput): void {
    const identity = identityOf(output);
    if (identity === undefined) return;
    const first = this.#identities.get(identity);
    if (first === undefined) this.#identities.set(identity, device);
    else
      this.#problems.note(
        device,
        'ERR_GUESTFS_COPIES',
        `${device} is a copy of ${first} (${output.get('TYPE')}, of the same UUID), and only one of them is seen, perhaps under the names of both: look at each by itself, without the other`,
      );
  }

  async #examineLogicalVolumes(): Promise<void> {
    if (this.#hasLvm) this.logicalVolumes = await this.#list(() => this.#g.lvs());
    const volumes = [
      ...this.logicalVolumes,
      ...(await this.#list(() => this.#g.listLdmVolumes())),
      ...(await this.#list(() => this.#g.listLdmPartitions())),
    ];
    for (const device of volumes) await this.#examineVolume(device);
  }

  /** Opens encrypted volumes. An opened one may hold others, or a part of LVM: the list grows meanwhile. */
  async #unlockAll(): Promise<void> {
    if (this.#keys.length === 0) return;
    for (const volume of this.#report.encrypted) {
      const taken = this.#report.encrypted.map(({ mapping }) => mapping);
      const mapping = await this.#problems.attempt(volume.device, () =>
        unlock(this.#g, volume, this.#keys, this.#writable, taken),
      );
      if (mapping === undefined) continue;
      volume.opened = true;
      volume.mapping = mapping;
      await this.#examineVolume(mapping);
      if (!this.#hasLvm) continue;
      await this.#problems.attempt(mapping, () => this.#g.lvmScan(true));
      await this.#examineLogicalVolumes();
    }
  }

  /** A blank disk beside others is nothing to worry about, anything else may be a mistake of the user. */
  async #noteUnrecognised({ device, virtualSize, blocksize }: ImageReport): Promise<void> {
    const start = await this.#beginningOf(device);
    if (!start) return;
    const end = await orNull(this.#g.preadDevice(device, blocksize, Math.max(0, virtualSize - blocksize)));
    if (end?.toString('latin1', 0, 8) === 'EFI PART') {
      const why = `the GPT at the beginning of ${device} is missing, and only its copy at the end is there (\`gdisk\` mends a copy of the image, by r, b, c and w)`;
      this.#noteStrange(device, `${why}: what is in its partitions could not be looked at`);
      return;
    }
    if (start.every((byte) => byte === 0)) {
      this.#blank.push(device);
      return;
    }
    this.#noteStrange(
      device,
      `neither a partition table nor a filesystem is recognised on ${device}: is this a disk image, and of this format?`,
    );
  }

  /** A table may have no partitions, or be one of which the appliance's kernel makes none. */
  async #noteWithoutPartitions({ device, partitionTable }: ImageReport): Promise<void> {
    if (partitionTable === 'PMBR') {
      this.#noteStrange(
        device,
        `${device} has the protective MBR of a GPT, but no GPT where it should be: the table is damaged, was made for sectors of another size (4096 bytes), or the image is cut`,
      );
      return;
    }
    const partitions = await orNull(this.#g.partList(device));
    if (partitions?.length === 0) return;
    const what = partitions ? `its ${partitions.length} partitions` : 'its partitions';
    const why =
      partitionTable === 'gpt'
        ? `the GPT at the beginning of ${device} is damaged, and only its copy at the end is there (\`sgdisk -e\` mends a copy of the image)`
        : `the kernel of libguestfs's appliance makes no partitions of the table on ${device} (${partitionTable})`;
    this.#noteStrange(device, `${why}: what is in ${what} could not be looked at`);
  }

  /** A guest of which nothing is to be seen at all may be the wrong file, or one that was not copied. */
  #noteBlank(): void {
    const { partitions, filesystems, encrypted, images } = this.#report;
    const hasContent = partitions.length + filesystems.length + encrypted.length + this.members.length > 0;
    if (hasContent || this.#blank.length < images.length) return;
    for (const device of this.#blank) {
      this.#noteStrange(
        device,
        `${device} is blank, as far as it was looked at: it begins with zeros, without a partition table or a filesystem. Is this the right image, and was it copied to its end?`,
      );
    }
  }

  #noteStrange(device: string, message: string): void {
    this.#problems.note(device, 'ERR_GUESTFS_NOT_RECOGNISED', message);
  }

  #beginningOf(device: string): Promise<Buffer | undefined> {
    return this.#problems.attempt(device, () => this.#g.preadDevice(device, 65_536, 0));
  }

  async #probe(device: string): Promise<BlkidOutput | undefined> {
    this.#seen.add(device);
    const output = await this.#blkid(device);
    const kernelName = output && valueIn(output, 'DEVNAME');
    if (kernelName) this.kernelNames.set(kernelName, device);
    return output;
  }

  async #blkid(device: string): Promise<BlkidOutput | undefined> {
    try {
      return await this.#g.blkid(device);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (error.code === 'ENOENT' && this.logicalVolumes.includes(device)) {
        this.#noteStrange(device, await whyInactive(this.#g, device));
        return undefined;
      }
      this.#problems.noteError(device, error);
      // It does not say why, and the disk does.
      if (error.code !== 'ENOENT') await this.#beginningOf(device);
      return undefined;
    }
  }

  async #list(call: () => Promise<string[]>): Promise<string[]> {
    return (await this.#problems.attempt(null, call)) ?? [];
  }
}

/** A report of these images in which nothing has been found yet. */
export function beginReport(images: readonly ImageFacts[], devices: readonly string[]): InspectionReport {
  return {
    images: describeImages(images, devices),
    partitions: [],
    filesystems: [],
    encrypted: [],
    operatingSystems: [],
    problems: [],
  };
}

export function describeImages(
  images: readonly ImageFacts[],
  devices: readonly string[],
): InspectionReport['images'] {
  return images.map(({ path, format, virtualSize, blocksize = 512, actualSize, backingChain }, index) => ({
    path,
    device: devices[index] ?? 'unknown',
    format,
    virtualSize,
    blocksize,
    actualSize,
    backingChain,
    partitionTable: null,
  }));
}
