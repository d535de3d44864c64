# Recovered: the postmaster accepts connections, which it does only after crash recovery has ended.
. "$UNDERSTUDY_LIB"

port=$(param port)
if ready=$(find_tool pg_isready); then
  "$ready" -t 5 -p "$port" >&2 || "$ready" -t 5 -h 127.0.0.1 -p "$port" >&2 || no "pg_isready says it does not accept connections"
  fact asked pg_isready
  yes
fi

# Without client tools: line 8 of postmaster.pid holds the postmaster's own word (miscadmin.h, since PostgreSQL 10).
for directory in $(param dataDirectories); do
  [ -f "$directory/postmaster.pid" ] || continue
  status=$(sed -n 8p "$directory/postmaster.pid" | tr -d ' ')
  pid=$(sed -n 1p "$directory/postmaster.pid")
  # A capture holds production's file: the process must be alive in this boot, and a postmaster.
  case $(cat "/proc/$pid/comm" 2>/dev/null) in postgres | postmaster) ;; *) no "no postmaster is running" ;; esac
  [ "$status" = ready ] || [ "$status" = standby ] || no "the postmaster says $status"
  fact asked postmaster.pid
  yes
done
no "no postmaster is running"
