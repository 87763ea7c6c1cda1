/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hypsec-dma: registers, descriptors, transfers.
 *
 * Software on the board is hostile: what a channel fetches is copied once and
 * checked before anything is done with it; one event does a bounded amount of
 * work; and nothing that a channel reads or writes comes back here, or stops
 * the clock that its events are on.
 */
#include "qemu/osdep.h"
#include "qemu/bitops.h"
#include "qemu/log.h"
#include "qemu/module.h"
#include "exec/address-spaces.h"
#include "exec/memop.h"
#include "hw/irq.h"
#include "hw/qdev-properties.h"
#include "hw/resettable.h"
#include "migration/vmstate.h"
#include "hypsec-dma.h"
#include "trace.h"

#define DESC_BYTES sizeof(struct hypsec_dma_desc)

#define CTRL_KEPT (HYPSEC_DMA_CTRL_IRQ | HYPSEC_DMA_CTRL_LOOP)
#define CTRL_ALL (HYPSEC_DMA_CTRL_START | HYPSEC_DMA_CTRL_STOP | \
                  HYPSEC_DMA_CTRL_RESET | CTRL_KEPT)
#define STATUS_W1C (HYPSEC_DMA_STATUS_DONE | HYPSEC_DMA_STATUS_ERROR)
#define STATUS_ALL (HYPSEC_DMA_STATUS_BUSY | STATUS_W1C)
#define COUNT_MAX 65535

static void hypsec_dma_update_irq(HypsecDmaState *s)
{
    bool level = false;

    for (int i = 0; i < HYPSEC_DMA_CHANNELS; i++) {
        HypsecDmaChannel *c = &s->channel[i];

        level |= (c->ctrl & HYPSEC_DMA_CTRL_IRQ) && (c->status & STATUS_W1C);
    }
    trace_hypsec_dma_irq(level);
    qemu_set_irq(s->irq, level);
}

static uint64_t desc_addr(const HypsecDmaChannel *c)
{
    return c->desc + c->at * DESC_BYTES;
}

/* @bytes from @addr on, in units of 8, without going round. */
static bool range_ok(uint64_t addr, uint64_t bytes)
{
    return !(addr % 8) && bytes <= -addr - !addr;
}

static bool list_ok(const HypsecDmaChannel *c)
{
    return c->count && c->count <= COUNT_MAX &&
           range_ok(c->desc, c->count * DESC_BYTES);
}

static bool move_ok(const HypsecDmaChannel *c)
{
    bool reads = c->op != HYPSEC_DMA_OP_WRITE;
    bool writes = c->op != HYPSEC_DMA_OP_READ;

    return c->op >= HYPSEC_DMA_OP_READ && c->op <= HYPSEC_DMA_OP_COPY &&
           c->length && !(c->length % 8) &&
           c->length <= HYPSEC_DMA_MAX_BYTES &&
           (!reads || range_ok(c->src, c->length)) &&
           (!writes || range_ok(c->dst, c->length));
}

/* What holds between events; a snapshot may say otherwise. */
static bool channel_ok(const HypsecDmaChannel *c)
{
    bool busy = c->status & HYPSEC_DMA_STATUS_BUSY;

    if (c->phase >= HYPSEC_DMA_NUM_PHASES ||
        busy != (c->phase != HYPSEC_DMA_IDLE) ||
        c->ctrl & ~CTRL_KEPT || c->status & ~STATUS_ALL ||
        c->error > HYPSEC_DMA_ERROR_STATUS || c->count > COUNT_MAX ||
        c->at > COUNT_MAX) {
        return false;
    }
    if (!busy) {
        return true;
    }
    return list_ok(c) && c->at < c->count &&
           (c->phase != HYPSEC_DMA_MOVE ||
            (move_ok(c) && c->moved < c->length && !(c->moved % 8)));
}

