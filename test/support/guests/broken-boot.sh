#!/bin/sh
# User data for a machine whose clone loses its boot code at shutdown; file systems and partition table stay whole.
root=$(awk '$2 == "/" { print $1 }' /proc/mounts)
[ -b "$root" ] || root=$(findfs LABEL=root)
disk=${root%p1}
# 440 bytes: the boot code ends before the disk's signature and the partition table (MBR).
sed -i "2i dd if=/dev/zero of=$disk bs=440 count=1 conv=notrunc 2>/dev/null" /etc/rc.shutdown
sync
