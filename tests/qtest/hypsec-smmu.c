/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SMMUs and DMA from outside; see hypsec-smmu.h.
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "hypsec/inspect.h"
#include "hypsec-smmu.h"

#define WAIT_SECONDS    60
#define POLL_USEC       50

/* A stage-2 descriptor. */
#define DESC_VALID      1
#define DESC_TABLE      2
#define DESC_READ       (1ULL << 6)
#define DESC_WRITE      (1ULL << 7)
#define DESC_AF         (1ULL << 10)
#define DESC_PA         0xfffffffff000ULL
#define ROOT_ENTRIES    1024
#define TABLE_ENTRIES   512
#define LAST_LEVEL      3

/* GICv2m's page, to which devices of the host write their MSIs. */
#define DOORBELL        UINT64_C(0x08020000)

#define CBAR_VMID       0xffu
#define CBAR_TYPE       (3u << 16)
#define CBA2R_VA64      1u
#define SCR0_FIXED      (SCR0_GFRE | SCR0_USFCFG | SCR0_VMIDPNE | \
                         SCR0_PTM | SCR0_SMCFCFG)

#define INSPECT(field) \
    hypsec_inspect(board, offsetof(struct hypsec_inspect, field))

/* Registers */

uint32_t hypsec_smmu_get(HypsecBoard *board, unsigned int index,
                         uint64_t offset)
{
    return qtest_readl(board->qts, HYPSEC_SMMU(index) + offset);
}

uint64_t hypsec_smmu_get64(HypsecBoard *board, unsigned int index,
                           uint64_t offset)
{
    return qtest_readq(board->qts, HYPSEC_SMMU(index) + offset);
}

uint64_t hypsec_smmu_host_read(HypsecBoard *board, unsigned int index,
                               uint64_t offset)
{
    uint64_t value;

    if (!hypsec_host_load_of(board, 0, HYPSEC_SMMU(index) + offset, 2,
                             &value)) {
        HYPSEC_FAIL(board, "the host may not read SMMU%u + 0x%" PRIx64, index,
                    offset);
    }
    return value;
}

void hypsec_smmu_host_write(HypsecBoard *board, unsigned int index,
                            uint64_t offset, uint64_t value)
{
    if (!hypsec_host_store_of(board, 0, HYPSEC_SMMU(index) + offset, 2,
                              value)) {
        HYPSEC_FAIL(board, "the host may not write SMMU%u + 0x%" PRIx64,
                    index, offset);
    }
}

int hypsec_smmu_stream(HypsecBoard *board, unsigned int index, uint32_t sid)
{
    int found = HYPSEC_STREAM_NONE;

    for (unsigned int n = 0; n < HYPSEC_SMMU_STREAMS; n++) {
        uint32_t smr = hypsec_smmu_get(board, index, SMMU_SMR(n));
        uint32_t s2cr = hypsec_smmu_get(board, index, SMMU_S2CR(n));

        if (!(smr & SMR_VALID) ||
            ((smr ^ sid) & ~(smr >> 16) & 0x7fff)) {
            continue;
        }
        if (found != HYPSEC_STREAM_NONE) {
            HYPSEC_FAIL(board, "SMMU%u: stream 0x%x has two entries", index,
                        sid);
        }
        found = (s2cr & S2CR_TYPE) == S2CR_TRANSLATE ? s2cr & 0xff :
                HYPSEC_STREAM_FAULT;
    }
    return found;
}

static uint64_t root_of(HypsecBoard *board, unsigned int index,
                        unsigned int bank)
{
    return hypsec_smmu_get64(board, index, SMMU_CB(bank) + SMMU_CB_TTBR0);
}

static bool is_on(HypsecBoard *board, unsigned int index, unsigned int bank)
{
    return hypsec_smmu_get(board, index, SMMU_CB(bank) + SMMU_CB_SCTLR) &
           SCTLR_M;
}

uint64_t hypsec_smmu_entry(HypsecBoard *board, unsigned int index,
                           unsigned int bank, uint64_t iova)
{
    g_assert_true(is_on(board, index, bank));
    return hypsec_table_entry(board, root_of(board, index, bank), iova);
}

/* Tables */

