"""Asks one question with zeep, generated from the served WSDL, and prints the code of its status or fault.

Arguments: the URL of the service, the files of CA, certificate and key, the organisation, the legal
context, the SSIN; then, for a question that names its end user, identifier and quality.
"""

import sys

import requests
import zeep

url, ca, certificate, key, organisation, context, ssin, *end_user = sys.argv[1:]
session = requests.Session()
session.trust_env = False  # the environment's authorities would take precedence
session.verify, session.cert = ca, (certificate, key)
address = f"{url}/eHealthAttributesService/v1/consult"
# The service under test has another port than the public URL in its contract.
client = zeep.Client(f"{address}?singleWsdl", transport=zeep.Transport(session=session), settings=zeep.Settings(strict=True))
binding = "{http://kszbcss.fgov.be/intf/eHealthAttributesService/v1}eHealthAttributesServiceHTTPBinding"
service = client.create_service(binding, address)
headers = []
if end_user:
    block = client.get_element("{urn:ehealth-attributes:end-user:v1}endUser")
    headers.append(block(id=end_user[0], quality=end_user[1]))
try:
    reply = service.consultAttributes(
        informationCustomer={"customerIdentification": {"cbeNumber": organisation}},
        legalContext=context,
        criteria={"ssin": ssin},
        _soapheaders=headers,
    )
    print(reply.status.code)
except zeep.exceptions.Fault as fault:
    print(fault.detail.findtext(".//reasonCode"))
