"""A server on loopback that takes every customer and says so in the words of DCAMS, fast enough not to be what is measured.

`latency`, in seconds, holds back whatever it says, leave to send a body (100 Continue) too: like a link of that round trip.
"""
import asyncio
import multiprocessing
import sys

# Always the same, since a ledger belongs to one target, and that includes its port.
PORT = 21987
URL = f"http://127.0.0.1:{PORT}/customers"
ANSWER = b'{"result":"Success","status":"PENDING","type":"createCustomer"}'
REPLY = (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(ANSWER)) + ANSWER
# One buffer for all connections, since a read is looked at before the next one: nothing is kept of a body but its length.
ROOM = bytearray(1 << 18)


class Connection(asyncio.BufferedProtocol):
    def __init__(self, sink):
        self.sink, self.head, self.left = sink, b"", 0

    def connection_made(self, transport):
        self.transport = transport

    def get_buffer(self, _):
        return ROOM

    def buffer_updated(self, count):
        if self.left == 0:
            head, end, body = (self.head + ROOM[:count]).partition(b"\r\n\r\n")
            if not end:
                self.head = head
                return
            self.head = b""
            fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:])
            self.left, count = int(fields[b"content-length"]), len(body)
            if b"expect" in fields:
                self.say(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.left -= count
        if self.left == 0:
            self.sink.requests.value += 1
            self.say(REPLY)

    def say(self, words):
        if self.sink.latency.value == 0:
            self.transport.write(words)
        else:
            asyncio.get_running_loop().call_later(self.sink.latency.value, self.transport.write, words)


class Sink:
    """A process of its own, whose counter is shared: it takes 18,000 requests of 90 KB a second."""

    def __init__(self):
        system = multiprocessing.get_context("fork")
        self.requests = system.Value("q", 0, lock=False)
        self.latency = system.Value("d", 0, lock=False)
        ready = system.Event()
        self.process = system.Process(target=lambda: asyncio.run(self.serve(ready)), daemon=True)
        self.process.start()
        if not ready.wait(10):
            sys.exit(f"the server did not start; is port {PORT} taken?")

    async def serve(self, ready):
        server = await asyncio.get_running_loop().create_server(lambda: Connection(self), "127.0.0.1", PORT)
        ready.set()
        await server.serve_forever()
