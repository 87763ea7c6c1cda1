/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hypsec-dma device: registers, descriptors, errors, life cycle. On a
 * board without SMMU, so that what a channel does is seen at once. The page
 * that each test cites by section is docs/system/arm/hypsec-dma.rst.
 */
#include "qemu/osdep.h"
#include "qemu/bitops.h"
#include "qemu/bswap.h"
#include "hw/hypsec/hypsec-inject-regs.h"
#include "hypsec/dma.h"
#include "hypsec-test.h"

#define BOARD "-M hypsec-virt,smmu=off,dma=on"

#define REG(ch, name) (HYPSEC_DMA_BASE + (ch) * HYPSEC_DMA_CHANNEL_BYTES + \
                       HYPSEC_DMA_##name)
#define PAGE 4096
#define DESCS 0x48000000ULL
#define SRC 0x49000000ULL
#define DST 0x4a000000ULL
/* No device and no RAM. */
#define HOLE 0x0c000000ULL
#define PVPANIC 0x0b000000ULL

#define START HYPSEC_DMA_CTRL_START
#define STOP HYPSEC_DMA_CTRL_STOP
#define RESET HYPSEC_DMA_CTRL_RESET
#define IRQ HYPSEC_DMA_CTRL_IRQ
#define LOOP HYPSEC_DMA_CTRL_LOOP
#define BUSY HYPSEC_DMA_STATUS_BUSY
#define DONE HYPSEC_DMA_STATUS_DONE
#define ERROR HYPSEC_DMA_STATUS_ERROR

#define PATTERN 0x1122334455667788ULL

static QTestState *start(void)
{
    return qtest_init(BOARD);
}

static uint32_t rd(QTestState *qts, int ch, int reg)
{
    return qtest_readl(qts, REG(ch, ID) + reg);
}

static void wr(QTestState *qts, int ch, int reg, uint32_t value)
{
    qtest_writel(qts, REG(ch, ID) + reg, value);
}

static uint64_t desc_of(int ch, int i)
{
    return DESCS + ch * 0x10000 + i * sizeof(struct hypsec_dma_desc);
}

static void put_desc(QTestState *qts, uint64_t at, uint32_t op, uint64_t src,
                     uint64_t dst, uint64_t length, uint64_t value)
{
    struct hypsec_dma_desc d = {
        .op = cpu_to_le32(op),
        .src = cpu_to_le64(src),
        .dst = cpu_to_le64(dst),
        .length = cpu_to_le64(length),
        .value = cpu_to_le64(value),
        .fault = cpu_to_le64(0x5a5a),
    };

    qtest_memwrite(qts, at, &d, sizeof(d));
}

static struct hypsec_dma_desc get_desc(QTestState *qts, uint64_t at)
{
    struct hypsec_dma_desc d;

    qtest_memread(qts, at, &d, sizeof(d));
    d.status = le32_to_cpu(d.status);
    d.value = le64_to_cpu(d.value);
    d.fault = le64_to_cpu(d.fault);
    return d;
}

static void go(QTestState *qts, int ch, uint64_t desc, uint32_t count,
               uint32_t ctrl)
{
    qtest_writeq(qts, REG(ch, DESC), desc);
    wr(qts, ch, HYPSEC_DMA_COUNT, count);
    wr(qts, ch, HYPSEC_DMA_CTRL, ctrl | START);
}

/* One event of each channel that is busy. */
static void step(QTestState *qts)
{
    qtest_clock_step_next(qts);
}

static void run(QTestState *qts, int ch)
{
    for (int i = 0; rd(qts, ch, HYPSEC_DMA_STATUS) & BUSY; i++) {
        g_assert_cmpint(i, <, 100000);
        step(qts);
    }
}

/* Runs one descriptor on channel 0 and returns what became of it. */
static struct hypsec_dma_desc run_one(QTestState *qts, uint32_t op,
                                      uint64_t src, uint64_t dst,
                                      uint64_t length, uint64_t value)
{
    put_desc(qts, desc_of(0, 0), op, src, dst, length, value);
    go(qts, 0, desc_of(0, 0), 1, 0);
    run(qts, 0);
    return get_desc(qts, desc_of(0, 0));
}

static void fill(QTestState *qts, uint64_t addr, int words)
{
    for (int i = 0; i < words; i++) {
        qtest_writeq(qts, addr + i * 8, PATTERN * (i + 1));
    }
}

/* Values after reset, of each channel: section "Registers". */
static void test_reset_values(void)
{
    QTestState *qts = start();

    for (int ch = 0; ch < HYPSEC_DMA_CHANNELS; ch++) {
        g_assert_cmphex(rd(qts, ch, HYPSEC_DMA_ID), ==,
                        HYPSEC_DMA_ID_VALUE);
        g_assert_cmphex(rd(qts, ch, HYPSEC_DMA_STREAM), ==, 0x10 + ch);
        for (int reg = 4; reg < PAGE; reg += 4) {
            if (reg != HYPSEC_DMA_STREAM) {
                g_assert_cmphex(rd(qts, ch, reg), ==, 0);
            }
        }
    }
    /* Nothing behind the last one. */
    g_assert_cmphex(rd(qts, HYPSEC_DMA_CHANNELS, HYPSEC_DMA_ID), ==, 0);
    qtest_quit(qts);
}

