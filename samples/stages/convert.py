#!/usr/bin/env python3
"""Makes JPEG or PNG of the formats that telephones, scanners and fax machines write.

    docintake run customers.csv … --insert before:decode 'external program=./convert.py accepts=file isolation=network'

| format           | needs (Debian package)             | becomes                                                     |
|------------------|------------------------------------|-------------------------------------------------------------|
| HEIC, HEIF, AVIF | heif-convert (libheif-examples)    | JPEG, quality 95                                            |
| PDF              | pdftoppm, pdfimages (poppler-utils), Pillow | the page's own JPEG where it is all of the page, else the page drawn as JPEG |
| TIFF, fax too    | Pillow (python3-pil)               | JPEG, quality 95; PNG without loss for black and white,     |
| WebP, BMP, GIF   | Pillow (python3-pil)               | palettes and transparency                                   |

Files of other formats pass. The page is that of the item: of a document that front and back both name, 1 and 2.
No scan is written to a disk: the tools read and write memory that ends with their processes.
"""
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import warnings

# Tools are looked for where the distribution puts them, whatever PATH the host has left.
TOOLS = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C"}
PIXELS = 60_000_000  # what decode takes by default
SECONDS = 25  # less than the 30 s that the host waits


class Reject(Exception):
    """Refuses the row with a code and a reason that holds nothing of the file."""

    def __init__(self, code, detail):
        super().__init__(detail)
        self.code = code


class Memory:
    """A file without a name: gone with the last process that has it open, even one that was killed."""

    def __init__(self, data=b""):
        self.file = os.fdopen(os.memfd_create("scan"), "w+b")
        self.file.write(data)
        self.file.flush()
        self.path = f"/proc/self/fd/{self.file.fileno()}"

    def read(self):
        self.file.seek(0)
        return self.file.read()


def run(package, *words, files=()):
    """What a tool writes to standard output."""
    try:
        done = subprocess.run(
            words, env=TOOLS, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=True,
            pass_fds=[memory.file.fileno() for memory in files])
    except FileNotFoundError as error:
        raise Reject("missing_tool", f"{words[0]} is missing: apt install {package}") from error
    except subprocess.TimeoutExpired as error:
        raise Reject("too_slow", f"{words[0]} took more than {SECONDS} s") from error
    except subprocess.CalledProcessError as error:
        raise Reject("unreadable", f"{words[0]} cannot read the file") from error
    return done.stdout


def pillow():
    try:
        from PIL import Image, ImageChops
    except ImportError as error:
        raise Reject("missing_tool", "Pillow is missing: apt install python3-pil") from error
    Image.MAX_IMAGE_PIXELS = PIXELS // 2  # Pillow refuses twice as many, and warns of less
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)
    return Image, ImageChops


def heif(data, page):
    """HEIC, HEIF and AVIF: the tool turns the picture as the container says."""
    source, picture = Memory(data), Memory()
    with tempfile.TemporaryDirectory() as folder:
        # The tool numbers the pictures of a file with several; a name is a link, never a scan.
        for name in ["x.jpg"] + [f"x-{number}.jpg" for number in range(1, 100)]:
            wanted = name == f"x-{page}.jpg" or page == 1 and name == "x.jpg"
            os.symlink(picture.path if wanted else "/dev/null", f"{folder}/{name}")
        run("libheif-examples", "heif-convert", "-q", "95", source.path, f"{folder}/x.jpg", files=[source, picture])
    jpeg = picture.read()
    if not jpeg:
        raise Reject("no_such_page", f"the file has no picture {page}")
    # What the container has turned must not be turned once more by EXIF; writers that only set EXIF mean it.
    return without_exif(jpeg) if b"irot" in data[:65536] or b"imir" in data[:65536] else jpeg


