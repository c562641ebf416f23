"""What stands between a client and a server in the tests of proxies and of TLS; prints its port, then what it saw.

relay.py tls CERT KEY PORT [CLIENT_CA]   ends TLS and hands the bytes to PORT on this machine
relay.py door CERT KEY PORT COUNT ABSENCE [CERT KEY]
                                         the same for so many requests; then every connection is cut, and until a
                                         SIGUSR1 the target is away: ABSENCE is refused, silent, busy (503 for everybody)
                                         or swapped (to the other certificate)
relay.py count PORT                      hands the bytes to PORT, and says how many came and how the client ended
relay.py connect [USER:PASS]             an HTTP proxy: every tunnel leads to this machine, whatever host it is for
relay.py socks5 [USER:PASS]              the same as a SOCKS 5 proxy
"""

import base64
import signal
import socket
import ssl
import sys
import threading


def pump(source, target, change=lambda data: data):
    try:
        while data := source.recv(65536):
            target.sendall(change(data))
    except OSError:
        pass
    for end in (target, source):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def join(client, port, change=lambda data: data):
    server = socket.create_connection(("127.0.0.1", port))
    threading.Thread(target=pump, args=(server, client), daemon=True).start()
    pump(client, server, change)


def say(*words):
    print(*words, flush=True)


def tls(client, context, port, change=lambda data: data):
    # The sandbox answers to names of this machine only; a header comes in one piece.
    def local(data):
        return change(data).replace(b"Host: target.example", b"Host: localhost")

    join(context.wrap_socket(client, server_side=True), port, local)


class Door:
    def __init__(self, cert, key, port, count, absence, *others):
        self.port, self.left, self.absence = int(port), int(count), absence
        self.context = secured(cert, key)
        self.other = secured(*others) if others else None
        self.lock, self.clients = threading.Lock(), set()
        self.back = threading.Event()
        signal.signal(signal.SIGUSR1, lambda *_: self.back.set())
        # A thread of the tests' pool blocks every signal, and a child inherits that.
        signal.pthread_sigmask(signal.SIG_SETMASK, [])

    def is_away(self):
        return self.left < 0 and not self.back.is_set()

    def take(self, data):
        with self.lock:
            self.left -= data.count(b"POST /")
            if not self.is_away():
                return data
            for client in self.clients:
                try:
                    client.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        raise ConnectionAbortedError

    def handle(self, client):
        if not self.is_away():
            with self.lock:
                self.clients.add(client)
            tls(client, self.context, self.port, self.take)
        elif self.absence == "swapped":
            tls(client, self.other, self.port, self.take)
        elif self.absence == "silent":
            silent(self.context.wrap_socket(client, server_side=True))
        elif self.absence == "busy":
            busy(self.context.wrap_socket(client, server_side=True))

    def serve(self):
        place = 0
        while True:
            place = serve(self.handle, place, lambda: self.is_away() and self.absence == "refused")
            self.back.wait()


def silent(client):
    while client.recv(65536):
        pass


def busy(client):
    while request := head(client):
        fields = dict(line.lower().split(": ", 1) for line in request.split("\r\n")[1:-2])
        # Who asks for leave sends no body after this answer.
        if "expect" not in fields:
            exactly(client, int(fields.get("content-length", 0)))
        client.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")


def count(client, port):
    server = socket.create_connection(("127.0.0.1", port))
    threading.Thread(target=pump, args=(server, client), daemon=True).start()
    total, end = 0, "in order"
    try:
        while data := client.recv(65536):
            total += len(data)
            say("saw got", total)
            server.sendall(data)
    except ConnectionResetError:
        end = "by reset"
    server.shutdown(socket.SHUT_RDWR)
    say("saw end", total, end)


def head(client):
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        piece = client.recv(1)
        if not piece:
            return None
        data += piece
    return data.decode()


def connect(client, wanted):
    while request := head(client):
        lines = request.split("\r\n")
        for line in lines[:-2]:
            say("saw", line)
        token = base64.b64encode(wanted.encode()).decode() if wanted else None
        if token and f"Proxy-Authorization: Basic {token}" not in lines:
            client.sendall(
                b"HTTP/1.1 407 Who are you\r\nProxy-Authenticate: Basic realm=\"a\"\r\nContent-Length: 0\r\n\r\n"
            )
            continue
        method, place, _ = lines[0].split(" ")
        host, port = place.rsplit(":", 1)
        if method != "CONNECT" or host.startswith("forbidden."):
            client.sendall(b"HTTP/1.1 403 Not there\r\nContent-Length: 0\r\n\r\n")
            continue
        client.sendall(b"HTTP/1.1 200 Connection established\r\nVia: 1.1 relay\r\n\r\n")
        return join(client, int(port))


def exactly(client, count):
    data = client.recv(count, socket.MSG_WAITALL)
    if len(data) < count:
        raise OSError("the client is gone")
    return data


def socks5(client, wanted):
    methods = exactly(client, exactly(client, 2)[1])
    method = 2 if wanted else 0
    client.sendall(bytes([5, method if method in methods else 0xFF]))
    if wanted:
        user = exactly(client, exactly(client, 2)[1])
        password = exactly(client, exactly(client, 1)[0])
        is_right = user + b":" + password == wanted.encode()
        client.sendall(bytes([1, 0 if is_right else 1]))
        if not is_right:
            return
    kind = exactly(client, 4)[3]
    host = exactly(client, 4 if kind == 1 else exactly(client, 1)[0])
    port = int.from_bytes(exactly(client, 2), "big")
    say("saw SOCKS", host.decode() if kind == 3 else socket.inet_ntoa(host), port)
    client.sendall(bytes([5, 0, 0, 1, 127, 0, 0, 1, 0, 0]))
    join(client, port)


def serve(handle, port=0, is_over=lambda: False):
    listener = socket.create_server(("127.0.0.1", port), backlog=64)
    listener.settimeout(0.05)
    say("port", listener.getsockname()[1])

    def guarded(client):
        try:
            handle(client)
        except (OSError, ValueError) as error:
            say("ended", type(error).__name__)
        client.close()

    while not is_over():
        try:
            client, _ = listener.accept()
        except TimeoutError:
            continue
        client.settimeout(None)
        threading.Thread(target=guarded, args=(client,), daemon=True).start()
    port = listener.getsockname()[1]
    listener.close()
    return port


def secured(cert, key, authority=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    if authority:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(authority)
    return context


kind, *rest = sys.argv[1:]
if kind == "tls":
    context = secured(*rest[:2], *rest[3:])
    serve(lambda client: tls(client, context, int(rest[2])))
elif kind == "door":
    Door(*rest).serve()
elif kind == "count":
    serve(lambda client: count(client, int(rest[0])))
else:
    wanted = rest[0] if rest else None
    handle = connect if kind == "connect" else socks5
    serve(lambda client: handle(client, wanted))
