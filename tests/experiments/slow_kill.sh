# 200 kill -9 at random instants of a run; each is taken up again and equals the unbroken one.
ROUNDS=200
export ROUNDS
exec sh "$SOURCE/tests/experiments/test_run.sh"
