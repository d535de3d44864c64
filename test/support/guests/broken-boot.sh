#!/bin/sh
# User data for a machine whose clone loses its boot code at shutdown; file systems and partition table stay whole.
root=$(awk '$2 == "/" { print $1 }' /proc/mounts)
[ -b "$root" ] || root=$(findfs LABEL=root)
disk=${root%p1}
# 440 bytes: the boot code ends before the disk's signature and the partition table (MBR). All zeros but the first two,
# "cli; hlt": zeros are instructions, too, and a processor that runs in circles through them for the two minutes that it is
# waited for took a minute of the tests' own.
sed -i "2i { printf '\\\\372\\\\364'; head -c 438 /dev/zero; } | dd of=$disk conv=notrunc 2>/dev/null" /etc/rc.shutdown
sync
