# Here when at least one of the folders exists.
. "$UNDERSTUDY_LIB"

found=0
param folders >"$UNDERSTUDY_TMP/folders"
while IFS= read -r folder; do [ ! -d "$folder" ] || found=$((found + 1)); done <"$UNDERSTUDY_TMP/folders"
[ "$found" -gt 0 ] || no "none of the folders is in this machine"
count folders "$found"
yes
