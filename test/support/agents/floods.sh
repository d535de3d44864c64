# Prints 100 MB in one line, more than the results have room for, and does its work.
. "$UNDERSTUDY_LIB"
head -c 100000000 /dev/zero
printf '\n'
echo done >"$UNDERSTUDY_OUTPUT/file"
yes