static void channel_reset(HypsecDmaChannel *c)
{
    timer_del(&c->timer);
    c->ctrl = c->status = c->error = 0;
    c->count = c->at = c->completed = 0;
    c->desc = c->fault = 0;
    c->phase = HYPSEC_DMA_IDLE;
    c->stop = false;
    c->op = 0;
    c->src = c->dst = c->length = c->value = c->moved = 0;
}

static void channel_schedule(HypsecDmaChannel *c)
{
    timer_mod(&c->timer, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) +
                         HYPSEC_DMA_EVENT_NS);
}

/* Ends what the channel does; @status is what it ends with. */
static void channel_end(HypsecDmaChannel *c, uint32_t status)
{
    c->phase = HYPSEC_DMA_IDLE;
    c->stop = false;
    c->status &= ~HYPSEC_DMA_STATUS_BUSY;
    c->status |= status;
    trace_hypsec_dma_end(c->index, c->status, c->completed);
    hypsec_dma_update_irq(c->dma);
}

static void channel_fail(HypsecDmaChannel *c, uint32_t error, uint64_t addr)
{
    trace_hypsec_dma_error(c->index, error, addr);
    c->error = error;
    c->fault = addr;
    channel_end(c, HYPSEC_DMA_STATUS_ERROR);
}

static bool channel_read(HypsecDmaChannel *c, uint64_t addr, uint64_t *value)
{
    MemTxResult result;

    *value = address_space_ldq_le(&c->as, addr, MEMTXATTRS_UNSPECIFIED,
                                  &result);
    return result == MEMTX_OK;
}

static bool channel_write(HypsecDmaChannel *c, uint64_t addr, uint64_t value)
{
    MemTxResult result;

    address_space_stq_le(&c->as, addr, value, MEMTXATTRS_UNSPECIFIED,
                         &result);
    return result == MEMTX_OK;
}

/*
 * Writes the outcome into the descriptor, its status last. Returns 0, or the
 * address that could not be written (no descriptor has status at 0).
 */
static uint64_t write_back(HypsecDmaChannel *c, uint32_t error, uint64_t fault)
{
    uint64_t base = desc_addr(c);
    uint64_t addr = base + offsetof(struct hypsec_dma_desc, value);
    MemTxResult result;

    if (c->op == HYPSEC_DMA_OP_READ && !error &&
        !channel_write(c, addr, c->value)) {
        return addr;
    }
    addr = base + offsetof(struct hypsec_dma_desc, fault);
    if (!channel_write(c, addr, fault)) {
        return addr;
    }
    addr = base + offsetof(struct hypsec_dma_desc, status);
    address_space_stl_le(&c->as, addr, HYPSEC_DMA_DESC_DONE | error,
                         MEMTXATTRS_UNSPECIFIED, &result);
    return result == MEMTX_OK ? 0 : addr;
}

/* The descriptor is done, with @error at @fault or without one. */
static void desc_end(HypsecDmaChannel *c, uint32_t error, uint64_t fault)
{
    uint64_t unwritten = write_back(c, error, fault);

    trace_hypsec_dma_desc(c->index, c->at, c->op, c->src, c->dst, c->length,
                          error);
    if (error) {
        channel_fail(c, error, fault);
    } else if (unwritten) {
        channel_fail(c, HYPSEC_DMA_ERROR_STATUS, unwritten);
    } else {
        c->completed++;
        if (c->at + 1 < c->count) {
            c->at++;
        } else if (c->ctrl & HYPSEC_DMA_CTRL_LOOP) {
            c->at = 0;
        } else {
            channel_end(c, HYPSEC_DMA_STATUS_DONE);
            return;
        }
        c->phase = HYPSEC_DMA_FETCH;
    }
}

