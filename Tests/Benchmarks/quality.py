#!/usr/bin/env python3
"""What is left to read at equal bytes, beside the floor in C.

  Tests/Benchmarks/quality.py [--edge 1600] [--budgets 60000,150000,400000]

Debian: apt-get install python3-numpy python3-pil tesseract-ocr libjpeg-dev libpng-dev gcc
Four photos of cards, each also known without the camera's noise. Ours fits each into the budget; the floor is then asked for what
comes nearest to the bytes that ours took. PSNR is of the luma, enlarged to the photo's size, against the scene without noise (dB); OCR is the share of
the card's characters that tesseract finds (of the originals too, as a ceiling). For each budget the smallest print before and
after is written as a picture beside the table, to be looked at.
"""
import argparse
import json
import math
import pathlib
import runpy
import subprocess

import numpy as np
from PIL import Image

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
WORK = TOP / ".build" / "benchmarks" / "quality"
SAMPLES = runpy.run_path(str(TOP / "samples" / "make-samples.py"))
Card, photograph = SAMPLES["Card"], SAMPLES["photograph"]
SIZE = (4032, 3024)
SCENES = [(0, "front"), (1, "back"), (2, "front"), (4, "back")]


class ReadableCard(Card):
    """A card without the stamp across it, which remembers what is written on it."""

    def __init__(self, number, width):
        self.lines = []
        super().__init__(number, width)

    def text(self, x, y, text, size, ink=(24, 26, 34), bold=False, pitch=None):
        # Print below 1 mm is lost in the photo itself: counting it would only dilute the figure.
        if size >= 10:
            self.lines.append(text)
        super().text(x, y, text, size, ink, bold, pitch)

    def stamp(self):
        return self.image


def make_scene(number, side):
    """The photo as a file, the same without noise, and the lines on the card."""
    card = ReadableCard(number, 2700)
    picture, seed = getattr(card, side)(), 900 + number
    noisy = photograph(picture, SIZE, seed, (150, 112, 78))
    surroundings = photograph.__globals__
    grain, surroundings["grain"] = surroundings["grain"], lambda picture, *_: picture
    clean = photograph(picture, SIZE, seed, (150, 112, 78))
    surroundings["grain"] = grain
    path = WORK / f"scene-{number}-{side}.jpg"
    noisy.save(path, quality=94, subsampling="4:2:0")
    return path, np.asarray(clean.convert("L"), np.float32), card.lines


def run_floor(program, edge, path, size):
    """The floor's picture whose size is nearest: it stops at the first that is not over the limit it is given."""
    tries = {}
    for percent in range(98, 110):
        subprocess.run([program, str(edge), str(size * percent // 100), WORK, path], check=True, capture_output=True)
        made = WORK / f"{path.name}.jpg"
        tries[abs(made.stat().st_size - size)] = made.read_bytes()
    (WORK / "floor" / path.name).write_bytes(tries[min(tries)])


def psnr(path, clean):
    enlarged = Image.open(path).convert("L").resize(SIZE, Image.Resampling.BICUBIC)
    return 10 * math.log10(255**2 / np.mean((np.asarray(enlarged, np.float32) - clean) ** 2))


def distance(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (x != y))
    return row[-1]


def ocr(path, lines):
    enlarged = WORK / "ocr.png"
    Image.open(path).convert("L").resize(SIZE, Image.Resampling.BICUBIC).save(enlarged, compress_level=1)
    found = subprocess.run(["tesseract", enlarged, "-", "--psm", "11", "--dpi", "600"],
                           capture_output=True, text=True, check=True).stdout
    found = ["".join(line.upper().split()) for line in found.splitlines() if line.strip()]
    wanted = ["".join(line.upper().split()) for line in lines]
    missed = sum(min([distance(line, other) for other in found] + [len(line)]) for line in wanted)
    return 1 - missed / sum(map(len, wanted))


def small_print(before, after, budget):
    """The same corner of the photo, of ours and of the floor, one below the other."""
    corner = (1500, 2050, 2700, 2500)
    rows = [Image.open(path).resize(SIZE, Image.Resampling.BICUBIC).crop(corner) for path in (before, *after)]
    sheet = Image.new("RGB", (rows[0].width, sum(row.height for row in rows)))
    for number, row in enumerate(rows):
        sheet.paste(row, (0, number * row.height))
    sheet.save(WORK / f"small-print-{budget}.png")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--edge", type=int, default=1600)
    parser.add_argument("--budgets", default="60000,150000,400000")
    chosen = parser.parse_args()
    for folder in ("ours", "floor"):
        (WORK / folder).mkdir(parents=True, exist_ok=True)
    subprocess.run(["swift", "build", "-c", "release", "--product", "imaging-bench"], cwd=TOP, check=True)
    floor = WORK / "floor-in-c"
    subprocess.run(["cc", "-O3", HERE / "floor.c", "-o", floor, "-ljpeg", "-lpng", "-lm"], check=True)
    scenes = [make_scene(*scene) for scene in SCENES]
    print(f"originals: OCR {np.mean([ocr(path, lines) for path, _, lines in scenes]):.3f}\n")
    print(f"{'budget':>8}{'':>8}{'bytes':>9}{'PSNR dB':>9}{'OCR':>7}")
    for budget in map(int, chosen.budgets.split(",")):
        paths = [path for path, _, _ in scenes]
        run = subprocess.run(
            [TOP / ".build/release/imaging-bench", "--edge", str(chosen.edge), "--max-bytes", str(budget),
             "--min-quality", "1", "--output", WORK / "ours", *paths], capture_output=True, text=True, check=True)
        assert json.loads(run.stdout)["failed"] == 0, run.stdout
        for path in paths:
            size = (WORK / "ours" / path.name).stat().st_size
            run_floor(floor, chosen.edge, path, size)
        for name in ("ours", "floor"):
            results = [WORK / name / path.name for path in paths]
            print(f"{budget:8}{name:>8}{np.mean([r.stat().st_size for r in results]):9.0f}"
                  f"{np.mean([psnr(r, clean) for r, (_, clean, _) in zip(results, scenes)]):9.2f}"
                  f"{np.mean([ocr(r, lines) for r, (_, _, lines) in zip(results, scenes)]):7.3f}", flush=True)
        small_print(paths[0], [WORK / name / paths[0].name for name in ("ours", "floor")], budget)
    print(f"\npictures of small print (photo, ours, floor): {WORK}/small-print-*.png")


if __name__ == "__main__":
    main()
