# SPDX-License-Identifier: GPL-2.0-or-later
"""Check what `./hypsec trace` writes, strictly: more strictly than viewers."""
import collections
import json
import re

CAUSE = r"[A-Z][A-Z0-9_]*"
PLACE = re.compile(r"off|EL2|(?:host|unknown|VM (?:[1-9]|1[0-5]) vCPU \d+) "
                   r"EL[013]")
WORLD = re.compile(r"off|EL2|host|unknown|VM (?:[1-9]|1[0-5])")
# What each kind of event consists of.
KEYS = {
    "M": [{"name", "ph", "pid", "args"}, {"name", "ph", "pid", "tid", "args"}],
    "B": [{"ph", "pid", "tid", "ts", "name", "cat", "args"}],
    "E": [{"ph", "pid", "tid", "ts"}],
    "C": [{"ph", "pid", "tid", "ts", "name", "args"}],
}
ARGS = {"cause", "from", "esr", "x0", "ipa", "address", "vmid",
        "instructions"}
OTHER = {"about", "clock", "complete", "slices", "dropped by the recorder",
         "dropped by the converter", "changes by cause and world"}
ENTERING = ("ERET", "RESET", "CPU_ON", "LOADVM", "STATE")


class Track:
    """One CPU's events so far."""

    def __init__(self):
        self.ts = 0
        self.place = "off"
        self.world = "off"
        self.open = False
        self.exits = 0


class Timeline:
    """A sound timeline; AssertionError for any other file."""

    def __init__(self, path, cpus):
        def refuse(text):
            raise AssertionError(f"{text} is no JSON")

        with open(path, encoding="ascii") as file:
            data = json.load(file, parse_constant=refuse)
        assert set(data) == {"displayTimeUnit", "traceEvents", "otherData"}
        assert data["displayTimeUnit"] == "ns"
        self.other = data["otherData"]
        assert set(self.other) == OTHER, self.other
        self.slices = []
        self.named = []
        self.counts = collections.defaultdict(collections.Counter)
        self.tracks = [Track() for _ in range(cpus)]
        for number, event in enumerate(data["traceEvents"]):
            try:
                self._event(event)
            except (AssertionError, KeyError) as error:
                raise AssertionError(f"event {number}, {event}: "
                                     f"{error}") from error
        assert self.named == list(range(cpus)), self.named
        assert not any(track.open for track in self.tracks), "a B without E"
        assert self.other["slices"] == len(self.slices)
        if self.other["dropped by the converter"] == 0:
            assert self.counts == self.other["changes by cause and world"], \
                (self.counts, self.other)

    def _event(self, event):
        kind = event["ph"]
        assert set(event) in KEYS[kind], "other keys"
        assert event["pid"] == 1
        if kind == "M":
            self._metadata(event)
            return
        track = self.tracks[event["tid"]]
        assert type(event["ts"]) in (int, float)
        assert event["ts"] >= track.ts, f"time goes back from {track.ts}"
        track.ts = event["ts"]
        if kind == "B":
            assert not track.open, "a B in a B"
            track.open = True
            self._slice(event, track)
        elif kind == "E":
            assert track.open, "an E without B"
            track.open = False
        else:
            track.exits += 1
            assert event["name"] == f"CPU {event['tid']}: exits to EL2"
            assert event["args"] == {"exits": track.exits}
            assert track.place == "EL2"

    def _metadata(self, event):
        assert not self.slices, "too late"
        if event["name"] == "thread_name":
            assert event["args"] == {"name": f"CPU {event['tid']}"}
            self.named.append(event["tid"])
        else:
            assert event["name"] in ("process_name", "thread_sort_index")

    def _slice(self, event, track):
        args = event["args"]
        assert args["from"] == track.place, f"was at {track.place}"
        cause = args["cause"]
        assert re.fullmatch(CAUSE, cause) and set(args) <= ARGS
        for name in ("esr", "x0", "ipa", "address"):
            assert name not in args or re.fullmatch("0x[0-9a-f]+", args[name])
        place = event["name"]
        if cause != "ERET" and place != "off":
            assert place.endswith(" " + cause), "no label"
            place = place[:-len(cause) - 1]
        assert PLACE.fullmatch(place), "no place"
        world = event["cat"]
        assert WORLD.fullmatch(world) and place.startswith(world)
        if cause not in ("RESET", "LOADVM"):
            self.counts[cause][world if cause in ENTERING else
                               track.world] += 1
        track.place, track.world = place, world
        self.slices.append(event)

    def names(self):
        return [event["name"] for event in self.slices]
