# SPDX-License-Identifier: GPL-2.0-or-later
"""What a board's memory and registers say, read as hostile input.

Used by gdb's commands (tools/gdb/), ./hypsec top, map and report. A module
reads physical memory through a source (source.py) and returns plain data; it
prints nothing, and raises source.SourceError with a text for the user.

Only the standard library, Python 3.11 or later, so that gdb's Python can
import it.
"""
