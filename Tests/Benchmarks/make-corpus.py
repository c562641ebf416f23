#!/usr/bin/env python3
"""A batch to measure with: make-corpus.py FOLDER [CUSTOMERS=24]

Scans as customers send them, mostly 12-megapixel phone photos, and manifest.csv. The cards are those of
samples/make-samples.py, with other persons, light and noise; the same numbers give the same bytes.
Needs Pillow and numpy. 24 customers take 150 MB and two minutes of one core.
"""
import csv
import pathlib
import runpy
import sys

import numpy as np
from PIL import Image

TOP = pathlib.Path(__file__).resolve().parents[2]
SAMPLES = runpy.run_path(str(TOP / "samples" / "make-samples.py"))
Card, photograph, flatbed, grain, phone_exif = (
    SAMPLES[name] for name in ("Card", "photograph", "flatbed", "grain", "phone_exif"))

# 24 customers have 48 scans; each kind stands here as often as it comes.
KINDS = (["phone"] * 16 + ["phone-turned"] * 12 + ["tablet"] * 4 + ["big"] * 2 + ["progressive"] * 2 + ["small"] * 4
         + ["gray"] + ["sheet"] + ["card-png"] * 2 + ["page-png", "palette-png", "deep-png", "alpha-png"])
SIZES = {"tablet": (3264, 2448), "big": (6000, 4000)}


def draw(kind, number, side):
    """One scan: the picture, and how it is saved."""
    seed = 1000 + number * 2 + (side == "back")
    who, desk = number % 6, [(150, 112, 78), (92, 104, 112), (186, 178, 164), (70, 60, 54)][seed % 4]

    def card(width):
        return getattr(Card(who, width), side)()

    def photo(size):
        return grain(photograph(card(2700), size, seed, desk), 2.6, seed)

    jpeg = {"quality": 92 + seed % 4, "subsampling": "4:2:0"}
    if kind == "phone-turned":
        # Orientations 3, 6 and 8 are what phones write; the pixels are stored the other way round.
        orientation, back = [(3, Image.Transpose.ROTATE_180), (6, Image.Transpose.ROTATE_90),
                             (8, Image.Transpose.ROTATE_270)][seed % 3]
        return photo((4032, 3024)).transpose(back), {**jpeg, "exif": phone_exif(orientation)}
    if kind in ("phone", "tablet", "big", "progressive"):
        return photo(SIZES.get(kind, (4032, 3024))), {
            **jpeg, "exif": phone_exif(1), "progressive": kind == "progressive"}
    if kind == "small":
        return grain(card(1200), 1.2, seed), {"quality": 80, "subsampling": "4:2:0"}
    if kind in ("gray", "sheet", "page-png"):
        # An A4 sheet at 300 dpi, and two at 600 dpi: 35 megapixels.
        size, width = ((2480, 3508), 1011) if kind == "gray" else ((4960, 7016), 2022)
        page = grain(flatbed(card(width), size, (size[0] // 6, size[1] // 8), 0.6), 1.1, seed)
        if kind == "page-png":
            return page, {"compress_level": 3, "dpi": (600, 600)}
        return (page.convert("L") if kind == "gray" else page), {"quality": 85, "dpi": (300, 300)}
    scan = grain(card(2022), 0.8, seed)
    if kind == "palette-png":
        scan = scan.quantize(200)
    elif kind == "alpha-png":
        scan.putalpha(Image.linear_gradient("L").resize(scan.size).point(lambda level: 155 + level * 100 // 255))
    elif kind == "deep-png":
        fine = np.asarray(scan.convert("L")).astype(np.uint16) * 257
        scan = Image.fromarray(fine)
    return scan, {"compress_level": 3}


def main(folder, customers):
    images = pathlib.Path(folder) / "images"
    images.mkdir(parents=True, exist_ok=True)
    order = np.random.default_rng(1).permutation(len(KINDS))
    with open(pathlib.Path(folder) / "manifest.csv", "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow("reference email fn ln dob front back".split())
        for number in range(customers):
            names = []
            for place, side in enumerate(("front", "back")):
                kind = KINDS[order[(2 * number + place) % len(KINDS)]]
                picture, options = draw(kind, number, side)
                name = f"{number:05d}-{side}.{'png' if kind.endswith('png') else 'jpg'}"
                picture.save(images / name, **options)
                names.append(f"images/{name}")
            table.writerow([f"B-{number:05d}", f"bench{number}@example.com", "Bea", "Bench", "1980-01-02", *names])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 24)
