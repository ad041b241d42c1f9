"""Runs every test; the last line is `N passed, N failed`."""

import os
import sys
import unittest

suite = unittest.defaultTestLoader.discover(
    os.path.dirname(__file__), "test_*.py", os.path.dirname(os.path.dirname(__file__)))
result = unittest.TextTestRunner(sys.stdout, verbosity=0).run(suite)
failed = len(result.failures) + len(result.errors)
print(f"{result.testsRun - failed - len(result.skipped)} passed, {failed} failed")
sys.exit(1 if failed else 0)
