#!/usr/bin/env python3
"""Writes images that are out to break their reader, and a manifest of them: make-hostile.py FOLDER MUTATIONS

The `id` of each row says what has to become of it, then a number: `ready`, a failure code, or `any` where both will do.
Only the standard library; the same bytes each time.
"""
import csv
import pathlib
import random
import struct
import sys
import zlib

IMAGES = pathlib.Path(__file__).resolve().parent / "images"
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(name, content):
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def header(width, height, depth=8, color=2, interlaced=0):
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlaced))


def zeros(count):
    packer = zlib.compressobj(9)
    parts = [packer.compress(bytes(1 << 20)) for _ in range(count >> 20)]
    return b"".join(parts) + packer.compress(bytes(count & 0xFFFFF)) + packer.flush()


def png(width, height, data, *chunks, **kind):
    return SIGNATURE + header(width, height, **kind) + b"".join(chunks) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def picture(side=200):
    rng = random.Random(5)
    rows = b"".join(b"\0" + bytes(rng.randrange(256) for _ in range(3 * side)) for _ in range(side))
    return png(side, side, zlib.compress(rows))


def scans_of(jpeg):
    """Where the first scan begins and ends, marker included."""
    place = 2
    while jpeg[place + 1] != 0xDA:
        place += 2 + int.from_bytes(jpeg[place + 2:place + 4], "big")
    end = place + 2 + int.from_bytes(jpeg[place + 2:place + 4], "big")
    while jpeg[end] != 0xFF or jpeg[end + 1] in (0, *range(0xD0, 0xD8)):
        end += 1
    return place, end


def resized(jpeg, width, height):
    """The same JPEG with another size in its frame header, and its data as it was."""
    place = next(i for i in range(len(jpeg)) if jpeg[i] == 0xFF and jpeg[i + 1] in (0xC0, 0xC2))
    return jpeg[:place + 5] + struct.pack(">HH", height, width) + jpeg[place + 9:]


def bombs():
    progressive = (IMAGES / "progressive.jpg").read_bytes()
    first, last = scans_of(progressive)
    yield "image_too_large", png(60_000, 60_000, b"")
    yield "image_too_large", png(2**31 - 1, 2**31 - 1, b"")
    yield "image_too_large", png(50_000, 50_000, zeros(1 << 20), depth=1, color=0)
    yield "image_too_large", resized(progressive, 20_000, 20_000)
    yield "image_too_large", resized(progressive, 65_500, 65_500)
    yield "image_too_large", progressive[:last] + progressive[first:last] * 2_000 + progressive[last:]
    yield "damaged_image", resized(progressive, 7_000, 7_000)
    yield "image_too_large", resized((IMAGES / "multiscan.jpg").read_bytes(), 7_000, 7_000)
    yield "damaged_image", png(7_000, 7_000, zeros(1 << 20))
    for interlaced in (0, 1):
        yield "image_too_large", png(7_000, 7_000, zeros(1 << 20), depth=16, color=6, interlaced=interlaced)
    # 48 million pixels in 150 KB, within every limit: slow, but no more than a page of that size.
    yield "ready", png(8_000, 6_000, zeros(6_000 * 8_001), color=0)
    yield "any", png(5_000, 5_000, zeros(5_000 * 15_001), interlaced=1)
    for name, start in ((b"zTXt", b"a\0\0"), (b"iTXt", b"a\0\1\0\0\0"), (b"iCCP", b"a\0\0")):
        text = chunk(name, start + zeros(256 << 20))
        yield "ready", png(64, 64, zlib.compress(bytes(64 * 193)), text)
    for name, content in ((b"tEXt", b"a\0b"), (b"iCCP", b""), (b"acTL", b"")):
        for count, outcome in ((90_000, "ready"), (200_000, "image_too_large")):
            yield outcome, png(64, 64, zlib.compress(bytes(64 * 193)), chunk(name, content) * count)
    yield "image_too_large", progressive[:2] + b"\xff\xfe\0\2" * 100_000 + progressive[2:]
    yield "not_an_image", b""
    yield "not_an_image", b"\xff\xd8\xff"
    yield "not_an_image", bytes(100_000)


def cuts():
    for whole in ((IMAGES / "420.jpg").read_bytes(), (IMAGES / "progressive.jpg").read_bytes(), picture()):
        for percent in range(5, 100):
            yield "damaged_image", whole[:len(whole) * percent // 100]


def mutations(count):
    rng = random.Random(11)
    seeds = [path.read_bytes() for path in sorted(IMAGES.glob("*.jpg"))] + [picture(40)]
    for _ in range(count):
        broken = bytearray(rng.choice(seeds))
        for _ in range(1 << rng.randrange(6)):
            place = rng.randrange(2, len(broken))
            action = rng.randrange(4)
            if action == 0:
                broken[place] ^= 1 << rng.randrange(8)
            elif action == 1:
                broken[place] = rng.choice((0, 0xFF, 0x7F, 0x80, rng.randrange(256)))
            elif action == 2:
                del broken[place:place + rng.randrange(1, 9)]
            else:
                broken[place:place] = broken[rng.randrange(len(broken)):][:rng.randrange(1, 65)]
            if len(broken) < 4:
                break
        yield "any", bytes(broken)


def main(folder, count):
    folder = pathlib.Path(folder)
    with open(folder / "hostile.csv", "w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["id", "email", "fn", "ln", "dob", "front"])
        for number, (expected, content) in enumerate((*bombs(), *cuts(), *mutations(count))):
            name = f"{number}.img"
            (folder / name).write_bytes(content)
            table.writerow([f"{expected}-{number}", f"h{number}@example.com", "Al", "Bo", "1980-01-02", name])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
