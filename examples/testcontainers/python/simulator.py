"""The simulator of ehealth-attributes as a container."""

import tempfile
from pathlib import Path

import requests
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

IMAGE = "localhost/ehealth-attributes-simulator:0.1.0"
TLS_PORT, CONTROL_PORT = 8443, 9080


class Simulator(DockerContainer):
    """Serves invented people over mutual TLS, and fails when a test demands it."""

    def __init__(self, image: str = IMAGE) -> None:
        super().__init__(image)
        # The host in the server's certificate is the one that clients connect to.
        host = self.get_docker_client().host()
        self.with_command(f"--listen 0.0.0.0:{TLS_PORT} --control 0.0.0.0:{CONTROL_PORT} --hostname {host}")
        self.with_kwargs(read_only=True, cap_drop=["ALL"])
        self.with_tmpfs_mount("/tmp")
        self.with_exposed_ports(TLS_PORT, CONTROL_PORT)
        # The last line that it prints when it answers.
        self.waiting_for(LogMessageWaitStrategy("Press Ctrl-C"))
        self._files = tempfile.TemporaryDirectory()

    def stop(self, *arguments, **options) -> None:
        super().stop(*arguments, **options)
        self._files.cleanup()

    @property
    def consult_url(self) -> str:
        """Address of `consultAttributes`, with the port of this machine."""
        host, port = self.get_container_host_ip(), self.get_exposed_port(TLS_PORT)
        return f"https://{host}:{port}/eHealthAttributesService/v1/consult"

    def file(self, name: str) -> str:
        """Path of a copy of `ca.pem`, `clients/fund.pem`, `clients/fund.key` …"""
        path = Path(self._files.name, name)
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(self._control("GET", f"files/{name}").content)
        return str(path)

    def fail(self, *failures: dict, **outage: list) -> None:
        """Replaces the failures, for example `fail({"kind": "http", "status": 503, "times": 1})`."""
        self._control("PUT", "plan", json={"failure": failures, "outage": outage})

    def received(self) -> list:
        """What the simulator received."""
        return self._control("GET", "requests").json()["requests"]

    def _control(self, method: str, path: str, **options) -> requests.Response:
        host, port = self.get_container_host_ip(), self.get_exposed_port(CONTROL_PORT)
        answer = requests.request(method, f"http://{host}:{port}/v1/{path}", timeout=10, **options)
        if answer.status_code >= 400:
            raise ValueError(answer.text)
        return answer