typedef void SmmuLeaf(void *opaque, uint64_t iova, uint64_t desc,
                      uint64_t pages);

static void walk(HypsecBoard *board, uint64_t table, unsigned int level,
                 uint64_t iova, GByteArray *bytes, SmmuLeaf *leaf,
                 void *opaque)
{
    size_t entries = level == 1 ? ROOT_ENTRIES : TABLE_ENTRIES;
    unsigned int shift = 12 + 9 * (LAST_LEVEL - level);
    g_autofree uint64_t *desc = g_new(uint64_t, entries);

    if (table < board->carveout || table % (entries * 8)) {
        HYPSEC_FAIL(board, "a table of an SMMU at 0x%" PRIx64, table);
    }
    qtest_bufread(board->qts, table, desc, entries * 8);
    if (bytes) {
        g_byte_array_append(bytes, (guint8 *)desc, entries * 8);
    }
    for (size_t i = 0; i < entries; i++) {
        uint64_t d = le64_to_cpu(desc[i]), to = iova + ((uint64_t)i << shift);

        if (!(d & DESC_VALID)) {
            continue;
        }
        if (level < LAST_LEVEL && (d & DESC_TABLE)) {
            walk(board, d & DESC_PA, level + 1, to, bytes, leaf, opaque);
        } else if (leaf) {
            leaf(opaque, to, d, 1ULL << (shift - 12));
        }
    }
}

/* What must be true */

typedef struct Check {
    HypsecBoard *board;
    HypsecState *state;
    uint64_t shared;
    unsigned int index;
    unsigned int bank;
    unsigned int owner;
    uint64_t found;
} Check;

static bool is_shared_window(const Check *c, uint64_t pa)
{
    return pa - c->shared < HYPSEC_SHARED_SIZE;
}

static void check_page(Check *c, uint64_t iova, uint64_t pa)
{
    HypsecBoard *board = c->board;
    HypsecPage page;

    if (!hypsec_state_page(c->state, pa, &page)) {
        if (c->bank == 0 && pa == DOORBELL && iova == pa) {
            return;
        }
        HYPSEC_FAIL(board, "SMMU%u bank %u maps 0x%" PRIx64
                    ", which is no RAM", c->index, c->bank, pa);
    }
    if (page.owner != c->owner ||
        (c->owner ? page.map * HYPSEC_PAGE : pa) != iova) {
        HYPSEC_FAIL(board, "SMMU%u bank %u of %u maps 0x%" PRIx64 " of %u at "
                    "0x%" PRIx64, c->index, c->bank, c->owner, pa, page.owner,
                    iova);
    }
    if (is_shared_window(c, pa)) {
        HYPSEC_FAIL(board, "SMMU%u bank %u maps 0x%" PRIx64
                    " of the shared window", c->index, c->bank, pa);
    }
    c->found++;
}

static void check_leaf(void *opaque, uint64_t iova, uint64_t desc,
                       uint64_t pages)
{
    Check *c = opaque;
    uint64_t pa = desc & DESC_PA & ~(pages * HYPSEC_PAGE - 1);

    g_assert_cmphex(desc & DESC_AF, !=, 0);
    g_assert_cmphex(desc & (DESC_READ | DESC_WRITE), !=, 0);
    if ((desc ^ pa) & DESC_PA) {
        HYPSEC_FAIL(c->board, "SMMU%u bank %u: descriptor 0x%" PRIx64,
                    c->index, c->bank, desc);
    }
    for (uint64_t i = 0; i < pages; i++) {
        check_page(c, iova + i * HYPSEC_PAGE, pa + i * HYPSEC_PAGE);
    }
}

static uint64_t count_host_pages(const Check *c)
{
    HypsecBoard *board = c->board;
    uint64_t first = INSPECT(page_first_pfn), count = INSPECT(page_count);
    uint64_t found = 0;
    HypsecPage page;

    for (uint64_t pfn = first; pfn < first + count; pfn++) {
        g_assert_true(hypsec_state_page(c->state, pfn * HYPSEC_PAGE, &page));
        found += page.owner == 0 && !is_shared_window(c, pfn * HYPSEC_PAGE);
    }
    return found;
}

