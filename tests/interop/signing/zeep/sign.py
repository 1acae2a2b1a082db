"""Signs a request with zeep and sends it; see ../steps.sh."""

import os
import sys
from datetime import datetime, timedelta, timezone

import requests
import xmlsec
import zeep
from lxml import etree
from zeep.wsse.signature import BinarySignature
from zeep.wsse.utils import WSU, get_security_header

url, out = os.environ["SIGNING_URL"], os.environ["SIGNING_OUT"]
SERVICE = "http://kszbcss.fgov.be/intf/eHealthAttributesService/v1"


class SignedRequest(BinarySignature):
    """Adds a Timestamp and signs it together with the Body."""

    def apply(self, envelope, headers):
        now = datetime.fromisoformat(os.environ["NOW"]) if os.environ.get("NOW") else datetime.now(timezone.utc)
        created = now.astimezone(timezone.utc)
        times = {"Created": created, "Expires": created + timedelta(minutes=5)}
        stamp = WSU.Timestamp(*(WSU(name, time.strftime("%Y-%m-%dT%H:%M:%SZ")) for name, time in times.items()))
        security = get_security_header(envelope)
        security.set(etree.QName(etree.QName(envelope).namespace, "mustUnderstand"), "1")
        security.append(stamp)
        return super().apply(envelope, headers)

    def verify(self, envelope):
        """The response is not signed; without this method zeep refuses it."""
        return envelope


class Written(Exception):
    """The request was written, and is not sent."""


class Wire(zeep.Transport):
    """Keeps the bytes of the request."""

    def post(self, address, message, headers):
        with open(out, "wb") as file:
            file.write(message)
        if url == "-":
            raise Written
        return super().post(address, message, headers)


METHODS = {"rsa": xmlsec.Transform.RSA_SHA256, "ec": xmlsec.Transform.ECDSA_SHA256}

session = requests.Session()
session.trust_env = False  # the environment's authorities would take precedence
session.verify = os.environ["SIGNING_CA"]
session.cert = os.environ["SIGNING_CERT"], os.environ["SIGNING_KEY"]
signature = SignedRequest(
    os.environ["SIGNING_SIGN_KEY"],
    os.environ["SIGNING_SIGN_CERT"],
    signature_method=METHODS[os.environ["SIGNING_KIND"]],
    digest_method=xmlsec.Transform.SHA256,
)
client = zeep.Client(os.environ["SIGNING_WSDL"], wsse=signature, transport=Wire(session=session))
service = client.create_service(f"{{{SERVICE}}}eHealthAttributesServiceHTTPBinding", url)
try:
    reply = service.consultAttributes(
        informationCustomer={"customerIdentification": {"cbeNumber": os.environ["CBE"]}},
        legalContext=os.environ["LEGAL_CONTEXT"],
        criteria={"ssin": os.environ["SSIN"]},
    )
    print(reply.status.code)
except Written:
    pass
except zeep.exceptions.Fault as fault:
    reason = fault.detail.findtext(".//reasonCode") if fault.detail is not None else None
    print(fault.message, reason or "-")
    sys.exit(3)
