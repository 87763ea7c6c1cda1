/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Injected events are as good as real ones: each is executed by the parked
 * CPU for real, then injected on the same board in the same state, and all
 * that the host and the operator see must be equal: registers, the exception
 * that EL1 takes, EL2's counters, mappings, and its console with the PC and
 * ESR that EL2 was given.
 */
#include "qemu/osdep.h"
#include "hypsec-lib.h"

#define NZCV 0xa0000000

enum kind { HVC, SMC, DABT, IABT };

/**
 * struct event - one event, both ways
 * @name: of the test
 * @kind: of the injected event
 * @code: the instruction
 * @x0: for the call
 * @ipa: x1, the address, or where it branches to
 * @iss: of the injected event
 * @el0: whether at EL0
 */
struct event {
    const char *name;
    enum kind kind;
    uint32_t code;
    uint64_t x0;
    uint64_t ipa;
    uint32_t iss;
    bool el0;
};

/* Translation faults by the level at which the tables end there. */
#define L1 (FSC_TRANSLATION | 1)
#define L2 (FSC_TRANSLATION | 2)
#define L3 (FSC_TRANSLATION | 3)

#define CARVEOUT (HYPSEC_CARVEOUT + 0x10)

static const struct event table[] = {
    { "hvc/unknown", HVC, INSN_HVC(0), 30 },
    { "hvc/zero", HVC, INSN_HVC(0), 0 },
    { "hvc/wild", HVC, INSN_HVC(0), UINT64_MAX },
    { "hvc/immediate", HVC, INSN_HVC(0x123), 30, 0, 0x123 },
    { "hvc/el0", HVC, INSN_HVC(0), 30, .el0 = true },
    { "smc/version", SMC, INSN_SMC(0), PSCI_VERSION },
    { "smc/unknown", SMC, INSN_SMC(0), 0x84000055 },
    { "smc/features", SMC, INSN_SMC(0), PSCI_FEATURES, PSCI_CPU_ON },
    { "smc/immediate", SMC, INSN_SMC(7), PSCI_VERSION, 0, 7 },
    { "smc/cpu-on-self", SMC, INSN_SMC(0), PSCI_CPU_ON | PSCI_64, 0 },
    { "smc/cpu-on-nobody", SMC, INSN_SMC(0), PSCI_CPU_ON | PSCI_64, 77 },
    { "smc/el0", SMC, INSN_SMC(0), PSCI_VERSION, .el0 = true },

    { "load/ram", DABT, INSN_LDR(3, 2, 1), 0, HYPSEC_FREE,
      ISS_ACCESS(3, 0, 2, 1) | L2 },
    { "store/ram", DABT, INSN_STR(2, 2, 1), 0, HYPSEC_FREE + 8,
      ISS_ACCESS(2, 0, 2, 0) | ISS_WNR | L2 },
    { "load/ram-el0", DABT, INSN_LDR(3, 2, 1), 0, HYPSEC_FREE,
      ISS_ACCESS(3, 0, 2, 1) | L2, true },
    { "load/rtc", DABT, INSN_LDR(2, 2, 1), 0, 0x09010010,
      ISS_ACCESS(2, 0, 2, 0) | L1 },
    { "load/el2-8-bytes", DABT, INSN_LDR(3, 2, 1), 0, CARVEOUT,
      ISS_ACCESS(3, 0, 2, 1) | L2 },
    { "load/el2-4-bytes", DABT, INSN_LDR(2, 2, 1), 0, CARVEOUT,
      ISS_ACCESS(2, 0, 2, 0) | L2 },
    { "load/el2-2-bytes", DABT, INSN_LDR(1, 2, 1), 0, CARVEOUT,
      ISS_ACCESS(1, 0, 2, 0) | L2 },
    { "load/el2-1-byte", DABT, INSN_LDR(0, 2, 1), 0, CARVEOUT,
      ISS_ACCESS(0, 0, 2, 0) | L2 },
    { "load/el2-signed", DABT, INSN_LDRS(1, 2, 1), 0, CARVEOUT,
      ISS_ACCESS(1, 1, 2, 1) | L2 },
    { "load/el2-to-xzr", DABT, INSN_LDR(3, 31, 1), 0, CARVEOUT,
      ISS_ACCESS(3, 0, 31, 1) | L2 },
    { "load/el2-pair", DABT, INSN_LDP(2, 3, 1), 0, CARVEOUT, L2 },
    { "load/el2-el0", DABT, INSN_LDR(3, 2, 1), 0, CARVEOUT,
      ISS_ACCESS(3, 0, 2, 1) | L2, true },
    { "store/el2", DABT, INSN_STR(3, 2, 1), 0, CARVEOUT,
      ISS_ACCESS(3, 0, 2, 1) | ISS_WNR | L2 },
    { "store/el2-byte-el0", DABT, INSN_STR(0, 5, 1), 0, CARVEOUT + 5,
      ISS_ACCESS(0, 0, 5, 0) | ISS_WNR | L2, true },
    { "load/flash", DABT, INSN_LDR(2, 2, 1), 0, 0x10,
      ISS_ACCESS(2, 0, 2, 0) | L1 },
    { "store/uart1", DABT, INSN_STR(2, 2, 1), 0, 0x09040000,
      ISS_ACCESS(2, 0, 2, 0) | ISS_WNR | L1 },
    { "store/pvpanic", DABT, INSN_STR(0, 2, 1), 0, 0x0b000000,
      ISS_ACCESS(0, 0, 2, 0) | ISS_WNR | L1 },
    { "load/injector", DABT, INSN_LDR(2, 2, 1), 0, HYPSEC_INJECT_BASE,
      ISS_ACCESS(2, 0, 2, 0) | L1 },
    { "load/empty", DABT, INSN_LDR(3, 2, 1), 0, 0x0c000000,
      ISS_ACCESS(3, 0, 2, 1) | L1 },
    { "load/above-ram", DABT, INSN_LDR(3, 2, 1), 0, HYPSEC_RAM_END,
      ISS_ACCESS(3, 0, 2, 1) | L2 },
    { "load/beyond-40-bits", DABT, INSN_LDR(3, 2, 1), 0, 1ULL << 40,
      ISS_ACCESS(3, 0, 2, 1) | FSC_TRANSLATION },
    { "fetch/ram", IABT, INSN_BR(1), 0, HYPSEC_FREE, L2 },
    { "fetch/el2", IABT, INSN_BR(1), 0, HYPSEC_CARVEOUT, L2 },
    { "fetch/el2-el0", IABT, INSN_BR(1), 0, HYPSEC_CARVEOUT, L2, true },
    { "fetch/flash", IABT, INSN_BR(1), 0, 0, L1 },
    { "fetch/above-ram", IABT, INSN_BR(1), 0, HYPSEC_RAM_END, L2 },
};

