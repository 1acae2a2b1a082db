"""A test against the simulator: replace `ask` by the client of your software."""

import pytest
import requests
from simulator import Simulator

QUESTION = """<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"
    xmlns:intf="http://kszbcss.fgov.be/intf/eHealthAttributesService/v1"><soapenv:Body>
  <intf:consultAttributesRequest>
    <informationCustomer><customerIdentification><cbeNumber>0999010126</cbeNumber></customerIdentification></informationCustomer>
    <legalContext>BACKTOWORK:ADVISORY_PHYSICIAN</legalContext>
    <criteria><ssin>85073099932</ssin></criteria>
  </intf:consultAttributesRequest>
</soapenv:Body></soapenv:Envelope>"""


@pytest.fixture(scope="session")
def simulator():
    with Simulator() as simulator:
        yield simulator


@pytest.fixture(autouse=True)
def no_failures(simulator):
    simulator.fail()


def ask(simulator: Simulator) -> requests.Response:
    return requests.post(
        simulator.consult_url, QUESTION, timeout=10, verify=simulator.file("ca.pem"),
        cert=(simulator.file("clients/fund.pem"), simulator.file("clients/fund.key")),
        headers={"Content-Type": "text/xml; charset=utf-8"},
    )


def test_answer(simulator):
    assert "<code>MSG00000</code>" in ask(simulator).text


def test_first_503_then_the_answer(simulator):
    simulator.fail({"kind": "http", "status": 503, "retry_after": 1, "times": 1})
    refused = ask(simulator)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert "<code>MSG00000</code>" in ask(simulator).text


def test_stale_dataset(simulator):
    simulator.fail(stale=["coprev"])
    assert "<code>HAN20200</code>" in ask(simulator).text
