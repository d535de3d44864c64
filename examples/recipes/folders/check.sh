# A tar that was cut short does not list to its end.
. "$UNDERSTUDY_LIB"

tar tf "$UNDERSTUDY_OUTPUT/folders.tar" >"$UNDERSTUDY_TMP/listed" || no "the tar cannot be read"
count listed "$(($(wc -l <"$UNDERSTUDY_TMP/listed")))"
yes
