# PostgreSQL is here when a configured folder holds a cluster: PG_VERSION and the control file.
. "$UNDERSTUDY_LIB"

# Patterns are expanded by the shell, unquoted on purpose; the configuration allows no other special characters.
for directory in $(param dataDirectories); do
  if [ -f "$directory/PG_VERSION" ] && [ -f "$directory/global/pg_control" ]; then
    fact dataDirectory "$directory"
    fact version "$(head -n 1 "$directory/PG_VERSION")"
    yes
  fi
done
no "no folder with PG_VERSION and global/pg_control"
