#!/bin/sh
# User data for a machine whose clone is shut down in order, with a database that will never start again.
sed -i '2i for main in /var/lib/postgresql/*/main; do echo "shared_buffers = none" >>$main/postgresql.conf; done' /etc/rc.shutdown
sync
