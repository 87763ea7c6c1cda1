#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Pages of `./hypsec report`, of boards that run, in a browser; TAP.

What a page shows is compared with the observer's log as this file reads it,
with the counters of QEMU, and with what the board printed.
"""
import collections
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import looktest  # noqa: E402  (finds tools/)
import board  # noqa: E402
import report  # noqa: E402
import memory_picture  # noqa: E402
import report_console  # noqa: E402
import report_data  # noqa: E402
import report_owners  # noqa: E402
import report_page  # noqa: E402
import report_run  # noqa: E402
from browser import Browser, program  # noqa: E402

# A hang bound.
RUN_SECONDS = 400
WIDTHS = (360, 800, 1400)
VM, EL2, LEVEL_EL2 = 2, 3, 2

TABLE = """(id => [...document.querySelectorAll('#' + id + ' tr')].map(
    row => [...row.cells].map(cell => cell.textContent)))"""
# What of a document would run, load or lead elsewhere.
ACTIVE = """document.querySelectorAll('script, iframe, object, embed, img, ' +
    'link, form, input, base, video, audio, foreignObject, image, use, ' +
    '[src], [onload], [onerror], [onclick], a:not([href^="#"])').length"""
UNNAMED = """[...document.querySelectorAll('svg[role=img]')].filter(svg =>
    svg.getAttribute('aria-labelledby').split(' ').some(id => {
        const found = document.getElementById(id);
        return !found || !found.textContent.trim(); })).length"""
TWICE = """(() => { const ids = [...document.querySelectorAll('[id]')].map(
    element => element.id); return ids.length - new Set(ids).size; })()"""
DEAD_LINKS = """[...document.querySelectorAll('a')].filter(
    a => !document.getElementById(a.getAttribute('href').slice(1))).length"""
# Worlds of the legend: [name, fill, lines over it].
KEYS = """[...document.querySelectorAll('#worlds .legend li')].map(item => {
    const [fill, lines] = [...item.querySelectorAll('rect')].map(
        rect => getComputedStyle(rect).fill);
    return [item.textContent, fill, lines || '']; })"""
# Parts of the chart of pages: [fill, lines over it, how many alike].
STACKS = """(() => { const found = new Map();
    for (const part of document.querySelectorAll('#memory .step')) {
        const name = part.className.baseVal, over = part.nextElementSibling;
        const lines = over.classList.contains('lines');
        const old = found.get(name) || [getComputedStyle(part).fill, lines, 0];
        found.set(name, [old[0], lines, old[2] + 1]); }
    return [...found.values()]; })()"""
# Letter or A4 with a centimetre of margin, in pixels, and what has no room
# there, or in a box that does not scroll on paper.
PAPER = 714
CUT = """[...document.querySelectorAll('main *')].filter(element =>
    element.getBoundingClientRect().right > innerWidth ||
    element.matches('.console') &&
    element.scrollHeight > element.clientHeight).map(
        element => element.outerHTML.slice(0, 80))"""
# Boxes that are scrolled sideways and cannot be reached by keys.
UNREACHABLE = """[...document.querySelectorAll('*')].filter(element =>
    ['auto', 'scroll'].includes(getComputedStyle(element).overflowX) &&
    element.scrollWidth > element.clientWidth &&
    element.tabIndex !== 0).length"""
# Text whose contrast with what is behind it is below 4.5.
FAINT = """(() => {
    const light = text => {
        const part = text.match(/[\\d.]+/g).map(Number);
        const linear = value => (value /= 255) <= 0.04045 ? value / 12.92 :
            ((value + 0.055) / 1.055) ** 2.4;
        return 0.2126 * linear(part[0]) + 0.7152 * linear(part[1]) +
            0.0722 * linear(part[2]); };
    const behind = element => {
        for (; element; element = element.parentElement) {
            const colour = getComputedStyle(element).backgroundColor;
            if (!/, 0\\)$/.test(colour) && colour != 'transparent')
                return colour;
        }
        return 'rgb(255, 255, 255)'; };
    const bad = [];
    for (const element of document.querySelectorAll(
            'body *, svg.chart text')) {
        if (element.closest('svg:not(.chart)') ||
            (element.closest('svg') && element.localName != 'text') ||
            ![...element.childNodes].some(node => node.nodeType == 3 &&
                                          node.data.trim()))
            continue;
        const style = getComputedStyle(element);
        const [one, two] = [element.localName == 'text' ? style.fill :
                            style.color, behind(element)].map(light);
        if ((Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05) < 4.5)
            bad.push(element.textContent.slice(0, 40));
    }
    return bad; })()"""


def run(out, *options):
    """`./hypsec report` into OUT; the finished process."""
    command = [sys.executable, board.ROOT / "tools/report.py", "--out", out,
               *options]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:
        try:
            said, errors = process.communicate(timeout=RUN_SECONDS)
        except BaseException:
            # Not killed: it takes its board along.
            process.terminate()
            raise
    return subprocess.CompletedProcess(command, process.returncode, said,
                                       errors)


def records(path):
    """(instructions, cpu, old level, new level, cause, world) of a log."""
    data = path.read_bytes()
    header_bytes, = struct.unpack_from("<I", data, 12)
    names = [data[at:at + 16].rstrip(b"\0").decode()
             for at in range(64, header_bytes, 16)]
    for fields in struct.iter_unpack("<QQQIHHBBBBBBH", data[header_bytes:]):
        _, count, _, _, _, cpu, old, new, cause, world, vm, _, _ = fields
        yield count, cpu, old, new, names[cause], \
            f"VM {vm}" if world == VM else ("?", "host", "", "EL2",
                                            "off")[world]


def recount(path):
    """Exits {(world, cause)}, instructions {world} and the stays at EL2
    {(from, to): [instructions]} of the log of one CPU."""
    exits, instructions = collections.Counter(), collections.Counter()
    stays = collections.defaultdict(list)
    world, since, before = "off", 0, None
    for count, _, old, new, cause, after in records(path):
        instructions[world] += count - since
        if new == LEVEL_EL2 and old in (0, 1):
            exits[world, cause] += 1
            before = world
        elif old == LEVEL_EL2 and before:
            stays[before[:2], after[:2]].append(count - since)
        world, since = after, count
    return exits, instructions, stays


def number(text):
    return int(text.replace(",", ""))


def column(table, name):
    """{first cell: cell} of a column of a table that was read from a page."""
    at = table[0].index(name)
    return {row[0]: row[at] for row in table[1:]}


def check_look(tap, browser, path, name):
    """Nothing sticks out, at any width, light or dark; nothing is asked."""
    for width in WIDTHS:
        view = browser.open(path, width, dark=width == 800)
        seen = view.evaluate("[document.documentElement.scrollWidth, "
                             "document.documentElement.clientWidth]")
        tap.result(seen[0] <= seen[1] == width, f"{name}-fits-{width}", seen)
        tap.equal(view.evaluate(FAINT), [],
                  f"{name}-contrast-{width}")
        tap.equal((view.requests, view.messages), ([], []),
                  f"{name}-asks-for-nothing-{width}")
        tap.equal(view.evaluate(f"[{ACTIVE}, {UNNAMED}, {TWICE}, "
                                f"{DEAD_LINKS}, {UNREACHABLE}]"), [0] * 5,
                  f"{name}-no-active-content-all-named-reachable-{width}")
    tap.equal(view.evaluate("document.querySelectorAll('h1').length"), 1,
              f"{name}-one-title")
    view.key("Tab")
    tap.equal(view.evaluate("document.activeElement.className"), "skip",
              f"{name}-begins-with-the-skip-link")
    return view


def check_demo(tap, browser, folder):
    """Two VMs on one CPU: each figure is exact."""
    out, log = folder / "demo.html", folder / "el.log"
    done = run(out, "--guest", "demo", "--smp", "1", "--keep-log", log)
    if not tap.equal((done.returncode, done.stderr), (0, ""),
                     "demo-succeeds"):
        return
    view = check_look(tap, browser, out, "demo")
    tap.result("succeeded" in view.evaluate(
        "document.querySelector('.verdict').textContent"), "demo-says-so")
    exits, instructions, stays = recount(log)
    table = view.evaluate(f"{TABLE}('exits-by-cause')")
    seen = {(world, cause): number(count)
            for world in ("host", "VM 1", "VM 2")
            for cause, count in column(table, world).items()
            if cause != "all" and number(count)}
    tap.equal(seen, dict(exits), "exits-equal-the-log")
    over_time = view.evaluate(f"{TABLE}('exits-over-time')")
    seen = collections.Counter()
    for row in over_time[1:]:
        for cause, count in zip(over_time[0][2:], row[2:]):
            seen[row[1], cause] += number(count)
    tap.equal(+seen, exits, "exits-over-time-add-up")
    worlds = view.evaluate(f"{TABLE}('world-time')")
    seen = {world: number(count) for world, count in
            column(worlds, "instructions").items() if number(count)}
    tap.equal(seen, {world: count for world, count in instructions.items()
                     if count}, "instructions-equal-the-log")
    for index, path in enumerate((("ho", "ho"), ("VM", "ho"), ("ho", "VM"))):
        rows = view.evaluate(f"{TABLE}('cost-{index}')")
        counts = [number(count) for count in column(rows, "count").values()]
        least = [number(value) for value in column(rows, "min").values()]
        most = [number(value) for value in column(rows, "max").values()]
        tap.equal((sum(counts), min(least), max(most)),
                  (len(stays[path]), min(stays[path]), max(stays[path])),
                  f"stays-{path[0]}-{path[1]}-equal-the-log")
    check_memory(tap, view, out)


def owned(view):
    """{owner: pages} in the map of the second run."""
    return {owner: number(count) for owner, count in column(
        view.evaluate(f"{TABLE}('owners-0')"), "pages").items()}


def check_taken(tap, browser, folder):
    """A VM's pages before EL2 takes them back. Of several VMs, one may have
    come and gone before another one has all of its pages."""
    out = folder / "taken.html"
    done = run(out, "--guest", "hello", "--smp", "1")
    if not tap.equal((done.returncode, done.stderr), (0, ""),
                      "hello-succeeds"):
        return
    back = re.findall(r"vm1 hello: ok: off.* (\d+) pages came back",
                      out.read_text())
    pages = owned(browser.open(out))
    tap.equal([str(pages.get("VM 1"))], back, "vm-owned-what-came-back-later")


def check_memory(tap, view, out):
    tap.equal(sum(owned(view).values()), (1 << 30) // 4096,
              "all-pages-have-owners")
    back = re.findall(r"vm(\d) \w+: ok: off.* (\d+) pages came back",
                      out.read_text())
    seen = view.evaluate(f"{TABLE}('owners-over-time')")
    tap.result(seen and {name: True for name in seen[0][3:]} == {
        f"VM {vm}": max(map(number, column(seen, f"VM {vm}").values())) <=
        int(count) for vm, count in back}, "no-vm-had-more-at-any-time",
        f"{back} {seen}")
    last = column(view.evaluate(f"{TABLE}('owners-1')"), "pages")
    tap.equal(sorted(last), ["EL2", "host"], "nothing-is-a-vms-at-the-end")
    tap.equal(seen[-1][1:], [last["host"], last["EL2"],
                             *["0" for _ in seen[0][3:]]],
              "the-last-look-is-at-the-end")
    tap.equal(view.evaluate("document.querySelectorAll('#memory svg.map0, "
                            "#memory svg.map1').length"), 2, "two-maps")
    said = view.evaluate("document.querySelectorAll('#el2 mark').length")
    tap.result(said > 100, "refusals-are-marked", said)


def check_counters(tap, folder):
    """On one CPU, the log's instructions are those that QEMU counts."""
    args = report.parse_arguments(["--guest", "hello", "--smp", "1",
                                   "--once"])
    args.user_qemu = args.qemu
    made = report.collect(args, [], folder)
    counted = {world: count for world, count in
               made.outcome.world_instructions.items() if count}
    # The log ends with its last change, the host's SYSTEM_OFF.
    mine = {world: count for world, count in made.figures.instructions.items()
            if count}
    tap.equal(set(counted), set(mine), "same-worlds-as-the-observer")
    tap.result(all(0 <= counted[world] - mine[world] < 5000
                   for world in counted), "instructions-as-the-observer",
               f"{counted} {mine}")
    tap.result(str(made.outcome.counters["hypercalls"]) ==
               str(made.figures.exits["host"]["HVC"]),
               "hypercalls-as-el2-counts", made.outcome.counters)