/* What is read-only, reserved or out of range keeps its value. */
static void test_read_only(void)
{
    static const struct {
        const char *name;
        int reg;
        uint32_t after;
    } regs[] = {
        { "ID", HYPSEC_DMA_ID, HYPSEC_DMA_ID_VALUE },
        { "STATUS", HYPSEC_DMA_STATUS, 0 },
        { "ERROR", HYPSEC_DMA_ERROR, 0 },
        { "COUNT", HYPSEC_DMA_COUNT, 0 },
        { "INDEX", HYPSEC_DMA_INDEX, 0 },
        { "FAULT", HYPSEC_DMA_FAULT, 0 },
        { "FAULT + 4", HYPSEC_DMA_FAULT + 4, 0 },
        { "DONE", HYPSEC_DMA_DONE, 0 },
        { "STREAM", HYPSEC_DMA_STREAM, 0x10 },
        { "reserved", 0x30, 0 },
        { "last", 0xffc, 0 },
    };
    QTestState *qts = start();

    for (int i = 0; i < ARRAY_SIZE(regs); i++) {
        g_test_message("%s", regs[i].name);
        wr(qts, 0, regs[i].reg, UINT32_MAX);
        g_assert_cmphex(rd(qts, 0, regs[i].reg), ==, regs[i].after);
    }
    wr(qts, 0, HYPSEC_DMA_COUNT, 65535);
    wr(qts, 0, HYPSEC_DMA_COUNT, 65536);
    g_assert_cmphex(rd(qts, 0, HYPSEC_DMA_COUNT), ==, 65535);
    wr(qts, 0, HYPSEC_DMA_CTRL, 0xffffff00 | IRQ | LOOP);
    g_assert_cmphex(rd(qts, 0, HYPSEC_DMA_CTRL), ==, IRQ | LOOP);
    qtest_quit(qts);
}

/* 64-bit registers as a whole and by halves, others by 32 bits only. */
static void test_access_sizes(void)
{
    QTestState *qts = start();

    qtest_writeq(qts, REG(0, DESC), PATTERN);
    g_assert_cmphex(qtest_readq(qts, REG(0, DESC)), ==, PATTERN);
    wr(qts, 0, HYPSEC_DMA_DESC + 4, 0xaabbccdd);
    wr(qts, 0, HYPSEC_DMA_DESC, 0x01020304);
    g_assert_cmphex(rd(qts, 0, HYPSEC_DMA_DESC), ==, 0x01020304);
    g_assert_cmphex(rd(qts, 0, HYPSEC_DMA_DESC + 4), ==, 0xaabbccdd);
    g_assert_cmphex(qtest_readq(qts, REG(0, DESC)), ==, 0xaabbccdd01020304);

    g_assert_cmphex(qtest_readq(qts, REG(0, ID)), ==, 0);
    g_assert_cmphex(qtest_readq(qts, REG(0, DONE)), ==, 0);
    qtest_writeq(qts, REG(0, COUNT), 5);
    g_assert_cmphex(rd(qts, 0, HYPSEC_DMA_COUNT), ==, 0);

    /* No bytes, no halfwords, nothing across two registers. */
    g_assert_cmphex(qtest_readb(qts, REG(0, ID)), ==, 0);
    g_assert_cmphex(qtest_readw(qts, REG(0, ID)), ==, 0);
    g_assert_cmphex(qtest_readl(qts, REG(0, ID) + 2), ==, 0);
    qtest_writeb(qts, REG(0, DESC), 0xff);
    qtest_writew(qts, REG(0, DESC), 0xffff);
    qtest_writel(qts, REG(0, DESC) + 2, 0xffffffff);
    g_assert_cmphex(qtest_readq(qts, REG(0, DESC)), ==, 0xaabbccdd01020304);
    qtest_quit(qts);
}

/* A list that is being done is not exchanged, nor started again. */
static void test_busy(void)
{
    QTestState *qts = start();

    put_desc(qts, desc_of(0, 0), HYPSEC_DMA_OP_WRITE, 0, DST, 3 * PAGE, 1);
    go(qts, 0, desc_of(0, 0), 1, 0);
    step(qts);
    step(qts);
    go(qts, 0, desc_of(0, 7), 2, 0);
    g_assert_cmphex(qtest_readq(qts, REG(0, DESC)), ==, desc_of(0, 0));
    g_assert_cmphex(rd(qts, 0, HYPSEC_DMA_COUNT), ==, 1);
    step(qts);
    step(qts);
    g_assert_cmphex(rd(qts, 0, HYPSEC_DMA_STATUS), ==, DONE);
    qtest_quit(qts);
}

/* WRITE repeats its value, and touches nothing else. */
static void test_write(void)
{
    QTestState *qts = start();
    struct hypsec_dma_desc d;

    fill(qts, DST - 8, 1);
    d = run_one(qts, HYPSEC_DMA_OP_WRITE, HOLE, DST, PAGE + 16, PATTERN);
    g_assert_cmphex(d.status, ==, HYPSEC_DMA_DESC_DONE);
    g_assert_cmphex(d.value, ==, PATTERN);
    g_assert_cmphex(d.fault, ==, 0);
    for (int i = 0; i < PAGE + 16; i += 8) {
        g_assert_cmphex(qtest_readq(qts, DST + i), ==, PATTERN);
    }
    g_assert_cmphex(qtest_readq(qts, DST - 8), ==, PATTERN);
    g_assert_cmphex(qtest_readq(qts, DST + PAGE + 16), ==, 0);
    g_assert_cmphex(rd(qts, 0, HYPSEC_DMA_STATUS), ==, DONE);
    g_assert_cmphex(rd(qts, 0, HYPSEC_DMA_ERROR), ==, 0);
    g_assert_cmphex(rd(qts, 0, HYPSEC_DMA_DONE), ==, 1);
    qtest_quit(qts);
}

/* READ says the exclusive or of the words. */
static void test_read(void)
{
    QTestState *qts = start();
    struct hypsec_dma_desc d;
    uint64_t want = 0;

    fill(qts, SRC, 1000);
    for (int i = 0; i < 1000; i++) {
        want ^= PATTERN * (i + 1);
    }
    d = run_one(qts, HYPSEC_DMA_OP_READ, SRC, HOLE, 8000, PATTERN);
    g_assert_cmphex(d.status, ==, HYPSEC_DMA_DESC_DONE);
    g_assert_cmphex(d.value, ==, want);
    g_assert_cmphex(d.fault, ==, 0);
    qtest_quit(qts);
}

