# SPDX-License-Identifier: GPL-2.0-or-later
"""What `./hypsec top` shows: samples of a board's properties, what changed
between two of them, and both as lines of text.

    before, now = sample(qmp), sample(qmp)
    for style, line in lines(View(now, before), width=80, height=24): ...

Only properties are read, see docs/inspection.rst; the board runs on. Strings
and numbers of a board are shown as what they are: printable, and of bounded
length.
"""
import dataclasses
import time

INSPECT = "/machine/inspect"
PERIPHERAL = "/machine/peripheral"
OBSERVER_TYPE = "child<hypsec-el-observer>"
# What is counted per CPU, and how it is called here.
COUNTS = {"refusals": "refused", "hypercalls": "hypercalls", "smcs": "SMCs",
          "host-s2-faults": "faults"}
# What enters a world and leaves none.
NO_EXITS = {"ERET", "RESET", "STATE", "LOADVM", "CPU_ON"}
ABORTS = ("DABT", "IABT")
SORTS = {"number": "by number", "time": "by time", "exits": "by exits",
         "pages": "by pages"}
MAX_TEXT = 40
# Lines of a section that is cut: its head, one entry, what is left out.
LEAST_LINES = 3

HEAD, PLAIN, BAD = "head", "plain", "bad"


def sample(qmp, gone=Exception):
    """All properties of a board at about one moment.

    QMP has qmp() and qom_get(), which raise GONE for what is not there: it
    becomes an entry of "missing". Raises GONE if the board answers nothing.
    """
    missing = {}

    def get(name, path=INSPECT):
        try:
            return qmp.qom_get(path, name)
        except gone as error:
            missing[name] = str(error)
            return None
    found = {"at": time.monotonic(), "status": None,
             "inspect": get("status"), "panicked": get("panicked"),
             "cpus": get("pcpus"), "vms": get("vms"),
             "owners": get("owners")}
    found["observer"] = observer = _observer(qmp, gone)
    causes = {}
    if observer:
        for name in ("world-time", "world-entries", "world-instructions"):
            found[name] = get(name, observer)
        for world in _worlds(found):
            causes[world] = get(f"causes-{world}", observer)
    found["causes"] = {world: counts for world, counts in causes.items()
                       if counts}
    # Last, and not forgiven: a board that is gone has no status.
    found["status"] = str(qmp.qmp("query-status")["status"])
    found["missing"] = missing
    return found


def _observer(qmp, gone):
    """The path of the observer of exception levels; None without one."""
    try:
        children = qmp.qmp("qom-list", path=PERIPHERAL)
    except gone:
        return None
    for child in children:
        if child["type"] == OBSERVER_TYPE:
            return f"{PERIPHERAL}/{child['name']}"
    return None


def _worlds(found):
    """Worlds whose causes are worth a question."""
    times = found.get("world-time") or {}
    vms = {f"vm{vm['vmid']}" for vm in found["vms"] or ()}
    seen = {world for world, spent in times.items()
            if spent and world.startswith("vm")}
    return ["host", *sorted(vms | seen, key=_order), "el2", "unknown"]


def _order(world):
    """Host, VMs by number, EL2, the rest."""
    if world.startswith("vm") and world[2:].isdigit():
        return 1, int(world[2:]), world
    return {"host": 0, "el2": 2}.get(world, 3), 0, world


