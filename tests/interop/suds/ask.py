"""Asks the questions of standard input with suds; see ../steps.sh."""

import os
import ssl
import sys
from pathlib import Path
from urllib.request import HTTPSHandler, ProxyHandler, build_opener

import suds
from suds.client import Client
from suds.transport.http import HttpTransport

sys.path.insert(0, str(Path(__file__).parent.parent))
from disclosed import answer_all  # noqa: E402


class MutualTls(HttpTransport):
    """suds knows nothing of client certificates, but takes a urllib opener that does."""

    def __init__(self, word: str) -> None:
        super().__init__()
        context = ssl.create_default_context(cafile=os.environ["INTEROP_CA"])
        clients = os.environ["INTEROP_CLIENTS"]
        context.load_cert_chain(f"{clients}/{word}.pem", f"{clients}/{word}.key")
        self.urlopener = build_opener(ProxyHandler({}), HTTPSHandler(context=context))


def open_caller(word: str):
    paths = ("/eHealthAttributesService/v1/consult", "/TestConnectionServiceService/sendTestMessage")
    urls = [f"{os.environ['INTEROP_URL']}{path}?wsdl" for path in paths]
    return [Client(url, transport=MutualTls(word), cache=None).service for url in urls]


def ask(caller, customer, context, criteria):
    try:
        reply = caller[0].consultAttributes(informationCustomer=customer, legalContext=context, criteria=criteria)
    except suds.WebFault as error:
        # suds reads a fault without its type: one detail is no list.
        details = error.fault.detail.consultAttributesFault.detail
        detail = details[0] if isinstance(details, list) else details
        return detail.reasonCode, None
    return reply.status.code, reply


print("VERSION", f"suds-community {suds.__version__}, Python {sys.version.split()[0]}", sep="\t")
answer_all(open_caller, ask, lambda caller, echo: caller[1].sendTestMessage(echo).echo)
