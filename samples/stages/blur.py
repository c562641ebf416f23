#!/usr/bin/env python3
"""Blurs a part of each scan, for instance a number that must not leave the house.

In a plan:  {"stage": "external", "program": ["./blur.py"], "options": {"box": "0,80,100,20", "radius": "12"}}
`box` is left, top, width and height in percent of the upright picture. Needs Pillow.
"""
import io
import json
import sys

from PIL import Image, ImageFilter, ImageOps


class Reject(Exception):
    """Refuses the row with a code and a reason."""


def blur(data, options):
    box = [float(part) for part in options.get("box", "0,80,100,20").split(",")]
    try:
        picture = Image.open(io.BytesIO(data))
        kind, dpi = picture.format, picture.info.get("dpi")
        # The pixels are turned upright and saved without EXIF, so that the box means what people see.
        picture = ImageOps.exif_transpose(picture)
        picture = picture if picture.mode in ("L", "RGB") else picture.convert("RGB")
    except Exception as error:
        raise Reject("unreadable", type(error).__name__) from error
    width, height = picture.size
    left, top = int(box[0] * width / 100), int(box[1] * height / 100)
    right, bottom = left + int(box[2] * width / 100), top + int(box[3] * height / 100)
    part = picture.crop((left, top, right, bottom))
    radius = float(options.get("radius", "12"))
    picture.paste(part.filter(ImageFilter.GaussianBlur(radius)), (left, top))
    result = io.BytesIO()
    if kind == "PNG":
        picture.save(result, "PNG")
    else:
        picture.save(result, "JPEG", quality=95, **({"dpi": dpi} if dpi else {}))
    return result.getvalue()


def main():
    wire, sys.stdout = sys.stdout.buffer, sys.stderr

    def send(message, data=b""):
        wire.write(json.dumps(message).encode() + b"\n" + data)
        wire.flush()

    options = json.loads(sys.stdin.buffer.readline()).get("options", {})
    send({"intake": 1, "kind": "ready", "name": "blur", "accepts": ["image"]})
    for line in sys.stdin.buffer:
        item = json.loads(line)
        if item.get("kind") != "item":
            continue
        data = sys.stdin.buffer.read(item["image"]["bytes"])
        if len(data) < item["image"]["bytes"]:
            return
        try:
            result = blur(data, options)
            send({"kind": "result", "id": item["id"], "image": {"bytes": len(result)}}, result)
        except Reject as refusal:
            code, detail = refusal.args
            send({"kind": "reject", "id": item["id"], "code": code, "detail": detail})


if __name__ == "__main__":
    main()
