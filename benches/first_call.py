#!/usr/bin/env python3
"""Times the first call of a stranger: from the program to the first answer, by the commands of the guides.

    benches/first_call.py [PROGRAM]

For each stack a fresh folder is made, with a home of its own: no package is cached. The commands are the blocks of
docs/guides, as a reader pastes them. Needs Python with venv, Node, PHP with soap and openssl, Java with Debian's
jaxws; a stack that is missing is reported. Prints the seconds from the start of `demo` to the answer.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
GUIDES = PROJECT / "docs/guides"
# Stack: guide, how its first block begins or is marked, what has to be there, what it installs before.
STACKS = {
    "zeep": ("first-call.md", "python3 - <<'END'", "python3 --version",
             "python3 -m venv venv && venv/bin/pip install --quiet --disable-pip-version-check zeep"),
    "Node": ("stacks/node.md", "node", "npm --version", ""),
    "PHP": ("stacks/php.md", "php", "php -m | grep -x soap", ""),
    "Java": ("stacks/java-jaxws.md", "java", "wsimport -version && javac -version", ""),
}
ANSWER = re.compile(r"MSG00000\S* 0999020123")


def blocks(guide: str) -> list[tuple[str, str]]:
    """Marks and bodies of the blocks of a guide."""
    return re.findall(r"^```(.*)\n((?:.*\n)*?)```$", (GUIDES / guide).read_text(), re.MULTILINE)


def commands(guide: str, mark: str) -> str:
    """The commands of a stack: unmarked blocks before its own, if they write the contract, and its own."""
    text = ""
    for info, body in blocks(guide):
        if info == f"sh {mark}" or body.startswith(mark):
            return text + body
        if info == "sh" and "contract export" in body:
            text += body
    sys.exit(f"{guide}: no block {mark}")


def time_stack(stack: str, program: Path) -> str:
    guide, mark, is_there, install = STACKS[stack]
    if subprocess.run(["bash", "-c", is_there], capture_output=True).returncode:
        return "not installed"
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder, "home")
        home.mkdir()
        path = f"{folder}/venv/bin:{program.parent}:{os.environ['PATH']}"
        environment = {"PATH": path, "HOME": str(home), "NO_PROXY": "localhost", "no_proxy": "localhost", "LANG": "C.UTF-8"}
        environment |= {name: value for name, value in os.environ.items() if name.endswith(("_INDEX_URL", "registry"))}
        began = time.monotonic()
        server = subprocess.Popen([program, "demo", "--rsa"], cwd=folder, env=environment, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            for line in server.stdout:
                if line.startswith("Press Ctrl-C"):
                    break
            script = f"{install}\n{commands(guide, mark)}"
            done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=folder, env=environment, text=True,
                                  capture_output=True, timeout=600)
            seconds = time.monotonic() - began
        finally:
            server.terminate()
            server.wait()
    if done.returncode or not ANSWER.search(done.stdout):
        return f"failed:\n{done.stdout}{done.stderr}"
    return f"{seconds:.0f} s"


def main() -> None:
    program = Path(sys.argv[1] if len(sys.argv) > 1 else PROJECT / "target/release/ehealth-attributes").resolve()
    if not shutil.which(program):
        sys.exit(f"{program}: no program; cargo build --release makes it")
    results = {stack: time_stack(stack, program) for stack in STACKS}
    for stack, result in results.items():
        print(f"{stack}: {result}")
    sys.exit(any("failed" in result for result in results.values()))


main()
