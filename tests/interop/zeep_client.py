"""Asks every question of the fixture catalogue with zeep, in its strict mode, from the served WSDL.

    zeep_client.py URL CA CLIENTS CATALOGUE ANSWERS RESPONSES [--stale DATASET]

URL is the service's scheme and authority, CA its authority's certificate, CLIENTS the folder with a
`.pem` and a `.key` for each caller, CATALOGUE the table of questions and expected answers, ANSWERS the
folder with the stored answers, which have the expected SSIN and sources. Every answer is written
unchanged to the folder RESPONSES. With `--stale` the service is one whose DATASET is stale: every
question whose grant reads it must get HAN20200 with that source. Prints a line for each difference;
exits 1 if there was one.
"""

import argparse
import csv
import sys
from pathlib import Path

import requests
import zeep
from lxml import etree
from zeep.plugins import HistoryPlugin

from disclosed import disclosed, person, sources

COMMON = "{http://kszbcss.fgov.be/types/common/v3}"


class Caller:
    """An organisation with its certificate, and the two services as zeep sees them through it."""

    def __init__(self, arguments, word: str) -> None:
        session = requests.Session()
        session.trust_env = False  # the environment's authorities would take precedence
        session.verify = arguments.ca
        session.cert = (f"{arguments.clients}/{word}.pem", f"{arguments.clients}/{word}.key")
        self.history = HistoryPlugin()
        transport = zeep.Transport(session=session)

        def service(path: str):
            url = f"{arguments.url}{path}?wsdl"
            return zeep.Client(url, transport=transport, plugins=[self.history], settings=zeep.Settings(strict=True))

        self.attributes = service("/eHealthAttributesService/v1/consult")
        self.connection = service("/TestConnectionServiceService/sendTestMessage")
        self.number = None

    def answer(self) -> bytes:
        """The last envelope received."""
        return etree.tostring(self.history.last_received["envelope"])


# Without these datasets a relation can be neither shown nor denied: nothing is disclosed then.
PROOF = {
    "BACKTOWORK:ADVISORY_PHYSICIAN": {"insurance"},
    "BACKTOWORK:PREVENTION_SERVICE": {"dimona", "coprev", "federated"},
    "BACKTOWORK:EHEALTH_PLATFORM": set(),
}

NUMBERS = {
    "platform": "0999000129", "fund": "0999010126", "other-fund": "0999010225", "service": "0999020123",
    "other-service": "0999020222", "stranger": "0999090102",
}


def criteria(row) -> dict:
    begin, _, end = row["dates"].partition("/")
    if end:
        return {"ssin": row["ssin"], "period": {"beginDate": begin, "endDate": end}}
    return {"ssin": row["ssin"], **({"referenceDate": begin} if begin else {})}


def stored(answers: str, case: str) -> tuple[str, dict]:
    """The SSIN and the status of each source, from the stored answer of a case."""
    answer = etree.parse(Path(answers, f"{case}.answer.xml"))
    ssin = answer.findtext(".//result/ssin") or ""
    annotated = answer.find(".//ssin[@replacedBy]")
    if annotated is not None:
        ssin = f"{annotated.text}>{annotated.get('replacedBy')}"
    return ssin, {source.get("name"): source.text for source in answer.iterfind(".//sources/source")}


def ask(caller: Caller, number: str, row) -> tuple[str, ...]:
    """The code, the disclosed data, the SSIN and the sources, for one question of the catalogue."""
    question = {
        "informationCustomer": {"ticket": row["case"], "customerIdentification": {"cbeNumber": number}},
        "legalContext": row["legal_context"],
        "criteria": criteria(row),
    }
    try:
        reply = caller.attributes.service.consultAttributes(**question)
    except zeep.exceptions.Fault as fault:
        return fault.detail.findtext(".//reasonCode"), "", "", ""
    if reply.informationCustomer.ticket != row["case"]:
        return "another ticket came back", "", "", ""
    return reply.status.code, disclosed(reply), person(reply), sources(reply)


def main() -> int:
    parser = argparse.ArgumentParser()
    for name in ("url", "ca", "clients", "catalogue", "answers", "responses"):
        parser.add_argument(name)
    parser.add_argument("--stale")
    arguments = parser.parse_args()
    callers = {word: Caller(arguments, word) for word in NUMBERS}
    differences = []
    asked = 0

    def compare(case: str, expected, got, caller: Caller) -> None:
        nonlocal asked
        asked += 1
        Path(arguments.responses, f"{case}.xml").write_bytes(caller.answer())
        if expected != got:
            differences.append(f"{case}: expected {expected}, got {got}")

    for word, caller in callers.items():
        reply = caller.connection.service.sendTestMessage(echo=f"hello from {word}")
        compare(f"test-{word}", f"hello from {word}", reply.echo, caller)
    for row in csv.DictReader(open(arguments.catalogue, encoding="utf-8")):
        caller = callers[row["caller"]]
        code, data = row["code"], row["disclosed"]
        ssin, statuses = stored(arguments.answers, row["case"])
        if arguments.stale:
            if row["code"] not in ("MSG00000", "MSG00100"):
                continue
            code = "HAN20200"
            if arguments.stale in PROOF[row["legal_context"]]:
                data, ssin, statuses = "", "", dict.fromkeys(statuses, "NO_RESULT")
            if arguments.stale in statuses:
                statuses[arguments.stale] = "TECHNICAL_ERROR"
        listed = ", ".join(f"{name} {status}" for name, status in statuses.items())
        expected = (code, data, ssin, listed)
        compare(row["case"], expected, ask(caller, NUMBERS[row["caller"]], row), caller)
    print(*differences, sep="\n")
    print(f"{asked} questions, {len(differences)} differences")
    return 1 if differences or asked < 10 else 0


if __name__ == "__main__":
    sys.exit(main())
