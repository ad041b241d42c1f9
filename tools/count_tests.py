#!/usr/bin/env python3
"""Print how many tests passed and failed, as `PASSED FAILED`.

usage: count_tests.py FOLDER STATUS

FOLDER holds the tests*.xml that `swift test --xunit-output FOLDER/tests.xml` wrote; STATUS is its
exit status. A run that ended badly without a failed test to show for it (it crashed, or wrote no
report) counts as one failure.
"""

import glob
import os
import sys
import xml.etree.ElementTree as xml


def main() -> None:
    folder, status = sys.argv[1], int(sys.argv[2])
    passed = failed = 0
    for path in glob.glob(os.path.join(folder, "tests*.xml")):
        try:
            cases = list(xml.parse(path).getroot().iter("testcase"))
        except xml.ParseError:
            continue
        bad = sum(case.find("failure") is not None or case.find("error") is not None for case in cases)
        passed += len(cases) - bad
        failed += bad
    if failed == 0 and (status != 0 or passed == 0):
        failed = 1
    print(passed, failed)


if __name__ == "__main__":
    main()
