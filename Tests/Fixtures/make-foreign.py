#!/usr/bin/env python3
"""Makes the samples' pictures in other formats, with the tools that people have: FOLDER gets a manifest and its files.

    make-foreign.py FOLDER [NAME…]     all rows, or those of these names

A format whose tool is missing is left out and named on standard error.
"""
import os
import pathlib
import subprocess
import sys

from PIL import Image

SAMPLES = pathlib.Path(__file__).resolve().parents[2] / "samples" / "images"
FRONT, BACK = SAMPLES / "page600-front.jpg", SAMPLES / "page600-back.jpg"
PORTRAIT = SAMPLES / "phone-front.jpg"
HEADER = "id,fn,ln,email,dob,phone,addr,city,state,zip,country,front,back"


def tool(*words):
    subprocess.run([str(word) for word in words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def heic(folder):
    tool("heif-enc", "-q", "80", "-p", "preset=ultrafast", "-o", folder / "phone.heic", PORTRAIT)
    return "phone.heic", SAMPLES / "phone-back.jpg"


def avif(folder):
    tool("heif-enc", "-A", "-q", "80", "-o", folder / "small.avif", SAMPLES / "small-front.jpg")
    return "small.avif", SAMPLES / "small-back.jpg"


def pdf_of_jpegs(folder):
    """What scanners make: a JPEG a page. Pillow puts the pictures of one mode in one document."""
    pages = [Image.open(path) for path in (FRONT, BACK)]
    pages[0].save(folder / "scan.pdf", "PDF", save_all=True, append_images=pages[1:], resolution=600, quality=90)
    return "scan.pdf", "scan.pdf"


def pdf_page(folder):
    """The second page alone, by its number, for a back that lies in a file of its own."""
    return SAMPLES / "small-front.jpg", "scan.pdf#page=2"


def pdf_drawn(folder):
    """A page on which something is written over the scan: its JPEG alone would lack that."""
    jpeg = (SAMPLES / "small-front.jpg").read_bytes()
    width, height = Image.open(SAMPLES / "small-front.jpg").size
    content = b"q 400 0 0 %d 0 0 cm /Im Do Q 0.8 0 0 rg 60 80 200 40 re f" % (400 * height // width)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 400 %d]/Contents 4 0 R/Resources<</XObject<</Im 5 0 R>>>>>>"
        % (400 * height // width),
        b"<</Length %d>>stream\n%b\nendstream" % (len(content), content),
        b"<</Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/DCTDecode"
        b"/Length %d>>stream\n%b\nendstream" % (width, height, len(jpeg), jpeg),
    ]
    # Without a table of its objects: readers build one.
    body = b"".join(b"%d 0 obj%b\nendobj\n" % (number, text) for number, text in enumerate(objects, 1))
    (folder / "drawn.pdf").write_bytes(b"%PDF-1.4\n" + body + b"trailer<</Root 1 0 R/Size 6>>\n")
    return "drawn.pdf", SAMPLES / "small-back.jpg"


def fax(folder):
    image = Image.open(BACK).convert("L").resize((1728, 1100)).convert("1")
    image.save(folder / "fax.tif", compression="group4", dpi=(204, 98))
    tool("tiffcp", "-c", "g3:2d", folder / "fax.tif", folder / "fax.tiff")
    return "fax.tiff", BACK


def tiff_pages(folder):
    pages = [Image.open(path).resize((1200, 800)) for path in (FRONT, BACK)]
    pages[0].save(folder / "pages.tif", save_all=True, append_images=pages[1:], compression="tiff_lzw", dpi=(300, 300))
    return "pages.tif", "pages.tif"


def webp(folder):
    tool("cwebp", "-q", "90", SAMPLES / "small-front.jpg", "-o", folder / "small.webp")
    return "small.webp", SAMPLES / "small-back.jpg"


def bmp(folder):
    Image.open(SAMPLES / "small-front.jpg").save(folder / "small.bmp")
    return "small.bmp", SAMPLES / "small-back.jpg"


def gif(folder):
    Image.open(SAMPLES / "small-front.jpg").convert("P").save(folder / "small.gif")
    return "small.gif", SAMPLES / "small-back.jpg"


def untouched(folder):
    return SAMPLES / "flatbed-front.png", SAMPLES / "phone-back.jpg"


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for make in (heic, avif, pdf_of_jpegs, pdf_page, pdf_drawn, fax, tiff_pages, webp, bmp, gif, untouched):
        name = make.__name__.replace("_", "-")
        if sys.argv[2:] and name not in sys.argv[2:]:
            continue
        try:
            paths = make(folder)
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"{make.__name__}: left out, {error}", file=sys.stderr)
            continue
        cells = []
        for path in paths:
            if isinstance(path, pathlib.Path):
                (folder / path.name).write_bytes(path.read_bytes())
                path = path.name
            cells.append(path)
        rows.append(
            f"{name},Test,Person,{name}@example.com,1980-01-02,5550100000,1 Main Street,Salem,OR,97301,US,"
            + ",".join(cells))
    (folder / "customers.csv").write_text("\n".join([HEADER, *rows]) + "\n")


if __name__ == "__main__":
    main()
