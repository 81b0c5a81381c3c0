#!/usr/bin/env python3
"""Checks docs/CONFORMANCE.md against the tests and the log of their run; silent unless something is wrong.

    check-conformance.py TESTLOG

A `done` row must name a test, and each test it names must be a function under Tests/ and have passed according to the
log of `swift test`. Tests that other rows name, known by the spaces in their names, must exist.
"""
import pathlib
import re
import sys

STATES = ["done", "partly", "not", "on purpose not"]
ROOT = pathlib.Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "CONFORMANCE.md"


def rows(text):
    """The rows of every table that has a column State: line number, rule, state, the names in backticks."""
    columns = None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("|"):
            columns = None
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if columns is None:
            columns = cells
        elif "State" in columns and not set(line) <= set("|-: "):
            if len(cells) != len(columns):
                yield number, cells[0], f"{len(cells)} cells in a table of {len(columns)} columns", []
                continue
            yield number, cells[0], cells[columns.index("State")], re.findall(r"`([^`]+)`", cells[-1])


def functions():
    """The names of all functions under Tests/, with or without backticks."""
    source = "\n".join(path.read_text() for path in sorted((ROOT / "Tests").rglob("*.swift")))
    return {quoted or plain for quoted, plain in re.findall(r"\bfunc +(?:`([^`]+)`|(\w+))", source)}


def outcomes(log):
    """What the log says of each test: passed, or how it ended otherwise. One failure of a name outweighs all else."""
    ended = {}
    pattern = re.compile(r'\bTest (?:"(.+?)"|(\w+)\([^)]*\))(?: with \d+ test cases?)? (passed|failed|skipped)\b')
    for line in log.splitlines():
        match = pattern.search(line)
        if match:
            name = match[1] or match[2]
            if ended.get(name) != "failed":
                ended[name] = match[3]
    return ended


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip())
    try:
        log = pathlib.Path(sys.argv[1]).read_text(errors="replace")
    except OSError as error:
        sys.exit(f"the log of the tests cannot be read: {error}")
    existing, ended = functions(), outcomes(log)
    problems, count = [], 0
    for number, rule, state, names in rows(DOCUMENT.read_text()):
        count += 1
        place = f"{DOCUMENT.relative_to(ROOT)}:{number}: {rule}: "
        if state not in STATES:
            problems.append(f"{place}the state {state!r}; allowed are {', '.join(STATES)}")
        if state == "done" and not names:
            problems.append(f"{place}done, but no test is named")
        for name in names:
            if name not in existing:
                if state == "done" or " " in name:
                    problems.append(f"{place}there is no test {name!r}")
            elif state == "done" and ended.get(name) != "passed":
                problems.append(f"{place}the test {name!r} {ended.get(name, 'did not run')}")
    if count == 0:
        problems.append(f"{DOCUMENT.relative_to(ROOT)}: no row of a table was found")
    if problems:
        sys.exit("\n".join(problems))


main()
