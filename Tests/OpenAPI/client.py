"""Drives every documented answer of the sandbox with requests and cryptography, which share no code with it.

    python3 Tests/OpenAPI/client.py PROGRAM
"""

import base64
import contextlib
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time

import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

import tally
from signer import Signer, url64
from tally import check

STORAGE = "/v3/stable/api/storage"
KEY = "apikey_sandbox_trial"
JPEG = open("samples/images/small-front.jpg", "rb").read()
PNG = open("samples/images/gray-back.png", "rb").read()


@contextlib.contextmanager
def sandbox(program, *options, credentials=None):
    """A sandbox of its own; yields its address."""
    with tempfile.TemporaryDirectory() as folder:
        if credentials:
            path = os.path.join(folder, "credentials.json")
            with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                json.dump(credentials, file)
            options += ("--credentials", path)
        process = subprocess.Popen([program, "sandbox", *options], stdout=subprocess.PIPE, text=True)
        try:
            yield json.loads(process.stdout.readline())["address"]
        finally:
            process.terminate()
            process.wait(10)


def text64(data):
    return base64.b64encode(data).decode()


# DCAMS


def storage(address, service, target, **top):
    body = {"user": "sandbox", "pass": "sandbox", "service": service, "target": target} | top
    return requests.post(address + STORAGE, json={k: v for k, v in body.items() if v is not None}, timeout=10)


def expect(answer, status, body):
    check(answer.status_code == status, f"status {answer.status_code} instead of {status}: {answer.text[:200]}")
    check(answer.headers["Content-Type"] == "application/json", "the answer is JSON by its header")
    check(answer.json() == body, f"body {answer.text[:300]} instead of {body}")


def error(answer, status, message):
    expect(answer, status, {"result": "Error", "message": message})


MISSING = "Missing a required input"
FIELDS = {
    "fn": "Renée", "ln": "D'Amico", "addr": "48 Harbor Row", "city": "Portland", "state": "ME", "zip": "04101",
    "dob": "19870314", "email": "Renee@Example.com", "phone": "2075550142",
}


def dcams(address):
    documents = {"front": text64(JPEG), "back": "data:image/png;base64," + text64(PNG)}
    create = {**FIELDS, "documents": documents}
    answer = storage(address, "createOrUpdateCustomer", create, reference="48213")
    link = answer.json()["customer_link"]
    check(link.startswith(address) and "a=edit&id=" in link, "the link has the vendor's shape")
    check(requests.get(link, timeout=10).status_code == 200, "the link opens")
    stored = {"result": "Success", "reference": "48213", "customer_link": link, "status": "PENDING",
              "type": "createCustomer", "target": FIELDS}
    expect(answer, 200, stored)
    check(list(answer.json()) == list(stored), "the fields stand in the documented order")
    check(list(answer.json()["target"]) == list(FIELDS), "the target's fields do too")

    again = storage(address, "createOrUpdateCustomer", {"email": "RENEE@example.COM", "documents": documents})
    expect(again, 200, stored | {"type": "updateCustomer"})

    known = {"email": "renee@example.com"}
    status = {"result": "Success", "reference": "48213", "status": "PENDING", "target": FIELDS}
    expect(storage(address, "getStatus", known), 200, status)
    images = storage(address, "getDocumentImages", known)
    back = {"front": text64(JPEG), "back": text64(PNG)}
    expect(images, 200, status | {"target": {**FIELDS, "documents": back}})
    for word in ["PASS", "FAIL", "PENDING", "PASS"]:
        expect(storage(address, "updateStatus", known | {"status": word}), 200,
               {"result": "Success", "reference": "48213", "target": {**FIELDS, "status": word}})
    expect(storage(address, "getStatus", known), 200, status | {"status": "PASS"})

    for service in ["getStatus", "getDocumentImages"]:
        error(storage(address, service, {"email": "nobody@example.com"}), 404, "The email address was not found")
    error(storage(address, "updateStatus", {"email": "nobody@example.com", "status": "PASS"}), 404,
          "The email address was not found")
    for email in ["plain", "a@b", "@example.com", "a@example..com", "a b@example.com", "a@@example.com"]:
        for service, more in [("createOrUpdateCustomer", {"documents": documents}), ("getStatus", {}),
                              ("getDocumentImages", {}), ("updateStatus", {"status": "PASS"})]:
            error(storage(address, service, {"email": email} | more), 400, "The email address is invalid")
    dcams_inputs(address, documents)


