"""How long the service takes for a request, on the wire: from the kernel's time of the request to that of the response.

The consumer that `floods.py` starts shares a core with the flood, and what it waits for that core is no property of the
service. The kernel stamps each packet when it passes the loopback interface, before any process waits for a processor. Needs
tcpdump; without it there is no figure.
"""
import os
import re
import shutil
import subprocess
import time

# Packets with data (PSH) of at least 250 bytes: requests and responses, and nothing of a connection that sends none.
FILTER = "tcp port {port} and (tcp[13] & 8 != 0) and greater 250"
LINE = re.compile(r"(\d+\.\d+) IP 127\.0\.0\.1\.(\d+) > 127\.0\.0\.1\.(\d+): ")


class Wire:
    """Listens on the loopback interface until the end of the block; then `p99_us` is of the connections `of` a process."""

    def __init__(self, port, file):
        self.port, self.file, self.ports = port, file, set()

    def __enter__(self):
        self.process = None
        if shutil.which("tcpdump"):
            command = ["tcpdump", "-i", "lo", "-n", "-tt", "-s", "120", "-B", "65536", FILTER.format(port=self.port)]
            with open(self.file, "wb") as out:
                self.process = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL)
            time.sleep(1)  # it listens
        return self

    def of(self, process):
        """Takes the connections that a process has now."""
        folder = f"/proc/{process}"
        sockets = {os.readlink(f"{folder}/fd/{each}") for each in os.listdir(f"{folder}/fd")}
        with open(f"{folder}/net/tcp") as table:
            rows = [line.split() for line in list(table)[1:]]
        self.ports |= {int(row[1].split(":")[1], 16) for row in rows if f"socket:[{row[9]}]" in sockets}

    def __exit__(self, *_):
        if self.process:
            time.sleep(1)  # what the kernel holds is written
            self.process.terminate()
            self.process.wait(timeout=10)

    def p99_us(self):
        """The 99th percentile of the times between a request and the next packet of its response; `None` if there are few."""
        text = self.file.read_text(errors="replace") if self.process else ""
        asked, times = {}, []
        for found in filter(None, map(LINE.match, text.splitlines())):
            at, source, target = float(found[1]), int(found[2]), int(found[3])
            if source in self.ports:
                asked[source] = at
            elif target in asked:
                times.append(at - asked.pop(target))
        times.sort()
        return times[int(len(times) * 0.99)] * 1e6 if len(times) > 100 else None
