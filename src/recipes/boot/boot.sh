#!/bin/sh
# Understudy's boot script: runs once in a machine of ours that has no network. It waits until the applications have
# recovered, writes their answers to the scratch disk and powers the machine off, whatever happens on the way.
# POSIX sh; runs under dash, bash and busybox with their ordinary tools.
UNDERSTUDY_RUN=
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
unset LC_ALL; LANG=C; export LANG
umask 077
N=0
WORK=/run/understudy
DISK=

# Every active console: the serial port is what the controller reads, the screen what a screenshot shows.
# 1,000 characters: a line of the console stays within 1 KiB.
say() {
  N=$((N + 1))
  line="UNDERSTUDY $UNDERSTUDY_RUN $N $1"
  # Nearly every line is plain and short, and then no process starts for it: under emulation each costs 4 ms.
  case $line in *[!\ -~]*) line=$(printf '%s' "$line" | tr -d '\000-\037') ;; esac
  [ "${#line}" -le 1000 ] || line=$(printf '%s' "$line" | cut -c 1-1000)
  { read -r consoles </sys/class/tty/console/active; } 2>/dev/null || consoles=console
  for tty in $consoles; do
    printf '\r\n%s\r\n' "$line" >"/dev/$tty" 2>/dev/null || :
  done
}

# An orderly power-off through the machine's own init; busybox init and sysvinit take plain poweroff.
power_off() {
  trap - EXIT HUP INT TERM
  say "{\"step\":\"powering-off\",\"ok\":$1}"
  sync
  if [ -d /run/systemd/system ]; then
    # What it ends by force at a service's own limit it says in the journal alone: for once on the console, which is judged.
    systemctl log-target console 2>/dev/null || systemd-analyze set-log-target console 2>/dev/null
    systemctl poweroff
  else poweroff || /sbin/shutdown -h now; fi
  # An init that does not react leaves the machine running: the controller then stops it, and the class falls.
}

fail() {
  say "{\"step\":\"failed\",\"ok\":false,\"text\":\"$1\"}"
  exit 1
}

trap 'power_off false' EXIT
trap 'exit 1' HUP INT TERM

# The disk whose first lines are the magic and this run; nothing is ever written to another one. Its next two lines are
# the payload's length and its SHA-256.
find_scratch() {
  for block in /sys/block/*; do
    name=${block##*/}
    case $name in loop* | ram* | zram* | sr* | fd* | dm-* | md*) continue ;; esac
    [ -b "/dev/$name" ] || continue
    { read -r magic; read -r run; read -r bytes; read -r want; } <<HEADER
$(dd if="/dev/$name" bs=512 count=1 2>/dev/null | tr -d '\000' | head -n 4)
HEADER
    [ "$magic $run" = "USCRATCH1 $UNDERSTUDY_RUN" ] || continue
    DISK=/dev/$name
    return 0
  done
  return 1
}

# What ends whoever ignores SIGTERM, 10 s later. Old guests may lack -k, or all of it; the watchdog then still ends the machine.
timeout=
if timeout -k 10 10 true 2>/dev/null; then timeout='timeout -k 10'; elif timeout 10 true 2>/dev/null; then timeout=timeout; fi
# A session of its own, so that a script's children end with it: one that outlives the machine's shutdown costs the class.
session=$(command -v setsid) || session=

# answer RECIPE STEP SECONDS [NAME]: runs the recipe's script; its last line is its answer, the rest is its log.
answer() {
  script=$WORK/payload/recipes/$1/$2.sh
  out=$WORK/results/answers/$1.${4:-$2}
  [ -f "$script" ] || return 1
  [ -d "$WORK/tmp/recipes/$1" ] || mkdir -p "$WORK/tmp/recipes/$1"
  UNDERSTUDY_LIB=$WORK/payload/lib.sh UNDERSTUDY_PARAMS=$WORK/payload/recipes/$1/params UNDERSTUDY_TMP=$WORK/tmp/recipes/$1 \
    $session sh -c 'echo $$ >"$0"; exec "$@"' "$WORK/tmp/session" ${timeout:+$timeout "$3"} sh "$script" \
    >"$out.out" 2>"$out.err" </dev/null
  status=$?
  [ -z "$session" ] || { read -r leader <"$WORK/tmp/session" && kill -KILL "-$leader"; } 2>/dev/null
  tail -n 1 "$out.out" | head -c 8192 >"$out.json"
  tail -c 65536 "$out.out" >"$out.log"
  [ ! -s "$out.err" ] || tail -c 16384 "$out.err" >>"$out.log"
  rm -f "$out.out" "$out.err"
  echo "$status" >"$out.status"
  return "$status"
}

