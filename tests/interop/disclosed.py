"""Data that a reply discloses, in the notation of the catalogue: for clients whose objects are named
like the elements.
"""

import csv
import sys


def period(element) -> str:
    return f"[{element.beginDate}..{getattr(element, 'endDate', None) or ''}]"


def disclosed(reply) -> str:
    """Employments, services and fund of a reply; empty without a result."""
    result = getattr(reply, "result", None)
    if result is None:
        return ""
    filters = getattr(reply, "dataFilters", None)
    filtered = filters.filteredElement if filters else []
    parts = []
    for employment in getattr(result, "employment", None) or []:
        employer, days = getattr(employment, "employer", None), getattr(employment, "period", None)
        text = (employer.cbeNumber if employer else "") + (period(days) if days else "")
        if "employment/preventionService/cbeNumber" not in filtered:
            services = getattr(employment, "preventionService", None) or []
            text += "{" + ", ".join(f"{s.type} {s.cbeNumber}{period(s.affiliation)}" for s in services) + "}"
        parts.append(text)
    if getattr(result, "healthInsuranceFund", None):
        parts.append(f"fund {result.healthInsuranceFund.cbeNumber}")
    return "; ".join(parts)


def criteria(ssin: str, begin: str, end: str) -> dict:
    """The criteria of a question, with a hyphen for an absent date."""
    if end != "-":
        return {"ssin": ssin, "period": {"beginDate": begin, "endDate": end}}
    return {"ssin": ssin, **({"referenceDate": begin} if begin != "-" else {})}


def answer_all(open_caller, ask, send_test) -> None:
    """Asks every question of standard input, and prints the answers as steps.sh says."""
    callers = {}
    for case, word, number, context, ssin, begin, end in csv.reader(sys.stdin, delimiter="\t"):
        if word not in callers:
            callers[word] = open_caller(word)
        if context == "-":
            print(case, "ECHO", send_test(callers[word], case), "", sep="\t")
            continue
        customer = {"ticket": case, "customerIdentification": {"cbeNumber": number}}
        code, reply = ask(callers[word], customer, context, criteria(ssin, begin, end))
        person = getattr(getattr(reply, "result", None), "ssin", None) or ""
        print(case, code, disclosed(reply) if reply else "", person, sep="\t")
