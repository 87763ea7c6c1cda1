# SPDX-License-Identifier: GPL-2.0-or-later
"""The page of `./hypsec report`: one HTML file that needs nothing else.

It has no script, asks for nothing (its policy forbids it), and everything
that it did not write itself goes through report_console.escape().
"""
import pathlib

import memory_map
import memory_picture
import report_chart as chart
import report_log
from report_console import (
    HEAD_LINES, LINE_CHARS, SHOWN_KINDS, TAIL_LINES, escape)
from report_run import world_name

STYLE = pathlib.Path(__file__).with_name("report.css")
POLICY = "default-src 'none'; style-src 'unsafe-inline'; " \
    "base-uri 'none'; form-action 'none'"
# Panels of a chart, rows of a table by cause, each path's bars.
MAX_PANELS = 6
MAX_COST_ROWS = 24
MAX_BARS = 18
MAX_TEXT = 2000


def h(text):
    return escape(text, MAX_TEXT)


def lines(text):
    """Lines for a <pre>."""
    return "\n".join(map(h, text.split("\n")))


def number(value):
    return f"{value:,}" if isinstance(value, int) else h(value)


def first(text, change):
    """TEXT with its first letter CHANGEd."""
    return change(text[:1]) + text[1:]


def percent(part, whole):
    return f"{100 * part / whole:.2f} %" if whole else "–"


def scroll(name, content):
    """CONTENT that may be wider than a small screen, for the keyboard too."""
    return f'<div class="scroll" tabindex="0" role="region" ' \
        f'aria-label="{h(name)}">{content}</div>'


def table(name, head, rows, caption="", foot=()):
    """A table; the first cell of a row is its heading. Cells are text, and
    numbers stand to the right."""
    def cells(row):
        first, *rest = row
        return f'<th scope="row">{h(first)}</th>' + "".join(
            f'<td class="n">{number(cell)}</td>' if is_number(cell)
            else f"<td>{h(cell)}</td>" for cell in rest)

    numeric = [bool(rows) and is_number(cell) for cell in
               (rows[0] if rows else head)]
    heading = "".join(
        f'<th scope="col"{" class=n" if right else ""}>{h(cell)}</th>'
        for cell, right in zip(head, numeric))
    body = "".join(f"<tr>{cells(row)}</tr>" for row in rows)
    below = "".join(f"<tr>{cells(row)}</tr>" for row in foot)
    return scroll(name, (
        f'<table id="{h(name)}">'
        f"<caption>{h(caption or name)}</caption>"
        f"<thead><tr>{heading}</tr></thead><tbody>{body}</tbody>" +
        (f"<tfoot>{below}</tfoot>" if foot else "") + "</table>"))


def is_number(cell):
    return isinstance(cell, int) or (
        isinstance(cell, str) and cell.endswith(("%", "–")) and
        cell.startswith(("–", *"0123456789")))


def details(summary, content):
    return f"<details><summary>{h(summary)}</summary>{content}</details>"


def section(name, title, content):
    return f'<section id="{name}" aria-labelledby="{name}-h">' \
        f'<h2 id="{name}-h">{h(title)}</h2>{content}</section>'


# The sections

def verdict(report):
    """What one reads first."""
    if not report.outcome.failure:
        return '<p class="verdict good"><strong>The run succeeded.</strong> ' \
            "Board and software ended as they should.</p>"
    more = "\n".join([report.outcome.details, *report.el2.panics]).strip()
    return '<div class="verdict bad" role="alert"><p><strong>The run ' \
        f"failed:</strong> {h(report.outcome.failure)}</p>" + \
        (f"<pre>{lines(more)}</pre>" if more else "") + \
        "<p>Everything below is of the time until then.</p></div>"


