/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hypsec-inject: registers, queues and life cycle.
 *
 * Everything that arrives here is hostile: a descriptor is copied once and
 * checked before anything is done with it, an index that is out of range is
 * not stored, a snapshot that cannot have been saved does not load.
 */
#include "qemu/osdep.h"
#include "qemu/bitops.h"
#include "qemu/bswap.h"
#include "qemu/log.h"
#include "qemu/module.h"
#include "qapi/error.h"
#include "hw/core/cpu.h"
#include "hw/irq.h"
#include "hw/resettable.h"
#include "migration/vmstate.h"
#include "system/system.h"
#include "hypsec-inject.h"
#include "trace.h"

#define WORDS (HYPSEC_INJECT_RECORD_BYTES / 8)

/* The fields of 32 bits are in the first words of either record. */
#define DESC_WORDS32 2
#define COMP_WORD32_FIRST 1
#define COMP_WORD32_LAST 3

/* Entries behind the head that may start before it: bits of sq_taken. */
#define LOOK_AHEAD 64

void hypsec_inject_desc_read(struct hypsec_inject_desc *d, const uint8_t *raw)
{
    uint32_t *d32 = (uint32_t *)d;
    uint64_t *d64 = (uint64_t *)d;

    for (int i = 0; i < 2 * DESC_WORDS32; i++) {
        d32[i] = ldl_le_p(raw + i * 4);
    }
    for (int i = DESC_WORDS32; i < WORDS; i++) {
        d64[i] = ldq_le_p(raw + i * 8);
    }
}

static bool comp_word_is_32(int word)
{
    return (word >= COMP_WORD32_FIRST && word <= COMP_WORD32_LAST) ||
           word == HYPSEC_INJECT_C_VECTOR / 8;
}

void hypsec_inject_comp_read(struct hypsec_inject_comp *comp,
                             const uint8_t *raw)
{
    for (int i = 0; i < WORDS; i++) {
        if (comp_word_is_32(i)) {
            ((uint32_t *)comp)[i * 2] = ldl_le_p(raw + i * 8);
            ((uint32_t *)comp)[i * 2 + 1] = ldl_le_p(raw + i * 8 + 4);
        } else {
            ((uint64_t *)comp)[i] = ldq_le_p(raw + i * 8);
        }
    }
}

static void comp_write(uint8_t *raw, const struct hypsec_inject_comp *comp)
{
    for (int i = 0; i < WORDS; i++) {
        if (comp_word_is_32(i)) {
            stl_le_p(raw + i * 8, ((const uint32_t *)comp)[i * 2]);
            stl_le_p(raw + i * 8 + 4, ((const uint32_t *)comp)[i * 2 + 1]);
        } else {
            stq_le_p(raw + i * 8, ((const uint64_t *)comp)[i]);
        }
    }
}

static bool slot_is_busy(const HypsecInjectSlot *slot)
{
    return slot->state == HYPSEC_INJECT_WAITING ||
           slot->state == HYPSEC_INJECT_IN_FLIGHT;
}

/* Events under way that came by the register window or by the ring. */
static unsigned int count_busy(const HypsecInjectState *s, bool single)
{
    unsigned int n = 0;

    for (int i = 0; i < s->num_cpus; i++) {
        for (int k = 0; k < HYPSEC_INJECT_SLOTS; k++) {
            const HypsecInjectSlot *slot = &s->cpu[i].slot[k];

            n += slot_is_busy(slot) &&
                 (slot->sq_index == HYPSEC_INJECT_NO_INDEX) == single;
        }
    }
    return n;
}

static unsigned int cq_used(const HypsecInjectState *s)
{
    return (s->cq_tail - s->cq_head) % HYPSEC_INJECT_CQ_ENTRIES;
}

/* An event takes the place of its completion along. */
static bool cq_has_space(const HypsecInjectState *s)
{
    return cq_used(s) + count_busy(s, false) < HYPSEC_INJECT_CQ_ENTRIES - 1;
}

static void hypsec_inject_update_irq(HypsecInjectState *s)
{
    qemu_set_irq(s->irq,
                 ((s->ctrl & HYPSEC_INJECT_CTRL_IE_SINGLE) && s->done) ||
                 ((s->ctrl & HYPSEC_INJECT_CTRL_IE_RING) && cq_used(s)));
}

