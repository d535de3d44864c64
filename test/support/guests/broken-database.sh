#!/bin/sh
# User data for a machine whose clone is shut down in order, with a database that will never start again. Agents in it get
# an ext2 for their output, by busybox: it is the one here without e2fsprogs.
rm /usr/sbin/mkfs.ext4 /usr/sbin/mke2fs && ln -s busybox /usr/bin/mke2fs || exit 1
sed -i '2i for main in /var/lib/postgresql/*/main; do echo "shared_buffers = none" >>$main/postgresql.conf; done' /etc/rc.shutdown
sync