static void fetch(HypsecDmaChannel *c)
{
    uint64_t word[DESC_BYTES / 8];

    for (int i = 0; i < ARRAY_SIZE(word); i++) {
        if (!channel_read(c, desc_addr(c) + i * 8, &word[i])) {
            channel_fail(c, HYPSEC_DMA_ERROR_FETCH, desc_addr(c) + i * 8);
            return;
        }
    }
    c->op = word[0];
    c->src = word[1];
    c->dst = word[2];
    c->length = word[3];
    c->value = c->op == HYPSEC_DMA_OP_READ ? 0 : word[4];
    c->moved = 0;
    if (move_ok(c)) {
        c->phase = HYPSEC_DMA_MOVE;
    } else {
        desc_end(c, HYPSEC_DMA_ERROR_INVALID, desc_addr(c));
    }
}

/* The next 8 bytes; an access that fails is the last one. */
static bool move_word(HypsecDmaChannel *c)
{
    uint64_t src = c->src + c->moved;
    uint64_t dst = c->dst + c->moved;
    uint64_t word = c->value;

    if (c->op != HYPSEC_DMA_OP_WRITE && !channel_read(c, src, &word)) {
        desc_end(c, HYPSEC_DMA_ERROR_READ, src);
        return false;
    }
    if (c->op == HYPSEC_DMA_OP_READ) {
        c->value ^= word;
    } else if (!channel_write(c, dst, word)) {
        desc_end(c, HYPSEC_DMA_ERROR_WRITE, dst);
        return false;
    }
    c->moved += 8;
    return true;
}

static void burst(HypsecDmaChannel *c)
{
    uint64_t end = MIN(c->length, c->moved + HYPSEC_DMA_BURST_BYTES);

    trace_hypsec_dma_burst(c->index, c->op, c->moved, end - c->moved);
    while (c->moved < end) {
        if (!move_word(c)) {
            return;
        }
    }
    if (c->moved == c->length) {
        desc_end(c, HYPSEC_DMA_ERROR_NONE, 0);
    }
}

static void hypsec_dma_event(void *opaque)
{
    HypsecDmaChannel *c = opaque;

    if (!channel_ok(c)) {
        /* Left by a snapshot that did not load. */
        channel_reset(c);
        hypsec_dma_update_irq(c->dma);
        return;
    }
    if (c->phase == HYPSEC_DMA_IDLE) {
        return;
    }
    if (c->stop) {
        channel_end(c, 0);
        return;
    }
    c->dma->in_event = true;
    if (c->phase == HYPSEC_DMA_FETCH) {
        fetch(c);
    } else {
        burst(c);
    }
    c->dma->in_event = false;
    if (c->phase != HYPSEC_DMA_IDLE) {
        channel_schedule(c);
    }
}

static void channel_start(HypsecDmaChannel *c)
{
    if (c->status & HYPSEC_DMA_STATUS_BUSY) {
        return;
    }
    c->status = 0;
    c->error = HYPSEC_DMA_ERROR_NONE;
    c->fault = 0;
    c->at = c->completed = 0;
    trace_hypsec_dma_start(c->index, c->desc, c->count);
    if (!list_ok(c)) {
        channel_fail(c, HYPSEC_DMA_ERROR_INVALID, c->desc);
        return;
    }
    c->status = HYPSEC_DMA_STATUS_BUSY;
    c->phase = HYPSEC_DMA_FETCH;
    channel_schedule(c);
}

static void bad_access(const HypsecDmaChannel *c, const char *what,
                       hwaddr offset, unsigned int size)
{
    qemu_log_mask(LOG_GUEST_ERROR, "%s: channel %u: bad %s of %u bytes at 0x%"
                  HWADDR_PRIx "\n", TYPE_HYPSEC_DMA, c->index, what, size,
                  offset);
}

static void write_ctrl(HypsecDmaChannel *c, uint32_t value)
{
    if (value & ~CTRL_ALL) {
        bad_access(c, "bits in a write", HYPSEC_DMA_CTRL, 4);
    }
    if (value & HYPSEC_DMA_CTRL_RESET) {
        channel_reset(c);
    } else {
        c->ctrl = value & CTRL_KEPT;
        if (value & HYPSEC_DMA_CTRL_STOP) {
            c->stop = c->status & HYPSEC_DMA_STATUS_BUSY;
        } else if (value & HYPSEC_DMA_CTRL_START) {
            channel_start(c);
        }
    }
    hypsec_dma_update_irq(c->dma);
}

