#!/bin/sh
# User data for a machine whose clone is shut down in order, with a database that will never start again.
sed -i '2i echo "shared_buffers = none" >>/var/lib/postgresql/*/main/postgresql.conf' /etc/rc.shutdown
sync
