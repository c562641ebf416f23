#!/usr/bin/env python3
"""Makes the sample images and manifests of this folder.

Needs Pillow and numpy, no fonts and no network. Two runs give the same bytes; another version of
Pillow may bring another JPEG or PNG encoder and so other bytes for the same pictures.
Every person, address, telephone number and document is made up.
"""
import csv
import io
import itertools
import json
import math
import struct
import unicodedata
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps

HERE = Path(__file__).resolve().parent
IMAGES = HERE / "images"
BAD = IMAGES / "bad"

COLUMNS = "id reference email fn ln addr city state zip country dob phone front back".split()
CUSTOMERS = [dict(zip(COLUMNS, row.split("|"))) for row in """
C-1001|INV-48213|renee.damico@example.com|Renée|D'Amico|48 Harbor Row, Apt 3B|Portland|ME|04101|US|19870314|207-555-0142|images/phone-front.jpg|images/phone-back.jpg
C-1002|INV-48217|m.oyelaran@example.org|Marcus|Oyelaran|1190 Kiln Street|Toledo|OH|43604|US|1979-11-02|4195550118|images/flatbed-front.png|images/flatbed-back.png
C-1003|INV-48220|ingrid.halvorsen@example.net|Ingrid|Halvorsen|7 Larkspur Lane|Duluth|MN|55802|US|19920625|2185550163|images/page600-front.jpg|images/page600-back.jpg
C-1004|INV-48221|d.achterberg@example.com|Desmond|Achterberg|2605 Old Mill Road|Boise|ID|83702|US|1968-08-30|2085550107|images/small-front.jpg|images/small-back.jpg
C-1005|INV-48224|priya.ramanathan@example.org|Priya|Ramanathan|311 Copper Court|Fremont|CA|94538|US|19991209|+15105550185|images/gray-front.jpg|images/gray-back.png
C-1006|INV-48230|walter.lindqvist@example.net|Walter|Lindqvist|PO Box 17|Astoria|OR|97103|US|1951-02-28|5035550129|images/tablet-front.jpg|
""".strip().splitlines()]

# One look a card: header colour, paper colour, hair, skin.
LOOKS = [((33, 66, 112), (226, 234, 242), (92, 58, 40), (226, 184, 156)),
         ((94, 40, 66), (242, 231, 226), (26, 22, 22), (122, 82, 60)),
         ((24, 92, 84), (226, 240, 234), (214, 188, 132), (238, 204, 182)),
         ((74, 70, 32), (240, 238, 222), (120, 116, 112), (222, 178, 150)),
         ((60, 46, 110), (234, 230, 244), (30, 24, 26), (178, 128, 96)),
         ((110, 58, 24), (244, 234, 222), (206, 204, 200), (232, 192, 168))]


def capitals(text):
  """Text as such cards print it: capitals without accents."""
  return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().upper()


