# pgBackRest as it is: a stanza, its own check, and a full online backup with its write-ahead log. Archiving can be turned
# on by a restart only, which a clone may have: production is not asked.
. "$UNDERSTUDY_LIB"
. "${0%/*}/backrest.sh"
. "${0%/*}/contents.sh"
cd / || no "there is no root folder" # the database's user may not be where this script is

# The cluster that runs: its postmaster says where everything is (miscadmin.h: lines of postmaster.pid).
DATA=
for directory in $(param dataDirectories); do
  pid=$(sed -n 1p "$directory/postmaster.pid" 2>/dev/null)
  case $(cat "/proc/$pid/comm" 2>/dev/null) in postgres | postmaster) DATA=$directory && break ;; esac
done
[ -n "$DATA" ] || no "no postmaster is running"
PGPORT=$(sed -n 4p "$DATA/postmaster.pid")
PGHOST=$(sed -n 5p "$DATA/postmaster.pid")
[ -n "$PGHOST" ] || no "the server has no local socket"
program=$(readlink "/proc/$pid/exe")
PG_CTL=${program%/*}/pg_ctl
PSQL=$(find_tool psql) || no "psql is not installed"
[ -x "$PG_CTL" ] || no "there is no pg_ctl beside the server's program"
# As `pg_ctl restart` reads it: the program, the data directory, then options of its own, quoted for a shell.
OPTIONS=$(sed -e 's/^[^ ]* *//' -e 's/^"-D" "[^"]*" *//' "$DATA/postmaster.opts")
LOG=$(readlink "/proc/$pid/fd/2")
# A service that ends by itself would be ended once more by its manager, whoever runs in its place by then.
unit=
[ ! -d /run/systemd/system ] || unit=$(sed -n 's#.*/\([^/]*\.service\)$#\1#p' "/proc/$pid/cgroup" | head -n 1)
export DATA PGPORT PGHOST PG_CTL PSQL OPTIONS LOG
# Where the server wrote to, unless that was opened for it by somebody with more rights.
as_user '[ -f "$LOG" ] && [ -w "$LOG" ]' || LOG=$AT/server.log

stop_server() {
  as_user 'exec "$PG_CTL" -s -w -t 600 -D "$DATA" -m fast stop'
}
# start_server OPTIONS: 600 s are for a crash recovery, should the stop have been none.
start_server() {
  ADDED=$1
  export ADDED
  as_user 'exec "$PG_CTL" -s -w -t 600 -D "$DATA" -l "$LOG" -o "$OPTIONS $ADDED" start'
}
# The application must be found as it was: the next agent and the shutdown count on it.
bring_back() {
  stop_server
  if [ -n "$unit" ]; then systemctl start "$unit"; else start_server ''; fi
}

mkdir -p "$REPOSITORY" && chown "$user" "$REPOSITORY" && configure "$DATA" "$PGPORT" "$PGHOST" ||
  no "the agent's folders cannot be made"
cp "${0%/*}/archive.sh" "$AT/archive.sh" && chmod 644 "$AT/archive.sh"
backrest stanza-create || no "pgbackrest stanza-create failed"
if [ -n "$unit" ]; then systemctl stop "$unit"; else stop_server; fi || no "the server did not stop"
start_server "-c archive_mode=on -c archive_command='sh $AT/archive.sh %p'" || { bring_back; no "the server did not start with archiving on"; }

went=
backrest check || went="pgbackrest check failed"
[ -n "$went" ] || backrest 'backup --type=full' || went="pgbackrest backup failed"
[ -n "$went" ] || count_contents "$UNDERSTUDY_TMP/contents" || went="what the databases hold could not be counted"
bring_back || went=${went:-"the server did not start again with its own settings"}
[ -z "$went" ] || no "$went"
fact agentVersion "$("$BACKREST" version | tr -dc '0-9.')"
fact preload "$(echo 'show shared_preload_libraries' | ask postgres)"
tell_contents "$UNDERSTUDY_TMP/contents"
yes
