"""Tokens as Noah's page describes them, made with cryptography."""

import base64
import hashlib
import json
import time

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature


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
