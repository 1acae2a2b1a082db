#!/usr/bin/env python3
"""What a second copy of every record costs: a service alone and a node of a cluster, in turns, on one machine.

Starts PostgreSQL 15 with a synchronous standby in a temporary folder, makes a demonstration world, and measures
throughput at 512 connections, and latency at a low rate, of both. Everything is on this machine: the database, its standby, the
service and the load generator share its processors.

  benches/cluster.py --rounds 5
"""
import argparse
import json
import os
import pwd
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RELEASE = ROOT / "target" / "release"
BIN = Path("/usr/lib/postgresql/15/bin")
PORTS = {"alone": 9843, "node": 9844}
DATABASE, STANDBY = 9845, 9846
CALLERS = ["fund", "other-fund", "service", "other-service"]


def sh(*command, **more):
    return subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL, **more)


def as_postgres(*command, **more):
    account = pwd.getpwnam("postgres") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
    user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if os.getuid() == 0 else {}
    return sh(*command, **user, **more)


def certificates(folder):
    folder.mkdir()
    new = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    quiet = {"stderr": subprocess.DEVNULL}
    sh(*new, "-x509", "-keyout", folder / "ca.key", "-out", folder / "ca.pem", "-subj", "/CN=database CA", "-days", 30, **quiet)
    for name, usage in [("server", "serverAuth"), ("node_a", "clientAuth"), ("ehealth_owner", "clientAuth")]:
        extensions = folder / "extensions"
        extensions.write_text(f"subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage={usage}\nbasicConstraints=CA:FALSE\n")
        sh(*new, "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.csr", "-subj", f"/CN={name}", **quiet)
        sh("openssl", "x509", "-req", "-in", folder / f"{name}.csr", "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key",
           "-CAcreateserial", "-out", folder / f"{name}.pem", "-days", 30, "-extfile", extensions, **quiet)
    if os.getuid() == 0:
        shutil.chown(folder / "server.key", "postgres")


def start_database(folder):
    folder.mkdir()
    if os.getuid() == 0:
        shutil.chown(folder, "postgres")
    tls, primary, standby = folder.parent / "tls", folder / "primary", folder / "standby"
    as_postgres(BIN / "initdb", "-D", primary, "--no-sync", "-A", "trust")
    with open(primary / "postgresql.conf", "a", encoding="ascii") as file:
        file.write(f"port={DATABASE}\nlisten_addresses='127.0.0.1'\nunix_socket_directories='{folder}'\nssl=on\n"
                   f"ssl_cert_file='{tls}/server.pem'\nssl_key_file='{tls}/server.key'\nssl_ca_file='{tls}/ca.pem'\n"
                   "shared_buffers=512MB\nmax_wal_size=4GB\nwal_compression=lz4\nsynchronous_standby_names='ANY 1 (s1)'\n")
    (primary / "pg_hba.conf").write_text("local all all trust\nlocal replication all trust\nhostssl all all 127.0.0.1/32 cert\n")
    as_postgres(BIN / "pg_ctl", "-D", primary, "-l", folder / "primary.log", "-w", "start")
    at = ["-h", folder, "-p", DATABASE]
    as_postgres(BIN / "pg_basebackup", "-D", standby, *at, "-R", "-X", "stream", "-C", "-S", "s1", stderr=subprocess.DEVNULL)
    settings = standby / "postgresql.conf"
    settings.write_text(settings.read_text().replace(f"port={DATABASE}", f"port={STANDBY}"))
    settings = standby / "postgresql.auto.conf"
    settings.write_text(settings.read_text().replace("primary_conninfo = '", "primary_conninfo = 'application_name=s1 "))
    as_postgres(BIN / "pg_ctl", "-D", standby, "-l", folder / "standby.log", "-w", "start")
    as_postgres(BIN / "createdb", *at, "ehealth")
    shutil.copy(ROOT / "deploy" / "cluster" / "roles.sql", folder)
    as_postgres(BIN / "psql", "-q", *at, "-d", "ehealth", "-f", folder / "roles.sql")


