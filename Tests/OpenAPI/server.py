"""Takes the program's own requests with Python's http.server and compares them with what the vendors document.

    python3 Tests/OpenAPI/server.py PROGRAM
"""

import base64
import csv
import hashlib
import http.server
import json
import os
import subprocess
import sys
import tempfile
import threading
import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

import tally
from tally import check

USER, PASSWORD = 'api "user"', "p\\ss\tword é"


class Recorder(http.server.BaseHTTPRequestHandler):
    """Keeps every request as it came and answers as the vendor would."""

    protocol_version = "HTTP/1.1"
    taken = []

    def serve(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.taken.append({"method": self.command, "path": self.path, "headers": self.headers.items(), "body": body,
                           "time": time.time()})
        status, answer = self.answer(json.loads(body))
        text = json.dumps(answer).encode() if answer else b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        if text:
            self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(text)

    do_POST = do_PUT = serve

    def answer(self, body):
        if self.path.startswith("/v1/"):
            return 201, None
        if self.path.startswith("/v2/"):
            return 200, {"data": {"accepted": True, "action": "created", "review": {"state": "QUEUED"}}}
        target = {"email": body["target"]["email"]}
        if body["service"] == "updateStatus":
            return 200, {"result": "Success", "target": target | {"status": body["target"]["status"]}}
        return 200, {"result": "Success", "status": "PENDING", "type": "createCustomer", "target": target}

    def log_message(self, *_):
        pass


def run(program, folder, manifest, to, path, credentials, *options):
    """Sends a manifest to the recorder; gives the requests and the result lines."""
    keys = os.path.join(folder, "credentials.json")
    with open(os.open(keys, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(credentials, file)
    Recorder.taken = []
    ledger = os.path.join(folder, f"{len(os.listdir(folder))}.ledger")
    done = subprocess.run(
        [program, "run", manifest, "--to", to, "--endpoint", f"http://127.0.0.1:{port}{path}", "--credentials", keys,
         "--ledger", ledger, *options],
        capture_output=True, text=True, timeout=60, env={"PATH": os.environ["PATH"], "HOME": folder})
    check(done.returncode == 0, f"the run ends with 0, not {done.returncode}: {done.stderr[-400:]}")
    results = [json.loads(line) for line in done.stdout.splitlines()]
    check(all(row["outcome"] == "accepted" for row in results), "every row is accepted")
    with open(manifest, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    check(len(Recorder.taken) == len(rows) == len(results), "one request a row")
    for text in [done.stdout, done.stderr, open(ledger).read()]:
        for secret in credentials.values():
            check(secret not in text and json.dumps(secret)[1:-1] not in text, "no secret is told")
    return Recorder.taken, rows, results


def compact(day):
    return day.replace("-", "")


def dashed(day):
    return f"{compact(day)[:4]}-{compact(day)[4:6]}-{compact(day)[6:]}"


def headers(request, *more):
    """The header fields by name in lower case; nothing stands there that nobody asked for."""
    pairs = [(name.lower(), value) for name, value in request["headers"]]
    names = [name for name, _ in pairs]
    check(len(set(names)) == len(names), f"no field stands twice: {names}")
    known = {"host", "accept", "accept-encoding", "content-type", "content-length", "expect", "user-agent"} | set(more)
    check(set(names) <= known, f"no field but the known ones: {set(names) - known}")
    check(set(more) <= set(names), f"fields are missing: {set(more) - set(names)}")
    fields = dict(pairs)
    check(fields["content-type"] == "application/json", "the body is JSON by its header")
    check(int(fields["content-length"]) == len(request["body"]), "and as long as it says")
    return fields


def strict(body):
    """The body as JSON; no field twice, valid UTF-8."""
    def pairs(list_):
        check(len(dict(list_)) == len(list_), "no field stands twice")
        return dict(list_)
    return json.loads(body.decode("utf-8"), object_pairs_hook=pairs)


def jpeg(text):
    data = base64.b64decode(text, validate=True)
    check(base64.b64encode(data).decode() == text, "the base64 is the one canonical form")
    check(data[:3] == b"\xff\xd8\xff" and data[-2:] == b"\xff\xd9", "it is a whole JPEG")
    check(b"Exif" not in data and b"GPS" not in data and b"http://ns.adobe.com" not in data, "without metadata")
    check(len(data) <= 500_000, "within the budget")
    return data


def dcams(program, folder):
    credentials = {"user": USER, "pass": PASSWORD}
    taken, rows, results = run(program, folder, "samples/customers.csv", "dcams", "/v3/stable/api/storage", credentials)
    by_mail = {row["email"]: row for row in rows}
    for request in taken:
        check((request["method"], request["path"]) == ("POST", "/v3/stable/api/storage"), "one address for all")
        headers(request)
        body = strict(request["body"])
        check(list(body) == ["user", "pass", "service", "reference", "target"], f"the top has {list(body)}")
        check((body["user"], body["pass"]) == (USER, PASSWORD), "the credentials arrive as they are")
        check(body["service"] == "createOrUpdateCustomer", "the service is named")
        row = by_mail.pop(body["target"]["email"])
        check(body["reference"] == row["reference"], "the reference is the row's")
        documents = body["target"].pop("documents")
        wanted = {name: row[name] for name in ["email", "fn", "ln", "addr", "city", "state", "zip", "phone"]}
        check(body["target"] == wanted | {"dob": compact(row["dob"])}, "the target holds the row's fields and no more")
        check(set(documents) == ({"front", "back"} if row["back"] else {"front"}), "the scans that the row has")
        for text in documents.values():
            jpeg(text)
        result = next(line for line in results if line["id"] == row["id"])
        check(result["bodyBytes"] == len(request["body"]), "bodyBytes is the size of the body")
        check((result["status"], result["type"]) == ("PENDING", "createCustomer"), "the answer was read")
    check(not by_mail, "every customer was sent")

    taken, rows, results = run(program, folder, "samples/status.csv", "dcams", "/v3/stable/api/storage", credentials,
                               "--operation", "updateStatus")
    by_mail = {row["email"]: row["status"] for row in rows}
    for request in taken:
        headers(request)
        target = strict(request["body"])["target"]
        wanted = {"user": USER, "pass": PASSWORD, "service": "updateStatus",
                  "target": {"email": target["email"], "status": by_mail[target["email"]]}}
        check(strict(request["body"]) == wanted, "updateStatus holds the e-mail and the status and no more")


def decoded(part):
    check("=" not in part and "+" not in part and "/" not in part, "the token is base64url without padding")
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def noah(program, folder, curve, alg, hasher):
    key = ec.generate_private_key(curve)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                            serialization.NoEncryption())
    with open(os.open(os.path.join(folder, "key.pem"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(pem)
    credentials = {"apiKey": "apikey_sandbox_trial", "privateKeyFile": "key.pem"}
    taken, rows, results = run(program, folder, "samples/noah.csv", "noah", "/v1", credentials)
    by_path = {"/v1/customers/" + row["id"]: row for row in rows}
    for request in taken:
        row = by_path.pop(request["path"])
        check(request["method"] == "PUT", "a customer is put")
        fields = headers(request, "x-api-key", "api-signature")
        check(fields["x-api-key"] == "apikey_sandbox_trial", "the key is in its field")
        head, claims, signature = fields["api-signature"].split(".")
        check(json.loads(decoded(head)) == {"alg": alg, "typ": "JWT"}, f"the token says {alg}")
        raw = decoded(signature)
        size = (curve.key_size + 7) // 8
        check(len(raw) == 2 * size, "the signature is r and s, not DER")
        der = encode_dss_signature(int.from_bytes(raw[:size], "big"), int.from_bytes(raw[size:], "big"))
        key.public_key().verify(der, f"{head}.{claims}".encode(), ec.ECDSA(hasher))
        claims = json.loads(decoded(claims))
        check(set(claims) == {"aud", "iat", "exp", "method", "path", "bodyHash"}, f"the claims are {list(claims)}")
        check(claims["aud"] == "https://api.noah.com", "aud is fixed")
        check(abs(claims["iat"] - request["time"]) < 30 and 0 < claims["exp"] - claims["iat"] <= 900, "times fit")
        check((claims["method"], claims["path"]) == ("PUT", request["path"]), "method and path are those of the request")
        check(claims["bodyHash"] == hashlib.sha256(request["body"]).hexdigest(), "bodyHash is that of the exact bytes")
        compare_customer(strict(request["body"]), row)
    check(not by_path, "every customer was sent")
    check({line["type"] for line in results} == {"created"}, "the answer was read")


def compare_customer(body, row):
    """Field for field what the vendor's page lists."""
    def present(**fields):
        return {name: value for name, value in fields.items() if value}

    check(set(body) <= {"Type", "Email", "PhoneNumber", "FullName", "DateOfBirth", "Identities", "PrimaryResidence"},
          f"the body has {list(body)}")
    check(body["Type"] == "Individual", "the type is there")
    check(body["FullName"] == present(FirstName=row["fn"], LastName=row["ln"], MiddleName=row.get("mn")), "the name")
    check(body["DateOfBirth"] == dashed(row["dob"]), "the day of birth has hyphens")
    home = body["PrimaryResidence"]
    state = home.pop("State")
    check(home == present(Street=row["addr"], Street2=row.get("addr2"), City=row["city"], PostCode=row["zip"],
                          Country=row["country"]), "the address")
    check(len(state) == 2 and state.isupper() if row["country"] in ("US", "CA") else state == row["state"], "the state")
    numbers = [""] + [f"_{n}" for n in range(2, 21) if row.get(f"id_type_{n}")]
    identities = [
        present(IDType=row[f"id_type{n}"], IDNumber=row[f"id_number{n}"], IssuingCountry=row[f"id_country{n}"],
                IssuedDate=row.get(f"id_issued{n}") and dashed(row[f"id_issued{n}"]),
                ExpiryDate=row.get(f"id_expiry{n}") and dashed(row[f"id_expiry{n}"])) for n in numbers]
    check(body["Identities"] == identities, f"the identities: {body['Identities']} instead of {identities}")
    if "PhoneNumber" in body:
        check(body["PhoneNumber"][0] == "+" and body["PhoneNumber"][1:].isdigit(), "the number is E.164")


def template(program, folder):
    credentials = {"token": "t0ken", "tenant": "branch-7"}
    taken, rows, results = run(program, folder, "samples/customers.csv", "samples/plans/template.json", "/v2", credentials)
    by_path = {"/v2/applicants/" + row["id"]: row for row in rows}
    for request in taken:
        row = by_path.pop(request["path"])
        fields = headers(request, "authorization", "x-tenant", "idempotency-key")
        check(request["method"] == "PUT" and fields["authorization"] == "Bearer t0ken", "method and token")
        check((fields["x-tenant"], fields["idempotency-key"]) == ("branch-7", row["reference"]), "the plan's fields")
        body = strict(request["body"])
        for side in ["front", "back"] if row["back"] else ["front"]:
            scan = body["document"].pop(side)
            check(set(scan) == {"type", "content"} and scan["type"] == "image/jpeg", "a scan with its type")
            start = "data:image/jpeg;base64,"
            check(scan["content"].startswith(start), "a data URI")
            jpeg(scan["content"][len(start):])
        wanted = {
            "schema": 2, "source": "branch-scan", "document": {}, "consent": True,
            "applicant": {
                "name": {"full": f"{row['fn']} {row['ln']}", "given": row["fn"], "family": row["ln"]},
                "born": dashed(row["dob"]), "contact": {"email": row["email"], "phone": row["phone"]},
                "address": {"lines": [row["addr"]], "city": row["city"], "region": row["state"],
                            "postcode": row["zip"], "country": row["country"]}}}
        check(body == wanted, f"the body is the template's: {list(body)}")
    check({(line["status"], line["type"]) for line in results} == {("QUEUED", "created")}, "the answer was read")


def main(program):
    global port
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        dcams(program, folder)
        noah(program, folder, ec.SECP384R1(), "ES384", hashes.SHA384())
        noah(program, folder, ec.SECP256R1(), "ES256", hashes.SHA256())
        template(program, folder)
    server.shutdown()
    print(f"{tally.held} checks hold")


if __name__ == "__main__":
    main(sys.argv[1])
