"""Compares our CommonV3.xsd with KSZ's own, and validates messages with KSZ's in place of ours.

    python check_common.py KSZ_COMMON_V3 FOLDER [--messages]

Each type of ours must be KSZ's: the same content, bases and facets. Patterns may be written in another
way; they must agree on generated texts. Every message in the envelopes of FOLDER (*.xml) must be valid by
our schemas with KSZ's file in place of our CommonV3.xsd. Prints the types that ours leaves out, then how
many messages were valid; exits 1 with one line for each failure. With --messages it compares no types and
prints that number alone.
"""

import pathlib
import random
import re
import shutil
import sys
import tempfile

from lxml import etree

from describe import definition
from validators import PROJECT, SOAP, XS, parse

NAMES = ("complexType", "simpleType", "group")
TEXTS = 200_000


def types(path):
    """The definition of each type of a schema; its own prefix is written as `common`."""
    root = parse(path)
    own = next((prefix for prefix, uri in root.nsmap.items() if uri == root.get("targetNamespace") and prefix), None)
    schema = next(prefix for prefix, uri in root.nsmap.items() if uri == XS)
    for declared in root.iterchildren(*(f"{{{XS}}}{name}" for name in NAMES)):
        text = definition(declared).replace(f"{own}:", "common:").replace(f"{schema}:", "xs:")
        if declared.get("abstract") == "true":
            text += " abstract"
        patterns = [facet.get("value") for facet in declared.iter(f"{{{XS}}}pattern")]
        yield declared.get("name"), (re.sub(r" pattern=\S+", " pattern", text).split(" pattern")[0], patterns)


def agree(ours, theirs):
    """Whether two sets of patterns accept the same texts, of those that are likely to tell them apart."""
    dice = random.Random(1)
    ours, theirs = ([re.compile(pattern, re.ASCII) for pattern in patterns] for patterns in (ours, theirs))
    lengths = [10] * 2 + [11] * 6 + [12, 36] + list(range(40))
    for _ in range(TEXTS):
        length = dice.choice(lengths)
        text = "".join(dice.choices("0123456789", k=length))
        if length == 36:
            text = "-".join("".join(dice.choices("0123456789abcdefABCDEFg", [9] * 22 + [1], k=k)) for k in (8, 4, 4, 4, 12))
        if any(p.fullmatch(text) for p in ours) != any(p.fullmatch(text) for p in theirs):
            return f"differs on {text}"
    return None


def compare(ours, theirs):
    """One line for each type of ours that is not KSZ's."""
    for name, (content, patterns) in ours.items():
        if name not in theirs:
            yield f"{name} is not a type of KSZ"
            continue
        content_of_ksz, patterns_of_ksz = theirs[name]
        if content != content_of_ksz:
            yield f"{name} is {content}, KSZ's is {content_of_ksz}"
        elif bool(patterns) != bool(patterns_of_ksz) or patterns and (agree(patterns, patterns_of_ksz)):
            yield f"{name}: its patterns differ from KSZ's: {agree(patterns, patterns_of_ksz)}"


def validator(common):
    """Our schemas with another CommonV3.xsd."""
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "schemas").mkdir()
        (pathlib.Path(folder) / "wsdl").mkdir()
        shutil.copy(PROJECT / "schemas" / "eHealthAttributesV1.xsd", pathlib.Path(folder) / "schemas")
        shutil.copy(common, pathlib.Path(folder) / "schemas" / "CommonV3.xsd")
        wsdl = parse(PROJECT / "wsdl" / "eHealthAttributesServiceV1.wsdl")
        schema = wsdl.find(f".//{{{XS}}}schema")
        inside = pathlib.Path(folder) / "wsdl" / "messages.xsd"
        inside.write_bytes(etree.tostring(schema))
        return etree.XMLSchema(etree.parse(str(inside)))


def main():
    """Compares the schemas and validates the folder."""
    common, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    messages_only = sys.argv[3:] == ["--messages"]
    ours, theirs = dict(types(PROJECT / "schemas" / "CommonV3.xsd")), dict(types(common))
    found = [] if messages_only else list(compare(ours, theirs))
    schema, count = validator(common), 0
    for path in sorted(folder.glob("*.xml")):
        (message,) = parse(path).find(f"{{{SOAP}}}Body").iterchildren(tag="*")
        if message.tag == f"{{{SOAP}}}Fault":
            details = message.find("detail")
            message = next(details.iterchildren(tag="*"), None) if details is not None else None
        if message is None or "eHealthAttributesService" not in message.tag:
            continue
        count += 1
        if not schema.validate(message):
            found.append(f"{path.name}: {schema.error_log.last_error}")
    if messages_only:
        print(count)
    else:
        print(f"left out: {', '.join(sorted(theirs.keys() - ours.keys()))}")
        print(f"{count} messages")
    if found or not (count or messages_only):
        sys.exit("\n".join(found) or "no message")


if __name__ == "__main__":
    main()
