#!/usr/bin/env python3
"""Writes the container image of the service, or of the simulator, as an OCI archive, without a container engine.

    deploy/container/image.py service|simulator BINARY FOLDER

writes FOLDER/image.tar; FOLDER/image.digest with the digest of its manifest, by which a registry and Kubernetes name
it; and FOLDER/rootfs.tar with the root file system alone, for the Containerfile.

The image has no base: it holds the program, the shared libraries that it needs (as `ldd` lists them on
this machine), and nothing else. The same files give the same bytes. `podman load -i FOLDER/image.tar` and
`docker load -i FOLDER/image.tar` (Docker 25 or later) read it.

OCI Image Format Specification 1.1: image layout, manifest, configuration, layer.
"""

import gzip
import hashlib
import io
import json
import re
import subprocess
import sys
import tarfile
from pathlib import Path

STATE = "var/lib/ehealth-attributes"
IMAGES = {
    "service": {
        "name": "localhost/ehealth-attributes",
        "title": "ehealth-attributes",
        "entrypoint": [],
        "cmd": ["serve", "--log-format", "json"],
        "ports": [8443],
        "folders": [STATE],
        "volumes": [f"/{STATE}"],
        "folder": "/",
    },
    "simulator": {
        "name": "localhost/ehealth-attributes-simulator",
        "title": "ehealth-attributes simulator",
        "entrypoint": ["simulate"],
        "cmd": ["--listen", "0.0.0.0:8443", "--control", "0.0.0.0:9080"],
        "ports": [8443, 9080],
        "folders": [],
        "volumes": [],
        "folder": "/tmp",
    },
}
USER = 65532
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
PROGRAM = "usr/bin/ehealth-attributes"


def libraries(binary: Path) -> list[Path]:
    """Shared libraries of a program, the dynamic loader included; none of a static program."""
    listed = subprocess.run(["ldd", binary], capture_output=True, text=True)
    if "statically linked" in listed.stdout + listed.stderr or "not a dynamic" in listed.stderr:
        return []
    listed.check_returncode()
    if "not found" in listed.stdout:
        sys.exit(f"{binary}: a library is missing:\n{listed.stdout}")
    return sorted({Path(path) for path in re.findall(r"(/\S+) \(0x", listed.stdout)})


def add_file(layer: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    layer.addfile(entry, io.BytesIO(content))


def make_layer(binary: Path, image: dict) -> bytes:
    """A tar of the root file system. Owner, time and order are fixed; the user of the image has the folders of its state."""
    files = {PROGRAM: (binary.read_bytes(), 0o755)}
    for library in libraries(binary):
        files[str(library).lstrip("/")] = (library.resolve().read_bytes(), 0o755)
    files["etc/passwd"] = (f"ehealth-attributes:x:{USER}:{USER}::/:/sbin/nologin\n".encode(), 0o644)
    files["etc/group"] = (f"ehealth-attributes:x:{USER}:\n".encode(), 0o644)
    files["etc/nsswitch.conf"] = (b"hosts: files dns\n", 0o644)
    named = [*files, *(f"{folder}/." for folder in image["folders"])]
    folders = {str(parent) for name in named for parent in Path(name).parents if str(parent) != "."}
    folders |= {"tmp", *image["folders"]}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as layer:
        for folder in sorted(folders):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            if folder in image["folders"]:
                entry.mode, entry.uid, entry.gid = 0o750, USER, USER
            layer.addfile(entry)
        for name in sorted(files):
            add_file(layer, name, *files[name])
    return buffer.getvalue()


def digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def descriptor(media_type: str, content: bytes) -> dict:
    return {"mediaType": f"application/vnd.oci.image.{media_type}", "digest": digest(content), "size": len(content)}


def make_archive(layer: bytes, image: dict, version: str) -> tuple[bytes, str]:
    """The archive, and the digest of its manifest."""
    packed = gzip.compress(layer, 6, mtime=0)
    machine = subprocess.run(["uname", "-m"], capture_output=True, text=True, check=True).stdout.strip()
    config = {
        "architecture": ARCHITECTURES.get(machine, machine),
        "os": "linux",
        "config": {
            "User": f"{USER}:{USER}",
            "ExposedPorts": {f"{port}/tcp": {} for port in image["ports"]},
            "Volumes": {volume: {} for volume in image["volumes"]},
            "Entrypoint": [f"/{PROGRAM}", *image["entrypoint"]],
            "Cmd": image["cmd"],
            "WorkingDir": image["folder"],
            "Labels": {
                "org.opencontainers.image.title": image["title"],
                "org.opencontainers.image.version": version,
                "org.opencontainers.image.licenses": "EUPL-1.2",
            },
        },
        "rootfs": {"type": "layers", "diff_ids": [digest(layer)]},
        "history": [{"created_by": "deploy/container/image.py"}],
    }
    config = json.dumps(config, sort_keys=True).encode()
    manifest = json.dumps({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": descriptor("config.v1+json", config),
        "layers": [descriptor("layer.v1.tar+gzip", packed)],
    }, sort_keys=True).encode()
    index = json.dumps({
        "schemaVersion": 2,
        "manifests": [descriptor("manifest.v1+json", manifest)
                      | {"annotations": {"org.opencontainers.image.ref.name": f"{image['name']}:{version}"}}],
    }, sort_keys=True).encode()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        add_file(archive, "oci-layout", b'{"imageLayoutVersion": "1.0.0"}', 0o644)
        add_file(archive, "index.json", index, 0o644)
        for blob in sorted([config, manifest, packed], key=digest):
            add_file(archive, f"blobs/sha256/{digest(blob).removeprefix('sha256:')}", blob, 0o644)
    return buffer.getvalue(), digest(manifest)


def write(path: Path, content: bytes) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(content)
    partial.replace(path)


def main() -> None:
    if len(sys.argv) != 4 or sys.argv[1] not in IMAGES:
        sys.exit(f"usage: image.py {'|'.join(IMAGES)} BINARY FOLDER")
    image, binary, folder = IMAGES[sys.argv[1]], Path(sys.argv[2]), Path(sys.argv[3])
    version = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
    layer = make_layer(binary, image)
    archive, manifest = make_archive(layer, image, version)
    write(folder / "rootfs.tar", layer)
    write(folder / "image.tar", archive)
    write(folder / "image.digest", f"{manifest}\n".encode())
    print(f"{folder / 'image.tar'}: {image['name']}:{version}, {len(archive)} bytes, manifest {manifest}")


main()
