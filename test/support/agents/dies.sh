# Takes its machine with it, nothing written and nothing unmounted.
poweroff -f
sleep 60
