# Unpacks the tar and counts what came out of it.
. "$UNDERSTUDY_LIB"

mkdir "$UNDERSTUDY_TMP/unpacked" && cd "$UNDERSTUDY_TMP/unpacked" || no "no room to unpack"
tar xf "$UNDERSTUDY_OUTPUT/folders.tar" || no "the tar cannot be unpacked"
# Without the folders above those that were packed.
tar tf "$UNDERSTUDY_OUTPUT/folders.tar" >"$UNDERSTUDY_TMP/listed"
found=0
while IFS= read -r entry; do
  [ -e "$entry" ] || [ -L "$entry" ] || no "$entry did not come out"
  found=$((found + 1))
done <"$UNDERSTUDY_TMP/listed"
[ "$found" = "$(cat "$UNDERSTUDY_AGENT_FACTS/entries")" ] || no "$found entries came out, the agent packed $(cat "$UNDERSTUDY_AGENT_FACTS/entries")"
count entries "$found"
yes
