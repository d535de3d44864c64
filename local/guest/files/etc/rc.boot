#!/bin/busybox sh
mount -t proc proc /proc; mount -t sysfs sysfs /sys
[ -c /dev/ttyS0 ] || mount -t devtmpfs dev /dev   # Debian's cloud kernel does not mount it by itself
. /etc/rc.common
mount -t tmpfs -o mode=755,size=32m tmpfs /run
mkdir -p /dev/shm /dev/pts /run/postgresql /run/redis
mount -t tmpfs -o mode=1777 shm /dev/shm; mount -t devpts devpts /dev/pts
say "boot $(cat /proc/sys/kernel/random/boot_id)"
chown postgres:postgres /run/postgresql; chown redis:redis /run/redis
ifconfig lo 127.0.0.1 up
mount -o remount,rw,noatime / || say "WARNING: / stays read-only"

# A volume may appear later than the root volume does: the controllers are probed side by side. 10 s, then it is missing.
mount_volume() {
  i=0
  until mount "$1" 2>/run/mount.err; do
    i=$((i+1)); [ $i -ge 100 ] && { say "WARNING: cannot mount $2 on $1: $(cat /run/mount.err)"; return 1; }
    sleep 0.1
  done
  say "mounted $2 on $1"
}
while read -r device point type _; do
  case $device in ''|'#'*) continue;; esac
  [ "$point" = / ] || [ "$type" = swap ] || mount_volume "$point" "$device"
done </etc/fstab

# The databases only need the disks; the drivers load beside them.
if [ -f "$PG_DATA/PG_VERSION" ]; then /etc/rc.postgresql & else say "WARNING: no PostgreSQL cluster in $PG_DATA, not started"; fi
/etc/rc.redis &
while read -r module; do insmod "$module" || say "WARNING: cannot load $module"; done </etc/modules
for card in /sys/class/net/eth*; do
  [ -e "$card" ] && udhcpc -n -q -t 5 -T 1 -i "${card##*/}" -s /usr/share/udhcpc/default.script >"/run/udhcpc.${card##*/}.log" 2>&1
done
say "boot complete"
