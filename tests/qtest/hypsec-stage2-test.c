/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stage-2 faults and other traps of the host from outside: every address,
 * every fault status, every syndrome, also those that no CPU makes.
 */
#include "qemu/osdep.h"
#include "hypsec/boot_block.h"
#include "hypsec/inspect.h"
#include "hypsec-lib.h"
#include "hypsec-test.h"

#define PAGE 4096
#define BLOCK (2 * MiB)
#define L3 (FSC_TRANSLATION | FSC_LEVEL_3)

#define UART1 0x09040000
#define PL011_CR 0x30

static const HypsecConfig one_cpu;

struct place {
    const char *name;
    uint64_t ipa;
};

/* What the host may have. */
static const struct place allowed[] = {
    { "ram-first", HYPSEC_RAM },
    { "ram-free", HYPSEC_FREE },
    { "ram-odd-address", HYPSEC_FREE + 0x12347 },
    { "ram-last", HYPSEC_CARVEOUT - 1 },
    { "gic-distributor", 0x08000000 },
    { "gic-cpu-interface", 0x08010000 },
    { "uart0", 0x09000000 },
    { "rtc", 0x09010000 },
    { "fw-cfg", 0x09020000 },
    { "gpio-last", 0x09030fff },
    { "virtio-mmio", 0x0a000000 },
    { "pcie-memory", 0x10000000 },
    { "pcie-io", 0x3eff0000 },
    { "pcie-ecam-last", 0x3fffffff },
};

/* What it may not. */
static const struct place forbidden[] = {
    { "carveout-first", HYPSEC_CARVEOUT },
    { "carveout-odd-address", HYPSEC_CARVEOUT + 0x12345 },
    { "carveout-last", HYPSEC_RAM_END - 1 },
    { "flash", 0 },
    { "flash-last", 0x07ffffff },
    { "gic-gap", 0x08050000 },
    { "uart1", UART1 },
    { "between-uart0-and-rtc", 0x09001000 },
    { "smmu0", 0x09050000 },
    { "smmu1", 0x09060000 },
    { "pvpanic", 0x0b000000 },
    { "injector", HYPSEC_INJECT_BASE },
    { "empty", 0x0c000000 },
    { "above-ram", HYPSEC_RAM_END },
    { "far-above-ram", 0x1000000000 },
    { "last-of-40-bits", 0xffffffffff },
};

/* Beyond what a stage-2 table of 40 bits translates: only HPFAR can say so. */
static const uint64_t out_of_range[] = {
    1ULL << 40, (1ULL << 40) + HYPSEC_RAM, (1ULL << 41) + HYPSEC_FREE,
    (1ULL << 48) + HYPSEC_FREE, (1ULL << 51) + HYPSEC_FREE,
    0xffffffffff000,
};

/* A translation fault on what is the host's maps it and runs again. */
static void test_allowed(const void *data)
{
    const struct place *place = data;
    HypsecBoard *board = hypsec_board(&one_cpu);
    HypsecReturn r = hypsec_mmio_read(board, 0, place->ipa, 2, 0);

    hypsec_assert_retried(&r);
    g_assert_cmpuint(hypsec_counters(board, 0).refusals, ==, 0);
    g_assert_cmpuint(hypsec_s2_entry(board, place->ipa), !=, 0);
    /* Twice is once. */
    r = hypsec_mmio_write(board, 0, place->ipa, 2, 0);
    hypsec_assert_retried(&r);
}

/* One on what is not injects an external abort, counted and told. */
static void test_forbidden(const void *data)
{
    const struct place *place = data;
    HypsecBoard *board = hypsec_board(&one_cpu);
    g_autofree char *line =
        g_strdup_printf("refused: host cpu0: access to IPA 0x%" PRIx64 " ",
                        (uint64_t)(place->ipa & ~(PAGE - 1ULL)));
    uint64_t faults = hypsec_counters(board, 0).host_s2_faults;
    HypsecReturn r = hypsec_mmio_read(board, 0, place->ipa, 3, 0);

    hypsec_assert_aborted(&r);
    hypsec_assert_console(board, line);
    r = hypsec_mmio_write(board, 0, place->ipa, 0, 31);
    hypsec_assert_aborted(&r);
    r = hypsec_iabt(board, 0, place->ipa & ~3ULL, L3);
    hypsec_assert_aborted(&r);
    g_assert_cmpuint(hypsec_counters(board, 0).refusals, ==, 3);
    g_assert_cmpuint(hypsec_counters(board, 0).host_s2_faults, ==,
                     faults + 3);
    g_assert_cmphex(hypsec_s2_entry(board, place->ipa), ==, 0);
}

