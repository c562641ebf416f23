#!/bin/sh
#SBATCH --job-name=docintake
#SBATCH --array=0-7%4
#SBATCH --cpus-per-task=2
#SBATCH --mem=1G
#SBATCH --time=04:00:00
#SBATCH --signal=B:USR1@60
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=docintake-%a.log
# A Slurm array; task i takes part i + 1 of 8. The 8 stands here because Slurm counts the tasks of one submission only:
# sbatch --array=3 slurm.sh runs that part again, alone.
# 60 s before the time limit (a request's timeout) Slurm tells this shell, which tells the run: it finishes what is in
# flight and ends with 4. Then this task, not the array, is queued again, and goes on where it stopped.
# When all have ended (sbatch --dependency=afterany:JOB): docintake ledger merge ledgers/[0-9]*.ledger --output all.ledger
set -u
task=$SLURM_ARRAY_TASK_ID
mkdir -p ledgers results
# Appended, so that what a task wrote before it was queued again stays.
docintake run customers.csv --to dcams --credentials "$HOME/dcams.json" \
  --shard auto/8 --shards-at-once 4 --rate 8/s --ledger "ledgers/$task.ledger" >>"results/$task.jsonl" &
run=$! cancelled=
# scancel sends TERM to the run as well: passed on, it would be the second one, which aborts. Hence USR1 for the limit.
trap 'kill -TERM "$run"' USR1
trap 'cancelled=yes' TERM
# A signal ends the wait early; what is in flight is waited for then.
while wait "$run"; code=$?; kill -0 "$run" 2>/dev/null; do :; done
if [ "$code" = 4 ] && [ -z "$cancelled" ]; then
  scontrol requeue "${SLURM_ARRAY_JOB_ID}_$task"
fi
exit "$code"
