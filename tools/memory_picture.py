# SPDX-License-Identifier: GPL-2.0-or-later
"""A MemoryMap (memory_map.py) as a picture: one <svg> element.

    text = svg(memory, "board 20260101-1", facts=["2 CPUs"])

Two views of the same pages: the whole of RAM in a few rows, where a cell that
holds several owners is divided among them, and below it, with small cells, all
rows that hold anything but plain pages of the host's. Rows that are alike are
drawn once, with a line that says how many there are. Below each row of owners
are three strips: what host, VMs and SMMUs map, high where by 2 MiB blocks, low
where by pages of 4 KiB.

Colours are told apart by people who see fewer of them, and in print; owners
also stand beside each row in words. The text has no script, and its ids and
classes begin with a prefix, so that it can stand in a web page. Whatever the
board's memory holds, its size is bounded by the number of cells.
"""
import collections
import html
import textwrap

from memory_map import (BY_BLOCK, BY_PAGE, DEVICE, EL2, HOST, KIND_BITS, ODD,
                        OWNER_BITS, SHARED, census, class_name, is_all,
                        owner_key, owner_name)

PAGE = 4096
WIDTH = 1200
MARGIN = 24
# The grid: so many cells in a row, each so wide.
CELLS, CELL = 128, 6.5
GRID_X, GRID_W = 126, CELLS * CELL
NOTE_X = GRID_X + GRID_W + 12
# Letters that have room there.
NOTE_CHARS = 34
OWNERS_H, STRIP_H, STRIP_GAP = 12, 4, 1
STRIPS = 3
LANES_H = STRIPS * (STRIP_H + STRIP_GAP) + STRIP_GAP
ROW_H = OWNERS_H + LANES_H + 7
FOLD_H = 15
OVERVIEW_ROWS = 16
DETAIL_ROWS = 40
# Cells of the detailed view, in pages, from fine to coarse.
DETAIL_CELLS = [4 ** power for power in range(11)]
# Parts of a cell that are drawn, and the least width of one.
PARTS, LEAST = 4, 1.6
# Kinds of pages that a tooltip names.
TIP_LINES = 6
LINE = 17
# Letters in a line of the picture's width.
WRAP, FACT_LINES = 150, 6

# Apart by 13 (CIELAB) or more also without red, green or blue, and in
# brightness from host and EL2 in print.
HOST_COLOUR, EL2_COLOUR, ODD_COLOUR = "#d5dae1", "#1c1f23", "#ff00c8"
WRONG_COLOUR = "#d40000"
VM_COLOURS = ["#e69f00", "#0072b2", "#009e73", "#cc79a7", "#56b4e9",
              "#d55e00", "#999933", "#882255"]
STRIP_COLOURS = ["#5f6b7a", "#111111", "#8c510a"]
STRIP_NAMES = ["host", "VMs", "SMMUs"]
HOW = {BY_BLOCK: "in 2 MiB blocks", BY_PAGE: "by 4 KiB pages"}


def escape(text):
    """TEXT as character data, without what XML cannot hold."""
    return html.escape("".join(
        c if c.isprintable() else "\ufffd" for c in str(text)))


def size(pages):
    """A number of pages as people say it."""
    value = pages * PAGE
    for unit, bytes_ in (("GiB", 1 << 30), ("MiB", 1 << 20)):
        if value >= bytes_:
            return f"{value / bytes_:.2f}".rstrip("0").rstrip(".") + \
                f" {unit}"
    return f"{value >> 10} KiB"


def colour(owner):
    """The fill of an owner; beyond eight VMs it comes again with stripes."""
    if owner == HOST:
        return HOST_COLOUR
    if owner == EL2:
        return EL2_COLOUR
    if owner == ODD:
        return ODD_COLOUR
    return VM_COLOURS[(owner - 1) % len(VM_COLOURS)]