/* Stores a completion that has everything but its sequence number. */
static void post(HypsecInjectState *s, struct hypsec_inject_comp *comp)
{
    comp->sequence = ++s->events;
    s->ring_changed = true;
    s->refusals += comp->status == HYPSEC_INJECT_S_REFUSED;
    comp_write(s->last, comp);
    if (comp->sq_index == HYPSEC_INJECT_NO_INDEX) {
        memcpy(s->comp, s->last, sizeof(s->comp));
        s->done = true;
    } else {
        hwaddr offset = s->cq_tail * HYPSEC_INJECT_RECORD_BYTES;
        uint8_t *entry = (uint8_t *)memory_region_get_ram_ptr(&s->cq) + offset;

        memcpy(entry, s->last, HYPSEC_INJECT_C_SEQUENCE);
        /* A consumer that polls the sequence number sees it last. */
        smp_wmb();
        qatomic_set((uint64_t *)(entry + HYPSEC_INJECT_C_SEQUENCE),
                    cpu_to_le64(comp->sequence));
        memory_region_set_dirty(&s->cq, offset, HYPSEC_INJECT_RECORD_BYTES);
        s->cq_tail = (s->cq_tail + 1) % HYPSEC_INJECT_CQ_ENTRIES;
    }
    trace_hypsec_inject_complete(comp->cpu, comp->type, comp->status,
                                 comp->reason, comp->flags, comp->x[0],
                                 comp->pc);
    hypsec_inject_update_irq(s);
}

void hypsec_inject_complete(HypsecInjectCpu *c, HypsecInjectSlot *slot,
                            struct hypsec_inject_comp *comp)
{
    comp->cookie = slot->d.cookie;
    comp->type = slot->d.type;
    comp->cpu = slot->d.cpu;
    comp->sq_index = slot->sq_index;
    comp->flags |= slot->flags;
    post(c->inject, comp);
}

/* Reports a descriptor that does not become an event. */
static void refuse(HypsecInjectState *s, const struct hypsec_inject_desc *d,
                   uint32_t sq_index, uint32_t reason)
{
    struct hypsec_inject_comp comp = {
        .cookie = d->cookie,
        .status = HYPSEC_INJECT_S_REFUSED,
        .reason = reason,
        .cpu = d->cpu,
        .type = d->type,
        .sq_index = sq_index,
        .vector = HYPSEC_INJECT_NO_VECTOR,
    };

    post(s, &comp);
}

/* Flags that contradict each other or the rest of the descriptor. */
static bool flags_ok(const struct hypsec_inject_desc *d)
{
    if (d->flags & ~HYPSEC_INJECT_F_ALL) {
        return false;
    }
    if (d->flags & HYPSEC_INJECT_F_AT_EL2) {
        return d->repeat <= 1 && !(d->flags & (HYPSEC_INJECT_F_USE_PSTATE |
                                               HYPSEC_INJECT_F_ENTRY_ONLY));
    }
    return !d->delay;
}

static uint32_t check_desc(HypsecInjectState *s,
                           const struct hypsec_inject_desc *d)
{
    if (!d->type || d->type >= HYPSEC_INJECT_TYPES) {
        return HYPSEC_INJECT_R_BAD_TYPE;
    }
    if (d->cpu >= s->num_cpus) {
        return HYPSEC_INJECT_R_BAD_CPU;
    }
    for (int i = 0; i < ARRAY_SIZE(d->reserved); i++) {
        if (d->reserved[i]) {
            return HYPSEC_INJECT_R_BAD_RESERVED;
        }
    }
    if (d->xmask >> 31) {
        return HYPSEC_INJECT_R_BAD_RESERVED;
    }
    if (d->bound > HYPSEC_INJECT_BOUND_MAX ||
        d->delay > HYPSEC_INJECT_BOUND_MAX) {
        return HYPSEC_INJECT_R_BAD_BOUND;
    }
    if (!flags_ok(d)) {
        return HYPSEC_INJECT_R_BAD_FLAGS;
    }
    if ((d->flags & HYPSEC_INJECT_F_USE_PSTATE) &&
        !hypsec_inject_cpu_pstate_ok(&s->cpu[d->cpu], d->pstate)) {
        return HYPSEC_INJECT_R_BAD_PSTATE;
    }
    return HYPSEC_INJECT_R_NONE;
}

static HypsecInjectSlot *slot_of(HypsecInjectState *s,
                                 const struct hypsec_inject_desc *d)
{
    return &s->cpu[d->cpu].slot[d->flags & HYPSEC_INJECT_F_AT_EL2 ?
                                HYPSEC_INJECT_EL2 : HYPSEC_INJECT_LOWER];
}

static void hypsec_inject_watch(HypsecInjectState *s)
{
    if (!timer_pending(s->watch)) {
        timer_mod(s->watch, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) +
                            HYPSEC_INJECT_WATCH_NS);
    }
}

/* Gives a checked descriptor to its CPU, whose slot is IDLE. */
static void start(HypsecInjectState *s, const struct hypsec_inject_desc *d,
                  const uint8_t *raw, uint32_t sq_index)
{
    HypsecInjectSlot *slot = slot_of(s, d);

    slot->d = *d;
    memcpy(slot->raw, raw, sizeof(slot->raw));
    slot->sq_index = sq_index;
    slot->flags = 0;
    slot->count = slot->insns = slot->insns_last = slot->ns = 0;
    slot->restore = false;
    slot->deadline_ns = hypsec_inject_cpu_deadline(d);
    slot->due_ns = 0;
    slot->state = HYPSEC_INJECT_WAITING;
    if (d->delay) {
        hypsec_inject_cpu_delay(&s->cpu[d->cpu]);
    }
    trace_hypsec_inject_start(d->cpu, d->type, d->flags, d->esr, sq_index);
    hypsec_inject_watch(s);
    hypsec_inject_cpu_kick(&s->cpu[d->cpu]);
}