def check_failures(tap, browser, folder):
    out = folder / "panic.html"
    done = run(out, "--guest", "demo", "--smp", "1", "--", "-machine",
               "on-violation=halt")
    tap.result(done.returncode == 1 and "reported a panic" in done.stderr and
               "Traceback" not in done.stderr, "a-panic-is-a-failure", done)
    view = check_look(tap, browser, out, "panic")
    said = view.evaluate("document.querySelector('.verdict').textContent")
    tap.result("The run failed" in said and "EL2 panic: violation" in said,
               "a-panic-is-said-at-the-top", said)
    tap.result(view.evaluate(f"{TABLE}('owners-0')"),
               "the-memory-of-the-panic-is-drawn")
    out = folder / "limit.html"
    done = run(out, "--timeout", "0.3", "--once")
    tap.result(done.returncode == 1 and out.exists() and
               "time limit" in browser.open(out).evaluate(
                   "document.querySelector('.verdict').textContent"),
               "a-time-limit-is-said", done)


def check_linux(tap, browser, folder):
    out = folder / "linux.html"
    done = run(out)
    tap.result(done.returncode == 0 and "HYPSEC-HOST-OK" in done.stdout,
               "linux-succeeds", done)
    view = check_look(tap, browser, out, "linux")
    tap.equal(view.evaluate("document.querySelectorAll('#memory svg[role="
                            "img]').length"), 1, "linux-has-one-map")
    run(folder / "again.html")
    pages = [path.read_text().split('<section id="how"')
             for path in (out, folder / "again.html")]
    tap.result(len(pages[0]) == 2 and pages[0][0] == pages[1][0],
               "figures-are-the-same-in-every-run")


