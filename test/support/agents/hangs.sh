# Never ends, whoever asks, and leaves a child outside of its session.
trap '' HUP TERM
setsid sleep 3600 &
echo "waiting for the catalog"
while :; do sleep 1; done
