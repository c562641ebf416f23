#!/bin/sh
# __NAME__: a stage for docintake (external stage, protocol 1).
# In a plan:  {"stage": "external", "program": ["./__NAME__.sh"], "accepts": "image"}
# To check:   docintake stages check ./__NAME__.sh
set -u
LC_ALL=C
export LC_ALL

# What a key of the message holds, as JSON writes it: texts without their quotes, escapes left alone.
# The sample in samples/stages/jpegtran.sh shows how to send an image back.
text() { printf '%s\n' "$line" | sed -nE 's/.*"'"$1"'":"(([^"\\]|\\.)*)".*/\1/p'; }
number() { printf '%s\n' "$line" | sed -nE 's/.*"'"$1"'":([0-9]+).*/\1/p'; }

# Reads the image from standard input; prints nothing for a good one, else why it is refused.
judge() {
  size=$(wc -c)
  [ "$size" -gt 0 ] || echo "empty"
}

# `read` takes a line and nothing more from a pipe; `head -c` of GNU takes exactly its count.
read -r line || exit 1
printf '{"intake":1,"kind":"ready","name":"__NAME__","accepts":["image"]}\n'
while read -r line; do
  case $line in *'"kind":"item"'*) ;; *) continue ;; esac
  id=$(text id)
  # What `judge` leaves has to be read all the same: the next message comes after it.
  reason=$(head -c "$(number bytes)" | { judge; cat >/dev/null; })
  if [ -z "$reason" ]; then
    printf '{"kind":"pass","id":"%s"}\n' "$id"
  else
    printf '{"kind":"reject","id":"%s","code":"%s","detail":"refused by __NAME__"}\n' "$id" "$reason"
  fi
done
exit 0
