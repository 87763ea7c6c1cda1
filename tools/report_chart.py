# SPDX-License-Identifier: GPL-2.0-or-later
"""The charts of a report, as SVG that stands inside an HTML page.

Colours are classes of the page's style sheet, so that a chart is light or
dark with its page. Everything that a chart shows is in a table too: a chart
is for the eyes, its <desc> says where the numbers are.
"""
import html
import math

import memory_picture
from memory_map import EL2, owner_key

WIDTH = 760
LEFT, RIGHT = 84, 12
PLOT = WIDTH - LEFT - RIGHT
MAX_COLOURS = 8
# The width of a letter of a chart's text, about.
LETTER = 7.5
# Worlds are coloured as the memory's owners are in its map.
WORLDS = {f"w-{key}": fill for key, fill in memory_picture.fills().items()}
LINED = {f"w-{owner_key(vm)}" for vm in range(1, EL2)
         if memory_picture.has_lines(vm)}


def escape(text):
    return html.escape(str(text), quote=True)


def n(value):
    """A coordinate."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def seconds(ns):
    """NS as a time that one can read."""
    for unit, size in (("s", 10 ** 9), ("ms", 10 ** 6), ("µs", 1000)):
        if ns >= size:
            return f"{ns / size:.4g} {unit}"
    return f"{ns} ns" if ns else "0"


def short(value):
    """1234567 as 1.23M."""
    for unit, size in (("T", 10 ** 12), ("G", 10 ** 9), ("M", 10 ** 6),
                       ("k", 1000)):
        # What three digits round up to the next unit is that unit's.
        if value >= 0.9995 * size:
            return f"{value / size:.3g}{unit}"
    return str(value)


def text(x, y, what, kind="", anchor="start"):
    return f'<text x="{n(x)}" y="{n(y)}" class="{kind}" ' \
        f'text-anchor="{anchor}">{escape(what)}</text>'


def rect(x, y, width, height, kind, title=""):
    title = f"<title>{escape(title)}</title>" if title else ""
    box = f'<rect x="{n(x)}" y="{n(y)}" width="{n(width)}" ' \
        f'height="{n(height)}" class="'
    lines = f'{box}lines"/>' if kind.split()[0] in LINED else ""
    return f'{box}{kind}">{title}</rect>{lines}'


def line(x1, y1, x2, y2, kind):
    return f'<path d="M{n(x1)} {n(y1)}L{n(x2)} {n(y2)}" class="{kind}"/>'


def chart(name, height, title, description, parts):
    return "\n".join((
        f'<svg class="chart" role="img" viewBox="0 0 {WIDTH} {n(height)}" '
        f'aria-labelledby="{name}-t {name}-d">',
        f'<title id="{name}-t">{escape(title)}</title>',
        f'<desc id="{name}-d">{escape(description)}</desc>',
        *parts, "</svg>"))


def legend(kinds, hint=""):
    """(class of the colour, words) pairs as HTML."""
    items = "".join(
        f'<li><svg class="key" viewBox="0 0 14 14" aria-hidden="true">'
        f"{rect(0, 0, 14, 14, kind)}</svg>{escape(words)}</li>"
        for kind, words in kinds)
    return f'<ul class="legend">{items}</ul>{hint}'


def ticks(top):
    """About four round numbers up to TOP, whole ones."""
    step = 10 ** math.floor(math.log10(max(top, 1)))
    for factor in (0.25, 0.5, 1, 2.5):
        if top / (step * factor) <= 4:
            step *= factor
            break
    step = max(math.ceil(step), 1)
    return [step * number for number in range(1, int(top / step) + 1)]


def colours(figures):
    """{cause: class}: the most frequent have a colour of their own."""
    total = {}
    for counts in figures.exits.values():
        for cause, count in counts.items():
            total[cause] = total.get(cause, 0) + count
    names = sorted(total, key=lambda cause: (-total[cause], cause))
    return {cause: f"c{min(number, MAX_COLOURS)}"
            for number, cause in enumerate(names)}


def scale(top, base, height):
    """From 0 at BASE to TOP, HEIGHT above it."""
    parts = [text(LEFT - 6, base + 4, "0", "", "end")]
    for tick in ticks(top):
        at = base - tick / top * height
        parts.append(line(LEFT, at, WIDTH - RIGHT, at, "grid"))
        parts.append(text(LEFT - 6, at + 4, short(tick), "", "end"))
    return parts


def time_axis(bin_ns, count, y):
    """Times below a chart of COUNT bins."""
    step = next((step for step in (1, 2, 4, 5, 10, 20)
                 if count / step <= 8), 40)
    parts = []
    for number in range(0, count + 1, step):
        x = LEFT + number / count * PLOT
        parts.append(line(x, y, x, y + 4, "axis"))
        # The last one does not stand out of the picture.
        parts.append(text(x, y + 18, seconds(number * bin_ns), "", "end"
                          if x > WIDTH - RIGHT - 20 else "middle"))
    return parts


def loads(figures, count, top, base):
    """Where a snapshot was loaded, in a chart of COUNT bins."""
    places = (LEFT + ns / (figures.over_time.width * count) * PLOT
              for ns in figures.loads)
    return [line(x, top, x, base, "load") for x in places]


def exits(figures, worlds, rows, kinds):
    """Exits to EL2 over time: a panel for each of WORLDS, stacked by cause."""
    height, gap, y = 110, 44, 10
    width = PLOT / max(len(rows), 1)
    bin_ns = figures.over_time.width
    parts = []
    for world in worlds:
        columns = [{cause: count for (of, cause), count in row.items()
                    if of == world} for row in rows]
        top = max([sum(column.values()) for column in columns] + [1])
        parts.append(text(LEFT, y + 10, f"from {world}", "strong"))
        base = y + 18 + height
        parts += scale(top, base, height)
        for number, column in enumerate(columns):
            at = base
            for cause in kinds:
                count = column.get(cause, 0)
                if not count:
                    continue
                size = count / top * height
                at -= size
                begin = number * bin_ns
                parts.append(rect(
                    LEFT + number * width + 0.5, at, max(width - 1, 0.5),
                    size, kinds[cause],
                    f"{world}, {seconds(begin)} to "
                    f"{seconds(begin + bin_ns)}: {count:,} × {cause}"))
        parts.append(line(LEFT, base, WIDTH - RIGHT, base, "axis"))
        parts += loads(figures, len(rows), y + 14, base)
        y = base + gap - 14
    y -= gap - 14
    parts += time_axis(bin_ns, len(rows), y)
    return chart(
        "exits-chart", y + 26, "Exits to EL2 over virtual time",
        f"Stacked columns of {seconds(bin_ns)} each, one panel for each world "
        "that is left; colours are causes. The table below has the numbers.",
        parts)


def owners(figures, count, looks):
    """Pages of VMs over time, one upon the other, as LOOKS has them, above
    the same COUNT bins as those of exits()."""
    height, y = 150, 14
    base, whole = y + height, figures.over_time.width * count
    vms = looks.vms()
    steps = looks.changes()
    top = max(sum(look.pages.get(vm, 0) for vm in vms) for look in steps)
    parts = scale(top, base, height)
    ends = [look.ns for look in [*steps[1:], looks.found[-1]]]
    for (ns, pages, _), end in zip(steps, ends):
        # A look after the last change of level is at the end.
        left, right = (min(at / whole, 1) * PLOT for at in (ns, end))
        at = base
        for vm in vms:
            if not pages.get(vm):
                continue
            size = max(pages[vm] / top * height, 1)
            at -= size
            parts.append(rect(
                LEFT + left, at, max(right - left, 0.5), size,
                world_class(vm) + " step", f"VM {vm[2:]}, {seconds(ns)} to "
                f"{seconds(end)}: {pages[vm]:,} pages"))
    parts.append(line(LEFT, base, WIDTH - RIGHT, base, "axis"))
    parts += loads(figures, count, y - 4, base)
    parts += time_axis(figures.over_time.width, count, base)
    return chart(
        "owners-chart", base + 26, "Pages of VMs over virtual time",
        "Areas that stand one upon the other, one for each VM that has "
        "pages. The table below has the numbers.", parts)


def world_class(world):
    """The class of a world's colour."""
    kind = f"w-{world.lower().replace(' ', '')}"
    return kind if kind in WORLDS or kind == "w-off" else "w-unknown"