/* An address that the host may have as data may be fetched if it is RAM. */
static void test_fetch(void)
{
    HypsecBoard *board = hypsec_board(&one_cpu);
    HypsecReturn r = hypsec_iabt(board, 0, HYPSEC_FREE, L3);

    hypsec_assert_retried(&r);
    g_assert_cmphex(hypsec_s2_entry(board, HYPSEC_FREE) >> 53 & 3, ==, 0);
    /* Devices are mapped execute-never. */
    r = hypsec_mmio_read(board, 0, 0x09000000, 2, 0);
    hypsec_assert_retried(&r);
    g_assert_cmphex(hypsec_s2_entry(board, 0x09000000) >> 53 & 3, ==, 2);
}

/* IPAs beyond 40 bits are nobody's, whatever their low bits say. */
static void test_out_of_range(void)
{
    HypsecBoard *board = hypsec_board(&one_cpu);

    for (int i = 0; i < ARRAY_SIZE(out_of_range); i++) {
        HypsecReturn r = hypsec_dabt(board, 0, out_of_range[i], L3);

        hypsec_assert_aborted(&r);
        r = hypsec_iabt(board, 0, out_of_range[i], L3);
        hypsec_assert_aborted(&r);
    }
    g_assert_cmpuint(hypsec_counters(board, 0).refusals, ==,
                     2 * ARRAY_SIZE(out_of_range));
}

/* The exception goes to the vector, and has the class, of where it was. */
static void test_from(const void *data)
{
    uint64_t pstate = *(const uint32_t *)data;
    HypsecBoard *board = hypsec_board(&one_cpu);
    HypsecEvent event = hypsec_event_dabt(0, HYPSEC_CARVEOUT, L3);
    HypsecReturn r;

    event.pstate = pstate;
    r = hypsec_fire(board, &event);
    hypsec_assert_aborted(&r);
    event = hypsec_event_iabt(0, HYPSEC_CARVEOUT, L3);
    event.pstate = pstate;
    r = hypsec_fire(board, &event);
    hypsec_assert_aborted(&r);
    event = hypsec_event_trap(0, EC_SYS64, 0);
    event.pstate = pstate;
    r = hypsec_fire(board, &event);
    hypsec_assert_undefined(&r);
    event = hypsec_event_dabt(0, HYPSEC_FREE, L3);
    event.pstate = pstate;
    r = hypsec_fire(board, &event);
    hypsec_assert_retried(&r);
}

/* Only a translation fault asks for a mapping: every FSC, data and fetch. */
static void test_every_fsc(void)
{
    HypsecBoard *board = hypsec_board(&one_cpu);
    uint64_t refused = 0;

    for (unsigned int fsc = 0; fsc < 64; fsc++) {
        /* A block each, so that none is mapped already. */
        uint64_t ipa = HYPSEC_FREE + fsc * BLOCK;
        HypsecEvent event = hypsec_event_dabt(0, ipa, fsc);
        HypsecReturn r;
        bool translation = (fsc & 0x3c) == FSC_TRANSLATION;

        event.flags |= HYPSEC_INJECT_F_FORCE_EL2;
        r = hypsec_fire(board, &event);
        if (translation) {
            hypsec_assert_retried(&r);
        } else {
            hypsec_assert_aborted(&r);
            refused++;
        }
        g_assert_cmpint(hypsec_s2_entry(board, ipa) != 0, ==, translation);
        event = hypsec_event_iabt(0, ipa, fsc);
        event.flags |= HYPSEC_INJECT_F_FORCE_EL2;
        r = hypsec_fire(board, &event);
        if (translation) {
            hypsec_assert_retried(&r);
        } else {
            hypsec_assert_aborted(&r);
            refused++;
        }
    }
    g_assert_cmpuint(hypsec_counters(board, 0).refusals, ==, refused);
}

