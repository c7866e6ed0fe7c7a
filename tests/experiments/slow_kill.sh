# 200 kill -9 at random instants of a run; each is taken up again and equals the unbroken one.
ROUNDS=200 KILLS_ONLY=1
export ROUNDS KILLS_ONLY
exec sh "$SOURCE/tests/experiments/test_run.sh"
