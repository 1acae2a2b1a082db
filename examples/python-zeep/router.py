"""Prints the competent prevention service of each person, with zeep. See ../README.md.

usage: router.py SSIN...
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass

import requests
import zeep
from zeep.exceptions import Fault

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
    wsdl: str
    answer_seconds: float

    @classmethod
    def read(cls, environment) -> Settings:
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
            wsdl=environment.get("EHEALTH_WSDL") or f"{url}{CONSULT}?wsdl",
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
        self._service = None

    def _check_status(self, response: requests.Response, **_) -> None:
        """Sees every response before zeep, which drops the headers of a 503 and of a fault."""
        self._response = response
        if response.status_code in (429, 503):
            raise Later(f"http {response.status_code}", retry=True, wait=retry_after(response))
        if response.status_code not in (200, 500):
            raise Refused(f"http {response.status_code}")

    def _open(self):
        """Reads the WSDL, once. That is a request too, and may fail in the same ways."""
        if self._service is None:
            # requests applies the second limit to each read. The service sends an answer in one piece, so that
            # this is the limit of the whole answer.
            limits = (CONNECT_SECONDS, self._settings.answer_seconds)
            transport = zeep.Transport(session=self._session, timeout=limits, operation_timeout=limits)
            client = zeep.Client(self._settings.wsdl, transport=transport)
            # The address of the WSDL is that of its publisher; a WSDL from a file may name another one.
            name = str(next(iter(client.wsdl.bindings)))
            self._service = client.create_service(name, f"{self._settings.url}{CONSULT}")
        return self._service

    # [call]
    def _ask_once(self, ssin: str):
        try:
            return self._open().consultAttributes(
                informationCustomer={"customerIdentification": {"cbeNumber": self._settings.organisation}},
                legalContext=self._settings.legal_context,
                # Without a date, the question is about today in Brussels. A date here is a datetime.date, never a
                # datetime: a day has no time zone, and conversion to UTC can change it.
                criteria={"ssin": ssin},
            )
        except Fault as fault:
            # HTTP 500. `faultcode` says only Client or Server; the code to act on is in the detail.
            code = fault.detail.findtext(".//reasonCode") if fault.detail is not None else None
            wait = retry_after(self._response)
            if code in SERVICE_FAULTS or (code == QUOTA_EXHAUSTED and wait is not None):
                raise Later(code, retry=True, wait=wait) from fault
            raise Refused(code or fault.code) from fault
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
        except (requests.exceptions.RequestException, zeep.exceptions.Error) as error:
            # An answer that broke off, or that is not of this contract.
            print(f"router.py: {error}", file=sys.stderr)
            raise Later("connection", retry=False) from error

    # [/call]

    def ask(self, ssin: str):
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
def information(reply, name: str) -> str | None:
    """Value of a named fact of the status."""
    return next((fact.fieldValue for fact in reply.status.information if fact.fieldName == name), None)


def knows_internal_services(reply) -> bool:
    """Whether the answer would show an internal service if there was one."""
    if reply.status.code != "HAN20200":
        return True
    sources = reply.sources.source if reply.sources else []
    # A source has text and an attribute: zeep calls the text `_value_1`.
    return any(s.name == "federated" and s._value_1 in ("DATA_FOUND", "NO_DATA_FOUND") for s in sources)


def competent(employment, reply):
    """The competent service of an employment; `None` if it is not known."""
    services = employment.preventionService
    internal = next((service for service in services if service.type == "INTERNAL"), None)
    if internal is not None or not knows_internal_services(reply):
        return internal
    return next(iter(services), None)


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
    return [
        (ssin, "service", service.cbeNumber, service.type, service.affiliation.beginDate.isoformat())
        if service
        else (ssin, "none", reply.status.code)
        for service in services
    ]


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