HOSTILE = """\
</pre><script>document.title = "owned"</script>
<img src=x onerror="document.title='owned'">
"><svg onload="document.title='owned'">
refused: </mark><style>body{display:none}</style><a href="javascript:1">
EL2 panic: <script>document.title = "owned"</script>
HYPSEC-VM-FAIL <iframe src="file:///etc/passwd"></iframe>
<meta http-equiv="refresh" content="0;url=http://example.invalid/">
<link rel=stylesheet href="http://example.invalid/x.css">
\x1b[2J\x1b]8;;http://example.invalid/\x07 \u202e \0 \x85 &lt; &amp;
"""


def check_hostile(tap, browser, folder):
    """All that comes from the board or the command line is markup."""
    path = folder / "console"
    path.write_text(HOSTILE)
    console = report_console.Console(path)
    nasty = HOSTILE.replace("\n", " ")
    outcome = report_run.Outcome(
        failure=nasty, details=HOSTILE, verdicts=HOSTILE.splitlines(),
        counters={"refusals": nasty, "smcs": nasty}, qemu=nasty,
        end=report_run.Picture("At the end", nasty, problem=nasty))
    out = folder / "hostile.html"
    report.write(out, report_page.page(report.Report(
        nasty, [(nasty, nasty)], [(nasty, nasty)], nasty, outcome,
        report_run.Memory(None, nasty), console, console,
        log_problem=nasty)))
    view = check_look(tap, browser, out, "hostile")
    tap.result("owned" not in view.evaluate("document.title")[:5],
               "no-hostile-script-runs")
    seen = view.evaluate("document.querySelector('#host pre').textContent")
    # U+0085 is no end of a line to a console.
    tap.equal(seen.split("\n"), [report_console.visible(line) for line in
                                 HOSTILE.rstrip("\n").split("\n")],
              "hostile-text-stands-as-text")
    tap.result("<script>document" in seen and "\x1b" not in seen,
               "and-all-of-it-is-there", seen)


