"""Asks the questions of standard input with zeep, in its strict mode; see ../steps.sh."""

import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

import requests
import zeep

sys.path.insert(0, str(Path(__file__).parent.parent))
from disclosed import answer_all  # noqa: E402


def open_caller(word: str):
    session = requests.Session()
    session.trust_env = False  # the environment's authorities would take precedence
    session.verify = os.environ["INTEROP_CA"]
    session.cert = tuple(f"{os.environ['INTEROP_CLIENTS']}/{word}.{kind}" for kind in ("pem", "key"))
    transport, settings = zeep.Transport(session=session), zeep.Settings(strict=True)

    def of_contract(service: str):
        wsdl = os.environ[f"INTEROP_{service}_WSDL"]
        return zeep.Client(wsdl, transport=transport, settings=settings).service

    def of_ksz(folder: str):
        client = zeep.Client(f"{folder}/TestConnectionService.wsdl", settings=settings, transport=transport)
        ((service,),) = (service.ports.values() for service in client.wsdl.services.values())
        # KSZ's path at our host.
        path = urlsplit(service.binding_options["address"]).path
        return client.create_service(str(service.binding.name), f"{os.environ['INTEROP_URL']}{path}")

    ksz = os.environ.get("INTEROP_KSZ")
    return [of_contract("CONSULT"), of_ksz(ksz) if ksz else of_contract("TEST")]


def ask(caller, customer, context, criteria):
    try:
        reply = caller[0].consultAttributes(informationCustomer=customer, legalContext=context, criteria=criteria)
    except zeep.exceptions.Fault as fault:
        return fault.detail.findtext(".//reasonCode"), None
    return reply.status.code, reply


print("VERSION", f"zeep {zeep.__version__}, Python {sys.version.split()[0]}", sep="\t")
answer_all(open_caller, ask, lambda caller, echo: caller[1].sendTestMessage(echo=echo).echo)
