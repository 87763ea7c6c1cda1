# SPDX-License-Identifier: GPL-2.0-or-later
"""Who owns which page of RAM: EL2's page records.

    owners = Owners(source, page)
    for first, count, owner, shares in owners.runs():
        print(f"{first:#x} +{count}: {page.owner_name(owner)}")

A record is read as inspect.h says. 64 GiB have 128 MiB of records: they are
compared block by block, not one by one.
"""
import collections
import dataclasses

from .source import SourceError, word, words

MAP_OFFSET = 1000000000
MAP_ANY = 1 << 47
COUNT_DMA = 0xff
# Records that are looked at in one go, 4 GiB of RAM.
BATCH = 1 << 20


@dataclasses.dataclass(frozen=True)
class Record:
    """One page.

    owner: a number, see Page.owner_name()
    count: shares; of a VM's page how often the host has it, of the host's in
           how many tables of SMMUs it is
    dma:   a VM's page that its devices reach
    gfn:   the only frame at which its VM has it; None for any or a page that
           is no VM's
    """
    owner: int
    count: int
    dma: bool
    gfn: int | None


def _same(data, start):
    """How many bytes from START on are what the byte there is."""
    end, step = start + 1, 1
    value = data[start:start + 1]
    while end < len(data):
        step = min(step, len(data) - end)
        if data[end:end + step] == value * step:
            end += step
            step *= 2
        elif step == 1:
            break
        else:
            step = max(step // 4, 1)
    return end - start


class Owners:
    """The records of a board, read as they are needed."""

    def __init__(self, source, page):
        self.source = source
        self.page = page
        self.first = page.page_first_pfn
        self.end = self.first + page.page_count

    def is_ram(self, pfn):
        return self.first <= pfn < self.end

    def record(self, pfn):
        """The record of frame PFN; None if that is not RAM."""
        if not self.is_ram(pfn):
            return None
        raw = word(self.source, self.page.page_base + (pfn - self.first) * 8)
        owner, count = raw & 0xff, raw >> 8 & 0xff
        distance = raw >> 16
        vm = 0 < owner < self.page.corevisor
        return Record(owner, 0 if count == COUNT_DMA else count,
                      count == COUNT_DMA,
                      None if not vm or distance == MAP_ANY else
                      distance + pfn + MAP_OFFSET & (1 << 48) - 1)

    def runs(self, first=None, last=None):
        """Neighbours with the same owner and count, in order.

        Yields (first pfn, pages, owner, count) for the frames FIRST to LAST,
        both included and clipped to RAM; count is 255 for COUNT_DMA.
        """
        start = self.first if first is None else max(first, self.first)
        end = self.end if last is None else min(last + 1, self.end)
        pending = None
        for at, count, owner, shares in self._pieces(start, end):
            if pending and pending[2:] == (owner, shares):
                pending = (pending[0], pending[1] + count, owner, shares)
                continue
            if pending:
                yield pending
            pending = (at, count, owner, shares)
        if pending:
            yield pending

    def _batches(self, start, end):
        """The bytes of owners and of counts, batch by batch."""
        while start < end:
            pages = min(end - start, BATCH - start % BATCH)
            data = self.source.read(
                self.page.page_base + (start - self.first) * 8, pages * 8)
            yield start, data[0::8], data[1::8]
            start += pages

    def _pieces(self, start, end):
        for base, owner, count in self._batches(start, end):
            at, same_owner, same_count = 0, 0, 0
            while at < len(owner):
                if same_owner == 0:
                    same_owner = _same(owner, at)
                if same_count == 0:
                    same_count = _same(count, at)
                pages = min(same_owner, same_count)
                yield base + at, pages, owner[at], count[at]
                at += pages
                same_owner -= pages
                same_count -= pages

    def totals(self, first=None, last=None):
        """{owner: pages} of those that own any, from the records."""
        start = self.first if first is None else max(first, self.first)
        end = self.end if last is None else min(last + 1, self.end)
        total = collections.Counter()
        for _, owner, _ in self._batches(start, end):
            left, number = len(owner), 0
            while left and number < 256:
                found = owner.count(number)
                total[number] += found
                left -= found
                number += 1
        return {number: pages for number, pages in total.items() if pages}

    def counters(self):
        """{owner: pages} as the firmware counts them (page version 3)."""
        self.page.has("how many pages each owner has")
        counts = words(self.source, self.page.owned_base,
                       self.page.corevisor + 1)
        if sum(counts) > 2 * self.page.page_count:
            raise SourceError("the firmware's counters of pages hold more "
                              "than there are")
        return dict(enumerate(counts))
