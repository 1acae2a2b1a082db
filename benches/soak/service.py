"""The service under test: a demonstration's folder, served by a process of its own."""
import os
import re
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

FAKETIME = ["/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1", "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1"]


class Service:
    def __init__(self, program, folder, port, clock_steps=True):
        self.program, self.folder, self.port, self.admin = program, folder, port, port + 1
        self.config, self.copy = folder / "ehealth-attributes.toml", folder / "copy"
        self.offset, self.steps_clock = folder / "clock-offset", clock_steps
        self.process, self.log_may_be_read, self.log_lines = None, threading.Event(), 0

    def prepare(self):
        """Makes the folder: certificates, settings, policy, datasets."""
        self.folder.mkdir(parents=True, exist_ok=True)
        subprocess.run([self.program, "demo", "--once", "--port", "0", "--dir", self.folder], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.copy.mkdir(exist_ok=True)
        text = self.config.read_text()
        # The first address is that for consumers, the second that for operators.
        ports = iter([self.port, self.admin])
        text = re.sub(r'(?m)^(listen = "127\.0\.0\.1):\d+', lambda found: f"{found.group(1)}:{next(ports)}", text)
        text = re.sub(r"https://localhost:\d+", f"https://localhost:{self.port}", text)
        if "checkpoint_copy" not in text:
            text = text.replace('missing_keys = "make"', 'missing_keys = "make"\ncheckpoint_copy = "copy/checkpoint"')
        self.config.write_text(text)
        self.policy = (self.folder / "policy.toml").read_text()

    def serve(self, before=()):
        """Starts the service, as an argument of the command `before`, and waits until it is ready."""
        self.offset.write_text("+0")
        environment = dict(os.environ)
        library = next((path for path in FAKETIME if Path(path).exists()), None)
        if self.steps_clock and library is None:
            print("libfaketime is not installed: the clock makes no steps")
            self.steps_clock = False
        if self.steps_clock:
            environment |= {"LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": str(self.offset), "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                            "FAKETIME_CACHE_DURATION": "1"}
        self.log_may_be_read.set()
        self.process = subprocess.Popen([*before, self.program, "serve", "--config", self.config, "--log-format", "json"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)
        threading.Thread(target=self.read_log, daemon=True).start()
        deadline = time.monotonic() + 60
        while self.health() != 200:
            if time.monotonic() > deadline or not self.is_running():
                raise SystemExit(f"not ready after 60 s; its log is {self.folder / 'log'}")
            time.sleep(0.1)

    def read_log(self):
        """Reads the log while it may be read; a reader that sleeps fills the pipe."""
        kept = open(self.folder / "log", "wb")
        for line in self.process.stderr:
            kept.write(line)
            kept.flush()
            self.log_lines += 1
            self.log_may_be_read.wait()

    def health(self, path="/health/ready"):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}{path}", timeout=5) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def is_running(self):
        return self.process.poll() is None

    def process_figures(self):
        """Resident memory in KiB, threads, descriptors."""
        folder = Path(f"/proc/{self.process.pid}")
        status = (folder / "status").read_text()
        number = lambda name: int(re.search(rf"^{name}:\s+(\d+)", status, re.M).group(1))
        try:
            descriptors = len(list((folder / "fd").iterdir()))
        except PermissionError:  # a process that is not dumpable, looked at by another user than root
            descriptors = -1
        return number("VmRSS"), number("Threads"), descriptors

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def calm(self):
        """Ends what may hang, so that the end of the service is measured without it."""
        self.offset.write_text("+0")
        (self.folder / "policy.toml").write_text(self.policy)
        self.log_may_be_read.set()

    def end(self):
        """Ends the service; its exit code, None if it had to be killed."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None
