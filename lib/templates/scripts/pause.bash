#!/bin/bash
# Stands before the appliance's `ls`. The daemon lists the disks when it starts, before it answers the host: that one
# listing waits here. The template is saved while it waits; a clone goes on from here with disks, clock and randomness
# of its own.
real=/usr/bin/ls
[[ -x /usr/lib/guestfs-node/ls ]] && real=/usr/lib/guestfs-node/ls
once=/run/guestfs-node.paused
[[ $# == 2 && $1 == -1v && $2 == /dev/disk/by-path && ! -e $once ]] || exec "$real" "$@"
[[ $(</proc/cmdline) == *guestfs_node_template=1* ]] || exec "$real" "$@"
: >"$once"

# The daemon reads what this prints; the host reads the console.
exec 3>&1 </dev/null >/dev/null 2>/dev/null
say() { echo "guestfs-template: $1" >/dev/console; }
fail() { say "failed: $1"; echo o >/proc/sysrq-trigger; while :; do sleep 1; done; }
exec {clock}<> <(:)
nap() { read -r -t "$1" -u "$clock"; }

control=/sys/firmware/qemu_fw_cfg/by_name/opt/org.guestfs.node/control/raw
# Emulation translates a program once for each address at which it lies: at the same one each time it is translated once.
echo 0 >/proc/sys/kernel/randomize_va_space
modprobe qemu_fw_cfg
modprobe sd_mod
[[ -r $control ]] || fail 'no control word'

for host in /sys/class/scsi_host/host*; do
  read -r driver <"$host/proc_name"
  [[ $driver == virtio_scsi ]] && break
done
[[ $driver == virtio_scsi ]] || fail 'no virtio-scsi'
bus=$(readlink "$host")
bus=${bus%%/virtio*}
prefix=pci-${bus##*/}-scsi-0:0

# The event by which qemu tells a clone that it is one: Linux then makes its random numbers anew.
forked=/sys/firmware/acpi/interrupts/gpe05
compgen -G '/sys/bus/*/drivers/vmgenid/*:*' && [[ -r $forked ]] || fail 'the kernel does not notice that it is a clone'
read -r before _ <"$forked"

# A disk that comes and goes: SCSI, udev and blkid have done once what each clone will need them for.
say warm
for ((i = 0; i < 1500; i++)); do
  [[ -e /dev/disk/by-path/$prefix:0:0 ]] && break
  nap 0.02
done
[[ -e /dev/disk/by-path/$prefix:0:0 ]] || fail 'the disk has no link by its path'
udevadm settle --timeout=60
"$real" -1v /dev/disk/by-path
date
say cold
for ((i = 0; i < 1500; i++)); do
  compgen -G '/sys/block/sd*' || break
  nap 0.02
done
compgen -G '/sys/block/sd*' && fail 'the disk does not go'
udevadm settle --timeout=60
sync
say ready

while :; do
  read -r word disks epoch seed lenses source _ <"$control"
  [[ $word == go ]] && break
  nap 0.003
done
say resumed

# The cycles that it counts are the host's, which may be another one than where they were measured.
[[ $source == acpi_pm ]] && echo acpi_pm >/sys/devices/system/clocksource/clocksource0/current_clocksource
# Random numbers have to be others before anything uses them.
for ((k = 0; k < 5000; k++)); do
  read -r after _ <"$forked"
  ((after > before)) && break
  nap 0.002
done
((after > before)) || fail 'the clone was not told that it is one'

# The host wrote its time down before it started qemu; the machine's own clock goes on meanwhile, in whole seconds.
if read -r rtc </sys/class/rtc/rtc0/since_epoch && ((rtc > ${epoch%.*} && rtc < ${epoch%.*} + 3600)); then epoch=$rtc.5; fi
date -s "@$epoch"
echo "$seed" >/dev/urandom
seed=
LC_ALL=C read -r -N 256 _ </dev/hwrng

for ((i = 0; i < disks; i++)); do
  echo "0 $i 0" >"$host/scan"
  ((i % 16 == 15)) && say "disk $i"
done

# Waits for what udev has found out about a disk or partition, and notes whether it is a part of something.
members=
look() {
  local number record k
  read -r number <"$1/dev" || return
  for ((k = 0; k < 10000; k++)); do
    [[ -e /run/udev/data/b$number ]] && break
    nap 0.002
  done
  [[ -e /run/udev/data/b$number || ! -e $1/dev ]] || fail "udev says nothing of ${1##*/}"
  record=$(</run/udev/data/b$number)
  case $record in
    *E:ID_FS_USAGE=raid* | *E:ID_FS_AMBIVALENT* | *_member* | \
      *ID_PART_ENTRY_TYPE=0x42* | *ID_PART_ENTRY_TYPE=0x8e* | *ID_PART_ENTRY_TYPE=0xfd* | \
      *ID_PART_ENTRY_TYPE=5808c8aa* | *ID_PART_ENTRY_TYPE=af9b60a0* | \
      *ID_PART_ENTRY_TYPE=e6d6d379* | *ID_PART_ENTRY_TYPE=a19d880f*) members=1 ;;
  esac
}
for ((i = 0; i < disks; i++)); do
  link=/dev/disk/by-path/$prefix:$i:0
  for ((k = 0; k < 10000; k++)); do
    [[ -e $link ]] && break
    nap 0.002
  done
  [[ -e $link ]] || fail "disk $i did not appear"
  for disk in "$host"/device/target*:0:"$i"/*:0:"$i":0/block/sd*; do break; done
  name=${disk##*/}
  echo 300 >"/sys/block/$name/device/timeout"
  look "/sys/block/$name"
  for part in "/sys/block/$name/$name"[0-9]*; do
    [[ -e $part/dev ]] && look "$part"
  done
  ((i % 16 == 15)) && say "disk $i is known"
done

# As the appliance's init does it, where there is something to be done.
if [[ $members ]]; then
  say volumes
  udevadm settle --timeout=600
  say 'volumes: arrays'
  mdadm -As --auto=yes --no-degraded
  say 'volumes: groups'
  lvm pvscan --cache --activate ay
  say 'volumes: degraded arrays'
  mdadm -As --auto=yes --run
  say 'volumes: dynamic disks'
  ldmtool create all
fi

# Augeas would compile every lens it has before it reads the first file; inspection needs a few.
few=/usr/lib/guestfs-node/lenses
if [[ $lenses == inspection && -d $few ]]; then
  mount --bind "$few" /usr/share/augeas/lenses/dist
fi

read -r id </proc/sys/kernel/random/uuid
echo "${id//-/}" >/etc/machine-id

say up
for ((i = 0; i < disks; i++)); do echo "$prefix:$i:0"; done >&3
exit 0