/* Size, sign, register and width change nothing of what is decided. */
static void test_every_access(void)
{
    HypsecBoard *board = hypsec_board(&one_cpu);
    g_autofree HypsecEvent *events = g_new(HypsecEvent, 1024);
    g_autofree HypsecReturn *returns = g_new(HypsecReturn, 1024);

    for (unsigned int i = 0; i < 1024; i++) {
        uint32_t iss = ISS_ACCESS(i & 3, i >> 2 & 1, i >> 3 & 31, i >> 8 & 1);

        events[i] = hypsec_event_dabt(
            0, i & 1 << 9 ? HYPSEC_CARVEOUT : HYPSEC_FREE,
            iss | L3 | (i & 0x40 ? ISS_WNR : 0) |
            (i & 0x80 ? 1 << 14 : 0) /* AR */);
    }
    hypsec_ring(board, events, 1024, returns);
    for (unsigned int i = 0; i < 1024; i++) {
        if (i & 1 << 9) {
            hypsec_assert_aborted(&returns[i]);
        } else {
            hypsec_assert_retried(&returns[i]);
        }
    }
    g_assert_cmpuint(hypsec_counters(board, 0).refusals, ==, 512);
}

/* Syndromes without ISV: pairs, exclusives, cache maintenance, walks. */
static void test_no_isv(void)
{
    static const uint32_t isses[] = {
        0, ISS_WNR, ISS_CM, ISS_CM | ISS_WNR, ISS_S1PTW, ISS_S1PTW | ISS_WNR,
        1u << 10 /* FnV */, 0x1f << 16 /* an SRT that means nothing */,
    };
    HypsecBoard *board = hypsec_board(&one_cpu);

    for (int i = 0; i < ARRAY_SIZE(isses); i++) {
        HypsecReturn r = hypsec_dabt(board, 0, HYPSEC_FREE, isses[i] | L3);

        hypsec_assert_retried(&r);
        r = hypsec_dabt(board, 0, HYPSEC_CARVEOUT, isses[i] | L3);
        hypsec_assert_aborted(&r);
        r = hypsec_iabt(board, 0, HYPSEC_CARVEOUT,
                        (isses[i] & ISS_S1PTW) | L3);
        hypsec_assert_aborted(&r);
    }
}

/* No exception class that reaches EL2's vector hurts it, known or not. */
static void test_every_class(void)
{
    HypsecBoard *board = hypsec_board(&one_cpu);

    for (unsigned int ec = 0; ec < 64; ec++) {
        static const uint32_t isses[] = { 0, 0x1ffffff, 0x0aaaaaa };

        for (int i = 0; i < ARRAY_SIZE(isses); i++) {
            HypsecEvent event = hypsec_event_trap(0, ec, isses[i]);
            HypsecReturn r;

            if (ec == EC_HVC64 || ec == EC_SMC64 || ec == EC_IABT_LOW ||
                ec == EC_DABT_LOW) {
                continue;
            }
            r = hypsec_fire(board, &event);
            hypsec_assert_undefined(&r);
        }
    }
}

/* Every value of the ISS's low bits with every IL: an abort is an abort. */
static void test_impossible_aborts(void)
{
    HypsecBoard *board = hypsec_board(&one_cpu);
    g_autofree HypsecEvent *events = g_new(HypsecEvent, 2048);
    g_autofree HypsecReturn *returns = g_new(HypsecReturn, 2048);
    g_autoptr(GRand) rand = g_rand_new_with_seed(3);

    for (int i = 0; i < 2048; i++) {
        events[i] = hypsec_event_dabt(0, HYPSEC_CARVEOUT +
                                      (i * 0x1003 & 0xffffff), 0);
        events[i].flags |= HYPSEC_INJECT_F_FORCE_EL2;
        events[i].esr = (uint64_t)EC_DABT_LOW << 26 |
                        (g_rand_int(rand) & 0x3ffffff);
        events[i].far = (uint64_t)g_rand_int(rand) << 32 | g_rand_int(rand);
    }
    hypsec_ring(board, events, 2048, returns);
    for (int i = 0; i < 2048; i++) {
        hypsec_assert_aborted(&returns[i]);
    }
    g_assert_cmpuint(hypsec_counters(board, 0).refusals, ==, 2048);
}