def dcams_inputs(address, documents):
    """What a request cannot do without, and the order in which it is looked at."""
    good = {"email": "ok@example.com", "documents": documents}
    for target in [
        None, {}, {"documents": documents}, {"email": ""}, {"email": None, "documents": documents},
        {"email": "ok@example.com"}, {"email": "ok@example.com", "documents": {}},
        {**good, "documents": {"front": ""}}, {**good, "documents": {"front": "not base64!"}},
        {**good, "documents": {"front": "QUJD\n"}}, {**good, "documents": {"front": "QUI"}},
        {**good, "documents": {"back": text64(JPEG)}}, {**good, "fn": ["a"]}, {**good, "fn": {"a": 1}},
        {**good, "fn": True}, {**good, "documents": {"front": text64(JPEG), "back": 7}},
    ]:
        error(storage(address, "createOrUpdateCustomer", target), 400, MISSING)
    for status in [None, "", "pass", "APPROVED", 1]:
        error(storage(address, "updateStatus", {"email": "ok@example.com", "status": status}), 400, MISSING)
    for service in [None, "", "getstatus", "deleteCustomer"]:
        error(storage(address, service, good), 400, MISSING)
    wrong = "Either your username or password is incorrect"
    for top in [{"user": "x"}, {"pass": "x"}, {"user": None}, {"pass": None}, {"pass": ""}, {"user": ["sandbox"]}]:
        error(storage(address, "getStatus", {}, **top), 401, wrong)
    for body in [b"", b"{", b"[]", b'"text"', b"\xff\xfe", b'{"user":"sandbox","user":"sandbox"}']:
        error(requests.post(address + STORAGE, data=body, timeout=10), 400, MISSING)
    for method in ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"]:
        answer = requests.request(method, address + STORAGE, timeout=10)
        error(answer, 405, "Only POST is supported")
        check(answer.headers["Allow"] == "POST", "405 says what is served")
    answer = requests.post(address + STORAGE, data=b" " * 10_000_001, timeout=30)
    check(answer.status_code == 413 and answer.json()["result"] == "Error", "a body over the limit is 413")
    answer = requests.post(address + STORAGE, data=b" " * 10_000_000, timeout=30)
    error(answer, 400, MISSING)


# Noah


PERSON = {
    "Type": "Individual", "Email": "lena@example.com", "PhoneNumber": "+19165550134",
    "FullName": {"FirstName": "Lena", "MiddleName": "Ruth", "LastName": "Whitcombe"}, "DateOfBirth": "1990-05-21",
    "Identities": [{"IssuingCountry": "US", "IDNumber": "SP7734120", "IssuedDate": "2021-05-03",
                    "ExpiryDate": "2031-05-02", "IDType": "DrivingLicense"}],
    "PrimaryResidence": {"Street": "903 Juniper Avenue", "City": "Sacramento", "PostCode": "95814", "State": "CA",
                         "Country": "US"},
}


def ask(address, method, path, body=None, token=None, key=KEY, **options):
    headers = {name: value for name, value in [("X-Api-Key", key), ("Api-Signature", token)] if value}
    if body is not None:
        headers["Content-Type"] = "application/json"
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return requests.request(method, address + path, data=body, headers=headers, timeout=10, **options)


def problem(answer, status, kind, detail=None):
    check(answer.status_code == status, f"{answer.status_code} instead of {status}: {answer.text[:300]}")
    body = answer.json()
    check(body["Type"] == kind and body["Instance"] and body["Detail"], f"an error of Noah: {body}")
    check(detail is None or detail in body["Detail"], f"\"{detail}\" in {body}")
    check(("RequestExtension" in body) == (status == 400), "fields at fault are listed for 400")
    return body


def fields(answer):
    return {(entry["Field"], entry["Reason"]) for entry in
            problem(answer, 400, "InvalidMessage")["RequestExtension"]["Body"]}