static void check_bank(Check *c)
{
    HypsecBoard *board = c->board;
    uint32_t cbar = hypsec_smmu_get(board, c->index, SMMU_CBAR(c->bank));
    uint32_t cba2r = hypsec_smmu_get(board, c->index, SMMU_CBA2R(c->bank));
    uint64_t cb = SMMU_CB(c->bank), root = root_of(board, c->index, c->bank);

    g_assert_cmphex(cbar & CBAR_TYPE, ==, 0);
    g_assert_cmphex(cba2r & CBA2R_VA64, ==, CBA2R_VA64);
    g_assert_cmphex(hypsec_smmu_get(board, c->index, cb + SMMU_CB_TCR), ==,
                    TCR_VALUE);
    g_assert_cmphex(hypsec_smmu_get(board, c->index, cb + SMMU_CB_SCTLR) &
                    ~SCTLR_CFIE, ==, SCTLR_M | SCTLR_CFRE | SCTLR_HUPCF);
    g_assert_cmpuint((cbar & CBAR_VMID) >> 4, ==, c->bank);
    c->owner = cbar & 0xf;
    c->found = 0;
    walk(board, root, 1, 0, NULL, check_leaf, c);
    if (c->bank == 0) {
        g_assert_cmpuint(c->owner, ==, 0);
        g_assert_cmpuint(c->found, ==, count_host_pages(c));
    }
}

/* What no stream selects may be off, and what is off is selected by none. */
static void check_streams(HypsecBoard *board, unsigned int index)
{
    for (unsigned int n = 0; n < HYPSEC_SMMU_STREAMS; n++) {
        uint32_t smr = hypsec_smmu_get(board, index, SMMU_SMR(n));
        uint32_t s2cr = hypsec_smmu_get(board, index, SMMU_S2CR(n));

        if (!(smr & SMR_VALID)) {
            continue;
        }
        if ((s2cr & S2CR_TYPE) == S2CR_TRANSLATE) {
            g_assert_cmpuint(s2cr & 0xff, <, HYPSEC_SMMU_BANKS);
            g_assert_true(is_on(board, index, s2cr & 0xff));
        } else {
            g_assert_cmphex(s2cr & S2CR_TYPE, ==, S2CR_FAULT);
        }
    }
}

void hypsec_check_smmus(HypsecBoard *board)
{
    g_autoptr(HypsecState) state = hypsec_state(board);
    g_autoptr(GHashTable) roots = g_hash_table_new(g_int64_hash,
                                                   g_int64_equal);
    uint64_t root[HYPSEC_SMMUS][HYPSEC_SMMU_BANKS];
    Check c = { board, state, hypsec_shared(board, 0, 0) };

    for (c.index = 0; c.index < HYPSEC_SMMUS; c.index++) {
        uint32_t scr0 = hypsec_smmu_get(board, c.index, SMMU_SCR0);

        g_assert_cmphex(scr0 & ~SCR0_GFIE, ==, SCR0_FIXED);
        g_assert_cmphex(hypsec_smmu_get(board, c.index, SMMU_SCR2), ==, 0);
        check_streams(board, c.index);
        g_assert_true(is_on(board, c.index, 0));
        for (c.bank = 0; c.bank < HYPSEC_SMMU_BANKS; c.bank++) {
            if (!is_on(board, c.index, c.bank)) {
                continue;
            }
            check_bank(&c);
            root[c.index][c.bank] = root_of(board, c.index, c.bank);
            /* One table each, but for the identity banks. */
            if (c.bank) {
                g_assert_true(g_hash_table_add(roots,
                                               &root[c.index][c.bank]));
            } else {
                g_assert_cmphex(root[c.index][0], ==, root[0][0]);
            }
        }
    }
    g_assert_false(g_hash_table_contains(roots, &root[0][0]));
}

/* State */

struct HypsecSmmuState {
    GByteArray *registers;
    GByteArray *tables;
};

