#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`./hypsec docs`: the pages build without a warning, and faults are told."""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from docpages import DOCS, ROOT, boottest

SECONDS = 400


def build(out, source=DOCS):
    return subprocess.run(
        [sys.executable, ROOT / "tools/docs.py", "--out", out,
         "--source", source], stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=SECONDS, check=False)


def all_pages(tap, out):
    done = build(out)
    tap.result(done.returncode == 0 and not done.stderr and
               done.stdout == f"docs: {out}/index.html\n",
               "every-page-builds-without-a-warning",
               done.stdout + done.stderr)
    missing = [page for page in DOCS.rglob("*.rst")
               if not (out / page.relative_to(DOCS)
                       ).with_suffix(".html").is_file()]
    tap.equal(missing, [], "every-page-is-written")
    loads = {match for page in out.rglob("*.html") for match in re.findall(
        r'<(?:script|img|link|iframe)[^>]*(?:src|href)="((?:https?:)?//[^"]*)',
        page.read_text())}
    tap.equal(loads, set(), "no-page-needs-a-network")
    again = build(out)
    tap.result(again.returncode == 0, "an-earlier-result-is-replaced",
               again.stderr)
    tap.equal([p.name for p in out.parent.iterdir()], [out.name],
              "nothing-is-left-beside-the-result")


def spoilt(tap, folder, name, page, text, told):
    """A fault TEXT at the end of PAGE is refused, with its place."""
    source, out = folder / name, folder / f"{name}-out"
    (source / "docs").parent.mkdir()
    shutil.copytree(DOCS, source / "docs")
    for beside in ("spec", "guest-images/hostvisor"):
        (source / beside).mkdir(parents=True)
        shutil.copy(ROOT / beside / "README.rst", source / beside)
    with open(source / "docs" / page, "a", encoding="utf-8") as file:
        file.write(text)
    done = build(out, source / "docs")
    tap.result(done.returncode == 1 and f"{page}:" in done.stderr and
               told in done.stderr and not done.stdout and not out.exists(),
               name, done.stdout + done.stderr)


def body(tap):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "good").mkdir()
        all_pages(tap, folder / "good/html")
        spoilt(tap, folder, "a-reference-to-no-page-is-told", "dma.rst",
               "\nSee :doc:`nowhere`.\n", "nowhere")
        spoilt(tap, folder, "a-page-in-no-contents-is-told", "stray.rst",
               "Stray\n=====\n", "isn't included in any toctree")
        spoilt(tap, folder, "a-malformed-table-is-told", "limits.rst",
               "\n===  ===\na    b\n===  ===\nlong  c\n===  ===\n",
               "Malformed table")
        (folder / "mine").mkdir()
        (folder / "mine/letter").write_text("x")
        done = build(folder / "mine")
        tap.result(done.returncode == 1 and "no empty folder" in done.stderr
                   and (folder / "mine/letter").exists(),
                   "other-peoples-folders-stay", done.stderr)


boottest.run(body)
