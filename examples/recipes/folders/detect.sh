# Here when at least one of the folders exists.
. "$UNDERSTUDY_LIB"

param folders | while IFS= read -r folder; do [ ! -d "$folder" ] || echo "$folder"; done >"$UNDERSTUDY_TMP/folders"
[ -s "$UNDERSTUDY_TMP/folders" ] || no "none of the folders is in this machine"
count folders "$(($(wc -l <"$UNDERSTUDY_TMP/folders")))"
yes