/* A 64-bit register, or the half of it that @offset is. */
static uint64_t part(uint64_t reg, hwaddr offset, unsigned int size)
{
    return size == 8 ? reg : extract64(reg, offset % 8 * 8, 32);
}

static uint64_t channel_read_reg(HypsecDmaChannel *c, hwaddr offset,
                                 unsigned int size)
{
    switch (offset & ~7ULL) {
    case HYPSEC_DMA_DESC:
        return part(c->desc, offset, size);
    case HYPSEC_DMA_FAULT:
        return part(c->fault, offset, size);
    }
    if (size == 4) {
        switch (offset) {
        case HYPSEC_DMA_ID:
            return HYPSEC_DMA_ID_VALUE;
        case HYPSEC_DMA_CTRL:
            return c->ctrl;
        case HYPSEC_DMA_STATUS:
            return c->status;
        case HYPSEC_DMA_ERROR:
            return c->error;
        case HYPSEC_DMA_COUNT:
            return c->count;
        case HYPSEC_DMA_INDEX:
            return c->at;
        case HYPSEC_DMA_DONE:
            return c->completed;
        case HYPSEC_DMA_STREAM:
            return HYPSEC_DMA_STREAM_BASE + c->index;
        }
    }
    bad_access(c, "read", offset, size);
    return 0;
}

static void channel_write_reg(HypsecDmaChannel *c, hwaddr offset,
                              uint64_t value, unsigned int size)
{
    bool busy = c->status & HYPSEC_DMA_STATUS_BUSY;

    if ((offset & ~7ULL) == HYPSEC_DMA_DESC && !busy) {
        c->desc = size == 8 ? value :
                  deposit64(c->desc, offset % 8 * 8, 32, value);
        return;
    }
    if (size == 4) {
        switch (offset) {
        case HYPSEC_DMA_CTRL:
            write_ctrl(c, value);
            return;
        case HYPSEC_DMA_STATUS:
            c->status &= ~(value & STATUS_W1C);
            hypsec_dma_update_irq(c->dma);
            return;
        case HYPSEC_DMA_COUNT:
            if (!busy && value <= COUNT_MAX) {
                c->count = value;
                return;
            }
        }
    }
    bad_access(c, "write", offset, size);
}

static HypsecDmaChannel *channel_at(HypsecDmaState *s, hwaddr *offset)
{
    HypsecDmaChannel *c = &s->channel[*offset / HYPSEC_DMA_CHANNEL_BYTES];

    *offset %= HYPSEC_DMA_CHANNEL_BYTES;
    return c;
}

static MemTxResult hypsec_dma_read(void *opaque, hwaddr offset,
                                   uint64_t *data, unsigned int size,
                                   MemTxAttrs attrs)
{
    HypsecDmaState *s = opaque;
    HypsecDmaChannel *c = channel_at(s, &offset);

    /* A channel does not read channels. */
    if (s->in_event) {
        bad_access(c, "read by a channel", offset, size);
        return MEMTX_ACCESS_ERROR;
    }
    *data = channel_read_reg(c, offset, size);
    trace_hypsec_dma_read(c->index, offset, *data, size);
    return MEMTX_OK;
}

static MemTxResult hypsec_dma_write(void *opaque, hwaddr offset,
                                    uint64_t data, unsigned int size,
                                    MemTxAttrs attrs)
{
    HypsecDmaState *s = opaque;
    HypsecDmaChannel *c = channel_at(s, &offset);

    if (s->in_event) {
        bad_access(c, "write by a channel", offset, size);
        return MEMTX_ACCESS_ERROR;
    }
    trace_hypsec_dma_write(c->index, offset, data, size);
    channel_write_reg(c, offset, data, size);
    return MEMTX_OK;
}