/* COPY copies. */
static void test_copy(void)
{
    QTestState *qts = start();
    struct hypsec_dma_desc d;

    fill(qts, SRC, 1025);
    d = run_one(qts, HYPSEC_DMA_OP_COPY, SRC, DST, 1024 * 8, 7);
    g_assert_cmphex(d.status, ==, HYPSEC_DMA_DESC_DONE);
    g_assert_cmphex(d.value, ==, 7);
    for (int i = 0; i < 1024; i++) {
        g_assert_cmphex(qtest_readq(qts, DST + i * 8), ==,
                        PATTERN * (i + 1));
    }
    g_assert_cmphex(qtest_readq(qts, DST + 1024 * 8), ==, 0);
    qtest_quit(qts);
}

/* A list is done in order, and each descriptor when it is its turn. */
static void test_list(void)
{
    QTestState *qts = start();

    put_desc(qts, desc_of(0, 0), HYPSEC_DMA_OP_WRITE, 0, SRC, 64, 1);
    put_desc(qts, desc_of(0, 1), HYPSEC_DMA_OP_COPY, SRC, DST, 64, 0);
    put_desc(qts, desc_of(0, 2), HYPSEC_DMA_OP_WRITE, 0, SRC, 64, 2);
    go(qts, 0, desc_of(0, 0), 3, 0);
    for (int i = 0; i < 3; i++) {
        g_assert_cmphex(rd(qts, 0, HYPSEC_DMA_STATUS), ==, BUSY);
        g_assert_cmphex(rd(qts, 0, HYPSEC_DMA_INDEX), ==, i);
        g_assert_cmphex(rd(qts, 0, HYPSEC_DMA_DONE), ==, i);
        g_assert_cmphex(get_desc(qts, desc_of(0, i)).status, ==, 0);
        step(qts);
        step(qts);
        g_assert_cmphex(get_desc(qts, desc_of(0, i)).status, ==,
                        HYPSEC_DMA_DESC_DONE);
    }
    g_assert_cmphex(rd(qts, 0, HYPSEC_DMA_STATUS), ==, DONE);
    g_assert_cmphex(rd(qts, 0, HYPSEC_DMA_INDEX), ==, 2);
    g_assert_cmphex(rd(qts, 0, HYPSEC_DMA_DONE), ==, 3);
    g_assert_cmphex(qtest_readq(qts, DST + 56), ==, 1);
    g_assert_cmphex(qtest_readq(qts, SRC), ==, 2);
    qtest_quit(qts);
}

/* Time passes between bursts of at most a page: section "Time". */
static void test_bursts(void)
{
    QTestState *qts = start();

    put_desc(qts, desc_of(0, 0), HYPSEC_DMA_OP_WRITE, 0, DST, 3 * PAGE, 1);
    go(qts, 0, desc_of(0, 0), 1, 0);
    qtest_clock_step(qts, 999);
    g_assert_cmphex(qtest_readq(qts, DST), ==, 0);
    qtest_clock_step(qts, 1);
    g_assert_cmphex(qtest_readq(qts, DST), ==, 0);
    for (int i = 0; i < 3; i++) {
        qtest_clock_step(qts, 1000);
        g_assert_cmphex(qtest_readq(qts, DST + (i + 1) * PAGE - 8), ==, 1);
        g_assert_cmphex(qtest_readq(qts, DST + (i + 1) * PAGE), ==, 0);
    }
    g_assert_cmphex(rd(qts, 0, HYPSEC_DMA_STATUS), ==, DONE);
    qtest_quit(qts);
}

/* A descriptor of the largest length is done, and a longer one is none. */
static void test_longest(void)
{
    QTestState *qts = start();
    struct hypsec_dma_desc d;

    d = run_one(qts, HYPSEC_DMA_OP_WRITE, 0, DST, HYPSEC_DMA_MAX_BYTES, 3);
    g_assert_cmphex(d.status, ==, HYPSEC_DMA_DESC_DONE);
    g_assert_cmphex(qtest_readq(qts, DST + HYPSEC_DMA_MAX_BYTES - 8), ==, 3);
    g_assert_cmphex(qtest_readq(qts, DST + HYPSEC_DMA_MAX_BYTES), ==, 0);
    qtest_quit(qts);
}

/* Channels run side by side, each with registers of its own. */
static void test_channels(void)
{
    QTestState *qts = start();

    for (int ch = 0; ch < HYPSEC_DMA_CHANNELS; ch++) {
        put_desc(qts, desc_of(ch, 0), HYPSEC_DMA_OP_WRITE, 0,
                 DST + ch * PAGE, PAGE, ch + 1);
        go(qts, ch, desc_of(ch, 0), ch == 3 ? 0 : 1, ch == 5 ? LOOP : 0);
    }
    qtest_clock_step(qts, 2000);
    for (int ch = 0; ch < HYPSEC_DMA_CHANNELS; ch++) {
        g_test_message("channel %d", ch);
        g_assert_cmphex(rd(qts, ch, HYPSEC_DMA_STATUS), ==,
                        ch == 3 ? ERROR : ch == 5 ? BUSY : DONE);
        g_assert_cmphex(qtest_readq(qts, DST + ch * PAGE), ==,
                        ch == 3 ? 0 : ch + 1);
    }
    qtest_quit(qts);
}

