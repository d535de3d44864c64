# Sourced by boot.sh in a clone whose plan names agents: each writes into its own folder, which is then listed.
. "$WORK/payload/steps.sh"
SPACE=$WORK/tmp/recipes

# A list this long stays out of the results, where there is room for 16 MiB in all; it always stands beside the output.
LIST_LINES=1000

# list_files RECIPE: "<sha256> <bytes> <path>" for every file, by path; then how many, their bytes and the list's digest.
list_files() {
  list=$OUTPUT/.understudy/$1.list
  (
    cd "$OUTPUT/$1" || exit 1
    # A newline in a name would forge a line; a carriage return, as sha256sum shows it, reads like another name.
    [ -z "$(find . -name '*
*' -o -name "*$(printf '\r')*" | head -n 1)" ] || exit 1
    find . -type f -exec sha256sum {} + >"$STEP/sums" && find . -type f -exec stat -c '%s %n' {} + >"$STEP/sizes"
  ) || return 1
  awk 'NR == FNR { at = index($0, " "); size[substr($0, at + 1)] = substr($0, 1, at - 1); next }
    # GNU sha256sum marks a name with a backslash by one before the line, and doubles it; busybox does neither.
    /^\\/ { $0 = substr($0, 2); gsub(/\\\\/, "\\") }
    { name = substr($0, 67); print substr($0, 1, 64), size[name], name }' "$STEP/sizes" "$STEP/sums" |
    LC_ALL=C sort -k 3 >"$list" || return 1
  sum=$(sha256sum "$list") || return 1
  awk -v sum="${sum%% *}" '{ bytes += $2 } END { printf "files %d\nbytes %.0f\nlist-sha256 %s\n", NR, bytes, sum }' "$list"
  [ "$(wc -l <"$list")" -gt "$LIST_LINES" ] || head -c 262144 "$list" >"$WORK/results/agents/$1.list"
}

# harvest_one RECIPE PLACE: its agent, its check, its list. What happened stands in agents/<recipe>.record, whatever happened.
harvest_one() {
  mkdir "$OUTPUT/$1" && chmod 711 "$OUTPUT/$1" || return 1
  record=$WORK/results/agents/$1.record
  # Agents of one second stand in the order in which they ran by this alone.
  printf 'place %s\nstarted %s\n' "$2" "$(date +%s)" >"$record"
  bounded "$1" agent "$agent_seconds"
  went=$?
  printf 'ended %s\nstatus %s\nlog-bytes %s\nlog-sha256 %s\n' "$(date +%s)" "$went" "$LOG_BYTES" "$LOG_SHA256" >>"$record"
  # A failed agent's files are listed too: they may help to find out why.
  list_files "$1" >>"$record" || return 1
  [ "$went" -eq 0 ] || return 1
  [ ! -f "$WORK/payload/recipes/$1/check.sh" ] || bounded "$1" check "$agent_seconds"
}

harvest() {
  mkdir -p agents
  if ! make_room "$OUTPUT" 2>>agents/output.log; then
    echo "failed $WHY" >agents/output.record
    say "{\"step\":\"harvested\",\"ok\":false,\"text\":\"$WHY\"}"
    return 1
  fi
  mkdir "$OUTPUT/.understudy"
  all_wrote=true
  place=0
  for recipe in $(cat "$WORK/payload/plan/agents"); do
    case " $recovered " in *" $recipe "*) ;; *) continue ;; esac
    place=$((place + 1))
    say "{\"step\":\"agent\",\"recipe\":\"$recipe\"}"
    if harvest_one "$recipe" "$place"; then ok=true; else ok=false; all_wrote=false; fi
    say "{\"step\":\"wrote\",\"recipe\":\"$recipe\",\"ok\":$ok,\"bytes\":$(used_bytes)}"
  done
  # An agent must leave its application as it found it: 60 s to answer again.
  for recipe in $recovered; do
    patient=$(($(date +%s) + 60))
    until answer "$recipe" recovered 60 after-agent; do
      [ "$(date +%s)" -lt "$patient" ] || { all_wrote=false; break; }
      sleep 1
    done
  done
  if clear_room "$OUTPUT" && printf 'USOUTPUT1\n%s\n' "$UNDERSTUDY_RUN" | dd of="$PARTITION" bs=512 conv=notrunc,fsync 2>/dev/null; then
    echo 'unmounted 1' >agents/output.record
  else
    echo 'failed the output file system stayed busy' >agents/output.record
    all_wrote=false
  fi
  say "{\"step\":\"harvested\",\"ok\":$all_wrote}"
  [ "$all_wrote" = true ]
}
