#!/bin/sh
# Measures feeds at the scale of the country, and prints each figure with the command that gave it.
#
# Usage: benches/feeds.sh [PEOPLE [FOLDER]]     11 800 000 people have some 20 million periods (needs 8 GB of disk)
# Needs: a release build, the sqlite3 shell, GNU time (or Python, for the peak of memory).
#
# Ratios are taken within one run, on one machine: absolute times say little about another.
set -eu

people=${1:-11800000}
folder=${2:-${TMPDIR:-/tmp}/feeds-bench}
mutations=${MUTATIONS:-300000}
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
cargo build --release --quiet --bin ehealth-attributes --example look_up_times
target=${CARGO_TARGET_DIR:-$root/target}
program=$target/release/ehealth-attributes
look_up=$target/release/examples/look_up_times

mkdir -p "$folder"
cd "$folder"

# Runs a command; leaves its seconds in $seconds and its peak memory in MiB in $peak.
measure() {
    echo "\$ $*"
    python3 - "$@" <<'PYTHON' > measured
import resource, subprocess, sys, time
begun = time.monotonic()
code = subprocess.call(sys.argv[1:], stdout=open("out", "w"), stderr=open("err", "w"))
print(f"{time.monotonic() - begun:.2f} {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024} {code}")
PYTHON
    read -r seconds peak code < measured
    # 7: the other four feeds are not there, which is refused, as it must be.
    case $code in 0 | 7) ;; *) echo "exit code $code"; cat out err; exit 1 ;; esac
}

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }
# The first snapshot alone: a notification without its delta.
announce_snapshot() { sed -e '/<delta/d' -e 's/ serial="2" created/ serial="1" created/' "$1/dimona/notification.xml"; }

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
[trail]
folder = "trail"
keys = "keys"
TOML
}

prepare() { # PEOPLE NAME
    if [ ! -e "$2/complete" ]; then
        rm -rf "$2"
        some=$(awk -v m="$mutations" -v n="$1" 'BEGIN { print (m < n) ? m : n }')
        measure "$program" generate --people "$1" --seed 1 --serials 1 --mutations "$some" --out "$2" \
            --created 2026-01-15T05:00:00Z
        echo "  generated in $seconds s, peak $peak MiB"
        rm -rf "$2/coprev" "$2/federated" "$2/insurance" "$2/persons"
        cp "$2/dimona/notification.xml" "$2/whole.xml"
        touch "$2/complete"
    fi
    settings "$2" "$2-data" > "$2.toml"
    rm -rf "$2-data"
    cp "$2/whole.xml" "$2/dimona/notification.xml"
    announce_snapshot "$2" > first.xml
    mv first.xml "$2/dimona/notification.xml"
}

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
measure sh -c 'exec sqlite3 import.db < import.sql'
imported=$seconds
echo "  import: $imported s, peak $peak MiB, $(wc -c < import.db) bytes"
rm -f import.db

echo "== the snapshot: verified, checked, indexed"
measure "$program" --log warn sync --config country.toml
loaded=$seconds
grep '^dimona' out
bytes=$(cat country-data/dimona-*.sqlite | wc -c)
echo "  load: $loaded s = $(ratio "$loaded" "$imported") times the import (at most 1.3)"
echo "  memory: $peak MiB (below 256)"
echo "  disk: $(ratio "$bytes" "$periods") bytes a period (at most 48)"

echo "== a delta of $mutations mutations"
cp country/whole.xml country/dimona/notification.xml
measure "$program" --log warn sync --config country.toml
grep '^dimona' out
echo "  delta: $seconds s = $(ratio "$seconds" "$loaded") of the snapshot's time (below 0.10), peak $peak MiB"

echo "== look-ups at rest, and while a snapshot loads"
echo "\$ $look_up country-data $csv 20"
"$look_up" country-data "$csv" 20 | tee rest
sed -i 's/session="......../session="00000000/' country/dimona/notification.xml
echo "\$ $program sync --config country.toml & $look_up country-data $csv 20"
"$program" --log warn sync --config country.toml > out 2> err &
load=$!
"$look_up" country-data "$csv" 15 | tee during
kill -0 "$load" 2> /dev/null && echo "  (the load was under way until the end)"
wait "$load" || true
grep '^dimona' out
figure() { sed "s/.*$2=\([0-9]*\).*/\1/" "$1"; }
echo "  p99: $(ratio "$(figure during p99_ns)" "$(figure rest p99_ns)") times that at rest (at most 2)"

echo "== growth: a hundredth of the country"
prepare $((people / 100)) village
measure "$program" --log warn sync --config village.toml
echo "\$ $look_up village-data village/dimona/snapshot-1.csv 20"
"$look_up" village-data village/dimona/snapshot-1.csv 20 | tee village.times
echo "  growth: $(ratio "$(figure rest p50_ns)" "$(figure village.times p50_ns)") times (at most 2)"
