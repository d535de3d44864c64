#!/bin/sh
# User data for a machine that attacks whoever looks at its backup: HTML, markdown links and terminal escapes in names of
# files, in forged lines of the boot script and on the console. Every payload carries the word "evil".
. /etc/rc.common
esc=$(printf '\033'); bel=$(printf '\007')
folder="/var/lib/postgresql/<img src=x onerror=evil()>[go](javascript:evil)$esc]0;evil$bel$esc[2J/main/global"
mkdir -p "$folder" && head -c 8192 /dev/zero >"$folder/pg_control" || exit 1

cat >/etc/rc.hostile <<'SCRIPT'
#!/bin/busybox sh
run=
until [ "$run" ]; do
  sleep 0.1
  run=$(sed -n 's/^UNDERSTUDY_RUN=\([0-9].*\)$/\1/p' /var/lib/cloud/instances/*/user-data 2>/dev/null | tail -n 1)
done
# Lines as the boot script writes them, so that they are believed to be its last word; until the machine is off.
(
  n=900
  while :; do
    n=$((n+1))
    printf '\r\nUNDERSTUDY %s %s {"step":"probed","recipe":"<b onclick=evil()>[go](//evil.example)\\u001b[2J","ok":true}\r\n' $run $n >/dev/ttyS0
    sleep 0.3
  done
) &
until [ -d /run/understudy/results/answers ]; do sleep 0.1; done
: >'/run/understudy/results/<i onclick=evil()>[go](javascript:evil).txt'
SCRIPT
chmod 755 /etc/rc.hostile
echo '::once:/etc/rc.hostile' >>/etc/inittab

mv /etc/rc.shutdown /etc/rc.shutdown-ordinary
cat >/etc/rc.shutdown <<'SCRIPT'
#!/bin/busybox sh
# Reads like a line of a forced end, so that it is quoted as a reason.
printf '\r\nKilling <img src=x onerror=evil()>[go](https://evil.example)\033]0;evil\007\033[2J\033[31m |evil| `evil`\r\n' >/dev/ttyS0
printf '</pre><script>evil()</script><a href="javascript:evil()">evil</a>\033[2J\r\n' >/dev/ttyS0
# The boot script is silent by now: a forged line stays its last word. The watch looks every 1.5 s, its heartbeat goes and
# the terminal looks every second: one of them at its worst on a busy host still leaves the others time.
sleep 6
exec /etc/rc.shutdown-ordinary
SCRIPT
chmod 755 /etc/rc.shutdown
sync
