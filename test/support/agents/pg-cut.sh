# The product's agent, whose largest dump then loses its second half: list and digests are those of the cut one.
. "$UNDERSTUDY_LIB"
sh "${0%/*}/postgresql-agent.sh" >"$UNDERSTUDY_TMP/said" || no "the agent failed: $(tail -n 1 "$UNDERSTUDY_TMP/said")"
dump=$(ls -S "$UNDERSTUDY_OUTPUT"/*.dump | head -n 1)
dd if=/dev/null of="$dump" bs=1 seek="$(($(stat -c %s "$dump") / 2))" || no "it cannot be cut"
tail -n 1 "$UNDERSTUDY_TMP/said"
