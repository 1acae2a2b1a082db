"""Serves a demonstration under hostile load and checks that nothing grows and nothing is answered without a record.

Usage: python3 benches/soak --program target/release/ehealth-attributes [--minutes 60] [--folder DIR] [--seed N] [--port N]

At once: a good consumer that checks each answer, garbage on every layer, floods of connections and of messages, reloads of
right and wrong policies, steps of the clock (needs libfaketime), a log reader that sleeps, and a second place of the
checkpoint that hangs, is a link, is full of garbage, or is right. Everything is on 127.0.0.1 and in one folder, and ends by itself.

Exit code 0: every ticket that the good consumer got is in the audit log, the audit log verifies, memory, descriptors and
threads of the last quarter are those of the second, the operators' listener answered each time, and at most one of a
thousand questions had no answer. 1: not so; the lines that begin with "FAILED" say why.
"""
import argparse
import json
import random
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import attackers
from consumer import GoodConsumer
from service import Service
from verdict import Watch, check


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", type=Path, required=True, help="the program to test, a release build")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--folder", type=Path, help="folder of the service; kept (default: a temporary one)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the attackers")
    parser.add_argument("--port", type=int, default=18443)
    parser.add_argument("--json", type=Path, help="file for all figures")
    options = parser.parse_args()

    kept = options.folder or Path(tempfile.mkdtemp(prefix="soak-"))
    service = Service(options.program.resolve(), kept, options.port)
    service.prepare()
    service.serve()
    stop = threading.Event()
    watch, consumer = Watch(service), GoodConsumer(service, stop)
    attacks = [attack(service, random.Random(options.seed * 1000 + number), stop)
               for number, attack in enumerate(attackers.ALL)]
    threads = [threading.Thread(target=each.run, daemon=True) for each in [consumer, *attacks]]
    for thread in threads:
        thread.start()

    end = time.monotonic() + options.minutes * 60
    while (left := end - time.monotonic()) > 0 and service.is_running():
        watch.sample()
        print(f"{left / 60:6.1f} min left  {watch.line()}  {consumer.line()}", flush=True)
        time.sleep(min(10, left))
    stop.set()
    for thread in threads:
        thread.join(timeout=30)
    service.calm()
    code = service.end()
    failures = check(service, watch, consumer, code)
    figures = {"samples": watch.samples, "consumer": consumer.figures(),
               "attacks": {type(attack).__name__: attack.count for attack in attacks}, "failures": failures}
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))
    for attack in attacks:
        print(f"{type(attack).__name__:20} {attack.count} times")
    print(consumer.line())
    for failure in failures:
        print(f"FAILED {failure}")
    print(f"{len(failures)} failures; the folder is {kept}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
