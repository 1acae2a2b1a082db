"""Validates SOAP envelopes against SOAP 1.1 and the contract.

    python validate.py FOLDER

Every *.xml in the folder is one HTTP body. Both oracles check the envelope and the shape of a
fault (the published schema of SOAP 1.1), the body's element, a fault's detail, and the header block of the end user. This script
checks what that schema leaves open: nothing after the body, one child in it, a fault code of
SOAP 1.1, and a detail exactly where SOAP 1.1 section 4.4 has one. Prints how many were valid; exits
1 with one line for each failure, also if there was nothing to validate.
"""

import pathlib
import sys

import lxml.etree

from validators import SOAP, Contract, Validators, parse

# Codes of faults about the body, which have a detail, and of other faults, which must have none.
WITH_DETAIL = {"Client", "Server"}
WITHOUT_DETAIL = {"VersionMismatch", "MustUnderstand"}

END_USER = "urn:ehealth-attributes:end-user:v1"


def both(errors, of):
    """Both oracles' errors, as lines."""
    for validator, found in zip(("libxml2", "xmlschema"), errors):
        yield from (f"{of}: {validator}: {error}" for error in found)


def fault_failures(fault, contract):
    """Errors of a fault beyond its shape."""
    prefix, _, code = fault.findtext("faultcode", "").strip().rpartition(":")
    if fault.nsmap.get(prefix or None) != SOAP or code not in WITH_DETAIL | WITHOUT_DETAIL:
        yield "faultcode: not one of SOAP 1.1, in its namespace"
    details = [child for detail in fault.iterfind("detail") for child in detail]
    if code in WITHOUT_DETAIL and fault.find("detail") is not None:
        yield f"detail: must be absent with {code}"
    if code in WITH_DETAIL and len(details) != 1:
        yield f"detail: {len(details)} elements, not one"
    for detail in details:
        if not lxml.etree.QName(detail).localname.endswith("Fault"):
            yield f"detail: {detail.tag} is no fault of the contract"
        yield from both(contract.errors(detail), "detail")


def failures(path, envelope_validators, contract):
    """Errors of one envelope."""
    try:
        envelope = parse(path)
    except lxml.etree.XMLSyntaxError as error:
        yield f"not well-formed: {error}"
        return
    if envelope.tag != f"{{{SOAP}}}Envelope":
        yield f"{envelope.tag} is no SOAP 1.1 envelope"
        return
    yield from both(envelope_validators.errors(envelope), "envelope")
    if [child.tag for child in envelope.iterchildren(tag="*")][-1:] != [f"{{{SOAP}}}Body"]:
        yield "envelope: does not end with its body"
    for block in envelope.iterfind(f"{{{SOAP}}}Header/{{{END_USER}}}*"):
        block = lxml.etree.fromstring(lxml.etree.tostring(block))
        for name in [name for name in block.attrib if name.startswith(f"{{{SOAP}}}")]:
            del block.attrib[name]  # Those of every header block, which no schema of a block declares.
        yield from both(contract.errors(block), "header block")
    children = [child for body in envelope.iterfind(f"{{{SOAP}}}Body") for child in body.iterchildren(tag="*")]
    if len(children) != 1:
        yield f"body: {len(children)} elements, not one"
    for child in children:
        if child.tag == f"{{{SOAP}}}Fault":
            yield from fault_failures(child, contract)
        else:
            yield from both(contract.errors(child), "body")


def main():
    """Validates the folder."""
    paths = sorted(pathlib.Path(sys.argv[1]).glob("*.xml"))
    envelope_validators, contract = Validators.of_published(soap_envelope=SOAP), Contract()
    found = [f"{path.name}: {failure}" for path in paths for failure in failures(path, envelope_validators, contract)]
    print(f"{len(paths)} envelopes, {len(found)} failures")
    if found or not paths:
        sys.exit("\n".join(found) or "no envelope to validate")


if __name__ == "__main__":
    main()
