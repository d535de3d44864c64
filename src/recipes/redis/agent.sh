# An RDB file, made by the server for redis-cli as for a replica, and what it holds. Nobody writes: the clone has no clients.
. "$UNDERSTUDY_LIB"

cli=$(find_tool redis-cli) || cli=$(find_tool valkey-cli) || no "redis-cli is not installed in this machine"
socket=$(param socket)
port=$(param port)
ask() {
  if [ -n "$socket" ]; then "$cli" -s "$socket" "$@"; else "$cli" -h 127.0.0.1 -p "$port" "$@"; fi
}
case $(ask ping 2>&1) in *NOAUTH*) no "it asks for a password, which this recipe has none for: use the command recipe" ;; esac

# Keys that do not expire, and the sum of the SHA-1s of their contents, which no order of keys changes. Expiring ones may be
# gone when the file is loaded.
cat >"$UNDERSTUDY_OUTPUT/contents.lua" <<'LUA'
local cursor, keys, sum, seen = '0', 0, {0, 0, 0}, {}
local function flat(value, into)
  if type(value) == 'table' then for _, one in ipairs(value) do flat(one, into) end
  else into[#into + 1] = #tostring(value) .. ':' .. tostring(value) end
  return into
end
local function content(key, kind)
  if kind == 'string' then return {redis.call('GET', key)} end
  if kind == 'list' then return redis.call('LRANGE', key, 0, -1) end
  if kind == 'zset' then return redis.call('ZRANGE', key, 0, -1, 'WITHSCORES') end
  if kind == 'stream' then return redis.call('XRANGE', key, '-', '+') end
  if kind == 'set' then
    local members = redis.call('SMEMBERS', key)
    table.sort(members)
    return members
  end
  if kind == 'hash' then
    local raw, pairs_of = redis.call('HGETALL', key), {}
    for at = 1, #raw, 2 do pairs_of[#pairs_of + 1] = #raw[at] .. ':' .. raw[at] .. raw[at + 1] end
    table.sort(pairs_of)
    return pairs_of
  end
  return {redis.call('DUMP', key)}
end
repeat
  local page = redis.call('SCAN', cursor, 'COUNT', 1000)
  cursor = page[1]
  for _, key in ipairs(page[2]) do
    if not seen[key] and redis.call('PTTL', key) == -1 then
      seen[key] = true
      keys = keys + 1
      local kind = redis.call('TYPE', key)['ok']
      local hash = redis.sha1hex(table.concat(flat({kind, key, content(key, kind)}, {}), ','))
      for n = 1, 3 do sum[n] = (sum[n] + tonumber(hash:sub(12 * n - 11, 12 * n), 16)) % 2 ^ 48 end
    end
  end
until cursor == '0'
return string.format('%d %012x%012x%012x', keys, sum[1], sum[2], sum[3])
LUA

: >"$UNDERSTUDY_OUTPUT/contents"
for number in $(ask info keyspace | tr -d '\r' | sed -n 's/^db\([0-9]*\):.*/\1/p'); do
  contents=$(ask -n "$number" --eval "$UNDERSTUDY_OUTPUT/contents.lua") || no "database $number does not tell its contents"
  case $contents in *[!0-9a-f\ ]* | '') no "database $number does not tell its contents: $contents" ;; esac
  # One with only expiring keys may be empty when the file is loaded, and an empty one is not listed.
  case $contents in '0 '*) ;; *) echo "$number $contents" >>"$UNDERSTUDY_OUTPUT/contents" ;; esac
done

# Since 7.0 a server waits 5 s for other replicas before it writes the file (repl-diskless-sync-delay); a clone has none. In
# this process only, and where CONFIG may be used.
ask config set repl-diskless-sync-delay 0 >/dev/null 2>&1
ask --rdb "$UNDERSTUDY_OUTPUT/dump.rdb" || no "redis-cli --rdb failed: see its words in the log"
count keys "$(awk '{ keys += $2 } END { printf "%.0f", keys }' "$UNDERSTUDY_OUTPUT/contents")"
fact contentsMd5 "$(md5sum <"$UNDERSTUDY_OUTPUT/contents" | cut -c 1-32)"
fact version "$(ask info server | tr -d '\r' | sed -n 's/^redis_version://p')"
yes