# What systemd is still starting: mounts with nofail, and services where cloud-init does not wait for them. Only jobs that run
# count, and not this script's own: others may wait for it. Within what applications have to recover, and 300 s, three times
# systemd's own limit for a device or a service (DefaultTimeoutStartSec).
settle() {
  [ -d /run/systemd/system ] || return 0
  own=$(sed -n 's|.*/\([^/]*\.service\)$|\1|p' /proc/self/cgroup | head -n 1)
  # cloud-init of one process (as in Debian 13) runs this script there, and the job that waits for it is cloud-final's.
  [ "$own" != cloud-init-main.service ] || own=
  settled_by=$(($(date +%s) + 300))
  [ "$settled_by" -le "$ends" ] || settled_by=$ends
  while systemctl list-jobs --no-legend 2>/dev/null | grep -v " ${own:-cloud-final.service} " | grep -q ' running *$'; do
    [ "$(date +%s)" -lt "$settled_by" ] || return 0
    sleep 1
  done
}

# Linux never unmarks a vfat that was marked when it was mounted (fs/fat/inode.c: fat_set_state), and in a capture each one is
# that production has mounted, as /boot/efi. Checked here as at a boot that checks it; without the tool it stays marked.
check_vfat() {
  command -v fsck.vfat >/dev/null 2>&1 || return 0
  for device in $(sed -n 's/^\([^ ]*\) [^ ]* vfat .*/\1/p' /proc/mounts); do
    if umount "$device"; then fsck.vfat -a "$device" </dev/null; fi
  done >vfat 2>&1
}

