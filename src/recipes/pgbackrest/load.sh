# Restores the repository into a cluster of its own with pgBackRest, starts that and compares what it holds with what the
# agent counted.
. "$UNDERSTUDY_LIB"
. "${0%/*}/backrest.sh"
. "${0%/*}/contents.sh"
cd / || no "there is no root folder"

DATA=$UNDERSTUDY_TMP/pgbackrest-data
PGHOST=$UNDERSTUDY_TMP/pgbackrest-socket
PGPORT=$(param port)
PSQL=$(find_tool psql) || no "psql is not installed"
export DATA PGHOST PGPORT PSQL
mkdir -p "$DATA" "$PGHOST" && chmod 700 "$DATA" "$PGHOST" && chown "$user" "$DATA" "$PGHOST" || no "no room for a cluster"
configure "$DATA" "$PGPORT" "$PGHOST" || no "the folders of pgbackrest cannot be made"
verified || no "pgbackrest verify found damage: see its words in the log"
# To the end of the backup, which is all that the repository promises.
backrest 'restore --type=immediate --target-action=promote' || no "pgbackrest restore failed"

PG_CTL=$(find_tool pg_ctl) || no "pg_ctl is not installed"
major=$(cat "$DATA/PG_VERSION")
[ ! -x "/usr/lib/postgresql/$major/bin/pg_ctl" ] || PG_CTL=/usr/lib/postgresql/$major/bin/pg_ctl
# Settings of the machine's own server may stand outside of the data directory; these need none of them. Without hot
# standby nothing is asked of max_connections and its like.
cat >"$DATA/understudy.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$PGHOST'
hba_file = '$DATA/understudy_hba.conf'
hot_standby = off
archive_mode = off
dynamic_shared_memory_type = mmap
shared_preload_libraries = '$(cat "$UNDERSTUDY_AGENT_FACTS/preload" 2>/dev/null | tr -dc 'A-Za-z0-9_,. ')'
CONF
echo 'local all all peer' >"$DATA/understudy_hba.conf"
chown "$user" "$DATA/understudy.conf" "$DATA/understudy_hba.conf"
export PG_CTL
stop_server() { as_user 'exec "$PG_CTL" -s -w -t 600 -D "$DATA" -m fast stop'; }
as_user 'exec "$PG_CTL" -s -w -t 3600 -D "$DATA" -l "$AT/server.log" -o "-c config_file=$DATA/understudy.conf -c port=$PGPORT" start' ||
  { tail -n 5 "$AT/server.log"; no "the restored cluster did not start: $(tail -n 1 "$AT/server.log")"; }
# pg_ctl does not wait for the end of a recovery that nobody may look into; the step's own limit bounds this.
until echo 'select 1' | ask postgres >/dev/null 2>&1; do
  as_user 'exec "$PG_CTL" -s -D "$DATA" status' || no "the restored cluster ended: $(tail -n 1 "$AT/server.log")"
  sleep 1
done
count_contents "$UNDERSTUDY_TMP/pgbackrest-contents" || { stop_server; no "what the restored databases hold could not be counted"; }
stop_server
must_be_the_same "$UNDERSTUDY_TMP/pgbackrest-contents"
tell_contents "$UNDERSTUDY_TMP/pgbackrest-contents"
yes
