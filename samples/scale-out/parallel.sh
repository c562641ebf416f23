#!/bin/sh
# One manifest over n processes of this machine, or of several that share this folder.
# usage: [HOSTS=host,host …] parallel.sh MANIFEST N [options of docintake run …] >results.jsonl
# Part i of N has the rows whose hash falls to it, and its ledger is ledgers/i.ledger whatever host works on it; all N run
# at once and share --rate. The same command again goes on where it stopped. Exit codes are those of docintake run: the
# gravest of all parts, else that of the merge.
set -eu
manifest=$1 parts=$2
shift 2
refuse() {
  echo "parallel.sh: $*; nothing was sent" >&2
  exit 2
}

mkdir -p ledgers
# Two at once would overwrite each other's list of exit codes.
exec 9>ledgers/lock
! command -v flock >/dev/null || flock -n 9 || refuse "another parallel.sh is at work in this folder: wait for it"
# Cut into another number of parts, customers would meet ledgers that don't know them, and be sent again.
[ -e ledgers/parts ] || echo "$parts" >ledgers/parts
[ "$(cat ledgers/parts)" = "$parts" ] ||
  refuse "ledgers/ is of $(cat ledgers/parts) parts: give that number, or start in another folder"

# A host that sees another folder here would find no ledger and send everybody again.
if [ -n "${HOSTS:-}" ]; then
  token=$(mktemp ledgers/token.XXXXXX)
  seen=0
  parallel --nonall --tag --sshlogin "$HOSTS" --workdir "$PWD" -q ls -- "$token" "$manifest" >&2 || seen=$?
  rm "$token"
  [ "$seen" = 0 ] || refuse "not every host of $HOSTS sees this folder ($PWD) and $manifest: share it (NFS)"
fi

# One TERM finishes what is in flight, a second one would abort it; a request takes 60 s at most.
ended=0
seq "$parts" | parallel -q --jobs "$parts" ${HOSTS:+--sshlogin "$HOSTS" --workdir "$PWD"} \
  --joblog ledgers/jobs.tsv --line-buffer --halt never --termseq TERM,70000,KILL,100 \
  docintake run "$manifest" --shard "{}/$parts" --ledger "ledgers/{}.ledger" --quiet "$@" 9>&- || ended=$?
gravest=$(awk -F '\t' 'NR > 1 { seen[$8 == 0 && $7 ~ /^[0-6]$/ ? $7 : 4] }
  END { split("6 2 1 4 5 3", order, " "); for (i = 1; i <= 6; i++) if (order[i] in seen) { print order[i]; exit } }' \
  ledgers/jobs.tsv)
[ -n "$gravest" ] || [ "$ended" = 0 ] || gravest=4

rm -f ledgers/all.ledger ledgers/all.ledger.key
merged=0
docintake ledger merge ledgers/[0-9]*.ledger --output ledgers/all.ledger >&2 || merged=$?
exit "${gravest:-$merged}"
