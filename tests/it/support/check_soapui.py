"""Checks the SoapUI project in place of SoapUI, whose runner cannot be installed from a public registry.

    python check_soapui.py PROJECT ANSWERS

ANSWERS is the folder of the catalogue's stored answers. Checked are: references (binding, operation, endpoint, interface of
a step, key store), that every request is valid against the contract, and that each assertion holds for the stored answer.
Prints how many steps and assertions were checked; exits 1 with one line for each error.
"""

import collections
import pathlib
import sys
from urllib.parse import urlparse

import lxml.etree

from validators import SOAP, WSDL, WSDL_SOAP, Contract, parse

CON = "{http://eviware.com/soapui/config}"
XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
PROJECT_URL = "${#Project#url}"

# A request whose very point is a value outside its type: 30 February.
INVALID = {"no-such-day"}


def interface_errors(interface):
    """Errors of an interface; its operations go to `operations`."""
    name = interface.get("name")
    cache = interface.find(f"{CON}definitionCache")
    definition = lxml.etree.fromstring(cache.findtext(f"{CON}part/{CON}content").encode())
    if {interface.get("definition"), cache.get("rootPart"), cache.findtext(f"{CON}part/{CON}url")} != {
        interface.get("definition")
    }:
        yield f"{name}: definition, rootPart and url differ"
    if interface.get("bindingName") != f"{{{definition.get('targetNamespace')}}}{name}":
        yield f"{name}: bindingName {interface.get('bindingName')}"
    (binding,) = definition.findall(f"{{{WSDL}}}binding[@name='{name}']")
    (address,) = definition.iter(f"{{{WSDL_SOAP}}}address")
    endpoint = interface.findtext(f"{CON}endpoints/{CON}endpoint")
    if endpoint != PROJECT_URL + urlparse(address.get("location")).path:
        yield f"{name}: endpoint {endpoint} is not that of the WSDL"
    if any(schema.get("schemaLocation") for schema in definition.iter("{http://www.w3.org/2001/XMLSchema}import")):
        yield f"{name}: the WSDL refers to files"
    for operation in interface.findall(f"{CON}operation"):
        bound = binding.find(f"{{{WSDL}}}operation[@name='{operation.get('bindingOperationName')}']")
        if bound is None or bound.find(f"{{{WSDL_SOAP}}}operation").get("soapAction") != operation.get("action"):
            yield f"{name}: operation {operation.get('name')} is not that of the binding"


def request_errors(name, request, stores, endpoints, contract):
    """Errors of a request: key store, endpoint, and the message itself."""
    if request.get("sslKeystore") not in stores:
        yield f"{name}: no key store {request.get('sslKeystore')}"
    if request.findtext(f"{CON}endpoint") not in endpoints:
        yield f"{name}: endpoint {request.findtext(f'{CON}endpoint')}"
    envelope = lxml.etree.fromstring(request.findtext(f"{CON}request").encode())
    children = [child for body in envelope.iterfind(f"{{{SOAP}}}Body") for child in body.iterchildren(tag="*")]
    if len(children) != 1:
        yield f"{name}: {len(children)} elements in the body"
    found = [error for child in children for errors in contract.errors(child) for error in errors]
    if bool(found) != (name in INVALID):
        yield f"{name}: {found or 'is valid, but listed as invalid'}"


def text_of_result(result):
    """What SoapUI compares: true or false, or the text of the first node."""
    if isinstance(result, bool):
        return "true" if result else "false"
    return result[0].text if result else None


def assertion_errors(name, request, answer):
    """Errors of the assertions of a request, evaluated on its stored answer."""
    assertions = request.findall(f"{CON}assertion")
    kinds = collections.Counter(assertion.get("type") for assertion in assertions)
    if kinds["Valid HTTP Status Codes"] != 1 or kinds["Schema Compliance"] != 1 or not kinds["XPath Match"]:
        yield f"{name}: assertions {dict(kinds)}"
    is_fault = answer is not None and answer.find(f"{{{SOAP}}}Body/{{{SOAP}}}Fault") is not None
    for assertion in assertions:
        configuration = assertion.find(f"{CON}configuration")
        if assertion.get("type") == "Valid HTTP Status Codes":
            if configuration.findtext("codes") != ("500" if is_fault else "200"):
                yield f"{name}: HTTP status {configuration.findtext('codes')}"
        elif assertion.get("type") == "XPath Match":
            path, content = configuration.findtext("path"), configuration.findtext("content")
            compiled = lxml.etree.XPath(path)
            if answer is not None and text_of_result(compiled(answer)) != content:
                yield f"{name}: {path} is not {content}"


def step_errors(step, operations, stores, endpoints, contract, answers):
    """Errors of a test step."""
    name, config = step.get("name"), step.find(f"{CON}config")
    if config.get(XSI_TYPE) != "con:RequestStep" or step.get("type") != "request":
        yield f"{name}: is not a request"
    used = (config.findtext(f"{CON}interface"), config.findtext(f"{CON}operation"))
    if used not in operations:
        yield f"{name}: no operation {used}"
    request = config.find(f"{CON}request")
    yield from request_errors(name, request, stores, endpoints, contract)
    file = answers / f"{name}.answer.xml"
    yield from assertion_errors(name, request, parse(file) if file.exists() else None)


def errors(project, answers):
    """Errors of the project."""
    contract = Contract()
    interfaces = project.findall(f"{CON}interface")
    operations = {(one.get("name"), inner.get("name")) for one in interfaces for inner in one.findall(f"{CON}operation")}
    endpoints = {endpoint.text for endpoint in project.iterfind(f"{CON}interface/{CON}endpoints/{CON}endpoint")}
    sources = [source.text for source in project.iterfind(f"{CON}wssContainer/{CON}crypto/{CON}source")]
    stores = {pathlib.PurePosixPath(source).name for source in sources}
    identifiers = collections.Counter(element.get("id") for element in project.iter("{*}*") if element.get("id"))
    yield from (f"id {identifier} twice" for identifier, count in identifiers.items() if count > 1)
    if project.findtext(f"{CON}properties/{CON}property[{CON}name='url']/{CON}value") is None:
        yield "no property url"
    for interface in interfaces:
        yield from interface_errors(interface)
        for call in interface.iter(f"{CON}call"):
            yield from request_errors(interface.get("name"), call, stores, endpoints, contract)
    for step in project.iter(f"{CON}testStep"):
        yield from step_errors(step, operations, stores, endpoints, contract, answers)


def main():
    """Checks the project."""
    project, answers = parse(pathlib.Path(sys.argv[1])), pathlib.Path(sys.argv[2])
    found = list(errors(project, answers))
    steps = {step.get("name") for step in project.iter(f"{CON}testStep")}
    unasked = {file.name.removesuffix(".answer.xml") for file in answers.glob("*.answer.xml")} - steps
    found += [f"{name}: no step asks it" for name in sorted(unasked)]
    assertions = len(list(project.iter(f"{CON}assertion")))
    print(f"{len(steps)} steps, {assertions} assertions, {len(found)} errors")
    if found or not steps:
        sys.exit("\n".join(found) or "no step")


if __name__ == "__main__":
    main()
