# Sourced by boot.sh where agents run or their output is loaded: steps that may hang, fork, or print without end, and the
# file system they write to.

STEP=$WORK/step
# From SIGTERM to SIGKILL.
GRACE_SECONDS=10
OUTPUT=$WORK/output

# end_writers PATTERN: ends every process whose standard output, standard error, folder or open file matches. Children of
# an agent may have left its session (su starts one of its own).
end_writers() {
  for process in /proc/[0-9]*; do
    [ "${process#/proc/}" != "$$" ] || continue
    for link in "$process"/cwd "$process"/fd/*; do
      case $(readlink "$link" 2>/dev/null) in $1) kill -KILL "${process#/proc/}" 2>/dev/null; break ;; esac
    done
  done
}

# end_session SIGNAL: the step's own session; where there is no setsid only its shell, while that runs.
end_session() {
  pid=$(cat "$STEP/pid" 2>/dev/null)
  case $pid in '' | *[!0-9]*) return 0 ;; esac
  if [ -n "$session" ]; then kill "-$1" "-$pid" 2>/dev/null; return; fi
  [ -s "$STEP/status" ] || kill "-$1" "$pid" 2>/dev/null
}

# used_bytes: what the output file system holds now.
used_bytes() {
  kib=$(df -k "$OUTPUT" 2>/dev/null | tail -n 1 | awk '{ print $3 }')
  case $kib in '' | *[!0-9]*) kib=0 ;; esac
  echo $((kib * 1024))
}

# nap: a fifth of a second where sleep knows fractions (GNU and busybox do), else a second.
nap() {
  sleep 0.2 2>/dev/null || sleep 1
}

# within SECONDS RECIPE STEP: waits for the step's end. Lines become rarer, so that hours of work fit the console's window.
within() {
  begun=$(date +%s)
  next=$((begun + 5))
  until [ -s "$STEP/status" ]; do
    now=$(date +%s)
    [ "$now" -lt "$((begun + $1))" ] || return 1
    if [ "$now" -ge "$next" ]; then
      say "{\"step\":\"working\",\"recipe\":\"$2\",\"text\":\"$3\",\"bytes\":$(used_bytes)}"
      next=$((now + 5 + (now - begun) / 10))
    fi
    # Many steps take less than a second; a look costs two processes, so long ones are looked at once a second.
    if [ "$((now - begun))" -lt 3 ]; then nap; else sleep 1; fi
  done
}

# bounded RECIPE STEP SECONDS: as answer, with a limit that holds. The whole output is counted and hashed, its tail is kept:
# 100 MB of it need no room. Sets LOG_BYTES and LOG_SHA256. 124: the limit was over, as timeout says it.
bounded() {
  script=$WORK/payload/recipes/$1/$2.sh
  out=$WORK/results/answers/$1.$2
  [ -f "$script" ] || return 127
  rm -rf "$STEP"
  # Each recipe has room of its own, through which its application's user gets.
  mkdir -p "$SPACE/$1" && chmod 711 "$SPACE" "$SPACE/$1" || return 126
  mkdir "$STEP" && mkfifo "$STEP/out" "$STEP/log" "$STEP/sum" "$STEP/count" || return 126
  sha256sum <"$STEP/sum" >"$STEP/sha256" &
  wc -c <"$STEP/count" >"$STEP/bytes" &
  tee "$STEP/sum" "$STEP/count" <"$STEP/log" | tail -c 65536 >"$out.log" &
  # The log is held open before the step can begin: one that says little may end before tee opens it, and would leave tee
  # without a reader for ever. The second tail sees at most 8 KiB: a line without an end would fill the memory otherwise.
  { tee "$STEP/log" 3>"$STEP/log" <"$STEP/out" | tail -c 8192 | tail -n 1 >"$out.json"; : >"$STEP/said"; } &
  session=$(command -v setsid) || session=
  (
    exec >"$STEP/out" 2>"$STEP/log" </dev/null
    UNDERSTUDY_LIB=$WORK/payload/lib.sh UNDERSTUDY_PARAMS=$WORK/payload/recipes/$1/params UNDERSTUDY_TMP=$SPACE/$1 \
      UNDERSTUDY_OUTPUT=$OUTPUT/$1 UNDERSTUDY_AGENT_FACTS=$WORK/payload/recipes/$1/agent-facts \
      $session sh -c 'echo $$ >"$0/pid"; exec sh "$1"' "$STEP" "$script"
    echo $? >"$STEP/status"
  ) &
  if ! within "$3" "$1" "$2"; then
    end_session TERM
    within "$GRACE_SECONDS" "$1" "$2"
    echo 124 >"$STEP/over"
  fi
  end_session KILL
  drain
  status=$(cat "$STEP/over" 2>/dev/null || cat "$STEP/status" 2>/dev/null || echo 137)
  echo "$status" >"$out.status"
  LOG_BYTES=$(tr -dc '0-9' <"$STEP/bytes")
  LOG_SHA256=$(cut -c 1-64 <"$STEP/sha256")
  return "$status"
}

# Whoever still holds the step's output would keep its log open for ever.
drain() {
  for turn in 1 2 3 4 5 6 7 8 9 10; do
    [ -s "$STEP/sha256" ] && [ -s "$STEP/bytes" ] && [ -f "$STEP/said" ] && return 0
    # 3 s for what is still in the pipes, 3 s for those that hold them open.
    if [ "$turn" -le 5 ]; then nap; continue; fi
    [ "$turn" -le 7 ] || end_speakers
    sleep 1
  done
}

end_speakers() {
  for process in /proc/[0-9]*; do
    for link in "$process/fd/1" "$process/fd/2"; do
      case $(readlink "$link" 2>/dev/null) in "$STEP/out" | "$STEP/log") kill -KILL "${process#/proc/}" 2>/dev/null ;; esac
    done
  done
}

# output_partition: the scratch disk's first partition, which the controller put behind the results.
output_partition() {
  name=${DISK#/dev/}
  for part in /sys/block/"$name"/"$name"*; do
    [ "$(cat "$part/partition" 2>/dev/null)" = 1 ] || continue
    echo "/dev/${part##*/}"
    return 0
  done
  return 1
}

# make_room: an empty file system on the partition, mounted. No journal: it is unmounted in order or not believed.
make_room() {
  PARTITION=$(output_partition) || { WHY='the scratch disk has no output partition'; return 1; }
  if command -v mkfs.ext4 >/dev/null 2>&1; then
    mkfs.ext4 -q -F -m 0 -O '^has_journal' -E lazy_itable_init=1,nodiscard "$PARTITION" >&2
  elif command -v mke2fs >/dev/null 2>&1; then
    mke2fs -F -m 0 -i 65536 "$PARTITION" >&2 # e2fsprogs without its links, or busybox
  else
    WHY='neither mkfs.ext4 nor mke2fs is installed in this machine: install e2fsprogs in production'
    return 1
  fi || { WHY='the output file system could not be made'; return 1; }
  mkdir -p "$1"
  mount -t ext4 -o noatime,nodev,nosuid,noinit_itable "$PARTITION" "$1" || { WHY='the output file system could not be mounted'; return 1; }
  # Applications' own users must get through to the folders that a recipe gives them.
  chmod 711 "$WORK" "$WORK/tmp" "$1"
}

# clear_room FOLDER: unmounted within 30 s, ending whoever is still in it.
clear_room() {
  sync
  for turn in 1 2 3 4 5 6 7 8 9 10; do
    umount "$1" 2>/dev/null && return 0
    [ "$turn" -le 2 ] || end_writers "$1*"
    sleep 3
  done
  return 1
}
