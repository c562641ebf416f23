#!/usr/bin/env python3
"""Adds a header field with the SHA-256 of the body, for a gateway that wants one. Python's own library is enough.

In a plan, after the assembler:  {"stage": "external", "program": ["./stamp.py"], "accepts": "submission"}
The checksum is that of the body as the program sees it: marks stand in the places of the secrets, and they are new
for each request. So they are taken out first.
"""
import hashlib
import json
import sys


def main():
    wire, sys.stdout = sys.stdout.buffer, sys.stderr

    def send(message):
        wire.write(json.dumps(message).encode() + b"\n")
        wire.flush()

    sys.stdin.buffer.readline()
    send({"intake": 1, "kind": "ready", "name": "stamp", "accepts": ["submission"]})
    for line in sys.stdin.buffer:
        item = json.loads(line)
        if item.get("kind") != "item":
            continue
        request = item["submission"]
        body = sys.stdin.buffer.read(request["body"]["bytes"])
        if len(body) < request["body"]["bytes"]:
            return
        for mark in request["secrets"]:
            body = body.replace(mark.encode(), b"")
        headers = request["headers"] + [["X-Content-SHA256", hashlib.sha256(body).hexdigest()]]
        send({"kind": "result", "id": item["id"], "submission": {"headers": headers}})


if __name__ == "__main__":
    main()