/* What is wrong with starting @d now, in @slot. */
static uint32_t check_slot(const HypsecInjectSlot *slot)
{
    if (slot->state == HYPSEC_INJECT_LATE) {
        return HYPSEC_INJECT_R_CPU_HUNG;
    }
    return slot->state == HYPSEC_INJECT_IDLE ? HYPSEC_INJECT_R_NONE :
           HYPSEC_INJECT_R_BUSY;
}

static void hypsec_inject_reset_state(HypsecInjectState *s);

/* Forgets what a snapshot that did not load has left. */
static void drop_unchecked(HypsecInjectState *s)
{
    if (s->unchecked) {
        hypsec_inject_reset_state(s);
        hypsec_inject_update_irq(s);
    }
}

bool hypsec_inject_fire(HypsecInjectState *s, const uint8_t *raw)
{
    struct hypsec_inject_desc d;
    uint32_t reason;

    drop_unchecked(s);
    if (count_busy(s, true)) {
        return false;
    }
    s->done = false;
    hypsec_inject_update_irq(s);
    hypsec_inject_desc_read(&d, raw);
    reason = check_desc(s, &d);
    if (!reason) {
        reason = check_slot(slot_of(s, &d));
    }
    if (reason) {
        refuse(s, &d, HYPSEC_INJECT_NO_INDEX, reason);
    } else {
        start(s, &d, raw, HYPSEC_INJECT_NO_INDEX);
    }
    return true;
}

static void hypsec_inject_abort(HypsecInjectState *s)
{
    for (int i = 0; i < s->num_cpus; i++) {
        for (int k = 0; k < HYPSEC_INJECT_SLOTS; k++) {
            HypsecInjectSlot *slot = &s->cpu[i].slot[k];

            /* One that EL2 has cannot be called back. */
            if (slot->state == HYPSEC_INJECT_WAITING && !slot->restore &&
                slot->sq_index == HYPSEC_INJECT_NO_INDEX) {
                slot->state = HYPSEC_INJECT_IDLE;
                refuse(s, &slot->d, HYPSEC_INJECT_NO_INDEX,
                       HYPSEC_INJECT_R_ABORTED);
            }
        }
    }
}

/* Moves the head over what has started; positions count from the head. */
static void advance_head(HypsecInjectState *s)
{
    unsigned int n = s->sq_taken == UINT64_MAX ? 64 : ctz64(~s->sq_taken);

    if (!n) {
        return;
    }
    s->sq_head = (s->sq_head + n) % HYPSEC_INJECT_SQ_ENTRIES;
    s->sq_taken = n == 64 ? 0 : s->sq_taken >> n;
    s->scanned -= MIN(s->scanned, n);
    for (int i = 0; i < s->num_cpus; i++) {
        for (int k = 0; k < HYPSEC_INJECT_SLOTS; k++) {
            uint64_t *blocked = &s->cpu[i].blocked[k];

            *blocked = n == 64 ? 0 : *blocked >> n;
        }
    }
}

/*
 * Looks at the entry that is @ahead of the head. It starts, is refused, or has
 * to wait for its CPU; false if it has to wait for everything before it. Of
 * what the queue's memory holds, only the copy is believed.
 */
static bool take_entry(HypsecInjectState *s, unsigned int ahead)
{
    uint32_t index = (s->sq_head + ahead) % HYPSEC_INJECT_SQ_ENTRIES;
    const uint8_t *entry = (uint8_t *)memory_region_get_ram_ptr(&s->sq) +
                           index * HYPSEC_INJECT_RECORD_BYTES;
    uint32_t flags = ldl_le_p(entry + HYPSEC_INJECT_D_FLAGS);
    uint32_t cpu = ldl_le_p(entry + HYPSEC_INJECT_D_CPU);
    int slot = flags & HYPSEC_INJECT_F_AT_EL2 ? HYPSEC_INJECT_EL2
                                              : HYPSEC_INJECT_LOWER;
    uint8_t raw[HYPSEC_INJECT_RECORD_BYTES];
    struct hypsec_inject_desc d;
    uint32_t reason;

    if ((flags & HYPSEC_INJECT_F_FENCE) && (ahead || count_busy(s, false))) {
        return false;
    }
    /* Behind another one that waits for the same: do not overtake. */
    if (cpu < s->num_cpus &&
        (s->cpu[cpu].blocked[slot] & ((1ULL << ahead) - 1) ||
         slot_is_busy(&s->cpu[cpu].slot[slot]))) {
        s->cpu[cpu].blocked[slot] |= 1ULL << ahead;
        return true;
    }
    memcpy(raw, entry, sizeof(raw));
    hypsec_inject_desc_read(&d, raw);
    reason = check_desc(s, &d);
    if (!reason) {
        reason = check_slot(slot_of(s, &d));
    }
    s->sq_taken |= 1ULL << ahead;
    if (reason) {
        refuse(s, &d, index, reason);
    } else {
        start(s, &d, raw, index);
    }
    return true;
}

