# Asks for the number of keys and how it persists.
. "$UNDERSTUDY_LIB"

cli=$(find_tool redis-cli) || cli=$(find_tool valkey-cli) || no "redis-cli is not installed in this machine"
socket=$(param socket)
port=$(param port)
ask() {
  if [ -n "$socket" ]; then "$cli" -s "$socket" "$@"; else "$cli" -h 127.0.0.1 -p "$port" "$@"; fi
}

size=$(ask dbsize 2>&1)
case $size in
  *NOAUTH*) fact note "it asks for a password; only its answering was checked"; yes ;;
esac
keys=$(printf '%s\n' "$size" | tr -dc '0-9')
[ -n "$keys" ] || no "it does not answer DBSIZE: $size"
count keys "$keys"
fact version "$(ask info server | tr -d '\r' | sed -n 's/^redis_version://p')"
fact appendOnly "$(ask info persistence | tr -d '\r' | sed -n 's/^aof_enabled://p')"
for key in $(param probeKeys); do
  fact "$key" "$(ask get "$key")"
done
yes
