#!/usr/bin/env python3
"""__NAME__: a stage for docintake (external stage, protocol 1).

In a plan:  {"stage": "external", "program": ["./__NAME__.py"], "accepts": "image"}
To check:   docintake stages check ./__NAME__.py
"""
import json
import sys


class Reject(Exception):
    """Refuses the row: Reject("too_dark", "mean brightness 12 of 255"). No personal data in it."""


def work(data, image, options):
    """Gets the bytes of a JPEG or PNG; returns new bytes, or None to leave the image as it is.

    `image` has format, width, height, and orientation as EXIF counts it (1 is upright).
    Libraries that save a picture drop EXIF: turn it first, with Pillow by ImageOps.exif_transpose.
    `options` are those of the plan, all of them texts.
    """
    return None


def main():
    # Messages have standard output for themselves; whatever a library prints goes to the log.
    wire, sys.stdout = sys.stdout.buffer, sys.stderr

    def send(message, data=b""):
        wire.write(json.dumps(message).encode() + b"\n" + data)
        wire.flush()

    def answer(item, data):
        try:
            result = work(data, item["image"], options)
        except Reject as refusal:
            code, detail = (*refusal.args, "", "")[:2]
            return {"kind": "reject", "id": item["id"], "code": code, "detail": detail}, b""
        except Exception as error:
            # The type alone: what an error says may repeat what the picture shows.
            print(f"__NAME__: {type(error).__name__}", file=sys.stderr)
            return {"kind": "reject", "id": item["id"], "code": "stage_error",
                    "detail": type(error).__name__}, b""
        if result is None:
            return {"kind": "pass", "id": item["id"]}, b""
        return {"kind": "result", "id": item["id"], "image": {"bytes": len(result)}}, result

    options = json.loads(sys.stdin.buffer.readline()).get("options", {})
    send({"intake": 1, "kind": "ready", "name": "__NAME__", "accepts": ["image"]})
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