def without_exif(jpeg):
    kept, at = jpeg[:2], 2
    while jpeg[at] == 0xFF and jpeg[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(jpeg[at + 2:at + 4], "big")
        if jpeg[at + 1] != 0xE1:
            kept += jpeg[at:end]
        at = end
    return kept + jpeg[at:]


def pdf(data, page):
    source = Memory(data)

    def tool(*words):
        return run("poppler-utils", *words, "-f", str(page), "-l", str(page), source.path, files=[source])

    pages = int(re.search(rb"^Pages:\s+(\d+)", tool("pdfinfo"), re.M).group(1))
    if page > pages:
        raise Reject("no_such_page", f"the document has {pages} page{'s' * (pages != 1)}, not {page}")
    # page num type width height color comp bpc enc interp object ID x-ppi y-ppi size ratio
    images = [line.split() for line in tool("pdfimages", "-list").decode().splitlines()[2:]]
    if len(images) == 1 and images[0][8] == "jpeg":
        jpeg = embedded(source, page)
        if is_whole_page(jpeg, source, page):
            return jpeg
    # As fine as the finest scan on the page; drawn text is sharp at 300 dots per inch.
    found = [int(number) for image in images for number in image[12:14]]
    resolution = min(max(found, default=300), 600)
    width, height = map(float, re.search(rb"^Page.* size:\s+([\d.]+) x ([\d.]+)", tool("pdfinfo"), re.M).groups())
    largest = int(72 * (PIXELS / max(1, width * height)) ** 0.5) - 1
    resolution = max(1, min(max(resolution, 150), largest))
    return draw(source, page, resolution, "-jpeg", "-jpegopt", "quality=95")


def draw(source, page, resolution, *form):
    return run(
        "poppler-utils", "pdftoppm", *form, "-singlefile", "-r", str(resolution), "-f", str(page), "-l", str(page),
        source.path, files=[source])


def embedded(source, page):
    """The page's JPEG as it is in the document, so that nothing is decoded and encoded once more."""
    picture = Memory()
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(picture.path, f"{folder}/x-000.jpg")
        run(
            "poppler-utils", "pdfimages", "-j", "-f", str(page), "-l", str(page), source.path, f"{folder}/x",
            files=[source, picture])
    return picture.read()


def is_whole_page(jpeg, source, page):
    """Whether the page shows this picture and nothing else: not cut, not turned, nothing written over it."""
    image_module, chops = pillow()
    try:
        shown = image_module.open(io.BytesIO(draw(source, page, 50, "-gray")))
        picture = image_module.open(io.BytesIO(jpeg))
        upright = picture.getexif().get(0x0112, 1) == 1
        size = shown.size
        if abs(size[0] * picture.size[1] / (size[1] * picture.size[0]) - 1) > 0.02 or not upright:
            return False
        differences = chops.difference(shown, picture.convert("L").resize(size, image_module.BOX)).histogram()
    except (OSError, ValueError):
        return False
    # Two ways to shrink differ by some 40 levels at the edges of letters; a stamp or a turned card by far more.
    return sum(differences[80:]) < size[0] * size[1] / 2000


def picture(kind):
    def convert(data, page):
        image_module, _ = pillow()
        try:
            image = image_module.open(io.BytesIO(data), formats=[kind])
            frames = getattr(image, "n_frames", 1)
            if page > frames:
                raise Reject("no_such_page", f"the file has {frames} page{'s' * (frames != 1)}, not {page}")
            image.seek(page - 1)
            return encoded(image)
        except image_module.DecompressionBombError as error:
            raise Reject("too_large", f"the picture has more than {PIXELS} pixels") from error
    return convert


def encoded(image):
    if image.mode.startswith("I;16"):
        # Pillow would cut 16 bits off at 255.
        image = image.convert("I").point(lambda value: value / 256).convert("L")
    elif image.mode == "YCbCr":
        image = image.convert("RGB")
    more = {}
    if image.info.get("icc_profile"):
        more["icc_profile"] = image.info["icc_profile"]
    dpi = [float(value) for value in image.info.get("dpi", ())]
    if dpi and min(dpi) > 0:
        if max(dpi) > 1.05 * min(dpi):
            # A fax has 204 by 98 dots per inch: as it is, letters would be half as high as they were.
            size = [round(pixels * max(dpi) / own) for pixels, own in zip(image.size, dpi)]
            image = image.convert("L" if image.mode == "1" else image.mode).resize(size)
        more["dpi"] = (max(dpi), max(dpi))
    orientation = image.getexif().get(0x0112, 1)
    if orientation != 1:
        more["exif"] = exif = image.getexif().__class__()
        exif[0x0112] = orientation
    result = io.BytesIO()
    if image.mode in ("L", "RGB", "CMYK"):
        # Without loss, a page at 600 dpi would take more than decode reads; at 95 nobody sees the difference.
        image.save(result, "JPEG", quality=95, subsampling=0, **more)
    elif image.mode in ("1", "P", "LA", "PA", "RGBA"):
        image.save(result, "PNG", compress_level=1, **more)
    else:
        raise Reject("unsupported", f"pictures of mode {image.mode} are not converted")
    return result.getvalue()


CONVERTERS = {
    "heic": heif, "heif": heif, "avif": heif, "pdf": pdf, "tiff": picture("TIFF"), "webp": picture("WEBP"),
    "bmp": picture("BMP"), "gif": picture("GIF"),
}


def main():
    wire, sys.stdout = sys.stdout.buffer, sys.stderr

    def send(message, data=b""):
        wire.write(json.dumps(message).encode() + b"\n" + data)
        wire.flush()

    sys.stdin.buffer.readline()
    send({"intake": 1, "kind": "ready", "name": "convert", "accepts": ["file"]})
    for line in sys.stdin.buffer:
        item = json.loads(line)
        if item.get("kind") != "item":
            continue
        data = sys.stdin.buffer.read(item["image"]["bytes"])
        if len(data) < item["image"]["bytes"]:
            return
        convert = CONVERTERS.get(item["image"]["format"])
        if convert is None:
            send({"kind": "pass", "id": item["id"]})
            continue
        try:
            result = convert(data, item.get("page", 1))
            send({"kind": "result", "id": item["id"], "image": {"bytes": len(result)}}, result)
        except Reject as error:
            send({"kind": "reject", "id": item["id"], "code": error.code, "detail": str(error)})
        except Exception as error:  # damaged files come, too
            send({"kind": "reject", "id": item["id"], "code": "unreadable", "detail": type(error).__name__})


if __name__ == "__main__":
    main()
