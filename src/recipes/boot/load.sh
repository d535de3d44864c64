# Sourced by boot.sh in a verification machine whose point has agents' output: it is compared with what was recorded, then
# loaded by its recipe into a fresh instance.
. "$WORK/payload/steps.sh"
SPACE=$WORK/space
POINT=$(cat "$WORK/payload/plan/output-of")

# find_output: the disk that begins as the clone of this very point left it; an older output is not taken for it.
find_output() {
  for block in /sys/block/*; do
    name=${block##*/}
    case $name in loop* | ram* | zram* | sr* | fd* | dm-* | md*) continue ;; esac
    [ "$(dd if="/dev/$name" bs=512 count=1 2>/dev/null | tr -d '\000' | head -n 2)" = "USOUTPUT1
$POINT" ] || continue
    echo "/dev/$name"
    return 0
  done
  return 1
}

load_outputs() {
  mkdir -p "$OUTPUT"
  found=$(find_output) && mount -t ext4 -o ro,nodev,nosuid "$found" "$OUTPUT" || { say '{"step":"loaded","ok":false,"text":"no output of this point"}'; return 1; }
  make_room "$SPACE" 2>/dev/null || { say "{\"step\":\"loaded\",\"ok\":false,\"text\":\"$WHY\"}"; return 1; }
  all_loaded=true
  for recipe in $(cat "$WORK/payload/plan/outputs"); do
    ok=true
    bounded "$recipe" output "$agent_seconds" || ok=false
    # Whatever differs from its list is not loaded: the list is the evidence.
    if [ "$ok" = true ] && [ -f "$WORK/payload/recipes/$recipe/load.sh" ]; then
      bounded "$recipe" load "$agent_seconds" || ok=false
    fi
    [ "$ok" = true ] || all_loaded=false
    say "{\"step\":\"loaded\",\"recipe\":\"$recipe\",\"ok\":$ok}"
  done
  clear_room "$SPACE"
  clear_room "$OUTPUT"
  [ "$all_loaded" = true ]
}