/* A wild FAR or HPFAR is only ever looked up, never followed. */
static void test_wild_addresses(void)
{
    static const uint64_t wild[] = {
        0x4000000000, 0x4000004c10, 0x8000000000, 0xffff000000000000,
        1ULL << 55, 1ULL << 63, UINT64_MAX, UINT64_MAX - 4095,
    };
    HypsecBoard *board = hypsec_board(&one_cpu);

    for (int i = 0; i < ARRAY_SIZE(wild); i++) {
        HypsecEvent event = hypsec_event_dabt(0, HYPSEC_CARVEOUT, L3);
        HypsecReturn r;

        event.far = wild[i];
        event.hpfar = wild[i] >> 8;
        r = hypsec_fire(board, &event);
        hypsec_assert_aborted(&r);
        event = hypsec_event_trap(0, EC_SYS64, 0);
        event.pc = wild[i] & ~3ULL;
        r = hypsec_fire(board, &event);
        hypsec_assert_undefined(&r);
    }
}

/*
 * G4: every page that EL2 executes, trusts or uses as stack is in the
 * carve-out, and no page of it is the host's, whatever it has touched.
 */
static void test_g4(void)
{
    enum { PAGES = (HYPSEC_RAM_END - HYPSEC_CARVEOUT) / PAGE };
    static const size_t places[] = {
        offsetof(struct hypsec_inspect, cpu_base),
        offsetof(struct hypsec_inspect, image_pa),
        offsetof(struct hypsec_inspect, page_base),
        offsetof(struct hypsec_inspect, host_root),
    };
    HypsecBoard *board = hypsec_board(&one_cpu);
    g_autofree HypsecEvent *events = g_new(HypsecEvent, PAGES);
    g_autofree HypsecReturn *returns = g_new(HypsecReturn, PAGES);

    for (int i = 0; i < ARRAY_SIZE(places); i++) {
        uint64_t pa = hypsec_inspect(board, places[i]);

        g_assert_cmphex(pa, >=, HYPSEC_CARVEOUT);
        g_assert_cmphex(pa, <, HYPSEC_RAM_END);
    }
    /* The neighbour is mapped by a block, EL2's first page is not in it. */
    hypsec_dabt(board, 0, HYPSEC_CARVEOUT - PAGE, L3);
    for (int i = 0; i < PAGES; i++) {
        events[i] = hypsec_event_dabt(0, HYPSEC_CARVEOUT + i * PAGE, L3);
    }
    hypsec_ring(board, events, PAGES, returns);
    for (int i = 0; i < PAGES; i++) {
        hypsec_assert_aborted(&returns[i]);
        g_assert_cmphex(hypsec_s2_entry(board, HYPSEC_CARVEOUT + i * PAGE),
                        ==, 0);
    }
}

/* G10: a physical SError of the host's comes back to it as a virtual one. */
static void test_g10_serror(void)
{
    HypsecBoard *board = hypsec_board(&one_cpu);
    HypsecReturn r = hypsec_serror(board, 0, 0x11);

    hypsec_assert_retried(&r);
    g_assert_cmphex(r.c.hcr_el2 & HCR_VSE, ==, HCR_VSE);
    g_assert_true(r.c.flags & HYPSEC_INJECT_CF_VPENDING);
    g_assert_cmpuint(hypsec_counters(board, 0).refusals, ==, 0);
}

/* G10: a masked SError is still the host's business, and EL2 routes it. */
static void test_g10_serror_masked(void)
{
    HypsecBoard *board = hypsec_board(&one_cpu);
    HypsecEvent event = hypsec_event(HYPSEC_INJECT_SERROR, 0);
    HypsecReturn r = hypsec_fire(board, &event);

    /* PSTATE.A of EL1 does not mask what goes to EL2. */
    hypsec_assert_retried(&r);
    g_assert_true(r.c.flags & HYPSEC_INJECT_CF_VPENDING);
}

struct trapped {
    const char *name;
    unsigned int ec;
    uint32_t iss;
};

static const struct trapped trapped[] = {
    { "unknown", EC_UNKNOWN, 0 },
    { "wfi", EC_WFX, 0 },
    { "wfe", EC_WFX, 1 },
    { "fp", EC_FP, 0 },
    { "pauth", 0x09, 0 },
    { "illegal-state", EC_ILLEGAL, 0 },
    { "svc", EC_SVC64, 0 },
    { "system-register", EC_SYS64, 0x320401 },
    { "sve", EC_SVE, 0 },
    { "pc-alignment", 0x22, 0 },
    { "sp-alignment", 0x26, 0 },
    { "breakpoint", 0x30, 0x22 },
    { "step", 0x32, 0x22 },
    { "watchpoint", 0x34, 0x22 },
    { "brk", EC_BRK64, 0 },
};

