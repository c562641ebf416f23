#!/bin/sh
# One manifest over n processes on this machine, or on several with GNU parallel's --sshlogin.
# usage: parallel.sh MANIFEST N [options of docintake run …]
# Each process takes the rows whose hash falls to it, keeps a ledger of its own and a share of --rate.
# The same command again goes on where it stopped; a shard that is missing is found when the ledgers are merged.
set -eu
manifest=$1 shards=$2
shift 2
mkdir -p ledgers
seq "$shards" | parallel --joblog ledgers/jobs.tsv --line-buffer --halt never \
  docintake run "$manifest" --shard "{}/$shards" --ledger "ledgers/{}.ledger" --quiet "$@" ||
  echo "some shards ended with other exit codes than 0; see column Exitval of ledgers/jobs.tsv" >&2
rm -f ledgers/all.ledger ledgers/all.ledger.key
docintake ledger merge ledgers/[0-9]*.ledger --output ledgers/all.ledger
