"""Asks the questions of standard input with the dataclasses that xsdata generates; see ../steps.sh."""

from __future__ import annotations

import csv
import os
import sys
from importlib.metadata import version

import requests
from generated import consult, test
from xsdata.formats.dataclass.client import Client, Config
from xsdata.formats.dataclass.transports import DefaultTransport
from xsdata.models.datatype import XmlDate

CONSULT = consult.EHealthAttributesPortTypeConsultAttributes
TEST = test.TestConnectionServicePortTypeSendTestMessage


class Caller:
    """Both services, with the certificate of one caller."""

    def __init__(self, word: str):
        session = requests.Session()
        session.trust_env = False  # the environment's authorities would take precedence
        session.verify = os.environ["INTEROP_CA"]
        session.cert = tuple(f"{os.environ['INTEROP_CLIENTS']}/{word}.{kind}" for kind in ("pem", "key"))
        # The default limit of 2 s is for the whole read.
        transport = DefaultTransport(timeout=30.0, session=session)
        url = os.environ["INTEROP_URL"]
        consult_url = f"{url}/eHealthAttributesService/v1/consult"
        test_url = f"{url}/TestConnectionServiceService/sendTestMessage"
        self.consult = Client(Config.from_service(CONSULT, location=consult_url), transport=transport)
        self.test = Client(Config.from_service(TEST, location=test_url), transport=transport)

    def echo(self, text: str) -> str:
        message = TEST.input(
            body=TEST.input.Body(send_test_message_request=test.SendTestMessageRequest(echo=text)),
        )
        return self.test.send(message).body.send_test_message_response.echo

    def ask(self, case: str, number: str, context: str, criteria: consult.CriteriaType):
        customer = consult.InformationCustomerType(
            ticket=case,
            customer_identification=consult.OrganizationIdentificationType(cbe_number=number),
        )
        request = consult.ConsultAttributesRequest(
            information_customer=customer, legal_context=context, criteria=criteria
        )
        # The class demands a header, because the WSDL declares one. Without an end user there is none.
        message = CONSULT.input(header=None, body=CONSULT.input.Body(consult_attributes_request=request))
        return self.consult.send(message).body


def period(days) -> str:
    return f"[{days.begin_date}..{days.end_date or ''}]"


def disclosed(reply) -> str:
    if reply.result is None:
        return ""
    filtered = reply.data_filters.filtered_element if reply.data_filters else []
    parts = []
    for employment in reply.result.employment:
        text = employment.employer.cbe_number if employment.employer else ""
        text += period(employment.period) if employment.period else ""
        if "employment/preventionService/cbeNumber" not in filtered:
            services = employment.prevention_service
            text += "{" + ", ".join(f"{s.type_value.value} {s.cbe_number}{period(s.affiliation)}" for s in services) + "}"
        parts.append(text)
    if reply.result.health_insurance_fund:
        parts.append(f"fund {reply.result.health_insurance_fund.cbe_number}")
    return "; ".join(parts)


def person(reply) -> str:
    if reply.ssin and reply.ssin.replaced_by:
        return f"{reply.ssin.value}>{reply.ssin.replaced_by}"
    return (reply.result.ssin if reply.result else None) or ""


def sources(reply) -> str:
    listed = reply.sources.source if reply.sources else []
    return ", ".join(f"{source.name.value} {source.value.value}" for source in listed)


def criteria_of(ssin: str, begin: str, end: str) -> consult.CriteriaType:
    """The criteria of a question; raises `ValueError` for a day that no calendar has."""
    if end != "-":
        days = consult.PeriodType(begin_date=XmlDate.from_string(begin), end_date=XmlDate.from_string(end))
        return consult.CriteriaType(ssin=ssin, period=days)
    day = None if begin == "-" else XmlDate.from_string(begin)
    return consult.CriteriaType(ssin=ssin, reference_date=day)


def main() -> None:
    print("VERSION", f"xsdata {version('xsdata')}, Python {sys.version.split()[0]}", sep="\t")
    callers: dict[str, Caller] = {}
    for case, word, number, context, ssin, begin, end in csv.reader(sys.stdin, delimiter="\t"):
        if word not in callers:
            callers[word] = Caller(word)
        caller = callers[word]
        if context == "-":
            print(case, "ECHO", caller.echo(case), "", "", sep="\t")
            continue
        try:
            criteria = criteria_of(ssin, begin, end)
        except ValueError:
            print(case, "-", "", "", "", sep="\t")
            continue
        body = caller.ask(case, number, context, criteria)
        if body.fault is not None:
            print(case, body.fault.detail.consult_attributes_fault.detail[0].reason_code, "", "", "", sep="\t")
            continue
        reply = body.consult_attributes_response
        print(case, reply.status.code, disclosed(reply), person(reply), sources(reply), sep="\t")


main()
