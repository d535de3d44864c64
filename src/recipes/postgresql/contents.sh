# Sourced by scripts that compare what two servers hold, with rows.sql beside it. Needs: user, PSQL, PGHOST, PGPORT exported.

# Rows as text look the same whatever the two servers' own settings are.
PGOPTIONS='-c datestyle=ISO -c intervalstyle=postgres -c timezone=UTC -c extra_float_digits=3 -c bytea_output=hex'
PGCONNECT_TIMEOUT=10
export PGOPTIONS PGCONNECT_TIMEOUT

# ask DATABASE: runs what comes on standard input.
ask() {
  PGDATABASE=$1
  export PGDATABASE
  su -s /bin/sh "$user" -c 'exec "$PSQL" -X -q -A -t -v ON_ERROR_STOP=1 -f -'
}

# count_contents FILE: a line per table into FILE (database, table, rows, sum), and what that comes to into FILE.facts.
count_contents() {
  echo 'select datname from pg_database where datallowconn and not datistemplate order by 1' | ask postgres >"$1.databases" || return 1
  : >"$1"
  while IFS= read -r database; do
    ask "$database" <"${0%/*}/rows.sql" >"$1.tables" || return 1
    awk -v database="$database" '{ print database "|" $0 }' "$1.tables" >>"$1"
  done <"$1.databases"
  sum=$(sha256sum <"$1") || return 1
  rows=$(awk -F '|' '{ rows += $(NF - 1) } END { printf "%.0f", rows }' "$1")
  printf 'databases %d\ntables %d\nrows %s\ncontentSha256 %s\n' \
    "$(wc -l <"$1.databases")" "$(wc -l <"$1")" "$rows" "${sum%% *}" >"$1.facts"
}

# tell_contents FILE: the facts of count_contents into the answer.
tell_contents() {
  while read -r name value; do
    case $value in *[!0-9]*) fact "$name" "$value" ;; *) count "$name" "$value" ;; esac
  done <"$1.facts"
}

# must_be_the_same FILE: what was counted now is what the agent saw, or the answer is no.
must_be_the_same() {
  while read -r name value; do
    seen=$(cat "$UNDERSTUDY_AGENT_FACTS/$name" 2>/dev/null)
    [ "$value" = "$seen" ] || no "$name is $value, the agent saw ${seen:-nothing}"
  done <"$1.facts"
}
