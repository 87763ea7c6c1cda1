/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hypsec-inject: ranges of the address space that answer with a bus error.
 *
 * A range is a region of its own over whatever is there. Until its time has
 * come it forwards accesses to what lies beneath, which is looked up at each
 * access: PCI windows move and flash changes its mode while a range is on.
 * CPUs and DMA masters see the same memory, and so the same errors.
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "exec/address-spaces.h"
#include "exec/exec-all.h"
#include "exec/memory.h"
#include "exec/ram_addr.h"
#include "exec/target_page.h"
#include "hw/core/cpu.h"
#include "system/cpus.h"
#include "system/runstate.h"
#include "system/tcg.h"
#include "hypsec-inject.h"
#include "trace.h"

/* Above all that boards and PCI use. */
#define FAULT_PRIORITY 1000

/* Containers and aliases inside each other; the board has a handful. */
#define MAX_DEPTH 32

static bool is_fault_region(const HypsecInjectState *s, const MemoryRegion *mr)
{
    for (int i = 0; i < HYPSEC_INJECT_FAULTS; i++) {
        if (mr == &s->fault[i].region) {
            return true;
        }
    }
    return false;
}

/* The region that would answer at @offset of @mr, were there no ranges. */
static MemoryRegion *find_beneath(const HypsecInjectState *s, MemoryRegion *mr,
                                  hwaddr *offset, int depth)
{
    MemoryRegion *sub;

    if (depth > MAX_DEPTH || !mr->enabled || is_fault_region(s, mr) ||
        int128_ge(int128_make64(*offset), mr->size)) {
        return NULL;
    }
    if (mr->alias) {
        *offset += mr->alias_offset;
        return find_beneath(s, mr->alias, offset, depth + 1);
    }
    /* They are in the order of their priorities. */
    QTAILQ_FOREACH(sub, &mr->subregions, subregions_link) {
        hwaddr inner = *offset - sub->addr;
        MemoryRegion *found;

        if (*offset < sub->addr) {
            continue;
        }
        found = find_beneath(s, sub, &inner, depth + 1);
        if (found) {
            *offset = inner;
            return found;
        }
    }
    return mr->terminates ? mr : NULL;
}

/* RAM, and ROM for reading; flash in its command mode is a device. */
static bool is_memory(const MemoryRegion *mr, bool is_write)
{
    if (mr->ram && !mr->ram_device) {
        return !is_write || !mr->readonly;
    }
    return mr->rom_device && mr->romd_mode && !is_write;
}

static MemTxResult ram_access(MemoryRegion *mr, hwaddr offset, uint64_t *value,
                              unsigned int size, bool is_write)
{
    uint8_t *p = (uint8_t *)memory_region_get_ram_ptr(mr) + offset;

    if (!is_write) {
        *value = ldn_le_p(p, size);
        return MEMTX_OK;
    }
    stn_le_p(p, size, *value);
    if (tcg_enabled()) {
        ram_addr_t addr = memory_region_get_ram_addr(mr) + offset;

        tb_invalidate_phys_range(addr, addr + size - 1);
    }
    memory_region_set_dirty(mr, offset, size);
    return MEMTX_OK;
}

static MemTxResult forward(HypsecInjectFault *f, hwaddr addr, uint64_t *value,
                           unsigned int size, MemTxAttrs attrs, bool is_write)
{
    hwaddr offset = f->base + addr;
    MemoryRegion *mr = find_beneath(f->inject, get_system_memory(), &offset,
                                    0);
    MemOp op = size_memop(size) | MO_LE;

    if (!mr || int128_gt(int128_make64(offset + size), mr->size)) {
        return MEMTX_DECODE_ERROR;
    }
    if (is_memory(mr, is_write)) {
        return ram_access(mr, offset, value, size, is_write);
    }
    return is_write ?
           memory_region_dispatch_write(mr, offset, *value, op, attrs) :
           memory_region_dispatch_read(mr, offset, value, op, attrs);
}

static MemTxResult fault_access(HypsecInjectFault *f, hwaddr addr,
                                uint64_t *value, unsigned int size,
                                MemTxAttrs attrs, bool is_write)
{
    uint32_t bit = is_write ? HYPSEC_INJECT_FAULT_WRITE
                            : HYPSEC_INJECT_FAULT_READ;
    uint64_t nth = MAX(f->nth, 1);

    if (f->ctrl & bit) {
        f->seen++;
        if (f->seen >= nth && (!f->count || f->seen - nth < f->count)) {
            f->failed++;
            trace_hypsec_inject_bus_fault(f - f->inject->fault,
                                          f->base + addr, size, is_write);
            return f->ctrl & HYPSEC_INJECT_FAULT_DECODE ? MEMTX_DECODE_ERROR
                                                        : MEMTX_ERROR;
        }
    }
    return forward(f, addr, value, size, attrs, is_write);
}

static MemTxResult fault_read(void *opaque, hwaddr addr, uint64_t *value,
                              unsigned int size, MemTxAttrs attrs)
{
    *value = 0;
    return fault_access(opaque, addr, value, size, attrs, false);
}

static MemTxResult fault_write(void *opaque, hwaddr addr, uint64_t value,
                               unsigned int size, MemTxAttrs attrs)
{
    return fault_access(opaque, addr, &value, size, attrs, true);
}

static const MemoryRegionOps fault_ops = {
    .read_with_attrs = fault_read,
    .write_with_attrs = fault_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
    .impl = { .min_access_size = 1, .max_access_size = 8, .unaligned = true },
};