def check_looks_words(tap):
    """Looks that ended early, or met nothing, are said."""
    looks = report_owners.Looks(1)
    looks.problem = "<QMP>"
    made = report.Report("", [], [], "", report_run.Outcome(looks=looks),
                         report_run.Memory(None), None, None)
    with tempfile.TemporaryDirectory(prefix="hypsec-look-") as name:
        made.figures = made_log(pathlib.Path(name))
    for name, pages, words in (("nothing", 0, "Of 1 looks"),
                               ("pages", 1, "looked at 2 times")):
        looks.add(report_owners.Look(0, {"vm1": pages}))
        text = report_page.owners_over_time(made)
        tap.result(words in text and "No more looks: &lt;QMP&gt;" in text,
                   f"looks-that-end-are-said-{name}", text)


def made_log(folder):
    """Figures of a log with 15 VMs, one after the other, two times: the
    second time after a snapshot was loaded."""
    change, host, el2, vm = (report_data.change, report_data.HOST,
                             report_data.EL2, report_data.VM)
    records = [change(500, 0, report_data.OFF, 2, "RESET", el2),
               change(1000, 0, 2, 1, "ERET", host)]
    for number in range(1, 16):
        at = number * 100_000
        records += [
            change(at, 0, 1, 2, "HVC", el2, value=8),
            change(at + 1000, 0, 2, 1, "ERET", vm, vm=number),
            change(at + 70_000, 0, 1, 2, "IRQ", el2),
            change(at + 71_000, 0, 2, 1, "ERET", host)]
    return report_data.figures(folder, [
        *records, change(1000, 0, 1, 1, "LOADVM", host), *records[2:]],
        end=1_600_000)


