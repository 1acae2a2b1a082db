"""Tests the connection with the client that zeep makes of KSZ's own WSDL, in its strict mode.

    ksz_client.py URL WSDL CA CERTIFICATE KEY

URL is the service's scheme and authority, which replaces KSZ's. Prints the number of calls; exits 1 with
an assertion if one of them differs from what a client of KSZ relies on.
"""

import re
import sys
from urllib.parse import urlsplit

import requests
import zeep
from zeep.plugins import HistoryPlugin

UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def main() -> int:
    url, wsdl, authority, certificate, key = sys.argv[1:]
    session = requests.Session()
    session.trust_env = False  # the environment's authorities would take precedence
    session.verify, session.cert = authority, (certificate, key)
    history = HistoryPlugin()
    client = zeep.Client(
        wsdl, transport=zeep.Transport(session=session), plugins=[history], settings=zeep.Settings(strict=True)
    )
    ((port,),) = (service.ports.values() for service in client.wsdl.services.values())
    path = urlsplit(port.binding_options["address"]).path
    assert path.startswith("/SOA4520/"), path
    calls = 0
    # As KSZ's WSDL has the path, and below our own host alone.
    for address in (f"{url}{path}", f"{url}{path.removeprefix('/SOA4520')}"):
        service = client.create_service(str(port.binding.name), address)
        reply = service.sendTestMessage(echo="Hé <&> 😀")
        calls += 1
        assert reply.echo == "Hé <&> 😀", reply
        assert "CBE=0999010126" in reply.sslCertificate, reply
        assert re.fullmatch(UUID, reply.informationCBSS.ticketCBSS), reply
        received, replied = reply.informationCBSS.timestampReceive, reply.informationCBSS.timestampReply
        assert received.tzinfo and received <= replied, reply
        assert dir(reply) == ["echo", "informationCBSS", "sslCertificate"], dir(reply)
        # A fault that the WSDL does not declare.
        try:
            service.sendTestMessage(echo="a" * 70_000)
        except zeep.exceptions.Fault as fault:
            calls += 1
            (detail,) = fault.detail
            assert fault.code.endswith(":Client"), fault.code
            assert detail.tag == f"{{{port.binding.name.namespace}}}sendTestMessageFault", detail.tag
            assert detail.findtext("detail/reasonCode") == "MSG90015", fault.detail
    print(f"{calls} calls")
    return 0


if __name__ == "__main__":
    sys.exit(main())
