#!/usr/bin/env python3
"""A batch of 100 000 lines with 1 % garbage through `lookup --in`, killed twice and continued.

    benches/lookup_resume.py [--program FILE] [--service FILE] [--lines N] [--unordered] [--json] [--parallel N]

Starts a simulation, kills the batch with SIGKILL after about a third and two thirds of its rows, runs it to
its end, and checks that every line is accounted for once: a row for each person and for each line without
an SSIN, in the order of the input, and the right count of duplicates. Prints the figures of each run; exits
with 1 if a line is missing or has two rows.
"""

import argparse
import collections
import csv
import json
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

GARBAGE = ["garbage", "=1+1", "85073099933", "12.34", "no number here", "8507309993"]
SAFE = {"=1+1": "'=1+1"}


def ssin(index):
    """A test SSIN (sequence number 999): every birthday of 1900 to 1999 up to the 28th, then bis and ter."""
    index, day = divmod(index, 28)
    index, month = divmod(index, 12)
    kind, year = divmod(index, 100)
    base = f"{year:02}{month + 1 + 20 * kind:02}{day + 1:02}999"
    return f"{base}{97 - int(base) % 97:02}"


def make(lines):
    """The input; the first column of each row that it must get; its duplicates."""
    text, rows, duplicates = ["ssin;remark"], [], 0
    for index in range(lines):
        number = ssin(index)
        if index % 100 == 7:
            garbage = GARBAGE[index // 100 % len(GARBAGE)]
            text.append(f"{garbage};x")
            rows.append(SAFE.get(garbage, garbage))
        elif index % 200 == 150:
            text.append(ssin(index - 1))
            duplicates += 1
        else:
            dotted = f"{number[:2]}.{number[2:4]}.{number[4:6]}-{number[6:9]}.{number[9:]}"
            text.append([f"{number};remark", dotted, number][index % 3])
            rows.append(number)
    return "\r\n".join(text) + "\r\n", rows, duplicates


def read(path, is_json):
    if is_json:
        return [(row["ssin"], row["code"]) for row in map(json.loads, path.read_text("utf-8").splitlines())]
    with path.open(newline="", encoding="utf-8") as file:
        return [(row["ssin"], row["code"]) for row in csv.DictReader(file)]


def count(path):
    return path.read_bytes().count(b"\n") if path.exists() else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="target/release/ehealth-attributes")
    parser.add_argument("--service", help="program of the simulation [default: --program]")
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--parallel", default="8")
    parser.add_argument("--unordered", action="store_true")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    text, rows, duplicates = make(arguments.lines)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        ready = folder / "ready.json"
        simulation = subprocess.Popen(
            [arguments.service or arguments.program, "simulate", "--port", "0", "--ready-file", ready, "--log", "error"],
            stdout=subprocess.DEVNULL,
        )
        try:
            while not ready.exists():
                time.sleep(0.05)
            run(arguments, folder, json.loads(ready.read_text()), (text, rows, duplicates))
        finally:
            simulation.terminate()
            simulation.wait()


def run(arguments, folder, ready, made):
    text, rows, duplicates = made
    (folder / "people.csv").write_text(text)
    out, fund = folder / "out", ready["clients"]["fund"]
    command = [arguments.program, "lookup", "--url", ready["url"], "--ca", ready["ca"], "--cert", fund["certificate"]]
    command += ["--key", fund["key"], "--organisation", fund["organisation"], "--legal-context", fund["legalContext"]]
    command += ["--in", folder / "people.csv", "--out", out, "--parallel", arguments.parallel]
    command += ["--unordered"] * arguments.unordered + ["--json"] * arguments.json
    for number, share in enumerate((1 / 3, 2 / 3), 1):
        began, before = time.monotonic(), count(out)
        batch = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        while count(out) < share * len(rows):
            if batch.poll() is not None:
                sys.exit(f"run {number} ended with {batch.returncode} before it was killed")
            time.sleep(0.02)
        batch.send_signal(signal.SIGKILL)
        batch.wait()
        seconds = time.monotonic() - began
        print(f"run {number}: killed after {count(out) - before} rows, {seconds:.1f} s")
    began, before = time.monotonic(), count(out)
    last = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    seconds = time.monotonic() - began
    written = count(out) - before
    print(f"run 3: ended with {last.returncode}, {written} rows, {seconds:.1f} s, {written / seconds:.0f} a second")
    summary = last.stderr.splitlines()[-2:]
    print("\n".join(summary))
    seen = read(out, arguments.json)
    garbage = sum(code == "MSG00011" for _, code in seen)
    order = [name for name, _ in seen]
    is_whole = collections.Counter(order) == collections.Counter(rows)
    is_ordered = order == rows
    counted = re.findall(r"\d+", summary[1])
    print(f"{arguments.lines} lines: {len(seen) - garbage} persons, {garbage} garbage, {duplicates} duplicates")
    print(f"each row once: {is_whole}; in the order of the input: {is_ordered}")
    is_right = last.returncode == 0 and is_whole and (is_ordered or arguments.unordered)
    if not is_right or counted[:2] != [str(garbage), str(duplicates)]:
        sys.exit("a line is missing, has two rows or is in another place")


main()