def has_lines(owner):
    """Whether an owner has another one's colour, with lines over it."""
    return len(VM_COLOURS) < owner < EL2


def fills():
    """{owner's key: colour}, for whoever else draws owners."""
    return {owner_key(owner): colour(owner)
            for owner in (HOST, *range(1, EL2), EL2, ODD)}


def pattern(name, step, body):
    return (f'<pattern id="{name}" width="{step}" height="{step}" '
            f'patternUnits="userSpaceOnUse">{body}</pattern>')


def lines_pattern(name):
    """The lines of has_lines()."""
    return pattern(name, 4, '<path d="M0 1h4" stroke="#000" '
                   'stroke-width="0.9"/>')


# What is drawn over the colours of owners.
OVER = ("second", "shared", "device", "odd", "wrong")


class Paths:
    """Rectangles collected by class, so that each class is one <path>."""

    def __init__(self):
        self._found = collections.defaultdict(list)

    def add(self, name, x, y, width, height):
        self._found[name].append(
            f"M{_n(x)} {_n(y)}h{_n(width)}v{_n(height)}h{_n(-width)}z")

    def text(self, prefix):
        return [f'<path class="{prefix}-{name}" d="{"".join(parts)}"/>'
                for name, parts in sorted(self._found.items(),
                                          key=lambda item: item[0] in OVER)]


def _n(value):
    """A coordinate, short."""
    return f"{value:.2f}".rstrip("0").rstrip(".") or "0"


class Cell:
    """What the pages of one cell, or of several equal ones, are."""

    def __init__(self, memory, first, end):
        """FIRST and END count from the first page of RAM."""
        self.first, self.end = first, end
        self.classes = census(memory.classes, first, end)
        self.strips = [census(layer, first, end) for layer in memory.layers]
        self.wrong = memory.wrong.count(1, first, end)

    def uniform(self):
        """Whether all pages are the same."""
        return not self.wrong and all(
            len(counts) == 1 for counts in (self.classes, *self.strips))

    def continues(self, other):
        """Whether this cell can be drawn together with OTHER before it."""
        return self.uniform() and other.uniform() and \
            self.classes.keys() == other.classes.keys() and \
            all(a.keys() == b.keys()
                for a, b in zip(self.strips, other.strips))

    def parts(self):
        """(class, share of the width), at most PARTS, rare owners first."""
        total = self.end - self.first
        ranked = sorted(self.classes.items(), key=lambda item: (
            item[0] == HOST, item[1]))[:PARTS]
        shares = [max(pages / total, LEAST / CELL) for _, pages in ranked]
        return sorted((kind, share / sum(shares)) for (kind, _), share in
                      zip(ranked, shares))

    def words(self, memory):
        """The tooltip."""
        pages = self.end - self.first
        lines = [f"{address(memory, self.first)} to "
                 f"{address(memory, self.end - 1)[:-3]}fff, {size(pages)}"]
        ranked = sorted(self.classes.items(),
                        key=lambda item: (-item[1], item[0]))
        lines += [f"{class_name(kind)}: {count} pages"
                  for kind, count in ranked[:TIP_LINES]]
        if len(ranked) > TIP_LINES:
            lines.append(f"and {len(ranked) - TIP_LINES} other kinds")
        for name, strip in zip(STRIP_NAMES, self.strips):
            how = [f"{count} pages {HOW[kind]}"
                   for kind, count in sorted(strip.items()) if kind]
            if how:
                lines.append(f"mapped for {name}: {', '.join(how)}")
        if self.wrong:
            lines.append(f"{self.wrong} pages are mapped for somebody whose "
                         "they are not")
        return "\n".join(lines)


def address(memory, page):
    return f"{(memory.first + page) * PAGE:#x}"



