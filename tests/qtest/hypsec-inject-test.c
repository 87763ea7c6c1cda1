/*
 * The hypsec-inject device: registers, queues, refusals, routing, bus faults,
 * what a snapshot keeps. No firmware: a small program at EL2 answers.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "hw/hypsec/hypsec-inject-regs.h"
#include "qobject/qdict.h"
#include "hypsec-test.h"
#include "libqtest.h"

#define REG(name) (HYPSEC_INJECT_BASE + HYPSEC_INJECT_##name)
#define FAULT(n, name) (HYPSEC_INJECT_BASE + HYPSEC_INJECT_FAULT(n) + \
                        HYPSEC_INJECT_FAULT_##name)
#define WAIT_SECONDS 60

/* What the program at EL2 does is decided by x0 of a synchronous event. */
enum {
    EL2_RETURN,
    EL2_LOOP,
    EL2_PANIC,
    EL2_ESR,
    EL2_INJECT,
    EL2_WORLD,
    EL2_WAIT,
    EL2_OFF,
};

#define STUB_PARK 0x30
#define STUB_SYNC 0x34
#define STUB_VECTORS 0x7c0 /* and the 64 bytes of the header before us */
#define INSN_ERET 0xd69f03e0

static const uint32_t stub[] = {
    0x10003e01, /*  0: adr x1, 0x7c0 */
    0xd51cc001, /*  4: msr vbar_el2, x1 */
    0xd518c001, /*  8: msr vbar_el1, x1 */
    0xd2840402, /*  c: mov x2, #0x2020: TWI, AMO */
    0xf2b00102, /* 10: movk x2, #0x8008, lsl #16: RW, TSC */
    0xd51c1102, /* 14: msr hcr_el2, x2 */
    0xd28078a2, /* 18: mov x2, #0x3c5 */
    0xd51c4002, /* 1c: msr spsr_el2, x2 */
    0x10000082, /* 20: adr x2, 0x30 */
    0xd51c4022, /* 24: msr elr_el2, x2 */
    0xaa1f03e0, /* 28: mov x0, xzr */
    0xd69f03e0, /* 2c: eret */
    0x14000000, /* 30: b . */
    0xb40001e0, /* 34: cbz x0, 0x70 */
    0xf100041f, /* 38: cmp x0, #1 */
    0x54000000, /* 3c: b.eq . */
    0xf100081f, /* 40: cmp x0, #2 */
    0x54000180, /* 44: b.eq 0x74 */
    0xf1000c1f, /* 48: cmp x0, #3 */
    0x540001c0, /* 4c: b.eq 0x84 */
    0xf100101f, /* 50: cmp x0, #4 */
    0x540001c0, /* 54: b.eq 0x8c */
    0xf100141f, /* 58: cmp x0, #5 */
    0x540001e0, /* 5c: b.eq 0x98 */
    0xf100181f, /* 60: cmp x0, #6 */
    0x540001e0, /* 64: b.eq 0xa0 */
    0xf1001c1f, /* 68: cmp x0, #7 */
    0x54000240, /* 6c: b.eq 0xb4 */
    0xd69f03e0, /* 70: eret */
    0xd2a16001, /* 74: mov x1, #0xb000000 */
    0x52800022, /* 78: mov w2, #1 */
    0x39000022, /* 7c: strb w2, [x1] */
    0x14000000, /* 80: b . */
    0xd53c5200, /* 84: mrs x0, esr_el2 */
    0xd69f03e0, /* 88: eret */
    0x100049a1, /* 8c: adr x1, 0x9c0 */
    0xd51c4021, /* 90: msr elr_el2, x1 */
    0xd69f03e0, /* 94: eret */
    0xd51c2101, /* 98: msr vttbr_el2, x1 */
    0xd69f03e0, /* 9c: eret */
    0xd2a88001, /* a0: mov x1, #0x44000000 */
    0xf9400022, /* a4: ldr x2, [x1] */
    0xb4ffffe2, /* a8: cbz x2, 0xa4 */
    0xaa0203e0, /* ac: mov x0, x2 */
    0xd69f03e0, /* b0: eret */
    0x52800040, /* b4: mov w0, #2 */
    0x72b08000, /* b8: movk w0, #0x8400, lsl #16: CPU_OFF */
    0xd4000003, /* bc: smc #0 */
    0x14000000, /* c0: b . */
};

static const char *stub_image(void)
{
    uint32_t code[(STUB_VECTORS + 0x800) / 4];

    memset(code, 0, sizeof(code));
    memcpy(code, stub, sizeof(stub));
    for (unsigned int v = STUB_VECTORS; v < sizeof(code); v += 0x80) {
        code[v / 4] = INSN_ERET;
    }
    code[(STUB_VECTORS + 0x400) / 4] =
        0x14000000 | (((STUB_SYNC - STUB_VECTORS - 0x400) / 4) & 0x3ffffff);
    return hypsec_image("stub", 0, 0x10000, code, sizeof(code));
}

/* The CPUs do not run. */
static QTestState *start_idle(void)
{
    return qtest_init("-M hypsec-virt,inject=on -smp 2");
}

static char *registers(QTestState *qts)
{
    return hypsec_get_string(qts, "/machine/inject", "registers");
}

/* A CPU at EL1 in a loop, the program above at EL2. */
static QTestState *start_stub(const char *args)
{
    QTestState *qts = qtest_initf("-accel tcg -M hypsec-virt,inject=on "
                                  "-m 256M -kernel %s -action panic=pause %s",
                                  stub_image(), args);
    gint64 end = g_get_monotonic_time() + WAIT_SECONDS * G_TIME_SPAN_SECOND;

    for (;;) {
        g_autofree char *text = registers(qts);

        if (strstr(text, "on el 1")) {
            return qts;
        }
        g_assert_cmpint(g_get_monotonic_time(), <, end);
        g_usleep(1000);
    }
}

static void put_desc(QTestState *qts, uint64_t addr,
                     const struct hypsec_inject_desc *d)
{
    uint8_t raw[HYPSEC_INJECT_RECORD_BYTES];

    for (int i = 0; i < 4; i++) {
        stl_le_p(raw + i * 4, ((const uint32_t *)d)[i]);
    }
    for (int i = 2; i < sizeof(raw) / 8; i++) {
        stq_le_p(raw + i * 8, ((const uint64_t *)d)[i]);
    }
    qtest_memwrite(qts, addr, raw, sizeof(raw));
}

static void wait_status(QTestState *qts, uint32_t mask, uint32_t value)
{
    gint64 end = g_get_monotonic_time() + WAIT_SECONDS * G_TIME_SPAN_SECOND;

    while ((qtest_readl(qts, REG(STATUS)) & mask) != value) {
        g_assert_cmpint(g_get_monotonic_time(), <, end);
        g_usleep(100);
    }
}

static uint32_t comp32(QTestState *qts, unsigned int offset)
{
    return qtest_readl(qts, REG(COMP) + offset);
}

static uint64_t comp64(QTestState *qts, unsigned int offset)
{
    return qtest_readq(qts, REG(COMP) + offset);
}

static void fire(QTestState *qts, const struct hypsec_inject_desc *d)
{
    put_desc(qts, REG(DESC), d);
    qtest_writel(qts, REG(DOORBELL), HYPSEC_INJECT_DOORBELL_FIRE);
}

/* One event to its end; returns its status. */
static uint32_t run(QTestState *qts, const struct hypsec_inject_desc *d)
{
    fire(qts, d);
    wait_status(qts, HYPSEC_INJECT_STATUS_DONE, HYPSEC_INJECT_STATUS_DONE);
    return comp32(qts, HYPSEC_INJECT_C_STATUS);
}

/* An event with its plain syndrome and a value in x0. */
static struct hypsec_inject_desc event(uint32_t type, uint64_t x0)
{
    return (struct hypsec_inject_desc) {
        .type = type,
        .esr = hypsec_inject_default_esr(type),
        .xmask = 1,
        .x = { x0 },
        .cookie = 0xc00c1e,
    };
}

