# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads the pictures of tools/memory_picture.py as a browser would: which
rectangle of which class lies where. Knows nothing of how they are made."""
import re
import struct
import xml.etree.ElementTree as ET
import zlib

NS = "{http://www.w3.org/2000/svg}"
RECTANGLE = re.compile(
    r"M(-?[\d.]+) (-?[\d.]+)h([\d.]+)v([\d.]+)h-[\d.]+z")
CELLS = 128


class Section:
    """A grid: rows by address, and rectangles by class."""

    def __init__(self, group, prefix):
        self.cell_bytes = 4096 * int(group.get("data-cell-pages"))
        self.cell_width = float(group.get("data-cell-width"))
        self.x = float(group.get("data-x"))
        self.height = float(group.get("data-owners-height"))
        self.rows = [(int(text.text, 16), float(text.get("y")))
                     for text in group.iter(f"{NS}text")
                     if text.get("class") == f"{prefix}-address"]
        self.rectangles = {}
        for path in group.iter(f"{NS}path"):
            name = path.get("class").removeprefix(f"{prefix}-")
            self.rectangles[name] = [tuple(map(float, found)) for found in
                                     RECTANGLE.findall(path.get("d"))]

    def cell(self, address):
        """(x, y) of the left upper corner of the cell that ADDRESS is in, by
        the last row that begins at or before it: one that is drawn once for
        many is that for all of them."""
        rows = [row for row in self.rows if row[0] <= address]
        if not rows:
            return None
        base, y = max(rows)
        column = (address - base) // self.cell_bytes % CELLS
        return self.x + column * self.cell_width, y - self.height + 2

    def owners(self, address):
        """Classes that touch the cell of ADDRESS, at the height of owners."""
        place = self.cell(address)
        if place is None:
            return set()
        x, y = place
        return {name for name, found in self.rectangles.items()
                if any(left < x + self.cell_width - .05 and
                       left + width > x + .05 and
                       top < y + self.height / 2 < top + height
                       for left, top, width, height in found)}

    def strip(self, address, number):
        """The height of strip NUMBER in the cell of ADDRESS; 0 without."""
        x, y = self.cell(address)
        middle, below = x + self.cell_width / 2, y + self.height
        heights = [height for left, top, width, height in
                   self.rectangles.get(f"strip{number}", ())
                   if left <= middle < left + width and
                   below <= top < below + 20]
        return heights[0] if heights else 0


class Picture:
    """A whole SVG; a ParseError for one that is not XML."""

    def __init__(self, text, prefix="map"):
        self.root = ET.fromstring(text)
        self.size = (int(float(self.root.get("width"))),
                     int(float(self.root.get("height"))))
        self.title = self.root.findtext(f"{NS}title")
        self.description = self.root.findtext(f"{NS}desc")
        self.overview = self._section("overview", prefix)
        self.detail = self._section("detail", prefix)
        self.tips = [title.text for title in self.root.iter(f"{NS}title")][1:]
        self.texts = [text.text or "" for text in self.root.iter(f"{NS}text")]
        style = self.root.findtext(f"{NS}style")
        self.fills = dict(re.findall(
            rf"\.{prefix}-(\w+){{fill:(#[0-9a-f]{{6}})}}", style))

    def _section(self, name, prefix):
        found = self.root.find(f".//{NS}g[@id='{prefix}-{name}']")
        return None if found is None else Section(found, prefix)

    def lines(self):
        """The texts of each line, from left to right."""
        found = {}
        for text in self.root.iter(f"{NS}text"):
            found.setdefault(text.get("y"), []).append(
                (float(text.get("x")), text.text or ""))
        return [[text for _, text in sorted(line)]
                for line in found.values()]

    def legend(self):
        """{owner as written: pages} of the table of owners."""
        known = re.compile(r"host|VM \d+|EL2|no such owner|all")
        found = {}
        for line in self.lines():
            if known.fullmatch(line[0]) and len(line) > 2 and \
               line[1].isdigit():
                found.setdefault(line[0], int(line[1]))
        return found


class Png:
    """A PNG of 8 bits a channel: its size, and pixels down to a line."""

    def __init__(self, data):
        assert data[:8] == b"\x89PNG\r\n\x1a\n", "no PNG"
        at, packed = 8, b""
        while at < len(data):
            length, kind = struct.unpack_from(">I4s", data, at)
            body = data[at + 8:at + 8 + length]
            if kind == b"IHDR":
                self.size = struct.unpack_from(">II", body)
                depth, colour = body[8:10]
                assert depth == 8 and colour in (2, 6), "another kind of PNG"
                self.channels = {2: 3, 6: 4}[colour]
            elif kind == b"IDAT":
                packed += body
            at += 12 + length
        self._data = zlib.decompress(packed)
        self._lines = []

    def pixel(self, x, y):
        """#rrggbb."""
        while len(self._lines) <= y:
            self._next()
        at = x * self.channels
        return "#" + self._lines[y][at:at + 3].hex()

    def _next(self):
        """Undo the filter of the next line."""
        step, number = self.channels, len(self._lines)
        width = self.size[0] * step
        kind, *line = self._data[number * (width + 1):
                                 (number + 1) * (width + 1)]
        above = self._lines[-1] if self._lines else bytes(width)
        for at in range(width):
            left = line[at - step] if at >= step else 0
            corner = above[at - step] if at >= step else 0
            up = above[at]
            line[at] = line[at] + (
                0, left, up, (left + up) // 2,
                _paeth(left, up, corner))[kind] & 0xff
        self._lines.append(bytes(line))


def _paeth(left, up, corner):
    guess = left + up - corner
    return min((left, up, corner), key=lambda value: abs(guess - value))
