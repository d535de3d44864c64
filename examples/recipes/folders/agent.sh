# Packs the folders that exist into one tar, names relative to /.
. "$UNDERSTUDY_LIB"

cd / || no "there is no root folder"
param folders | while IFS= read -r folder; do [ ! -d "$folder" ] || echo "${folder#/}"; done >"$UNDERSTUDY_TMP/names"
tar cf "$UNDERSTUDY_OUTPUT/folders.tar" -T "$UNDERSTUDY_TMP/names" || no "tar failed"
xargs find <"$UNDERSTUDY_TMP/names" >"$UNDERSTUDY_TMP/entries" || no "the folders cannot be listed"
count entries "$(($(wc -l <"$UNDERSTUDY_TMP/entries")))"
yes