static const MemoryRegionOps hypsec_dma_ops = {
    .read_with_attrs = hypsec_dma_read,
    .write_with_attrs = hypsec_dma_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 4, .max_access_size = 8 },
    .impl = { .min_access_size = 4, .max_access_size = 8 },
};

static MemTxResult screen_read(void *opaque, hwaddr offset, uint64_t *data,
                               unsigned int size, MemTxAttrs attrs)
{
    HypsecDmaState *s = opaque;

    return s->in_event ? MEMTX_ACCESS_ERROR :
           memory_region_dispatch_read(s->behind, offset, data,
                                       size_memop(size) | MO_LE, attrs);
}

static MemTxResult screen_write(void *opaque, hwaddr offset, uint64_t data,
                                unsigned int size, MemTxAttrs attrs)
{
    HypsecDmaState *s = opaque;

    return s->in_event ? MEMTX_ACCESS_ERROR :
           memory_region_dispatch_write(s->behind, offset, data,
                                        size_memop(size) | MO_LE, attrs);
}

static const MemoryRegionOps screen_ops = {
    .read_with_attrs = screen_read,
    .write_with_attrs = screen_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 1, .max_access_size = 4 },
    .impl = { .min_access_size = 1, .max_access_size = 4 },
};

MemoryRegion *hypsec_dma_screen(HypsecDmaState *s, MemoryRegion *behind)
{
    s->behind = behind;
    memory_region_init_io(&s->screen, OBJECT(s), &screen_ops, s,
                          TYPE_HYPSEC_DMA "-screen",
                          memory_region_size(behind));
    return &s->screen;
}

static void hypsec_dma_reset_enter(Object *obj, ResetType type)
{
    HypsecDmaState *s = HYPSEC_DMA(obj);

    for (int i = 0; i < HYPSEC_DMA_CHANNELS; i++) {
        channel_reset(&s->channel[i]);
    }
}

static void hypsec_dma_reset_hold(Object *obj, ResetType type)
{
    hypsec_dma_update_irq(HYPSEC_DMA(obj));
}

/* A channel that is busy comes with its timer, and only such a one. */
static int hypsec_dma_post_load(void *opaque, int version_id)
{
    HypsecDmaState *s = opaque;

    for (int i = 0; i < HYPSEC_DMA_CHANNELS; i++) {
        HypsecDmaChannel *c = &s->channel[i];

        if (!channel_ok(c) ||
            timer_pending(&c->timer) != (c->phase != HYPSEC_DMA_IDLE)) {
            hypsec_dma_reset_enter(OBJECT(s), RESET_TYPE_COLD);
            return -EINVAL;
        }
    }
    return 0;
}

static const VMStateDescription vmstate_channel = {
    .name = TYPE_HYPSEC_DMA "/channel",
    .version_id = 1,
    .minimum_version_id = 1,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32(ctrl, HypsecDmaChannel),
        VMSTATE_UINT32(status, HypsecDmaChannel),
        VMSTATE_UINT32(error, HypsecDmaChannel),
        VMSTATE_UINT32(count, HypsecDmaChannel),
        VMSTATE_UINT32(at, HypsecDmaChannel),
        VMSTATE_UINT32(completed, HypsecDmaChannel),
        VMSTATE_UINT64(desc, HypsecDmaChannel),
        VMSTATE_UINT64(fault, HypsecDmaChannel),
        VMSTATE_UINT32(phase, HypsecDmaChannel),
        VMSTATE_BOOL(stop, HypsecDmaChannel),
        VMSTATE_UINT32(op, HypsecDmaChannel),
        VMSTATE_UINT64(src, HypsecDmaChannel),
        VMSTATE_UINT64(dst, HypsecDmaChannel),
        VMSTATE_UINT64(length, HypsecDmaChannel),
        VMSTATE_UINT64(value, HypsecDmaChannel),
        VMSTATE_UINT64(moved, HypsecDmaChannel),
        VMSTATE_TIMER(timer, HypsecDmaChannel),
        VMSTATE_END_OF_LIST()
    }
};

