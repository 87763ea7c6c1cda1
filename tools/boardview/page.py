# SPDX-License-Identifier: GPL-2.0-or-later
"""The inspection page, firmware/include/hypsec/inspect.h.

Versions 2 and 3; a later one only adds. What the page says is checked before
anything is done with it: every array has a bounded number of entries and lies
between the carve-out's base and the end of physical memory (the reads
themselves stop at the end of RAM).
"""
import dataclasses
import struct

from .source import PA_END, SourceError, word

MAGIC = 0x314e494345535048
OFFSET = 0x1000         # of the page in the carve-out: boot_block.h
MAX_CPUS = 8
# One more than the greatest number that a page record can hold as owner.
MAX_OWNERS = 256
MAX_POOLS = 1024
MAX_VCPUS = 64
MAX_SMMUS = 16
MAX_BANKS = 128
MAX_DEVICES = 256
MAX_STRIDE = 1 << 20
RECORD_BYTES = 8

WORLD_OFF = 0xffffffff
FREE = 0xffffffff       # the owner of a bank that is nobody's

# Names and widths in the order of struct hypsec_inspect.
FIELDS_2 = (("magic", 8), ("version", 4), ("size", 4), ("panicked", 4),
            ("nr_cpus", 4), ("cpu_base", 8), ("cpu_stride", 4),
            ("page_record_bytes", 4), ("image_pa", 8), ("image_va", 8),
            ("image_bytes", 8), ("linear_base", 8), ("page_base", 8),
            ("page_first_pfn", 8), ("page_count", 8), ("host_root", 8),
            ("pool_base", 8), ("pool_stride", 8), ("vm_base", 8),
            ("vm_stride", 8), ("vm_count", 8))
FIELDS_3 = tuple((name, 8) for name in (
    "pool_count", "owned_base", "vcpu_offset", "vcpu_stride", "vcpu_count",
    "corevisor", "smmu_base", "smmu_stride", "smmu_count",
    "smmu_owner_offset", "device_base", "device_stride",
    "device_owner_base", "device_owner_stride", "device_count", "pcpu_base",
    "pcpu_stride", "pcpu_held_offset"))


class PageError(SourceError):
    """There is no sound inspection page; the text says what is wrong."""


def _format(fields):
    return "<" + "".join({4: "I", 8: "Q"}[width] for _, width in fields)


BYTES_2 = struct.calcsize(_format(FIELDS_2))
BYTES_3 = struct.calcsize(_format(FIELDS_2 + FIELDS_3))


