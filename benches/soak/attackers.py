"""What is done to the service. Each attacker runs in its own thread until it is stopped, and counts what it did."""
import contextlib
import os
import shutil
import socket

from consumer import PATH, TEST, Connection, consult, echo, head


class Attacker:
    PAUSE = 0.05  # seconds between two attacks

    def __init__(self, service, dice, stop):
        self.service, self.dice, self.stop, self.count = service, dice, stop, 0

    def run(self):
        while not self.stop.is_set():
            try:
                self.attack()
            except (OSError, EOFError, ValueError):
                pass
            self.count += 1
            self.stop.wait(self.PAUSE)

    @contextlib.contextmanager
    def connections(self, who, number):
        """Connections that are closed together, also if one of them cannot be opened."""
        with contextlib.ExitStack() as opened:
            yield [opened.enter_context(Connection(self.service, who, timeout=5)) for _ in range(number)]

    def bytes(self, most):
        return self.dice.randbytes(self.dice.randrange(1, most))


class GarbageBeforeTls(Attacker):
    """Bytes that are no handshake, connections that say nothing, plain HTTP."""

    def attack(self):
        with socket.create_connection(("127.0.0.1", self.service.port), timeout=2) as plain:
            kind = self.dice.randrange(4)
            if kind == 0:
                plain.sendall(self.bytes(5000))
            elif kind == 1:
                plain.sendall(b"\x16\x03\x01\x02\x00\x01" + self.bytes(600))
            elif kind == 2:
                plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
            if kind:
                plain.recv(1000)


class GarbageInHttp(Attacker):
    """Heads and bodies that are wrong in every way, from a caller with a certificate."""

    def attack(self):
        with Connection(self.service, "other-fund", timeout=3) as connection:
            body = consult("0999010225")
            kind = self.dice.randrange(7)
            if kind == 0:
                connection.send(self.bytes(20000))
            elif kind == 1:
                connection.send(head(PATH, 300 * 1024) + b" " * 1000)
            elif kind == 2:
                connection.send(head(PATH, len(body) + 1) + body)
            elif kind == 3:
                chunks = b"ffffffffffffffff\r\n" if self.dice.random() < 0.5 else b"7fffffff\r\n"
                connection.send(head(PATH, 0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked") + chunks + body)
            elif kind == 4:
                changed = bytearray(body)
                for _ in range(self.dice.randrange(1, 20)):
                    changed[self.dice.randrange(len(changed))] = self.dice.randrange(256)
                connection.send(head(PATH, len(changed)) + changed)
            elif kind == 5:
                deep = b"<a>" * self.dice.randrange(1, 5000)
                connection.send(head(PATH, len(deep)) + deep)
            else:
                connection.send(head(self.dice.choice(["/", "/..%2f", PATH + "?wsdl", "*"]), 0, "Expect: 100-continue\r\n"))
            connection.read()


class Handshakes(Attacker):
    """Many handshakes, with and without certificate, most of them left in the middle."""

    PAUSE = 0.02

    def attack(self):
        if self.dice.random() < 0.3:
            Connection(self.service, self.dice.choice([None, "stranger"]), timeout=3).close()
            return
        with socket.create_connection(("127.0.0.1", self.service.port), timeout=2) as plain:
            plain.sendall(bytes.fromhex("16030100050100000100"))


class StrangerFlood(Attacker):
    """The certificate of an unregistered organisation, which asks as fast as it can."""

    PAUSE = 0

    def attack(self):
        with Connection(self.service, "stranger", timeout=5) as connection:
            for _ in range(200):
                body = echo("x" * self.dice.randrange(1, 50)) if self.dice.random() < 0.5 else consult("0999090102")
                connection.send(head(TEST if b"sendTest" in body else PATH, len(body)) + body)
                connection.read()
                self.count += 1
                if self.stop.wait(0.002):
                    return


class Bursts(Attacker):
    """A registered consumer that sends a burst over many connections at once."""

    PAUSE = 2

    def attack(self):
        body = consult("0999020123", "PREVENTION_SERVICE")
        with self.connections("service", 40) as connections:
            for connection in connections:
                connection.send(head(PATH, len(body)) + body)
            for connection in connections:
                connection.read()


class SlowBodies(Attacker):
    """Messages that come a few bytes at a time."""

    PAUSE = 1

    def attack(self):
        with self.connections("other-service", 30) as connections:
            for connection in connections:
                connection.send(head(PATH, 2000))
            for _ in range(8):
                for connection in connections:
                    connection.send(b" ")
                self.stop.wait(1)


class Reloads(Attacker):
    """Reloads of a right and of a wrong policy by turns."""

    PAUSE = 7

    def attack(self):
        wrong = self.service.policy + "\n[[consumer]]\nname = 3\n"
        policy = self.service.folder / "policy.toml"
        draft = self.service.folder / "policy.draft"
        draft.write_text(wrong if self.count % 2 else self.service.policy)
        os.replace(draft, policy)
        self.service.reload()


class ClockSteps(Attacker):
    """Steps of the clock by up to ten minutes, both ways, and back."""

    PAUSE = 11

    def attack(self):
        if self.service.steps_clock:
            offset = 0 if self.count % 2 else self.dice.randrange(-600, 600)
            self.service.offset.write_text(f"{offset:+d}")


class SleepingLogReader(Attacker):
    """A log reader that sleeps for 30 s of each minute."""

    PAUSE = 0

    def attack(self):
        self.service.log_may_be_read.clear()
        self.stop.wait(30)
        self.service.log_may_be_read.set()
        self.stop.wait(30)


class SecondPlaces(Attacker):
    """The second place of the checkpoint: a pipe without a reader, a link to the first, a folder, garbage, nothing, right."""

    PAUSE = 13

    def attack(self):
        copy = self.service.copy / "checkpoint"
        if copy.is_dir() and not copy.is_symlink():
            shutil.rmtree(copy)
        else:
            copy.unlink(missing_ok=True)
        kind = self.count % 6
        if kind == 0:
            os.mkfifo(copy)
        elif kind == 1:
            copy.symlink_to(self.service.folder / "audit-log" / "checkpoint")
        elif kind == 2:
            copy.mkdir()
        elif kind == 3:
            copy.write_bytes(self.bytes(3000))
        elif kind == 4:
            segment = sorted((self.service.folder / "audit-log").glob("*.seg"))[-1]
            os.link(segment, copy)


class Operators(Attacker):
    """The operators' listener: half requests that stay open, readers that do not read, garbage."""

    PAUSE = 3

    def attack(self):
        address = ("127.0.0.1", self.service.admin)
        with contextlib.ExitStack() as opened:
            for number in range(40):
                plain = opened.enter_context(socket.create_connection(address, timeout=2))
                plain.sendall([b"GET /metrics HT", b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 50, self.bytes(500)][number % 3])
            self.stop.wait(5)


ALL = [GarbageBeforeTls, GarbageInHttp, Handshakes, StrangerFlood, Bursts, SlowBodies, Reloads, ClockSteps, SleepingLogReader,
       SecondPlaces, Operators]
