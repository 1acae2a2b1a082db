"""Validates sample messages against the contract's schemas.

    python check_instances.py VALID INVALID

Both oracles must accept every *.xml in the folder VALID and refuse every one in INVALID. The
first comment of an invalid sample is `wrong: NAME`, the element or attribute that both validators
must name. A refusal for another reason is a failure. Prints how many were checked; exits 1 with one
line for each failure.
"""

import pathlib
import re
import sys

from validators import Contract, parse


def fault_of(root):
    """The name in an invalid sample's comment, if there is one."""
    comment = root.xpath("string(preceding-sibling::comment())")
    found = re.fullmatch(r"\s*wrong: (\w+)\s*", comment)
    return found and found[1]


def failures(contract, valid, invalid):
    """Yields every sample whose validation differs from its folder."""
    for path in valid:
        for validator, errors in zip(("libxml2", "xmlschema"), contract.errors(parse(path))):
            yield from (f"{path.name}: {validator} refuses it: {error}" for error in errors)
    for path in invalid:
        root = parse(path)
        name = fault_of(root)
        if not name:
            yield f"{path.name}: no comment that says what is wrong in it"
            continue
        for validator, errors in zip(("libxml2", "xmlschema"), contract.errors(root)):
            if not errors:
                yield f"{path.name}: {validator} accepts it"
            elif not any(re.search(rf"\b{name}\b", error) for error in errors):
                yield f"{path.name}: {validator} refuses it, but not for {name}: {errors}"


def main():
    """Checks both folders."""
    valid, invalid = (sorted(pathlib.Path(folder).glob("*.xml")) for folder in sys.argv[1:3])
    found = list(failures(Contract(), valid, invalid))
    print(f"{len(valid)} valid, {len(invalid)} invalid")
    if found or not valid or not invalid:
        sys.exit("\n".join(found) or "a folder without samples")


if __name__ == "__main__":
    main()
