#!/usr/bin/env python3
"""Holds connections to the admin listener that ask and do not read: admin_stall.py PORT [SECONDS [CONNECTIONS]].

Asks for /health/live every two seconds meanwhile, and prints how long each answer took.
"""

import socket
import sys
import time

REQUEST = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
PROBE = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def probe(port):
    began = time.time()
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=6) as stream:
            stream.sendall(PROBE)
            said = stream.recv(200).split(b"\r\n")[0].decode()
    except OSError as error:
        said = repr(error)
    return f"{said}, {(time.time() - began) * 1000:.0f} ms"


def hold(port):
    stream = socket.socket()
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stream.connect(("127.0.0.1", port))
    stream.setblocking(False)
    end = time.time() + 0.3
    while time.time() < end:
        try:
            stream.send(REQUEST * 200)
        except BlockingIOError:
            time.sleep(0.02)
        except OSError:
            break
    return stream


def main():
    port = int(sys.argv[1])
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 20.0
    connections = int(sys.argv[3]) if len(sys.argv) > 3 else 32
    print("before:", probe(port))
    held = [hold(port) for _ in range(connections)]
    began = time.time()
    while time.time() - began < seconds:
        print(f"{time.time() - began:.0f} s:", probe(port), flush=True)
        time.sleep(2)
    for stream in held:
        stream.close()
    print("after:", probe(port))


main()
