#!/usr/bin/env python3
"""What one machine that only reaches the port writes into the log: log_flood.py HOST:PORT LOG [SECONDS [PROCESSES]].

LOG is the file to which the service's standard error is redirected. Prints connections, lines and bytes.
"""

import multiprocessing
import os
import socket
import sys
import time

REQUESTS = {"no TLS": b"GET / HTTP/1.1\r\n\r\n", "broken TLS": b"\x16\x03\x01\x00\x05hello", "nothing": b""}


def knock(address, request, end, counts):
    count = 0
    while time.time() < end:
        try:
            with socket.create_connection(address) as stream:
                stream.sendall(request)
                if request:
                    stream.recv(100)
            count += 1
        except OSError:
            pass
    counts.put(count)


def size(log):
    with open(log, "rb") as file:
        lines = sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
    return lines, os.path.getsize(log)


def main():
    host, port = sys.argv[1].rsplit(":", 1)
    log = sys.argv[2]
    seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 5.0
    processes = int(sys.argv[4]) if len(sys.argv) > 4 else 4
    for name, request in REQUESTS.items():
        lines, length = size(log)
        counts, end = multiprocessing.Queue(), time.time() + seconds
        arguments = ((host, int(port)), request, end, counts)
        floods = [multiprocessing.Process(target=knock, args=arguments) for _ in range(processes)]
        for flood in floods:
            flood.start()
        total = sum(counts.get() for _ in floods)
        for flood in floods:
            flood.join()
        # The log thread writes within 20 ms.
        time.sleep(0.5)
        more, longer = (after - before for after, before in zip(size(log), (lines, length)))
        print(f"{name}: {total / seconds:.0f} connections/s; {more} log lines, {more / seconds:.0f} lines/s, "
              f"{longer / 2**20:.2f} MiB, {longer / seconds * 86400 / 2**30:.1f} GiB a day")


main()