/* Those of a bank that are no record of a fault. */
static const uint64_t bank_registers[] = {
    SMMU_CB_SCTLR, SMMU_CB_ACTLR, SMMU_CB_TCR2, SMMU_CB_TTBR0,
    SMMU_CB_TTBR0 + 4, SMMU_CB_TTBR1, SMMU_CB_TTBR1 + 4, SMMU_CB_TCR,
    SMMU_CB_CONTEXTIDR, SMMU_CB_MAIR0, SMMU_CB_MAIR1,
};

static void add_register(GByteArray *registers, HypsecBoard *board,
                         unsigned int index, uint64_t offset)
{
    uint32_t pair[] = { HYPSEC_SMMU(index) + offset,
                        hypsec_smmu_get(board, index, offset) };

    g_byte_array_append(registers, (guint8 *)pair, sizeof(pair));
}

HypsecSmmuState *hypsec_smmu_state(HypsecBoard *board)
{
    HypsecSmmuState *s = g_new(HypsecSmmuState, 1);

    s->registers = g_byte_array_new();
    s->tables = g_byte_array_new();
    for (unsigned int index = 0; index < HYPSEC_SMMUS; index++) {
        add_register(s->registers, board, index, SMMU_SCR0);
        add_register(s->registers, board, index, SMMU_SCR2);
        add_register(s->registers, board, index, SMMU_SACR);
        for (unsigned int n = 0; n < HYPSEC_SMMU_STREAMS; n++) {
            add_register(s->registers, board, index, SMMU_SMR(n));
            add_register(s->registers, board, index, SMMU_S2CR(n));
        }
        for (unsigned int n = 0; n < HYPSEC_SMMU_BANKS; n++) {
            add_register(s->registers, board, index, SMMU_CBAR(n));
            add_register(s->registers, board, index, SMMU_CBA2R(n));
            for (size_t i = 0; i < ARRAY_SIZE(bank_registers); i++) {
                add_register(s->registers, board, index,
                             SMMU_CB(n) + bank_registers[i]);
            }
            if (is_on(board, index, n)) {
                walk(board, root_of(board, index, n), 1, 0, s->tables, NULL,
                     NULL);
            }
        }
    }
    return s;
}

void hypsec_smmu_state_free(HypsecSmmuState *state)
{
    g_byte_array_unref(state->registers);
    g_byte_array_unref(state->tables);
    g_free(state);
}

void hypsec_check_smmu_state(HypsecBoard *board,
                             const HypsecSmmuState *before, const char *file,
                             int line, const char *func)
{
    g_autoptr(HypsecSmmuState) now = hypsec_smmu_state(board);
    const uint32_t *was = (const uint32_t *)before->registers->data;
    const uint32_t *is = (const uint32_t *)now->registers->data;

    for (guint i = 0; i < now->registers->len / 4; i += 2) {
        if (was[i + 1] != is[i + 1]) {
            hypsec_fail(board, file, line, func, "the register at 0x%x was "
                        "0x%x and is 0x%x", is[i], was[i + 1], is[i + 1]);
        }
    }
    if (before->tables->len != now->tables->len ||
        memcmp(before->tables->data, now->tables->data, now->tables->len)) {
        hypsec_fail(board, file, line, func, "a table of an SMMU changed");
    }
}

/* DMA */

static uint32_t dma_get(HypsecBoard *board, unsigned int channel,
                        uint64_t offset)
{
    return qtest_readl(board->qts, HYPSEC_DMA_REGS(channel) + offset);
}

static void dma_set(HypsecBoard *board, unsigned int channel, uint64_t offset,
                    uint32_t value)
{
    qtest_writel(board->qts, HYPSEC_DMA_REGS(channel) + offset, value);
}

void hypsec_dma_reset(HypsecBoard *board, unsigned int channel)
{
    dma_set(board, channel, HYPSEC_DMA_CTRL, HYPSEC_DMA_CTRL_RESET);
}

bool hypsec_dma_is_busy(HypsecBoard *board, unsigned int channel)
{
    return dma_get(board, channel, HYPSEC_DMA_STATUS) &
           HYPSEC_DMA_STATUS_BUSY;
}

static uint64_t desc_pa(unsigned int channel, const HypsecTransfer *t)
{
    return t->desc_pa ?: HYPSEC_DMA_DESC_AT(channel);
}

