"""Validates JSON outputs against the schemas of docs/reference/json, with `jsonschema`.

    python check_schemas.py FOLDER

FOLDER has files NAME.json (one value) and NAME.jsonl (one value a line); NAME, up to a `~`, names the
schema. Every schema is valid by its own meta-schema (draft 2020-12). A key that a schema does not name is
an error here, although the schemas allow it: a later version may add keys, but documents them. Prints the
number of values of each schema; exits 1 with one line for each error.
"""

import copy
import json
import pathlib
import sys

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from validators import PROJECT

SCHEMAS = PROJECT / "docs/reference/json"
# The events of the log have fields of their own; another program may add to the ready file.
OPEN = {"log-line", "simulate-ready-file"}


def strict(schema):
    """The schema, with every object that names its keys closed."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: strict(value) for key, value in schema.items()}
    if isinstance(closed.get("properties"), dict) and "additionalProperties" not in closed and "type" in closed:
        closed["additionalProperties"] = False
    return closed


def values(path):
    text = path.read_text("utf-8")
    for line in text.splitlines() if path.suffix == ".jsonl" else [text]:
        yield json.loads(line)


def main(folder):
    schemas = {path.name.removesuffix(".schema.json"): json.loads(path.read_text()) for path in SCHEMAS.iterdir()}
    errors = []
    for name, schema in schemas.items():
        Draft202012Validator.check_schema(schema)
        if schema["$id"] != f"{name}.schema.json":
            errors.append(f"{name}: $id is {schema['$id']}")
    closed = {name: schema if name in OPEN else strict(copy.deepcopy(schema)) for name, schema in schemas.items()}
    registry = Registry().with_resources(
        (schema["$id"], Resource.from_contents(schema)) for schema in closed.values()
    )
    counts = {}
    for path in sorted(pathlib.Path(folder).iterdir()):
        name = path.stem.split("~")[0]
        validator = Draft202012Validator(closed[name], registry=registry)
        for value in values(path):
            counts[name] = counts.get(name, 0) + 1
            errors += [f"{path.name}: {error.json_path}: {error.message[:300]}" for error in validator.iter_errors(value)]
    for name in sorted(counts):
        print(name, counts[name])
    if errors:
        sys.exit("\n".join(errors))


main(sys.argv[1])
