# pg_dump of every database and pg_dumpall of what lies outside them (roles, their settings, tablespaces), by the programs
# that belong to the server. The clone has no clients, so what is counted is what is dumped.
. "$UNDERSTUDY_LIB"

PSQL=$(find_tool psql) || no "psql is not installed in this machine"
PG_DUMP=$(find_tool pg_dump) || no "pg_dump is not installed in this machine"
PG_DUMPALL=$(find_tool pg_dumpall) || no "pg_dumpall is not installed in this machine"
PGPORT=$(param port)
PGDATABASE=$(param database)
PGCONNECT_TIMEOUT=10
# Rows as text look the same here and in the instance that the dump is loaded into.
PGOPTIONS='-c datestyle=ISO -c intervalstyle=postgres -c timezone=UTC -c extra_float_digits=3 -c bytea_output=hex'
export PSQL PG_DUMP PG_DUMPALL PGPORT PGDATABASE PGCONNECT_TIMEOUT PGOPTIONS
user=$(param user)

ask() {
  su -s /bin/sh "$user" -c 'exec "$PSQL" -X -q -A -t -v ON_ERROR_STOP=1 -f -'
}

su -s /bin/sh "$user" -c 'exec "$PG_DUMPALL" --globals-only --no-password' >"$UNDERSTUDY_OUTPUT/globals.sql" ||
  no "pg_dumpall failed: see its words in the log"

echo 'select datname from pg_database where datallowconn and not datistemplate order by 1' | ask >"$UNDERSTUDY_TMP/databases" ||
  no "the server does not list its databases"
number=0
while read -r name; do
  number=$((number + 1))
  PGDATABASE=$name
  printf '%s\n' "$name" >"$UNDERSTUDY_OUTPUT/$number.name"
  ask <"${0%/*}/rows.sql" >"$UNDERSTUDY_OUTPUT/$number.rows" || no "the rows of $name cannot be counted"
  # Lightly compressed: the vault compresses again, and one core of the clone does both.
  su -s /bin/sh "$user" -c 'exec "$PG_DUMP" -Fc -Z 1 --no-password' </dev/null >"$UNDERSTUDY_OUTPUT/$number.dump" ||
    no "pg_dump of $name failed: see its words in the log"
done <"$UNDERSTUDY_TMP/databases"

count databases "$number"
count tables "$(cat "$UNDERSTUDY_OUTPUT"/*.rows | wc -l | tr -dc '0-9')"
count rows "$(cat "$UNDERSTUDY_OUTPUT"/*.rows | awk -F '|' '{ rows += $(NF - 1) } END { printf "%.0f", rows }')"
fact rowsMd5 "$(cat "$UNDERSTUDY_OUTPUT"/*.rows | md5sum | cut -c 1-32)"
fact agent "$("$PG_DUMP" --version)"
yes
