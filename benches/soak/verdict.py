"""What is measured while the soak runs, and what must hold at its end."""
import json
import statistics
import subprocess
import time
import uuid

# A quarter of the run may hold this much more memory than another: the allocator's pages come and go.
MEMORY_KIB = 16 * 1024
DESCRIPTORS, THREADS = 40, 4
# Questions of a thousand that may end without an answer, because their connection gave way to a newer one.
UNANSWERED_PER_MILLE = 1


class Watch:
    def __init__(self, service):
        self.service, self.samples, self.begun = service, [], time.monotonic()

    def sample(self):
        memory, threads, descriptors = self.service.process_figures()
        self.samples.append({"second": round(time.monotonic() - self.begun), "kib": memory, "threads": threads,
                             "descriptors": descriptors, "ready": self.service.health(), "log_lines": self.service.log_lines})

    def line(self):
        last = self.samples[-1]
        return " ".join(f"{name} {value}" for name, value in last.items())


def frames(folder):
    """Length and record of each frame (docs/reference/audit-log-format.md), read without the product's code."""
    for segment in sorted((folder / "audit-log").glob("*.seg")):
        data, at = segment.read_bytes(), 0
        while data[at : at + 4] == b"KTR1":
            length = int.from_bytes(data[at + 4 : at + 8], "big")
            yield 40 + length, data[at + 8 : at + 8 + length]
            at += 40 + length


def recorded_tickets(folder):
    """Tickets of the exchange records."""
    return {str(uuid.UUID(bytes=record[46:62])) for _, record in frames(folder) if record[1] == 2}


def records(folder):
    """Number of records, and their bytes."""
    lengths = [length for length, _ in frames(folder)]
    return len(lengths), sum(lengths)


def flat(samples, name, allowed):
    """A failure if the last quarter's median is above the second quarter's by more than is allowed."""
    quarter = len(samples) // 4
    if quarter < 3:
        print(f"{name}: not compared, the run is too short")
        return []
    if any(sample[name] < 0 for sample in samples):
        return [f"{name} cannot be read: run the soak as root"]
    before = statistics.median(sample[name] for sample in samples[quarter : 2 * quarter])
    after = statistics.median(sample[name] for sample in samples[3 * quarter :])
    print(f"{name}: {before:.0f} in the second quarter, {after:.0f} in the last")
    return [f"{name} grew from {before:.0f} to {after:.0f}"] if after > before + allowed else []


def verify(service):
    """Runs `audit verify` over the audit log, with the public key of its own keys."""
    public_key = service.folder / "public-key"
    printed = subprocess.run([service.program, "audit", "checkpoint", "--public-key", "--config", service.config],
                             check=True, capture_output=True, text=True)
    public_key.write_text(printed.stdout)
    return subprocess.run([service.program, "audit", "verify", "--audit-log", service.folder / "audit-log",
                           "--key", public_key], capture_output=True, text=True)


def check(service, watch, consumer, code):
    failures = []
    if code != 0:
        failures.append(f"the service ended with {code}")
    samples = watch.samples[:-1]
    for name, allowed in (("kib", MEMORY_KIB), ("descriptors", DESCRIPTORS), ("threads", THREADS)):
        failures += flat(samples, name, allowed)
    silent = [sample["second"] for sample in watch.samples if sample["ready"] == 0]
    if silent:
        failures.append(f"the operators' listener did not answer at second {silent[:5]} ({len(silent)} times)")
    unanswered, asked = sum(consumer.errors.values()), len(consumer.times)
    if unanswered * 1000 > asked * UNANSWERED_PER_MILLE:
        failures.append(f"{unanswered} questions beside {asked} answers had none: {consumer.errors}")
    missing = set(consumer.tickets) - recorded_tickets(service.folder)
    if missing:
        failures.append(f"{len(missing)} answers without a record: {sorted(missing)[:3]}")
    if not consumer.tickets:
        failures.append("no answer at all")
    if len(consumer.results) != 1 or b"no result" in consumer.results:
        failures.append(f"{len(consumer.results)} different results of one question, of which one is right")
    verified = verify(service)
    print(verified.stdout.strip())
    if verified.returncode:
        failures.append(f"audit verify ended with {verified.returncode}: {verified.stderr.strip()}")
    with open(service.folder / "log", errors="replace") as log:
        panics = [line for line in log if "panicked" in line]
    if panics:
        failures.append(f"{len(panics)} panics: {panics[0].strip()}")
    print(json.dumps({"answers": consumer.codes, "tickets": len(consumer.tickets), "log lines": service.log_lines}))
    return failures
