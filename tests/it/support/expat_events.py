"""Parses documents with expat: the independent parser of tests/it/xml_suite.rs.

Reads a file with one document per line, in hexadecimal digits, after a first line with the namespaces
that the reader distinguishes. Prints one line for each: `malformed`, or `read` and the events, in a
notation that both sides share:

    <SPACE|NAME SPACE|NAME=VALUE ...>TEXT</>

Attributes are sorted, adjacent text is joined, comments and namespace declarations are omitted. Every
character of names, values and text that is not an ASCII letter or digit is {hexadecimal code}. SPACE
is empty, one of the namespaces, or `*`.

expat accepts half a surrogate pair, which is not a character of UTF-16 (RFC 2781, section 2.2). Such a
document is `malformed` here.
"""

import codecs
import sys
from xml.parsers import expat


def spell(text):
    return "".join(c if c.isascii() and c.isalnum() else "{%x}" % ord(c) for c in text)


def has_half_a_pair(document):
    """Whether a document is UTF-16 by its byte order mark and has half a surrogate pair."""
    for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if document.startswith(mark):
            text = document[: len(document) // 2 * 2].decode(encoding, "surrogatepass")
            return any("\ud800" <= character <= "\udfff" for character in text)
    return False


def events(document, known):
    if has_half_a_pair(document):
        return "malformed"

    def name(expanded):
        namespace, _, local = expanded.rpartition("\n")
        return (namespace if namespace in known else "*" if namespace else "") + "|" + spell(local)

    spelled = []

    def start(element, attributes):
        parts = [name(element)]
        parts += sorted(name(key) + "=" + spell(value) for key, value in attributes.items())
        spelled.append("<" + " ".join(parts) + ">")

    parser = expat.ParserCreate(namespace_separator="\n")
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda element: spelled.append("</>")
    parser.CharacterDataHandler = lambda text: spelled.append(spell(text))
    try:
        parser.Parse(document, True)
    except (expat.ExpatError, LookupError, ValueError):
        # The last two: an encoding that Python does not know, or cannot teach expat.
        return "malformed"
    return "read " + "".join(spelled)


with open(sys.argv[1], encoding="ascii") as documents:
    namespaces = set(documents.readline().split())
    for line in documents:
        print(events(bytes.fromhex(line.strip()), namespaces))