def changed(path, value):
    """The person with one field changed; the path has dots."""
    person = json.loads(json.dumps(PERSON))
    place = person
    *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in steps:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return person


def noah(address):
    path = "/v1/customers/N-1"
    problem(ask(address, "GET", path), 404, "ResourceNotFound")
    for status in [201, 204, 204]:
        answer = ask(address, "PUT", path, PERSON)
        check(answer.status_code == status and answer.content == b"", f"PUT answers {status} without a body")
    stored = ask(address, "GET", path).json()
    check({k: stored[k] for k in PERSON} == PERSON and stored["CustomerID"] == "N-1", "GET gives back what was sent")
    check(stored["Verification"] == {"Model": "Reliance", "Status": "Approved"}, "the customer is approved")
    twice = ask(address, "PUT", "/v1/customers/N-2", PERSON | {"Created": "x", "Verification": 1})
    check(twice.status_code == 201, "unknown fields are ignored")
    pairs = json.loads(ask(address, "GET", "/v1/customers/N-2").content, object_pairs_hook=list)
    check(len({name for name, _ in pairs}) == len(pairs), "no field stands twice")
    for bad in ["x" * 37, "%C3%A9" * 37]:
        check(fields(ask(address, "PUT", f"/v1/customers/{bad}", PERSON)) ==
              {("CustomerID", "SchemaValidation")}, "an id over 36 characters is refused")
    check(ask(address, "PUT", "/v1/customers/" + "x" * 36, PERSON).status_code == 201, "36 are taken")
    schema, integrity = "SchemaValidation", "IntegrityValidation"
    for name, value, reason in [
        ("FullName.FirstName", None, schema), ("FullName.FirstName", "", schema),
        ("FullName.LastName", "x" * 51, schema), ("FullName.MiddleName", "x" * 51, schema),
        ("DateOfBirth", "19900521", schema), ("DateOfBirth", "1990-02-30", schema), ("DateOfBirth", 1, schema),
        ("Identities", None, schema), ("Type", "Person", schema), ("PrimaryResidence.Street", "x", schema),
        ("PrimaryResidence.Country", "USA", schema), ("PrimaryResidence.State", "California", integrity),
        ("PrimaryResidence.State", "ca", integrity), ("PrimaryResidence.PostCode", "x" * 21, schema),
        ("PrimaryResidence", [], schema), ("FullName", None, schema),
    ]:
        check(fields(ask(address, "PUT", path, changed(name, value))) == {(name, reason)}, f"{name} = {value}")
    for name, value in [("IDType", "NationalIdCard"), ("IDNumber", "x" * 37), ("IssuingCountry", "us"),
                        ("ExpiryDate", "2031-13-01")]:
        found = fields(ask(address, "PUT", path, changed(f"Identities.0.{name}", value)))
        check(found == {(f"Identities[0].{name}", schema)}, f"Identities[0].{name} = {value}")
    check(ask(address, "PUT", path, changed("FullName.FirstName", "é" * 50)).status_code == 204, "50 letters fit")
    for body in [b"", b"{", b"[]", b"\xff"]:
        check(fields(ask(address, "PUT", path, body)) == set(), "a body that is no object is refused")
    for key, detail in [(None, "missing"), ("secret", "invalid"), ("apikey_prod_x", "another environment")]:
        problem(ask(address, "GET", path, key=key), 401, "Unauthorized", detail)
    for method in ["POST", "DELETE", "PATCH"]:
        answer = ask(address, method, path)
        problem(answer, 405, "InvalidMessage")
        check(answer.headers["Allow"] == "GET, PUT", "405 says what is served")
    problem(ask(address, "GET", "/v1/transactions"), 404, "ResourceNotFound")
    noah_list(address)
    noah_upload(address)