def made_looks():
    """Of a board with the VMs of made_log(): VM n has n times 10,000 pages
    from its first turn on."""
    looks = report_owners.Looks(1)
    for at in range(0, 1_600_000, 50_000):
        looks.add(report_owners.Look(at, {
            "host": 5_000_000, "el2": 6144, **{
                f"vm{n}": n * 10_000 if n * 100_000 <= at else 0
                for n in range(1, 16)}}))
    return looks


def rgb(fill):
    return "rgb({}, {}, {})".format(*bytes.fromhex(fill[1:]))


def check_made(tap, browser, folder):
    """A page of more than boards do: 15 VMs, and a snapshot."""
    path = folder / "console"
    path.write_text("nothing\n" * 500)
    console = report_console.Console(path)
    out = folder / "made.html"
    report.write(out, report_page.page(report.Report(
        "made", [], [], "", report_run.Outcome(looks=made_looks()),
        report_run.Memory(None), console, console, made_log(folder))))
    view = check_look(tap, browser, out, "made")
    fills = memory_picture.fills()
    tap.equal(view.evaluate(KEYS), [
        [world, rgb(fills[world.lower().replace(" ", "")]),
         'url("#lines")' if world in [f"VM {n}" for n in range(9, 16)]
         else ""]
        for world in ("host", "EL2", *(f"VM {n}" for n in range(1, 16)))] +
        [["off", 'url("#off")', ""]],
        "worlds-have-the-colours-of-the-map")
    tap.equal(view.evaluate("document.querySelectorAll('.load').length"),
              report_page.MAX_PANELS + 1, "each-panel-shows-the-snapshot")
    rows = view.evaluate(f"{TABLE}('owners-over-time')")
    tap.equal((len(rows), rows[-1][0], list(map(number, rows[-1][1:]))),
              (17, "1.5 ms", [5_000_000, 6144,
                              *range(10_000, 160_000, 10_000)]),
              "pages-over-time-when-they-change")
    tap.equal(view.evaluate(STACKS), [
        [rgb(fills[f"vm{vm}"]), vm in range(9, 16), 16 - vm]
        for vm in range(1, 16)], "each-vm-has-its-part-of-the-chart")
    check_paper(tap, view)
    tap.result("snapshots loaded: 1, at 1.571 ms" in view.evaluate(
        "document.querySelector('#exits').textContent"),
        "and-the-page-says-when")


def check_paper(tap, view):
    """Printed, all is there: nothing is cut off, scrolled, or a link."""
    view.evaluate("document.querySelector('#memory details').open = true")
    view.print_on(PAPER)
    tap.equal(view.evaluate(CUT), [], "nothing-is-cut-on-paper")
    tap.equal(view.evaluate(
        "[...document.querySelectorAll('details, nav, .skip')]"
        ".map(element => element.checkVisibility())"),
        [False, False, False, True, False],
        "paper-has-what-was-unfolded-and-no-menu")


def check_policy(tap, browser, folder):
    """The check of requests can fail, and the policy stops what gets in."""
    page = (folder / "hostile.html").read_text()
    evil = '<img src="http://example.invalid/x"><script>document.title = ' \
        '"owned"</script></main>'
    path = folder / "evil.html"
    path.write_text(page.replace("</main>", evil))
    view = browser.open(path)
    tap.result(view.evaluate("document.title") != "owned" and view.messages,
               "the-policy-stops-a-script", view.messages)
    path.write_text(re.sub("<meta http-equiv[^>]*>", "", page).replace(
        "</main>", evil))
    view = browser.open(path)
    tap.result(view.requests and view.evaluate("document.title") == "owned",
               "without-it-the-request-is-seen", view.requests)


def check_guests(tap, browser, folder):
    check_demo(tap, browser, folder)
    check_taken(tap, browser, folder)
    check_counters(tap, folder)


def check_text(tap, browser, folder):
    check_hostile(tap, browser, folder)
    check_looks_words(tap)
    check_made(tap, browser, folder)
    check_policy(tap, browser, folder)


PARTS = {"text": check_text, "guests": check_guests,
         "failures": check_failures, "linux": check_linux}


def body(tap):
    if not program():
        tap.skip("pages-in-a-browser", "there is no Chromium")
        return
    with tempfile.TemporaryDirectory(prefix="hypsec-look-") as name, \
            Browser() as browser:
        for part in sys.argv[1:] or PARTS:
            PARTS[part](tap, browser, pathlib.Path(name))


if __name__ == "__main__":
    looktest.run(body)
