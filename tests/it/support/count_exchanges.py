"""Recomputes `audit list` and `audit stats` from the lines of `audit export`.

Usage: count_exchanges.py EXPORT FILTERS, where FILTERS is a JSON object: `from`, `to` (moments), and lists
`caller`, `organisation`, `application`, `legalContext`, `code`, `outcome`. Prints a JSON object:
`sequences` of the exchanges, and `rows`: month, caller, legal context, four counts, and how often each
field was disclosed.
"""

import datetime
import json
import sys
import zoneinfo

BRUSSELS = zoneinfo.ZoneInfo("Europe/Brussels")
CLASSES = {"MSG00000": "answered", "HAN20200": "answered", "MSG00006": "answered", "MSG00100": "empty",
           "MSG00003": "failed", "MSG90053": "failed"}
ORDER = ["answered", "empty", "refused", "failed"]


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def is_asked(exchange, filters):
    recorded = moment(exchange["recorded"])
    if "from" in filters and recorded < moment(filters["from"]):
        return False
    if "to" in filters and recorded > moment(filters["to"]):
        return False
    if "outcome" in filters and CLASSES.get(exchange["code"], "refused") not in filters["outcome"]:
        return False
    keys = ["caller", "organisation", "application", "legalContext", "code"]
    return all(exchange[key] in filters[key] for key in keys if key in filters)


def main():
    with open(sys.argv[1], encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    filters = json.loads(sys.argv[2])
    first = records[0]["sequence"]
    assert [record["sequence"] for record in records] == list(range(first, first + len(records))), "a gap"
    asked = [record for record in records if record["kind"] == "exchange" and is_asked(record, filters)]
    rows = {}
    for exchange in asked:
        month = moment(exchange["recorded"]).astimezone(BRUSSELS).strftime("%Y-%m")
        key = (month, exchange["caller"] or "", exchange["legalContext"] or "")
        counts, fields = rows.setdefault(key, ([0, 0, 0, 0], {}))
        counts[ORDER.index(CLASSES.get(exchange["code"], "refused"))] += 1
        for field in exchange["fields"]:
            fields[field] = fields.get(field, 0) + 1
    rows = [[*key, *counts, fields] for key, (counts, fields) in sorted(rows.items())]
    print(json.dumps({"sequences": [exchange["sequence"] for exchange in asked], "rows": rows}))


main()