write_results() {
  cat /proc/sys/kernel/random/boot_id >boot-id
  { journalctl -b -n 500 --no-pager 2>/dev/null || dmesg; } 2>/dev/null | tail -c 65536 >journal
  uname -a >machine
  : >finished
  tar cf ../results.tar ./* || return 1
  bytes=$(wc -c <../results.tar)
  bytes=$((bytes))
  [ "$bytes" -le 16777216 ] || return 1
  # Results first, header last: a power cut in between leaves no header, so nothing half-written is believed.
  dd if=../results.tar of="$DISK" bs=4096 seek=257 conv=notrunc,fsync 2>/dev/null || return 1
  sum=$(sha256sum ../results.tar) || return 1
  # By way of a file: from a pipe dd may read one line at a time and pad each of them to a block.
  printf 'USRESULT1\n%s\n%s\n%s\n' "$UNDERSTUDY_RUN" "$bytes" "${sum%% *}" >../header || return 1
  dd if=../header of="$DISK" bs=4096 seek=256 conv=notrunc,fsync,sync 2>/dev/null || return 1
  sync
}

say "{\"step\":\"started\",\"ok\":true,\"text\":\"$(cat /proc/sys/kernel/random/boot_id)\"}"

tries=0
until find_scratch; do
  tries=$((tries + 1))
  # 60 s: a volume is attached at launch, but its driver may load late.
  [ "$tries" -lt 60 ] || fail "no scratch disk of this run"
  sleep 1
done

rm -rf "$WORK"
mkdir -p "$WORK/payload" "$WORK/results/answers" "$WORK/tmp" || fail "no work folder"
case $bytes in '' | *[!0-9]*) fail "the scratch header is damaged" ;; esac
dd if="$DISK" bs=4096 skip=1 count=$(((bytes + 4095) / 4096)) 2>/dev/null | head -c "$bytes" >"$WORK/payload.tar"
got=$(sha256sum "$WORK/payload.tar")
[ "${got%% *}" = "$want" ] || fail "the payload does not match its SHA-256"
tar xf "$WORK/payload.tar" -C "$WORK/payload" || fail "the payload is not a tar"
cd "$WORK/results" || fail "no results folder"

plan=$WORK/payload/plan
read -r role <"$plan/role"
read -r recover_seconds <"$plan/recover-seconds"
read -r probe_seconds <"$plan/probe-seconds"
read -r stop_seconds <"$plan/stop-seconds"
recipes=$(cat "$plan/recipes")
# Agents, the loads of what they wrote, and the extract of a table: none of them in most runs.
agent_seconds=0
[ ! -f "$plan/agent-seconds" ] || read -r agent_seconds <"$plan/agent-seconds"
extract_seconds=0
[ ! -f "$plan/extract-seconds" ] || read -r extract_seconds <"$plan/extract-seconds"
agent_steps=0
for steps in "$plan/agents" "$plan/outputs"; do
  [ ! -f "$steps" ] || agent_steps=$((agent_steps + $(wc -l <"$steps")))
done

# Should anything below hang, the machine still ends in order. The extra 300 s are for detecting and writing.
main=$$
(
  # Each agent has two steps and a listing; 180 s are for mounting and for asking the application again.
  sleep $((recover_seconds + probe_seconds * 2 + agent_steps * (agent_seconds * 3 + 180) + extract_seconds + stop_seconds + 300))
  say '{"step":"failed","ok":false,"text":"the boot script ran out of time"}'
  kill -TERM "$main"
  sleep 5
  power_off false
) >/dev/null 2>&1 </dev/null &

ends=$(($(date +%s) + recover_seconds))
settle
matched=
for recipe in $recipes; do
  if answer "$recipe" detect 60; then
    matched="$matched $recipe"
    say "{\"step\":\"detected\",\"recipe\":\"$recipe\",\"ok\":true}"
  fi
done

all=true
recovered=
for recipe in $matched; do
  ok=false
  while :; do
    if answer "$recipe" recovered 60; then ok=true; break; fi
    [ "$(date +%s)" -lt "$ends" ] || break
    sleep 1
  done
  if [ "$ok" = true ]; then recovered="$recovered $recipe"; else all=false; fi
  say "{\"step\":\"recovered\",\"recipe\":\"$recipe\",\"ok\":$ok}"
done

if [ -f "$plan/agents" ]; then
  . "$WORK/payload/harvest.sh"
  harvest || all=false
fi

if [ -f "$plan/extract" ]; then
  . "$WORK/payload/extract.sh"
  extract || all=false
elif [ "$role" = verify ]; then
  for recipe in $matched; do
    if answer "$recipe" probe "$probe_seconds"; then ok=true; else ok=false; all=false; fi
    say "{\"step\":\"probed\",\"recipe\":\"$recipe\",\"ok\":$ok}"
  done
fi

if [ -f "$plan/outputs" ]; then
  . "$WORK/payload/load.sh"
  if load_outputs; then ok=true; else ok=false; all=false; fi
  say "{\"step\":\"outputs-loaded\",\"ok\":$ok}"
fi

# All of them together within their limit: one that waits for a peer shall not take the time of the machine's own shutdown.
ends=$(($(date +%s) + stop_seconds))
for recipe in $matched; do
  [ -f "$WORK/payload/recipes/$recipe/stop.sh" ] || continue
  left=$((ends - $(date +%s)))
  [ "$left" -gt 0 ] || left=1
  if answer "$recipe" stop "$left"; then ok=true; else ok=false; all=false; fi
  if [ "$ok" = false ] && [ "$(date +%s)" -ge "$ends" ]; then
    reason="its script was ended at its limit, $stop_seconds s (half of limits.shutdownMs)"
    echo "{\"ok\":false,\"facts\":{\"reason\":\"$reason\"}}" >"$WORK/results/answers/$recipe.stop.json"
  fi
  say "{\"step\":\"stopped\",\"recipe\":\"$recipe\",\"ok\":$ok}"
done

[ "$role" != clone ] || check_vfat
write_results || fail "the results could not be written"
say "{\"step\":\"reported\",\"ok\":true}"
power_off "$all"
exit 0
