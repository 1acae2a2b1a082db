"""Compiles every schema, and checks each WSDL against WSDL 1.1 and the WS-I Basic Profile 1.1.

    python check_documents.py [FOLDER]

FOLDER has the files; without it they are those of the project. Prints what was checked; exits 1 with
one line for each failure.
"""

import sys
from pathlib import Path

import xmlschema.extras.wsdl

from validators import SCHEMAS, WSDL, WSDL_SOAP, WSDLS, XS, Validators, parse

DOCUMENTED = ["complexType", "simpleType", "element", "attribute"]


def undocumented(root):
    """Named declarations of a schema without documentation."""
    for kind in DOCUMENTED:
        for declared in root.iter(f"{{{XS}}}{kind}"):
            text = declared.findtext(f"{{{XS}}}annotation/{{{XS}}}documentation", "").strip()
            if declared.get("name") and not text:
                yield f"{kind} {declared.get('name')} has no documentation"


def breaches(root):
    """Violations of rules of the Basic Profile that a schema cannot express."""
    for message in root.iterfind(f"{{{WSDL}}}message"):
        parts = message.findall(f"{{{WSDL}}}part")
        if len(parts) != 1 or not parts[0].get("element") or parts[0].get("type"):
            yield f"message {message.get('name')}: not one part that is an element (R2204, R2210)"
    ports = {p.get("name"): p for p in root.iterfind(f"{{{WSDL}}}portType")}
    for binding in root.iterfind(f"{{{WSDL}}}binding"):
        soap = binding.find(f"{{{WSDL_SOAP}}}binding")
        if soap.get("transport") != "http://schemas.xmlsoap.org/soap/http" or soap.get("style") != "document":
            yield f"binding {binding.get('name')}: not document over HTTP (R2702, R2705)"
        bound = {o.get("name"): o for o in binding.iterfind(f"{{{WSDL}}}operation")}
        offered = {o.get("name"): o for o in ports[binding.get("type").split(":")[1]].iterfind(f"{{{WSDL}}}operation")}
        if bound.keys() != offered.keys():
            yield f"binding {binding.get('name')}: not the operations of its port type (R2718)"
        for name, operation in bound.items():
            for way in ("input", "output"):
                body = operation.find(f"{{{WSDL}}}{way}/{{{WSDL_SOAP}}}body")
                if body is None or body.get("use") != "literal" or body.get("namespace"):
                    yield f"operation {name}: {way} not literal, or with a namespace (R2706, R2716)"
            faults = {f.get("name"): f for f in operation.iterfind(f"{{{WSDL}}}fault")}
            if faults.keys() != {f.get("name") for f in offered[name].iterfind(f"{{{WSDL}}}fault")}:
                yield f"operation {name}: not the faults of its port type (R2718)"
            for fault_name, fault in faults.items():
                soap_fault = fault.find(f"{{{WSDL_SOAP}}}fault")
                if soap_fault is None or soap_fault.get("name") != fault_name or soap_fault.get("use") != "literal":
                    yield f"fault {fault_name}: its soap:fault has not its name, or is not literal (R2754, R2706)"


def main():
    """Checks every schema and every WSDL."""
    failures = []

    def look(path, what, check):
        """Runs one check of one file; an exception or a returned text is a failure."""
        try:
            found = list(check())
        except Exception as error:  # Each validator has its own exception types.
            found = [f"{type(error).__name__}: {error}"]
        failures.extend(f"{path.name}: {what}: {failure}" for failure in found)
        print(f"{path.name}: {what}: {'failed' if found else 'good'}")

    def compiled(make, path):
        """Compiles for both validators."""
        make(path)
        return []

    schemas, wsdls = SCHEMAS, WSDLS
    if len(sys.argv) > 1:
        schemas, wsdls = (sorted(Path(sys.argv[1]).glob(f"*.{kind}")) for kind in ("xsd", "wsdl"))
        if not wsdls:
            sys.exit("the folder has no WSDL")
    for path in schemas:
        look(path, "compiles", lambda: compiled(Validators.of_file, path))
        look(path, "says what everything is", lambda: undocumented(parse(path)))
    wsdl = Validators.of_published(wsdl=WSDL, wsdl_soap=WSDL_SOAP)
    for path in wsdls:
        look(path, "valid WSDL 1.1", lambda: sum(wsdl.errors(parse(path)), []))
        # Schemas that are inside together are compiled with the whole document, below.
        if len(parse(path).findall(f"{{{WSDL}}}types/{{{XS}}}schema")) == 1:
            look(path, "its schema compiles", lambda: compiled(Validators.of_wsdl, path))
        look(path, "says what everything is", lambda: undocumented(parse(path)))
        look(path, "refers to what is there", lambda: compiled(lambda p: xmlschema.extras.wsdl.Wsdl11Document(str(p)), path))
        look(path, "Basic Profile 1.1", lambda: breaches(parse(path)))
    if failures:
        sys.exit("\n".join(failures))


if __name__ == "__main__":
    main()