/* Takes the first entry that waits for a slot which is free again. */
static bool take_blocked(HypsecInjectState *s)
{
    for (int i = 0; i < s->num_cpus; i++) {
        for (int k = 0; k < HYPSEC_INJECT_SLOTS; k++) {
            uint64_t *blocked = &s->cpu[i].blocked[k];
            uint64_t first = *blocked & -*blocked;

            if (first && !slot_is_busy(&s->cpu[i].slot[k])) {
                *blocked &= ~first;
                if (!take_entry(s, ctz64(first))) {
                    /* Somebody has made a fence of it. */
                    *blocked |= first;
                    continue;
                }
                return true;
            }
        }
    }
    return false;
}

static bool take_new(HypsecInjectState *s)
{
    unsigned int left = (s->sq_tail - s->sq_head) % HYPSEC_INJECT_SQ_ENTRIES;

    if (s->scanned >= MIN(left, LOOK_AHEAD)) {
        return false;
    }
    if (s->sq_taken & (1ULL << s->scanned)) {
        /* After a snapshot was loaded. */
        s->scanned++;
        return true;
    }
    if (!take_entry(s, s->scanned)) {
        return false;
    }
    s->scanned++;
    return true;
}

void hypsec_inject_run_ring(HypsecInjectState *s)
{
    if (!s->ring_changed) {
        return;
    }
    /* Head and tail cannot be moved meanwhile: at most one round. */
    do {
        s->ring_changed = false;
        advance_head(s);
    } while (!(s->ctrl & HYPSEC_INJECT_CTRL_PAUSE) && cq_has_space(s) &&
             (take_blocked(s) || take_new(s)));
}

/* Whether what was looked at lies before a tail of @tail. */
static bool taken_fits(const HypsecInjectState *s, uint32_t tail)
{
    return (tail - s->sq_head) % HYPSEC_INJECT_SQ_ENTRIES >=
           MAX(64 - clz64(s->sq_taken), s->scanned);
}

static uint32_t hypsec_inject_status(const HypsecInjectState *s)
{
    bool sq_left = s->sq_head != s->sq_tail;
    unsigned int ring_busy = count_busy(s, false);
    uint32_t status = 0;

    status |= count_busy(s, true) ? HYPSEC_INJECT_STATUS_BUSY : 0;
    status |= s->done ? HYPSEC_INJECT_STATUS_DONE : 0;
    status |= sq_left || ring_busy ? HYPSEC_INJECT_STATUS_RING_BUSY : 0;
    status |= cq_used(s) ? HYPSEC_INJECT_STATUS_CQ_READY : 0;
    status |= sq_left && !cq_has_space(s) ? HYPSEC_INJECT_STATUS_CQ_STALL : 0;
    status |= s->error ? HYPSEC_INJECT_STATUS_ERROR : 0;
    for (int i = 0; i < s->num_cpus; i++) {
        for (int k = 0; k < HYPSEC_INJECT_SLOTS; k++) {
            if (slot_is_busy(&s->cpu[i].slot[k])) {
                status |= 1U << (HYPSEC_INJECT_STATUS_CPUS_SHIFT + i);
            }
        }
    }
    return status;
}

static bool offset_in(hwaddr offset, hwaddr base, hwaddr size)
{
    return offset >= base && offset - base < size;
}

static HypsecInjectFault *fault_at(HypsecInjectState *s, hwaddr *offset)
{
    hwaddr stride = HYPSEC_INJECT_FAULT(1) - HYPSEC_INJECT_FAULT(0);
    hwaddr from = *offset - HYPSEC_INJECT_FAULT(0);

    if (!offset_in(*offset, HYPSEC_INJECT_FAULT(0),
                   HYPSEC_INJECT_FAULTS * stride)) {
        return NULL;
    }
    *offset = from % stride;
    return &s->fault[from / stride];
}

static uint32_t hypsec_inject_read32(HypsecInjectState *s, hwaddr offset)
{
    HypsecInjectFault *f;

    if (offset_in(offset, HYPSEC_INJECT_DESC, sizeof(s->desc))) {
        return ldl_le_p(s->desc + (offset - HYPSEC_INJECT_DESC));
    }
    if (offset_in(offset, HYPSEC_INJECT_COMP, sizeof(s->comp))) {
        return ldl_le_p(s->comp + (offset - HYPSEC_INJECT_COMP));
    }
    f = fault_at(s, &offset);
    if (f) {
        return hypsec_inject_fault_read(f, offset);
    }
    switch (offset) {
    case HYPSEC_INJECT_ID:
        return HYPSEC_INJECT_ID_VALUE;
    case HYPSEC_INJECT_VERSION:
        return 1;
    case HYPSEC_INJECT_CAPS:
        return s->num_cpus | (HYPSEC_INJECT_FAULTS << 8) |
               hypsec_inject_cpu_caps();
    case HYPSEC_INJECT_CTRL:
        return s->ctrl;
    case HYPSEC_INJECT_STATUS:
        return hypsec_inject_status(s);
    case HYPSEC_INJECT_SQ_HEAD:
        return s->sq_head;
    case HYPSEC_INJECT_SQ_TAIL:
        return s->sq_tail;
    case HYPSEC_INJECT_CQ_HEAD:
        return s->cq_head;
    case HYPSEC_INJECT_CQ_TAIL:
        return s->cq_tail;
    case HYPSEC_INJECT_EVENTS:
        return s->events;
    case HYPSEC_INJECT_EVENTS + 4:
        return s->events >> 32;
    case HYPSEC_INJECT_REFUSALS:
        return s->refusals;
    case HYPSEC_INJECT_REFUSALS + 4:
        return s->refusals >> 32;
    default:
        return 0;
    }
}

