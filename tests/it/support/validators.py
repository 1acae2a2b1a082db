"""Validates messages of the contract with two independent XML Schema validators.

They are libxml2 (through lxml) and xmlschema, written independently of each other. An error of one
validator is found by the other; a result counts only if both give it.
"""

import pathlib

import lxml.etree
import xmlschema

PROJECT = pathlib.Path(__file__).resolve().parents[3]
SCHEMAS = sorted((PROJECT / "schemas").glob("*.xsd"))
WSDLS = sorted((PROJECT / "wsdl").glob("*.wsdl"))

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
WSDL = "http://schemas.xmlsoap.org/wsdl/"
WSDL_SOAP = "http://schemas.xmlsoap.org/wsdl/soap/"
XS = "http://www.w3.org/2001/XMLSchema"

# The fault that TestConnectionService has and, like KSZ's, does not declare (docs/reference/contract.md "Faults").
UNDECLARED_FAULT = f"""<xs:schema xmlns:xs="{XS}" xmlns:common="http://kszbcss.fgov.be/types/common/v3"
    targetNamespace="http://kszbcss.fgov.be/intf/TestConnectionServiceService/v1">
  <xs:import namespace="http://kszbcss.fgov.be/types/common/v3" schemaLocation="CommonV3.xsd"/>
  <xs:element name="sendTestMessageFault" type="common:CBSSFaultType"/>
</xs:schema>"""

# The published schemas of SOAP 1.1 and WSDL 1.1, which the xmlschema package carries.
PUBLISHED = pathlib.Path(xmlschema.__file__).parent / "schemas" / "WSDL"


def parse(path):
    """The root element of a file. Reads nothing but that file."""
    return lxml.etree.parse(str(path), lxml.etree.XMLParser(resolve_entities=False, no_network=True)).getroot()


def text_of(element):
    """An element as a document of its own, with the namespaces that are in scope."""
    return lxml.etree.tostring(element, with_tail=False, encoding="unicode")


class Validators:
    """Both oracles, with one schema."""

    def __init__(self, text, folder):
        """Compiles a schema given as text, whose relative references start from `folder`."""
        base = pathlib.Path(folder).as_uri() + "/"
        self.libxml2 = lxml.etree.XMLSchema(lxml.etree.fromstring(text, base_url=base + "schema.xsd"))
        self.xmlschema = xmlschema.XMLSchema10(text, base_url=base)

    @classmethod
    def of_file(cls, path):
        """With a schema that is a file."""
        return cls(text_of(parse(path)), path.parent)

    @classmethod
    def of_wsdl(cls, path):
        """With the one schema in a WSDL."""
        (schema,) = parse(path).iterfind(f"{{{WSDL}}}types/{{{XS}}}schema")
        return cls(text_of(schema), path.parent)

    @classmethod
    def of_published(cls, **files):
        """With published schemas: a keyword is the file's name, its value the namespace."""
        imports = "".join(
            f'<xs:import namespace="{namespace}" schemaLocation="{name.replace("_", "-")}.xsd"/>'
            for name, namespace in files.items()
        )
        return cls(f'<xs:schema xmlns:xs="{XS}">{imports}</xs:schema>', PUBLISHED)

    def errors(self, element):
        """Errors that each validator finds in an element: two lists, of libxml2 and xmlschema."""
        text = text_of(element)
        document = lxml.etree.fromstring(text)
        self.libxml2.validate(document)
        return (
            [f"line {error.line}: {error.message}" for error in self.libxml2.error_log],
            [f"{error.path}: {error.reason}" for error in self.xmlschema.iter_errors(text)],
        )


class Contract:
    """Every message of the contract, by its element's name."""

    def __init__(self):
        self.by_name = {}
        for validators in [Validators.of_wsdl(path) for path in WSDLS] + [
            Validators.of_file(PROJECT / "schemas" / "FeedNotificationV1.xsd"),
            Validators(UNDECLARED_FAULT, PROJECT / "schemas"),
        ]:
            for name in validators.xmlschema.maps.elements:
                self.by_name[name] = validators

    def errors(self, element):
        """As of `Validators`. A name that is not in the contract is an error for both."""
        validators = self.by_name.get(element.tag)
        if validators is None:
            return ([f"{element.tag}: not in the contract"],) * 2
        return validators.errors(element)
