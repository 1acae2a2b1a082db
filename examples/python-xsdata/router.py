"""Prints the competent prevention service of each person, with dataclasses that xsdata generates. See ../README.md.

usage: router.py SSIN...
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass

import requests
from contract import (
    ConsultAttributesRequest,
    ConsultAttributesResponse,
    CriteriaType,
    EHealthAttributesPortTypeConsultAttributes,
    EmploymentType,
    InformationCustomerType,
    OrganizationIdentificationType,
    PreventionServiceType,
    PreventionServiceTypeCode,
    SourceNameType,
    SourceStatusType,
)
from xsdata.exceptions import ParserError
from xsdata.formats.dataclass.client import Client, Config
from xsdata.formats.dataclass.transports import DefaultTransport

OPERATION = EHealthAttributesPortTypeConsultAttributes

CONSULT = "/eHealthAttributesService/v1/consult"
ATTEMPTS = 3
# A host that drops packets must not block a worker for the two minutes of TCP.
CONNECT_SECONDS = 5
# The service answers in milliseconds. 30 s is longer than every queue in it, and shorter than the patience of a user.
ANSWER_SECONDS = 30
LONGEST_WAIT_SECONDS = 30
DEFAULT_WAIT_SECONDS = 1
# Faults of the service itself: the question was not answered, and may be asked again.
SERVICE_FAULTS = {"MSG00003", "MSG90053"}
QUOTA_EXHAUSTED = "MSG90052"


@dataclass(frozen=True)
class Settings:
    url: str
    authority: str
    certificate: str
    key: str
    organisation: str
    legal_context: str
    answer_seconds: float

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Settings:
        def required(name: str) -> str:
            if not environment.get(name):
                raise ValueError(f"{name} is not set")
            return environment[name]

        url = required("EHEALTH_URL").rstrip("/")
        seconds = environment.get("EHEALTH_TIMEOUT_SECONDS") or ANSWER_SECONDS
        try:
            answer_seconds = float(seconds)
        except ValueError:
            raise ValueError(f"EHEALTH_TIMEOUT_SECONDS is {seconds}, not a number") from None
        return cls(
            url=url,
            authority=required("EHEALTH_CA"),
            certificate=required("EHEALTH_CERTIFICATE"),
            key=required("EHEALTH_KEY"),
            organisation=required("EHEALTH_ORGANISATION"),
            legal_context=required("EHEALTH_LEGAL_CONTEXT"),
            answer_seconds=answer_seconds,
        )


class Refused(Exception):
    """A fault that the same question would get again."""


class Later(Exception):
    """No answer now; `retry` says whether the router may ask again at once."""

    def __init__(self, what: str, retry: bool, wait: float | None = None):
        super().__init__(what)
        self.retry = retry
        self.wait = min(wait if wait is not None else DEFAULT_WAIT_SECONDS, LONGEST_WAIT_SECONDS)


def retry_after(response: requests.Response | None) -> float | None:
    """`Retry-After` in seconds; the service sends no dates in it."""
    text = response.headers.get("Retry-After", "") if response is not None else ""
    return float(text) if text.isdigit() else None


class Directory:
    """The service, as one organisation."""

    def __init__(self, settings: Settings):
        self._settings = settings
        self._session = requests.Session()
        # Otherwise REQUESTS_CA_BUNDLE of the environment replaces the authority below.
        self._session.trust_env = False
        self._session.verify = settings.authority
        self._session.cert = (settings.certificate, settings.key)
        self._session.hooks["response"].append(self._check_status)
        self._response: requests.Response | None = None
        # requests applies the second limit to each read. The service sends an answer in one piece, so that this is the
        # limit of the whole answer. The default of the transport is 2 s.
        limits = (CONNECT_SECONDS, settings.answer_seconds)
        transport = DefaultTransport(timeout=limits, session=self._session)  # type: ignore[arg-type]
        # The address in the classes is that of the WSDL.
        self._client = Client(Config.from_service(OPERATION, location=f"{settings.url}{CONSULT}"), transport=transport)

    def _check_status(self, response: requests.Response, **_: object) -> None:
        """Sees every response before xsdata, which drops the headers of a 503 and of a fault."""
        self._response = response
        if response.status_code in (429, 503):
            raise Later(f"http {response.status_code}", retry=True, wait=retry_after(response))
        if response.status_code not in (200, 500):
            raise Refused(f"http {response.status_code}")

    # [call]
    def _ask_once(self, ssin: str) -> ConsultAttributesResponse:
        organisation = OrganizationIdentificationType(cbe_number=self._settings.organisation)
        request = ConsultAttributesRequest(
            information_customer=InformationCustomerType(customer_identification=organisation),
            legal_context=self._settings.legal_context,
            # Without a date, the question is about today in Brussels. A date is an XmlDate, which has no time.
            criteria=CriteriaType(ssin=ssin),
        )
        # The class demands a header, because the WSDL declares one: the end user. Without an end user, leave it out.
        message = OPERATION.input(header=None, body=OPERATION.input.Body(consult_attributes_request=request))  # type: ignore[arg-type]
        try:
            body = self._client.send(message).body
        except requests.exceptions.ConnectTimeout as error:
            raise Later("connection", retry=True) from error
        except requests.exceptions.Timeout as error:
            # The question may have been answered and recorded. Asking again is safe, but gives a second record.
            raise Later("timeout", retry=False) from error
        except requests.exceptions.SSLError as error:
            # A wrong certificate on one of the two sides: it is still wrong in a second.
            print(f"router.py: {error}", file=sys.stderr)
            raise Later("connection", retry=False) from error
        except requests.exceptions.ConnectionError as error:
            raise Later("connection", retry=True) from error
        except (requests.exceptions.RequestException, ParserError) as error:
            # An answer that broke off, or that is not of this contract.
            print(f"router.py: {error}", file=sys.stderr)
            raise Later("connection", retry=False) from error
        reply: ConsultAttributesResponse | None = body.consult_attributes_response
        if reply is not None:
            return reply
        # HTTP 500. `faultcode` says only Client or Server; the code to act on is in the detail.
        detail = body.fault.detail and body.fault.detail.consult_attributes_fault
        code = detail.detail[0].reason_code if detail else body.fault.faultcode
        wait = retry_after(self._response)
        if code in SERVICE_FAULTS or (code == QUOTA_EXHAUSTED and wait is not None):
            raise Later(code, retry=True, wait=wait)
        raise Refused(code)

    # [/call]

    def ask(self, ssin: str) -> ConsultAttributesResponse:
        """The reply about one person, after at most three attempts."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._ask_once(ssin)
            except Later as later:
                if not later.retry or attempt == ATTEMPTS:
                    raise
                time.sleep(later.wait)
        raise AssertionError("the last attempt returns or raises")