/* LOOP begins again, with what memory then says, until it is cleared. */
static void test_loop(void)
{
    QTestState *qts = start();

    put_desc(qts, desc_of(0, 0), HYPSEC_DMA_OP_WRITE, 0, DST, 64, 1);
    put_desc(qts, desc_of(0, 1), HYPSEC_DMA_OP_COPY, DST, SRC, 64, 0);
    go(qts, 0, desc_of(0, 0), 2, LOOP);
    qtest_clock_step(qts, 40000);
    g_assert_cmphex(rd(qts, 0, HYPSEC_DMA_STATUS), ==, BUSY);
    g_assert_cmphex(rd(qts, 0, HYPSEC_DMA_DONE), ==, 20);
    g_assert_cmphex(qtest_readq(qts, SRC), ==, 1);
    put_desc(qts, desc_of(0, 0), HYPSEC_DMA_OP_WRITE, 0, DST, 64, 2);
    qtest_clock_step(qts, 4000);
    g_assert_cmphex(qtest_readq(qts, SRC), ==, 2);
    wr(qts, 0, HYPSEC_DMA_CTRL, 0);
    qtest_clock_step(qts, 4000);
    g_assert_cmphex(rd(qts, 0, HYPSEC_DMA_STATUS), ==, DONE);
    g_assert_cmphex(rd(qts, 0, HYPSEC_DMA_DONE), ==, 24);
    qtest_quit(qts);
}

/* STOP ends a list where it is; START begins at the first descriptor. */
static void test_stop(void)
{
    QTestState *qts = start();

    put_desc(qts, desc_of(0, 0), HYPSEC_DMA_OP_WRITE, 0, DST, 4 * PAGE, 1);
    go(qts, 0, desc_of(0, 0), 1, IRQ);
    step(qts);
    step(qts);
    wr(qts, 0, HYPSEC_DMA_CTRL, STOP | START);
    g_assert_cmphex(rd(qts, 0, HYPSEC_DMA_STATUS), ==, BUSY);
    wr(qts, 0, HYPSEC_DMA_CTRL, START);
    step(qts);
    g_assert_cmphex(rd(qts, 0, HYPSEC_DMA_STATUS), ==, 0);
    qtest_clock_step(qts, 10000);
    g_assert_cmphex(qtest_readq(qts, DST), ==, 1);
    g_assert_cmphex(qtest_readq(qts, DST + PAGE), ==, 0);
    g_assert_cmphex(get_desc(qts, desc_of(0, 0)).status, ==, 0);

    /* Without a list under way it says nothing about the next. */
    wr(qts, 0, HYPSEC_DMA_CTRL, STOP);
    wr(qts, 0, HYPSEC_DMA_CTRL, START);
    run(qts, 0);
    g_assert_cmphex(rd(qts, 0, HYPSEC_DMA_STATUS), ==, DONE);
    g_assert_cmphex(qtest_readq(qts, DST + 4 * PAGE - 8), ==, 1);
    qtest_quit(qts);
}

static void assert_reset(QTestState *qts, int ch)
{
    for (int reg = 4; reg < HYPSEC_DMA_STREAM; reg += 4) {
        g_assert_cmphex(rd(qts, ch, reg), ==, 0);
    }
}

/* RESET of a channel, at once and whatever else is asked. */
static void test_reset_channel(void)
{
    QTestState *qts = start();

    for (int ch = 0; ch < 2; ch++) {
        put_desc(qts, desc_of(ch, 0), HYPSEC_DMA_OP_WRITE, 0,
                 DST + ch * MiB, 4 * PAGE, 1);
        go(qts, ch, desc_of(ch, 0), 1, IRQ | LOOP);
    }
    step(qts);
    step(qts);
    wr(qts, 0, HYPSEC_DMA_CTRL, RESET | STOP | START | IRQ | LOOP);
    assert_reset(qts, 0);
    qtest_clock_step(qts, 10000);
    assert_reset(qts, 0);
    g_assert_cmphex(qtest_readq(qts, DST + PAGE), ==, 0);
    g_assert_cmphex(qtest_readq(qts, DST + MiB + 4 * PAGE - 8), ==, 1);
    g_assert_cmphex(rd(qts, 1, HYPSEC_DMA_STATUS), ==, BUSY);
    qtest_quit(qts);
}

/* The board's reset stops every channel in the middle of what it does. */
static void test_reset_board(void)
{
    QTestState *qts = start();

    for (int ch = 0; ch < HYPSEC_DMA_CHANNELS; ch++) {
        put_desc(qts, desc_of(ch, 0), HYPSEC_DMA_OP_WRITE, 0,
                 DST + ch * MiB, 4 * PAGE, 1);
        go(qts, ch, desc_of(ch, 0), 1, IRQ | LOOP);
    }
    qtest_clock_step(qts, 2000);
    qtest_system_reset(qts);
    qtest_clock_step(qts, 10000);
    for (int ch = 0; ch < HYPSEC_DMA_CHANNELS; ch++) {
        assert_reset(qts, ch);
        g_assert_cmphex(qtest_readq(qts, DST + ch * MiB), ==, 1);
        g_assert_cmphex(qtest_readq(qts, DST + ch * MiB + PAGE), ==, 0);
    }
    qtest_quit(qts);
}

static void assert_error(QTestState *qts, int ch, uint32_t error,
                         uint64_t fault)
{
    g_assert_cmphex(rd(qts, ch, HYPSEC_DMA_STATUS), ==, ERROR);
    g_assert_cmphex(rd(qts, ch, HYPSEC_DMA_ERROR), ==, error);
    g_assert_cmphex(qtest_readq(qts, REG(ch, FAULT)), ==, fault);
}

