#!/bin/sh
# Measures feeds of the country's size, and prints each figure with its command.
#
# Usage: benches/feeds.sh [PEOPLE [FOLDER]]    11 800 000 people have about 20 million periods
# (needs 12 GB of disk) Requires the sqlite3 shell and Python. Generated feeds stay in the folder
# for the next run.
#
# Ratios are measured within one run on one machine: absolute times say little about another. The
# processor time is printed beside the elapsed time: other programs increase the second much more
# than the first.
set -eu

people=${1:-11800000}
folder=${2:-${TMPDIR:-/tmp}/feeds-bench}
mutations=${MUTATIONS:-300000}
seconds_each=${SECONDS_EACH:-60}
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
cargo build --release --quiet --bin ehealth-attributes --example times
target=${CARGO_TARGET_DIR:-$root/target}
program=$target/release/ehealth-attributes
times=$target/release/examples/times

mkdir -p "$folder"
cd "$folder"

# Runs a command; sets $seconds (elapsed), $worked (processor seconds) and $peak (peak memory in
# MiB).
measure() {
    echo "\$ $*"
    python3 - "$@" <<'PYTHON' > measured
import resource, subprocess, sys, time
begun = time.monotonic()
code = subprocess.call(sys.argv[1:], stdout=open("out", "w"), stderr=open("err", "w"))
passed, used = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
print(f"{passed:.2f} {used.ru_utime + used.ru_stime:.2f} {used.ru_maxrss // 1024} {code}")
PYTHON
    read -r seconds worked peak code < measured
    # 7: the other four feeds are missing and therefore refused.
    case $code in 0 | 7) ;; *) echo "exit code $code"; cat out err; exit 1 ;; esac
}

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", a / b }'; }
figure() { sed -n "$3{s/.*$2=\([0-9]*\).*/\1/;p}" "$1"; }
load_average() { echo "  (load average: $(cut -d' ' -f1-3 /proc/loadavg))"; }

settings() { # FEEDS DATA
    cat <<TOML
[server]
listen = "127.0.0.1:0"
public_url = "https://localhost"
certificate = "server.pem"
key = "server.key"
[trust]
client_ca = "ca.pem"
revocation = "none"
[policy]
file = "policy.toml"
[data]
folder = "$2"
feeds = "$1"
rejected = "rejected"
[audit_log]
folder = "audit-log"
keys = "keys"
TOML
}