def noah_list(address):
    for number in range(25):
        ask(address, "PUT", f"/v1/customers/L-{number:02}", PERSON)
    for direction in ["ASC", "DESC"]:
        seen, token, pages = [], None, 0
        while pages == 0 or token:
            query = {"PageSize": "10", "SortDirection": direction} | ({"PageToken": token} if token else {})
            page = ask(address, "GET", "/v1/customers", params=query).json()
            seen += [item["CustomerID"] for item in page["Items"]]
            token, pages = page.get("PageToken"), pages + 1
        listed = [name for name in seen if name.startswith("L-")]
        wanted = [f"L-{number:02}" for number in range(25)]
        check(listed == (wanted if direction == "ASC" else wanted[::-1]), f"the pages hold all, {direction}")
        check(pages == 3 and len(set(seen)) == len(seen), "in three pages, nobody twice")
    check(len(ask(address, "GET", "/v1/customers").json()["Items"]) == 20, "a page has 20 unless told otherwise")
    for query in ["PageSize=0", "PageSize=101", "PageSize=x", "SortDirection=up", "PageToken=x"]:
        found = fields(ask(address, "GET", "/v1/customers?" + query))
        check(found == {(query.split("=")[0], "SchemaValidation")}, query)


def noah_upload(address):
    place = "/v1/onboarding/N-1/prefill/documents/upload-url"
    for side, data, kind in [("Front", JPEG, "jpeg"), ("Back", PNG, "png")]:
        answer = ask(address, "GET", f"{place}?Type=DrivingLicense&CountryCode=US&Side={side}").json()
        check(set(answer) == {"PresignedURL", "ExpiresAt"}, "the answer is as documented")
        sent = requests.put(answer["PresignedURL"], data=data, headers={"Content-Type": f"image/{kind}"}, timeout=10)
        check(sent.status_code == 200, "the bytes are taken")
        stored = [item for item in requests.get(address + "/sandbox/customers", timeout=10).json()
                  if item["id"] == "N-1"][0]["images"][side.lower()]
        check(stored["sha256"] == hashlib.sha256(data).hexdigest(), "they arrive as they are")
        check((stored["bytes"], stored["format"]) == (len(data), kind), "and are recognised")
    for query, wrong in [("CountryCode=US", "Type"), ("Type=Passport", "CountryCode"),
                         ("Type=Passport&CountryCode=US&Side=Top", "Side")]:
        check(fields(ask(address, "GET", f"{place}?{query}")) == {(wrong, "SchemaValidation")}, query)
    stranger = place.replace("N-1", "nobody") + "?Type=Passport&CountryCode=US"
    problem(ask(address, "GET", stranger), 404, "ResourceNotFound")
    problem(requests.put(address + "/noah-uploads/" + "0" * 48, data=JPEG, timeout=10), 403, "Forbidden")
    problem(requests.put(answer["PresignedURL"], data=b"", timeout=10), 400, "InvalidMessage")
    problem(requests.get(answer["PresignedURL"], timeout=10), 405, "InvalidMessage")