/* What makes no sense is not started: section "Errors". */
static void test_bad_start(void)
{
    static const struct {
        uint64_t desc;
        uint32_t count;
    } bad[] = {
        { DESCS, 0 }, { DESCS + 4, 1 }, { DESCS + 1, 1 },
        { UINT64_MAX - 47 - 8 + 1, 2 }, { UINT64_MAX - 47 + 8, 1 },
    };
    QTestState *qts = start();

    for (int i = 0; i < ARRAY_SIZE(bad); i++) {
        go(qts, 0, bad[i].desc, bad[i].count, 0);
        assert_error(qts, 0, HYPSEC_DMA_ERROR_INVALID, bad[i].desc);
    }
    /* START forgets the errors of the run before. */
    run_one(qts, HYPSEC_DMA_OP_WRITE, 0, DST, 8, 1);
    g_assert_cmphex(rd(qts, 0, HYPSEC_DMA_STATUS), ==, DONE);
    g_assert_cmphex(rd(qts, 0, HYPSEC_DMA_ERROR), ==, 0);
    g_assert_cmphex(qtest_readq(qts, REG(0, FAULT)), ==, 0);
    qtest_quit(qts);
}

/* A descriptor that cannot be read. */
static void test_error_fetch(void)
{
    QTestState *qts = start();
    uint64_t end = RAM_BASE + 1 * GiB;

    go(qts, 0, HOLE, 1, 0);
    run(qts, 0);
    assert_error(qts, 0, HYPSEC_DMA_ERROR_FETCH, HOLE);

    /* The second one lies half behind the end of RAM. */
    put_desc(qts, end - 72, HYPSEC_DMA_OP_WRITE, 0, DST, 8, 1);
    go(qts, 0, end - 72, 2, 0);
    run(qts, 0);
    assert_error(qts, 0, HYPSEC_DMA_ERROR_FETCH, end);
    g_assert_cmphex(rd(qts, 0, HYPSEC_DMA_INDEX), ==, 1);
    g_assert_cmphex(rd(qts, 0, HYPSEC_DMA_DONE), ==, 1);
    qtest_quit(qts);
}

/* Descriptors that make no sense do nothing and say so. */
static void test_error_invalid(void)
{
    static const struct {
        uint32_t op;
        uint64_t src, dst, length;
    } bad[] = {
        { 0, SRC, DST, 8 },
        { 4, SRC, DST, 8 },
        { UINT32_MAX, SRC, DST, 8 },
        { HYPSEC_DMA_OP_COPY, SRC, DST, 0 },
        { HYPSEC_DMA_OP_COPY, SRC, DST, 12 },
        { HYPSEC_DMA_OP_COPY, SRC, DST, HYPSEC_DMA_MAX_BYTES + 8 },
        { HYPSEC_DMA_OP_COPY, SRC, DST, -8ULL },
        { HYPSEC_DMA_OP_COPY, SRC + 4, DST, 8 },
        { HYPSEC_DMA_OP_COPY, SRC, DST + 1, 8 },
        { HYPSEC_DMA_OP_READ, SRC + 1, DST, 8 },
        { HYPSEC_DMA_OP_WRITE, SRC, DST + 2, 8 },
        { HYPSEC_DMA_OP_READ, -8ULL, DST, 16 },
        { HYPSEC_DMA_OP_WRITE, SRC, -16ULL, 24 },
    };
    QTestState *qts = start();

    fill(qts, SRC, 2);
    for (int i = 0; i < ARRAY_SIZE(bad); i++) {
        struct hypsec_dma_desc d =
            run_one(qts, bad[i].op, bad[i].src, bad[i].dst, bad[i].length, 9);

        g_test_message("descriptor %d", i);
        assert_error(qts, 0, HYPSEC_DMA_ERROR_INVALID, desc_of(0, 0));
        g_assert_cmphex(d.status, ==,
                        HYPSEC_DMA_DESC_DONE | HYPSEC_DMA_ERROR_INVALID);
        g_assert_cmphex(d.value, ==, 9);
        g_assert_cmphex(d.fault, ==, desc_of(0, 0));
        g_assert_cmphex(qtest_readq(qts, DST), ==, 0);
    }
    qtest_quit(qts);
}

/* An address that is not used need not make sense. */
static void test_unused_address(void)
{
    QTestState *qts = start();
    struct hypsec_dma_desc d;

    d = run_one(qts, HYPSEC_DMA_OP_READ, SRC, 1, 16, 0);
    g_assert_cmphex(d.status, ==, HYPSEC_DMA_DESC_DONE);
    d = run_one(qts, HYPSEC_DMA_OP_WRITE, -1ULL, DST, 16, 0);
    g_assert_cmphex(d.status, ==, HYPSEC_DMA_DESC_DONE);
    qtest_quit(qts);
}

/* The first address that cannot be read; what came before it is done. */
static void test_error_read(void)
{
    QTestState *qts = start();
    uint64_t end = RAM_BASE + 1 * GiB;
    struct hypsec_dma_desc d;

    fill(qts, end - 16, 2);
    d = run_one(qts, HYPSEC_DMA_OP_COPY, end - 16, DST, 64, 0);
    assert_error(qts, 0, HYPSEC_DMA_ERROR_READ, end);
    g_assert_cmphex(d.status, ==,
                    HYPSEC_DMA_DESC_DONE | HYPSEC_DMA_ERROR_READ);
    g_assert_cmphex(d.fault, ==, end);
    g_assert_cmphex(qtest_readq(qts, DST + 8), ==, PATTERN * 2);
    g_assert_cmphex(qtest_readq(qts, DST + 16), ==, 0);

    d = run_one(qts, HYPSEC_DMA_OP_READ, HOLE, 0, 64, 5);
    assert_error(qts, 0, HYPSEC_DMA_ERROR_READ, HOLE);
    g_assert_cmphex(d.value, ==, 5);
    qtest_quit(qts);
}