/* G10: what the host traps with and EL2 does not know is its own affair. */
static void test_g10_trapped(const void *data)
{
    const struct trapped *t = data;
    HypsecBoard *board = hypsec_board(&one_cpu);
    g_autofree char *line =
        g_strdup_printf("refused: host cpu0: trapped instruction, class 0x%x ",
                        t->ec);
    HypsecReturn r = hypsec_trap(board, 0, t->ec, t->iss);

    hypsec_assert_undefined(&r);
    g_assert_cmpuint(hypsec_counters(board, 0).refusals, ==, 1);
    hypsec_assert_console(board, line);
}

/*
 * G12: EL2's console cannot be stopped by the host: its UART is not the
 * host's, and EL2 does not wait for it without end.
 */
static void test_g12(void)
{
    HypsecBoard *board = hypsec_board(&one_cpu);
    static const uint32_t store[] = { INSN_STR(2, 2, 1) };
    HypsecRun run = {
        .x = { 0, UART1 + PL011_CR, 0 }, .code = store, .count = 1,
    };
    HypsecReturn r;

    g_assert_false(hypsec_run(board, 0, &run));
    g_assert_cmphex(run.esr, ==, ESR(EC_DABT_CUR, FSC_EXTERNAL | ISS_WNR));
    /* Somebody else stops it: EL2 goes on without. */
    qtest_writel(board->qts, UART1 + PL011_CR, 0);
    for (int i = 0; i < 64; i++) {
        r = hypsec_dabt(board, 0, HYPSEC_CARVEOUT, L3);
        hypsec_assert_aborted(&r);
    }
}

/*
 * G14: a permission, access-flag or external fault is not a translation
 * fault, HPFAR_EL2 is not believed there, and nothing is decoded without ISV.
 */
static void test_g14(void)
{
    static const unsigned int fscs[] = {
        FSC_PERMISSION | 3, FSC_ACCESS_FLAG | 3, FSC_EXTERNAL, 0x21, 0x30,
    };
    HypsecBoard *board = hypsec_board(&one_cpu);
    uint64_t ipa = HYPSEC_FREE + 64 * MiB;

    for (int i = 0; i < ARRAY_SIZE(fscs); i++) {
        HypsecEvent event = hypsec_event_dabt(0, ipa, fscs[i]);
        HypsecReturn r;

        event.flags |= HYPSEC_INJECT_F_FORCE_EL2;
        event.far = 0xffff800012345678;
        r = hypsec_fire(board, &event);
        hypsec_assert_aborted(&r);
        event = hypsec_event_iabt(0, ipa, fscs[i]);
        event.flags |= HYPSEC_INJECT_F_FORCE_EL2;
        r = hypsec_fire(board, &event);
        hypsec_assert_aborted(&r);
    }
    g_assert_cmphex(hypsec_s2_entry(board, ipa), ==, 0);
    hypsec_assert_console(board, "stage-2 fault without a remedy, VA "
                          "0xffff800012345678");
}

/* Arms bus-fault range 0 of the injector over a page. */
static void fail_page(HypsecBoard *board, uint64_t pa)
{
    uint64_t range = HYPSEC_INJECT_BASE + HYPSEC_INJECT_FAULT(0);

    qtest_writeq(board->qts, range + HYPSEC_INJECT_FAULT_BASE, pa);
    qtest_writeq(board->qts, range + HYPSEC_INJECT_FAULT_SIZE, PAGE);
    qtest_writel(board->qts, range + HYPSEC_INJECT_FAULT_CTRL,
                 HYPSEC_INJECT_FAULT_ENABLE | HYPSEC_INJECT_FAULT_READ |
                 HYPSEC_INJECT_FAULT_WRITE);
    g_assert_false(qtest_readl(board->qts, range + HYPSEC_INJECT_FAULT_CTRL) &
                   HYPSEC_INJECT_FAULT_REFUSED);
}

