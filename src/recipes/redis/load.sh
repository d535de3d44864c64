# Loads the file into a server of its own and asks for the contents again: same keys and checksum, or red.
. "$UNDERSTUDY_LIB"

server=$(find_tool redis-server) || server=$(find_tool valkey-server) || no "redis-server is not installed in this machine"
cli=$(find_tool redis-cli) || cli=$(find_tool valkey-cli) || no "redis-cli is not installed in this machine"
socket=$UNDERSTUDY_TMP/redis.sock
ask() { "$cli" -s "$socket" "$@"; }

# It reads the file where it lies and writes nothing. 1,024 databases: a file that uses more than a server has is refused.
"$server" --port 0 --unixsocket "$socket" --dir "$UNDERSTUDY_OUTPUT" --dbfilename dump.rdb --save '' --appendonly no \
  --databases 1024 --daemonize no >&2 </dev/null &
loaded=$!
trap 'kill "$loaded" 2>/dev/null' EXIT
until [ "$(ask ping 2>/dev/null)" = PONG ]; do
  kill -0 "$loaded" 2>/dev/null || no "the server ended while it loaded the file: see its words in the log"
  sleep 1
done

for number in $(ask info keyspace | tr -d '\r' | sed -n 's/^db\([0-9]*\):.*/\1/p'); do
  echo "$number $(ask -n "$number" --eval "$UNDERSTUDY_OUTPUT/contents.lua")"
done | grep -v '^[0-9]* 0 ' >"$UNDERSTUDY_TMP/contents"
cmp -s "$UNDERSTUDY_OUTPUT/contents" "$UNDERSTUDY_TMP/contents" ||
  no "the loaded server does not hold what the agent saw: $(diff "$UNDERSTUDY_OUTPUT/contents" "$UNDERSTUDY_TMP/contents" | sed -n 2p)"
sum=$(md5sum <"$UNDERSTUDY_TMP/contents" | cut -c 1-32)
[ "$sum" = "$(cat "$UNDERSTUDY_AGENT_FACTS/contentsMd5")" ] || no "the checksum of the contents is not the one that the agent recorded"
count keys "$(awk '{ keys += $2 } END { printf "%.0f", keys }' "$UNDERSTUDY_TMP/contents")"
fact contentsMd5 "$sum"
yes
