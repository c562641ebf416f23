/// Programs that keep protocol 1: the loop is done, one function is left to be written.
enum ProgramTemplate {
  /// Python: changes or judges the image.
  static func python(_ name: String) -> String { head(name) + loop(name) }

  private static func head(_ name: String) -> String {
    """
    #!/usr/bin/env python3
    \"\"\"\(name): a stage for docintake (external stage, protocol 1).

    In a plan:  {"stage": "external", "program": ["./\(name).py"], "accepts": "image"}
    To check:   docintake stages check ./\(name).py
    \"\"\"
    import json
    import sys


    class Reject(Exception):
        \"\"\"Refuses the row: Reject("too_dark", "mean brightness 12 of 255"). No personal data in it.\"\"\"


    def work(data, image, options):
        \"\"\"Gets the bytes of a JPEG or PNG; returns new bytes, or None to leave the image as it is.

        `image` has format, width, height, and orientation as EXIF counts it (1 is upright).
        Libraries that save a picture drop EXIF: turn it first, with Pillow by ImageOps.exif_transpose.
        `options` are those of the plan, all of them texts.
        \"\"\"
        return None



    """
  }

  private static func loop(_ name: String) -> String {
    """
    def main():
        # Messages have standard output for themselves; whatever a library prints goes to the log.
        wire, sys.stdout = sys.stdout.buffer, sys.stderr

        def send(message, data=b""):
            wire.write(json.dumps(message).encode() + b"\\n" + data)
            wire.flush()

        def answer(item, data):
            try:
                result = work(data, item["image"], options)
            except Reject as refusal:
                code, detail = (*refusal.args, "", "")[:2]
                return {"kind": "reject", "id": item["id"], "code": code, "detail": detail}, b""
            except Exception as error:
                print(f"\(name): {type(error).__name__}: {error}", file=sys.stderr)
                return {"kind": "reject", "id": item["id"], "code": "stage_error",
                        "detail": type(error).__name__}, b""
            if result is None:
                return {"kind": "pass", "id": item["id"]}, b""
            return {"kind": "result", "id": item["id"], "image": {"bytes": len(result)}}, result

        options = json.loads(sys.stdin.buffer.readline()).get("options", {})
        send({"intake": 1, "kind": "ready", "name": "\(name)", "accepts": ["image"]})
        for line in sys.stdin.buffer:
            item = json.loads(line)
            if item.get("kind") != "item":
                continue
            data = sys.stdin.buffer.read(item["image"]["bytes"])
            if len(data) < item["image"]["bytes"]:
                return
            send(*answer(item, data))


    if __name__ == "__main__":
        main()

    """
  }

  /// A shell script with `sed` and `head`; it judges, and leaves the image as it is.
  static func shell(_ name: String) -> String {
    #"""
    #!/bin/sh
    # \#(name): a stage for docintake (external stage, protocol 1).
    # In a plan:  {"stage": "external", "program": ["./\#(name).sh"], "accepts": "image"}
    # To check:   docintake stages check ./\#(name).sh
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
    printf '{"intake":1,"kind":"ready","name":"\#(name)","accepts":["image"]}\n'
    while read -r line; do
      case $line in *'"kind":"item"'*) ;; *) continue ;; esac
      id=$(text id)
      # What `judge` leaves has to be read all the same: the next message comes after it.
      reason=$(head -c "$(number bytes)" | { judge; cat >/dev/null; })
      if [ -z "$reason" ]; then
        printf '{"kind":"pass","id":"%s"}\n' "$id"
      else
        printf '{"kind":"reject","id":"%s","code":"%s","detail":"refused by \#(name)"}\n' "$id" "$reason"
      fi
    done
    exit 0

    """#
  }
}
