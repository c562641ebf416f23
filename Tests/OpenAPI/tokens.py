"""Takes 1,000 customers a curve, and scans that are uploaded, from the program; verifies every token with cryptography.

    python3 Tests/OpenAPI/tokens.py PROGRAM
"""

import csv
import http.server
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

import tally
from signer import Refused, Signer, verify
from tally import check

ROWS = 1000
KEY = "apikey_sandbox_trial"


class Recorder(http.server.BaseHTTPRequestHandler):
    """Keeps every request; tells upload addresses on the other server, as the vendor's storage is elsewhere."""

    protocol_version = "HTTP/1.1"
    # A Python server writes head and body apart; without this each answer waits for an acknowledgement.
    disable_nagle_algorithm = True

    def serve(self):
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.server.taken.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body,
                                  time.time()))
        text = b""
        if "upload-url" in self.path:
            text = json.dumps({"PresignedURL": self.server.told, "ExpiresAt": "2030-01-01T00:00:00Z"}).encode()
        self.send_response(201 if self.path.startswith("/v1/customers/") else 200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_PUT = serve

    def log_message(self, *_):
        pass


def serve():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    server.taken, server.told = [], ""
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def manifest(folder, count, scans):
    """A batch of made-up customers; names in several scripts, so that bodies hold more than ASCII."""
    with open("samples/noah.csv", newline="", encoding="utf-8") as file:
        people = list(csv.DictReader(file))
    path = os.path.join(folder, "batch.csv")
    names = list(people[0]) + (["front", "back"] if scans else [])
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        for number in range(count):
            person = people[number % len(people)] | {"id": f"T-{number:04}.a_b", "fn": ["Zoë", "Ирина", "明", "Al"][number % 4]}
            person |= {"email": f"t{number}@example.com"}
            if scans:
                person |= {"front": "images/small-front.jpg", "back": ["images/gray-back.png", ""][number % 2]}
            writer.writerow(person)
    return path


def run(program, folder, server, signer, count, *options, scans=False, code=0):
    for name, text in [("key.pem", signer.pem), ("keys.json", json.dumps({"apiKey": KEY, "privateKeyFile": "key.pem"}))]:
        with open(os.open(os.path.join(folder, name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
    server.taken.clear()
    done = subprocess.run(
        [program, "run", manifest(folder, count, scans), "--to", "noah", "--images-root", "samples",
         "--endpoint", f"http://127.0.0.1:{server.server_address[1]}/v1", "--credentials",
         os.path.join(folder, "keys.json"), "--ledger", os.path.join(folder, f"{time.time()}.ledger"), *options],
        capture_output=True, text=True, timeout=120, env={"PATH": os.environ["PATH"], "HOME": folder})
    check(done.returncode == code, f"the run ends with {done.returncode}, not {code}: {done.stderr[-400:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def flipped(data, place):
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1:]


def holds(signer, token, method, path, body, now):
    try:
        verify(signer.key.public_key(), signer.name, signer.hasher, token, method, path, body, now)
    except (Refused, ValueError, UnicodeDecodeError):
        return False
    return True


def customers(program, folder, server, signer):
    """Every token holds for its request and for no other: one flipped bit anywhere, and it does not."""
    run(program, folder, server, signer, ROWS)
    check(len(server.taken) == ROWS and len({entry[1] for entry in server.taken}) == ROWS, "one request a customer")
    chance = random.Random(1)
    tokens = set()
    for method, path, fields, body, now in server.taken:
        token = fields["api-signature"]
        tokens.add(token)
        check(fields["x-api-key"] == KEY and method == "PUT", "key and method")
        check(holds(signer, token, method, path, body, now), f"the token of {path} holds")
        check(not holds(signer, token, method, path, flipped(body, chance.randrange(len(body))), now), "a body")
        other = flipped(path.encode(), chance.randrange(len(path))).decode("latin-1")
        check(not holds(signer, token, method, other, body, now), "a path")
        for wrong in [flipped(method.encode(), chance.randrange(3)).decode(), "POST", "put"]:
            check(not holds(signer, token, wrong, path, body, now), "a method")
        # The last characters of base64url may carry unused bits; the one before them does not.
        place = chance.randrange(len(token) - 2)
        if token[place] != ".":
            letter = "A" if token[place] != "A" else "B"
            check(not holds(signer, token[:place] + letter + token[place + 1:], method, path, body, now), "a token")
        check(not holds(signer, token, method, path, body, now + 3600), "an hour later")
    check(len(tokens) == ROWS, "no token comes twice")


def uploads(program, folder, server, storage, signer):
    """Address asked for with a signature over the query; bytes sent elsewhere with neither key nor signature."""
    server.told = f"http://127.0.0.1:{storage.server_address[1]}/bucket/x?X-Amz-Signature=abc%2F&X-Amz-Expires=900"
    storage.taken.clear()
    results = run(program, folder, server, signer, 4, "--set", "noah.documents=upload", scans=True)
    asked = [entry for entry in server.taken if entry[0] == "GET"]
    check(len(server.taken) == 4 + 6 and len(asked) == 6 and len(storage.taken) == 6, "an address and an upload a scan")
    for method, path, fields, body, now in server.taken:
        check(holds(signer, fields["api-signature"], method, path, body, now), f"{path} is signed")
        check(not holds(signer, fields["api-signature"], method, path + "&Extra=1", body, now), "its query too")
    sides = sorted(path.partition("?")[2] for _, path, *_ in asked if "T-0000" in path)
    check(sides == ["Type=DrivingLicense&CountryCode=US&Side=Back", "Type=DrivingLicense&CountryCode=US&Side=Front"],
          f"type, country and side: {sides}")
    single = [path.partition("?")[2] for _, path, *_ in asked if "T-0001" in path]
    check(single == ["Type=Passport&CountryCode=CA"], f"a passport has one page and no side: {single}")
    secret = ["x-api-key", "api-signature", "authorization", "cookie", "referer"]
    for method, path, fields, body, _ in storage.taken:
        check((method, path) == ("PUT", "/bucket/x?X-Amz-Signature=abc%2F&X-Amz-Expires=900"), "the address as told")
        check(not set(secret) & set(fields), f"no credentials leave for the storage: {list(fields)}")
        check(fields["content-type"] == "image/jpeg" and body[:3] == b"\xff\xd8\xff", "the JPEG itself, not base64")
    sizes = sorted(step["bodyBytes"] for row in results for step in row["steps"][1:])
    check(sizes == sorted(len(entry[3]) for entry in storage.taken), "the results tell the sizes")

    # An address that nobody in his right mind would follow: nothing goes there, and the row says so.
    told = server.told
    for url in ["http://example.com/x", "ftp://127.0.0.1/x", "file:///etc/passwd", "", "https://a:b@example.com/x",
                told.replace("127.0.0.1", "127.0.0.1.example.com").replace("http:", "http:")]:
        server.told = url
        storage.taken.clear()
        row = run(program, folder, server, signer, 1, "--set", "noah.documents=upload", scans=True, code=3)[0]
        check(row["code"] == "upload_refused" and not storage.taken, f"{url} is not sent to: {row}")
        check(not url or url not in json.dumps(row), "and not told, for it is a permission")


def main(program):
    server, storage = serve(), serve()
    curves = [(ec.SECP384R1(), "ES384", hashes.SHA384()), (ec.SECP256R1(), "ES256", hashes.SHA256())]
    with tempfile.TemporaryDirectory() as folder:
        for curve, name, hasher in curves:
            signer = Signer(curve, name, hasher)
            customers(program, folder, server, signer)
            uploads(program, folder, server, storage, signer)
    print(f"{tally.held} checks hold; {2 * ROWS} tokens of customers verified")


if __name__ == "__main__":
    main(sys.argv[1])
