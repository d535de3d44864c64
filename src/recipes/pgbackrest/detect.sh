# Here when a PostgreSQL cluster lies in a configured folder and pgBackRest is installed.
. "$UNDERSTUDY_LIB"

find_tool pgbackrest >/dev/null || no "pgbackrest is not installed"
# Patterns are expanded by the shell, unquoted on purpose; the configuration allows no other special characters.
for directory in $(param dataDirectories); do
  [ -f "$directory/PG_VERSION" ] && [ -f "$directory/global/pg_control" ] || continue
  fact dataDirectory "$directory"
  fact version "$(head -n 1 "$directory/PG_VERSION")"
  yes
done
no "no folder with PG_VERSION and global/pg_control"
