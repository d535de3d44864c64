# Writes a file, and ends the server that it was to leave as it found it.
. "$UNDERSTUDY_LIB"
echo done >"$UNDERSTUDY_OUTPUT/file"
kill -KILL "$(pidof redis-server)" || no "no server runs"
yes
