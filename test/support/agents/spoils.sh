# Loaded before the others: damages what they wrote, as no vault that authenticates its objects can be made to hold it.
. "$UNDERSTUDY_LIB"
all=${UNDERSTUDY_OUTPUT%/*}
mount -o remount,rw "$all" || no "the output cannot be written to"
printf do >"$all/later-cut/file"
echo gone >"$all/later-altered/file"
sha256sum "$all/later-stale/file" >"$all/.understudy/later-stale.list"
mount -o remount,ro "$all"
yes
