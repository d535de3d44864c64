# Writes until the volume is full. Most of it is taken at once, by a file without a name that is gone with the agent: the
# test writes megabytes instead of gigabytes, and nobody reads them again. On ext4 alone: elsewhere every byte is written.
. "$UNDERSTUDY_LIB"
free=$(df -m "$UNDERSTUDY_OUTPUT" | awk 'END { print $4 }')
busybox fallocate -l "$((free - 16))m" "$UNDERSTUDY_OUTPUT/most" || no "there is no fallocate"
exec 9<"$UNDERSTUDY_OUTPUT/most" && rm "$UNDERSTUDY_OUTPUT/most"
dd if=/dev/zero of="$UNDERSTUDY_OUTPUT/dump" bs=64k count=4096 || no "the dump does not fit"
yes