class Card:
  """One side of a card of 85.6 x 54 mm; positions and letter sizes are in tenths of a millimetre."""

  def __init__(self, number, width):
    self.who, self.number, self.unit = CUSTOMERS[number], number, width / 856
    self.band, paper, self.hair, self.skin = LOOKS[number]
    height = round(540 * self.unit)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / self.unit
    waves = 5 * np.sin(x / 7 + 5 * np.sin(y / 75 + number)) + 4 * np.sin(y / 6 + 4 * np.sin(x / 90))
    tinted = np.array(paper, np.float32) + waves[..., None] * np.array([1, 0.6, 0.3], np.float32)
    self.image = Image.fromarray(tinted.clip(0, 255).astype(np.uint8))
    self.draw = ImageDraw.Draw(self.image)
    self.document = f"SP{number + 1}{(number + 3) * 271829 % 1000000:06d}"

  def box(self, *corners):
    return [round(v * self.unit) for v in corners]

  def text(self, x, y, text, size, ink=(24, 26, 34), bold=False, pitch=None):
    """Writes one line; with `pitch` every letter takes the same room, as on a typewriter."""
    font = ImageFont.load_default(size * self.unit)  # the font that comes with Pillow: the same everywhere
    stroke = size * self.unit / 40 if bold else 0
    for i, part in enumerate(text if pitch else [text]):
      at, anchor = self.box(x + i * (pitch or 0), y), "ma" if pitch else "la"
      self.draw.text(at, part, fill=ink, font=font, anchor=anchor, stroke_width=stroke)

  def small_print(self, x, y, text, sizes):
    """The same sentence ever smaller. What would be below 9 pixels is left out: no one could read it."""
    for size in sizes:
      if size * self.unit >= 9:
        self.text(x, y, f"{size / 10:.1f} mm: {text}", size)
        y += size * 1.45

  def portrait(self, x, y, width, height):
    """Head and shoulders, drawn large and reduced so that the edges are smooth."""
    scale = 2 * self.unit
    size = (round(width * scale), round(height * scale))
    shade = np.linspace(214, 168, size[1])[:, None, None] * np.array([0.94, 0.98, 1.0])
    picture = Image.fromarray(np.broadcast_to(shade, (size[1], size[0], 3)).astype(np.uint8))
    pen = ImageDraw.Draw(picture)

    def oval(cx, cy, rx, ry, colour):
      pen.ellipse([(cx - rx) * size[0], (cy - ry) * size[1], (cx + rx) * size[0], (cy + ry) * size[1]], fill=colour)

    darker = tuple(c * 4 // 5 for c in self.skin)
    oval(0.5, 0.40, 0.30, 0.36 if self.number in (0, 2, 4) else 0.29, self.hair)
    oval(0.5, 1.06, 0.52, 0.36, self.band)
    pen.rectangle([0.42 * size[0], 0.58 * size[1], 0.58 * size[0], 0.76 * size[1]], fill=darker)
    oval(0.5, 0.45, 0.235, 0.25, self.skin)
    for cx in (0.41, 0.59):
      oval(cx, 0.43, 0.042, 0.017, (250, 250, 250))
      oval(cx, 0.43, 0.018, 0.017, (50, 36, 30))
      oval(cx, 0.385, 0.055, 0.008, darker)
    oval(0.5, 0.51, 0.026, 0.018, darker)
    oval(0.5, 0.595, 0.07, 0.012, (168, 84, 82))
    picture = picture.filter(ImageFilter.GaussianBlur(scale * 0.8))
    self.image.paste(picture.resize(self.box(width, height), Image.Resampling.LANCZOS), self.box(x, y))

  def stamp(self):
    """SPECIMEN in large letters across the whole side."""
    layer = Image.new("L", self.image.size)
    letters = dict(font=ImageFont.load_default(132 * self.unit), stroke_width=2 * self.unit)
    ImageDraw.Draw(layer).text(self.box(428, 300), "SPECIMEN", fill=120, anchor="mm", **letters)
    self.image.paste((196, 30, 40), (0, 0), layer.rotate(18, Image.Resampling.BICUBIC))
    return self.image

  def front(self):
    who, born = self.who, self.who["dob"].replace("-", "")
    self.draw.rectangle(self.box(0, 0, 856, 76), fill=self.band)
    self.text(26, 16, "STATE OF SPECIMEN", 38, (248, 248, 250), bold=True)
    self.text(520, 24, "IDENTITY CARD, NOT VALID", 24, (236, 236, 240))
    self.portrait(28, 100, 226, 290)
    fields = [("Surname", who["ln"]), ("Given name", who["fn"]), ("Date of birth", f"{born[:4]}-{born[4:6]}-{born[6:]}"),
              ("Address", f"{who['addr']}, {who['city']} {who['state']} {who['zip']}"), ("Document number", self.document)]
    for i, (label, value) in enumerate(fields):
      self.text(282, 92 + 58 * i, label, 14, (70, 76, 92))
      self.text(282, 108 + 58 * i, capitals(value), 22 if label == "Address" else 30, bold=label == "Surname")
    self.draw.line([tuple(self.box(40 + t, 430 + 16 * math.sin(t / 11) * math.cos(t / 37))) for t in range(200)],
                   fill=(24, 28, 92), width=max(1, round(2 * self.unit)), joint="curve")
    self.text(28, 462, "Signature of the bearer", 12, (70, 76, 92))
    self.small_print(282, 396, "made for tests, issued to nobody", (22, 17, 13, 10, 7, 5))
    return self.stamp()

  def back(self):
    self.draw.rectangle(self.box(0, 34, 856, 100), fill=(34, 32, 36))
    bars = np.random.default_rng([7, self.number]).integers(0, 2, (14, 110), np.uint8) * 200 + 30
    bars = Image.fromarray(bars).resize(self.box(520, 112), Image.Resampling.NEAREST)
    self.image.paste(bars.convert("RGB"), self.box(30, 120))  # looks like a bar code, says nothing
    for i, line in enumerate(("Class  C", f"Issued  2023-0{self.number + 1}-15", f"Expires  2033-0{self.number + 1}-14")):
      self.text(576, 124 + 34 * i, line, 20)
    self.small_print(30, 246, "a picture of a card that does not exist; if found, keep it", (20, 16, 13, 10, 7, 5))
    born = self.who["dob"].replace("-", "")[2:]
    name = "<<".join(capitals(self.who[k]).replace("'", "") for k in ("ln", "fn"))
    for i, line in enumerate((f"I<UTO{self.document}", f"{born}<X330{self.number + 1}14<UTO", name)):
      self.text(44, 372 + 50 * i, line.ljust(30, "<"), 38, pitch=26.6)
    return self.stamp()


def grain(picture, strength, seed):
  """Sensor noise, the same in all channels: a tile is repeated, it is only there to be compressed."""
  pixels = np.asarray(picture).astype(np.int16)
  tile = np.random.default_rng(seed).normal(0, strength, (509, 509)).round().astype(np.int16)
  high, wide = pixels.shape[:2]
  noise = np.tile(tile, (high // 509 + 1, wide // 509 + 1))[:high, :wide]
  pixels += noise if pixels.ndim == 2 else noise[..., None]
  return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def photograph(card, size, seed, desk):
  """The card on a desk, seen slightly from the side, with a soft shadow and uneven light."""
  rng = np.random.default_rng(seed)
  width, height = size
  wide, tall = 0.86 * width, 0.86 * width * card.height / card.width
  flat = [(0, 0), (card.width, 0), (card.width, card.height), (0, card.height)]
  seen = [((width - wide) / 2 + u / card.width * wide + rng.uniform(-0.018, 0.018) * width,
           (height - tall) / 2 + v / card.height * tall + rng.uniform(-0.018, 0.018) * width) for u, v in flat]
  # Eight unknowns of the projective map that tells, for each pixel seen, where it lies on the card.
  rows = [row for (x, y), (u, v) in zip(seen, flat)
          for row in ([x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y])]
  turn = np.linalg.solve(np.array(rows, float), np.array(flat, float).ravel())

  # Desk, shadow and light have no fine detail: make them small and enlarge them.
  small = (width // 8, height // 8)
  y, x = np.mgrid[0:small[1], 0:small[0]].astype(np.float32) / small[0]
  streaks = 1 + 0.05 * np.sin(60 * y + 3 * np.sin(5 * x)) + 0.03 * np.sin(23 * y + 2 * x)
  surface = Image.fromarray((streaks[..., None] * np.array(desk, np.float32)).clip(0, 255).astype(np.uint8))
  shadow, mask = Image.new("L", small), Image.new("L", size)
  ImageDraw.Draw(shadow).polygon([((px + 0.012 * width) / 8, (py + 0.016 * width) / 8) for px, py in seen], fill=130)
  surface.paste((20, 16, 14), (0, 0), shadow.filter(ImageFilter.GaussianBlur(width / 500)))
  light = 255 * (1 - 0.30 * ((x - 0.35) ** 2 + (y - 0.35) ** 2)).clip(0, 1)
  light = Image.fromarray(light.astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)
  picture = surface.resize(size, Image.Resampling.BICUBIC)
  ImageDraw.Draw(mask).polygon(seen, fill=255)
  mask = mask.filter(ImageFilter.MinFilter(5))  # the outermost pixels have nothing of the card below them
  picture.paste(card.transform(size, Image.Transform.PERSPECTIVE, turn, Image.Resampling.BICUBIC), (0, 0), mask)
  picture = Image.composite(picture, Image.new("RGB", size), light).filter(ImageFilter.GaussianBlur(0.6))
  return grain(picture, 1.6, seed)


def flatbed(card, size, at, angle):
  """The card on the white glass of a scanner, a little askew, with the thin shadow of its edge."""
  page, pad = Image.new("RGB", size, (254, 254, 254)), card.width // 20
  turned = ImageOps.expand(card, pad, (254, 254, 254)).rotate(angle, Image.Resampling.BICUBIC)
  mask = ImageOps.expand(Image.new("L", card.size, 255), pad).rotate(angle, Image.Resampling.BICUBIC)
  edge = mask.filter(ImageFilter.GaussianBlur(card.width / 300)).point(lambda v: v // 2)
  page.paste((120, 120, 124), (at[0] + card.width // 250, at[1] + card.width // 250), edge)
  page.paste(turned, at, mask)
  return page


def phone_exif(orientation):
  """What a phone writes beside the picture, and what must not reach anyone: maker, time, place."""
  exif = Image.Exif()
  exif[0x010F], exif[0x0110], exif[0x0112] = "Specimen Phones", "Samplephone 12", orientation
  exif[0x0131], exif[0x0132] = "camera 4.2", "2024:03:09 14:26:05"
  exif[0x013B] = "Owner of the phone"
  exif.get_ifd(0x8825).update({1: "N", 2: (31.0, 15.0, 20.0), 3: "W", 4: (40.0, 30.0, 10.0), 29: "2024:03:09"})
  return exif


def make_images():
  for number, side in ((0, "front"), (0, "back")):
    card = getattr(Card(number, 2700), side)()
    upright = photograph(card, (3024, 4032), 11 + len(side), (150, 112, 78))
    stored = upright.transpose(Image.Transpose.ROTATE_90)  # orientation 6: to be turned clockwise
    stored.save(IMAGES / f"phone-{side}.jpg", quality=88, subsampling="4:2:0", exif=phone_exif(6))
  for side, angle in (("front", 0.7), ("back", -0.5)):
    scan = grain(flatbed(getattr(Card(1, 1011), side)(), (1240, 830), (64, 46), angle), 0.35, 21)
    scan.save(IMAGES / f"flatbed-{side}.png", dpi=(300, 300), compress_level=9)
    page = flatbed(getattr(Card(2, 2022), side)(), (3496, 4960), (560, 700), -angle)  # A5 at 600 dpi
    note = f"Copy for the file, sheet {1 if side == 'front' else 2} of 2. SPECIMEN."
    ImageDraw.Draw(page).text((620, 2600), note, fill=(60, 60, 66), font=ImageFont.load_default(84))
    page.save(IMAGES / f"page600-{side}.jpg", quality=84, subsampling="4:2:0", dpi=(600, 600))
    small = ImageOps.pad(getattr(Card(3, 900), side)(), (900, 600), color=(236, 236, 232))
    grain(small, 1.2, 31).save(IMAGES / f"small-{side}.jpg", quality=80, subsampling="4:2:0")
  sides = (Card(4, 1500).front(), Card(4, 1500).back())
  front, back = (flatbed(side, (1800, 1200), (75, 50), 0.9).convert("L") for side in sides)
  grain(front, 2, 41).save(IMAGES / "gray-front.jpg", quality=78, dpi=(400, 400))
  back.save(IMAGES / "gray-back.png", dpi=(400, 400), compress_level=9)
  photo = photograph(Card(5, 2300).front(), (2592, 1944), 51, (92, 104, 112))
  photo.save(IMAGES / "tablet-front.jpg", quality=78, subsampling="4:2:0", progressive=True, exif=phone_exif(1))


def make_damaged_images():
  (BAD / "web-page.jpg").write_text("<!DOCTYPE html>\n<title>404</title>\n<p>The image you want is not here.</p>\n")
  whole = (IMAGES / "small-front.jpg").read_bytes()
  (BAD / "truncated.jpg").write_bytes(whole[:len(whole) * 6 // 10])
  Card(3, 300).front().quantize(16).save(BAD / "gif.jpg", "GIF")

  def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

  size = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)  # 8-bit RGB: 10.8 GB if believed
  parts = (b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", size), chunk(b"IDAT", zlib.compress(b"")), chunk(b"IEND", b""))
  (BAD / "huge-header.png").write_bytes(b"".join(parts))


def table(header, rows):
  out = io.StringIO()
  csv.writer(out, lineterminator="\n").writerows([header, *rows])
  return out.getvalue()


def bad_rows():
  """One mistake a row, good rows between them; whatever a row does not spoil is as it should be."""
  serials = itertools.count(1)

  def row(name, **changes):
    serial = next(serials)
    good = dict(id=name, reference=f"TEST-{serial:02d}", email=f"{name}.{serial}@example.com", fn="Alex", ln="Marlowe",
                addr=f"{100 + serial} Birch Lane", city="Salem", state="OR", zip="97301", country="US", dob="1984-04-17",
                phone=f"50355501{serial:02d}", front="images/small-front.jpg", back="images/small-back.jpg")
    return [{**good, **changes}[c] for c in COLUMNS]

  return [
    row("good-1"), row("missing-file", front="images/no-such-file.jpg"), row("not-an-image", front="images/bad/web-page.jpg"),
    row("truncated-jpeg", front="images/bad/truncated.jpg"), row("unsupported-format", front="images/bad/gif.jpg"),
    row("path-outside", front="../../etc/passwd"), row("good-2", back=""), row("bad-date", dob="1990-02-30"),
    row("bad-email", email="alex.marlowe.example.com"), row("missing-email", email=""), row("missing-front", front=""),
    [*(many := row("too-many-columns"))[:5], "14 Birch Lane", " Apt 2", *many[6:]],  # nobody quoted the address
    row("too-few-columns")[:-2], row("bad-utf8", fn="Ren\udce9e"), twice := row("duplicate-row"), twice,
    row("same-id"), row("same-id", fn="Robin"), row("good-3", dob="19840417"),
    row("huge-header", front="images/bad/huge-header.png")]


def make_manifests():
  def write(name, text):  # `surrogateescape`: one name keeps its raw Latin-1 byte (E9), which is not UTF-8
    (HERE / name).write_bytes(text.encode("utf-8", "surrogateescape"))

  write("customers.csv", table(COLUMNS, [c.values() for c in CUSTOMERS]))
  write("customers.jsonl", "".join(json.dumps({k: v for k, v in c.items() if v}, ensure_ascii=False) + "\n" for c in CUSTOMERS))
  write("bad.csv", table(COLUMNS, bad_rows()))
  write("bad-header.csv", table(["emial" if c == "email" else c for c in COLUMNS], bad_rows()[:1]))
  write("status.csv", table(["email", "status"], [[c["email"], s] for c, s in zip(CUSTOMERS, ("PASS", "PENDING", "FAIL"))]))
  header = ("id email fn mn ln addr addr2 city state zip country dob phone id_type id_number id_country id_issued id_expiry "
            "id_type_2 id_number_2 id_country_2").split()
  write("noah.csv", table(header, [row.split("|") for row in """
N-2001|lena.whitcombe@example.com|Lena|Ruth|Whitcombe|903 Juniper Avenue|Unit 12|Sacramento|CA|95814|US|1990-05-21|+19165550134|DrivingLicense|SP7734120|US|2021-05-03|2031-05-02|TaxID|000-00-0134|US
N-2002|e.tremblay@example.org|Étienne||Tremblay|77 Maplewood Crescent||Ottawa|ON|K1P 1J1|CA|19820917|+16135550171|Passport|SP204466|CA|2022-02-10|2032-02-10|||
N-2003|jonas.krueger@example.net|Jonas|Emil|Krüger|Musterweg 5|Hinterhaus|Berlin|Berlin|10115|DE|1975-12-08|+12025550156|NationalIDCard|SPX01Y7T2|DE|2020-08-19|2030-08-18|Passport|SPC4F9K1T|DE
""".strip().splitlines()]))


if __name__ == "__main__":
  BAD.mkdir(parents=True, exist_ok=True)
  make_images()
  make_damaged_images()
  make_manifests()
  sizes = {p: p.stat().st_size for p in sorted(IMAGES.rglob("*.*"))}
  for path, size in sizes.items():
    print(f"{size:9,d}  {path.relative_to(HERE)}")
  print(f"{sum(sizes.values()):9,d}  in all")
