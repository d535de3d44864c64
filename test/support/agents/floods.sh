# Prints 20 MB in one line, more than the results have room for, and does its work.
. "$UNDERSTUDY_LIB"
head -c 20000000 /dev/zero | tr '\000' x
printf '\n'
echo done >"$UNDERSTUDY_OUTPUT/file"
yes