static void bad_write(HypsecInjectState *s, hwaddr offset, uint32_t value)
{
    qemu_log_mask(LOG_GUEST_ERROR, "%s: refused 0x%" PRIx32 " at 0x%"
                  HWADDR_PRIx "\n", TYPE_HYPSEC_INJECT, value, offset);
    s->error = true;
}

static void write_ctrl(HypsecInjectState *s, uint32_t value)
{
    if (value & HYPSEC_INJECT_CTRL_RESET) {
        hypsec_inject_reset_state(s);
    } else {
        s->ctrl = value & (HYPSEC_INJECT_CTRL_IE_SINGLE |
                           HYPSEC_INJECT_CTRL_IE_RING |
                           HYPSEC_INJECT_CTRL_PAUSE);
        s->ring_changed = true;
        hypsec_inject_run_ring(s);
    }
    hypsec_inject_update_irq(s);
}

static void write_status(HypsecInjectState *s, uint32_t value)
{
    if (value & HYPSEC_INJECT_STATUS_DONE) {
        s->done = false;
    }
    if (value & HYPSEC_INJECT_STATUS_ERROR) {
        s->error = false;
    }
    hypsec_inject_update_irq(s);
}

static void write_doorbell(HypsecInjectState *s, uint32_t value)
{
    if (value == HYPSEC_INJECT_DOORBELL_ABORT) {
        hypsec_inject_abort(s);
    } else if (value != HYPSEC_INJECT_DOORBELL_FIRE ||
               !hypsec_inject_fire(s, s->desc)) {
        bad_write(s, HYPSEC_INJECT_DOORBELL, value);
    }
}

/* A queue's index; one that is out of range stays as it was. */
static void write_index(HypsecInjectState *s, hwaddr offset, uint32_t *index,
                        uint32_t entries, uint32_t value)
{
    if (value >= entries) {
        bad_write(s, offset, value);
        return;
    }
    *index = value;
    s->ring_changed = true;
    hypsec_inject_run_ring(s);
    hypsec_inject_update_irq(s);
}

static void hypsec_inject_write32(HypsecInjectState *s, hwaddr offset,
                                  uint32_t value)
{
    hwaddr in_range = offset;
    HypsecInjectFault *f = fault_at(s, &in_range);

    if (f) {
        if (!hypsec_inject_fault_write(f, in_range, value)) {
            bad_write(s, offset, value);
        }
        return;
    }
    if (offset_in(offset, HYPSEC_INJECT_DESC, sizeof(s->desc))) {
        stl_le_p(s->desc + (offset - HYPSEC_INJECT_DESC), value);
        return;
    }
    switch (offset) {
    case HYPSEC_INJECT_CTRL:
        write_ctrl(s, value);
        break;
    case HYPSEC_INJECT_STATUS:
        write_status(s, value);
        break;
    case HYPSEC_INJECT_DOORBELL:
        write_doorbell(s, value);
        break;
    case HYPSEC_INJECT_SQ_TAIL:
        if (value < HYPSEC_INJECT_SQ_ENTRIES && !taken_fits(s, value)) {
            bad_write(s, offset, value);
            break;
        }
        write_index(s, offset, &s->sq_tail, HYPSEC_INJECT_SQ_ENTRIES, value);
        break;
    case HYPSEC_INJECT_CQ_HEAD:
        if (value < HYPSEC_INJECT_CQ_ENTRIES &&
            (value - s->cq_head) % HYPSEC_INJECT_CQ_ENTRIES > cq_used(s)) {
            bad_write(s, offset, value);
            break;
        }
        write_index(s, offset, &s->cq_head, HYPSEC_INJECT_CQ_ENTRIES, value);
        break;
    default:
        qemu_log_mask(LOG_GUEST_ERROR, "%s: write to 0x%" HWADDR_PRIx "\n",
                      TYPE_HYPSEC_INJECT, offset);
    }
}

static uint64_t hypsec_inject_read(void *opaque, hwaddr offset,
                                   unsigned int size)
{
    HypsecInjectState *s = opaque;
    uint64_t value;

    drop_unchecked(s);
    value = hypsec_inject_read32(s, offset);
    if (size == 8) {
        value |= (uint64_t)hypsec_inject_read32(s, offset + 4) << 32;
    }
    trace_hypsec_inject_read(offset, value, size);
    return value;
}

