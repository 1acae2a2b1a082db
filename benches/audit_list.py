#!/usr/bin/env python3
"""Measures `audit list`, `audit stats` and `audit export` on a log of ten years.

    cargo run --release -p audit-log --example ten_years -- /srv/ten-years
    benches/audit_list.py --program target/release/ehealth-attributes /srv/ten-years

Each command runs once to load its files into the page cache, and then as often as --runs says; the fastest
run and the highest peak of memory are printed. One month has 83 000 records, the last one a million more.
"""

import argparse
import os
import pathlib
import subprocess
import time

PROJECT = pathlib.Path(__file__).resolve().parent.parent
SMALL = ["--from", "2020-05-01", "--to", "2020-05-31"]
LARGE = ["--from", "2025-12-01", "--to", "2025-12-31"]
# Name, arguments, maximum seconds, maximum MiB.
COMMANDS = [
    ("list, month of 83 000", ["list", "--csv", *SMALL], 2, 64),
    ("list, month of a million", ["list", "--csv", *LARGE], 2, 64),
    ("list as JSON, month of a million", ["list", "--json", *LARGE], 2, 64),
    ("list as a table, month of a million", ["list", *LARGE], 2, 64),
    ("list by quality, month of 83 000", ["list", "--csv", "--quality", "NURSE", *SMALL], 2, 64),
    ("list by quality, month of a million", ["list", "--csv", "--quality", "NURSE", *LARGE], 2, 64),
    ("stats, month of 83 000", ["stats", *SMALL], 2, 64),
    ("stats, month of a million", ["stats", *LARGE], 2, 64),
    ("list of refusals, ten years", ["list", "--csv", "--outcome", "refused"], 60, 64),
    ("list, ten years", ["list", "--csv"], 60, 64),
    ("list as JSON, ten years", ["list", "--json"], 60, 64),
    ("stats, ten years", ["stats", "--csv"], 60, 64),
    ("export, ten years", ["export"], None, 64),
]


def run(program, folder, arguments):
    """Runs a command; returns its seconds, its peak of memory in MiB, and its bytes."""
    command = [program, "audit", *arguments, "--config", str(PROJECT / "deploy/config.toml")]
    command += ["--set", f"audit_log.folder={folder}/audit-log", "--set", f"audit_log.keys={folder}/keys"]
    started = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        count = 0
        while chunk := os.read(process.stdout.fileno(), 1 << 20):
            count += len(chunk)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{arguments}: exit code {process.returncode}")
    return time.monotonic() - started, usage.ru_maxrss / 1024, count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="target/release/ehealth-attributes")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("folder")
    arguments = parser.parse_args()
    missed = []
    for name, command, seconds, mebibytes in COMMANDS:
        runs = [run(arguments.program, arguments.folder, command) for _ in range(1 + arguments.runs)]
        took, peak = min(took for took, _, _ in runs), max(peak for _, peak, _ in runs)
        first = runs[0][0]
        print(f"{name:36} {took:7.2f} s (first run {first:.2f} s) {peak:6.1f} MiB {runs[0][2]:>13} bytes", flush=True)
        if (seconds and took > seconds) or peak > mebibytes:
            missed.append(name)
    if missed:
        raise SystemExit(f"missed: {', '.join(missed)}")


main()