void hypsec_dma_start(HypsecBoard *board, unsigned int channel,
                      const HypsecTransfer *t, uint32_t ctrl)
{
    uint64_t pa = desc_pa(channel, t);
    struct hypsec_dma_desc desc = {
        .op = cpu_to_le32(t->op),
        .src = cpu_to_le64(t->src),
        .dst = cpu_to_le64(t->dst),
        .length = cpu_to_le64(t->length ?: 8),
        .value = cpu_to_le64(t->value),
    };

    hypsec_dma_reset(board, channel);
    qtest_bufwrite(board->qts, pa, &desc, sizeof(desc));
    qtest_writeq(board->qts, HYPSEC_DMA_REGS(channel) + HYPSEC_DMA_DESC,
                 t->desc ?: pa);
    dma_set(board, channel, HYPSEC_DMA_COUNT, 1);
    dma_set(board, channel, HYPSEC_DMA_CTRL, HYPSEC_DMA_CTRL_START | ctrl);
}

void hypsec_dma_wait(HypsecBoard *board, unsigned int channel,
                     HypsecTransfer *t)
{
    gint64 end = g_get_monotonic_time() + WAIT_SECONDS * G_USEC_PER_SEC;

    while (hypsec_dma_is_busy(board, channel)) {
        if (g_get_monotonic_time() > end) {
            HYPSEC_FAIL(board, "channel %u does not come to an end", channel);
        }
        g_usleep(POLL_USEC);
    }
    t->error = dma_get(board, channel, HYPSEC_DMA_ERROR);
    t->fault = qtest_readq(board->qts,
                           HYPSEC_DMA_REGS(channel) + HYPSEC_DMA_FAULT);
    t->value = qtest_readq(board->qts, desc_pa(channel, t) +
                           offsetof(struct hypsec_dma_desc, value));
}

void hypsec_dma_wait_done(HypsecBoard *board, unsigned int channel,
                          unsigned int n)
{
    gint64 end = g_get_monotonic_time() + WAIT_SECONDS * G_USEC_PER_SEC;
    uint32_t from = dma_get(board, channel, HYPSEC_DMA_DONE);

    while (hypsec_dma_is_busy(board, channel) &&
           dma_get(board, channel, HYPSEC_DMA_DONE) - from < n) {
        if (g_get_monotonic_time() > end) {
            HYPSEC_FAIL(board, "channel %u does not get on", channel);
        }
        g_usleep(POLL_USEC);
    }
}

uint32_t hypsec_dma(HypsecBoard *board, unsigned int channel,
                    HypsecTransfer *t)
{
    hypsec_dma_start(board, channel, t, 0);
    hypsec_dma_wait(board, channel, t);
    return t->error;
}

/* True; or false if it ended with @error at @at. Else the test fails. */
static bool did(HypsecBoard *board, unsigned int channel, HypsecTransfer *t,
                uint32_t error, uint64_t at)
{
    hypsec_dma(board, channel, t);
    if (t->error && (t->error != error || t->fault != at)) {
        HYPSEC_FAIL(board, "channel %u: operation %u, error %u at 0x%" PRIx64,
                    channel, t->op, t->error, t->fault);
    }
    return !t->error;
}

bool hypsec_dma_load(HypsecBoard *board, unsigned int channel, uint64_t pa,
                     uint64_t *value)
{
    HypsecTransfer t = { .op = HYPSEC_DMA_OP_READ, .src = pa };
    bool done = did(board, channel, &t, HYPSEC_DMA_ERROR_READ, pa);

    *value = t.value;
    return done;
}

bool hypsec_dma_store(HypsecBoard *board, unsigned int channel, uint64_t pa,
                      uint64_t value)
{
    HypsecTransfer t = { .op = HYPSEC_DMA_OP_WRITE, .dst = pa,
                         .value = value };

    return did(board, channel, &t, HYPSEC_DMA_ERROR_WRITE, pa);
}

static bool dma_copy(HypsecBoard *board, unsigned int channel, uint64_t src,
                     uint64_t dst, bool from)
{
    HypsecTransfer t = { .op = HYPSEC_DMA_OP_COPY, .src = src, .dst = dst };

    return did(board, channel, &t, from ? HYPSEC_DMA_ERROR_READ :
                                          HYPSEC_DMA_ERROR_WRITE,
               from ? src : dst);
}

