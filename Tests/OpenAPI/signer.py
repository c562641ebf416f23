"""Tokens as Noah's page describes them, made and verified with cryptography."""

import base64
import hashlib
import json
import time

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature


def url64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Signer:
    """Makes the tokens that Noah's page describes."""

    def __init__(self, curve, name, hasher):
        self.key, self.name, self.hasher = ec.generate_private_key(curve), name, hasher

    @property
    def pem(self):
        return self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL,
                                      serialization.NoEncryption()).decode()

    def sign(self, text):
        size = (self.key.curve.key_size + 7) // 8
        r, s = decode_dss_signature(self.key.sign(text.encode(), ec.ECDSA(self.hasher)))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")

    def token(self, method, path, body=b"", query=None, header=None, **changes):
        now = int(time.time())
        claims = {"aud": "https://api.noah.com", "iat": now, "exp": now + 300, "method": method, "path": path}
        if query:
            claims["queryParams"] = query
        if body:
            claims["bodyHash"] = hashlib.sha256(body).hexdigest()
        claims = {k: v for k, v in (claims | changes).items() if v is not None}
        head = {"alg": self.name, "typ": "JWT"} | (header or {})
        text = url64(json.dumps(head).encode()) + "." + url64(json.dumps(claims).encode())
        return text + "." + url64(self.sign(text))


class Refused(Exception):
    """A token that does not vouch for what came with it."""


def unpack(part):
    if set(part) & set("=+/"):
        raise Refused("no base64url without padding")
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def verify(public, name, hasher, token, method, path, body, now):
    """What Noah's page asks of a token; raises Refused unless it fits this very request."""
    head, claims, signature = token.split(".")
    if json.loads(unpack(head)) != {"alg": name, "typ": "JWT"}:
        raise Refused("head")
    raw, size = unpack(signature), (public.curve.key_size + 7) // 8
    if len(raw) != 2 * size:
        raise Refused("not r and s")
    der = encode_dss_signature(int.from_bytes(raw[:size], "big"), int.from_bytes(raw[size:], "big"))
    try:
        public.verify(der, f"{head}.{claims}".encode(), ec.ECDSA(hasher))
    except InvalidSignature:
        raise Refused("signature") from None
    path, _, query = path.partition("?")
    claims = json.loads(unpack(claims))
    wanted = {"aud": "https://api.noah.com", "method": method, "path": path}
    if query:
        wanted["queryParams"] = dict(part.split("=", 1) for part in query.split("&"))
    if body:
        wanted["bodyHash"] = hashlib.sha256(body).hexdigest()
    issued, expires = claims.pop("iat"), claims.pop("exp")
    if claims != wanted:
        raise Refused("claims")
    if not (abs(issued - now) < 60 and 0 < expires - issued <= 900):
        raise Refused("times")