# [route]
def information(reply: ConsultAttributesResponse, name: str) -> str | None:
    """Value of a named fact of the status."""
    return next((fact.field_value for fact in reply.status.information if fact.field_name == name), None)


def knows_internal_services(reply: ConsultAttributesResponse) -> bool:
    """Whether the answer would show an internal service if there was one."""
    if reply.status.code != "HAN20200":
        return True
    sources = reply.sources.source if reply.sources else []
    known = (SourceStatusType.DATA_FOUND, SourceStatusType.NO_DATA_FOUND)
    return any(source.name is SourceNameType.FEDERATED and source.value in known for source in sources)


def competent(employment: EmploymentType, reply: ConsultAttributesResponse) -> PreventionServiceType | None:
    """The competent service of an employment; `None` if it is not known."""
    services = employment.prevention_service
    internal = next((s for s in services if s.type_value is PreventionServiceTypeCode.INTERNAL), None)
    if internal is not None or not knows_internal_services(reply):
        return internal
    return next(iter(services), None)


def service_line(ssin: str, service: PreventionServiceType) -> tuple[str, ...]:
    # A grant may leave fields out.
    kind = service.type_value.value if service.type_value else ""
    begin = str(service.affiliation.begin_date) if service.affiliation else ""
    return (ssin, "service", service.cbe_number or "", kind, begin)


def lines(directory: Directory, ssin: str) -> list[tuple[str, ...]]:
    try:
        reply = directory.ask(ssin)
        if reply.status.code == "MSG00006" and (new := information(reply, "newSSIN")):
            # The number was replaced. Keep the new one: your next question should use it.
            reply = directory.ask(new)
    except Refused as refused:
        return [(ssin, "refused", str(refused))]
    except Later as later:
        return [(ssin, "later", str(later))]
    employments = reply.result.employment if reply.result else []
    if not employments:
        return [(ssin, "none", reply.status.code)]
    # Newest first: the service sorts them.
    services = [competent(employment, reply) for employment in employments]
    return [service_line(ssin, service) if service else (ssin, "none", reply.status.code) for service in services]


# [/route]


def main(arguments: list[str]) -> int:
    try:
        if not arguments:
            raise ValueError("give one or more SSINs as arguments")
        settings = Settings.read(os.environ)
    except ValueError as error:
        print(f"router.py: {error}", file=sys.stderr)
        return 2
    directory = Directory(settings)
    for ssin in arguments:
        for line in lines(directory, ssin):
            print("\t".join(line), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