static void assert_refused(QTestState *qts,
                           const struct hypsec_inject_desc *d, uint32_t reason)
{
    g_assert_cmpint(run(qts, d), ==, HYPSEC_INJECT_S_REFUSED);
    g_assert_cmpint(comp32(qts, HYPSEC_INJECT_C_REASON), ==, reason);
}

/* ---- Registers ---- */

/* Without inject=on there is nothing. */
static void test_off_by_default(void)
{
    QTestState *qts = qtest_init("-M hypsec-virt");
    QDict *ret = qtest_qmp(qts, "{'execute': 'qom-get', 'arguments': {'path': "
                           "'/machine/inject', 'property': 'registers'}}");

    g_assert_true(qdict_haskey(ret, "error"));
    g_assert_cmphex(qtest_readl(qts, REG(ID)), ==, 0);
    qobject_unref(ret);
    qtest_quit(qts);
}

static const struct {
    const char *name;
    uint32_t offset;
    uint32_t value;
    uint32_t writable;
} regs[] = {
    { "ID", HYPSEC_INJECT_ID, HYPSEC_INJECT_ID_VALUE, 0 },
    { "VERSION", HYPSEC_INJECT_VERSION, 1, 0 },
    { "CAPS", HYPSEC_INJECT_CAPS, 0x802, 0 },
    { "CTRL", HYPSEC_INJECT_CTRL, 0, 7 },
    { "STATUS", HYPSEC_INJECT_STATUS, 0, 0 },
    { "SQ_HEAD", HYPSEC_INJECT_SQ_HEAD, 0, 0 },
    { "CQ_TAIL", HYPSEC_INJECT_CQ_TAIL, 0, 0 },
    { "EVENTS", HYPSEC_INJECT_EVENTS, 0, 0 },
    { "REFUSALS", HYPSEC_INJECT_REFUSALS, 0, 0 },
    { "DESC", HYPSEC_INJECT_DESC, 0, UINT32_MAX },
    { "last of DESC", HYPSEC_INJECT_DESC + 508, 0, UINT32_MAX },
    { "COMP", HYPSEC_INJECT_COMP, 0, 0 },
    { "FAULT_BASE", HYPSEC_INJECT_FAULT(7), 0, UINT32_MAX },
    { "FAULT_SEEN", HYPSEC_INJECT_FAULT(7) + HYPSEC_INJECT_FAULT_SEEN, 0, 0 },
    { "behind all ranges", HYPSEC_INJECT_FAULT(8), 0, 0 },
    { "hole", 0x3fffc, 0, 0 },
};

static void assert_reset_values(QTestState *qts)
{
    for (int i = 0; i < ARRAY_SIZE(regs); i++) {
        uint32_t value = qtest_readl(qts, HYPSEC_INJECT_BASE + regs[i].offset);

        if (value != regs[i].value) {
            g_test_message("%s", regs[i].name);
        }
        g_assert_cmphex(value, ==, regs[i].value);
    }
}

static void test_reset_values(void)
{
    QTestState *qts = start_idle();

    assert_reset_values(qts);
    qtest_quit(qts);
}

/* Writable bits keep what is written, all others their value. */
static void test_writable_bits(void)
{
    QTestState *qts = start_idle();

    for (int i = 0; i < ARRAY_SIZE(regs); i++) {
        uint64_t addr = HYPSEC_INJECT_BASE + regs[i].offset;

        qtest_writel(qts, addr, 0x7fffffff);
        g_assert_cmphex(qtest_readl(qts, addr), ==,
                        (regs[i].value & ~regs[i].writable) |
                        (0x7fffffff & regs[i].writable));
    }
    qtest_quit(qts);
}

/* Two registers of 32 bits are one access of 64, and the other way round. */
static void test_access_sizes(void)
{
    QTestState *qts = start_idle();

    g_assert_cmphex(qtest_readq(qts, REG(ID)), ==, 0x149535048);
    qtest_writeq(qts, REG(DESC) + 16, 0x1122334455667788);
    g_assert_cmphex(qtest_readl(qts, REG(DESC) + 20), ==, 0x11223344);
    qtest_writel(qts, FAULT(0, BASE) + 4, 0x12);
    g_assert_cmphex(qtest_readq(qts, FAULT(0, BASE)), ==, 0x1200000000);
    qtest_quit(qts);
}

/* Indices that are out of range are not stored, and STATUS says so. */
static void test_bad_index(void)
{
    QTestState *qts = start_idle();

    qtest_writel(qts, REG(SQ_TAIL), HYPSEC_INJECT_SQ_ENTRIES);
    g_assert_cmphex(qtest_readl(qts, REG(SQ_TAIL)), ==, 0);
    g_assert_cmphex(qtest_readl(qts, REG(STATUS)), ==,
                    HYPSEC_INJECT_STATUS_ERROR);
    qtest_writel(qts, REG(STATUS), HYPSEC_INJECT_STATUS_ERROR);
    g_assert_cmphex(qtest_readl(qts, REG(STATUS)), ==, 0);
    qtest_writel(qts, REG(CQ_HEAD), 1);
    g_assert_cmphex(qtest_readl(qts, REG(CQ_HEAD)), ==, 0);
    g_assert_cmphex(qtest_readl(qts, REG(STATUS)), ==,
                    HYPSEC_INJECT_STATUS_ERROR);
    qtest_quit(qts);
}

static void test_system_reset(void)
{
    QTestState *qts = start_idle();
    struct hypsec_inject_desc d = { };

    qtest_writel(qts, REG(CTRL), 7);
    fire(qts, &d);
    qtest_writeq(qts, FAULT(7, BASE), 0x40000000);
    qtest_system_reset(qts);
    assert_reset_values(qts);
    qtest_quit(qts);
}

/* CTRL.RESET does the same. */
static void test_ctrl_reset(void)
{
    QTestState *qts = start_idle();
    struct hypsec_inject_desc d = { };

    fire(qts, &d);
    qtest_writel(qts, REG(CTRL), HYPSEC_INJECT_CTRL_RESET | 7);
    assert_reset_values(qts);
    qtest_quit(qts);
}

/* ---- Refusals ---- */

typedef struct Malformed {
    const char *name;
    struct hypsec_inject_desc d;
    uint32_t reason;
} Malformed;

static const Malformed malformed[] = {
    { "type-zero", { }, HYPSEC_INJECT_R_BAD_TYPE },
    { "type-unknown", { .type = HYPSEC_INJECT_TYPES },
      HYPSEC_INJECT_R_BAD_TYPE },
    { "type-wild", { .type = UINT32_MAX }, HYPSEC_INJECT_R_BAD_TYPE },
    { "cpu", { .type = 1, .cpu = 2 }, HYPSEC_INJECT_R_BAD_CPU },
    { "cpu-wild", { .type = 1, .cpu = UINT32_MAX }, HYPSEC_INJECT_R_BAD_CPU },
    { "flags", { .type = 1, .flags = HYPSEC_INJECT_F_ALL + 1 },
      HYPSEC_INJECT_R_BAD_FLAGS },
    { "delay-without-at-el2", { .type = 1, .delay = 1 },
      HYPSEC_INJECT_R_BAD_FLAGS },
    { "at-el2-with-pstate",
      { .type = 1, .flags = HYPSEC_INJECT_F_AT_EL2 |
                            HYPSEC_INJECT_F_USE_PSTATE, .pstate = 0x3c5 },
      HYPSEC_INJECT_R_BAD_FLAGS },
    { "at-el2-repeated",
      { .type = 1, .flags = HYPSEC_INJECT_F_AT_EL2, .repeat = 2 },
      HYPSEC_INJECT_R_BAD_FLAGS },
    { "x31", { .type = 1, .xmask = 1ULL << 31 },
      HYPSEC_INJECT_R_BAD_RESERVED },
    { "first-reserved", { .type = 1, .reserved = { 1 } },
      HYPSEC_INJECT_R_BAD_RESERVED },
    { "last-reserved", { .type = 1, .reserved = { [21] = 1ULL << 63 } },
      HYPSEC_INJECT_R_BAD_RESERVED },
    { "bound", { .type = 1, .bound = HYPSEC_INJECT_BOUND_MAX + 1 },
      HYPSEC_INJECT_R_BAD_BOUND },
    { "pstate-el2",
      { .type = 1, .flags = HYPSEC_INJECT_F_USE_PSTATE, .pstate = 0x3c9 },
      HYPSEC_INJECT_R_BAD_PSTATE },
    { "pstate-aarch32",
      { .type = 1, .flags = HYPSEC_INJECT_F_USE_PSTATE, .pstate = 0x1d3 },
      HYPSEC_INJECT_R_BAD_PSTATE },
    { "pstate-high",
      { .type = 1, .flags = HYPSEC_INJECT_F_USE_PSTATE,
        .pstate = 1ULL << 40 | 0x3c5 },
      HYPSEC_INJECT_R_BAD_PSTATE },
    { "cpu-off", { .type = 1, .cpu = 1 }, HYPSEC_INJECT_R_CPU_OFF },
    { "at-el2-of-idle-cpu", { .type = 1 }, HYPSEC_INJECT_R_WRONG_EL },
};

