"""What stands between a client and a server in the tests of proxies and of TLS; prints its port, then what it saw.

relay.py tls CERT KEY PORT [CLIENT_CA]   ends TLS and hands the bytes to PORT on this machine
relay.py connect [USER:PASS]             an HTTP proxy: every tunnel leads to this machine, whatever host it is for
relay.py socks5 [USER:PASS]              the same as a SOCKS 5 proxy
"""

import base64
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


def tls(client, context, port):
    # The sandbox answers to names of this machine only; a header comes in one piece.
    def change(data):
        return data.replace(b"Host: target.example", b"Host: localhost")

    join(context.wrap_socket(client, server_side=True), port, change)


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


def serve(handle):
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    say("port", listener.getsockname()[1])

    def guarded(client):
        try:
            handle(client)
        except (OSError, ValueError) as error:
            say("ended", type(error).__name__)
        client.close()

    while True:
        client, _ = listener.accept()
        threading.Thread(target=guarded, args=(client,), daemon=True).start()


kind, *rest = sys.argv[1:]
if kind == "tls":
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(rest[0], rest[1])
    if len(rest) > 3:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(rest[3])
    serve(lambda client: tls(client, context, int(rest[2])))
else:
    wanted = rest[0] if rest else None
    serve(lambda client: (connect if kind == "connect" else socks5)(client, wanted))
