"""Compares our contract of TestConnectionService with KSZ's own.

    python check_ksz.py KSZ_WSDL FOLDER

Both oracles must accept every message in the envelopes of FOLDER (*.xml) by the schema of KSZ_WSDL. What
a client sees of both WSDLs must be equal: names, types, SOAPAction and path, apart from the host and
the segment of KSZ's platform. Prints how many messages were valid; exits 1 with one line for each
failure.
"""

import pathlib
import sys
from urllib.parse import urlsplit

import zeep

from validators import PROJECT, SOAP, Validators, parse


def seen(path):
    """The facts of a WSDL that a generated client depends on."""
    client = zeep.Client(str(path), settings=zeep.Settings(strict=True))
    for service in client.wsdl.services.values():
        for port in service.ports.values():
            address = urlsplit(port.binding_options["address"]).path.removeprefix("/SOA4520")
            yield f"{service.name} {port.name} {port.binding.name} {port.binding.port_type.name} {address}"
            for operation in port.binding.all().values():
                yield f"{operation.name} {operation.soapaction} {operation.style} {sorted(operation.faults)}"
                for message in (operation.input, operation.output):
                    part = message.body
                    yield f"{message.abstract.name} {list(message.abstract.parts)} {part.qname} {part.type.qname}"
                    yield part.type.signature(schema=client.wsdl.types)


def main():
    """Checks the WSDL and the folder."""
    wsdl, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    found = []
    ours, theirs = list(seen(PROJECT / "wsdl" / "TestConnectionServiceV1.wsdl")), list(seen(wsdl))
    found += [f"ours: {our}, KSZ's: {their}" for our, their in zip(ours, theirs) if our != their]
    if len(ours) != len(theirs):
        found.append(f"ours: {ours}, KSZ's: {theirs}")
    validators = Validators.of_wsdl(wsdl)
    paths = sorted(folder.glob("*.xml"))
    for path in paths:
        (message,) = parse(path).find(f"{{{SOAP}}}Body").iterchildren(tag="*")
        found += [f"{path.name}: {error}" for errors in validators.errors(message) for error in errors]
    print(f"{len(paths)} messages")
    if found or not paths:
        sys.exit("\n".join(found) or "no message")


if __name__ == "__main__":
    main()