/* A malformed descriptor is refused with a reason. */
static void test_malformed(const void *data)
{
    const Malformed *m = data;
    QTestState *qts = start_idle();

    assert_refused(qts, &m->d, m->reason);
    g_assert_cmpint(qtest_readq(qts, REG(EVENTS)), ==, 1);
    g_assert_cmpint(qtest_readq(qts, REG(REFUSALS)), ==, 1);
    qtest_quit(qts);
}

/* The same in the ring, all at once: each has its completion. */
static void test_malformed_ring(void)
{
    QTestState *qts = start_idle();

    for (int i = 0; i < ARRAY_SIZE(malformed); i++) {
        struct hypsec_inject_desc d = malformed[i].d;

        d.cookie = i;
        d.flags |= HYPSEC_INJECT_F_FENCE;
        put_desc(qts, REG(SQ) + i * HYPSEC_INJECT_RECORD_BYTES, &d);
    }
    qtest_writel(qts, REG(SQ_TAIL), ARRAY_SIZE(malformed));
    wait_status(qts, HYPSEC_INJECT_STATUS_RING_BUSY, 0);
    g_assert_cmpint(qtest_readl(qts, REG(CQ_TAIL)), ==, ARRAY_SIZE(malformed));
    for (int i = 0; i < ARRAY_SIZE(malformed); i++) {
        uint64_t c = REG(CQ) + i * HYPSEC_INJECT_RECORD_BYTES;

        g_assert_cmpint(qtest_readq(qts, c + HYPSEC_INJECT_C_COOKIE), ==, i);
        g_assert_cmpint(qtest_readl(qts, c + HYPSEC_INJECT_C_REASON), ==,
                        malformed[i].reason);
        g_assert_cmpint(qtest_readl(qts, c + HYPSEC_INJECT_C_SQ_INDEX), ==, i);
    }
    qtest_quit(qts);
}

/* Memory that is all ones is a queue of refusals. */
static void test_ring_of_ones(void)
{
    QTestState *qts = start_idle();

    qtest_memset(qts, REG(SQ), 0xff,
                 HYPSEC_INJECT_SQ_ENTRIES * HYPSEC_INJECT_RECORD_BYTES);
    qtest_writel(qts, REG(SQ_TAIL), HYPSEC_INJECT_SQ_ENTRIES - 1);
    g_assert_cmpint(qtest_readl(qts, REG(SQ_HEAD)), ==,
                    HYPSEC_INJECT_SQ_ENTRIES - 1);
    g_assert_cmpint(qtest_readq(qts, REG(REFUSALS)), ==,
                    HYPSEC_INJECT_SQ_ENTRIES - 1);
    qtest_quit(qts);
}

/* A full completion queue stops the other one until there is room. */
static void test_cq_stall(void)
{
    const uint32_t last = HYPSEC_INJECT_SQ_ENTRIES - 1;
    QTestState *qts = start_idle();

    qtest_writel(qts, REG(SQ_TAIL), last);
    qtest_writel(qts, REG(SQ_TAIL), last - 1);
    qtest_writel(qts, REG(SQ_TAIL), last - 2);
    g_assert_cmpint(qtest_readl(qts, REG(CQ_TAIL)), ==,
                    HYPSEC_INJECT_CQ_ENTRIES - 1);
    g_assert_cmphex(qtest_readl(qts, REG(STATUS)), ==,
                    HYPSEC_INJECT_STATUS_CQ_STALL |
                    HYPSEC_INJECT_STATUS_CQ_READY |
                    HYPSEC_INJECT_STATUS_RING_BUSY);
    qtest_writel(qts, REG(CQ_HEAD), HYPSEC_INJECT_CQ_ENTRIES - 1);
    g_assert_cmphex(qtest_readl(qts, REG(STATUS)) &
                    (HYPSEC_INJECT_STATUS_CQ_STALL |
                     HYPSEC_INJECT_STATUS_RING_BUSY), ==, 0);
    qtest_quit(qts);
}

/* The interrupt follows DONE and the completion queue, if enabled. */
static void test_irq(void)
{
    QTestState *qts = start_idle();
    struct hypsec_inject_desc d = { };

    qtest_irq_intercept_out_named(qts, "/machine/inject", "sysbus-irq");
    fire(qts, &d);
    g_assert_false(qtest_get_irq(qts, 0));
    qtest_writel(qts, REG(CTRL), HYPSEC_INJECT_CTRL_IE_SINGLE);
    g_assert_true(qtest_get_irq(qts, 0));
    qtest_writel(qts, REG(STATUS), HYPSEC_INJECT_STATUS_DONE);
    g_assert_false(qtest_get_irq(qts, 0));
    qtest_writel(qts, REG(CTRL), HYPSEC_INJECT_CTRL_IE_RING);
    qtest_writel(qts, REG(SQ_TAIL), 1);
    g_assert_true(qtest_get_irq(qts, 0));
    qtest_writel(qts, REG(CQ_HEAD), 1);
    g_assert_false(qtest_get_irq(qts, 0));
    qtest_quit(qts);
}

/* Without a running CPU an event ends at EL2's vector, and is undone. */
static void test_idle_entry(void)
{
    QTestState *qts = start_idle();
    struct hypsec_inject_desc d = event(HYPSEC_INJECT_DABT, 0x77);
    g_autofree char *before = registers(qts);
    g_autofree char *after = NULL;

    d.flags = HYPSEC_INJECT_F_FORCE_EL2 | HYPSEC_INJECT_F_USE_PSTATE |
              HYPSEC_INJECT_F_USE_PC;
    d.pstate = 0x3c5;
    d.pc = 0x1234;
    d.far = 0x5678;
    d.hpfar = 0x90;
    g_assert_cmpint(run(qts, &d), ==, HYPSEC_INJECT_S_DONE_ENTRY);
    g_assert_cmphex(comp64(qts, HYPSEC_INJECT_C_ELR_EL2), ==, 0x1234);
    g_assert_cmphex(comp64(qts, HYPSEC_INJECT_C_SPSR_EL2), ==, 0x3c5);
    g_assert_cmphex(comp64(qts, HYPSEC_INJECT_C_ESR_EL2), ==, d.esr);
    g_assert_cmphex(comp64(qts, HYPSEC_INJECT_C_FAR_EL2), ==, 0x5678);
    g_assert_cmphex(comp64(qts, HYPSEC_INJECT_C_HPFAR_EL2), ==, 0x90);
    g_assert_cmphex(comp64(qts, HYPSEC_INJECT_C_X), ==, 0x77);
    g_assert_cmphex(comp32(qts, HYPSEC_INJECT_C_FLAGS), ==,
                    HYPSEC_INJECT_CF_IMPOSSIBLE | HYPSEC_INJECT_CF_FORCED);
    after = registers(qts);
    g_assert_true(!strncmp(before, after, strstr(before, "elr_el2") - before));
    qtest_quit(qts);
}

/* ---- Events ---- */

