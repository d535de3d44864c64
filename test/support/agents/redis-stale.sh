# The product's agent twice, a write in between: the second one's record beside the first one's file.
. "$UNDERSTUDY_LIB"
sh "${0%/*}/redis-agent.sh" >"$UNDERSTUDY_TMP/said" || no "the agent failed: $(tail -n 1 "$UNDERSTUDY_TMP/said")"
mv "$UNDERSTUDY_OUTPUT/dump.rdb" "$UNDERSTUDY_TMP/before.rdb"
redis-cli -s "$(param socket)" set written-after-the-dump 1 >&2 || no "the server takes no write"
sh "${0%/*}/redis-agent.sh" >"$UNDERSTUDY_TMP/said" || no "the agent failed: $(tail -n 1 "$UNDERSTUDY_TMP/said")"
mv "$UNDERSTUDY_TMP/before.rdb" "$UNDERSTUDY_OUTPUT/dump.rdb"
tail -n 1 "$UNDERSTUDY_TMP/said"
