# Sourced by the agent's scripts: one way to call pgBackRest, with a configuration of its own and nothing of the machine's.

user=$(param user)
BACKREST=$(find_tool pgbackrest) || no "pgbackrest is not installed"
REPOSITORY=$UNDERSTUDY_OUTPUT/repository
AT=$UNDERSTUDY_TMP/pgbackrest
export BACKREST REPOSITORY AT

# as_user TEXT: a fixed text for a shell of the database's user; what varies comes through the environment.
as_user() {
  su -s /bin/sh "$user" -c "$1"
}

# backrest COMMAND: one of the few fixed texts below.
backrest() {
  COMMAND=$1
  export COMMAND
  as_user 'exec "$BACKREST" --config="$AT/pgbackrest.conf" --config-include-path="$AT/none" --stanza=understudy $COMMAND'
}

# verified: every file and every segment of the repository by its checksum. pgBackRest ends with 0 also where it found damage
# (2.45 does, and calls that "completed successfully"), so what it says counts, too.
verified() {
  backrest verify >"$UNDERSTUDY_TMP/verify.log" 2>&1
  ended=$?
  cat "$UNDERSTUDY_TMP/verify.log"
  [ "$ended" -eq 0 ] && ! grep -q -E 'status: (error|invalid)|(missing|invalid|other): [1-9]' "$UNDERSTUDY_TMP/verify.log"
}

# configure DATA PORT SOCKET: writes the configuration and the folders it names, for the database's user.
configure() {
  mkdir -p "$AT/none" "$AT/lock" "$AT/spool" || return 1
  cat >"$AT/pgbackrest.conf" <<CONF
[global]
repo1-path=$REPOSITORY
repo1-retention-full=1
log-level-file=off
log-level-console=info
log-path=$AT
lock-path=$AT/lock
spool-path=$AT/spool
# The vault compresses; nothing gains by doing it twice.
compress-type=none
# An empty database is a thousand small files. pgBackRest 2.39 brought both this and the verify that we ask it for.
repo1-bundle=y
start-fast=y
# 10 min for one segment to reach a repository on the same machine.
archive-timeout=600

[understudy]
pg1-path=$1
pg1-port=$2
pg1-socket-path=$3
CONF
  chmod 644 "$AT/pgbackrest.conf" && chown -R "$user" "$AT"
}