static void hypsec_inject_write(void *opaque, hwaddr offset, uint64_t value,
                                unsigned int size)
{
    HypsecInjectState *s = opaque;

    trace_hypsec_inject_write(offset, value, size);
    drop_unchecked(s);
    hypsec_inject_write32(s, offset, value);
    if (size == 8) {
        hypsec_inject_write32(s, offset + 4, value >> 32);
    }
}

static const MemoryRegionOps hypsec_inject_ops = {
    .read = hypsec_inject_read,
    .write = hypsec_inject_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 4, .max_access_size = 8 },
    .impl = { .min_access_size = 4, .max_access_size = 8 },
};

/* Looks after events that may never return by themselves. */
static void watch_cb(void *opaque)
{
    HypsecInjectState *s = opaque;
    bool any = false;

    for (int i = 0; i < s->num_cpus; i++) {
        HypsecInjectCpu *c = &s->cpu[i];

        if (slot_is_busy(&c->slot[HYPSEC_INJECT_LOWER]) ||
            slot_is_busy(&c->slot[HYPSEC_INJECT_EL2])) {
            hypsec_inject_cpu_kick(c);
            any = true;
        }
    }
    if (any) {
        hypsec_inject_watch(s);
    }
}

static void delay_cb(void *opaque)
{
    hypsec_inject_cpu_kick(opaque);
}

static void hypsec_inject_run_state(void *opaque, bool running, RunState state)
{
    HypsecInjectState *s = opaque;

    drop_unchecked(s);
    if (running) {
        /* After a snapshot was loaded, no work item and no timer is left. */
        timer_del(s->watch);
        watch_cb(s);
        hypsec_inject_run_ring(s);
    } else if (state == RUN_STATE_GUEST_PANICKED) {
        for (int i = 0; i < s->num_cpus; i++) {
            hypsec_inject_cpu_panicked(&s->cpu[i]);
        }
        hypsec_inject_run_ring(s);
    }
}

static void hypsec_inject_machine_done(Notifier *n, void *opaque)
{
    HypsecInjectState *s = container_of(n, HypsecInjectState, machine_done);

    hypsec_inject_cpu_install(s);
}

/* What was found out about entries of the queue is found out again. */
static void forget_scan(HypsecInjectState *s)
{
    for (int i = 0; i < s->num_cpus; i++) {
        memset(s->cpu[i].blocked, 0, sizeof(s->cpu[i].blocked));
    }
    s->scanned = 0;
    s->ring_changed = true;
}

static void hypsec_inject_reset_state(HypsecInjectState *s)
{
    s->unchecked = false;
    s->ctrl = 0;
    s->done = s->error = false;
    s->sq_head = s->sq_tail = s->cq_head = s->cq_tail = 0;
    s->sq_taken = 0;
    s->events = s->refusals = 0;
    memset(s->desc, 0, sizeof(s->desc));
    memset(s->comp, 0, sizeof(s->comp));
    memset(s->last, 0, sizeof(s->last));
    for (int i = 0; i < s->num_cpus; i++) {
        memset(s->cpu[i].slot, 0, sizeof(s->cpu[i].slot));
        timer_del(s->cpu[i].delay);
    }
    forget_scan(s);
    for (int i = 0; i < HYPSEC_INJECT_FAULTS; i++) {
        hypsec_inject_fault_reset(&s->fault[i]);
    }
    if (s->watch) {
        timer_del(s->watch);
    }
}

static void hypsec_inject_reset_enter(Object *obj, ResetType type)
{
    hypsec_inject_reset_state(HYPSEC_INJECT(obj));
}

static void hypsec_inject_reset_hold(Object *obj, ResetType type)
{
    hypsec_inject_update_irq(HYPSEC_INJECT(obj));
}

static bool slot_loaded(HypsecInjectState *s, HypsecInjectCpu *c, int k)
{
    HypsecInjectSlot *slot = &c->slot[k];

    if (slot->state >= HYPSEC_INJECT_NUM_STATES) {
        return false;
    }
    hypsec_inject_desc_read(&slot->d, slot->raw);
    if (slot->state == HYPSEC_INJECT_IDLE) {
        return true;
    }
    if (slot->restore && !hypsec_inject_cpu_pstate_ok(c, slot->saved.pstate)) {
        return false;
    }
    return !check_desc(s, &slot->d) && slot == slot_of(s, &slot->d) &&
           slot->d.cpu == c - s->cpu &&
           slot->el <= (k == HYPSEC_INJECT_EL2 ? 2 : 1) &&
           (slot->sq_index < HYPSEC_INJECT_SQ_ENTRIES ||
            slot->sq_index == HYPSEC_INJECT_NO_INDEX);
}

/*
 * A snapshot that ends in the middle of our state does not come to post_load,
 * and a machine whose snapshot did not load can be continued all the same.
 */
