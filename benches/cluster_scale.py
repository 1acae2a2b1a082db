#!/usr/bin/env python3
"""What 3, 10 and 50 nodes cost the database: a simulation from measured unit costs. Writes the table of docs/design/scale.md.

Each node has questions at random times, and one transaction at a time: what arrives meanwhile is the next one. The database has a
number of processors, which transactions share in the order of their arrival; a commit then takes its time, whatever else runs.

  benches/cluster_scale.py
"""
import argparse
import heapq
import random

# Unit costs, from benches/cluster.py (docs/design/scale.md "Unit costs" says when and where).
ROW_MICROS = 19.0
TRANSACTION_MICROS = 800.0
COMMIT_MILLIS = 1.3
ROW_BYTES = 610
LOG_BYTES = 812
EXCHANGE_MICROS = 800.0
SECONDS = 30


def simulate(nodes, per_second, processors):
    """Batches of each node on a shared database. Returns figures of the run."""
    draw = random.Random(1)
    waiting = [[] for _ in range(nodes)]
    busy = [False] * nodes
    events = [(draw.expovariate(per_second), "question", node) for node in range(nodes)]
    heapq.heapify(events)
    free = [0.0] * processors
    batches, waits, spent = [], [], 0.0

    def begin(node, now):
        nonlocal spent
        busy[node] = True
        rows = waiting[node]
        waiting[node] = []
        work = (TRANSACTION_MICROS + ROW_MICROS * len(rows)) / 1e6
        spent += work
        start = max(now, heapq.heappop(free))
        heapq.heappush(free, start + work)
        end = start + work + COMMIT_MILLIS / 1e3
        batches.append(len(rows))
        waits.extend(end - came for came in rows)
        heapq.heappush(events, (end, "done", node))

    while events:
        now, what, node = heapq.heappop(events)
        if what == "question":
            if now > SECONDS:
                continue
            waiting[node].append(now)
            heapq.heappush(events, (now + draw.expovariate(per_second), "question", node))
            if not busy[node]:
                begin(node, now)
        elif waiting[node]:
            begin(node, now)
        else:
            busy[node] = False
    waits.sort()
    leases = nodes * 2 * EXCHANGE_MICROS / 1e6
    return {
        "rows": len(waits) / SECONDS,
        "transactions": len(batches) / SECONDS,
        "batch": len(waits) / max(1, len(batches)),
        "use": (spent / SECONDS + leases) / processors,
        "p50": waits[len(waits) // 2] * 1e3,
        "p99": waits[len(waits) * 99 // 100] * 1e3,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processors", type=int, default=4, help="of the primary")
    options = parser.parse_args()
    print("| nodes | questions/s, all | transactions/s | records a transaction | processors of the primary | p50, p99 of a commit | "
          "connections | GiB a year | log, MiB/s |")
    print("|---|---|---|---|---|---|---|---|---|")
    for nodes in (3, 10, 50):
        for total in (20, 1_000, 5_000, 20_000):
            found = simulate(nodes, total / nodes, options.processors)
            year = total * 86_400 * 365 * ROW_BYTES / 2**30
            print(f"| {nodes} | {total} | {found['transactions']:.0f} | {found['batch']:.1f} | {found['use'] * 100:.0f} % of "
                  f"{options.processors} | {found['p50']:.1f} ms, {found['p99']:.1f} ms | {nodes * 3} | {year:,.0f} | "
                  f"{total * LOG_BYTES / 2**20:.2f} |")


if __name__ == "__main__":
    main()
