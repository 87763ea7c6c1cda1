# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of tools share: each function test_...() is one behaviour.

    taptest.main(globals())

One that takes an argument gets an empty folder of its own. What a test prints
is no TAP of its own: it is shown with the failure of a test that failed.
"""
import contextlib
import io
import sys
import tempfile
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'boot'))
from boottest import run  # noqa: E402


class Skip(Exception):
    """Why the test cannot be done here."""


def main(names):
    """Run the test_...() of NAMES (a dictionary); never returns."""
    def body(tap):
        for name, test in list(names.items()):
            if name.startswith('test_'):
                _run(tap, name[5:].replace('_', ' '), test)
    run(body)


def _run(tap, name, test):
    said = io.StringIO()
    try:
        with tempfile.TemporaryDirectory() as folder, \
                contextlib.redirect_stdout(said):
            test(*[Path(folder)][:test.__code__.co_argcount])
    except Skip as why:
        tap.skip(name, why)
    except Exception:   # any failure of a test
        tap.result(False, name, traceback.format_exc() + said.getvalue())
    else:
        tap.result(True, name)