def sql(folder, text):
    command = [BIN / "psql", "-At", "-h", folder, "-p", str(DATABASE), "-U", "postgres", "-d", "ehealth", "-c", text]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def world(folder, name, section):
    demo = folder / name
    sh(RELEASE / "ehealth-attributes", "demo", "--once", "--dir", demo, "--port", PORTS[name], stderr=subprocess.DEVNULL)
    settings = demo / "ehealth-attributes.toml"
    text = settings.read_text().replace("\npublic_url", "\nmax_requests_per_consumer = 512\npublic_url")
    text = text.split("\n[admin]")[0] + "\n" + section
    settings.write_text(text.replace('listen = "127.0.0.1:8443"', f'listen = "127.0.0.1:{PORTS[name]}"'))
    policy = demo / "policy.toml"
    unlimited = "[[consumer]]\nquota_per_minute = 1000000\nquota_per_day = 100000000\nrequests_per_minute = 2000000\nempty_answers_percent = 100\n"
    policy.write_text(policy.read_text().replace("[[consumer]]", unlimited))
    request = (demo / "question.xml").read_text()
    (demo / "ask.xml").write_text(request)
    (demo / "ssins.txt").write_text("85073099932\n")
    return demo


def start(demo, name):
    log = open(demo / "server.log", "ab")  # pylint: disable=consider-using-with
    command = [RELEASE / "ehealth-attributes", "serve", "--log", "warn", "--config", demo / "ehealth-attributes.toml"]
    process = subprocess.Popen(command, stdout=log, stderr=log)
    for _ in range(500):
        try:
            socket.create_connection(("127.0.0.1", PORTS[name]), 1).close()
            time.sleep(1)
            return process
        except OSError:
            time.sleep(0.02)
    raise SystemExit(f"the service does not listen; see {demo}/server.log")


def processor_seconds(folder):
    """Processor time of all processes of a server so far."""
    postmaster = int((folder / "postmaster.pid").read_text().split()[0])
    total = 0
    for process in Path("/proc").iterdir():
        try:
            fields = (process / "stat").read_text().rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            continue
        if process.name == str(postmaster):
            total += sum(int(field) for field in fields[11:15])
        elif fields[1] == str(postmaster):
            total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def unit_costs(folder):
    """What the database has done so far: records, transactions, log, processor time."""
    records, log, commits = sql(folder, "select (select count(*) from ehealth.record), pg_current_wal_lsn() - '0/0', "
                                "(select xact_commit from pg_stat_database where datname = 'ehealth')").split("|")
    return {"records": int(records), "log": float(log), "commits": int(commits),
            "primary": processor_seconds(folder / "primary"), "standby": processor_seconds(folder / "standby")}


