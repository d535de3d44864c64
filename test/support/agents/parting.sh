# An application that says goodbye to a peer before it ends: no clone reaches one, and it takes no other end.
trap '' HUP INT TERM
until nc -w 5 10.10.0.99 5432 </dev/null >/dev/null 2>&1; do sleep 1; done