/* HVC comes back behind itself, with x0 as EL2 left it. */
static void test_hvc(void)
{
    QTestState *qts = start_stub("");
    struct hypsec_inject_desc d = event(HYPSEC_INJECT_HVC, EL2_ESR);

    d.flags = HYPSEC_INJECT_F_USE_PC;
    d.pc = 0x41000000;
    d.esr |= 0x1234;
    g_assert_cmpint(run(qts, &d), ==, HYPSEC_INJECT_S_DONE_EL2);
    g_assert_cmphex(comp64(qts, HYPSEC_INJECT_C_COOKIE), ==, d.cookie);
    g_assert_cmphex(comp64(qts, HYPSEC_INJECT_C_X), ==, 0x5a001234);
    g_assert_cmphex(comp64(qts, HYPSEC_INJECT_C_PC), ==, 0x41000004);
    g_assert_cmphex(comp64(qts, HYPSEC_INJECT_C_PSTATE), ==, 0x3c5);
    g_assert_cmphex(comp64(qts, HYPSEC_INJECT_C_HCR_EL2), ==, 0x80082020);
    g_assert_cmpint(comp32(qts, HYPSEC_INJECT_C_EL), ==, 1);
    g_assert_cmphex(comp32(qts, HYPSEC_INJECT_C_FLAGS), ==, 0);
    qtest_quit(qts);
}

typedef struct Routed {
    const char *name;
    uint32_t type;
    uint64_t esr;
    uint64_t pstate;
    uint32_t flags;
    uint32_t status;
    uint32_t detail; /* ESR_EL1, or the reason */
    uint32_t comp_flags;
} Routed;

#define NOT HYPSEC_INJECT_S_NOT_TRAPPED
#define EL1 HYPSEC_INJECT_S_DONE_EL1
#define EL2 HYPSEC_INJECT_S_DONE_EL2
#define FORCED (HYPSEC_INJECT_CF_FORCED | HYPSEC_INJECT_CF_IMPOSSIBLE)

/* HCR_EL2 is RW, TSC, TWI, AMO. */
static const Routed routed[] = {
    { "hvc-el0", HYPSEC_INJECT_HVC, 0, 0x3c0, 0, EL1, 0x02000000 },
    { "hvc-el0-forced", HYPSEC_INJECT_HVC, 0, 0x3c0,
      HYPSEC_INJECT_F_FORCE_EL2, EL2, 0, FORCED },
    { "smc", HYPSEC_INJECT_SMC, 0, 0x3c5, 0, EL2 },
    { "smc-el0", HYPSEC_INJECT_SMC, 0, 0x3c0, 0, EL1, 0x02000000 },
    { "dabt-stage-2-off", HYPSEC_INJECT_DABT, 0, 0x3c5, 0, NOT,
      HYPSEC_INJECT_R_STAGE2_OFF },
    { "dabt-external", HYPSEC_INJECT_DABT, 0x92000010, 0x3c5, 0, EL1,
      0x96000010 },
    { "dabt-external-el0", HYPSEC_INJECT_DABT, 0x92000010, 0x3c0, 0, EL1,
      0x92000010 },
    { "iabt-external", HYPSEC_INJECT_IABT, 0x82000010, 0x3c5, 0, EL1,
      0x86000010 },
    { "sysreg-not-trapped", HYPSEC_INJECT_SYSREG, 0, 0x3c5, 0, NOT,
      HYPSEC_INJECT_R_NOT_ROUTED },
    { "sysreg-el0", HYPSEC_INJECT_SYSREG, 0, 0x3c0, 0, EL1, 0x02000000 },
    { "sysreg-unknown", HYPSEC_INJECT_SYSREG, 0x623fffff, 0x3c5, 0, EL1,
      0x02000000 },
    { "sysreg-el2-register", HYPSEC_INJECT_SYSREG, 0x62344401, 0x3c5, 0, EL1,
      0x02000000 },
    { "wfi", HYPSEC_INJECT_WFX, 0, 0x3c5, 0, EL2 },
    { "wfe-not-trapped", HYPSEC_INJECT_WFX, 0x07e00001, 0x3c5, 0, NOT,
      HYPSEC_INJECT_R_NOT_ROUTED },
    { "fp-cpacr", HYPSEC_INJECT_FP, 0, 0x3c5, 0, EL1, 0x1fe00000 },
    { "brk", HYPSEC_INJECT_BRK, 0, 0x3c5, 0, EL1, 0xf2000000 },
    { "illegal", HYPSEC_INJECT_ILLEGAL, 0, 0x3c5, 0, EL1, 0x3a000000 },
    { "undef", HYPSEC_INJECT_UNDEF, 0, 0x3c5, 0, EL1, 0x02000000 },
    { "undef-forced", HYPSEC_INJECT_UNDEF, 0, 0x3c5,
      HYPSEC_INJECT_F_FORCE_EL2, EL2, 0, FORCED },
    { "serror", HYPSEC_INJECT_SERROR, 0, 0x3c5, 0, EL2 },
    { "irq", HYPSEC_INJECT_IRQ, 0, 0x345, 0, EL1 },
    { "irq-masked", HYPSEC_INJECT_IRQ, 0, 0x3c5, 0, NOT,
      HYPSEC_INJECT_R_MASKED },
    { "irq-forced", HYPSEC_INJECT_IRQ, 0, 0x3c5, HYPSEC_INJECT_F_FORCE_EL2,
      EL2, 0, FORCED },
    { "irq-el0", HYPSEC_INJECT_IRQ, 0, 0x340, 0, EL1 },
    { "irq-el0-masked", HYPSEC_INJECT_IRQ, 0, 0x3c0, 0, NOT,
      HYPSEC_INJECT_R_MASKED },
    { "fiq-el0-masked", HYPSEC_INJECT_FIQ, 0, 0x3c0, 0, NOT,
      HYPSEC_INJECT_R_MASKED },
    { "fiq", HYPSEC_INJECT_FIQ, 0, 0x385, 0, EL1 },
    { "virq-not-routed", HYPSEC_INJECT_VIRQ, 0, 0x345, 0, NOT,
      HYPSEC_INJECT_R_NOT_ROUTED },
    { "vserror", HYPSEC_INJECT_VSERROR, 0, 0x2c5, 0, EL1, 0xbe000000 },
    { "vserror-masked", HYPSEC_INJECT_VSERROR, 0, 0x3c5, 0, NOT,
      HYPSEC_INJECT_R_MASKED },
};

/* Events go where HCR_EL2 and PSTATE send them; the CPU stays as it was. */
static void test_routed(const void *data)
{
    const Routed *r = data;
    QTestState *qts = start_stub("");
    struct hypsec_inject_desc d = event(r->type, EL2_RETURN);
    g_autofree char *before = registers(qts);
    g_autofree char *after = NULL;
    const char *elr = strstr(before, "elr_el1");

    d.esr = r->esr ?: d.esr;
    d.flags = r->flags | HYPSEC_INJECT_F_USE_PSTATE;
    d.pstate = r->pstate;
    g_assert_cmpint(run(qts, &d), ==, r->status);
    g_assert_cmphex(comp32(qts, HYPSEC_INJECT_C_FLAGS), ==, r->comp_flags);
    if (r->status == NOT) {
        g_assert_cmpint(comp32(qts, HYPSEC_INJECT_C_REASON), ==, r->detail);
    } else if (r->status == EL1 && r->detail) {
        g_assert_cmphex(comp64(qts, HYPSEC_INJECT_C_ESR_EL1), ==, r->detail);
        g_assert_cmphex(comp64(qts, HYPSEC_INJECT_C_SPSR_EL1), ==, r->pstate);
    }
    after = registers(qts);
    g_assert_true(!strncmp(before, after, elr - before));
    qtest_quit(qts);
}

typedef struct Syndrome {
    const char *name;
    uint32_t type;
    uint64_t esr;
    bool impossible;
} Syndrome;

