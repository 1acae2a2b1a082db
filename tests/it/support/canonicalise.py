"""Canonicalises elements with lxml (libxml2): an independent oracle of Exclusive XML Canonicalization.

Reads a file with one document per line, in three columns with a tab between: the index of an element in
document order (0 is the root), the prefixes of `InclusiveNamespaces` with spaces between, the document in
hexadecimal digits. Further columns are ignored. Prints one line for each: the canonical form in hexadecimal
digits, or `refused`.
"""

import sys

from lxml import etree


def canonical(index, prefixes, document):
    # lxml has the empty prefix for `#default`, and ignores that token.
    inclusive = ["" if prefix == "#default" else prefix for prefix in prefixes]
    try:
        root = etree.fromstring(document, etree.XMLParser(resolve_entities=False, no_network=True))
        element = list(root.iter(etree.Element))[index]
        return etree.tostring(
            element,
            method="c14n",
            exclusive=True,
            with_comments=False,
            inclusive_ns_prefixes=inclusive or None,
        ).hex()
    except (etree.XMLSyntaxError, etree.C14NError):
        return "refused"


with open(sys.argv[1], encoding="utf-8") as documents:
    for line in documents:
        index, prefixes, document = line.rstrip("\n").split("\t")[:3]
        print(canonical(int(index), prefixes.split(), bytes.fromhex(document)))