/* What is compared. */
struct outcome {
    uint64_t x[PARK_NR_X];
    uint64_t next;              /* pc if nothing was injected */
    uint64_t pstate;
    uint64_t vector;            /* if an exception was */
    uint64_t esr;
    uint64_t far;
    uint64_t elr;
    uint64_t spsr;
    uint64_t entry;             /* of the host's table for the address */
    HypsecCounters counters;
    char *console;
};

static HypsecBoard *fresh(void)
{
    static const HypsecConfig one_cpu;
    HypsecBoard *board = hypsec_board(&one_cpu);

    /* What a branch there executes. */
    qtest_writel(board->qts, HYPSEC_FREE, INSN_BRK);
    return board;
}

static void observe(HypsecBoard *board, const struct event *e,
                    struct outcome *o)
{
    o->entry = hypsec_s2_entry(board, e->ipa);
    o->counters = hypsec_counters(board, 0);
    o->console = hypsec_console(board);
}

static void set_exception(struct outcome *o, uint64_t vector, uint64_t esr,
                          uint64_t far, uint64_t elr, uint64_t spsr)
{
    unsigned int ec = ESR_EC(esr);

    o->vector = vector;
    o->esr = esr;
    /* Other exceptions do not write FAR_EL1. */
    o->far = ec >= EC_IABT_LOW && ec <= EC_DABT_CUR ? far : 0;
    o->elr = elr;
    o->spsr = spsr;
}

static uint64_t execute(HypsecBoard *board, const struct event *e,
                        struct outcome *o)
{
    HypsecRun run = {
        .x = { e->x0, e->ipa, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
               16, 17 },
        .pstate = NZCV | (e->el0 ? PSTATE_EL0 : PSTATE_EL1H),
        .code = &e->code, .count = 1,
    };
    bool to_brk = hypsec_run(board, 0, &run);

    if (e->kind == IABT && ESR_EC(run.esr) == EC_BRK64 &&
        run.elr == e->ipa) {
        to_brk = true;
    }
    memcpy(o->x, run.x, sizeof(o->x));
    if (to_brk) {
        o->next = run.elr;
        o->pstate = run.spsr;
        o->vector = VECTOR_NONE;
    } else {
        set_exception(o, run.vector, run.esr, run.far, run.elr, run.spsr);
    }
    observe(board, e, o);
    return run.code_pc;
}

static void inject(HypsecBoard *board, const struct event *e, uint64_t pc,
                   struct outcome *o)
{
    HypsecEvent event;
    HypsecReturn r;