def signatures(address, signer, other):
    """A signature is good for exactly one method, path, query and body, for at most 15 minutes."""
    path, body = "/v1/customers/S-1", json.dumps(PERSON).encode()

    def put(token, sent=body, at=path, method="PUT"):
        return ask(address, method, at, sent, token)

    check(put(signer.token("PUT", path, body)).status_code == 201, f"{signer.name} is accepted")
    check(put(signer.token("put", path, body, bodyHash=hashlib.sha256(body).hexdigest().upper())).status_code == 204,
          "letter case of method and hash does not matter")
    check(put(signer.token("PUT", path, body, aud=["https://api.noah.com"])).status_code == 204, "aud may be a list")
    get = signer.token("GET", path)
    check(ask(address, "GET", path, token=get).status_code == 200, "no bodyHash without a body")
    problem(ask(address, "GET", path), 401, "Unauthorized", "Api-Signature missing")

    token = signer.token("PUT", path, body)
    flipped = [body[:at] + bytes([body[at] ^ 1]) + body[at + 1:] for at in (0, len(body) // 2, len(body) - 1)]
    for sent in flipped + [body + b" ", body[:-1], b""]:
        problem(put(token, sent), 401, "Unauthorized", "bodyHash")
    problem(put(token, at="/v1/customers/S-2"), 401, "Unauthorized", "path")
    problem(put(token, at="/v1/customers/s-1"), 401, "Unauthorized", "path")
    problem(ask(address, "GET", path, token=token), 401, "Unauthorized", "method")
    problem(put(get), 401, "Unauthorized", "method")
    problem(put(signer.token("PUT", path, body, bodyHash=None)), 401, "Unauthorized", "bodyHash")
    problem(put(signer.token("PUT", "/customers/S-1", body)), 401, "Unauthorized", "path")
    query = {"PageSize": "5"}
    for sent, signed, good in [("?PageSize=5", query, True), ("?PageSize=5", {"PageSize": 5}, True),
                               ("?PageSize=6", query, False), ("?PageSize=5", None, False), ("", query, False)]:
        answer = ask(address, "GET", "/v1/customers" + sent, token=signer.token("GET", "/v1/customers", query=signed))
        check(answer.status_code == (200 if good else 401), f"{sent} signed as {signed}")

    now = int(time.time())
    for claims, detail in [
        ({"aud": "https://api.sandbox.noah.com"}, "aud"), ({"aud": None}, "aud"),
        ({"exp": now - 60, "iat": now - 300}, "expired"),
        ({"iat": now, "exp": now + 901}, "15 minutes"), ({"iat": now + 120, "exp": now + 300}, "before issued"),
        ({"iat": None}, "iat or exp"), ({"exp": "soon"}, "iat or exp"), ({"iat": now, "exp": now}, "15 minutes"),
    ]:
        problem(put(signer.token("PUT", path, body, **claims)), 401, "Unauthorized", detail)
    head, claims, signature = token.split(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    forged = [bytes([raw[0] ^ 1]) + raw[1:], raw[:-1] + bytes([raw[-1] ^ 1]), raw[:-1], b"", bytes(len(raw)),
              signer.key.sign(f"{head}.{claims}".encode(), ec.ECDSA(signer.hasher))]
    for bad in forged:
        problem(put(f"{head}.{claims}.{url64(bad)}"), 401, "Unauthorized")
    problem(put(other.token("PUT", path, body)), 401, "Unauthorized")
    for alg in ["none", "HS256", "RS256", other.name]:
        problem(put(signer.token("PUT", path, body, header={"alg": alg})), 401, "Unauthorized", "algorithm")
    for bad in ["x", "a.b.c", head + "." + claims, token + ".x", token + "="]:
        problem(put(bad), 401, "Unauthorized")
    stranger = Signer(type(signer.key.curve)(), signer.name, signer.hasher)
    problem(put(stranger.token("PUT", path, body)), 401, "Unauthorized", "signature invalid")


def control(address):
    check(requests.get(address + "/sandbox/customers", timeout=10).json(), "customers are listed")
    log = requests.get(address + "/sandbox/requests", timeout=10)
    check(all("status" in json.loads(line) for line in log.text.splitlines()), "the log is JSON Lines")
    web = requests.post(address + "/sandbox/reset", headers={"Origin": "https://example.com"}, timeout=10)
    check(web.status_code == 403, "no web page may reset")
    for method, path in [("GET", "/sandbox/reset"), ("DELETE", "/sandbox/customers"), ("POST", "/sandbox/requests")]:
        check(requests.request(method, address + path, timeout=10).status_code == 405, f"{method} {path}")
    foreign = requests.get(address + "/sandbox/customers", headers={"Host": "example.com"}, timeout=10)
    check(foreign.status_code == 421, "another Host is refused")
    check(requests.post(address + "/sandbox/reset", timeout=10).status_code == 204, "a script may reset")
    check(requests.get(address + "/sandbox/customers", timeout=10).json() == [], "then nothing is stored")


def main(program):
    with sandbox(program) as address:
        dcams(address)
        noah(address)
        control(address)
    es384 = Signer(ec.SECP384R1(), "ES384", hashes.SHA384())
    es256 = Signer(ec.SECP256R1(), "ES256", hashes.SHA256())
    for signer, other in [(es384, es256), (es256, es384)]:
        with sandbox(program, credentials={"apiKey": KEY, "privateKey": signer.pem}) as address:
            signatures(address, signer, other)
            problem(ask(address, "GET", "/v1/customers/S-1", key="apikey_sandbox_other"), 401, "Unauthorized", "invalid")
    print(f"{tally.held} checks hold")


if __name__ == "__main__":
    main(sys.argv[1])