static int hypsec_inject_pre_load(void *opaque)
{
    HypsecInjectState *s = opaque;

    s->unchecked = true;
    return 0;
}

static bool state_loaded(HypsecInjectState *s)
{
    if (s->sq_head >= HYPSEC_INJECT_SQ_ENTRIES ||
        s->sq_tail >= HYPSEC_INJECT_SQ_ENTRIES ||
        s->cq_head >= HYPSEC_INJECT_CQ_ENTRIES ||
        s->cq_tail >= HYPSEC_INJECT_CQ_ENTRIES ||
        !taken_fits(s, s->sq_tail)) {
        return false;
    }
    s->ctrl &= HYPSEC_INJECT_CTRL_IE_SINGLE | HYPSEC_INJECT_CTRL_IE_RING |
               HYPSEC_INJECT_CTRL_PAUSE;
    for (int i = 0; i < s->num_cpus; i++) {
        for (int k = 0; k < HYPSEC_INJECT_SLOTS; k++) {
            if (!slot_loaded(s, &s->cpu[i], k)) {
                return false;
            }
        }
    }
    if (count_busy(s, true) > 1 ||
        cq_used(s) + count_busy(s, false) >= HYPSEC_INJECT_CQ_ENTRIES) {
        return false;
    }
    forget_scan(s);
    for (int i = 0; i < HYPSEC_INJECT_FAULTS; i++) {
        if (!hypsec_inject_fault_loaded(&s->fault[i])) {
            return false;
        }
    }
    return true;
}

static int hypsec_inject_post_load(void *opaque, int version_id)
{
    HypsecInjectState *s = opaque;

    if (!state_loaded(s)) {
        hypsec_inject_reset_state(s);
        return -EINVAL;
    }
    s->unchecked = false;
    return 0;
}

