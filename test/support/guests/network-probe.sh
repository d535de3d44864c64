#!/bin/sh
# User data: tries to reach each target now, and again at every boot of this disk, and says on the console what it reached.
# TARGETS: words such as tcp:ledger=203.0.113.10:8080 and dns:resolver=10.20.1.2:53, filled in by the test.
TARGETS=
echo "$TARGETS" >/etc/probe-targets
cat >/etc/rc.probe <<'SCRIPT'
#!/bin/busybox sh
. /etc/rc.common
# A connection counts, whatever is said over it: nc runs the program only once it is connected.
reaches() {
  case $1 in
    tcp) timeout 5 nc -w 4 "$2" "$3" -e /bin/true ;;
    dns) timeout 5 nslookup -type=a understudy.example "$2" ;;
  esac >/dev/null 2>&1
}
probe() {
  kind=${1%%:*}; rest=${1#*:}; name=${rest%%=*}; address=${rest#*=}
  if reaches $kind ${address%:*} ${address##*:}; then found=reached; else found=closed; fi
  say "PROBE $name $found"
}
read -r targets </etc/probe-targets
for target in $targets; do probe $target & done
wait
say "PROBE complete"
: >/run/probed
SCRIPT
chmod 755 /etc/rc.probe
echo '::once:/etc/rc.probe' >>/etc/inittab
# A clone lives for seconds: its end waits for the answers.
mv /etc/rc.shutdown /etc/rc.shutdown-ordinary
cat >/etc/rc.shutdown <<'SCRIPT'
#!/bin/busybox sh
i=0; while [ ! -e /run/probed ] && [ $i -lt 150 ]; do i=$((i+1)); sleep 0.2; done
exec /etc/rc.shutdown-ordinary
SCRIPT
chmod 755 /etc/rc.shutdown
sync
exec /etc/rc.probe
