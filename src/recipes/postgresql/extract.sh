# Takes one table out as SQL, to descriptor 3. What is asked for comes as files (database, schema, table); the server itself
# looks it up and quotes its name, and no value of anybody's ever meets a shell.
. "$UNDERSTUDY_LIB"

PSQL=$(find_tool psql) || no "psql is not installed in this machine"
PG_DUMP=$(find_tool pg_dump) || no "pg_dump is not installed in this machine"
PGPORT=$(param port)
PGDATABASE=$(cat "$UNDERSTUDY_REQUEST/database")
SCHEMA=$(cat "$UNDERSTUDY_REQUEST/schema" 2>/dev/null)
TABLE=$(cat "$UNDERSTUDY_REQUEST/table")
# Names that no shell and no pattern has touched, and bytes as the database holds them.
PGOPTIONS='-c default_transaction_read_only=on -c statement_timeout=0'
PGCONNECT_TIMEOUT=10
export PSQL PG_DUMP PGPORT PGDATABASE SCHEMA TABLE PGOPTIONS PGCONNECT_TIMEOUT
user=$(param user)

# The table, and where it is partitioned or inherited from all that hangs below it: pg_dump takes each by name.
FIND='with recursive wanted as (
  select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where c.relname = :'\''table'\'' and c.relkind in ($$r$$, $$p$$)
     and case when :'\''schema'\'' = $$$$ then pg_table_is_visible(c.oid) else n.nspname = :'\''schema'\'' end
  union select i.inhrelid from pg_inherits i join wanted w on w.oid = i.inhparent)
select quote_ident(n.nspname) || $$.$$ || quote_ident(c.relname)
  from wanted w join pg_class c on c.oid = w.oid join pg_namespace n on n.oid = c.relnamespace
 order by c.oid'

names=$UNDERSTUDY_TMP/tables
printf '%s\n' "$FIND" |
  su -s /bin/sh "$user" -c 'exec "$PSQL" -X -q -A -t -v ON_ERROR_STOP=1 -v schema="$SCHEMA" -v table="$TABLE" -f -' >"$names" ||
  no "the database does not answer; is there one of this name?"
[ -s "$names" ] || no "there is no such table in this database"

# Rows are counted in what is written, not asked of the server: a line between COPY and its end is one row.
rows=$UNDERSTUDY_TMP/rows
mkfifo "$rows" || no "no room for a pipe"
LC_ALL=C awk '!inside && /^COPY .* FROM stdin;$/ { inside = 1; next }
  inside && /^\\\.$/ { inside = 0; next }
  inside { rows++ }
  END { printf "%.0f\n", rows }' <"$rows" >"$rows.counted" &
counter=$!
{
  su -s /bin/sh "$user" -c 'while IFS= read -r name; do set -- "$@" "--table=$name"; done
    exec "$PG_DUMP" --no-password --strict-names --no-owner --no-privileges "$@"' <"$names"
  echo $? >"$UNDERSTUDY_TMP/dumped"
} | tee "$rows" >&3
wait "$counter"
[ "$(cat "$UNDERSTUDY_TMP/dumped")" = 0 ] || no "pg_dump failed"
fact table "$(head -n 1 "$names")"
fact format sql
count parts "$(($(wc -l <"$names")))"
count rows "$(cat "$rows.counted")"
yes
