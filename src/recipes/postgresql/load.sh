# Loads the dumps into a new cluster of the same programs and counts again: same tables, rows and checksums, or red.
. "$UNDERSTUDY_LIB"

INITDB=$(find_tool initdb) || no "initdb is not installed in this machine"
PG_CTL=$(find_tool pg_ctl) || no "pg_ctl is not installed in this machine"
PSQL=$(find_tool psql) || no "psql is not installed in this machine"
PG_RESTORE=$(find_tool pg_restore) || no "pg_restore is not installed in this machine"
user=$(param user)
CLUSTER=$UNDERSTUDY_TMP/postgresql
PGUSER=$user
PGDATABASE=postgres
PGPORT=5432
PGHOST=$CLUSTER
PGCONNECT_TIMEOUT=10
PGOPTIONS='-c datestyle=ISO -c intervalstyle=postgres -c timezone=UTC -c extra_float_digits=3 -c bytea_output=hex'
# Nothing of it outlives this machine, so nothing is made durable; small, beside the restored server.
SETTINGS="-c listen_addresses= -c unix_socket_directories=$CLUSTER -c fsync=off -c full_page_writes=off -c autovacuum=off -c jit=off -c shared_buffers=32MB"
export INITDB PG_CTL PSQL PG_RESTORE PGUSER PGDATABASE PGPORT PGHOST PGCONNECT_TIMEOUT PGOPTIONS SETTINGS CLUSTER
as_user() {
  su -s /bin/sh "$user" -c "$1"
}
ask() {
  as_user 'exec "$PSQL" -X -q -A -t -v ON_ERROR_STOP=1 -f -'
}

mkdir "$CLUSTER" && chmod 700 "$CLUSTER" && chown "$user" "$CLUSTER" || no "no room for a cluster"
cd "$UNDERSTUDY_TMP" || no "no room for a cluster"
as_user '"$INITDB" -N -A trust -U "$PGUSER" -D "$CLUSTER"' </dev/null || no "initdb failed"
as_user '"$PG_CTL" start -s -w -t 300 -D "$CLUSTER" -l "$CLUSTER/log" -o "$SETTINGS"' </dev/null || no "the new cluster does not start"
trap 'as_user "\"\$PG_CTL\" stop -s -m immediate -D \"\$CLUSTER\"" </dev/null >&2' EXIT

# Roles that initdb made exist already, and places of tablespaces are the restored server's: both may fail here. A role that
# is really missing fails the restore below.
as_user 'exec "$PSQL" -X -q -f -' <"$UNDERSTUDY_OUTPUT/globals.sql" >/dev/null

for dump in "$UNDERSTUDY_OUTPUT"/*.dump; do
  base=${dump%.dump}
  name=$(cat "$base.name")
  create=-C
  [ "$name" != postgres ] || create= # initdb made this one
  export create
  as_user 'exec "$PG_RESTORE" $create --exit-on-error --no-tablespaces -d postgres' <"$dump" || no "pg_restore of $name failed"
  PGDATABASE=$name
  ask <"${0%/*}/rows.sql" >"$UNDERSTUDY_TMP/rows" || no "the loaded database $name does not answer"
  cat "$UNDERSTUDY_TMP/rows" >>"$UNDERSTUDY_TMP/all-rows"
  cmp -s "$UNDERSTUDY_TMP/rows" "$base.rows" ||
    no "the loaded database $name is not what the agent saw: $(diff "$base.rows" "$UNDERSTUDY_TMP/rows" | sed -n 2p)"
  PGDATABASE=postgres
done

sum=$(md5sum <"$UNDERSTUDY_TMP/all-rows" | cut -c 1-32)
fact rowsMd5 "$sum"
count rows "$(awk -F '|' '{ rows += $(NF - 1) } END { printf "%.0f", rows }' "$UNDERSTUDY_TMP/all-rows")"
[ "$sum" = "$(cat "$UNDERSTUDY_AGENT_FACTS/rowsMd5")" ] || no "the checksum of all rows is not the one that the agent recorded"

# The same question to the server that stands on the point's own disks, where those are archived too.
PGHOST=
PGPORT=$(param port)
for name in "$UNDERSTUDY_OUTPUT"/*.name; do
  PGDATABASE=$(cat "$name")
  ask <"${0%/*}/rows.sql" || break
done >"$UNDERSTUDY_TMP/disk-rows" 2>/dev/null
fact disksRowsMd5 "$(md5sum <"$UNDERSTUDY_TMP/disk-rows" | cut -c 1-32)"
PGHOST=$CLUSTER
yes
