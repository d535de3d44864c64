#!/bin/sh
# User data for a machine that lies: it says what an orderly end says, then powers off with everything mounted and open.
cat >/etc/rc.shutdown <<'SCRIPT'
#!/bin/busybox sh
. /etc/rc.common
say "shutdown begins"
say "redis stopped"
say "postgresql stopped"
say "All filesystems unmounted."
say "reboot: Power down"
poweroff -f
SCRIPT
chmod 755 /etc/rc.shutdown
sync
