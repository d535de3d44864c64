# Redis's own checker reads the file from its first to its last byte, checksum included.
. "$UNDERSTUDY_LIB"

check=$(find_tool redis-check-rdb) || check=$(find_tool valkey-check-rdb) || no "redis-check-rdb is not installed in this machine"
"$check" "$UNDERSTUDY_OUTPUT/dump.rdb" || no "redis-check-rdb finds the file damaged"
fact checkedBy "${check##*/}"
yes
