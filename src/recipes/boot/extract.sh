# Sourced by boot.sh in a machine that was started to take one thing out of one application: its recipe's script writes it
# to descriptor 3, from where it goes to the scratch disk as it is. Nothing is kept in between, so it may be of any size.
UNDERSTUDY_REQUEST=$WORK/payload/request
export UNDERSTUDY_REQUEST

# Bytes and digest are taken on the way, and once more by the controller of what the disk holds.
extract() {
  recipe=$(cat "$WORK/payload/plan/extract")
  case " $recovered " in
    *" $recipe "*) ;;
    *) say "{\"step\":\"extracted\",\"recipe\":\"$recipe\",\"ok\":false,\"text\":\"it did not recover\"}"; return 1 ;;
  esac
  mkdir -p extract && mkfifo "$WORK/tmp/count" "$WORK/tmp/sum" || return 1
  wc -c <"$WORK/tmp/count" >"$WORK/tmp/bytes" &
  counter=$!
  sha256sum <"$WORK/tmp/sum" >"$WORK/tmp/sha256" &
  hasher=$!
  say "{\"step\":\"extracting\",\"recipe\":\"$recipe\"}"
  { answer "$recipe" extract "$extract_seconds" 3>&1; echo $? >"$WORK/tmp/extract-status"; } |
    tee "$WORK/tmp/count" "$WORK/tmp/sum" |
    dd of="$DISK" bs=1048576 seek="$(cat "$WORK/payload/plan/extract-at-mib")" conv=notrunc,fsync 2>/dev/null
  written=$?
  wait "$counter" "$hasher"
  ok=false
  if [ "$written" -eq 0 ] && [ "$(cat "$WORK/tmp/extract-status")" -eq 0 ]; then
    printf 'bytes %s\nsha256 %s\n' "$(tr -dc 0-9 <"$WORK/tmp/bytes")" "$(cut -c 1-64 <"$WORK/tmp/sha256")" >extract/record
    ok=true
  fi
  say "{\"step\":\"extracted\",\"recipe\":\"$recipe\",\"ok\":$ok}"
  [ "$ok" = true ]
}
