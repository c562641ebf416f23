#!/usr/bin/env python3
"""Scans that are small enough, sent as people write it: senders.py aiohttp|requests MANIFEST URL CONNECTIONS [verify]

Each customer goes out in the words of DCAMS, with both scans in base64; with `verify` Pillow decodes each scan first, so
that a damaged one would be noticed. Nothing is recorded, and nothing is sent again.
"""
import asyncio
import base64
import concurrent.futures
import csv
import io
import json
import pathlib
import sys
import threading

FIELDS = ("email", "fn", "ln", "dob")


def body(folder, row, verify):
    documents = {}
    for side in ("front", "back"):
        file = (folder / row[side]).read_bytes()
        if verify:
            from PIL import Image
            Image.open(io.BytesIO(file)).load()
        documents[side] = base64.b64encode(file).decode()
    target = {name: row[name] for name in FIELDS}
    return json.dumps({
        "user": "bench", "pass": "bench", "service": "createOrUpdateCustomer", "reference": row["reference"],
        "target": {**target, "documents": documents}}).encode()


def accepted(answer):
    if answer["result"] != "Success":
        sys.exit("a customer was refused")


def with_requests(rows, folder, url, connections, verify):
    import requests
    sessions = threading.local()

    def send(row):
        if not hasattr(sessions, "session"):
            sessions.session = requests.Session()
        answer = sessions.session.post(
            url, data=body(folder, row, verify), headers={"Content-Type": "application/json"}, timeout=60)
        answer.raise_for_status()
        accepted(answer.json())

    with concurrent.futures.ThreadPoolExecutor(connections) as pool:
        for _ in pool.map(send, rows):
            pass


async def with_aiohttp(rows, folder, url, connections, verify):
    import aiohttp

    async def send(session):
        for row in rows:
            async with session.post(
                    url, data=body(folder, row, verify), headers={"Content-Type": "application/json"}) as answer:
                answer.raise_for_status()
                accepted(await answer.json())

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=connections)) as session:
        await asyncio.gather(*(send(session) for _ in range(connections)))


def main(peer, manifest, url, connections, verify=None):
    manifest = pathlib.Path(manifest)
    with open(manifest, newline="", encoding="utf-8") as file:
        job = iter(csv.DictReader(file)), manifest.parent, url, int(connections), verify is not None
        if peer == "aiohttp":
            asyncio.run(with_aiohttp(*job))
        else:
            with_requests(*job)


if __name__ == "__main__":
    main(*sys.argv[1:])