@dataclasses.dataclass(frozen=True)
class Page:
    """A checked page. Of version 2, all fields of version 3 are None but
    corevisor, the number of EL2 as an owner."""
    address: int
    version: int
    size: int
    panicked: int
    nr_cpus: int
    cpu_base: int
    cpu_stride: int
    page_record_bytes: int
    image_pa: int
    image_va: int
    image_bytes: int
    linear_base: int
    page_base: int
    page_first_pfn: int
    page_count: int
    host_root: int
    pool_base: int
    pool_stride: int
    vm_base: int
    vm_stride: int
    vm_count: int
    pool_count: int | None = None
    owned_base: int | None = None
    vcpu_offset: int | None = None
    vcpu_stride: int | None = None
    vcpu_count: int | None = None
    corevisor: int | None = None
    smmu_base: int | None = None
    smmu_stride: int | None = None
    smmu_count: int | None = None
    smmu_owner_offset: int | None = None
    device_base: int | None = None
    device_stride: int | None = None
    device_owner_base: int | None = None
    device_owner_stride: int | None = None
    device_count: int | None = None
    pcpu_base: int | None = None
    pcpu_stride: int | None = None
    pcpu_held_offset: int | None = None

    @classmethod
    def read(cls, source, address):
        """The page at ADDRESS. Raises PageError or SourceError."""
        if address == 0:
            raise PageError("the board has no carve-out: it runs no EL2 "
                            "firmware (-bios)")
        if address % 8 or not 0 < address < PA_END:
            raise PageError(f"{address:#x} is no address of a page")
        found = _parse(source, address)
        page = cls(address=address, **found)
        page._check()
        return page

    # What everybody needs

    @property
    def carveout_base(self):
        return self.address - OFFSET

    def owner_name(self, owner):
        """"host", "vm3", "EL2"; other numbers as they are."""
        if owner == 0:
            return "host"
        if owner == self.corevisor:
            return "EL2"
        if 0 < owner < self.vm_count:
            return f"vm{owner}"
        return f"owner {owner}?"

    def has(self, what):
        """Raise PageError unless the page tells WHAT, of version 3."""
        if self.version < 3:
            raise PageError(f"the firmware does not tell {what}: its page is "
                            f"of version {self.version}, that takes 3")

    def root(self, source, vmid):
        """PA of the stage-2 root table of host (0) or VM; 0 without one."""
        if not 0 <= vmid < self.vm_count:
            raise PageError(f"there is no VM {vmid}: 1 to "
                            f"{self.vm_count - 1} are")
        return self.pool_root(source, vmid)

    def pool_root(self, source, index):
        """Entry INDEX of the array of owners of tables."""
        count = self.vm_count if self.pool_count is None else self.pool_count
        if not 0 <= index < count:
            raise PageError(f"table owner {index} of {count}")
        root = word(source, self.pool_base + index * self.pool_stride)
        if root % 4096 or root >= PA_END:
            raise PageError(f"root table of owner {index} at {root:#x}: no "
                            "address of one")
        return root

    def bank_root(self, source, smmu, bank):
        """PA of the root of an SMMU's bank; 0 without one."""
        self.has("the tables of the SMMUs")
        # Bank 0 of all of them is the one identity table.
        index = self.corevisor + (smmu * 8 + bank if bank else 0)
        return self.pool_root(source, index)

    # Checks

    def _array(self, name, base, count, stride, least, limit):
        """An array of COUNT entries of LEAST bytes or more."""
        if not 0 <= count <= limit:
            raise self._wrong(f"{name}_count", count, f"at most {limit}")
        if count == 0:
            return
        if stride < least or stride > MAX_STRIDE or stride % 4:
            raise self._wrong(f"{name}_stride", stride,
                              f"a multiple of 4 from {least} on")
        if base % 4 or base < self.carveout_base or \
           base + count * stride > PA_END:
            raise self._wrong(f"{name}_base", base, "in the carve-out")

    def _wrong(self, name, value, what):
        return PageError(f"inspection page at {self.address:#x}: {name} is "
                         f"{value:#x}, not {what}")

    def _check(self):
        if self.panicked > 1:
            raise self._wrong("panicked", self.panicked, "0 or 1")
        if self.page_record_bytes != RECORD_BYTES:
            raise self._wrong("page_record_bytes", self.page_record_bytes,
                              f"{RECORD_BYTES}")
        if not 1 <= self.nr_cpus:
            raise self._wrong("nr_cpus", self.nr_cpus, "1 or more")
        if not 2 <= self.vm_count:
            raise self._wrong("vm_count", self.vm_count, "2 or more")
        self._array("cpu", self.cpu_base, self.nr_cpus, self.cpu_stride, 40,
                    MAX_CPUS)
        self._array("page", self.page_base, self.page_count, RECORD_BYTES,
                    RECORD_BYTES, PA_END >> 12)
        if self.page_first_pfn + self.page_count > PA_END >> 12:
            raise self._wrong("page_first_pfn", self.page_first_pfn,
                              "a page of 40-bit memory")
        self._array("vm", self.vm_base, self.vm_count, self.vm_stride, 4,
                    MAX_OWNERS - 1)
        self._array("pool", self.pool_base, self.pool_count or self.vm_count,
                    self.pool_stride, 8, MAX_POOLS)
        if self.host_root % 4096 or self.host_root >= PA_END:
            raise self._wrong("host_root", self.host_root, "a page's address")
        if self.version >= 3:
            self._check_3()

    def _check_3(self):
        if not self.vm_count <= self.corevisor < MAX_OWNERS:
            raise self._wrong("corevisor", self.corevisor,
                              "above the VMs and below 256")
        if self.pool_count < self.vm_count:
            raise self._wrong("pool_count", self.pool_count,
                              "vm_count or more")
        self._array("owned", self.owned_base, self.corevisor + 1, 8, 8,
                    MAX_OWNERS)
        if self.vcpu_count > MAX_VCPUS or self.vcpu_stride < 8 or \
           self.vcpu_stride % 4 or self.vcpu_offset % 4 or \
           self.vcpu_offset + self.vcpu_count * self.vcpu_stride > \
           self.vm_stride:
            raise self._wrong("vcpu_count", self.vcpu_count,
                              "as many as fit into a VM's entry")
        if self.smmu_owner_offset > MAX_STRIDE:
            raise self._wrong("smmu_owner_offset", self.smmu_owner_offset,
                              "in an entry")
        self._array("smmu", self.smmu_base, self.smmu_count,
                    self.smmu_stride, max(20, self.smmu_owner_offset + 4),
                    MAX_SMMUS)
        # The table of devices is constant and in the image.
        self._array("device", self.device_base, self.device_count,
                    self.device_stride, 24, MAX_DEVICES)
        self._array("device_owner", self.device_owner_base,
                    self.device_count, self.device_owner_stride, 8,
                    MAX_DEVICES)
        self._array("pcpu", self.pcpu_base, self.nr_cpus, self.pcpu_stride,
                    min(self.pcpu_held_offset, MAX_STRIDE) + 4, MAX_CPUS)


def _parse(source, address):
    """The page's fields by name, of the version that it says it is."""
    data = source.read(address, BYTES_2)
    found = dict(zip((name for name, _ in FIELDS_2),
                     struct.unpack(_format(FIELDS_2), data)))
    if found["magic"] != MAGIC:
        raise PageError(f"no inspection page at {address:#x}: the firmware "
                        "has published nothing yet, or knows nothing of it")
    version, size = found["version"], found["size"]
    if version < 2:
        raise PageError(f"inspection page at {address:#x}: version {version} "
                        "is too old, it takes 2")
    least = BYTES_2 if version == 2 else BYTES_3
    if size < least:
        raise PageError(f"inspection page at {address:#x}: {size} bytes are "
                        f"too few for version {version}, it has {least}")
    if version >= 3:
        data = source.read(address + BYTES_2, BYTES_3 - BYTES_2)
        found.update(zip((name for name, _ in FIELDS_3),
                         struct.unpack(_format(FIELDS_3), data)))
    # The VMs' entries end where it begins.
    found.setdefault("corevisor", found["vm_count"])
    del found["magic"]
    return found


def address_by_qom(qmp):
    """Where the page of a board is; QMP has qom_get(path, property).

    0 for a board without a carve-out.
    """
    return int(qmp.qom_get("/machine/inspect", "page-address"))
