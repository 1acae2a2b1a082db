"""Prints the day of each moment in Brussels, by Python's zoneinfo and the tz database of the package tzdata.

Reads a file of moments, one a line, in milliseconds since 1970-01-01T00:00:00Z; prints a day a line, in the same order.
The machine's own tz database is not looked at: the opinion is pinned in requirements.txt.
"""

import datetime
import pathlib
import sys
import zoneinfo


def main(path: str) -> None:
    """Prints the day of each moment in a file."""
    zoneinfo.reset_tzpath(to=[])
    brussels = zoneinfo.ZoneInfo("Europe/Brussels")
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    for line in pathlib.Path(path).read_text(encoding="ascii").split():
        moment = epoch + datetime.timedelta(milliseconds=int(line))
        print(moment.astimezone(brussels).date().isoformat())


main(*sys.argv[1:])
