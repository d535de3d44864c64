# Reads every dump from its first to its last byte with pg_restore, and looks for the end of pg_dumpall's text.
. "$UNDERSTUDY_LIB"

restore=$(find_tool pg_restore) || no "pg_restore is not installed in this machine"
tail -n 5 "$UNDERSTUDY_OUTPUT/globals.sql" | grep -q 'database cluster dump complete' || no "globals.sql has no end"
number=0
for dump in "$UNDERSTUDY_OUTPUT"/*.dump; do
  [ -s "$dump" ] || no "no dump was written"
  "$restore" -f /dev/null "$dump" || no "pg_restore cannot read ${dump##*/}"
  number=$((number + 1))
done
count dumpsRead "$number"
yes
