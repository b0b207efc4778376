import { describe, expect, test } from '@jest/globals';
import { textOf } from '../../lib/faults/faults';
import { causeOfDeath, RefusedWrites } from '../../lib/faults/kernel-words';
import { faultIn } from '../../lib/faults/words';

// Words of libguestfs 1.48, qemu 7.2 and supermin 5.2.
describe('the words of the host tell code and advice', () => {
  test.each<[what: string, words: string, code: string, errno: string | undefined, advice: RegExp]>([
    [
      'a lock',
      `qemu-system-x86_64: -drive file=/i/good.qcow2,cache=writeback,format=qcow2,id=hd0,if=none: Failed to get "write" lock
Is another process using the image [/i/good.qcow2]?`,
      'ERR_GUESTFS_IMAGE_LOCKED',
      undefined,
      /^\/i\/good\.qcow2 is in use.*readonly: true$/,
    ],
    [
      'the lock of a backing file',
      `qemu-system-x86_64: -drive file=/i/over.qcow2,cache=writeback,format=qcow2,id=hd0,if=none: Could not open backing file: Failed to get shared "write" lock
Is another process using the image [/i/base.qcow2]?`,
      'ERR_GUESTFS_IMAGE_LOCKED',
      undefined,
      /^\/i\/base\.qcow2 is in use/,
    ],
    [
      'a chain of backing files that comes back to its image',
      `qemu-system-x86_64: -drive file=/i/b.qcow2,cache=writeback,format=qcow2,id=hd0,if=none: Could not open backing file: Could not open backing file: Failed to get shared "write" lock
Is another process using the image [/i/b.qcow2]?`,
      'ERR_GUESTFS_BACKING_LOOP',
      'ELOOP',
      /^\/i\/b\.qcow2 is its own backing file.*qemu-img rebase/,
    ],
    [
      'a chain that is followed until no descriptor is left',
      `qemu-img: /tmp/libguestfsbb1oG6/overlay1.qcow2: ${'Could not open backing file: '.repeat(100)}Could not open 'b.qcow2': Too many open files`,
      'ERR_GUESTFS_BACKING_LOOP',
      'ELOOP',
      /^\/i\/drive is its own backing file/,
    ],
    [
      'a missing backing file',
      `qemu-system-x86_64: -drive file=/i/over.qcow2,cache=writeback,format=qcow2,id=hd0,if=none: Could not open backing file: Could not open '/i/base.qcow2': No such file or directory`,
      'ERR_GUESTFS_BACKING_FILE',
      'ENOENT',
      /^the backing file \/i\/base\.qcow2 cannot be opened: No such file.*qemu-img rebase -u -b/,
    ],
    [
      'the same of a read-only drive',
      `qemu-img: /tmp/libguestfswtUiOE/overlay1.qcow2: Could not open backing file: Could not open '/i/base.qcow2': No such file or directory
Could not open backing image.
qemu-img: /tmp/libguestfswtUiOE/overlay1.qcow2: qemu-img exited with error status 1.`,
      'ERR_GUESTFS_BACKING_FILE',
      'ENOENT',
      /^the backing file \/i\/base\.qcow2 cannot be opened/,
    ],
    [
      'a wrong format',
      'qemu-system-x86_64: -drive file=/i/a,,b,cache=writeback,format=qcow2,id=hd0,if=none: Image is not in qcow2 format',
      'ERR_GUESTFS_IMAGE_INVALID',
      undefined,
      /^\/i\/a,b cannot be opened: Image is not in qcow2 format.*qemu-img info/,
    ],
    [
      'a header that was cut',
      'qemu-system-x86_64: -drive file=/i/x,cache=writeback,id=hd0,if=none: qcow2 header too short',
      'ERR_GUESTFS_IMAGE_INVALID',
      undefined,
      /header too short/,
    ],
    [
      'a format that qemu does not know',
      "qemu-system-x86_64: -drive file=/i/x,cache=writeback,format=nonsense,id=hd0,if=none: Unknown driver 'nonsense'",
      'ERR_GUESTFS_IMAGE_INVALID',
      undefined,
      /Unknown driver 'nonsense'/,
    ],
    [
      'a wrong format of a read-only drive',
      `qemu-img: /tmp/libguestfsFyK3ru/overlay1.qcow2: qemu-img exited with error status 1.
qemu-img: /tmp/libguestfsFyK3ru/overlay1.qcow2: Image is not in qcow2 format
Could not open backing image.`,
      'ERR_GUESTFS_IMAGE_INVALID',
      undefined,
      /^\/i\/drive cannot be opened: Image is not in qcow2 format\. /,
    ],
    [
      'the same since libguestfs 1.56',
      'qemu-img: qemu-img: /tmp/libguestfs1pgirx/overlay1.qcow2: Image is not in qcow2 format Could not open backing image. : qemu-img exited with error status 1.',
      'ERR_GUESTFS_IMAGE_INVALID',
      undefined,
      /^\/i\/drive cannot be opened: Image is not in qcow2 format\. /,
    ],
    [
      'a missing backing file since libguestfs 1.56',
      "qemu-img: qemu-img: /tmp/libguestfs1pgirx/overlay1.qcow2: Could not open backing file: Could not open '/i/base.qcow2': No such file or directory Could not open backing image. : qemu-img exited with error status 1.",
      'ERR_GUESTFS_BACKING_FILE',
      'ENOENT',
      /^the backing file \/i\/base\.qcow2 cannot be opened: No such file or directory\. /,
    ],
    [
      'a lock since libguestfs 1.56',
      'qemu-img: qemu-img: /tmp/libguestfs1pgirx/overlay1.qcow2: Failed to get shared "write" lock Is another process using the image [/i/locked]? Could not open backing image. : qemu-img exited with error status 1.',
      'ERR_GUESTFS_IMAGE_LOCKED',
      undefined,
      /\/i\/locked/,
    ],
    [
      'a hypervisor that is not there since libguestfs 1.58',
      '/nowhere/qemu: did not understand QMP monitor output\nError output of qemu: sh: 1: /nowhere/qemu: not found',
      'ERR_GUESTFS_NO_HYPERVISOR',
      'ENOENT',
      /^the hypervisor \/nowhere\/qemu does not exist/,
    ],
    [
      'a hypervisor that cannot be run, where sh is bash',
      '/etc/passwd: did not understand QMP monitor output\nError output of qemu: sh: line 1: /etc/passwd: Permission denied',
      'ERR_GUESTFS_NO_HYPERVISOR',
      'EACCES',
      /^the hypervisor \/etc\/passwd cannot be run/,
    ],
    [
      'a folder',
      "qemu-img: /tmp/libguestfsZDDaV1/overlay1.qcow2: 'file' driver requires '/i/folder' to be a regular file",
      'ERR_GUESTFS_IMAGE_INVALID',
      undefined,
      /^\/i\/folder is a folder/,
    ],
    [
      'an image that may not be opened',
      "qemu-system-x86_64: -device scsi-hd,drive=hd0: Could not open '/i/image': Permission denied",
      'ERR_GUESTFS_IMAGE_UNREADABLE',
      'EACCES',
      /^\/i\/image cannot be opened: Permission denied.*this user may open it/,
    ],
    [
      'one that is read-only',
      '/t/libguestfsK3O5LA: cannot create temporary directory: Read-only file system',
      'ERR_GUESTFS_TMPDIR',
      'EROFS',
      /^the folder \/t cannot be used.*can be written/,
    ],
    [
      'one that is full',
      `qemu-img: /t/libguestfs8Fw1yW/overlay1.qcow2: Could not write qcow2 header: No space left on device`,
      'ERR_GUESTFS_TMPDIR',
      'ENOSPC',
      /^the folder \/t cannot be used.*Free some space there/,
    ],
    [
      'one that cannot be written',
      'stat: /c/.guestfs-0: No such file or directory',
      'ERR_GUESTFS_CACHEDIR',
      'ENOENT',
      /^the folder \/c cannot be used for the cached appliance/,
    ],
    [
      'one that is full at once',
      `/usr/bin/supermin exited with error status 1.
cp: error writing '/c/.guestfs-0/appliance.d.almnkia2/kernel': No space left on device
supermin: cp -p '/boot/vmlinuz' '/c/.guestfs-0/appliance.d.almnkia2/kernel': command failed, see earlier errors`,
      'ERR_GUESTFS_CACHEDIR',
      'ENOSPC',
      /^the folder \/c cannot be used for the cached appliance.*Free about 1 GiB/,
    ],
    [
      'one that is full later',
      'supermin: error: statvfs: No space left on device: /c/.guestfs-0/appliance.d.oh6a4m6q/root',
      'ERR_GUESTFS_CACHEDIR',
      'ENOSPC',
      /^the folder \/c cannot be used for the cached appliance/,
    ],
    [
      'too little memory',
      "qemu-system-x86_64: cannot set up guest memory 'pc.ram': Cannot allocate memory",
      'ERR_GUESTFS_MEMORY',
      'ENOMEM',
      /'memsize', LIBGUESTFS_MEMSIZE/,
    ],
    [
      'too little memory for emulation',
      'qemu-system-x86_64: allocate 1073741824 bytes for jit buffer: Cannot allocate memory',
      'ERR_GUESTFS_MEMORY',
      'ENOMEM',
      /'memsize', LIBGUESTFS_MEMSIZE/,
    ],
    ['too few descriptors', 'pipe2: Too many open files', 'ERR_GUESTFS_LIMIT', 'EMFILE', /ulimit -n/],
    [
      'a helper that could not be started',
      'qemu-img: /t/libguestfs9lK60h/overlay1.qcow2: qemu-img exited for an unknown reason (status -1).',
      'ERR_GUESTFS_LIMIT',
      'EAGAIN',
      /ulimit -n/,
    ],
    [
      'a kernel that may not be read',
      "cp: cannot open '/boot/vmlinuz-6.1' for reading: Permission denied",
      'ERR_GUESTFS_KERNEL_UNREADABLE',
      'EACCES',
      /sudo chmod 0644 \/boot\/vmlinuz-6\.1/,
    ],
    [
      'no kernel',
      'supermin: failed to find a suitable kernel (host_cpu=x86_64).',
      'ERR_GUESTFS_NO_KERNEL',
      undefined,
      /there is none: .*install /,
    ],
    [
      'no appliance',
      'cannot find any suitable libguestfs supermin, fixed or old-style appliance on LIBGUESTFS_PATH (search path: /none)',
      'ERR_GUESTFS_NO_APPLIANCE',
      undefined,
      /no appliance in \/none.*LIBGUESTFS_PATH/,
    ],
    [
      'no qemu',
      'stat: /no/qemu: No such file or directory',
      'ERR_GUESTFS_NO_HYPERVISOR',
      'ENOENT',
      /hypervisor \/no\/qemu.*LIBGUESTFS_HV/,
    ],
  ])('%s', (_, words, code, errno, advice) => {
    const fault = faultIn({ said: words, path: '/i/drive' });
    expect({ code: fault?.code, errno: fault?.errno }).toEqual({ code, errno });
    expect(fault && textOf(fault)).toMatch(advice);
  });

  test.each([
    '/nonexistent: No such file or directory',
    'invalid smp parameter: 0',
    'no drives have been added: use guestfs_add_drive_opts',
  ])('and nothing else: %s', (words) => {
    expect(faultIn({ message: words })).toBeUndefined();
  });
});

