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


def text(element) -> str:
    """Text of an element that has attributes: zeep and suds name it differently."""
    return element._value_1 if hasattr(element, "_value_1") else element.value


def attribute(element, name: str):
    """Attribute of an element: suds puts an underscore before the name."""
    return getattr(element, name, None) or getattr(element, f"_{name}", None)


def person(reply) -> str:
    """SSIN of the result, or the SSIN asked and the one that replaced it, as steps.sh says."""
    annotated = getattr(reply, "ssin", None)
    replaced_by = attribute(annotated, "replacedBy")
    if replaced_by:
        return f"{text(annotated)}>{replaced_by}"
    return getattr(getattr(reply, "result", None), "ssin", None) or ""


def sources(reply) -> str:
    """Sources of a reply with their status, as steps.sh says."""
    listed = getattr(getattr(reply, "sources", None), "source", None) or []
    return ", ".join(f"{attribute(source, 'name')} {text(source)}" for source in listed)


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
            print(case, "ECHO", send_test(callers[word], case), "", "", sep="\t")
            continue
        customer = {"ticket": case, "customerIdentification": {"cbeNumber": number}}
        code, reply = ask(callers[word], customer, context, criteria(ssin, begin, end))
        print(case, code, disclosed(reply), person(reply), sources(reply), sep="\t")