/* The same for writes. */
static void test_error_write(void)
{
    QTestState *qts = start();
    uint64_t end = RAM_BASE + 1 * GiB;
    struct hypsec_dma_desc d;

    d = run_one(qts, HYPSEC_DMA_OP_WRITE, 0, end - 24, 2 * PAGE, 6);
    assert_error(qts, 0, HYPSEC_DMA_ERROR_WRITE, end);
    g_assert_cmphex(d.status, ==,
                    HYPSEC_DMA_DESC_DONE | HYPSEC_DMA_ERROR_WRITE);
    g_assert_cmphex(d.fault, ==, end);
    g_assert_cmphex(qtest_readq(qts, end - 8), ==, 6);
    qtest_quit(qts);
}

/* Makes the writes of a page fail from the @nth on. */
static void refuse_writes(QTestState *qts, uint64_t page, int nth)
{
    uint64_t fault = HYPSEC_INJECT_BASE + HYPSEC_INJECT_FAULT(0);

    qtest_writel(qts, fault + HYPSEC_INJECT_FAULT_CTRL, 0);
    qtest_writeq(qts, fault + HYPSEC_INJECT_FAULT_BASE, page);
    qtest_writeq(qts, fault + HYPSEC_INJECT_FAULT_SIZE, PAGE);
    qtest_writeq(qts, fault + HYPSEC_INJECT_FAULT_NTH, nth);
    qtest_writel(qts, fault + HYPSEC_INJECT_FAULT_CTRL,
                 HYPSEC_INJECT_FAULT_ENABLE | HYPSEC_INJECT_FAULT_WRITE);
}

/* An outcome that cannot be written is an error; an earlier one stays. */
static void test_error_status(void)
{
    static const int word[] = {
        offsetof(struct hypsec_dma_desc, value),
        offsetof(struct hypsec_dma_desc, fault),
        offsetof(struct hypsec_dma_desc, status),
    };
    QTestState *qts = qtest_init(BOARD ",inject=on");
    uint64_t desc = desc_of(0, 0);
    struct hypsec_dma_desc d;

    for (int i = 0; i < ARRAY_SIZE(word); i++) {
        put_desc(qts, desc, HYPSEC_DMA_OP_READ, SRC, 0, 8, 1);
        refuse_writes(qts, desc, i + 1);
        go(qts, 0, desc, 1, 0);
        run(qts, 0);
        assert_error(qts, 0, HYPSEC_DMA_ERROR_STATUS, desc + word[i]);
        g_assert_cmphex(rd(qts, 0, HYPSEC_DMA_DONE), ==, 0);
        refuse_writes(qts, DST, 1);
        d = get_desc(qts, desc);
        g_assert_cmphex(d.status, ==, 0);
    }
    put_desc(qts, desc, HYPSEC_DMA_OP_READ, HOLE, 0, 8, 1);
    refuse_writes(qts, desc, 1);
    go(qts, 0, desc, 1, 0);
    run(qts, 0);
    assert_error(qts, 0, HYPSEC_DMA_ERROR_READ, HOLE);
    qtest_quit(qts);
}

/* Registers of channels are not for channels: section "Errors". */
static void test_own_registers(void)
{
    QTestState *qts = start();
    struct hypsec_dma_desc d;

    for (int ch = 0; ch < HYPSEC_DMA_CHANNELS; ch++) {
        d = run_one(qts, HYPSEC_DMA_OP_WRITE, 0, REG(ch, ID),
                    HYPSEC_DMA_STREAM + 4, 0xffffffff00000007);
        g_assert_cmphex(d.status, ==,
                        HYPSEC_DMA_DESC_DONE | HYPSEC_DMA_ERROR_WRITE);
        assert_error(qts, 0, HYPSEC_DMA_ERROR_WRITE, REG(ch, ID));
        d = run_one(qts, HYPSEC_DMA_OP_READ, REG(ch, DESC), 0, 8, 0);
        assert_error(qts, 0, HYPSEC_DMA_ERROR_READ, REG(ch, DESC));
        if (ch) {
            assert_reset(qts, ch);
        }
    }
    /* Nor are descriptors there. */
    go(qts, 0, REG(0, ID), 1, LOOP);
    run(qts, 0);
    assert_error(qts, 0, HYPSEC_DMA_ERROR_FETCH, REG(0, ID));
    qtest_quit(qts);
}

/* Nor is pvpanic, which stops the board and with it the clock: "Errors". */
static void test_pvpanic(void)
{
    QTestState *qts = qtest_init(BOARD " -action panic=pause");

    run_one(qts, HYPSEC_DMA_OP_WRITE, 0, PVPANIC, 8, 1);
    assert_error(qts, 0, HYPSEC_DMA_ERROR_WRITE, PVPANIC);
    run_one(qts, HYPSEC_DMA_OP_READ, PVPANIC, 0, 8, 0);
    assert_error(qts, 0, HYPSEC_DMA_ERROR_READ, PVPANIC);
    /* A CPU may use it. */
    g_assert_cmphex(qtest_readb(qts, PVPANIC), ==, 3);
    qtest_writeb(qts, PVPANIC, 1);
    qtest_qmp_eventwait(qts, "GUEST_PANICKED");
    qtest_quit(qts);
}

static bool is_pending(QTestState *qts)
{
    int intid = HYPSEC_DMA_SPI + 32;

    return qtest_readl(qts, 0x08000200 + intid / 32 * 4) & BIT(intid % 32);
}