    switch (e->kind) {
    case HVC:
        event = hypsec_event(HYPSEC_INJECT_HVC, 0);
        event.esr = ESR(EC_HVC64, e->iss);
        break;
    case SMC:
        event = hypsec_event(HYPSEC_INJECT_SMC, 0);
        event.esr = ESR(EC_SMC64, e->iss);
        break;
    case DABT:
        event = hypsec_event_dabt(0, e->ipa, e->iss);
        break;
    default:
        event = hypsec_event_iabt(0, e->ipa, e->iss);
        pc = e->ipa;
        break;
    }
    event.pc = pc;
    event.pstate = NZCV | (e->el0 ? PSTATE_EL0 : PSTATE_EL1H);
    for (int i = 0; i < PARK_NR_X; i++) {
        event.x[i] = i;
    }
    event.x[0] = e->x0;
    event.x[1] = e->ipa;
    r = hypsec_fire(board, &event);
    memcpy(o->x, r.c.x, sizeof(o->x));
    if (r.c.vector == HYPSEC_INJECT_NO_VECTOR) {
        o->next = r.c.pc;
        o->pstate = r.c.pstate;
        o->vector = VECTOR_NONE;
        /* EL2 says: again. The real one has done it again. */
        if (r.c.pc == pc && e->kind == DABT) {
            o->next += 4;
            if (!(e->iss & ISS_WNR)) {
                o->x[2] = qtest_readq(board->qts, e->ipa);
            }
        }
    } else {
        set_exception(o, r.c.vector, r.c.esr_el1, r.c.far_el1, r.c.elr_el1,
                      r.c.spsr_el1);
    }
    observe(board, e, o);
}

/* The real event and the injected one have the same outcome. */
static void test_faithful(const void *data)
{
    const struct event *e = data;
    struct outcome real = { 0 }, injected = { 0 };
    HypsecBoard *board = fresh();
    uint64_t pc = execute(board, e, &real);

    board = fresh();
    inject(board, e, pc, &injected);
    g_assert_cmpstr(injected.console, ==, real.console);
    g_assert_cmphex(injected.vector, ==, real.vector);
    g_assert_cmphex(injected.esr, ==, real.esr);
    g_assert_cmphex(injected.far, ==, real.far);
    g_assert_cmphex(injected.elr, ==, real.elr);
    g_assert_cmphex(injected.spsr, ==, real.spsr);
    g_assert_cmphex(injected.next, ==, real.next);
    g_assert_cmphex(injected.pstate, ==, real.pstate);
    g_assert_cmphex(injected.entry, ==, real.entry);
    for (int i = 0; i < PARK_NR_X; i++) {
        if (injected.x[i] != real.x[i]) {
            HYPSEC_FAIL(board, "x%d: injected 0x%" PRIx64 ", real 0x%" PRIx64,
                        i, injected.x[i], real.x[i]);
        }
    }
    g_assert_cmpmem(&injected.counters, sizeof(injected.counters),
                    &real.counters, sizeof(real.counters));
    g_free(injected.console);
    g_free(real.console);
}

/* The park image: registers in and out, at EL1 and EL0. */
static void test_mailbox(void)
{
    HypsecBoard *board = hypsec_board(&(HypsecConfig){ .cpus = 2 });
    static const uint32_t nop[] = { INSN_NOP };

    for (unsigned int cpu = 0; cpu < 2; cpu++) {
        HypsecRun run = { .code = nop, .count = 1 };

        for (int i = 0; i < PARK_NR_X; i++) {
            run.x[i] = 0x1111 * (i + 1) + cpu;
        }
        g_assert_true(hypsec_run(board, cpu, &run));
        g_assert_cmphex(run.vector, ==, VECTOR_EL1H);
        run.pstate = PSTATE_EL0;
        g_assert_true(hypsec_run(board, cpu, &run));
        g_assert_cmphex(run.vector, ==, VECTOR_EL0);
        for (int i = 0; i < PARK_NR_X; i++) {
            g_assert_cmphex(run.x[i], ==, 0x1111 * (i + 1) + cpu);
        }
    }
}

int main(int argc, char **argv)
{
    if (!hypsec_lib_init(&argc, &argv)) {
        return 1;
    }
    qtest_add_func("hypsec-faithful/mailbox", test_mailbox);
    for (int i = 0; i < ARRAY_SIZE(table); i++) {
        g_autofree char *path = g_strdup_printf("hypsec-faithful/%s",
                                                table[i].name);

        qtest_add_data_func(path, &table[i], test_faithful);
    }
    return hypsec_lib_run();
}
