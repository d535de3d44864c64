# Packs the folders that exist into one tar, names relative to /.
. "$UNDERSTUDY_LIB"

cd / || no "there is no root folder"
set --
param folders >"$UNDERSTUDY_TMP/folders"
while IFS= read -r folder; do [ ! -d "$folder" ] || set -- "$@" "${folder#/}"; done <"$UNDERSTUDY_TMP/folders"
tar cf "$UNDERSTUDY_OUTPUT/folders.tar" "$@" || no "tar failed"
find "$@" >"$UNDERSTUDY_TMP/entries" || no "the folders cannot be listed"
count entries "$(($(wc -l <"$UNDERSTUDY_TMP/entries")))"
yes