/* The interrupt follows DONE and ERROR of all channels: "Interrupt". */
static void test_interrupt(void)
{
    QTestState *qts = start();

    /* Without IRQ there is none. */
    run_one(qts, HYPSEC_DMA_OP_WRITE, 0, DST, 8, 1);
    g_assert_false(is_pending(qts));

    put_desc(qts, desc_of(7, 0), HYPSEC_DMA_OP_WRITE, 0, DST, 8, 1);
    go(qts, 7, desc_of(7, 0), 1, IRQ);
    go(qts, 3, HOLE, 1, IRQ);
    g_assert_false(is_pending(qts));
    qtest_clock_step(qts, 2000);
    g_assert_true(is_pending(qts));

    /* Each by itself keeps the line up. */
    wr(qts, 7, HYPSEC_DMA_STATUS, DONE);
    g_assert_cmphex(rd(qts, 7, HYPSEC_DMA_STATUS), ==, 0);
    g_assert_true(is_pending(qts));
    wr(qts, 3, HYPSEC_DMA_STATUS, DONE | BUSY);
    g_assert_true(is_pending(qts));
    wr(qts, 3, HYPSEC_DMA_STATUS, ERROR);
    g_assert_false(is_pending(qts));

    /* By level: enabled later it is seen, and disabled it goes away. */
    run_one(qts, HYPSEC_DMA_OP_WRITE, 0, DST, 8, 1);
    wr(qts, 0, HYPSEC_DMA_CTRL, IRQ);
    g_assert_true(is_pending(qts));
    wr(qts, 0, HYPSEC_DMA_CTRL, 0);
    g_assert_false(is_pending(qts));
    wr(qts, 0, HYPSEC_DMA_CTRL, IRQ);
    wr(qts, 0, HYPSEC_DMA_CTRL, RESET);
    g_assert_false(is_pending(qts));
    qtest_quit(qts);
}

/* Without the option there is nothing. */
static void test_option(void)
{
    QTestState *qts = qtest_init("-M hypsec-virt,smmu=off");

    g_assert_cmphex(rd(qts, 0, HYPSEC_DMA_ID), ==, 0);
    qtest_quit(qts);
}

/*
 * Starts one descriptor of 64 pages and counts until it is done:
 * x0 registers, x1 descriptor, x9 report.
 */
static const uint32_t count_code[] = {
    0xd2a16020, /* mov x0, #0xb010000 */
    0xd2a90001, /* mov x1, #0x48000000 */
    0xd2a88009, /* mov x9, #0x44000000 */
    0x52800042, /* mov w2, #0x2 */
    0xb9000022, /* str w2, [x1] */
    0xd2a94003, /* mov x3, #0x4a000000 */
    0xf9000823, /* str x3, [x1, #16] */
    0xd2a00083, /* mov x3, #0x40000 */
    0xf9000c23, /* str x3, [x1, #24] */
    0xf9001023, /* str x3, [x1, #32] */
    0xf9000801, /* str x1, [x0, #16] */
    0x52800022, /* mov w2, #0x1 */
    0xb9001802, /* str w2, [x0, #24] */
    0xb9000402, /* str w2, [x0, #4] */
    0xd2800004, /* mov x4, #0x0 */
    0x91000484, /* loop: add x4, x4, #0x1 */
    0xb9400802, /* ldr w2, [x0, #8] */
    0x360fffc2, /* tbz w2, #1, loop */
    0xf9000124, /* str x4, [x9] */
    0xd2800022, /* mov x2, #0x1 */
    0xf9001922, /* str x2, [x9, #48] */
    INSN_LOOP,
};

static uint64_t count_loops(void)
{
    uint32_t code[ARRAY_SIZE(count_code)];
    QTestState *qts;
    uint64_t loops;

    for (int i = 0; i < ARRAY_SIZE(code); i++) {
        code[i] = cpu_to_le32(count_code[i]);
    }
    qts = qtest_initf("-accel tcg -icount shift=0,sleep=off %s -bios %s",
                      BOARD, hypsec_tmp_file("count.bin", code,
                                             sizeof(code)));
    hypsec_wait_report(qts);
    loops = qtest_readq(qts, REPORT_BASE);
    g_assert_cmphex(qtest_readq(qts, DST + 64 * PAGE - 8), ==, 0x40000);
    qtest_quit(qts);
    return loops;
}

/* With -icount a CPU sees the same each time: section "Time". */
static void test_deterministic(void)
{
    uint64_t loops = count_loops();

    /* 65 events in 65 us, of one nanosecond per instruction. */
    g_assert_cmpuint(loops, >, 65000 / 3 - 100);
    g_assert_cmpuint(loops, <, 65000 / 3 + 100);
    g_assert_cmpuint(count_loops(), ==, loops);
}

static const char *migrate_to_file(QTestState *qts)
{
    const char *path = hypsec_tmp_file("state", "", 0);
    g_autofree char *uri = g_strdup_printf("file:%s", path);

    qtest_qmp_assert_success(qts, "{'execute': 'migrate', 'arguments': "
                             "{'uri': %s}}", uri);
    g_assert_true(hypsec_wait_migration(qts));
    return path;
}

static QTestState *migrate_from_file(const char *path, bool *ok)
{
    g_autofree char *uri = g_strdup_printf("file:%s", path);
    QTestState *qts = qtest_init(BOARD " -incoming defer");

    qtest_qmp_assert_success(qts, "{'execute': 'migrate-incoming', "
                             "'arguments': {'uri': %s, "
                             "'exit-on-error': false}}", uri);
    *ok = hypsec_wait_migration(qts);
    return qts;
}