@dataclasses.dataclass
class View:
    """A sample and, if there is one, that before it.

    sort: a key of SORTS; board: its name; note: a line of the program's own

    A sample with a counter below that of the one before has none before it:
    the board was reset, or a snapshot was loaded.
    """
    now: dict
    before: dict | None = None
    sort: str = "number"
    board: str = ""
    note: str = ""
    went_back: bool = dataclasses.field(default=False, init=False)

    def __post_init__(self):
        if self.before and _went_back(self.now, self.before):
            self.before, self.went_back = None, True

    @property
    def seconds(self):
        return self.now["at"] - self.before["at"] if self.before else 0

    def counts(self):
        """Of all CPUs together, since the start."""
        return {name: sum(_number(cpu.get(name))
                          for cpu in self.now["cpus"] or ())
                for name in COUNTS}

    def rate(self, read):
        """How much READ(sample) grew per second; None without a before."""
        if self.seconds <= 0:
            return None
        now, before = _number(read(self.now)), _number(read(self.before))
        return max(0, now - before) / self.seconds

    def cpu_rate(self, cpu, name):
        def read(one):
            return sum(_number(entry.get(name)) for entry in one["cpus"] or ()
                       if cpu is None or entry.get("cpu") == cpu)
        return self.rate(read)

    def shares(self):
        """World -> share of all CPUs' time, since the sample before or since
        the start; worlds without any left out."""
        times = self.now.get("world-time") or {}
        old = (self.before or {}).get("world-time") or {}
        spent = {world: _number(value) - _number(old.get(world))
                 for world, value in times.items()}
        total = sum(spent.values())
        return {world: spent[world] / total
                for world in sorted(spent, key=_order)
                if spent[world] > 0} if total else {}

    def cause(self, world, name):
        """Exits of a world by cause: per second, without a before all."""
        def read(one):
            return one["causes"].get(world, {}).get(name)
        rate = self.rate(read)
        return _number(read(self.now)) if rate is None else rate

    def causes(self):
        """Worlds in order, and cause -> world -> number."""
        worlds = sorted(self.now["causes"], key=_order)
        names = {name for counts in self.now["causes"].values()
                 for name, count in counts.items()
                 if count and name not in NO_EXITS}
        table = {name: {world: self.cause(world, name) for world in worlds}
                 for name in sorted(names)}
        worlds = [world for world in worlds if any(
            self.now["causes"][world].get(name) for name in names)]
        return worlds, table

    def exits(self, world):
        """All exits of a world."""
        return sum(self.cause(world, name) for name in
                   self.now["causes"].get(world, ()) if name not in NO_EXITS)

    def vms(self):
        """The VMs, sorted."""
        shares = self.shares()

        def key(vm):
            world = f"vm{vm['vmid']}"
            value = {"time": shares.get(world, 0),
                     "exits": self.exits(world),
                     "pages": _number(vm.get("pages"))}.get(self.sort, 0)
            return -value, vm["vmid"]
        return sorted(self.now["vms"] or (), key=key)


def _counters(one):
    """All that only ever grows of a sample: {what: number}."""
    found = {(name, world): value
             for name in ("world-time", "world-entries", "world-instructions")
             for world, value in (one.get(name) or {}).items()}
    for world, counts in one["causes"].items():
        found |= {(world, cause): value for cause, value in counts.items()}
    for cpu in one["cpus"] or ():
        found |= {(cpu.get("cpu"), name): cpu.get(name) for name in COUNTS}
    return {what: _number(value) for what, value in found.items()}


def _went_back(now, before):
    """Whether a counter of NOW is below that of BEFORE."""
    now = _counters(now)
    return any(now.get(what, value) < value
               for what, value in _counters(before).items())


def _number(value):
    """A number of a board's; a text that holds one too."""
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and value.isdigit() and \
        len(value) <= 20 else 0


def text(value, width=MAX_TEXT):
    """VALUE as it can stand on a terminal."""
    return "".join(c if c.isprintable() else "?" for c in str(value))[:width]


def short(value):
    """A number in five characters: 12345, 123k, 1.23M."""
    if value is None:
        return "-"
    if value < 99999.5:
        return f"{value:.0f}" if value >= 10 or value == int(value) else \
            f"{value:.1f}"
    for unit in "kMGTPE":
        value /= 1000
        if value < 999.5:
            return f"{value:.3g}{unit}"
    return f"{value:.0e}"


def world_name(world):
    return {"el2": "EL2"}.get(world, text(world, 8))


def lines(view, width=None, height=None):
    """(style, text) of each line; without WIDTH and HEIGHT as many as it
    takes."""
    top = _summary(view)
    sections = [_cpus(view), _vms(view), _causes(view)]
    if height:
        room = height - len(top) - len(sections)
        sections = _fit(sections, room)
    found = list(top)
    for section in sections:
        found += [(PLAIN, ""), *section]
    if height:
        found = found[:height]
    return [(style, line[:width].rstrip()) for style, line in found]


def _fit(sections, room):
    """Cut the longest sections until all are ROOM lines or less."""
    limits = [len(section) for section in sections]
    while sum(limits) > room and max(limits) > LEAST_LINES:
        limits[limits.index(max(limits))] -= 1
    return [section if limit >= len(section) else
            [*section[:limit - 1],
             (PLAIN, f"... {len(section) - limit + 1} more")]
            for section, limit in zip(sections, limits)]