def row_cells(memory, first, end, pages):
    """The row of pages FIRST to END in cells of PAGES, equal neighbours
    joined: (number of the first cell, how many, Cell)."""
    found = []
    for number, start in enumerate(range(first, end, pages)):
        cell = Cell(memory, start, min(start + pages, end))
        if found and cell.continues(found[-1][2]):
            before, count, last = found.pop()
            number, cell = before, Cell(memory, last.first, cell.end)
            found.append((number, count + 1, cell))
        else:
            found.append((number, 1, cell))
    return found


class Rows:
    """Some rows of one cell size, ready to be drawn.

    lines: ("row", first, end, rows that are like it, itself among them) and
           ("gap", first, end): nothing but plain pages of the host's; pages
           count from the first one of RAM
    """

    def __init__(self, pages, lines):
        self.pages, self.lines = pages, lines

    def height(self):
        return sum(FOLD_H if line[0] == "gap" else
                   ROW_H + (FOLD_H if line[3] > 1 else 0)
                   for line in self.lines)


def overview(memory):
    """All of RAM in at most OVERVIEW_ROWS rows."""
    pages = 1
    while pages * CELLS * OVERVIEW_ROWS < memory.count:
        pages *= 2
    step = pages * CELLS
    return Rows(pages, [("row", first, min(first + step, memory.count), 1)
                        for first in range(0, memory.count, step)])


def detail(memory, coarsest):
    """The rows that hold anything special, as finely as DETAIL_ROWS rows
    allow; None if there is nothing, or the overview is as fine."""
    for pages in DETAIL_CELLS:
        if pages >= coarsest:
            return None
        lines = _special_rows(memory, pages * CELLS)
        if lines is not None:
            return Rows(pages, lines) if any(
                line[0] == "row" for line in lines) else None
    return None


def _special_rows(memory, step):
    """The lines of Rows for rows of STEP pages; None if they are too many."""
    lines, drawn = [], 0
    for first in range(0, memory.count, step):
        end = min(first + step, memory.count)
        plain = is_all(memory.classes, HOST, first, end) and \
            memory.wrong.find(1, first, end) < 0
        last = lines[-1] if lines else None
        if plain and last and last[0] == "gap":
            lines[-1] = ("gap", last[1], end)
        elif plain:
            lines.append(("gap", first, end))
        elif last and last[0] == "row" and _same(memory, last[1], first, end):
            lines[-1] = ("row", last[1], last[2], last[3] + 1)
        else:
            drawn += 1
            if drawn > DETAIL_ROWS:
                return None
            lines.append(("row", first, end, 1))
    return lines


def _same(memory, before, first, end):
    """Whether the row at BEFORE looks like that of FIRST to END."""
    return all(layer[before:before + end - first] == layer[first:end]
               for layer in (memory.classes, *memory.layers, memory.wrong))


# Drawing

