#!/usr/bin/env python3
"""Compare a report of `dlrun verify --json` with the cases that must pass.

usage: suite_floor.py REPORT SUITE FLOOR EXCEPTIONS [--update]

REPORT: the JSON report: a record a case. SUITE: the folder that was verified; cases are named from
there (`node/test_abs`). FLOOR: a text file, one case a line; lines with # are comments. EXCEPTIONS:
the same with `NAME: REASON`, for cases that may pass by shape and range instead of by numbers; one
that does so and is not listed has failed. With --update FLOOR is rewritten with what passes now.
The last line printed is `PASSED FAILED`: FAILED counts the cases of FLOOR that did not pass and
those that passed by range without leave, PASSED every case that did.
"""

import argparse
import json
import os
import sys

HEAD = "# Cases of the ONNX backend suite that must pass; `tools/test --update` rewrites this list.\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("report")
    parser.add_argument("suite")
    parser.add_argument("floor")
    parser.add_argument("exceptions")
    parser.add_argument("--update", action="store_true")
    arguments = parser.parse_args()

    with open(arguments.report, encoding="utf-8") as file:
        records = json.load(file)
    suite = os.path.realpath(arguments.suite)
    by_name = {os.path.relpath(os.path.realpath(r["case"]), suite): r for r in records}
    with open(arguments.exceptions, encoding="utf-8") as file:
        lines = [line for line in file if line.strip() and not line.startswith("#")]
    allowed = {line.split(":")[0].strip() for line in lines}
    by_range = {name for name, r in by_name.items() if r["passed"] and r["reason"]}
    unlisted = sorted(by_range - allowed)
    for name in unlisted:
        print(f"not compared by numbers, and no exception: {name}: {by_name[name]['reason']}")
    passing = {name for name, r in by_name.items() if r["passed"]} - set(unlisted)
    floor = set()
    if os.path.exists(arguments.floor):
        with open(arguments.floor, encoding="utf-8") as file:
            floor = {line.strip() for line in file if line.strip() and not line.startswith("#")}

    lost = sorted(floor - passing)
    for name in lost:
        reason = by_name.get(name, {}).get("reason") or "no such case in the suite"
        print(f"must pass, but does not: {name}: {reason}")
    new = sorted(passing - floor)
    for name in new:
        print(f"passes newly: {name}")
    print(f"backend suite: {len(passing)} of {len(by_name)} cases pass; {len(floor)} must")
    print(f"{len(by_range & allowed)} of them by range, as {os.path.relpath(arguments.exceptions)} says")
    if arguments.update:
        with open(arguments.floor, "w", encoding="utf-8", newline="\n") as file:
            file.write(HEAD + "".join(name + "\n" for name in sorted(passing)))
        print(f"wrote {os.path.relpath(arguments.floor)}: {len(new)} added, {len(lost)} taken away")
        lost = []
    elif new:
        print("`tools/test --update` adds the new ones to the list")
    print(len(passing), len(lost) + len(unlisted))
    return 0


if __name__ == "__main__":
    sys.exit(main())
