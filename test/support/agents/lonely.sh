# An application that is ready once a peer of production answers, which no clone ever reaches.
. "$UNDERSTUDY_LIB"
nc -w 5 10.10.0.99 5432 </dev/null >/dev/null 2>&1 || no "the peer does not answer"
yes
