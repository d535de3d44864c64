# Asks the database itself: version, databases, and the configured queries, all read-only.
. "$UNDERSTUDY_LIB"

PSQL=$(find_tool psql) || no "psql is not installed in this machine"
PGPORT=$(param port)
PGDATABASE=$(param database)
# statement_timeout in ms: a probe that hangs must not eat the time of the others.
PGOPTIONS='-c default_transaction_read_only=on -c statement_timeout=120000'
PGCONNECT_TIMEOUT=10
export PSQL PGPORT PGDATABASE PGOPTIONS PGCONNECT_TIMEOUT
user=$(param user)

# The query comes on standard input, everything else through the environment: no value meets a shell.
ask() {
  su -s /bin/sh "$user" -c 'exec "$PSQL" -X -q -A -t -v ON_ERROR_STOP=1 -F "$(printf "\037")" -f -'
}

version=$(echo 'show server_version' | ask) || no "the server does not answer a query"
fact serverVersion "$version"
count databases "$(echo 'select count(*) from pg_database' | ask)"
for query in "$UNDERSTUDY_PARAMS"/probeQueries/*; do
  [ -f "$query" ] || continue
  answer=$(ask <"$query") || no "the query ${query##*/} failed"
  fact "${query##*/}" "$(printf '%s\n' "$answer" | head -n 1 | cut -d "$(printf '\037')" -f 1)"
done
yes
