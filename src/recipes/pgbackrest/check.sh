# pgBackRest's own look at its repository: every file and every segment by its checksum.
. "$UNDERSTUDY_LIB"
. "${0%/*}/backrest.sh"
cd / || no "there is no root folder"

verified || no "pgbackrest verify found damage: see its words in the log"
# "status":{"code":0,…}: the stanza has a backup that is whole.
label=$(backrest 'info --output=json' | tr -d '\n' | sed -n 's/.*"label":"\([0-9F]*-*[0-9F]*\)".*/\1/p')
[ -n "$label" ] || no "pgbackrest info names no backup"
fact label "$label"
yes