def style():
    """The rules of the colours that are not the style sheet's."""
    return "".join(f".{kind} {{ fill: {fill}; }}\n"
                   for kind, fill in WORLDS.items()) + \
        ".w-off { fill: url(#off); }\n" \
        ".lines { fill: url(#lines); pointer-events: none; }\n"


def patterns():
    """What style() refers to, as an element of the page."""
    off = memory_picture.pattern("off", 5, '<path d="M-1 1L1 -1M-1 6L6 -1'
                                 'M4 6L6 4" class="grid"/>')
    return '<svg class="patterns" aria-hidden="true"><defs>' \
        f'{memory_picture.lines_pattern("lines")}{off}</defs></svg>'


def worlds(figures, names):
    """Who has each CPU for how much of the time."""
    y, parts = 0, []
    for cpu, counts in enumerate(figures.ns):
        total = max(sum(counts.values()), 1)
        y += 18
        parts.append(text(LEFT - 8, y + 18, f"CPU {cpu}", "", "end"))
        x = LEFT
        for world in names:
            ns = sum(value for (of, _), value in counts.items()
                     if of == world)
            width = ns / total * PLOT
            if not ns:
                continue
            parts.append(rect(x, y, width, 26, world_class(world) + " seg",
                              f"CPU {cpu}: {world} {100 * ns / total:.2f} %, "
                              f"{seconds(ns)}"))
            for label in (world, world.removeprefix("VM ")):
                if width > LETTER * len(label):
                    parts.append(text(x, y - 4, label))
                    break
            x += width
        y += 34
    for percent in range(0, 101, 20):
        x = LEFT + percent / 100 * PLOT
        parts.append(line(x, y - 4, x, y, "axis"))
        parts.append(text(x, y + 14, f"{percent} %", "",
                          "end" if percent == 100 else "middle"))
    return chart(
        "worlds-chart", y + 22, "Whom each CPU runs for, share of the time",
        "One bar for each CPU, divided by world; the name stands above where "
        "it has room, or a VM's number. The table below has the numbers.",
        parts)