# Makes five feeds, and a copy of dimona alone whose notification has only the snapshot, or the
# delta too.
prepare() { # PEOPLE NAME
    if [ ! -e "$2/complete" ]; then
        rm -rf "$2"
        some=$(awk -v m="$mutations" -v n="$1" 'BEGIN { print (m < n) ? m : n }')
        measure "$program" generate --people "$1" --seed 1 --serials 1 --mutations "$some" --out "$2" \
            --created 2026-01-15T05:00:00Z
        echo "  generated in $seconds s, peak $peak MiB"
        touch "$2/complete"
    fi
    rm -rf "$2-data" "$2-dimona"
    # The other feeds exist and are empty: they are refused, and the exit code is 7.
    for dataset in dimona coprev federated insurance persons; do mkdir -p "$2-dimona/$dataset"; done
    ln "$2"/dimona/*.csv "$2-dimona/dimona/"
    settings "$2" "$2-data" > "$2.toml"
    settings "$2-dimona" "$2-data" > "$2-dimona.toml"
}
announce_first() {
    sed -e '/<delta/d' -e 's/ serial="2" created/ serial="1" created/' "$1/dimona/notification.xml" \
        > "$1-dimona/dimona/notification.xml"
}
announce_whole() { cp "$1/dimona/notification.xml" "$1-dimona/dimona/notification.xml"; }

prepare "$people" country
csv=country/dimona/snapshot-1.csv
periods=$(($(wc -l < $csv) - 1))
echo "== $periods periods, $(wc -c < $csv) bytes, $(nproc) processors"

echo "== the sqlite3 shell, the same rows into the same two tables, no checks"
rm -f import.db
cat > import.sql <<SQL
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE period (period_id INTEGER NOT NULL, ssin INTEGER NOT NULL, employer INTEGER NOT NULL, begin_day,
    end_day, PRIMARY KEY (ssin, period_id)) WITHOUT ROWID;
CREATE TABLE period_owner (period_id INTEGER PRIMARY KEY, ssin INTEGER NOT NULL);
.import --csv --skip 1 $csv period
INSERT INTO period_owner SELECT period_id, ssin FROM period ORDER BY period_id;
SQL
if [ -n "${IMPORTED:-}" ]; then
    # "SECONDS WORKED" of an earlier run, to skip this measurement.
    imported=${IMPORTED% *} imported_worked=${IMPORTED#* }
    echo "  import: $imported s, worked $imported_worked s (of an earlier run)"
else
    load_average
    measure sh -c 'exec sqlite3 import.db < import.sql'
    imported=$seconds imported_worked=$worked
    echo "  import: $imported s, worked $imported_worked s, peak $peak MiB, $(wc -c < import.db) bytes"
fi
rm -f import.db

echo "== the snapshot: verified, checked, indexed"
announce_first country
load_average
measure "$program" --log warn sync --config country-dimona.toml
loaded=$seconds loaded_worked=$worked
grep '^dimona  ' out
bytes=$(cat country-data/dimona-*.sqlite | wc -c)
echo "  load: $loaded s, worked $loaded_worked s"
echo "    = $(ratio "$loaded" "$imported") times the import, $(ratio "$loaded_worked" "$imported_worked") of its work (at most 1.3)"
echo "  memory: $peak MiB (below 256)"
echo "  disk: $(ratio "$bytes" "$periods") bytes a period (at most 48)"

echo "== a delta of $mutations mutations"
announce_whole country
load_average
measure "$program" --log warn sync --config country-dimona.toml
grep '^dimona  ' out
echo "  delta: $seconds s, worked $worked s, peak $peak MiB"
echo "    = $(ratio "$seconds" "$loaded") of the snapshot's time, $(ratio "$worked" "$loaded_worked") of its work (below 0.10)"

echo "== lookups at rest and while a snapshot loads, interleaved"
rm -f rest during
for turn in 1 2; do
    load_average
    echo "\$ times lookups 10 country-data $csv"
    "$times" lookups 10 country-data $csv | tee -a rest
    # Another session: the snapshot is loaded again.
    sed -i "s/session=\"......../session=\"0000000$turn/" country-dimona/dimona/notification.xml
    echo "\$ ehealth-attributes sync & times lookups 10 country-data $csv"
    "$program" --log warn sync --config country-dimona.toml > out 2> err &
    load=$!
    "$times" lookups 10 country-data $csv | tee -a during
    kill -0 "$load" 2> /dev/null && echo "  (the load was in progress until the end)"
    wait "$load" || true
    grep '^dimona  ' out
    for share in p50 p99; do
        at_rest=$(figure rest "${share}_ns" "$turn") loading=$(figure during "${share}_ns" "$turn")
        echo "  $share: $(ratio "$loading" "$at_rest") times that at rest (p99: at most 2)"
    done
done

echo "== growth: against a hundredth of the country, interleaved in one process"
prepare $((people / 100)) village
for place in country village; do
    rm -rf "$place-data"
    measure "$program" --log warn sync --config "$place.toml"
    echo "  five datasets in $seconds s, worked $worked s"
    grep '/' out || true
done
few=village/dimona/snapshot-1.csv
for what in lookups requests; do
    load_average
    echo "\$ times $what $seconds_each country-data $csv village-data $few"
    "$times" "$what" "$seconds_each" country-data $csv village-data $few | tee "$what"
done
echo "  a lookup: $(ratio "$(figure lookups p50_ns 1)" "$(figure lookups p50_ns 2)") times (at most 2)"
echo "  a request over mutual TLS: $(ratio "$(figure requests p50_ns 1)" "$(figure requests p50_ns 2)") times (at most 1.15)"