static const Syndrome syndromes[] = {
    { "load-8-to-x31", HYPSEC_INJECT_DABT, 0x93df8007, false },
    { "load-1-sign-extended", HYPSEC_INJECT_DABT, 0x93200007, false },
    { "no-isv", HYPSEC_INJECT_DABT, 0x92000007, false },
    { "stage-1-walk", HYPSEC_INJECT_DABT, 0x92000086, false },
    { "wrong-class", HYPSEC_INJECT_DABT, 0x5a000000, true },
    { "isv-in-stage-1-walk", HYPSEC_INJECT_DABT, 0x93c08087, true },
    { "srt-without-isv", HYPSEC_INJECT_DABT, 0x92010007, true },
    { "sign-extended-store", HYPSEC_INJECT_DABT, 0x93200047, true },
    { "sixteen-bit-instruction", HYPSEC_INJECT_DABT, 0x90000007, true },
    { "permission-level-0", HYPSEC_INJECT_DABT, 0x9200000c, true },
    { "high-half", HYPSEC_INJECT_DABT, 0x192000007, true },
    { "wfe", HYPSEC_INJECT_WFX, 0x07e00001, false },
    { "wfe-reserved-bits", HYPSEC_INJECT_WFX, 0x07e00009, true },
    { "sysreg-reserved-bits", HYPSEC_INJECT_SYSREG, 0x63c00000, true },
    { "fetch", HYPSEC_INJECT_IABT, 0x82000007, false },
    { "fetch-that-writes", HYPSEC_INJECT_IABT, 0x82000047, true },
};

/* A syndrome that no CPU gives reaches EL2 all the same, and is flagged. */
static void test_syndrome(const void *data)
{
    const Syndrome *s = data;
    QTestState *qts = start_stub("");
    struct hypsec_inject_desc d = event(s->type, EL2_ESR);
    uint32_t expected = s->impossible ? HYPSEC_INJECT_CF_IMPOSSIBLE : 0;

    d.esr = s->esr;
    d.flags = HYPSEC_INJECT_F_FORCE_EL2;
    g_assert_cmpint(run(qts, &d), ==, EL2);
    g_assert_cmphex(comp64(qts, HYPSEC_INJECT_C_X), ==, s->esr);
    /* Stage 2 is off, so that all of them are forced. */
    expected |= FORCED;
    g_assert_cmphex(comp32(qts, HYPSEC_INJECT_C_FLAGS), ==, expected);
    /* What is forced is impossible anyway: only this tells them apart. */
    d.flags = 0;
    run(qts, &d);
    g_assert_cmphex(comp32(qts, HYPSEC_INJECT_C_FLAGS), ==,
                    s->impossible ? HYPSEC_INJECT_CF_IMPOSSIBLE : 0);
    qtest_quit(qts);
}

/* An exception that EL2 injects is seen at EL1's vector. */
static void test_injected(void)
{
    QTestState *qts = start_stub("");
    struct hypsec_inject_desc d = event(HYPSEC_INJECT_HVC, EL2_INJECT);

    g_assert_cmpint(run(qts, &d), ==, EL2);
    g_assert_cmphex(comp32(qts, HYPSEC_INJECT_C_FLAGS), ==,
                    HYPSEC_INJECT_CF_INJECTED);
    g_assert_cmphex(comp32(qts, HYPSEC_INJECT_C_VECTOR), ==, 0x200);
    qtest_quit(qts);
}

/* A return with another VTTBR_EL2 is to the wrong world. */
static void test_wrong_world(void)
{
    QTestState *qts = start_stub("");
    struct hypsec_inject_desc d = event(HYPSEC_INJECT_HVC, EL2_WORLD);

    d.xmask |= 2;
    d.x[1] = 0x3000040000000;
    g_assert_cmpint(run(qts, &d), ==, EL2);
    g_assert_cmphex(comp32(qts, HYPSEC_INJECT_C_FLAGS), ==,
                    HYPSEC_INJECT_CF_WRONG_WORLD);
    g_assert_cmphex(comp64(qts, HYPSEC_INJECT_C_VTTBR_EL2), ==, d.x[1]);
    qtest_quit(qts);
}

/* EL2 that loops is reported, and the CPU takes no more. */
static void test_hung(const void *data)
{
    QTestState *qts = start_stub(data);
    struct hypsec_inject_desc d = event(HYPSEC_INJECT_HVC, EL2_LOOP);

    d.bound = 100000;
    g_assert_cmpint(run(qts, &d), ==, HYPSEC_INJECT_S_HUNG);
    g_assert_cmpint(comp32(qts, HYPSEC_INJECT_C_EL), ==, 2);
    d = event(HYPSEC_INJECT_HVC, EL2_RETURN);
    assert_refused(qts, &d, HYPSEC_INJECT_R_CPU_HUNG);
    qtest_quit(qts);
}

/* EL2 that returns too late leaves the CPU usable. */
static void test_late_return(void)
{
    QTestState *qts = start_stub("");
    struct hypsec_inject_desc d = event(HYPSEC_INJECT_HVC, EL2_WAIT);
    gint64 end = g_get_monotonic_time() + WAIT_SECONDS * G_TIME_SPAN_SECOND;

    d.bound = 100000;
    g_assert_cmpint(run(qts, &d), ==, HYPSEC_INJECT_S_HUNG);
    qtest_writeq(qts, REPORT_BASE, 1);
    d = event(HYPSEC_INJECT_HVC, EL2_RETURN);
    while (run(qts, &d) != EL2) {
        g_assert_cmpint(g_get_monotonic_time(), <, end);
    }
    qtest_quit(qts);
}

/* A panic is reported when the machine has stopped. */
static void test_panicked(void)
{
    QTestState *qts = start_stub("");
    struct hypsec_inject_desc d = event(HYPSEC_INJECT_HVC, EL2_PANIC);

    g_assert_cmpint(run(qts, &d), ==, HYPSEC_INJECT_S_PANICKED);
    d = event(HYPSEC_INJECT_HVC, EL2_RETURN);
    assert_refused(qts, &d, HYPSEC_INJECT_R_CPU_HUNG);
    qtest_quit(qts);
}

/* A CPU that EL2 powers off ends its event. */
static void test_cpu_off(void)
{
    QTestState *qts = start_stub("");
    struct hypsec_inject_desc d = event(HYPSEC_INJECT_HVC, EL2_OFF);

    g_assert_cmpint(run(qts, &d), ==, HYPSEC_INJECT_S_DONE_OFF);
    d = event(HYPSEC_INJECT_HVC, EL2_RETURN);
    assert_refused(qts, &d, HYPSEC_INJECT_R_CPU_OFF);
    qtest_quit(qts);
}

/* AT_EL2 happens to a CPU that is at EL2. */
static void test_at_el2(void)
{
    QTestState *qts = start_stub("");
    struct hypsec_inject_desc d[2] = {
        event(HYPSEC_INJECT_HVC, EL2_WAIT), event(HYPSEC_INJECT_HVC, 1),
    };

    d[1].flags = HYPSEC_INJECT_F_AT_EL2;
    d[1].xmask = 0;
    put_desc(qts, REG(SQ), &d[0]);
    put_desc(qts, REG(SQ) + HYPSEC_INJECT_RECORD_BYTES, &d[1]);
    qtest_writel(qts, REG(SQ_TAIL), 2);
    /* The handler of EL2's own exceptions returns at once. */
    while (qtest_readl(qts, REG(CQ_TAIL)) != 1) {
        g_usleep(100);
    }
    g_assert_cmpint(qtest_readl(qts, REG(CQ) + HYPSEC_INJECT_C_SQ_INDEX), ==,
                    1);
    g_assert_cmpint(qtest_readl(qts, REG(CQ) + HYPSEC_INJECT_C_STATUS), ==,
                    EL2);
    g_assert_cmpint(qtest_readl(qts, REG(CQ) + HYPSEC_INJECT_C_EL), ==, 2);
    qtest_quit(qts);
}

/* KEEP leaves the CPU where EL2 returned to. */
static void test_keep(void)
{
    QTestState *qts = start_stub("");
    struct hypsec_inject_desc d = event(HYPSEC_INJECT_HVC, EL2_ESR);
    g_autofree char *text = NULL;

    d.flags = HYPSEC_INJECT_F_KEEP;
    g_assert_cmpint(run(qts, &d), ==, EL2);
    text = registers(qts);
    g_assert_nonnull(strstr(text, "x0  000000005a000000"));
    qtest_quit(qts);
}

