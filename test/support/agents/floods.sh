# Prints 20 MB in one line, more than the results have room for, and does its work. Five times as much takes an emulated
# machine minutes, and shows nothing more; test/integration/recipes/harvest.test.ts prints 100 MB.
. "$UNDERSTUDY_LIB"
head -c 20000000 /dev/zero
printf '\n'
echo done >"$UNDERSTUDY_OUTPUT/file"
yes