class Drawing:
    """The lines of an SVG, from top to bottom."""

    def __init__(self, memory, prefix):
        self.memory, self.prefix = memory, prefix
        self.lines, self.y = [], MARGIN

    def text(self, x, y, text, style="", anchor=""):
        anchor = f' text-anchor="{anchor}"' if anchor else ""
        style = f' class="{self.prefix}-{style}"' if style else ""
        self.lines.append(f'<text x="{_n(x)}" y="{_n(y)}"{style}{anchor}>'
                          f"{escape(text)}</text>")

    def rows(self, rows, name, title):
        """A section: head line, address axis, rows."""
        memory = self.memory
        step = rows.pages * CELLS
        self.y += 26
        self.text(MARGIN, self.y, title, "head")
        self.y += 20
        self._axis(rows.pages)
        top = self.y
        self.lines.append(
            f'<g id="{self.prefix}-{name}" '
            f'data-cell-pages="{rows.pages}" data-cell-width="{CELL}" '
            f'data-x="{GRID_X}" data-owners-height="{OWNERS_H}">')
        paths, tips, texts = Paths(), [], []
        for line in rows.lines:
            if line[0] == "gap":
                texts.append(self._fold(self._gap(line)))
                self.y += FOLD_H
                continue
            _, first, end, alike = line
            self._row(first, end, rows.pages, paths, tips)
            self.y += ROW_H
            if alike > 1:
                upto = min(first + alike * step, memory.count)
                texts.append(self._fold(
                    f"{alike - 1} more rows like this one, to "
                    f"{address(memory, upto)} "
                    f"({size(upto - first - step)})"))
                self.y += FOLD_H
        self.lines += paths.text(self.prefix)
        self._grid_lines(rows, top)
        self.lines += tips
        self.lines.append("</g>")
        self.lines += texts

    def _gap(self, line):
        _, first, end = line
        return f"{size(end - first)} of plain host pages, " \
            f"{address(self.memory, first)} to {address(self.memory, end)}"

    def _fold(self, what):
        """A line in place of rows, between two marks."""
        return (f'<g class="{self.prefix}-fold">'
                f'<path d="M{GRID_X} {_n(self.y + 3)}l4 4l4 -4l4 4l4 -4"/>'
                f'<text x="{GRID_X + 24}" y="{_n(self.y + 8)}">'
                f"{escape(what)}</text></g>")

    def _axis(self, pages):
        for eighth in range(0, 8):
            cell = eighth * CELLS // 8
            x = GRID_X + cell * CELL
            self.text(x, self.y, f"+{cell * pages * PAGE:#x}" if cell else
                      "+0", "axis")
        self.text(GRID_X - 8, self.y, "address", "axis", "end")
        self.text(NOTE_X, self.y, "in this row", "axis")
        self.y += 5

    def _grid_lines(self, rows, top):
        """White lines between the cells, on the owners only."""
        y, parts = top, []
        for line in rows.lines:
            if line[0] == "gap":
                y += FOLD_H
                continue
            number = -(-(line[2] - line[1]) // rows.pages)
            parts.append(f"M{GRID_X} {_n(y)}h{_n(number * CELL)}")
            y += ROW_H + (FOLD_H if line[3] > 1 else 0)
        middle = _n(OWNERS_H / 2)
        self.lines.append(
            f'<path class="{self.prefix}-grid" stroke-dasharray="0.7 '
            f'{_n(CELL - 0.7)}" transform="translate(0 {middle})" '
            f'd="{"".join(parts)}"/>')

    def _row(self, first, end, pages, paths, tips):
        memory, y = self.memory, self.y
        self.text(GRID_X - 8, y + OWNERS_H - 2, address(memory, first),
                  "address", "end")
        found = row_cells(memory, first, end, pages)
        # What keeps a row and its strips together where some are empty.
        paths.add("lanes", GRID_X, y + OWNERS_H,
                  -(-(end - first) // pages) * CELL, LANES_H)
        for number, count, cell in found:
            x, width = GRID_X + number * CELL, count * CELL
            self._owners(cell, x, y, width, paths)
            self._strips(cell, x, y + OWNERS_H + STRIP_GAP, width, paths)
            if cell.wrong:
                paths.add("wrong", x, y - 1, width, ROW_H - 5)
            tips.append(
                f'<rect class="{self.prefix}-tip" x="{_n(x)}" y="{_n(y)}" '
                f'width="{_n(width)}" height="{OWNERS_H + LANES_H}"><title>'
                f"{escape_lines(cell.words(memory))}</title></rect>")
        self._row_note([cell for _, _, cell in found], y)

    def _owners(self, cell, x, y, width, paths):
        for kind, share in cell.parts():
            part = width * share
            owner, special = kind & OWNER_BITS, kind & KIND_BITS
            paths.add(owner_key(owner), x, y, part, OWNERS_H)
            if has_lines(owner):
                paths.add("second", x, y, part, OWNERS_H)
            if special:
                paths.add({SHARED: "shared", DEVICE: "device"}.get(
                    special, "odd"), x, y, part, OWNERS_H)
            x += part

    def _strips(self, cell, x, y, width, paths):
        total = cell.end - cell.first
        for strip, counts in enumerate(cell.strips):
            at = x
            for kind in (BY_BLOCK, BY_PAGE):
                if not counts.get(kind):
                    continue
                part = max(width * counts[kind] / total, LEAST)
                part = min(part, x + width - at)
                height = STRIP_H if kind == BY_BLOCK else STRIP_H / 2
                paths.add(f"strip{strip}", at, y + STRIP_H - height, part,
                          height)
                at += part
            y += STRIP_H + STRIP_GAP

    def _row_note(self, cells, y):
        """Owners of a row other than the host, in words."""
        owners, shared = collections.Counter(), 0
        for cell in cells:
            for kind, pages in cell.classes.items():
                owners[kind & OWNER_BITS] += pages
                shared += pages if kind & KIND_BITS == SHARED else 0
        names = [f"{owner_name(owner)} {size(pages)}"
                 for owner, pages in sorted(owners.items()) if owner != HOST]
        if shared:
            names.append(f"{size(shared)} shared")
        note = some(names, NOTE_CHARS)
        if wrong := sum(cell.wrong for cell in cells):
            note = f"! {wrong} wrongly mapped"
        self.text(NOTE_X, y + OWNERS_H - 2, note or "host", "note")


def some(names, length):
    """As many of NAMES as LENGTH letters hold, and how many more there
    are."""
    text = ""
    for shown in range(len(names), 0, -1):
        left = len(names) - shown
        text = ", ".join(names[:shown]) + (f", {left} more" if left else "")
        if len(text) <= length:
            break
    return text


def escape_lines(text):
    return "\n".join(escape(line) for line in text.split("\n"))


# The legend

def _legend_owners(drawing, totals):
    """The table of owners; its height."""
    memory, x, y = drawing.memory, MARGIN, drawing.y
    columns = ((180, "pages", "end"), (252, "MiB", "end"),
               (316, "% of RAM", "end"), (376, "shared", "end"),
               (446, "for devices", "end"), (462, "state", ""))
    drawing.text(x, y, "owner", "axis")
    for offset, name, anchor in columns:
        drawing.text(x + offset, y, name, "axis", anchor)
    for owner in sorted(totals):
        y += LINE
        pages, shared, device = totals[owner]
        drawing.lines.append(_swatch(drawing.prefix, owner, x, y - 10))
        drawing.text(x + 26, y, owner_name(owner))
        for (offset, _, anchor), value in zip(columns, (
                pages, f"{pages * PAGE / (1 << 20):.2f}",
                _percent(pages / memory.count), shared or "-",
                device or "-", memory.states.get(owner, ""))):
            drawing.text(x + offset, y, value, "", anchor)
    y += LINE
    drawing.text(x + 26, y, "all", "")
    drawing.text(x + 180, y, memory.count, "", "end")
    drawing.text(x + 252, y, f"{memory.count * PAGE / (1 << 20):.2f}", "",
                 "end")
    return y - drawing.y


def _percent(share):
    """A share, never 0 for something that is there."""
    return "< 0.01" if 0 < share < 0.0001 else f"{100 * share:.2f}"


def _swatch(prefix, owner, x, y):
    box = f"M{_n(x)} {_n(y)}h20v12h-20z"
    second = f'<path class="{prefix}-second" d="{box}"/>' \
        if has_lines(owner) else ""
    return f'<path class="{prefix}-{owner_key(owner)}" d="{box}"/>{second}'


def _legend_tables(drawing, x):
    """The list of translation tables; its height."""
    y = drawing.y
    columns = ((270, "2 MiB blocks"), (360, "4 KiB pages"),
               (440, "MiB of RAM"), (540, "device pages"))
    drawing.text(x, y, "mapped by the table of", "axis")
    for offset, name in columns:
        drawing.text(x + offset, y, name, "axis", "end")
    shown = drawing.memory.mappers[:LEGEND_TABLES]
    for mapper in shown:
        y += LINE
        drawing.text(x, y, mapper.name)
        for (offset, _), value in zip(columns, (
                mapper.blocks, mapper.pages,
                f"{mapper.ram_pages() * PAGE / (1 << 20):.2f}",
                mapper.outside)):
            drawing.text(x + offset, y, value or "-", "", "end")
    if len(shown) < len(drawing.memory.mappers):
        y += LINE
        drawing.text(x, y, f"{len(drawing.memory.mappers) - len(shown)} more")
    return y - drawing.y


def _legend_signs(drawing, x):
    """What the patterns and strips mean, as drawn; its height."""
    prefix, y = drawing.prefix, drawing.y + 26
    vm, host = f"{prefix}-vm1", f"{prefix}-host"
    signs = []

    def owner_sign(base, over, text):
        nonlocal y
        box = f"M{_n(x)} {_n(y - 10)}h26v{OWNERS_H}h-26z"
        signs.append(f'<path class="{base}" d="{box}"/>'
                     f'<path class="{prefix}-{over}" d="{box}"/>')
        drawing.text(x + 36, y, text)
        y += LINE
    owner_sign(vm, "shared", "shared: of a VM with the host, or the host's "
               "window to EL2")
    owner_sign(vm, "device", "for a device of the owner's")
    for strip, name in enumerate(STRIP_NAMES):
        for at, height in ((x, STRIP_H), (x + 14, STRIP_H / 2)):
            signs.append(
                f'<path class="{prefix}-strip{strip}" d="M{_n(at)} '
                f'{_n(y - 3 - height)}h12v{_n(height)}h-12z"/>')
        drawing.text(x + 36, y, (
            "1st strip below a row: mapped for the host",
            "2nd strip: for VMs", "3rd strip: for devices, by SMMUs")[strip])
        y += LINE
    drawing.text(x + 36, y, "a high strip is 2 MiB blocks, a low one 4 KiB "
                 "pages; its width is what is mapped", "note")
    if drawing.memory.wrong.count(1):
        y += LINE
        signs.append(f'<path class="{prefix}-wrong" d="M{_n(x)} '
                     f'{_n(y - 10)}h26v12h-26z"/>')
        drawing.text(x + 36, y, "mapped for somebody whose it is not")
    drawing.lines += signs
    return y - drawing.y


LEGEND_TABLES = 20


def _legend(drawing):
    drawing.y += 24
    left = _legend_owners(drawing, drawing.memory.owner_totals())
    x = MARGIN + 612
    right = _legend_tables(drawing, x)
    top = drawing.y
    drawing.y += right
    right += _legend_signs(drawing, x)
    drawing.y = top + max(left, right)


def _problems(drawing):
    for problem in drawing.memory.problems:
        for line in textwrap.wrap(problem, WRAP):
            drawing.y += LINE
            drawing.text(MARGIN, drawing.y, line, "problem")


# The whole

def _style(prefix):
    found = {**fills(),
             **{f"strip{n}": fill for n, fill in enumerate(STRIP_COLOURS)},
             **{name: f"url(#{prefix}-{name}-pattern)"
                for name in ("second", "shared", "device", "odd")}}
    rules = [f".{prefix}-{name}{{fill:{fill}}}"
             for name, fill in found.items()]
    font = "'DejaVu Sans',Verdana,Arial,sans-serif"
    mono = "'DejaVu Sans Mono',Menlo,Consolas,monospace"
    rules += [
        f".{prefix} text{{font:12px {font};fill:#1b1f24}}",
        f".{prefix} text.{prefix}-title{{font:bold 19px {font}}}",
        f".{prefix} text.{prefix}-head{{font:bold 14px {font}}}",
        f".{prefix} text.{prefix}-axis{{font:11px {font};fill:#4a5059}}",
        f".{prefix} text.{prefix}-note{{font:11px {font};fill:#4a5059}}",
        f".{prefix} text.{prefix}-address{{font:11px {mono}}}",
        f".{prefix} text.{prefix}-problem{{font:bold 12px {font};"
        f"fill:#a40000}}",
        f".{prefix}-fold text{{font:italic 11px {font};fill:#4a5059}}",
        f".{prefix}-fold path{{fill:none;stroke:#4a5059;stroke-width:1.2}}",
        f".{prefix}-grid{{fill:none;stroke:#fff;stroke-width:{OWNERS_H}}}",
        f".{prefix}-wrong{{fill:none;stroke:{WRONG_COLOUR};"
        "stroke-width:2}",
        f".{prefix}-lanes{{fill:#eff1f4}}",
        f".{prefix}-tip{{fill:#fff;fill-opacity:0}}",
        f".{prefix}-tip:hover{{stroke:#000;stroke-width:1}}"]
    return "".join(rules)


def _patterns(prefix):
    return "".join((
        pattern(f"{prefix}-shared-pattern", 5,
                '<path d="M-1 6L6 -1M-1 1L1 -1M4 6L6 4" '
                'stroke="#fff" stroke-width="1.6"/>'
                # For the host's colour, which is nearly white.
                '<path d="M-1 7.6L7.6 -1M-1 2.6L2.6 -1" stroke="#000" '
                'stroke-width="0.6"/>'),
        pattern(f"{prefix}-device-pattern", 4,
                '<circle cx="2" cy="2" r="1.1" fill="#fff" '
                'stroke="#000" stroke-width="0.5"/>'),
        lines_pattern(f"{prefix}-second-pattern"),
        pattern(f"{prefix}-odd-pattern", 4, '<path d="M0 0L4 4M4 0L0 4" '
                f'stroke="{WRONG_COLOUR}" stroke-width="1"/>')))


def description(memory):
    """The picture in words, for those who do not see it."""
    owners = "; ".join(
        f"{owner_name(owner)} {pages} pages ({size(pages)})"
        for owner, (pages, _, _) in sorted(memory.owner_totals().items()))
    return (f"Physical memory from {address(memory, 0)} to "
            f"{address(memory, memory.count)}, {memory.count} pages of 4 KiB. "
            f"Owners: {owners}.")


def svg(memory, title, facts=(), prefix="map"):
    """MEMORY as an <svg> element; FACTS are lines below the title."""
    drawing = Drawing(memory, prefix)
    drawing.y += 14
    drawing.text(MARGIN, drawing.y, title, "title")
    for fact in facts:
        for line in textwrap.wrap(str(fact), WRAP, max_lines=FACT_LINES,
                                  placeholder=" ..."):
            drawing.y += LINE
            drawing.text(MARGIN, drawing.y, line)
    _problems(drawing)
    _legend(drawing)
    whole = overview(memory)
    drawing.rows(whole, "overview",
                 f"All of RAM: a cell is {size(whole.pages)}, a row "
                 f"{size(whole.pages * CELLS)}")
    fine = detail(memory, whole.pages)
    if fine:
        drawing.rows(fine, "detail",
                     "Where others than the host own pages: a cell is "
                     f"{size(fine.pages)}, a row {size(fine.pages * CELLS)}")
    height = drawing.y + MARGIN
    return "\n".join((
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{prefix}" '
        f'role="img" aria-labelledby="{prefix}-t {prefix}-d" '
        f'width="{WIDTH}" height="{_n(height)}" '
        f'viewBox="0 0 {WIDTH} {_n(height)}">',
        f'<title id="{prefix}-t">{escape(title)}</title>',
        f'<desc id="{prefix}-d">{escape(description(memory))}</desc>',
        f"<style>{_style(prefix)}</style>",
        f"<defs>{_patterns(prefix)}</defs>",
        f'<rect width="{WIDTH}" height="{_n(height)}" fill="#fff"/>',
        *drawing.lines, "</svg>", ""))
