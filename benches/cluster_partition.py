#!/usr/bin/env python3
"""Cuts a node off from the database in a network namespace: the link is down, or the packets of one direction are lost.

Needs root and iproute2. Prints what a question gets before, during and after each cut.

  benches/cluster_partition.py
"""
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import cluster

SPACE = "ehealth-node"
HOST, NODE = "10.77.0.1", "10.77.0.2"
NOWHERE = "02:00:00:00:00:99"
CUTS = {
    "link down": ("ip link set ehealth-db down", "ip link set ehealth-db up"),
    "to the node": (f"ip neigh replace {NODE} lladdr {NOWHERE} dev ehealth-db nud permanent", f"ip neigh del {NODE} dev ehealth-db"),
    "to the database": (f"ip -n {SPACE} neigh replace {HOST} lladdr {NOWHERE} dev ehealth-gw nud permanent",
                        f"ip -n {SPACE} neigh del {HOST} dev ehealth-gw"),
}
INSIDE = ["ip", "netns", "exec", SPACE]


def run(text, check=True):
    return subprocess.run(text.split(), check=check, capture_output=True, text=True).stdout


def make_space():
    for line in (f"ip netns add {SPACE}", "ip link add ehealth-db type veth peer name ehealth-gw", f"ip link set ehealth-gw netns {SPACE}",
                 f"ip addr add {HOST}/24 dev ehealth-db", "ip link set ehealth-db up", f"ip -n {SPACE} addr add {NODE}/24 dev ehealth-gw",
                 f"ip -n {SPACE} link set ehealth-gw up", f"ip -n {SPACE} link set lo up"):
        run(line)
    names = Path("/etc/netns") / SPACE
    names.mkdir(parents=True)
    (names / "hosts").write_text(f"{HOST} localhost\n")


def start_database(folder):
    cluster.certificates(folder / "tls")
    cluster.start_database(folder / "database")
    primary = folder / "database" / "primary"
    settings = primary / "postgresql.conf"
    settings.write_text(settings.read_text().replace("listen_addresses='127.0.0.1'", "listen_addresses='*'"))
    with open(primary / "pg_hba.conf", "a", encoding="ascii") as file:
        file.write("hostssl all all 10.77.0.0/24 cert\n")
    cluster.as_postgres(cluster.BIN / "pg_ctl", "-D", primary, "-l", folder / "database" / "primary.log", "-w", "-m", "fast", "restart")


def start_node(folder):
    tls, database = folder / "tls", f"localhost:{cluster.DATABASE}/ehealth"
    section = (f'[admin]\nlisten = "127.0.0.1:9849"\n[cluster]\ndatabase = "postgresql://node_a@{database}"\n'
               f'certificate = "{tls}/node_a.pem"\nkey = "{tls}/node_a.key"\nauthorities = "{tls}/ca.pem"\nnode = "a"\ntimeout = "2s"\n')
    demo = cluster.world(folder, "node", section)
    program, settings = cluster.RELEASE / "ehealth-attributes", demo / "ehealth-attributes.toml"
    cluster.sh(program, "cluster", "migrate", "--config", settings, f"--set=cluster.database=postgresql://ehealth_owner@{database}",
               f"--set=cluster.certificate={tls}/ehealth_owner.pem", f"--set=cluster.key={tls}/ehealth_owner.key")
    command = [*INSIDE, str(program), "serve", "--log", "error", "--config", str(settings)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(3)
    return process, demo


def ask(demo):
    """HTTP status, time, and the code of a fault."""
    port = cluster.PORTS["node"]
    command = [*INSIDE, "curl", "-s", "--max-time", "15", "--resolve", f"localhost:{port}:127.0.0.1", "--cacert", f"{demo}/ca.pem",
               "--cert", f"{demo}/clients/fund.pem", "--key", f"{demo}/clients/fund.key", "-H", "Content-Type: text/xml; charset=utf-8",
               "--data-binary", f"@{demo}/question.xml", "-w", "\n%{http_code} after %{time_total} s",
               f"https://localhost:{port}/eHealthAttributesService/v1/consult"]
    shown = subprocess.run(command, check=False, capture_output=True, text=True).stdout
    return shown.strip().splitlines()[-1] + (", MSG90053" if "MSG90053" in shown else "")


def main():
    folder, process = Path(tempfile.mkdtemp(prefix="partition-")), None
    folder.chmod(0o755)
    try:
        make_space()
        start_database(folder)
        process, demo = start_node(folder)
        print("before:", ask(demo))
        for name, (cut, heal) in CUTS.items():
            run(cut)
            print(f"{name}: {ask(demo)}; then {ask(demo)}")
            run(heal)
            began = time.monotonic()
            while not ask(demo).startswith("200") and time.monotonic() - began < 60:
                time.sleep(0.2)
            print(f"  healed after {time.monotonic() - began:.1f} s: {ask(demo)}")
        print("records, tickets:", cluster.sql(folder / "database", "select count(*), count(distinct ticket) from ehealth.record "
                                               "where ticket is not null"))
    finally:
        if process:
            process.kill()
        for server in ("standby", "primary"):
            subprocess.run([cluster.BIN / "pg_ctl", "-D", folder / "database" / server, "-m", "immediate", "stop"], check=False,
                           stdout=subprocess.DEVNULL, user="postgres", extra_groups=[])
        run(f"ip netns del {SPACE}", check=False)
        run("ip link del ehealth-db", check=False)
        shutil.rmtree(Path("/etc/netns") / SPACE, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
