#!/bin/sh
# Stands before boot.sh where that comes as a command. A command has no token: one whose answer was lost may be sent twice,
# and both may arrive. A folder is made by one of them only; the other has nothing to do. It lies in memory on purpose:
# the archived disk shall not carry it, and a command that was delivered is not delivered again after a reboot.
UNDERSTUDY_RUN=
mkdir -p /run || exit 1
if ! mkdir "/run/understudy-$UNDERSTUDY_RUN"; then
  [ -d "/run/understudy-$UNDERSTUDY_RUN" ] || exit 1
  echo 'claimed by an earlier command of this run'
  exit 0
fi