/* Memory of the host's that fails is the host's affair: EL1 takes it. */
static void test_bus_fault_host(void)
{
    static const uint32_t load[] = { INSN_LDR(3, 2, 1) };
    HypsecBoard *board = hypsec_board_new(&one_cpu);
    HypsecRun run = { .x = { 0, HYPSEC_FREE }, .code = load, .count = 1 };

    fail_page(board, HYPSEC_FREE);
    g_assert_false(hypsec_run(board, 0, &run));
    g_assert_cmphex(ESR_EC(run.esr), ==, EC_DABT_CUR);
    g_assert_cmphex(ESR_FSC(run.esr), ==, FSC_EXTERNAL);
    g_assert_cmphex(run.far, ==, HYPSEC_FREE);
    g_assert_cmpuint(hypsec_counters(board, 0).refusals, ==, 0);
    hypsec_board_free(board);
}

/* A look at what EL2 publishes is no access on the bus. */
static void test_bus_fault_inspection(void)
{
    HypsecBoard *board = hypsec_board_new(&one_cpu);
    uint64_t range = HYPSEC_INJECT_BASE + HYPSEC_INJECT_FAULT(0);
    g_autofree char *panicked = NULL;

    fail_page(board, HYPSEC_CARVEOUT + HYPSEC_INSPECT_OFFSET);
    panicked = hypsec_get_string(board->qts, "/machine/inspect", "panicked");
    g_assert_cmpstr(panicked, ==, "0");
    g_assert_cmpuint(qtest_readq(board->qts,
                                 range + HYPSEC_INJECT_FAULT_SEEN), ==, 0);
    hypsec_board_free(board);
}

/* Memory of EL2's that fails ends in a panic, with EL2's registers. */
static void test_bus_fault_el2(void)
{
    HypsecBoard *board = hypsec_board_new(&one_cpu);
    HypsecEvent event = hypsec_event_dabt(0, HYPSEC_FREE, L3);
    uint64_t records = hypsec_inspect(
        board, offsetof(struct hypsec_inspect, page_base));
    uint64_t first = hypsec_inspect(
        board, offsetof(struct hypsec_inspect, page_first_pfn));

    fail_page(board, (records + (HYPSEC_FREE / PAGE - first) * 8) &
                     ~(PAGE - 1ULL));
    hypsec_post(board, &event);
    hypsec_assert_panicked(board, "EL2 panic: synchronous exception at EL2");
    hypsec_assert_console(board, "EL2 registers at the exception:");
    hypsec_board_free(board);
}

/* on-violation=halt: the first refusal stops the machine, with a report. */
static void test_halt_abort(void)
{
    HypsecBoard *board =
        hypsec_board_new(&(HypsecConfig){ .halt = true });
    HypsecEvent event = hypsec_event_dabt(0, HYPSEC_CARVEOUT, L3);

    hypsec_post(board, &event);
    hypsec_assert_panicked(board, "EL2 panic: violation by the host: "
                           "access to IPA 0x4ee00000");
    hypsec_assert_console(board, "x3 0x5ec0de0003000303");
    hypsec_board_free(board);
}

/* The same for a trap and for a fault that is no translation fault. */
static void test_halt_trap(void)
{
    HypsecBoard *board =
        hypsec_board_new(&(HypsecConfig){ .halt = true });
    HypsecEvent event = hypsec_event_trap(0, EC_SYS64, 0);

    hypsec_post(board, &event);
    hypsec_assert_panicked(board, "violation by the host: trapped "
                           "instruction, class 0x18");
    hypsec_board_free(board);
}

static void test_halt_fault(void)
{
    HypsecBoard *board =
        hypsec_board_new(&(HypsecConfig){ .halt = true });
    HypsecEvent event = hypsec_event_dabt(0, HYPSEC_FREE, FSC_PERMISSION | 3);

    hypsec_post(board, &event);
    hypsec_assert_panicked(board, "stage-2 fault without a remedy");
    hypsec_board_free(board);
}

/* What is no violation does not stop the machine. */
static void test_halt_allowed(void)
{
    HypsecBoard *board = hypsec_board(&(HypsecConfig){ .halt = true });
    HypsecReturn r = hypsec_dabt(board, 0, HYPSEC_FREE, L3);

    hypsec_assert_retried(&r);
    r = hypsec_serror(board, 0, 0);
    hypsec_assert_retried(&r);
    hypsec_assert_no_console(board, "panic");
}

/*
 * G2: a panic does not return. After one, no CPU leaves EL2 again and no
 * table changes, even if the machine is made to go on.
 */
