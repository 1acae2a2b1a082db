#!/usr/bin/env python3
"""What a flood leaves on the disks, and what a registered consumer notices of it.

Usage: python3 benches/soak/floods.py --program target/release/ehealth-attributes --load target/release/load [--seconds 12] [--runs 3]

Each flood runs against a service of its own, on 127.0.0.1: the service has one core, the flood and a registered consumer of
200 questions a second the other, the consumer before the flood. Printed for each: what the flood did a second, its records
and lines of the log a second, what both take of the disks in a day, and the p99 of the consumer beside it and alone, each
the median of --runs: as the consumer measures it, which shares its core with the flood, and on the wire (`wire.py`). Needs two
cores, and root for the priorities and for tcpdump. It ends by itself.
"""
import argparse
import json
import multiprocessing
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from consumer import PATH, TEST, Connection, consult, echo, head
from service import Service
from verdict import records
from wire import Wire

PROCESSES = 4  # of each flood
STOP = multiprocessing.Event()  # ends the flood
UNLIMITED = "quota_per_minute = 900000\nquota_per_day = 1000000000\nempty_answers_percent = 100\nempty_answers_per_hour = 100000000\ndates_per_person_and_month = 366\n"
DAY, GIB = 86_400, 2**30


def knock(service, data):
    """A connection that sends bytes which are no handshake."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=5) as plain:
        plain.sendall(data)
        if data:
            plain.recv(100)
    return 1


def handshake(service, who):
    """A whole handshake; without a certificate it is refused."""
    with Connection(service, who, timeout=5) as connection:
        connection.more()
    return 1


def ask(service, who, path, body, number):
    """Messages on one connection, as fast as they are answered, until the flood ends."""
    count = 0
    with Connection(service, who, timeout=5) as connection:
        while count < number and not STOP.is_set():
            connection.send(head(path, len(body)) + body)
            _, answer, _ = connection.read()
            count += 1
            if b"connection: close" in answer.lower():
                break
    return count


STRANGER = consult("0999090102")
FLOODS = {
    "no flood": None,
    "no certificate, plain HTTP": lambda service: knock(service, b"GET / HTTP/1.1\r\n\r\n"),
    "no certificate, broken TLS": lambda service: knock(service, b"\x16\x03\x01\x00\x05hello"),
    "no certificate, nothing sent": lambda service: knock(service, b""),
    "no certificate, whole handshakes": lambda service: handshake(service, None),
    "stranger, test messages": lambda service: ask(service, "stranger", TEST, echo("x"), 1000),
    "stranger, questions": lambda service: ask(service, "stranger", PATH, STRANGER, 1000),
    "stranger, malformed messages": lambda service: ask(service, "stranger", PATH, b"<", 1000),
    "stranger, a connection for each question": lambda service: ask(service, "stranger", PATH, STRANGER, 1),
    "stranger, not SOAP (404)": lambda service: ask(service, "stranger", "/nothing", b"<", 1000),
    "other registered consumer, questions": lambda service: ask(service, "other-fund", PATH, consult("0999010225"), 1000),
}


def flood(service, attack, counts):
    os.nice(10)
    count = 0
    while not STOP.is_set():
        try:
            count += attack(service)
        except (OSError, EOFError, ValueError):
            count += 1
    counts.put(count)


class Flooded:
    """A service under one flood, until the end of the block."""

    def __init__(self, service, attack):
        self.service, self.attack = service, attack

    def __enter__(self):
        self.counts, self.begun = multiprocessing.Queue(), time.monotonic()
        STOP.clear()
        arguments = (self.service, self.attack, self.counts)
        self.processes = [multiprocessing.Process(target=flood, args=arguments) for _ in range(PROCESSES if self.attack else 0)]
        for process in self.processes:
            process.start()
        time.sleep(1)
        return self

    def __exit__(self, *_):
        STOP.set()
        done = sum(self.counts.get(timeout=30) for _ in self.processes)
        for process in self.processes:
            process.join(timeout=30)
        self.rate = done / (time.monotonic() - self.begun)


def used(service):
    """Records and their bytes, lines of the log and their bytes."""
    number, length = records(service.folder)
    log = service.folder / "log"
    return number, length, log.read_bytes().count(b"\n"), log.stat().st_size


def measure(options, service, figures, wire):
    """The figures of a registered consumer of 200 questions a second."""
    clients = service.folder / "clients"
    consumer = (f"name=fund,cert={clients}/fund.pem,key={clients}/fund.key,request={service.folder}/question.xml,"
                "connections=8,rate=200")
    command = [options.load, "--to", f"127.0.0.1:{service.port}", "--ca", service.folder / "ca.pem", "--seconds",
               str(options.seconds), "--warmup", "2", "--quiet", "--json", figures, "--consumer", consumer]
    priority = ["taskset", "-c", "1", "nice", "-n", "-20"]
    with subprocess.Popen([*priority, *command], stdout=subprocess.DEVNULL) as process:
        time.sleep(1.5)  # connected, and not yet measured
        wire.of(process.pid)
    return json.loads(figures.read_text())["consumers"][0]


def run(options, name, attack, number):
    """One run: what the consumer got, what the flood did and left."""
    folder = options.folder / f"{number}"
    service = Service(options.program.resolve(), folder, options.port, clock_steps=False)
    service.prepare()
    policy = folder / "policy.toml"
    own = 'organisation = "0999010126"\n'
    policy.write_text(policy.read_text().replace(own, own + UNLIMITED))
    service.serve(before=["taskset", "-c", options.cores])
    try:
        with Flooded(service, attack) as flooded:
            before, begun = used(service), time.monotonic()
            with Wire(service.port, folder / "packets") as wire:
                consumer = measure(options, service, options.folder / "figures.json", wire)
            took = time.monotonic() - begun
        time.sleep(1)  # the log is written within 20 ms
        more = [(after - first) / took for after, first in zip(used(service), before)]
    finally:
        service.end()
    return {"flood": name, "attacks": flooded.rate if attack else 0, "records": more[0], "lines": more[2],
            "record_bytes": more[1], "log_bytes": more[3], "p99_us": consumer["answered"]["p99_us"], "wire_p99_us": wire.p99_us() or 0,
            "answered": consumer["answered"]["count"], "refused": consumer["refused"]["count"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=Path, required=True)
    parser.add_argument("--load", type=Path, required=True, help="the load generator (cargo build --release -p load)")
    parser.add_argument("--seconds", type=int, default=12)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="folder of the services; kept (default: a temporary one)")
    parser.add_argument("--port", type=int, default=18543)
    parser.add_argument("--cores", default="0", help="processors of the service, as for taskset (default: 0)")
    parser.add_argument("--only", default="", help="only floods whose name contains this")
    parser.add_argument("--json", type=Path, help="file for all figures")
    options = parser.parse_args()
    options.folder = options.folder or Path(tempfile.mkdtemp(prefix="floods-"))
    options.folder.mkdir(parents=True, exist_ok=True)
    os.sched_setaffinity(0, {1})
    found = []
    print("| flood | a second | records/s | log lines/s | audit log a day | log a day | p99 | against alone | on the wire | against alone | answered |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    alone = None
    for name, attack in FLOODS.items():
        if attack and options.only not in name:
            continue
        runs = [run(options, name, attack, len(found) + number) for number in range(options.runs)]
        found += runs
        middle = {key: statistics.median(one[key] for one in runs) for key in runs[0] if key != "flood"}
        alone = alone or middle
        own = 0 if attack is None else alone["records"]
        own_lines = 0 if attack is None else alone["lines"]
        day = lambda key: (middle[key] - (alone[key] if attack else 0)) * DAY / GIB
        print(f"| {name} | {middle['attacks']:.0f} | {middle['records'] - own:.1f} | {middle['lines'] - own_lines:.1f} "
              f"| {day('record_bytes'):.2f} GiB | {day('log_bytes'):.2f} GiB | {middle['p99_us'] / 1000:.2f} ms "
              f"| {middle['p99_us'] / alone['p99_us']:.1f} | {middle['wire_p99_us'] / 1000:.2f} ms "
              f"| {middle['wire_p99_us'] / max(alone['wire_p99_us'], 1):.1f} | {middle['answered']:.0f} of {200 * options.seconds} |", flush=True)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