def costs(rows, unit):
    """Ranges on a logarithmic axis; ROWS are (words, class, summary)."""
    left = 232
    plot = WIDTH - left - RIGHT - 16
    values = [value for _, _, found in rows for value in found[1:]]
    low = math.floor(math.log10(max(min(values), 1)))
    high = max(math.ceil(math.log10(max(max(values), 1))), low + 1)

    def place(value):
        value = math.log10(max(value, 1))
        return left + (value - low) / (high - low) * plot

    bottom = 14 + len(rows) * 24
    parts = []
    for power in range(low, high + 1):
        x = place(10 ** power)
        parts.append(line(x, 6, x, bottom, "grid"))
        parts.append(text(x, bottom + 16, short(10 ** power), "", "middle"))
    y = 14
    for words, kind, (count, least, median, most, greatest) in rows:
        parts.append(text(left - 8, y + 13, words, "", "end"))
        parts.append(line(place(least), y + 9, place(greatest), y + 9,
                          "whisker"))
        parts.append(rect(
            place(least), y + 2, max(place(most) - place(least), 6), 14,
            kind, f"{words}: {count:,} times, {least:,} to {greatest:,} "
            f"{unit}, median {median:,}, 95 % at most {most:,}"))
        parts.append(rect(place(median) - 1.5, y - 1, 3, 20, "median"))
        y += 24
    return chart(
        "costs-chart", bottom + 26, f"{unit} of stays at EL2",
        "For each path and cause a bar from the least to the 95th "
        "percentile, a mark at the median and a line to the greatest, on a "
        "logarithmic axis. The tables below have the numbers.", parts)