/* An event waits for the machine to run, and can be withdrawn. */
static void test_abort(void)
{
    QTestState *qts = start_stub("");
    struct hypsec_inject_desc d = event(HYPSEC_INJECT_HVC, EL2_RETURN);

    qtest_qmp_assert_success(qts, "{'execute': 'stop'}");
    fire(qts, &d);
    g_assert_cmphex(qtest_readl(qts, REG(STATUS)), ==,
                    HYPSEC_INJECT_STATUS_BUSY | 0x10000);
    qtest_writel(qts, REG(DOORBELL), HYPSEC_INJECT_DOORBELL_ABORT);
    g_assert_cmphex(qtest_readl(qts, REG(STATUS)), ==,
                    HYPSEC_INJECT_STATUS_DONE);
    g_assert_cmpint(comp32(qts, HYPSEC_INJECT_C_REASON), ==,
                    HYPSEC_INJECT_R_ABORTED);
    qtest_quit(qts);
}

/* ---- Ring ---- */

#define RING_EVENTS 500

static void test_ring(const void *data)
{
    QTestState *qts = start_stub(data);

    for (int i = 0; i < RING_EVENTS; i++) {
        struct hypsec_inject_desc d = event(HYPSEC_INJECT_HVC, EL2_ESR);

        d.esr |= i;
        put_desc(qts, REG(SQ) + i * HYPSEC_INJECT_RECORD_BYTES, &d);
    }
    qtest_writel(qts, REG(SQ_TAIL), RING_EVENTS);
    wait_status(qts, HYPSEC_INJECT_STATUS_RING_BUSY, 0);
    g_assert_cmpint(qtest_readl(qts, REG(CQ_TAIL)), ==, RING_EVENTS);
    for (int i = 0; i < RING_EVENTS; i++) {
        uint64_t c = REG(CQ) + i * HYPSEC_INJECT_RECORD_BYTES;

        g_assert_cmphex(qtest_readq(qts, c + HYPSEC_INJECT_C_X), ==,
                        0x5a000000 + i);
        g_assert_cmpint(qtest_readq(qts, c + HYPSEC_INJECT_C_SEQUENCE), ==,
                        i + 1);
    }
    qtest_quit(qts);
}

/* The instructions that EL2 spends are exact under icount. */
static void test_icount(void)
{
    QTestState *qts = start_stub("-icount shift=0,sleep=off");
    struct hypsec_inject_desc d = event(HYPSEC_INJECT_HVC, EL2_RETURN);

    d.repeat = 1000;
    g_assert_cmpint(run(qts, &d), ==, EL2);
    g_assert_cmphex(comp32(qts, HYPSEC_INJECT_C_FLAGS), ==,
                    HYPSEC_INJECT_CF_ICOUNT_VALID);
    g_assert_cmpint(comp64(qts, HYPSEC_INJECT_C_COUNT), ==, 1000);
    /* b, cbz, eret */
    g_assert_cmpint(comp64(qts, HYPSEC_INJECT_C_INSNS_LAST), ==, 3);
    g_assert_cmpint(comp64(qts, HYPSEC_INJECT_C_INSNS), ==, 3000);
    qtest_quit(qts);
}

/* ---- Bus faults ---- */

#define FAULT_PAGE 0x45000000

/* EL2_WAIT reads this page through the CPU; qtest does not see errors. */
static uint32_t set_fault(QTestState *qts, uint64_t base, uint64_t size,
                          uint32_t ctrl)
{
    qtest_writel(qts, FAULT(0, CTRL), 0);
    qtest_writeq(qts, FAULT(0, BASE), base);
    qtest_writeq(qts, FAULT(0, SIZE), size);
    qtest_writel(qts, FAULT(0, CTRL), ctrl | HYPSEC_INJECT_FAULT_ENABLE);
    return qtest_readl(qts, FAULT(0, CTRL));
}

/* Ranges that are unaligned, empty, too large or over the device itself. */
static void test_fault_refused(void)
{
    QTestState *qts = start_idle();
    static const uint64_t bad[][2] = {
        { FAULT_PAGE, 0 }, { FAULT_PAGE + 1, 0x1000 }, { FAULT_PAGE, 0x800 },
        { HYPSEC_INJECT_BASE, 0x1000 }, { 0, 1ULL << 40 },
        { UINT64_MAX - 0xfff, 0x1000 }, { 0, UINT64_MAX - 0xfff },
        { HYPSEC_INJECT_BASE - 0x1000, 0x2000 },
    };

    for (int i = 0; i < ARRAY_SIZE(bad); i++) {
        g_assert_cmphex(set_fault(qts, bad[i][0], bad[i][1],
                                  HYPSEC_INJECT_FAULT_READ), ==,
                        HYPSEC_INJECT_FAULT_REFUSED |
                        HYPSEC_INJECT_FAULT_READ);
    }
    qtest_quit(qts);
}

/* From the n-th read on, as often as asked; before and after it is RAM. */
static void test_fault_nth(void)
{
    QTestState *qts = start_idle();
    const uint64_t value = 0x0123456789abcdef;

    qtest_writeq(qts, FAULT_PAGE, value);
    qtest_writeq(qts, FAULT(0, NTH), 3);
    qtest_writeq(qts, FAULT(0, COUNT), 2);
    set_fault(qts, FAULT_PAGE, 0x1000, HYPSEC_INJECT_FAULT_READ);
    for (int i = 1; i <= 6; i++) {
        g_assert_cmphex(qtest_readq(qts, FAULT_PAGE), ==,
                        i == 3 || i == 4 ? 0 : value);
    }
    qtest_writeq(qts, FAULT_PAGE, ~value);
    qtest_writel(qts, FAULT(0, CTRL), 0);
    g_assert_cmphex(qtest_readq(qts, FAULT_PAGE), ==, ~value);
    g_assert_cmpint(qtest_readq(qts, FAULT(0, SEEN)), ==, 6);
    g_assert_cmpint(qtest_readq(qts, FAULT(0, FAILED)), ==, 2);
    qtest_quit(qts);
}

/* Writes that fail do not arrive. */
static void test_fault_write(void)
{
    QTestState *qts = start_idle();

    set_fault(qts, FAULT_PAGE, 0x1000, HYPSEC_INJECT_FAULT_WRITE);
    qtest_writel(qts, FAULT_PAGE + 8, 0x55);
    g_assert_cmphex(qtest_readl(qts, FAULT_PAGE + 8), ==, 0);
    qtest_quit(qts);
}

/* Over a device, accesses that do not fail reach it. */
static void test_fault_mmio(void)
{
    QTestState *qts = start_idle();
    const uint64_t pl011_id = 0x09000fe0;
    uint32_t id = qtest_readl(qts, pl011_id);

    g_assert_cmphex(id, ==, 0x11);
    qtest_writeq(qts, FAULT(0, NTH), 2);
    set_fault(qts, 0x09000000, 0x1000, HYPSEC_INJECT_FAULT_READ);
    g_assert_cmphex(qtest_readl(qts, pl011_id), ==, id);
    g_assert_cmphex(qtest_readl(qts, pl011_id), ==, 0);
    qtest_quit(qts);
}

/* A load of the CPU takes a synchronous external abort. */
static void test_fault_cpu(void)
{
    QTestState *qts = start_stub("");
    struct hypsec_inject_desc d = event(HYPSEC_INJECT_HVC, EL2_WAIT);

    d.bound = 100000000;
    set_fault(qts, REPORT_BASE, 0x1000, HYPSEC_INJECT_FAULT_READ);
    /* EL2's own handler returns to the load, for ever. */
    g_assert_cmpint(run(qts, &d), ==, HYPSEC_INJECT_S_HUNG);
    g_assert_cmphex(comp64(qts, HYPSEC_INJECT_C_ESR_EL2), ==, 0x96000210);
    g_assert_cmphex(comp64(qts, HYPSEC_INJECT_C_FAR_EL2), ==, REPORT_BASE);
    qtest_quit(qts);
}