describe('words of which an image has a say', () => {
  const words = [
    '/a/.guestfs-1/',
    '/tmp/libguestfsabcdef/overlay',
    "Could not open backing file: Could not open 'a",
    'qemu-img: -drive file=',
    ',,',
    ': No such file or directory: /',
    "qemu-img: /libguestfsabcdef/overlay1.qcow2: Could not open 'a",
  ];

  test.each(words)('are searched in no time, however many: %s', (word) => {
    const many = word.repeat(Math.ceil(64_000 / word.length));
    const start = process.cpuUsage();
    for (const text of [many, `qemu-img: ${many}`, many.replaceAll('/', '\n/')]) faultIn({ said: text });
    expect(process.cpuUsage(start).user / 1000).toBeLessThan(1000); // ms: all but linear time would take many seconds
  });
});

describe('the console tells', () => {
  const refusedWrite = (console: string) => {
    const writes = new RefusedWrites();
    writes.read(console);
    return writes.fault;
  };

  test('why the appliance has died', () => {
    expect(causeOfDeath('[   15.720941] Kernel panic - not syncing: sysrq triggered crash\nCPU: 0')).toBe(
      'its kernel panicked (sysrq triggered crash)',
    );
    expect(
      causeOfDeath('[   20.2] Out of memory: Killed process 155 (guestfsd) total-vm:142456kB\nRebooting.'),
    ).toMatch(/memory for guestfsd.*memsize/);
    expect(causeOfDeath('Starting /init script ...')).toBeUndefined();
  });

  test('which writes the host has refused', () => {
    expect(
      refusedWrite(
        '[ 20.33] critical space allocation error, dev sda, sector 8706 op 0x1:(WRITE) flags 0x4000',
      ),
    ).toMatchObject({
      code: 'ERR_GUESTFS_DISK_FULL',
      errno: 'ENOSPC',
      problem: expect.stringContaining('no space left'),
    });
    expect(
      refusedWrite('[ 20.33] I/O error, dev sdb, sector 8706 op 0x1:(WRITE) flags 0x4000'),
    ).toMatchObject({
      code: 'ERR_GUESTFS_DISK_ERROR',
      errno: 'EIO',
      problem: expect.stringContaining('input/output error'),
    });
    expect(refusedWrite('[ 20.33] I/O error, dev sdb, sector 8706 op 0x0:(READ) flags 0x0')).toBeUndefined();
  });
});
