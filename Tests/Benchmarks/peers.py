#!/usr/bin/env python3
"""The same job as a script, as people write it: peers.py pillow|vips CORPUS EDGE BYTES WORKERS [URL]

Every scan of manifest.csv upright, within EDGE pixels and BYTES, as a JPEG of quality 85 or what less fits; with a URL
each customer is sent there as JSON with both scans in base64, else the images are only made.
"""
import base64
import concurrent.futures
import csv
import io
import pathlib
import sys
import threading

QUALITIES = (85, 80, 75, 70, 60, 50, 40, 30)


def with_pillow(path, edge):
    from PIL import Image, ImageOps
    picture = ImageOps.exif_transpose(Image.open(path))
    picture.thumbnail((edge, edge), Image.Resampling.LANCZOS)
    if "A" in picture.getbands() or picture.mode == "P":
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    picture = picture.convert("L" if picture.mode in ("L", "I", "I;16") else "RGB")

    def encode(quality):
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=quality, optimize=True)
        return file.getvalue()
    return encode


def with_vips(path, edge):
    import pyvips
    picture = pyvips.Image.thumbnail(str(path), edge, height=edge, size="down")
    if picture.hasalpha():
        picture = picture.flatten(background=255)
    # Pixels are computed once here, not again for each quality.
    picture = picture.copy_memory()
    return lambda quality: picture.jpegsave_buffer(Q=quality, strip=True, optimize_coding=True)


def prepared(open_picture, path, edge, limit):
    encode = open_picture(path, edge)
    for quality in QUALITIES:
        file = encode(quality)
        if len(file) <= limit:
            break
    return file


def main(peer, corpus, edge, limit, workers, url=None):
    open_picture = {"pillow": with_pillow, "vips": with_vips}[peer]
    corpus, sessions = pathlib.Path(corpus), threading.local()
    if url:
        if peer == "pillow":
            import requests
            connect = requests.Session
        else:
            import httpx
            connect = httpx.Client

    def one(row):
        files = {side: prepared(open_picture, corpus / row.pop(side), int(edge), int(limit))
                 for side in ("front", "back") if row.get(side)}
        if url:
            if not hasattr(sessions, "session"):
                sessions.session = connect()
            row["documents"] = {side: base64.b64encode(file).decode() for side, file in files.items()}
            sessions.session.post(url, json=row, timeout=60).raise_for_status()

    with open(corpus / "manifest.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with concurrent.futures.ThreadPoolExecutor(int(workers)) as pool:
        list(pool.map(one, rows))


if __name__ == "__main__":
    main(*sys.argv[1:])
