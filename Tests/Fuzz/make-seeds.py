#!/usr/bin/env python3
"""Writes a few small good inputs for each fuzz target: make-seeds.py FOLDER

Only the standard library. JPEGs come from Tests/Fixtures, texts from samples; PNGs of every kind are made here.
"""
import pathlib
import struct
import sys
import zlib

TOP = pathlib.Path(__file__).resolve().parents[2]


def chunk(name, content):
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(color, depth, interlaced=0, extra=b"", side=20):
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[color]
    passes = [(side, side)]
    if interlaced:
        steps = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
        passes = [(len(range(x, side, dx)), len(range(y, side, dy))) for x, y, dx, dy in steps]
    rows = b""
    for width, height in passes:
        size = (width * channels * depth + 7) // 8
        rows += b"".join(
            bytes([row % 5]) + bytes((row * 7 + i * 3) & 255 for i in range(size)) for row in range(height))
    header = struct.pack(">IIBBBBB", side, side, depth, color, 0, 0, interlaced)
    palette = chunk(b"PLTE", bytes(range(48))) if color == 3 else b""
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + palette + extra
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def tiff(order, entries):
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "IH", 8, len(entries))
    body = b"".join(struct.pack(order + "HHII", *entry) for entry in entries)
    return head + body + struct.pack(order + "III", 0, 300, 1)


def pngs():
    for color, depths in {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}.items():
        for depth in depths:
            for interlaced in (0, 1):
                yield f"{color}-{depth}-{interlaced}", png(color, depth, interlaced)
    extras = chunk(b"pHYs", struct.pack(">IIB", 11811, 11811, 1)) + chunk(b"tRNS", bytes([0, 9, 0, 9, 0, 9]))
    yield "extras", png(2, 8, extra=extras + chunk(b"eXIf", tiff(">", [(0x112, 3, 1, 6 << 16)])))
    yield "repeated", png(2, 8, extra=(chunk(b"iCCP", b"") + chunk(b"acTL", b"") + chunk(b"tRNS", b"\0\1" * 3)) * 8)
    yield "long-transparency", png(3, 4, extra=chunk(b"tRNS", bytes(range(20))))


def segment(marker, content):
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def part(number, count, content):
    return segment(0xE2, b"ICC_PROFILE\0" + bytes([number, count]) + content)


def jpegs():
    """The fixtures, among them chroma at a third and baseline in three scans, and other orders of segments."""
    images = TOP / "Tests/Fixtures/images"
    for path in sorted(images.glob("*.jpg")):
        yield path.name, path.read_bytes()
    plain = (images / "420.jpg").read_bytes()
    start, jfif, rest = plain[:2], plain[2:20], plain[20:]
    adobe = segment(0xEE, b"Adobe\0\x64\0\0\0\0\1")
    profile = bytes(16) + b"RGB " + bytes(200)
    parts = part(2, 2, profile[128:]) + part(1, 2, profile[:128])
    table = segment(0xDB, b"\0" + bytes(range(1, 65)))
    yield "adobe-first", start + adobe + jfif + rest
    yield "adobe-long", start + jfif + segment(0xEE, adobe[4:] + bytes(40)) + rest
    yield "profile-parts", start + jfif + parts + rest
    yield "profile-adobe-first", start + adobe + jfif + parts + rest
    yield "tables-first", start + table + jfif + parts + rest
    yield "repeated", start + (jfif + adobe + table + segment(0xDD, b"\0\0") + segment(0xCC, b"\0\x10")) * 8 + rest
    yield "restarts", plain[:-2] + bytes(b for n in range(32) for b in (0xFF, 0xD0 + n % 8)) + plain[-2:]
    yield "short-jfif", start + segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1") + rest


def manifests():
    for name in ("customers.csv", "customers.jsonl", "bad.csv", "status.csv", "noah.csv"):
        path = TOP / "samples" / name
        if path.exists():
            yield name, path.read_bytes()[:2000]
    yield "quotes", b'email;fn;ln;front\r\n"a@example.com";"A ""B""\nC";D;a.jpg\r\n'
    yield "tabs", b"\xef\xbb\xbfemail\tfn\n\ta\n"
    yield "escapes", b'{"email":"a\\u00e9\\ud83d\\ude00@example.com","fn":null,"dob":19800101}\n'


def ledgers():
    yield "empty", b""
    for path in sorted((TOP / "Tests").rglob("*.ledger")):
        yield path.name, path.read_bytes()[:4000]


def main(folder):
    pictures = list(jpegs())
    blocks = [
        (f"{number}", tiff(order, entries)) for order in "<>" for number, entries in enumerate((
            [(0x112, 3, 1, 6), (0x11A, 5, 1, 38), (0x128, 3, 1, 2)], [(0x112, 4, 1, 8)], [(0x8769, 4, 1, 8)]))]
    plans = [("plan", b'{"stages":[{"stage":"load","map":{"a":"dob"}},{"stage":"decode","max-pixels":1e6},'
                      b'{"stage":"shrink","edge":1600},{"stage":"base64"},{"stage":"dcams"},'
                      b'{"stage":"submit","endpoint":"http://127.0.0.1:1/"},{"stage":"record"}]}'),
             ("values", b'[null,true,-0.5e-7,"\\u00e9\\n",{"a":[]}]')]
    choice = b"\x03"
    seeds = {
        "header": pictures + list(pngs()), "exif": blocks, "jpeg": [(n, choice + b) for n, b in pictures],
        "sound": pictures,
        "png": [(n, choice + b) for n, b in pngs()], "manifest": list(manifests()), "plan": plans,
        "ledger": list(ledgers())}
    for target, files in seeds.items():
        place = pathlib.Path(folder) / target
        place.mkdir(parents=True, exist_ok=True)
        for number, (name, content) in enumerate(files):
            (place / f"seed-{number}-{name}").write_bytes(content)


if __name__ == "__main__":
    main(sys.argv[1])