def tiles(report):
    """The most important numbers."""
    figures = report.figures
    found = []
    if figures:
        total = figures.total_instructions
        ns = figures.world_ns()
        running = sum(ns.values()) - ns["off"]
        found = [
            (chart.short(total) if figures.icount else "not counted",
             "instructions, all CPUs"),
            (chart.seconds(figures.end_ns), "virtual time"),
            (f"{figures.total_exits():,}", "exits to EL2"),
            (percent(ns["EL2"], running), "of the CPUs' time at EL2"),
        ]
    found.append((f"{report.el2.refusals:,}", "refusals on EL2's console"))
    vms = len(figures and [world for world in figures.worlds()
                           if world.startswith("VM ")] or [])
    found.append((str(vms), "VM that ran" if vms == 1 else "VMs that ran"))
    return '<ul class="tiles">' + "".join(
        f"<li><strong>{h(value)}</strong><span>{h(words)}</span></li>"
        for value, words in found) + "</ul>"


def summary(report):
    rows = "".join(f"<dt>{h(name)}</dt><dd>{h(value)}</dd>"
                   for name, value in report.board)
    said = "\n".join(report.outcome.verdicts) or "(none)"
    return section("summary", "Summary", (
        tiles(report) + f'<dl class="facts">{rows}</dl>'
        f"<h3>Verdicts</h3><pre>{lines(said)}</pre>" + counters(report)))


def counters(report):
    found = report.outcome.counters
    if not found:
        return ""
    names = (("hypercalls", "the host's hypercalls"),
             ("smcs", "its SMCs"), ("host-s2-faults", "its stage-2 faults"),
             ("refusals", "events refused"))
    text = ", ".join(f"{words} {found[name]}" for name, words in names
                     if found.get(name, "unknown") != "unknown")
    return f"<p>EL2 itself counted: {h(text)}.</p>" if text else ""


def lost(report):
    """What the figures do not have in them, if anything."""
    log, found = report.figures.log, []
    if log.dropped:
        found.append(f"{log.dropped:,} changes of level had no room in the "
                     "observer's log (--limit) and are in no figure.")
    if not log.closed:
        found.append("The log was not closed, QEMU ended early: what came "
                     "after its last complete buffer is in no figure.")
    if report.figures.jumps:
        found.append(went_back(report.figures))
    return "".join(f'<p class="note">{h(text)}</p>' for text in found)


def went_back(figures):
    """A sentence on the snapshots that were loaded."""
    when = ", ".join(map(chart.seconds, figures.loads))
    if figures.jumps > len(figures.loads):
        when += " …"
    return f"The run went back in time: snapshots loaded: {figures.jumps}, " \
        f"at {when}. Time and instructions are shown as going on, and what " \
        "was undone is in all figures, except those that EL2 and, on " \
        "several CPUs, the observer counted: theirs came with the snapshot."


MEANING = {
    "IRQ": "physical interrupt", "FIQ": "physical fast interrupt",
    "SERROR": "system error", "HVC": "hypercall", "SMC": "call of firmware "
    "(PSCI)", "DABT": "data abort", "IABT": "instruction abort",
    "SYSREG": "trapped system register", "WFX": "trapped WFI or WFE",
    "FP": "trapped use of FP or SIMD", "UNDEF": "undefined instruction",
    "DEBUG": "debug exception"}


def exits(report):
    figures = report.figures
    if not figures.exits:
        return section("exits", "Exits to EL2", lost(report) + (
            '<p class="note">Host and VMs left for EL2 not once.</p>'))
    rows = figures.over_time.rows(figures.end_ns)
    worlds = sorted(figures.exits, key=report_log.order)
    shown = sorted(sorted(worlds, key=lambda world:
                          -figures.exits[world].total())[:MAX_PANELS],
                   key=report_log.order)
    kinds = chart.colours(figures)
    picture = chart.exits(figures, shown, rows, kinds)
    keys = [(kind, cause) for cause, kind in kinds.items()
            if kind != f"c{chart.MAX_COLOURS}"]
    if len(keys) < len(kinds):
        keys.append((f"c{chart.MAX_COLOURS}", "other causes"))
    text = ("<p>An exit is an exception that leaves host or VM for EL2. "
            "Each panel has its own scale.")
    if figures.loads:
        text += " At a dashed line a snapshot was loaded."
    if len(shown) < len(worlds):
        text += f" The {len(shown)} worlds with the most exits are drawn, " \
            "the tables have all of them."
    return section("exits", "Exits to EL2", (
        lost(report) + text + "</p>" + chart.legend(keys) +
        scroll("chart of exits over time", picture) +
        table("exits-by-cause", ["cause", *worlds, "all", "meaning"], [
            [cause, *(figures.exits[world][cause] for world in worlds),
             sum(figures.exits[world][cause] for world in worlds),
             MEANING.get(cause, "")]
            for cause in kinds], "Exits by cause and world left", [
            ["all", *(figures.exits[world].total() for world in worlds),
             figures.total_exits(), ""]]) +
        details("The numbers behind the chart",
                over_time(figures, rows, worlds, kinds))))