static const VMStateDescription vmstate_hypsec_dma = {
    .name = TYPE_HYPSEC_DMA,
    .version_id = 1,
    .minimum_version_id = 1,
    .post_load = hypsec_dma_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_STRUCT_ARRAY(channel, HypsecDmaState, HYPSEC_DMA_CHANNELS, 1,
                             vmstate_channel, HypsecDmaChannel),
        VMSTATE_END_OF_LIST()
    }
};

static void hypsec_dma_realize(DeviceState *dev, Error **errp)
{
    HypsecDmaState *s = HYPSEC_DMA(dev);

    for (int i = 0; i < HYPSEC_DMA_CHANNELS; i++) {
        HypsecDmaChannel *c = &s->channel[i];
        g_autofree char *name = g_strdup_printf("hypsec-dma-%d", i);

        address_space_init(&c->as, c->mr ?: get_system_memory(), name);
    }
}

static void hypsec_dma_unrealize(DeviceState *dev)
{
    HypsecDmaState *s = HYPSEC_DMA(dev);

    for (int i = 0; i < HYPSEC_DMA_CHANNELS; i++) {
        timer_del(&s->channel[i].timer);
        address_space_destroy(&s->channel[i].as);
    }
}

static void hypsec_dma_instance_init(Object *obj)
{
    HypsecDmaState *s = HYPSEC_DMA(obj);

    for (int i = 0; i < HYPSEC_DMA_CHANNELS; i++) {
        HypsecDmaChannel *c = &s->channel[i];

        c->dma = s;
        c->index = i;
        timer_init_ns(&c->timer, QEMU_CLOCK_VIRTUAL, hypsec_dma_event, c);
    }
    memory_region_init_io(&s->regs, obj, &hypsec_dma_ops, s, TYPE_HYPSEC_DMA,
                          HYPSEC_DMA_CHANNELS * HYPSEC_DMA_CHANNEL_BYTES);
    sysbus_init_mmio(SYS_BUS_DEVICE(obj), &s->regs);
    sysbus_init_irq(SYS_BUS_DEVICE(obj), &s->irq);
}

#define CHANNEL_MR(n) \
    DEFINE_PROP_LINK("channel-mr[" #n "]", HypsecDmaState, channel[n].mr, \
                     TYPE_MEMORY_REGION, MemoryRegion *)

static const Property hypsec_dma_properties[] = {
    CHANNEL_MR(0), CHANNEL_MR(1), CHANNEL_MR(2), CHANNEL_MR(3),
    CHANNEL_MR(4), CHANNEL_MR(5), CHANNEL_MR(6), CHANNEL_MR(7),
};

static void hypsec_dma_class_init(ObjectClass *oc, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(oc);
    ResettableClass *rc = RESETTABLE_CLASS(oc);

    dc->desc = "DMA master for tests of what confines DMA";
    dc->realize = hypsec_dma_realize;
    dc->unrealize = hypsec_dma_unrealize;
    dc->vmsd = &vmstate_hypsec_dma;
    /* A part of the board, which says what its channels see as memory. */
    dc->user_creatable = false;
    set_bit(DEVICE_CATEGORY_MISC, dc->categories);
    device_class_set_props(dc, hypsec_dma_properties);
    rc->phases.enter = hypsec_dma_reset_enter;
    rc->phases.hold = hypsec_dma_reset_hold;
}

static const TypeInfo hypsec_dma_types[] = {
    {
        .name = TYPE_HYPSEC_DMA,
        .parent = TYPE_SYS_BUS_DEVICE,
        .instance_size = sizeof(HypsecDmaState),
        .instance_init = hypsec_dma_instance_init,
        .class_init = hypsec_dma_class_init,
    },
};

DEFINE_TYPES(hypsec_dma_types)
