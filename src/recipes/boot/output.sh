# Compares the folder that an agent wrote with the list whose digest the recovery point holds.
. "$UNDERSTUDY_LIB"

recorded=${UNDERSTUDY_AGENT_FACTS%/*}/recorded
list=${UNDERSTUDY_OUTPUT%/*}/.understudy/${UNDERSTUDY_OUTPUT##*/}.list
cd "$UNDERSTUDY_OUTPUT" || no "the agent's folder is missing"
sum=$(sha256sum "$list") || no "the list of files is missing"
[ "${sum%% *}" = "$(cat "$recorded/list-sha256")" ] || no "the list of files is not the one that the point records"

# Sizes first: they tell a cut file from an altered one without reading it.
while IFS= read -r line; do # whole: a name may end in blanks, which "read" cuts off a last field
  rest=${line#* }
  bytes=${rest%% *}
  name=${rest#* }
  [ -f "$name" ] || no "$name is missing"
  found=$(stat -c %s "$name")
  [ "$found" = "$bytes" ] || no "$name has $found bytes, the agent wrote $bytes"
done <"$list"
files=$(find . -type f | wc -l)
[ "$((files))" = "$(cat "$recorded/files")" ] || no "there are $((files)) files, the agent wrote $(cat "$recorded/files")"
if [ "$((files))" -gt 0 ]; then
  sed 's/^\([0-9a-f]*\) [0-9]* /\1  /' "$list" | sha256sum -c >"$UNDERSTUDY_TMP/checked" 2>&1 ||
    no "not as the agent wrote it: $(grep -v ': OK$' "$UNDERSTUDY_TMP/checked" | head -n 1)"
fi
count files "$((files))"
fact listSha256 "${sum%% *}"
yes