def over_time(figures, rows, worlds, kinds):
    width = figures.over_time.width
    shown = []
    for index, row in enumerate(rows):
        for world in worlds:
            found = [row.get((world, cause), 0) for cause in kinds]
            if any(found):
                shown.append([chart.seconds(index * width), world, *found])
    return table("exits-over-time", ["from", "world", *kinds], shown,
                 f"Exits in each {chart.seconds(width)} of virtual time; "
                 "what has none is left out")


def worlds(report):
    figures = report.figures
    ns = figures.world_ns()
    names = [world for world in figures.worlds() if ns[world]]
    whole = sum(ns.values())
    counted = report.instructions()
    total = sum(counted.values()) if counted else 0
    by_level = {world: {level: sum(counts[world, level]
                                   for counts in figures.ns)
                        for level in (0, 1)} for world in names}
    rows = []
    for world in names:
        user, kernel = (by_level[world][level] for level in (0, 1))
        rows.append([
            world, ns[world], percent(ns[world], whole),
            percent(user, ns[world]) if user or kernel else "–",
            *([counted.get(world, 0), percent(counted.get(world, 0), total)]
              if counted else ["–", "–"]),
            figures.entries[world]])
    clock = (
        "One instruction is one nanosecond of virtual time and idle time is "
        "skipped to the next timer. With several CPUs QEMU gives them turns: "
        "the time of all goes on while one executes, so that a CPU that waits "
        "for its turn stays in its world."
        if figures.icount else
        "Time is QEMU's virtual clock, which goes on while this machine is "
        "slow: it is not the same in another run.")
    source = "" if counted else \
        " Instructions were not counted."
    return section("worlds", "Time and instructions per world", (
        f"<p>{h(clock + source)}</p>" + chart.legend([
            (chart.world_class(world), world) for world in names]) +
        scroll("chart of time per world", chart.worlds(figures, names)) +
        table("world-time", ["world", "time in ns", "share",
                             "of it at EL0", "instructions", "share",
                             "entered"], rows,
              "Time of all CPUs and instructions, by world")))


TITLES = {("host", "host"): "host → EL2 → host",
          ("VM", "host"): "VM → EL2 → host",
          ("host", "VM"): "host → EL2 → VM",
          ("VM", "VM"): "VM → EL2 → the same or another VM"}


def costs(report):
    figures = report.figures
    paths = {path: found for path, found in
             report_log.rounds(figures).items() if found}
    bars, parts = [], []
    for index, (path, found) in enumerate(paths.items()):
        title = TITLES.get(path, f"{path[0]} → EL2 → {path[1]}")
        shown = list(found.items())[:MAX_COST_ROWS]
        rows = [[what, *(("–" if value is None else value) for value in
                         cost.summary()), cost.mixed]
                for what, cost in shown]
        parts.append(f"<h3>{h(title)}</h3>" + table(
            f"cost-{index}", ["exit by", "count", "min", "median", "p95",
                              "max", "left out"], rows,
            f"{figures.unit} of a stay at EL2, {title}"))
        if len(found) > len(shown):
            parts.append(f"<p>{len(found) - len(shown)} more causes are not "
                         "shown.</p>")
        short = {"host": "host", "VM": "VM"}
        bars += [(f"{short.get(path[0], path[0])} → "
                  f"{short.get(path[1], path[1])}, {name(what)}",
                  f"p{index % 4}", cost.summary())
                 for what, cost in shown if cost.count]
    bars = sorted(bars, key=lambda bar: -bar[2][0])[:MAX_BARS]
    bars.sort(key=lambda bar: (bar[1], -bar[2][0]))
    picture = scroll("chart of the cost of stays at EL2",
                     chart.costs(bars, figures.unit)) if bars else ""
    keys = [(f"p{index % 4}", TITLES.get(path, " → ".join(path)))
            for index, path in enumerate(paths)]
    return section("costs", "What a world switch costs", (
        "<p>" + h(
            f"Counted are the {figures.unit} from EL2's first one after an "
            "exception to its ERET, both included: saving and restoring "
            "registers, and all the work of the call or fault in between. A "
            "call that EL2 refuses counts like one that it does, with the "
            "line on EL2's console. Leaving a VM "
            "for the host and entering it again are two stays; what the host "
            "does between them is its own. ./hypsec bench switch measures "
            "whole round trips of one kind each, without that work. "
            "Percentiles are values that occurred (nearest rank).") + "</p>" +
        (f'<p>{h(MIXED)}</p>' if figures.log.cpus > 1 and figures.icount
         else "") +
        chart.legend(keys, '<p class="hint">Bar: least to 95th percentile. '
                     "Mark: median. Line: to the greatest.</p>") +
        picture + "".join(parts)))


