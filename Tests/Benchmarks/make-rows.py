#!/usr/bin/env python3
"""Many rows of few scans that need no work: make-rows.py FOLDER ROWS [EDGE=1000] [QUALITY=55]

40 scans of the cards of samples/make-samples.py, soft like a photo that was shrunk, and manifest.csv that names them over
and over with other customers. At 1000 pixels and quality 55 a scan has 26 to 43 KB. Needs Pillow and numpy.
"""
import csv
import pathlib
import runpy
import sys

from PIL import ImageFilter

TOP = pathlib.Path(__file__).resolve().parents[2]
SAMPLES = runpy.run_path(str(TOP / "samples" / "make-samples.py"))


def main(folder, rows, edge=1000, quality=55):
    folder = pathlib.Path(folder)
    (folder / "images").mkdir(parents=True, exist_ok=True)
    names = [[f"images/{number:02d}-{side}.jpg" for side in ("front", "back")] for number in range(20)]
    for number, sides in enumerate(names):
        for name in sides:
            side = name[len("images/00-"):-len(".jpg")]
            card = getattr(SAMPLES["Card"](number % 6, 2022), side)().resize((edge, edge * 100 // 159))
            soft = card.filter(ImageFilter.GaussianBlur(edge * 3 / 1000))
            SAMPLES["grain"](soft, 0.5, number).save(folder / name, quality=quality, subsampling="4:2:0")
    with open(folder / "manifest.csv", "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow("reference email fn ln dob front back".split())
        for row in range(rows):
            table.writerow([f"B-{row:07d}", f"bench{row}@example.com", "Bea", "Bench", "1980-01-02", *names[row % 20]])


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
