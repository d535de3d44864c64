# Works in good order, and longer than its limit.
while :; do
  echo row | tee -a "$UNDERSTUDY_OUTPUT/dump"
  sleep 1
done