MIXED = "The counter of instructions is one for all CPUs. A stay during " \
    "which another CPU changed its level is left out, and counted as such; " \
    "one that another CPU merely computed in is not known, and is the " \
    "usual reason of a great maximum or 95th percentile. With --smp 1 every " \
    "figure is exact."


def name(what):
    """Of "HVC 8 VCPU_RUN" what fits beside a bar."""
    words = what.split()
    return words[-1][:20] if len(words) > 1 else what[:20]


def owners_over_time(report):
    """A chart of the pages of VMs; a sentence if none were seen."""
    figures, looks = report.figures, report.outcome.looks
    if not looks or not figures:
        return ""
    note = f'<p class="note">No more looks: {h(looks.problem)}</p>' \
        if looks.problem else ""
    vms = looks.vms()
    if not vms:
        return f"<p>Of {len(looks.found)} looks at the board none met a VM " \
            f"with pages, so there is no chart of them over time.</p>{note}"
    count = len(figures.over_time.rows(figures.end_ns))
    names = ["host", "el2", *vms]
    rows = [[chart.seconds(look.ns), *(look.pages.get(name, 0)
                                       for name in names)]
            for look in looks.changes()]
    text = "Pages are of 4 KiB. " \
        f"The board was looked at {len(looks.found)} times: where it " \
        "stopped, and while it ran as often as this machine allows without " \
        "slowing it down. What came and went between two looks is not seen, " \
        "and another run is looked at at other times."
    return (f"<h3>Pages of VMs over time</h3><p>{h(text)}</p>{note}" +
            chart.legend([(chart.world_class(vm), world_name(vm))
                          for vm in vms]) +
            scroll("chart of pages over time",
                   chart.owners(figures, count, looks)) +
            details("The numbers behind this chart", table(
                "owners-over-time", ["from", *map(world_name, names)], rows,
                "Pages by owner, whenever they were seen to have changed")))


def memory(report):
    parts = [owners_over_time(report)]
    if report.memory.problem:
        parts.append('<p class="note">The second run, for the memory: '
                     f"{h(report.memory.problem)}</p>")
    if report.memory.best:
        parts.append(f"<p>{h(SECOND_RUN)}</p>")
    for index, found in enumerate(report.pictures()):
        parts.append(f"<h3>{h(found.title)}</h3>")
        if found.map is None:
            parts.append(f'<p class="note">No picture: {h(found.problem)}</p>')
            continue
        parts.append(scroll(f"map of the memory: {found.title}",
                            memory_picture.svg(found.map,
                                               first(found.moment, str.upper),
                                               prefix=f"map{index}")))
        parts.append(owner_table(found, index))
    return section("memory", "Whose memory it is", "".join(parts))


SECOND_RUN = "The first map is of a second run of the same board, which " \
    "was stopped by a breakpoint wherever EL2 was about to take pages back " \
    "from a VM; it is of the stop at which VMs owned the most pages. No " \
    "other figure of this report is of that run. It does not count " \
    "instructions: the same VMs can have other pages, and some more or " \
    "fewer, in the next one."