/* A master behind PCIe: an NVMe controller, of its registers the first page. */
#define NVME_CONFIG 0x3f010000 /* ECAM of 00:02.0 */
#define NVME_BASE 0x10000000
#define NVME_CC 0x14
#define NVME_CC_ENABLE 0x00460001 /* entries of 64 and 16 bytes */
#define NVME_CSTS 0x1c
#define NVME_CSTS_FATAL 0x2
#define NVME_AQA 0x24
#define NVME_ASQ 0x28
#define NVME_ACQ 0x30
#define NVME_DOORBELL 0x1000
#define NVME_QUEUE FAULT_PAGE
#define NVME_REPLIES (FAULT_PAGE + 0x1000)
#define NVME_PHASE (1 << 16) /* of a reply's last word: it is there */

/* Has the controller fetch one command by DMA. */
static QTestState *start_nvme(uint32_t fault)
{
    QTestState *qts = qtest_init("-M hypsec-virt,inject=on "
                                 "-device nvme,serial=0,addr=2.0");

    qtest_writel(qts, NVME_CONFIG + 0x10, NVME_BASE);
    qtest_writel(qts, NVME_CONFIG + 0x14, 0);
    qtest_writew(qts, NVME_CONFIG + 0x04, 0x6); /* memory, bus master */
    qtest_writel(qts, NVME_BASE + NVME_AQA, 0x00010001);
    qtest_writeq(qts, NVME_BASE + NVME_ASQ, NVME_QUEUE);
    qtest_writeq(qts, NVME_BASE + NVME_ACQ, NVME_REPLIES);
    qtest_writel(qts, NVME_BASE + NVME_CC, NVME_CC_ENABLE);
    if (fault) {
        set_fault(qts, NVME_QUEUE, 0x1000, fault);
    }
    qtest_writel(qts, NVME_BASE + NVME_DOORBELL, 1);
    return qts;
}

/* Waits until a bit of the word at @pa is set. */
static void wait_bit(QTestState *qts, uint64_t pa, uint32_t bit)
{
    gint64 end = g_get_monotonic_time() + WAIT_SECONDS * G_USEC_PER_SEC;

    while (!(qtest_readl(qts, pa) & bit)) {
        g_assert_cmpint(g_get_monotonic_time(), <, end);
        qtest_clock_step(qts, 1000000);
    }
}

/* DMA that reads a faulty page gets an error response. */
static void test_fault_dma(void)
{
    QTestState *qts = start_nvme(HYPSEC_INJECT_FAULT_READ);

    wait_bit(qts, NVME_BASE + NVME_CSTS, NVME_CSTS_FATAL);
    g_assert_cmphex(qtest_readl(qts, NVME_REPLIES + 12), ==, 0);
    g_assert_cmpint(qtest_readq(qts, FAULT(0, FAILED)), >=, 1);
    qtest_quit(qts);
}

/* The same DMA without a fault, or with one for writes alone, is answered. */
static void test_fault_dma_allowed(void)
{
    static const uint32_t faults[] = { 0, HYPSEC_INJECT_FAULT_WRITE };

    for (int i = 0; i < ARRAY_SIZE(faults); i++) {
        QTestState *qts = start_nvme(faults[i]);

        wait_bit(qts, NVME_REPLIES + 12, NVME_PHASE);
        g_assert_cmphex(qtest_readl(qts, NVME_BASE + NVME_CSTS) &
                        NVME_CSTS_FATAL, ==, 0);
        qtest_quit(qts);
    }
}

/* ---- Snapshots ---- */

static char *migrate_to_file(QTestState *qts, const char *name)
{
    g_autofree char *path = hypsec_tmp_path(name);
    char *uri = g_strdup_printf("file:%s", path);

    qtest_qmp_assert_success(qts, "{'execute': 'migrate', 'arguments': "
                             "{'uri': %s}}", uri);
    g_assert_true(hypsec_wait_migration(qts));
    return uri;
}

/* In the middle of an event, which then ends where it was loaded. */
static void test_migrate_in_flight(const void *data)
{
    QTestState *qts = start_stub(data);
    struct hypsec_inject_desc d = event(HYPSEC_INJECT_HVC, EL2_WAIT);
    g_autofree char *args = g_strdup_printf("-accel tcg -M hypsec-virt,inject="
                                            "on -m 256M -kernel %s %s "
                                            "-incoming defer", stub_image(),
                                            (const char *)data);
    g_autofree char *uri = NULL;

    fire(qts, &d);
    wait_status(qts, HYPSEC_INJECT_STATUS_BUSY, HYPSEC_INJECT_STATUS_BUSY);
    uri = migrate_to_file(qts, "in-flight");
    qtest_quit(qts);

    qts = qtest_init(args);
    qtest_qmp_assert_success(qts, "{'execute': 'migrate-incoming', "
                             "'arguments': {'uri': %s}}", uri);
    g_assert_true(hypsec_wait_migration(qts));
    g_assert_cmphex(qtest_readl(qts, REG(STATUS)), ==,
                    HYPSEC_INJECT_STATUS_BUSY | 0x10000);
    qtest_writeq(qts, REPORT_BASE, 0x99);
    wait_status(qts, HYPSEC_INJECT_STATUS_DONE, HYPSEC_INJECT_STATUS_DONE);
    g_assert_cmpint(comp32(qts, HYPSEC_INJECT_C_STATUS), ==, EL2);
    g_assert_cmphex(comp64(qts, HYPSEC_INJECT_C_X), ==, 0x99);
    qtest_quit(qts);
    unlink(uri + strlen("file:"));
}

/* Armed while the machine is stopped: it happens after the load. */
static void test_migrate_armed(void)
{
    QTestState *qts = start_stub("");
    struct hypsec_inject_desc d = event(HYPSEC_INJECT_HVC, EL2_ESR);
    g_autofree char *args = g_strdup_printf("-accel tcg -M hypsec-virt,inject="
                                            "on -m 256M -kernel %s -S "
                                            "-incoming defer", stub_image());
    g_autofree char *uri = NULL;

    qtest_qmp_assert_success(qts, "{'execute': 'stop'}");
    fire(qts, &d);
    qtest_writeq(qts, FAULT(0, NTH), 2);
    set_fault(qts, FAULT_PAGE, 0x1000, HYPSEC_INJECT_FAULT_READ);
    uri = migrate_to_file(qts, "armed");
    qtest_quit(qts);

    qts = qtest_init(args);
    qtest_qmp_assert_success(qts, "{'execute': 'migrate-incoming', "
                             "'arguments': {'uri': %s}}", uri);
    g_assert_true(hypsec_wait_migration(qts));
    g_assert_cmphex(qtest_readl(qts, REG(STATUS)), ==,
                    HYPSEC_INJECT_STATUS_BUSY | 0x10000);
    qtest_qmp_assert_success(qts, "{'execute': 'cont'}");
    wait_status(qts, HYPSEC_INJECT_STATUS_DONE, HYPSEC_INJECT_STATUS_DONE);
    g_assert_cmphex(comp64(qts, HYPSEC_INJECT_C_X), ==, 0x5a000000);
    qtest_readl(qts, FAULT_PAGE);
    qtest_readl(qts, FAULT_PAGE);
    g_assert_cmpint(qtest_readq(qts, FAULT(0, FAILED)), ==, 1);
    qtest_quit(qts);
    unlink(uri + strlen("file:"));
}

/* Changes 4 bytes of a snapshot, @offset behind a descriptor @window. */
static void spoil(const char *disk, uint64_t window, int offset, uint32_t value)
{
    g_autofree char *data = NULL;
    uint8_t mark[8];
    char *at;
    gsize size;

    stq_le_p(mark, window);
    g_assert_true(g_file_get_contents(disk, &data, &size, NULL));
    at = memmem(data, size, mark, sizeof(mark));
    g_assert_nonnull(at);
    stl_be_p(at + offset, value);
    g_assert_true(g_file_set_contents(disk, data, size, NULL));
}

