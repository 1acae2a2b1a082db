#!/usr/bin/env python3
"""Prints the commands of the operations guide as one shell script: every block marked `sh`, page by page."""

import pathlib
import sys
import textwrap

# In this order: later pages need what earlier ones made.
PAGES = ["install", "configure", "consumers", "diagnose", "incident", "rotate", "back-up", "restore",
         "upgrade", "audit-visit", "gdpr-request", "timetable", "capacity"]
# Without a command for this machine.
OTHERS = ["acme", "cluster", "faults"]


def blocks(page):
    """The blocks of a page: language and text. A block of a list item is indented."""
    language, lines = None, []
    for line in page.splitlines():
        mark = line.strip()
        if language is None and mark.startswith("```"):
            language, lines = mark[3:], []
        elif mark == "```":
            yield language, textwrap.dedent("\n".join(lines))
            language = None
        else:
            lines.append(line)


def main(folder, wanted):
    found = {path.stem for path in folder.glob("*.md")}
    assert found == {*PAGES, *OTHERS}, f"pages that are not listed here, or listed and absent: {found ^ {*PAGES, *OTHERS}}"
    for name in PAGES + OTHERS:
        for language, text in blocks((folder / f"{name}.md").read_text()):
            assert language != "sh" or name in PAGES, f"{name}: a block that is not run"
            if language == wanted == "sh":
                shown = "\n".join(["", f"{name}:", *text.splitlines()]).replace("\n", "\n# ")
                # So that the last words before a failure are the command's.
                print(f"cat >&2 <<'THE-BLOCK'{shown}\nTHE-BLOCK\n{text}")
            elif language == wanted:
                print(name, text.splitlines()[0])


main(pathlib.Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "sh")
