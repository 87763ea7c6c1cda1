# SPDX-License-Identifier: GPL-2.0-or-later
"""How many pages each owner has while a board runs.

    looks = Looks(cpus=2)
    looks.look(machine)     # often: looks when it is time to
    looks.last(machine)     # when it has stopped
    looks.place(figures)    # those of the same run, once its log was read
    for look in looks.found: ...

Only properties are read, while the board runs, and no figure of it changes by
that. A look is followed by a pause of SHARE times as long. How often that is
depends on the machine that QEMU runs on, so what is found is not the same in
every run.
"""
import collections
import time

import board

INSPECT = "/machine/inspect"
OBSERVER = "/machine/peripheral/obs"
LEAST_PAUSE, MOST_PAUSE = 0.05, 1
SHARE = 80
# Of twice as many every other one is dropped.
MAX_LOOKS = 240


# Virtual ns, {owner as properties call it: pages}, and how many records the
# observer's log had.
Look = collections.namedtuple("Look", "ns pages records", defaults=(0,))


class Looks:
    """What has been seen.

    found: Looks, in order
    problem: why there is no more of it
    """

    def __init__(self, cpus):
        self.found = []
        self.problem = ""
        self._cpus = cpus
        self._published = False
        self._pause, self._next = LEAST_PAUSE, 0

    def look(self, machine):
        """Look at MACHINE, if the last time was long enough ago."""
        began = time.monotonic()
        if self.problem or began < self._next:
            return
        try:
            self._look(machine)
        except board.BoardError as error:
            self.problem = str(error).splitlines()[0]
        now = time.monotonic()
        # Waiting for a busy machine costs the board nothing: not for long.
        self._next = now + max(self._pause,
                               min(SHARE * (now - began), MOST_PAUSE))

    def last(self, machine):
        """Look at MACHINE, which stands still: what it had is not drawn
        beyond the last look."""
        self._next = 0
        self.look(machine)

    def _look(self, machine):
        if not self._published:
            self._published = machine.qom_get(INSPECT, "status") == "ok"
            if not self._published:
                return
        records = machine.qom_get(OBSERVER, "log-records")
        times = machine.qom_get(OBSERVER, "world-time")
        owners = machine.qom_get(INSPECT, "owners")
        self.add(Look(sum(times.values()) // self._cpus, owners, records))

    def add(self, look):
        # The newest one stays.
        if len(self.found) == 2 * MAX_LOOKS - 1:
            self.found = self.found[::2]
            self._pause *= 2
        self.found.append(look)

    def place(self, figures):
        """Give what was found the time of FIGURES, which goes on where it was
        when a snapshot is loaded. One that was loaded and did not go on yet
        has no time there."""
        last, placed = 0, []
        for look in self.found:
            at = figures.time(look.records, look.ns)
            if at >= last:
                placed.append(look._replace(ns=at))
                last = at
        self.found = placed

    def changes(self):
        """Of FOUND what differs from what was found before it."""
        return [look for number, look in enumerate(self.found)
                if not number or look.pages != self.found[number - 1].pages]

    def vms(self):
        """The VMs that have had pages, by number."""
        names = {name for look in self.found
                 for name, count in look.pages.items()
                 if count and name.startswith("vm")}
        return sorted(names, key=lambda name: (len(name), name))