/* Nothing of a snapshot that does not load is used, also if QEMU goes on. */
static void test_spoilt_snapshot(void)
{
    const uint64_t window = 0xfeedfacecafebeef;
    const char *disk = hypsec_tmp_file("spoilt.qcow2", "", 0);
    const char *argv[] = { g_getenv("QTEST_QEMU_IMG"), "create", "-q", "-f",
                           "qcow2", disk, "16M", NULL };
    g_autofree char *args = g_strdup_printf("-drive if=none,format=qcow2,"
                                            "file=%s", disk);
    struct hypsec_inject_desc d = event(HYPSEC_INJECT_TYPES, 0);
    g_autofree char *saved = NULL;
    g_autofree char *loaded = NULL;
    QTestState *qts;

    if (!argv[0]) {
        g_test_skip("QTEST_QEMU_IMG is not set");
        return;
    }
    g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_DEFAULT,
                               NULL, NULL, NULL, NULL, NULL, NULL));
    qts = start_stub(args);
    qtest_qmp_assert_success(qts, "{'execute': 'stop'}");
    qtest_writeq(qts, REG(DESC), window);
    saved = qtest_hmp(qts, "savevm one");
    g_assert_cmpstr(saved, ==, "");
    qtest_quit(qts);

    /* CQ_TAIL: the next completion would be far outside of the queue. */
    spoil(disk, window, -20, 0x400000);
    qts = start_stub(args);
    loaded = qtest_hmp(qts, "loadvm one");
    g_assert_nonnull(strstr(loaded, "hypsec-inject"));
    g_assert_cmphex(qtest_readl(qts, REG(CQ_TAIL)), ==, 0);
    put_desc(qts, REG(SQ), &d);
    qtest_writel(qts, REG(SQ_TAIL), 1);
    g_assert_cmphex(qtest_readl(qts, REG(CQ_TAIL)), ==, 1);
    qtest_qmp_assert_success(qts, "{'execute': 'cont'}");
    d = event(HYPSEC_INJECT_HVC, EL2_RETURN);
    run(qts, &d);
    qtest_quit(qts);
}

/* ---- The monitor ---- */

static bool set_string(QTestState *qts, const char *name, const char *value)
{
    QDict *ret = qtest_qmp(qts, "{'execute': 'qom-set', 'arguments': {'path': "
                           "'/machine/inject', 'property': %s, 'value': %s}}",
                           name, value);
    bool ok = !qdict_haskey(ret, "error");

    qobject_unref(ret);
    return ok;
}

static void test_monitor_fire(void)
{
    QTestState *qts = start_stub("");
    g_autofree char *text = NULL;

    g_assert_true(set_string(qts, "fire", "cpu=0 type=hvc esr=0x5a000007 "
                             "x0=3"));
    wait_status(qts, HYPSEC_INJECT_STATUS_DONE, HYPSEC_INJECT_STATUS_DONE);
    text = hypsec_get_string(qts, "/machine/inject", "last-completion");
    g_assert_true(g_str_has_prefix(text, "#1 cpu 0 hvc: done-el2\n"));
    g_assert_nonnull(strstr(text, "x0  000000005a000007"));
    qtest_quit(qts);
}

static void test_monitor_errors(void)
{
    static const char * const bad[] = {
        "", "cpu=0", "type=hvd", "type=hvc x31=0", "type=hvc x0=one",
        "type=hvc cpu=4294967296", "type=hvc loud", "type=hvc x=1", "=",
        "type=hvc =1", "type=hvc y0=1",
    };
    QTestState *qts = start_idle();

    for (int i = 0; i < ARRAY_SIZE(bad); i++) {
        g_assert_false(set_string(qts, "fire", bad[i]));
    }
    g_assert_cmpint(qtest_readq(qts, REG(EVENTS)), ==, 0);
    g_assert_false(set_string(qts, "memory", "0x40000000 4097"));
    g_assert_false(set_string(qts, "memory", "0x40000000=123"));
    g_assert_false(set_string(qts, "memory", "nowhere"));
    qtest_quit(qts);
}

static void test_monitor_memory(void)
{
    QTestState *qts = start_idle();
    g_autofree char *ram = NULL, *device = NULL;

    g_assert_true(set_string(qts, "memory", "0x44000000=0102aB"));
    g_assert_true(set_string(qts, "memory", "0x44000000 4"));
    ram = hypsec_get_string(qts, "/machine/inject", "memory");
    g_assert_cmpstr(ram, ==, "0000000044000000: 01 02 ab 00");
    g_assert_false(set_string(qts, "memory", "0x09000000=00"));
    g_assert_true(set_string(qts, "memory", "0x09000000 1"));
    device = hypsec_get_string(qts, "/machine/inject", "memory");
    g_assert_cmpstr(device, ==, "0000000009000000: --");
    qtest_quit(qts);
}

static void add(const char *group, const char *name, const void *data,
                void (*fn)(const void *))
{
    g_autofree char *path = g_strdup_printf("hypsec-inject/%s/%s", group,
                                            name);

    qtest_add_data_func(path, data, fn);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*fn)(void);
    } tests[] = {
        { "registers/off-by-default", test_off_by_default },
        { "registers/reset-values", test_reset_values },
        { "registers/writable-bits", test_writable_bits },
        { "registers/access-sizes", test_access_sizes },
        { "registers/bad-index-not-stored", test_bad_index },
        { "registers/system-reset", test_system_reset },
        { "registers/ctrl-reset", test_ctrl_reset },
        { "registers/irq", test_irq },
        { "refused/ring", test_malformed_ring },
        { "refused/ring-of-ones", test_ring_of_ones },
        { "ring/stalls-on-full-completion-queue", test_cq_stall },
        { "ring/icount-exact", test_icount },
        { "event/ends-at-the-vector-of-an-idle-cpu", test_idle_entry },
        { "event/hvc", test_hvc },
        { "event/injected-exception", test_injected },
        { "event/wrong-world", test_wrong_world },
        { "event/late-return", test_late_return },
        { "event/panicked", test_panicked },
        { "event/cpu-off", test_cpu_off },
        { "event/at-el2", test_at_el2 },
        { "event/keep", test_keep },
        { "event/abort", test_abort },
        { "fault/refused", test_fault_refused },
        { "fault/nth-read", test_fault_nth },
        { "fault/write", test_fault_write },
        { "fault/mmio-beneath", test_fault_mmio },
        { "fault/cpu-takes-external-abort", test_fault_cpu },
        { "fault/dma-gets-error-response", test_fault_dma },
        { "fault/dma-allowed", test_fault_dma_allowed },
        { "snapshot/armed", test_migrate_armed },
        { "snapshot/spoilt", test_spoilt_snapshot },
        { "monitor/fire", test_monitor_fire },
        { "monitor/errors", test_monitor_errors },
        { "monitor/memory", test_monitor_memory },
    };

    g_test_init(&argc, &argv, NULL);
    for (int i = 0; i < ARRAY_SIZE(tests); i++) {
        g_autofree char *path = g_strdup_printf("hypsec-inject/%s",
                                                tests[i].path);

        qtest_add_func(path, tests[i].fn);
    }
    for (int i = 0; i < ARRAY_SIZE(malformed); i++) {
        add("refused", malformed[i].name, &malformed[i], test_malformed);
    }
    for (int i = 0; i < ARRAY_SIZE(routed); i++) {
        add("routing", routed[i].name, &routed[i], test_routed);
    }
    for (int i = 0; i < ARRAY_SIZE(syndromes); i++) {
        add("syndrome", syndromes[i].name, &syndromes[i], test_syndrome);
    }
    add("ring", "in-order", "", test_ring);
    add("ring", "in-order-icount", "-icount shift=0,sleep=off", test_ring);
    add("event", "hung", "", test_hung);
    add("event", "hung-icount", "-icount shift=0,sleep=off", test_hung);
    add("snapshot", "in-flight", "", test_migrate_in_flight);
    add("snapshot", "in-flight-icount", "-icount shift=0,sleep=off",
        test_migrate_in_flight);
    return hypsec_test_run();
}