def _summary(view):
    now = view.now
    state = text(now["status"])
    if _number(now["panicked"]):
        state += ", EL2 HAS PANICKED"
    first = f"hypsec top: {text(view.board)}  {state}"
    counts = view.counts()
    totals = "  ".join(
        f"{COUNTS[name]} {short(counts[name])}" + (
            "" if (rate := view.cpu_rate(None, name)) is None else
            f" ({short(rate)}/s)") for name in COUNTS)
    shares = view.shares()
    when = "" if view.before else " since the start"
    times = "  ".join(f"{world_name(world)} {100 * share:.1f} %"
                      for world, share in shares.items())
    found = [(HEAD, first), (PLAIN, totals)]
    if now["observer"]:
        found.append((PLAIN, f"time{when}: {times or 'none passed'}"))
    else:
        found.append((BAD, "no time and exits: the board has no observer "
                      "(-device hypsec-el-observer,id=obs)"))
    if now["cpus"] is None or now["inspect"] != "ok":
        why = now["missing"].get("pcpus", "EL2 publishes nothing that is "
                                 "sound")
        found.append((BAD, text(why, 200)))
    if view.went_back:
        found.append((BAD, "the board went back, by a reset or a snapshot: "
                      "counted since the start"))
    if view.note:
        found.append((BAD, view.note))
    return found


def _cpus(view):
    unit = "/s" if view.before else ""
    found = [(HEAD, f"{'CPU':>3} {'world':8}{'vCPU':>4}" + "".join(
        f"{name + unit:>13}" for name in COUNTS.values()) + "  locks held")]
    for cpu in view.now["cpus"] or ():
        number = cpu.get("cpu")
        counts = [view.cpu_rate(number, name) if view.before else
                  _number(cpu.get(name)) for name in COUNTS]
        locks = " ".join(text(lock, 10) for lock in cpu.get("locks") or ())
        found.append((PLAIN, (
            f"{_number(number):>3} {world_name(cpu.get('world')):8}"
            f"{short(_number(cpu.get('vcpu'))):>4}" +
            "".join(f"{short(count):>13}" for count in counts) +
            f"  {locks}")))
    return found


def _vms(view):
    found = [(HEAD, f"{'VM':>3} {'state':9}{'pages':>8}{'MiB':>9}"
              f"{'time %':>8}{'exits':>7}{'HVCs':>7}{'aborts':>7}  "
              f"{'vCPUs':14}")]
    shares = view.shares()
    for vm in view.vms():
        world = f"vm{vm['vmid']}"
        pages = _number(vm.get("pages"))
        aborts = sum(view.cause(world, name) for name in ABORTS)
        found.append((PLAIN, (
            f"{_number(vm['vmid']):>3} {text(vm.get('state'), 8):9}"
            f"{pages:>8}{pages / 256:>9.2f}"
            f"{100 * shares.get(world, 0):>8.1f}"
            f"{short(view.exits(world)):>7}"
            f"{short(view.cause(world, 'HVC')):>7}{short(aborts):>7}  "
            f"{_vcpus(vm)}")))
    if len(found) == 1:
        found.append((PLAIN, "    no VM"))
    return found


def _vcpus(vm):
    """Each vCPU: the CPU that runs it, or its power."""
    return " ".join(
        f"{_number(vcpu.get('vcpu'))}@cpu{vcpu['cpu']}" if "cpu" in vcpu else
        f"{_number(vcpu.get('vcpu'))}:{text(vcpu.get('power'), 10).lower()}"
        for vcpu in vm.get("vcpus") or ())


def _causes(view):
    worlds, table = view.causes()
    what = "exits/s" if view.before else "exits"
    found = [(HEAD, f"{what:10}{'all':>8}" + "".join(
        f"{world_name(world):>8}" for world in worlds))]
    rows = sorted(table.items(), key=lambda row: (-sum(row[1].values()),
                                                  row[0]))
    for name, counts in rows:
        found.append((PLAIN, f"{text(name, 9):10}"
                      f"{short(sum(counts.values())):>8}" + "".join(
                          f"{short(counts[world]):>8}" for world in worlds)))
    return found
