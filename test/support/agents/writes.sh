. "$UNDERSTUDY_LIB"
echo done >"$UNDERSTUDY_OUTPUT/file"
yes
