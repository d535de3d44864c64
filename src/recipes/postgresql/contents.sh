# Sourced by scripts that compare what two servers hold. Needs: user, PSQL, PGHOST, PGPORT exported.

# Row by row, in an order-free sum: 60 bits of each row's MD5. Settings that change how a value is written are fixed, since
# the two servers may be configured differently. Leaf tables only: a partitioned table's rows are its partitions'.
CONTENTS='set datestyle = iso; set timezone = utc; set intervalstyle = postgres; set bytea_output = hex; set extra_float_digits = 1;
select format($q$select %L, count(*), coalesce(sum(($$x$$ || substr(md5(t::text), 1, 15))::bit(60)::bigint::numeric), 0) from %I.%I t$q$,
    nspname || $$.$$ || relname, nspname, relname)
  from pg_class c join pg_namespace n on n.oid = relnamespace
  where relkind = $$r$$ and relpersistence = $$p$$ and nspname !~ $$^pg_$$ and nspname <> $$information_schema$$
  order by nspname, relname
\gexec'

# ask DATABASE: a query of standard input, its rows with tabs between columns.
ask() {
  PGDATABASE=$1
  PGCONNECT_TIMEOUT=10
  export PGDATABASE PGCONNECT_TIMEOUT
  su -s /bin/sh "$user" -c 'exec "$PSQL" -X -q -A -t -v ON_ERROR_STOP=1 -F "$(printf "\t")" -f -'
}

# count_contents FILE: a line per table into FILE (database, table, rows, sum), and what that comes to into FILE.facts.
count_contents() {
  echo 'select datname from pg_database where datallowconn and not datistemplate order by 1' | ask postgres >"$1.databases" || return 1
  : >"$1"
  while IFS= read -r database; do
    printf '%s\n' "$CONTENTS" | ask "$database" >"$1.tables" || return 1
    awk -v database="$database" '{ print database "\t" $0 }' "$1.tables" >>"$1"
  done <"$1.databases"
  sum=$(sha256sum <"$1") || return 1
  rows=$(awk -F '\t' '{ rows += $(NF - 1) } END { printf "%.0f", rows }' "$1")
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