static const VMStateDescription vmstate_saved = {
    .name = TYPE_HYPSEC_INJECT "/saved",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64_ARRAY(x, HypsecInjectSaved, 31),
        VMSTATE_UINT64(pc, HypsecInjectSaved),
        VMSTATE_UINT64(pstate, HypsecInjectSaved),
        VMSTATE_UINT64(sp_el0, HypsecInjectSaved),
        VMSTATE_UINT64(sp_el1, HypsecInjectSaved),
        VMSTATE_UINT64(esr_el1, HypsecInjectSaved),
        VMSTATE_UINT64(far_el1, HypsecInjectSaved),
        VMSTATE_UINT64(elr_el1, HypsecInjectSaved),
        VMSTATE_UINT64(spsr_el1, HypsecInjectSaved),
        VMSTATE_UINT64(hcr_virtual, HypsecInjectSaved),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_slot = {
    .name = TYPE_HYPSEC_INJECT "/slot",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(state, HypsecInjectSlot),
        VMSTATE_UINT32(sq_index, HypsecInjectSlot),
        VMSTATE_UINT32(flags, HypsecInjectSlot),
        VMSTATE_UINT32(el, HypsecInjectSlot),
        VMSTATE_BUFFER(raw, HypsecInjectSlot),
        VMSTATE_STRUCT(saved, HypsecInjectSlot, 1, vmstate_saved,
                       HypsecInjectSaved),
        VMSTATE_UINT64(event_pc, HypsecInjectSlot),
        VMSTATE_UINT64(vttbr, HypsecInjectSlot),
        VMSTATE_UINT64(count, HypsecInjectSlot),
        VMSTATE_UINT64(insns, HypsecInjectSlot),
        VMSTATE_UINT64(insns_last, HypsecInjectSlot),
        VMSTATE_UINT64(ns, HypsecInjectSlot),
        VMSTATE_INT64(entered_ns, HypsecInjectSlot),
        VMSTATE_INT64(deadline_ns, HypsecInjectSlot),
        VMSTATE_INT64(due_ns, HypsecInjectSlot),
        VMSTATE_BOOL(restore, HypsecInjectSlot),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_cpu = {
    .name = TYPE_HYPSEC_INJECT "/cpu",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_STRUCT_ARRAY(slot, HypsecInjectCpu, HYPSEC_INJECT_SLOTS, 1,
                             vmstate_slot, HypsecInjectSlot),
        VMSTATE_TIMER_PTR(delay, HypsecInjectCpu),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_fault = {
    .name = TYPE_HYPSEC_INJECT "/fault",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64(base, HypsecInjectFault),
        VMSTATE_UINT64(size, HypsecInjectFault),
        VMSTATE_UINT64(nth, HypsecInjectFault),
        VMSTATE_UINT64(count, HypsecInjectFault),
        VMSTATE_UINT64(seen, HypsecInjectFault),
        VMSTATE_UINT64(failed, HypsecInjectFault),
        VMSTATE_UINT32(ctrl, HypsecInjectFault),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_hypsec_inject = {
    .name = TYPE_HYPSEC_INJECT,
    .version_id = 1,
    .minimum_version_id = 1,
    .pre_load = hypsec_inject_pre_load,
    .post_load = hypsec_inject_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32_EQUAL(num_cpus, HypsecInjectState, NULL),
        VMSTATE_UINT32(ctrl, HypsecInjectState),
        VMSTATE_BOOL(done, HypsecInjectState),
        VMSTATE_BOOL(error, HypsecInjectState),
        VMSTATE_UINT32(sq_head, HypsecInjectState),
        VMSTATE_UINT32(sq_tail, HypsecInjectState),
        VMSTATE_UINT64(sq_taken, HypsecInjectState),
        VMSTATE_UINT32(cq_head, HypsecInjectState),
        VMSTATE_UINT32(cq_tail, HypsecInjectState),
        VMSTATE_UINT64(events, HypsecInjectState),
        VMSTATE_UINT64(refusals, HypsecInjectState),
        VMSTATE_BUFFER(desc, HypsecInjectState),
        VMSTATE_BUFFER(comp, HypsecInjectState),
        VMSTATE_BUFFER(last, HypsecInjectState),
        VMSTATE_STRUCT_VARRAY_UINT32(cpu, HypsecInjectState, num_cpus, 1,
                                     vmstate_cpu, HypsecInjectCpu),
        VMSTATE_STRUCT_ARRAY(fault, HypsecInjectState, HYPSEC_INJECT_FAULTS, 1,
                             vmstate_fault, HypsecInjectFault),
        VMSTATE_END_OF_LIST()
    }
};

static void hypsec_inject_realize(DeviceState *dev, Error **errp)
{
    HypsecInjectState *s = HYPSEC_INJECT(dev);

    if (!hypsec_inject_cpu_init(s)) {
        error_setg(errp, "%s needs 1 to %d Arm CPUs with EL2",
                   TYPE_HYPSEC_INJECT, HYPSEC_INJECT_MAX_CPUS);
        return;
    }
    if (!memory_region_init_ram(&s->sq, OBJECT(s), "hypsec-inject.sq",
                                HYPSEC_INJECT_SQ_ENTRIES *
                                HYPSEC_INJECT_RECORD_BYTES, errp) ||
        !memory_region_init_ram(&s->cq, OBJECT(s), "hypsec-inject.cq",
                                HYPSEC_INJECT_CQ_ENTRIES *
                                HYPSEC_INJECT_RECORD_BYTES, errp)) {
        return;
    }
    memory_region_add_subregion(&s->container, HYPSEC_INJECT_SQ, &s->sq);
    memory_region_add_subregion(&s->container, HYPSEC_INJECT_CQ, &s->cq);
    for (int i = 0; i < HYPSEC_INJECT_FAULTS; i++) {
        hypsec_inject_fault_init(&s->fault[i]);
    }
    s->watch = timer_new_ns(QEMU_CLOCK_VIRTUAL, watch_cb, s);
    for (int i = 0; i < s->num_cpus; i++) {
        s->cpu[i].delay = timer_new_ns(QEMU_CLOCK_VIRTUAL, delay_cb,
                                       &s->cpu[i]);
    }
    s->machine_done.notify = hypsec_inject_machine_done;
    qemu_add_machine_init_done_notifier(&s->machine_done);
    s->run_state = qemu_add_vm_change_state_handler(hypsec_inject_run_state,
                                                    s);
}

static void hypsec_inject_instance_init(Object *obj)
{
    HypsecInjectState *s = HYPSEC_INJECT(obj);

    memory_region_init(&s->container, obj, TYPE_HYPSEC_INJECT,
                       HYPSEC_INJECT_SIZE);
    memory_region_init_io(&s->regs, obj, &hypsec_inject_ops, s,
                          "hypsec-inject.regs", HYPSEC_INJECT_SQ);
    memory_region_add_subregion(&s->container, 0, &s->regs);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->container);
    sysbus_init_irq(SYS_BUS_DEVICE(obj), &s->irq);
    for (int i = 0; i < HYPSEC_INJECT_FAULTS; i++) {
        s->fault[i].inject = s;
    }
}

static void hypsec_inject_class_init(ObjectClass *oc, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);
    ResettableClass *rc = RESETTABLE_CLASS(oc);

    dc->desc = "Makes CPUs take exceptions and records what EL2 did";
    dc->realize = hypsec_inject_realize;
    dc->vmsd = &vmstate_hypsec_inject;
    /* A part of the board: its hooks cannot be taken back. */
    dc->user_creatable = false;
    set_bit(DEVICE_CATEGORY_MISC, dc->categories);
    rc->phases.enter = hypsec_inject_reset_enter;
    rc->phases.hold = hypsec_inject_reset_hold;
    hypsec_inject_add_text_properties(oc);
}

static const TypeInfo hypsec_inject_types[] = {
    {
        .name = TYPE_HYPSEC_INJECT,
        .parent = TYPE_SYS_BUS_DEVICE,
        .instance_size = sizeof(HypsecInjectState),
        .instance_init = hypsec_inject_instance_init,
        .class_init = hypsec_inject_class_init,
    },
};

DEFINE_TYPES(hypsec_inject_types)