void hypsec_check_dma(HypsecBoard *board, unsigned int channel, uint64_t pa,
                      bool reached, const char *file, int line,
                      const char *func)
{
    /* Behind the descriptor, a word of the host's. */
    uint64_t own = HYPSEC_DMA_DESC_AT(channel) + 0x800;
    uint64_t first = pa + 16, last = (pa & ~(HYPSEC_PAGE - 1)) + 0xff8;
    uint64_t were[] = { qtest_readq(board->qts, first),
                        qtest_readq(board->qts, last) };
    bool reads, writes, from, to;
    uint64_t value;

    qtest_writeq(board->qts, own, 0x0bad0bad);
    reads = hypsec_dma_load(board, channel, first, &value);
    from = dma_copy(board, channel, last, own, true);
    if (reads != reached || from != reached ||
        (reads && value != were[0]) ||
        qtest_readq(board->qts, own) != (from ? were[1] : 0x0bad0bad)) {
        hypsec_fail(board, file, line, func, "0x%" PRIx64 " %s, copied %s",
                    pa, reads ? "is read" : "is not read",
                    from ? "from" : "not from");
    }
    qtest_writeq(board->qts, own, ~were[1]);
    writes = hypsec_dma_store(board, channel, first, ~were[0]);
    to = dma_copy(board, channel, own, last, false);
    if (writes != reached || to != reached ||
        qtest_readq(board->qts, first) != (writes ? ~were[0] : were[0]) ||
        qtest_readq(board->qts, last) != (to ? ~were[1] : were[1])) {
        hypsec_fail(board, file, line, func, "0x%" PRIx64 " %s, copied %s",
                    pa, writes ? "is written" : "is not written",
                    to ? "to" : "not to");
    }
}

/* Calls */

HypsecEvent hypsec_event_map(unsigned int cpu, uint64_t iova, uint64_t pa,
                             uint64_t prot, uint64_t bank, uint64_t index)
{
    HypsecEvent event = hypsec_event_call(cpu, HYPSEC_HVC_SMMU_LPAE_MAP, iova,
                                          pa, prot, bank);

    event.x[5] = index;
    return event;
}

int64_t hypsec_smmu_map(HypsecBoard *board, uint64_t iova, uint64_t pa,
                        uint64_t prot, uint64_t bank, uint64_t index)
{
    HypsecEvent event = hypsec_event_map(0, iova, pa, prot, bank, index);
    HypsecReturn r = hypsec_fire(board, &event);

    hypsec_assert_returned(&r, r.c.x[0]);
    return r.c.x[0];
}

int64_t hypsec_smmu_alloc(HypsecBoard *board, uint64_t bank, uint64_t vmid,
                          uint64_t index)
{
    return hypsec_call(board, 0, HYPSEC_HVC_SMMU_ALLOC_PGD, bank, vmid, index,
                       0);
}

int64_t hypsec_smmu_free(HypsecBoard *board, uint64_t bank, uint64_t index)
{
    int64_t x0;

    do {
        x0 = hypsec_call(board, 0, HYPSEC_HVC_SMMU_FREE_PGD, bank, index, 0,
                         0);
    } while (x0 == HYPSEC_AGAIN);
    return x0;
}

int64_t hypsec_smmu_clear(HypsecBoard *board, uint64_t iova, uint64_t bank,
                          uint64_t index)
{
    return hypsec_call(board, 0, HYPSEC_HVC_SMMU_CLEAR, iova, bank, index, 0);
}

uint64_t hypsec_smmu_to_phys(HypsecBoard *board, uint64_t iova, uint64_t bank,
                             uint64_t index)
{
    return hypsec_call(board, 0, HYPSEC_HVC_SMMU_LPAE_IOVA_TO_PHYS, iova,
                       bank, index, 0);
}

int64_t hypsec_smmu_set_stream(HypsecBoard *board, uint64_t index,
                               uint64_t stream, uint64_t bank)
{
    return hypsec_call(board, 0, HYPSEC_HVC_SMMU_SET_STREAM, index, stream,
                       bank, 0);
}
