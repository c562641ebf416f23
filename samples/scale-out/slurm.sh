#!/bin/sh
#SBATCH --job-name=docintake
#SBATCH --array=0-7%4
#SBATCH --cpus-per-task=2
#SBATCH --mem=1G
# A Slurm array: --shard auto reads index, first index, step and count from Slurm's variables.
# Exit code 4 (stopped early) means that the same job may be requeued: it goes on where it stopped.
set -u
export XDG_STATE_HOME="${XDG_STATE_HOME:-$PWD/state}"
docintake run customers.csv --to dcams --credentials "$HOME/dcams.json" \
  --shard auto --ledger "ledgers/$SLURM_ARRAY_TASK_ID.ledger" --rate 8/s \
  > "results/$SLURM_ARRAY_TASK_ID.jsonl"
code=$?
[ "$code" = 4 ] && scontrol requeue "$SLURM_JOB_ID"
exit "$code"
# When all are done: docintake ledger merge ledgers/*.ledger --output all.ledger
