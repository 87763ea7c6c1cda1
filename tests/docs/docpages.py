# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of the documentation share."""
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/boot"))
sys.path.insert(0, str(ROOT / "tools"))
import boottest  # noqa: E402,F401

DOCS = ROOT / "docs"


def pages():
    """All pages that a reader meets, the README first."""
    more = sorted(DOCS.rglob("*.rst")) + sorted(ROOT.glob("spec/*.rst")) + \
        sorted(ROOT.glob("guest-images/*/*.rst"))
    return [ROOT / "README.md", *more]


def name(path):
    return str(path.relative_to(ROOT))