def load(demo, name, seconds, connections, rate=None):
    figures = demo / "figures.json"
    command = [RELEASE / "load", "--to", f"127.0.0.1:{PORTS[name]}", "--ca", demo / "ca.pem", "--ssins", demo / "ssins.txt",
               "--seconds", seconds, "--warmup", 2, "--quiet", "--json", figures, "--path", "/eHealthAttributesService/v1/consult"]
    callers = CALLERS[:1]
    for caller in callers:
        words = f"name={caller},cert={demo}/clients/{caller}.pem,key={demo}/clients/{caller}.key,request={demo}/ask.xml"
        words += f",connections={connections // len(callers)}" + (f",rate={rate}" if rate else "")
        command += ["--consumer", words]
    done = subprocess.run([str(part) for part in command], stdout=subprocess.DEVNULL, check=False)
    return json.loads(figures.read_text())["consumers"], done.returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="pairs of runs")
    parser.add_argument("--seconds", type=int, default=6, help="of each run")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="cluster-"))
    folder.chmod(0o755)
    processes = []
    try:
        certificates(folder / "tls")
        start_database(folder / "database")
        section = (f'[cluster]\ndatabase = "postgresql://node_a@localhost:{DATABASE}/ehealth"\n'
                   f'certificate = "{folder}/tls/node_a.pem"\nkey = "{folder}/tls/node_a.key"\n'
                   f'authorities = "{folder}/tls/ca.pem"\nnode = "a"\n')
        demos = {"alone": world(folder, "alone", ""), "node": world(folder, "node", section)}
        owner = [f"--set=cluster.database=postgresql://ehealth_owner@localhost:{DATABASE}/ehealth",
                 f"--set=cluster.certificate={folder}/tls/ehealth_owner.pem", f"--set=cluster.key={folder}/tls/ehealth_owner.key"]
        sh(RELEASE / "ehealth-attributes", "cluster", "migrate", "--config", demos["node"] / "ehealth-attributes.toml", *owner)
        spent, alone = [], []
        rates, medians = {"alone": [], "node": []}, {"alone": [], "node": []}
        for turn in range(options.rounds):
            for name in ("alone", "node") if turn % 2 == 0 else ("node", "alone"):
                process = start(demos[name], name)
                processes.append(process)
                before = unit_costs(folder / "database")
                consumers, code = load(demos[name], name, options.seconds, 512)
                after = unit_costs(folder / "database")
                if name == "node":
                    spent.append({key: after[key] - before[key] for key in after})
                rates[name].append(sum(consumer["per_second"] for consumer in consumers))
                before = unit_costs(folder / "database")
                consumers, _ = load(demos[name], name, options.seconds, 4, rate=50)
                after = unit_costs(folder / "database")
                if name == "node":
                    alone.append({key: after[key] - before[key] for key in after})
                medians[name].append(consumers[0]["answered"]["p50_us"] / 1_000)
                process.send_signal(signal.SIGTERM)
                process.wait()
                print(f"{name}: {rates[name][-1]:.0f}/s at 512 connections, p50 {medians[name][-1]:.2f} ms at 50/s, exit {code}")
        commits = sql(folder / "database", "select count(*), pg_size_pretty(pg_total_relation_size('ehealth.record_202611')) from ehealth.record")
        size = sql(folder / "database", "select round(sum(pg_total_relation_size(inhrelid))::numeric / "
                   "(select count(*) from ehealth.record)) from pg_inherits where inhparent = 'ehealth.record'::regclass")
        script = folder / "commit.sql"
        script.write_text("insert into ehealth.node_status (node, said, report) values (0, now(), '{}') "
                          "on conflict (node) do update set said = excluded.said;\n")
        bench = [BIN / "pgbench", "-n", "-c", "1", "-R", "50", "-t", "400", "-f", script, "-h", folder / "database", "-p", str(DATABASE),
                 "-U", "postgres", "ehealth"]
        shown = subprocess.run([str(part) for part in bench], check=True, capture_output=True, text=True).stdout
        lag = float(shown.split("schedule lag: avg ")[1].split()[0])
        commit = float(shown.split("latency average = ")[1].split()[0]) - lag
        ratio = [node / alone for alone, node in zip(rates["alone"], rates["node"])]
        added = statistics.median(medians["node"]) - statistics.median(medians["alone"])
        print(f"throughput: {statistics.median(rates['node']):.0f}/s against {statistics.median(rates['alone']):.0f}/s, "
              f"ratio {statistics.median(ratio):.2f} (pairs {min(ratio):.2f} to {max(ratio):.2f})")
        print(f"latency: p50 {statistics.median(medians['node']):.2f} ms against {statistics.median(medians['alone']):.2f} ms: "
              f"{added:.2f} ms added; a commit of the database takes {commit:.2f} ms at that rate")
        of = {key: sum(run[key] for run in alone) for key in alone[0]}
        print(f"at 50/s, a record: {of['primary'] / of['records'] * 1e6:.0f} µs of the primary, "
              f"{of['standby'] / of['records'] * 1e6:.0f} µs of the standby, with everything else that the database does then")
        of = {key: sum(run[key] for run in spent) for key in spent[0]}
        print(f"at 512 connections, a record: {of['primary'] / of['records'] * 1e6:.1f} µs of the primary, "
              f"{of['standby'] / of['records'] * 1e6:.1f} µs of the standby, {of['log'] / of['records']:.0f} bytes of log; "
              f"{of['records'] / of['commits']:.1f} records a transaction")
        print(f"records: {commits}; {size} bytes a record with indexes")
    finally:
        for process in processes:
            process.kill()
        for server in ("standby", "primary"):
            subprocess.run([BIN / "pg_ctl", "-D", folder / "database" / server, "-m", "immediate", "stop"], check=False,
                           stdout=subprocess.DEVNULL, **({"user": "postgres", "extra_groups": []} if os.getuid() == 0 else {}))
        shutil.rmtree(folder, ignore_errors=True) if not os.environ.get("KEEP") else None


if __name__ == "__main__":
    main()
