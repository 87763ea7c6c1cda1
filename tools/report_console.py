# SPDX-License-Identifier: GPL-2.0-or-later
"""A console's log for a page: bounded, harmless, its refusals counted.

A console holds what host and VMs print, so its bytes are whatever they like.
"""
import collections
import html
import re
import unicodedata

HEAD_LINES, TAIL_LINES = 200, 200
LINE_CHARS = 400
READ_BYTES = 4096
MAX_KINDS = 200
SHOWN_KINDS = 20
REFUSED = "refused: "
PANIC = "EL2 panic: "


def visible(text, limit=None):
    """TEXT with nothing in it that is not seen as what it is.

    Control characters become their pictures or numbers, also those that turn
    the direction of text or have no width.
    """
    if limit is not None and len(text) > limit:
        text = text[:limit] + f"… ({len(text) - limit} characters more)"
    return "".join(map(_visible, text))


def _visible(char):
    if char == "\t":
        return "    "
    if char < " ":
        return chr(0x2400 + ord(char))
    if char == "\x7f":
        return "\u2421"
    if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl",
                                      "Zp"):
        return f"\\u{{{ord(char):x}}}"
    # Marks would pile up on the lines above.
    if unicodedata.combining(char) or unicodedata.category(char) == "Me":
        return f"\\u{{{ord(char):x}}}"
    return char


def escape(text, limit=None):
    """TEXT for HTML, as content or in an attribute."""
    return html.escape(visible(str(text), limit), quote=True)


class Console:
    """What of a log is shown, and what all of it is."""

    def __init__(self, path):
        self.head = []
        self.tail = collections.deque(maxlen=TAIL_LINES)
        self.lines = self.bytes = self.refusals = 0
        self.kinds = collections.Counter()
        self.panics = []
        self.problem = ""
        try:
            with open(path, "rb") as file:
                while piece := file.readline(READ_BYTES):
                    self._add(piece)
        except OSError as error:
            self.problem = f"cannot be read: {error.strerror}"

    def _add(self, piece):
        self.bytes += len(piece)
        self.lines += 1
        text = piece.decode(errors="replace").rstrip("\r\n")
        if text.startswith(REFUSED):
            self.refusals += 1
            kind = re.sub(r"0x[0-9a-f]+|\b\d+\b", "…", text[len(REFUSED):])
            kind = re.sub(r"\bcpu\d+", "cpu …", kind)
            kind = re.sub(r" \((pc|vcpu).*", "", kind)[:LINE_CHARS]
            if kind in self.kinds or len(self.kinds) < MAX_KINDS:
                self.kinds[kind] += 1
            else:
                self.kinds["(other kinds)"] += 1
        elif text.startswith(PANIC) and len(self.panics) < 4:
            self.panics.append(text)
        if len(self.head) < HEAD_LINES:
            self.head.append(text)
        else:
            self.tail.append(text)

    @property
    def hidden(self):
        return self.lines - len(self.head) - len(self.tail)

    def html(self):
        """The lines, those that matter marked."""
        lines = [*map(line, self.head)]
        if self.hidden:
            lines.append(f'<span class="cut">… {self.hidden:,} lines are not '
                         "shown here …</span>")
        return "\n".join([*lines, *map(line, self.tail)])


def line(text):
    shown = escape(text, LINE_CHARS)
    if text.startswith(REFUSED):
        return f"<mark>{shown}</mark>"
    if text.startswith(PANIC) or "HYPSEC-VM-FAIL" in text or \
       "HYPSEC-HOST-FAIL" in text:
        return f'<strong class="bad">{shown}</strong>'
    if "HYPSEC-VM-OK" in text or "HYPSEC-HOST-OK" in text:
        return f"<strong>{shown}</strong>"
    return shown
