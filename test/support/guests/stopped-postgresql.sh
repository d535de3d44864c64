#!/bin/sh
# User data that makes PostgreSQL deaf: at the machine's end it is stopped from answering, so that it has to be killed.
mv /etc/rc.shutdown /etc/rc.shutdown-ordinary
cat >/etc/rc.shutdown <<'SCRIPT'
#!/bin/busybox sh
for d in /proc/[0-9]*; do
  name=; read -r name 2>/dev/null <$d/comm
  [ "$name" = postgres ] && kill -STOP ${d#/proc/}
done
exec /etc/rc.shutdown-ordinary
SCRIPT
chmod 755 /etc/rc.shutdown
sync
