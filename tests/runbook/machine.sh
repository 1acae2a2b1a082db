# A machine for the operations guide, in its own namespaces: an empty network, and temporary layers over /etc,
# /usr, /var/lib, /run and /srv.
# $1: the project, $2: the program, $3: the list of the package's files, $4: the commands.
set -euo pipefail
project=$1 program=$2 assets=$3 commands=$4
layers=$(mktemp -d)
mount -t tmpfs none "$layers"
for folder in etc usr var/lib; do
    place=$layers/${folder//\//-}
    mkdir -p "$place/upper" "$place/work"
    mount -t overlay overlay -o "lowerdir=/$folder,upperdir=$place/upper,workdir=$place/work" "/$folder"
done
mount -t tmpfs none /run
mkdir -p "$layers/srv"
mount --bind "$layers/srv" /srv
python3 - <<'END'
import fcntl, socket, struct
# SIOCSIFFLAGS, IFF_UP: the loopback of this network.
fcntl.ioctl(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), 0x8914, struct.pack("16sH14x", b"lo", 1))
END

stub() {
    local place
    place=$(command -v "$1" || echo "/usr/bin/$1")
    cat > "$place"
    chmod 755 "$place"
}
# Stubs: the namespace has no systemd and only one user.
sed "s|/run-of-the-runbook|$layers/run|" "$project/tests/runbook/systemctl" | stub systemctl
stub runuser <<'END'
#!/bin/sh
while [ "$1" != -- ]; do shift; done
shift
exec "$@"
END
stub chown <<'END'
#!/bin/sh
exit 0
END
stub journalctl <<END
#!/bin/sh
cat "$layers/run/\$2.log"
END
stub systemd-sysusers <<'END'
#!/bin/sh
test -s "/usr/lib/sysusers.d/$1"
END
stub systemd-tmpfiles <<'END'
#!/bin/sh
awk '$1 == "d" { print $3, $2 }' "/usr/lib/tmpfiles.d/$2" | while read -r mode folder; do install -d -m "$mode" "$folder"; done
END
# Installs the package's files as its list says, keeps existing files in /etc, and runs its script.
stub apt <<END
#!/bin/bash
set -euo pipefail
while IFS=\$'\t' read -r from to mode; do
    case \$from in target/release/ehealth-attributes) from=$program ;; *) from=$project/\$from ;; esac
    for file in \$from; do
        test -e "\$file" || continue
        case \$to in */) place=/\$to\$(basename "\$file") ;; *) place=/\$to ;; esac
        case \$place in /etc/*) test -e "\$place" && continue ;; esac
        install -D -m "\$mode" "\$file" "\$place"
    done
done < $assets
for unit in $project/deploy/systemd/*/*; do install -D -m 644 "\$unit" "/usr/lib/systemd/system/\$(basename "\$unit")"; done
sh $project/deploy/debian/postinst configure
END
# The trial that the guide tells an operator to make from the sources: the packaged program has no `demo`.
"$program" demo --once --port 0 --dir /srv/trial
cd /srv
set +e
bash "$commands"
code=$?
if [ $code -ne 0 ]; then tail -n 20 "$layers"/run/*.log >&2; fi
for pid in "$layers"/run/*.pid; do
    if [ -e "$pid" ]; then kill "$(cat "$pid")"; fi
done
exit $code