/* Every channel goes on where it was: section "Snapshots and migration". */
static void test_migrate(void)
{
    QTestState *qts = start();
    const char *path;
    bool ok;

    fill(qts, SRC, 2 * PAGE / 8);
    put_desc(qts, desc_of(0, 0), HYPSEC_DMA_OP_COPY, SRC, DST, 2 * PAGE, 0);
    put_desc(qts, desc_of(6, 0), HYPSEC_DMA_OP_READ, SRC, 0, 2 * PAGE, 0);
    go(qts, 0, desc_of(0, 0), 1, IRQ);
    go(qts, 6, desc_of(6, 0), 1, 0);
    go(qts, 2, desc_of(2, 0), 0, IRQ);
    qtest_clock_step(qts, 2000);
    path = migrate_to_file(qts);
    qtest_quit(qts);

    qts = migrate_from_file(path, &ok);
    g_assert_true(ok);
    g_assert_cmphex(qtest_readq(qts, DST + PAGE), ==, 0);
    assert_error(qts, 2, HYPSEC_DMA_ERROR_INVALID, desc_of(2, 0));
    g_assert_true(is_pending(qts));
    run(qts, 0);
    run(qts, 6);
    g_assert_cmphex(rd(qts, 0, HYPSEC_DMA_STATUS), ==, DONE);
    g_assert_cmphex(rd(qts, 6, HYPSEC_DMA_STATUS), ==, DONE);
    g_assert_cmphex(qtest_readq(qts, DST + 2 * PAGE - 8), ==,
                    PATTERN * (2 * PAGE / 8));
    g_assert_cmphex(get_desc(qts, desc_of(6, 0)).status, ==,
                    HYPSEC_DMA_DESC_DONE);
    qtest_quit(qts);
}

/* A byte of a channel's state, counted from its DESC in the stream. */
typedef struct BadState {
    const char *name;
    int offset;
    uint8_t value;
} BadState;

static const BadState bad_states[] = {
    { "ctrl-start", -24 + 3, START },
    { "ctrl-unknown", -24, 0x80 },
    { "status-unknown", -20 + 3, 0x09 },
    { "status-not-busy", -20 + 3, 0 },
    { "error", -16 + 3, 6 },
    { "count-none", -12 + 3, 0 },
    { "count-too-many", -12, 1 },
    { "index-not-in-list", -8 + 3, 1 },
    { "index-huge", -8, 0x80 },
    { "desc-unaligned", 7, 1 },
    { "phase-unknown", 16 + 3, 3 },
    { "phase-idle", 16 + 3, 0 },
    { "op", 21 + 3, 4 },
    { "op-high", 21, 1 },
    { "dst-unaligned", 33 + 7, 1 },
    { "dst-wraps", 33, 0 },
    { "length-too-long", 41, 1 },
    { "length-odd", 41 + 7, 1 },
    { "moved-odd", 57 + 7, 1 },
    { "moved-too-far", 57, 1 },
    { "timer-not-armed", 65, 0xff },
};

/* A state that no channel has is refused, and nothing of it is used. */
static void test_bad_state(const void *data)
{
    const BadState *bad = data;
    QTestState *qts = start();
    uint64_t desc = cpu_to_be64(DESCS + 0x123458);
    g_autofree char *state = NULL;
    const char *path;
    uint8_t *at;
    gsize size;
    bool ok;

    put_desc(qts, DESCS + 0x123458, HYPSEC_DMA_OP_WRITE, 0,
             UINT64_MAX - 3 * PAGE + 1, 2 * PAGE, 1);
    go(qts, 0, DESCS + 0x123458, 1, 0);
    step(qts);
    path = migrate_to_file(qts);
    qtest_quit(qts);

    g_assert_true(g_file_get_contents(path, &state, &size, NULL));
    at = memmem(state, size, &desc, sizeof(desc));
    g_assert_nonnull(at);
    g_assert_cmphex(ldl_be_p(at - 20), ==, BUSY);
    g_assert_cmphex(ldl_be_p(at + 16), ==, 2);
    if (!strcmp(bad->name, "dst-wraps")) {
        /* The last page, of which two are to be written. */
        stq_be_p(at + bad->offset, UINT64_MAX - PAGE + 1);
    } else if (!strcmp(bad->name, "timer-not-armed")) {
        stq_be_p(at + bad->offset, UINT64_MAX);
    } else {
        at[bad->offset] = bad->value;
    }
    path = hypsec_tmp_file("bad", state, size);

    qts = migrate_from_file(path, &ok);
    g_assert_false(ok);
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*fn)(void);
    } tests[] = {
        { "registers/reset-values", test_reset_values },
        { "registers/read-only", test_read_only },
        { "registers/access-sizes", test_access_sizes },
        { "registers/busy", test_busy },
        { "registers/option", test_option },
        { "transfer/write", test_write },
        { "transfer/read", test_read },
        { "transfer/copy", test_copy },
        { "transfer/list", test_list },
        { "transfer/bursts", test_bursts },
        { "transfer/longest", test_longest },
        { "transfer/channels", test_channels },
        { "transfer/unused-address", test_unused_address },
        { "transfer/deterministic", test_deterministic },
        { "control/loop", test_loop },
        { "control/stop", test_stop },
        { "control/reset-channel", test_reset_channel },
        { "control/reset-board", test_reset_board },
        { "errors/start", test_bad_start },
        { "errors/fetch", test_error_fetch },
        { "errors/invalid", test_error_invalid },
        { "errors/read", test_error_read },
        { "errors/write", test_error_write },
        { "errors/status", test_error_status },
        { "errors/own-registers", test_own_registers },
        { "errors/pvpanic", test_pvpanic },
        { "interrupt/level-of-all-channels", test_interrupt },
        { "migration/goes-on", test_migrate },
    };

    g_test_init(&argc, &argv, NULL);
    for (int i = 0; i < ARRAY_SIZE(tests); i++) {
        g_autofree char *path = g_strdup_printf("hypsec-dma/%s",
                                                tests[i].path);

        qtest_add_func(path, tests[i].fn);
    }
    for (int i = 0; i < ARRAY_SIZE(bad_states); i++) {
        g_autofree char *path = g_strdup_printf("hypsec-dma/bad-state/%s",
                                                bad_states[i].name);

        qtest_add_data_func(path, &bad_states[i], test_bad_state);
    }
    return hypsec_test_run();
}
