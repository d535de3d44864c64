# archive_command: %p is relative to the data directory, in which the server runs it.
exec "$BACKREST" --config="$AT/pgbackrest.conf" --config-include-path="$AT/none" --stanza=understudy archive-push "$1"
