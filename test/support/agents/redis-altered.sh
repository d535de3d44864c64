# The product's agent, in whose file one byte is then another: list and digests are those of the altered one.
. "$UNDERSTUDY_LIB"
sh "${0%/*}/redis-agent.sh" >"$UNDERSTUDY_TMP/said" || no "the agent failed: $(tail -n 1 "$UNDERSTUDY_TMP/said")"
# Redis ends its files with a CRC-64: the last byte of it, whatever it was, becomes two others in turn.
dump=$UNDERSTUDY_OUTPUT/dump.rdb
last=$(tail -c 1 "$dump" | od -An -tu1 | tr -dc 0-9)
printf "\\$(printf %03o $(((last + 1) % 256)))" | dd of="$dump" bs=1 seek="$(($(stat -c %s "$dump") - 1))" conv=notrunc ||
  no "it cannot be altered"
tail -n 1 "$UNDERSTUDY_TMP/said"
