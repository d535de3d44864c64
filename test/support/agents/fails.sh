# Says why, and fails.
echo partial >"$UNDERSTUDY_OUTPUT/partial"
echo "cannot connect to the catalog" >&2
exit 3
