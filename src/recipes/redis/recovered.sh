# Recovered: it answers PING. While a data set is being loaded the answer is LOADING; NOAUTH comes from a loaded one.
. "$UNDERSTUDY_LIB"

port=$(param port)
socket=$(param socket)
if cli=$(find_tool redis-cli) || cli=$(find_tool valkey-cli); then
  if [ -n "$socket" ]; then answer=$("$cli" -s "$socket" ping 2>&1); else answer=$("$cli" -h 127.0.0.1 -p "$port" ping 2>&1); fi
elif command -v nc >/dev/null 2>&1; then
  answer=$(printf 'PING\r\nQUIT\r\n' | nc -w 5 127.0.0.1 "$port" 2>&1 | tr -d '\r')
else
  no "neither redis-cli nor nc is installed in this machine"
fi
case $answer in
  *PONG* | *NOAUTH*) fact answer "$(printf '%s\n' "$answer" | head -n 1)"; yes ;;
  *) no "it answered: $(printf '%s\n' "$answer" | head -n 1)" ;;
esac