def owner_table(found, index):
    rows = []
    for owner, (pages, shared, device) in sorted(
            found.map.owner_totals().items()):
        rows.append([memory_map.owner_name(owner), pages,
                     memory_picture.size(pages), shared, device])
    tables = [[mapper.name, mapper.blocks, mapper.pages, mapper.outside]
              for mapper in found.map.mappers]
    return table(f"owners-{index}", ["owner", "pages", "size", "shared",
                                     "for a device"], rows,
                 f"Pages by owner, {first(found.title, str.lower)}") + (
        details("What the tables map", table(
            f"tables-{index}", ["table", "2 MiB blocks", "4 KiB pages",
                                "pages of devices"], tables,
            "What the stage-2 and SMMU tables map, " +
                first(found.title, str.lower)))
        if tables else "")


def el2_console(report):
    console = report.el2
    parts = [limits(console)]
    if console.kinds:
        kinds = console.kinds.most_common()
        parts.append(table(
            "refusals", ["refused", "times"],
            [[kind, count] for kind, count in kinds[:SHOWN_KINDS]],
            f"{console.refusals:,} refusals by kind; … stands for numbers" +
            (f"; {len(kinds) - SHOWN_KINDS} rarer kinds are not shown"
             if len(kinds) > SHOWN_KINDS else "")))
    return section("el2", "EL2's console",
                   "".join(parts) + listing("EL2's console", console))


def host_console(report):
    return section("host", "The host's console",
                   limits(report.host) +
                   listing("the host's console", report.host))


def limits(console):
    if console.problem:
        return f'<p class="note">{h(console.problem)}</p>'
    text = f"{console.lines:,} lines, {console.bytes:,} bytes."
    if console.hidden:
        text += f" The first {HEAD_LINES} and the last {TAIL_LINES} lines " \
            "are shown."
    return f"<p>{h(text)} Lines end after {LINE_CHARS} characters; what is " \
        "not printable stands as its picture or number.</p>"


def listing(title, console):
    return f'<pre class="console" tabindex="0" role="region" ' \
        f'aria-label="{h(title)}">{console.html()}</pre>'


def how(report):
    rows = "".join(f"<dt>{h(key)}</dt><dd>{h(value)}</dd>"
                   for key, value in report.how)
    return section("how", "How this was made", (
        f'<dl class="facts">{rows}</dl>' + details(
            "QEMU's command line",
            f"<pre>{h(report.qemu_command)}</pre>")))


def page(report):
    """The whole file."""
    title = f"hypsec-virt: {report.title}"
    parts = [summary(report)]
    if report.figures:
        parts += [exits(report), worlds(report), costs(report)]
    else:
        parts.append(section("exits", "Exits, worlds and costs", (
            f'<p class="note">No figures: {h(report.log_problem)}</p>')))
    parts += [memory(report), el2_console(report), host_console(report),
              how(report)]
    links = [("summary", "Summary"), ("exits", "Exits"),
             *([("worlds", "Worlds"), ("costs", "Costs")]
               if report.figures else []),
             ("memory", "Memory"), ("el2", "EL2's console"),
             ("host", "Host's console"), ("how", "How it was made")]
    menu = "".join(f'<li><a href="#{target}">{h(words)}</a></li>'
                   for target, words in links)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, '
        'initial-scale=1">\n<meta name="color-scheme" content="light dark">\n'
        f"<title>{h(title)}</title>\n<style>\n"
        f"{STYLE.read_text(encoding='utf-8')}{chart.style()}</style>\n"
        f"</head>\n<body>\n{chart.patterns()}\n"
        '<a class="skip" href="#summary">Skip to the summary</a>\n'
        f'<header><p class="kind">hypsec-virt report</p>'
        f"<h1>{h(report.title)}</h1>{verdict(report)}"
        f'<nav aria-label="Sections"><ul>{menu}</ul></nav></header>\n'
        "<main>\n" + "\n".join(parts) + "\n</main>\n</body>\n</html>\n")
