"""Prints the names of the contract in the files, one per line, for a test to compare with its table.

    python describe.py services [FOLDER]    each WSDL as the SOAP client zeep reads it, in strict mode
    python describe.py types                every type and global element of each schema

A type is printed as its content: name:type in order, ? * + for how often ([1..30] for other
bounds), (a | b) for a choice. A simple type is printed as its base and facets, a type without a name in
braces, an extension as its base, a plus, and what it adds.
"""

import sys
from pathlib import Path

import zeep

from validators import SCHEMAS, WSDLS, XS, parse


def services():
    """The facts of each WSDL."""
    for path in sorted(Path(sys.argv[2]).glob("*.wsdl")) if len(sys.argv) > 2 else WSDLS:
        client = zeep.Client(str(path), settings=zeep.Settings(strict=True))
        for service in client.wsdl.services.values():
            for port in service.ports.values():
                yield f"{path.name}: service {service.name}, port {port.name}"
                yield f"  address {port.binding_options['address']}"
                for operation in port.binding.all().values():
                    yield f"  operation {operation.name} ({type(port.binding).__name__}, {operation.style})"
                    yield f"  SOAPAction {operation.soapaction}"
                    yield f"  input {operation.input.body.qname} of {operation.input.body.type.qname}"
                    yield f"  output {operation.output.body.qname} of {operation.output.body.type.qname}"
                    for name in operation.faults:
                        (part,) = operation.abstract.fault_messages[name].parts.values()
                        yield f"  fault {name} {part.element.qname} of {part.element.type.qname}"


def often(particle):
    """How often something occurs."""
    least, most = particle.get("minOccurs", "1"), particle.get("maxOccurs", "1")
    short = {("1", "1"): "", ("0", "1"): "?", ("0", "unbounded"): "*", ("1", "unbounded"): "+"}
    return short.get((least, most), f"[{least}..{most}]")


def content(group):
    """The content of a sequence or a choice."""
    parts = []
    for particle in group:
        kind = particle.tag.removeprefix(f"{{{XS}}}")
        if kind == "element":
            parts.append(f"{particle.get('name')}:{particle.get('type') or unnamed(particle)}{often(particle)}")
        elif kind == "choice":
            parts.append(f"({' | '.join(content(particle))}){often(particle)}")
        elif kind == "sequence":
            parts.append(" ".join(content(particle)) + often(particle))
        elif kind != "annotation":
            parts.append(f"{kind}!")
    return parts


def unnamed(particle):
    """The type inside of an element."""
    (declared,) = (child for child in particle.iterchildren(tag="*") if child.tag != f"{{{XS}}}annotation")
    return "{" + definition(declared) + "}"


def definition(declared):
    """Content of a type, in one line."""
    for content_model in ("complexContent", "simpleContent"):
        extension = declared.find(f"{{{XS}}}{content_model}/{{{XS}}}extension")
        if extension is None:
            continue
        return f"{extension.get('base')} + {definition(extension)}"
    restriction = declared.find(f"{{{XS}}}restriction")
    if restriction is not None:
        facets = [f"{f.tag.removeprefix(f'{{{XS}}}')}={f.get('value')}" for f in restriction]
        return " ".join([restriction.get("base")] + facets)
    group = [g for g in declared if g.tag in (f"{{{XS}}}sequence", f"{{{XS}}}choice")]
    attributes = [f"@{a.get('name')}:{a.get('type', 'own')}:{a.get('use', 'optional')}" for a in declared.iterfind(f"{{{XS}}}attribute")]
    choice = [f"({' | '.join(content(g))})" if g.tag.endswith("choice") else " ".join(content(g)) for g in group]
    return " ".join(choice + attributes)


def types():
    """The types and global elements of each schema."""
    for path in SCHEMAS + WSDLS:
        for schema in parse(path).iter(f"{{{XS}}}schema"):
            forms = {schema.get("elementFormDefault", "unqualified"), schema.get("attributeFormDefault", "unqualified")}
            yield f"{path.name}: {schema.get('targetNamespace', 'no namespace')}, {' '.join(sorted(forms))}"
            for declared in schema.iterchildren(tag="*"):
                kind = declared.tag.removeprefix(f"{{{XS}}}")
                if kind == "element":
                    yield f"  <{declared.get('name')}> {declared.get('type')}"
                elif kind in ("complexType", "simpleType"):
                    yield f"  {declared.get('name')} = {definition(declared)}"


if __name__ == "__main__":
    print("\n".join({"services": services, "types": types}[sys.argv[1]]()))