static void test_g2(void)
{
    HypsecBoard *board =
        hypsec_board_new(&(HypsecConfig){ .cpus = 2, .halt = true });
    HypsecEvent event = hypsec_event_dabt(0, HYPSEC_CARVEOUT, L3);
    uint64_t ipa = HYPSEC_FREE + 64 * MiB;
    HypsecReturn r;

    hypsec_post(board, &event);
    hypsec_assert_panicked(board, "violation by the host");
    qtest_qmp_assert_success(board->qts, "{'execute': 'cont'}");
    event = hypsec_event_dabt(1, ipa, L3);
    event.bound = 300000000;
    hypsec_ring_put(board, &event, 1);
    hypsec_ring_take(board, &event, 1, &r);
    g_assert_true(r.c.status == HYPSEC_INJECT_S_HUNG ||
                  r.c.status == HYPSEC_INJECT_S_PANICKED);
    g_assert_cmphex(hypsec_s2_entry(board, ipa), ==, 0);
    hypsec_board_free(board);
}

int main(int argc, char **argv)
{
    static const uint32_t el0 = PSTATE_EL0, el1t = PSTATE_EL1T,
                          el1h = PSTATE_EL1H;

    if (!hypsec_lib_init(&argc, &argv)) {
        return 1;
    }
    for (int i = 0; i < ARRAY_SIZE(allowed); i++) {
        g_autofree char *path = g_strdup_printf("hypsec-stage2/allowed/%s",
                                                allowed[i].name);

        qtest_add_data_func(path, &allowed[i], test_allowed);
    }
    for (int i = 0; i < ARRAY_SIZE(forbidden); i++) {
        g_autofree char *path = g_strdup_printf("hypsec-stage2/forbidden/%s",
                                                forbidden[i].name);

        qtest_add_data_func(path, &forbidden[i], test_forbidden);
    }
    for (int i = 0; i < ARRAY_SIZE(trapped); i++) {
        g_autofree char *path =
            g_strdup_printf("hypsec-stage2/G10/trapped-%s", trapped[i].name);

        qtest_add_data_func(path, &trapped[i], test_g10_trapped);
    }
    qtest_add_func("hypsec-stage2/fetch", test_fetch);
    qtest_add_func("hypsec-stage2/out-of-range", test_out_of_range);
    qtest_add_data_func("hypsec-stage2/from/el0", &el0, test_from);
    qtest_add_data_func("hypsec-stage2/from/el1t", &el1t, test_from);
    qtest_add_data_func("hypsec-stage2/from/el1h", &el1h, test_from);
    qtest_add_func("hypsec-stage2/syndrome/every-fsc", test_every_fsc);
    qtest_add_func("hypsec-stage2/syndrome/every-access", test_every_access);
    qtest_add_func("hypsec-stage2/syndrome/no-isv", test_no_isv);
    qtest_add_func("hypsec-stage2/syndrome/every-class", test_every_class);
    qtest_add_func("hypsec-stage2/syndrome/impossible",
                   test_impossible_aborts);
    qtest_add_func("hypsec-stage2/syndrome/wild-addresses",
                   test_wild_addresses);
    qtest_add_func("hypsec-stage2/G4/el2-memory-is-never-the-hosts",
                   test_g4);
    qtest_add_func("hypsec-stage2/G10/serror-becomes-virtual",
                   test_g10_serror);
    qtest_add_func("hypsec-stage2/G10/serror-masked-at-el1",
                   test_g10_serror_masked);
    qtest_add_func("hypsec-stage2/G12/console-does-not-stop-el2", test_g12);
    qtest_add_func("hypsec-stage2/G14/fault-status-is-checked", test_g14);
    qtest_add_func("hypsec-stage2/bus-fault/hosts", test_bus_fault_host);
    qtest_add_func("hypsec-stage2/bus-fault/el2s", test_bus_fault_el2);
    qtest_add_func("hypsec-stage2/bus-fault/inspection-is-no-access",
                   test_bus_fault_inspection);
    qtest_add_func("hypsec-stage2/halt/allowed", test_halt_allowed);
    qtest_add_func("hypsec-stage2/halt/abort", test_halt_abort);
    qtest_add_func("hypsec-stage2/halt/trap", test_halt_trap);
    qtest_add_func("hypsec-stage2/halt/fault", test_halt_fault);
    qtest_add_func("hypsec-stage2/G2/panic-does-not-return", test_g2);
    return hypsec_lib_run();
}