static bool overlaps(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
    return a < b + b_size && b < a + a_size;
}

static bool range_ok(const HypsecInjectFault *f)
{
    const HypsecInjectState *s = f->inject;

    if (!f->size || (f->base | f->size) & 0xfff ||
        f->size > (1ULL << 48) || f->base > (1ULL << 48) - f->size) {
        return false;
    }
    if (overlaps(f->base, f->size, s->container.addr, HYPSEC_INJECT_SIZE)) {
        return false;
    }
    for (int i = 0; i < HYPSEC_INJECT_FAULTS; i++) {
        const HypsecInjectFault *other = &s->fault[i];

        if (other != f && other->mapped &&
            overlaps(f->base, f->size, other->base, other->size)) {
            return false;
        }
    }
    return true;
}

/*
 * The regions exist for as long as the device does, and are only moved: other
 * CPUs may be using the previous view of memory. Nor may a CPU be in the
 * middle of an access when its view changes, since QEMU's TLB would then look
 * up a section of the old view in the new one; a CPU that writes our registers
 * is at a safe point itself.
 */
static bool pause_cpus(void)
{
    if (!tcg_enabled() || current_cpu || !runstate_is_running()) {
        return false;
    }
    pause_all_vcpus();
    return true;
}

static void fault_set(HypsecInjectFault *f, bool enabled)
{
    bool paused;

    if (!enabled && !f->mapped) {
        return;
    }
    paused = pause_cpus();
    /* Until the CPUs stood still, they could write our registers. */
    enabled = enabled && range_ok(f);
    memory_region_transaction_begin();
    if (enabled) {
        memory_region_set_address(&f->region, f->base);
        memory_region_set_size(&f->region, f->size);
    }
    memory_region_set_enabled(&f->region, enabled);
    memory_region_transaction_commit();
    f->mapped = enabled;
    if (paused) {
        resume_all_vcpus();
    }
}

/* Returns false if the range is not a good one. */
static bool fault_map(HypsecInjectFault *f)
{
    fault_set(f, true);
    return f->mapped;
}

static void fault_unmap(HypsecInjectFault *f)
{
    fault_set(f, false);
}

void hypsec_inject_fault_init(HypsecInjectFault *f)
{
    g_autofree char *name = g_strdup_printf("hypsec-inject.fault%d",
                                            (int)(f - f->inject->fault));

    memory_region_init_io(&f->region, OBJECT(f->inject), &fault_ops, f, name,
                          0x1000);
    memory_region_set_enabled(&f->region, false);
    /* What lies beneath has a guard of its own. */
    f->region.disable_reentrancy_guard = true;
    memory_region_add_subregion_overlap(get_system_memory(), 0, &f->region,
                                        FAULT_PRIORITY);
}

uint32_t hypsec_inject_fault_read(const HypsecInjectFault *f,
                                  unsigned int offset)
{
    const uint64_t regs[] = {
        f->base, f->size, f->nth, f->count, f->ctrl, f->seen, f->failed,
    };

    if (offset / 8 >= ARRAY_SIZE(regs)) {
        return 0;
    }
    return regs[offset / 8] >> (offset % 8 * 8);
}

static bool write_fault_ctrl(HypsecInjectFault *f, uint32_t value)
{
    fault_unmap(f);
    f->ctrl = value & (HYPSEC_INJECT_FAULT_ENABLE | HYPSEC_INJECT_FAULT_READ |
                       HYPSEC_INJECT_FAULT_WRITE | HYPSEC_INJECT_FAULT_DECODE);
    if (!(f->ctrl & HYPSEC_INJECT_FAULT_ENABLE)) {
        return true;
    }
    f->seen = f->failed = 0;
    if (!fault_map(f)) {
        f->ctrl &= ~HYPSEC_INJECT_FAULT_ENABLE;
        f->ctrl |= HYPSEC_INJECT_FAULT_REFUSED;
        return false;
    }
    return true;
}

bool hypsec_inject_fault_write(HypsecInjectFault *f, unsigned int offset,
                               uint32_t value)
{
    uint64_t *regs[] = { &f->base, &f->size, &f->nth, &f->count };

    if (offset == HYPSEC_INJECT_FAULT_CTRL) {
        return write_fault_ctrl(f, value);
    }
    if (offset / 8 >= ARRAY_SIZE(regs)) {
        return offset == HYPSEC_INJECT_FAULT_CTRL + 4;
    }
    /* What is enabled stays as it was checked. */
    if (f->mapped) {
        return false;
    }
    *regs[offset / 8] = deposit64(*regs[offset / 8], offset % 8 * 8, 32,
                                  value);
    return true;
}

void hypsec_inject_fault_reset(HypsecInjectFault *f)
{
    fault_unmap(f);
    f->base = f->size = f->nth = f->count = f->seen = f->failed = 0;
    f->ctrl = 0;
}

bool hypsec_inject_fault_loaded(HypsecInjectFault *f)
{
    fault_unmap(f);
    if (f->ctrl & ~(HYPSEC_INJECT_FAULT_ENABLE | HYPSEC_INJECT_FAULT_READ |
                    HYPSEC_INJECT_FAULT_WRITE | HYPSEC_INJECT_FAULT_DECODE |
                    HYPSEC_INJECT_FAULT_REFUSED)) {
        return false;
    }
    if (f->ctrl & HYPSEC_INJECT_FAULT_ENABLE) {
        return fault_map(f);
    }
    return true;
}
