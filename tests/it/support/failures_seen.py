"""Asks a simulation with zeep while it fails on demand, and prints what zeep sees of each failure.

Arguments: the ready file. Output, a line for each case: NAME<tab>WHAT. WHAT is the code of a status or
fault, an HTTP status with Retry-After, or the class of the exception and a word of its message.
"""

import json
import sys
import time
import urllib.request

import requests
import zeep

READY = json.load(open(sys.argv[1]))
FUND = READY["clients"]["fund"]
ANNA, OTHER = "85073099932", "79111299986"


def control(method: str, path: str, body=None):
    request = urllib.request.Request(READY["control"] + path, method=method)
    data = None
    if body is not None:
        data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, data, timeout=10) as answer:
        return json.load(answer)


def plan(*failures, **outage):
    return control("PUT", "/v1/plan", {"failure": list(failures), "outage": outage})


class Caller:
    """A zeep client; its connections are kept between questions."""

    def __init__(self, timeout=5):
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = READY["ca"]
        self.session.cert = (FUND["certificate"], FUND["key"])
        transport = zeep.Transport(session=self.session, operation_timeout=timeout)
        self.client = zeep.Client(READY["consultAttributes"] + "?wsdl", transport=transport)

    def ask(self, ssin=ANNA):
        reply = self.client.service.consultAttributes(
            informationCustomer={"customerIdentification": {"cbeNumber": FUND["organisation"]}},
            legalContext=FUND["legalContext"],
            criteria={"ssin": ssin},
        )
        sources = getattr(reply.sources, "source", None) or []
        failed = [source.name for source in sources if source._value_1 == "TECHNICAL_ERROR"]
        return " ".join([reply.status.code, *failed])


def cause(error) -> str:
    """The innermost error that says what happened."""
    text = str(error)
    for word in [
        "certificate has expired", "not yet valid", "Hostname mismatch", "doesn't match", "self-signed", "unable to get",
        "alert certificate expired", "alert certificate revoked", "alert unknown ca", "alert unsupported certificate",
        "alert bad certificate", "SSLV3_ALERT_CERTIFICATE_EXPIRED", "SSLV3_ALERT_CERTIFICATE_REVOKED",
        "TLSV1_ALERT_UNKNOWN_CA", "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE", "SSLV3_ALERT_BAD_CERTIFICATE",
        "Connection reset", "Remote end closed", "EOF occurred", "UNEXPECTED_EOF", "IncompleteRead", "Read timed out",
    ]:
        if word.lower() in text.lower():
            return word
    return text


def seen(ask) -> str:
    try:
        return ask()
    except zeep.exceptions.Fault as fault:
        return f"Fault {fault.detail.findtext('.//reasonCode')}"
    except zeep.exceptions.TransportError as error:
        return f"TransportError {error.status_code}"
    except zeep.exceptions.XMLSyntaxError:
        return "XMLSyntaxError"
    except zeep.exceptions.ValidationError as error:
        return f"ValidationError {error}"
    except zeep.exceptions.XMLParseError as error:
        return f"XMLParseError {error}"
    except requests.exceptions.RequestException as error:
        return f"{type(error).__name__} {cause(error)}"


def show(name: str, what: str) -> None:
    print(name, what, sep="\t", flush=True)


def failing(name: str, failure, ssin=ANNA) -> None:
    """A failure that a new client meets."""
    caller = Caller()
    plan(failure)
    show(name, seen(lambda: caller.ask(ssin)))
    plan()


def failing_handshake(name: str, failure) -> None:
    """A failure that a client meets when it connects."""
    plan(failure)
    show(name, seen(lambda: Caller().ask()))
    plan()


failing("none", {"kind": "none"})
failing("503", {"kind": "http", "status": 503, "retry_after": 2})
failing("quota", {"kind": "fault", "code": "MSG90052", "retry_after": 7})
failing("unrecorded", {"kind": "fault", "code": "MSG90053"})
failing("truncated", {"kind": "broken-xml", "problem": "truncated"})
failing("html", {"kind": "broken-xml", "problem": "html"})
failing("empty", {"kind": "broken-xml", "problem": "empty"})
failing("unknown-element", {"kind": "broken-xml", "problem": "unknown-element"})
failing("missing-element", {"kind": "broken-xml", "problem": "missing-element"})
failing("reset", {"kind": "reset"})
failing("reset-late", {"kind": "reset", "after_bytes": 700})
failing("cut", {"kind": "cut"})
failing("cut-in-body", {"kind": "cut", "after_bytes": 700})
failing("slow-but-in-time", {"kind": "slow", "delay_millis": 300, "bytes_per_second": 20000})
late = Caller(timeout=0.5)
plan({"kind": "slow", "delay_millis": 3000})
show("late", seen(late.ask))
plan({"kind": "silent"})
show("silent", seen(Caller(timeout=0.5).ask))
plan()

for problem in ["expired", "not-valid-yet", "other-name", "other-authority"]:
    failing_handshake(f"server-{problem}", {"kind": "server-certificate", "problem": problem})
for problem in ["expired", "revoked", "unknown-authority", "purpose", "malformed"]:
    failing_handshake(f"client-{problem}", {"kind": "client-refused", "problem": problem})
failing_handshake("handshake-closed", {"kind": "handshake-closed"})

plan(stale=["coprev"])
show("stale", seen(Caller().ask))
plan(missing=["coprev", "persons"])
show("missing", seen(Caller().ask))
plan()
show("loaded-again", seen(Caller().ask))

# First 503, then the answer: on one connection.
caller = Caller()
plan({"kind": "http", "status": 503, "times": 1})
show("sequence", ", ".join(seen(caller.ask) for _ in range(3)))

# A failure about one person leaves others alone.
plan({"kind": "http", "status": 502, "ssin": ANNA})
show("one-person", f"{seen(caller.ask)}, {seen(lambda: caller.ask(OTHER))}")

# A connection that is kept does not go round a failure of the handshake.
show("kept-before", seen(lambda: caller.ask(OTHER)))
plan({"kind": "server-certificate", "problem": "expired", "times": 1})
show("kept", f"{seen(caller.ask)}, {seen(caller.ask)}")

# Failures of handshakes and of answers are used up apart from each other.
plan({"kind": "http", "status": 503, "times": 1}, {"kind": "handshake-closed", "times": 1})
show("mixed", ", ".join(seen(lambda: caller.ask(OTHER)) for _ in range(3)))
plan()

caller = Caller()
control("DELETE", "/v1/requests")
plan({"kind": "http", "status": 503, "times": 1})
seen(caller.ask), seen(caller.ask)
show("requests", "; ".join(
    f"{each['request']} {each['failure']} {each['status']}" for each in control("GET", "/v1/requests")["requests"]
))
show("used", str([failure["used"] for failure in control("GET", "/v1/plan")["failure"]]))

for word in READY["refusedClients"]:
    FUND["certificate"], FUND["key"] = (READY["refusedClients"][word][part] for part in ("certificate", "key"))
    show(f"refused-{word}", seen(lambda: Caller().ask()))
