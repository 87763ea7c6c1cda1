# SPDX-License-Identifier: GPL-2.0-or-later
"""Boards that run are found, answer, and are gone when they have ended."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

# Before running.py reads it: boards of this test alone.
FOLDER = tempfile.TemporaryDirectory(prefix="hypsec-runs-")
os.environ["HYPSEC_RUNS"] = FOLDER.name

import looktest  # noqa: E402
import board  # noqa: E402
import running  # noqa: E402

SECONDS = 300


def refused(tap, name, call, *words):
    """CALL raises a RunningError whose text has WORDS."""
    try:
        call()
    except running.RunningError as error:
        tap.result(all(word in str(error) for word in words), name, error)
    else:
        tap.result(False, name, "no error")


def parked(entry):
    """A board that does nothing for ever."""
    config = board.Config(kernel=board.PARK, initrd=None)
    config.extra = running.observer(())
    return board.Board(config, registration=entry)


def folder(name):
    path = pathlib.Path(FOLDER.name) / name
    path.mkdir()
    return path


def connect_twice(found):
    with running.connect(found):
        with running.connect(found):
            pass


def one_board(tap):
    first = folder("20260101-000000-one")
    entry = running.Registration(first, "hypsec test one",
                                 symbols=[{"world": "el2", "file": "x",
                                           "name": "y"}],
                                 el2_log=first / "el2.log")
    refused(tap, "not-found-before-it-runs", lambda: running.pick(None),
            "no board is running", "./hypsec run")
    with entry, parked(entry) as machine:
        found = running.pick(None)
        tap.equal((found.pid, found.command, found.el2_log,
                   found.symbols[0]["world"]),
                  (machine.process.pid, "hypsec test one",
                   first / "el2.log", "el2"), "found-with-its-facts")
        tap.equal(found.socket.parent.stat().st_mode & 0o777, 0o700,
                  "socket-is-for-this-user-alone")
        for _ in range(3):
            with running.connect(found) as qmp:
                status = qmp.qmp("query-status")["status"]
                causes = qmp.qom_get("/machine/peripheral/obs", "causes-el2")
                text = qmp.hmp("info status")
        tap.equal((status, text.strip()), ("running", "VM status: running"),
                  "answers-one-client-after-another")
        tap.result("RESET" in causes, "has-an-observer", causes)
        with running.connect(found) as qmp:
            refused(tap, "refusal-is-an-error",
                    lambda: qmp.qom_get("/machine", "nothing"), "qom-get",
                    "not found")
        refused(tap, "busy-board-says-so", lambda: connect_twice(found),
                "answers somebody else")
        several(tap, found)
        damaged(tap, json.loads((first / running.FILE).read_text()))
    tap.equal(running.boards(), [], "gone-when-it-has-ended")
    tap.result(not found.socket.parent.exists() and
               not (first / running.FILE).exists(), "leaves-nothing-behind")
    refused(tap, "ended-board-says-so", lambda: connect_twice(found),
            "has ended")


def several(tap, one):
    second = folder("20260101-000001-two")
    with running.Registration(second, "hypsec test two") as entry, \
            parked(entry):
        tap.equal([b.name for b in running.boards()],
                  [one.name, second.name], "both-are-listed")
        refused(tap, "several-have-to-be-named", lambda: running.pick(None),
                one.name, second.name)
        tap.equal([running.pick(text).name for text in
                   ("two", second.name, str(one.pid), "test one")],
                  [second.name, second.name, one.name, one.name],
                  "picked-by-name-process-and-command")
        refused(tap, "unknown-name-lists-what-runs",
                lambda: running.pick("three"), "three", one.name)


def damaged(tap, good):
    """Files that are left over or spoilt are nobody."""
    path = folder("20260101-000002-bad") / running.FILE
    spoilt = [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100000,
              json.dumps({**good, "pid": "1"}).encode(),
              json.dumps({**good, "pid": -1}).encode(),
              json.dumps({**good, "started": good["started"] + 1}).encode(),
              json.dumps({**good, "started": None}).encode(),
              json.dumps({**good, "socket": 7}).encode(),
              json.dumps({**good, "socket": "/nowhere"}).encode(),
              json.dumps({**good, "symbols": 3}).encode()]
    seen = []
    for data in spoilt:
        path.write_bytes(data)
        if len(running.boards()) != 1:
            seen.append(data[:60])
    path.unlink()
    # Nobody ever writes to it.
    os.mkfifo(path)
    if len(running.boards()) != 1:
        seen.append("a pipe")
    path.unlink()
    tap.equal(seen, [], "spoilt-entries-are-nobody")
    lines = [{"world": "el2", "file": "x\nshell true", "name": "x"},
             {"world": "el2 x\nshell true", "file": "x", "name": "x"},
             {"world": "el2;", "file": "x", "name": "x"},
             {"world": "vm3", "file": "a b", "name": "x"}]
    path.write_text(json.dumps({**good, "symbols": lines}))
    found = next(b for b in running.boards() if b.folder == path.parent)
    tap.equal(found.symbols, lines[3:], "symbols-are-no-commands-of-gdb")
    path.unlink()
    strange = {**good, "command": "\x1b]0;title\x07\x9b31m\n"}
    path.write_text(json.dumps(strange))
    try:
        running.pick("no such")
    except running.RunningError as error:
        tap.result(all(line.isprintable() and "title" in text
                       for text in [str(error)]
                       for line in text.splitlines()),
                   "names-cannot-command-a-terminal", repr(str(error)))
    path.unlink()


def strange_answers(tap):
    """Who answers may be no QEMU at all."""
    with socket.socket(socket.AF_UNIX) as server:
        place = pathlib.Path(FOLDER.name) / "server"
        server.bind(str(place))
        server.listen()
        for answer in (b"[]", b"7", b"null", b"{", b"\xff",
                       b'{"error": 3}', b'{"error": {}}'):
            threading.Thread(target=answer_with, daemon=True,
                             args=(server, answer)).start()
            strange = running.Running("strange", place.parent, os.getpid(),
                                      place, "", [], None, None)
            refused(tap, f"answer-{answer.decode('latin1')}-is-an-error",
                    lambda: running.connect(strange).__enter__(), "strange")


def answer_with(server, answer):
    """Greet a client of SERVER, and give ANSWER with the id it asks for."""
    client, _ = server.accept()
    with client:
        client.sendall(b"{}\n")
        asked = json.loads(client.recv(4096))
        if answer.startswith(b'{"'):
            answer = b'{"id": "%s", %s' % (asked["id"].encode(), answer[1:])
        client.sendall(answer + b"\n")


def long_folder(tap):
    """A folder for temporary files whose name no socket can have."""
    before = tempfile.tempdir
    tempfile.tempdir = str(folder("x" * 120))
    try:
        with running.Registration(folder("long"), "hypsec test") as entry, \
                parked(entry):
            found = running.pick(None)
            with running.connect(found) as qmp:
                status = qmp.qmp("query-status")["status"]
        tap.equal((status, os.listdir(tempfile.tempdir),
                   found.socket.parent.exists()), ("running", [], False),
                  "a-long-temporary-folder")
    finally:
        tempfile.tempdir = before


def run_registers(tap):
    """./hypsec run --batch can be found while it runs. It waits for that: -S
    keeps it from its first instruction."""
    run = subprocess.Popen(
        [sys.executable, board.ROOT / "tools/run.py", "--guest", "demo",
         "--batch", "--", "-S"], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT)
    try:
        bound = time.monotonic() + SECONDS
        while not running.boards() and run.poll() is None and \
                time.monotonic() < bound:
            time.sleep(board.POLL_SECONDS / 4)
        found = running.pick("demo")
        names = [entry["name"] for entry in found.symbols]
        tap.equal(names, ["corevisor", "hostvisor", "alice", "bob"],
                  "run-batch-registers-with-symbols")
        with running.connect(found) as qmp:
            qmp.qmp("cont")
        output = run.communicate(timeout=SECONDS)[0]
        tap.result(run.returncode == 0, "and-ends-well", output.decode())
    finally:
        run.kill()
        run.wait()
    tap.equal(running.boards(), [], "and-is-gone")


def stays_stopped(tap):
    """QEMU takes its options with two dashes too."""
    seen = []
    for extra in ((), ("-S",), ("--S",)):
        config = board.Config(kernel=board.PARK, initrd=None, extra=extra)
        with board.Board(config) as machine:
            seen.append(machine.qmp("query-status")["running"])
    tap.equal(seen, [True, False, False], "stays-stopped-if-asked-to")


def late_reply(tap):
    """A reply that its caller gave up is none to the next command."""
    config = board.Config(kernel=board.PARK, initrd=None)
    with board.Board(config) as machine:
        os.kill(machine.process.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, machine.process.pid, os.WSTOPPED)
        said = ""
        try:
            machine.qmp("query-version", timeout=0)
        except board.BoardError as error:
            said = str(error)
        os.kill(machine.process.pid, signal.SIGCONT)
        tap.result("no QMP answer to query-version" in said, "late-reply",
                   said)
        tap.equal(set(machine.qmp("query-status")), {"running", "status"},
                  "is-none-to-the-next-command")


def console_is_shown(tap):
    """What host and VMs print reaches a terminal as text."""
    folder = pathlib.Path(FOLDER.name)
    said = b"HYPSEC-VM-OK \x1b]0;x\x07 \xc2\x9b2J\ty \xff\x00\r\n"
    reader, writer = os.pipe()
    os.write(writer, said)
    os.close(writer)
    with open(reader, "rb", buffering=0) as stream:
        console = board.Console(stream, folder / "console")
        console.wait_closed(SECONDS)
    shown = "HYPSEC-VM-OK ?]0;x? ?2J\ty \ufffd?"
    tap.equal((console.lines, (folder / "console").read_bytes()),
              ([shown], said), "console-cannot-command-a-terminal")
    tap.equal(board.tail(folder / "console"), f"  {shown}",
              "nor-can-the-end-of-a-log")


def user_observer(tap):
    tap.equal([len(running.observer(extra)) for extra in
               ((), ("-device", "hypsec-el-observer"),
                ("-device", "edu,id=obs"), ("-device", "edu,id=obs2"))],
              [2, 0, 0, 2], "an-observer-of-the-users-own-stays-alone")


def body(tap):
    try:
        one_board(tap)
        strange_answers(tap)
        long_folder(tap)
        run_registers(tap)
        stays_stopped(tap)
        late_reply(tap)
        console_is_shown(tap)
        user_observer(tap)
    finally:
        FOLDER.cleanup()


if __name__ == "__main__":
    looktest.run(body)
