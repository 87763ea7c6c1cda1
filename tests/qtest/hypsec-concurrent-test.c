/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events on several CPUs at once, and events that meet EL2 while it is busy.
 * Two to eight CPUs, each run by a thread of its own.
 */
#include "qemu/osdep.h"
#include "hypsec-lib.h"

#define BLOCK (2 * MiB)
/* From here on there are no hypercalls. */
#define NO_CALL 64
#define L3 (FSC_TRANSLATION | FSC_LEVEL_3)

/*
 * Fewer for more CPUs: EL2's locks are fair, so where this machine has fewer
 * processors each hand-over waits for the thread whose turn it is.
 */
#define ROUNDS(board) (64 / (board)->cpus)
#define REPEAT(board) (400 / ((board)->cpus * (board)->cpus))

#define ALREADY_ON  ((uint64_t)-4)
#define ON_PENDING  ((uint64_t)-5)

static const unsigned int cpu_counts[] = { 2, 3, 4, 8 };

static HypsecBoard *board_of(const void *data)
{
    unsigned int cpus = *(const unsigned int *)data;

    return hypsec_board(&(HypsecConfig){ .cpus = cpus });
}

/* Lines of EL2's console that are whole; anything else fails the test. */
static unsigned int count_lines(HypsecBoard *board)
{
    g_autofree char *console = hypsec_console(board);
    g_auto(GStrv) lines = g_strsplit(console, "\n", -1);
    unsigned int count = 0;

    for (int i = 0; lines[i]; i++) {
        if (!*lines[i]) {
            continue;
        }
        if (!g_str_has_prefix(lines[i], "refused: host cpu") ||
            !g_str_has_suffix(lines[i], ")") ||
            strstr(lines[i] + 1, "refused")) {
            HYPSEC_FAIL(board, "not a line of one CPU: %s", lines[i]);
        }
        count++;
    }
    return count;
}

/* Refusals on all CPUs at once are all counted and all told in whole lines. */
static void test_refusals(const void *data)
{
    HypsecBoard *board = board_of(data);
    unsigned int n = board->cpus;
    g_autofree HypsecEvent *events = g_new(HypsecEvent, n);
    g_autofree HypsecReturn *returns = g_new(HypsecReturn, n);

    for (unsigned int cpu = 0; cpu < n; cpu++) {
        events[cpu] = hypsec_event_dabt(cpu, HYPSEC_CARVEOUT + cpu * 4096,
                                        L3);
        events[cpu].repeat = REPEAT(board);
    }
    hypsec_ring(board, events, n, returns);
    for (unsigned int cpu = 0; cpu < n; cpu++) {
        hypsec_assert_aborted(&returns[cpu]);
        g_assert_cmpuint(returns[cpu].c.count, ==,
                         REPEAT(board));
        g_assert_cmpuint(hypsec_counters(board, cpu).refusals, ==,
                         REPEAT(board));
    }
    g_assert_cmpuint(count_lines(board), ==, n * REPEAT(board));
}

/* All CPUs fault on the same page: each may go on, it is mapped once. */
static void test_same_page(const void *data)
{
    HypsecBoard *board = board_of(data);
    g_autofree HypsecEvent *events = g_new(HypsecEvent, board->cpus);
    g_autofree HypsecReturn *returns = g_new(HypsecReturn, board->cpus);

    for (unsigned int round = 0; round < ROUNDS(board); round++) {
        uint64_t ipa = HYPSEC_FREE + round * BLOCK;

        for (unsigned int cpu = 0; cpu < board->cpus; cpu++) {
            events[cpu] = hypsec_event_dabt(cpu, ipa + cpu * 8, L3);
        }
        hypsec_ring(board, events, board->cpus, returns);
        for (unsigned int cpu = 0; cpu < board->cpus; cpu++) {
            hypsec_assert_retried(&returns[cpu]);
        }
        g_assert_cmphex(hypsec_s2_entry(board, ipa) & 0xffffffe00000, ==,
                        ipa);
    }
}

/* Each CPU faults on other addresses of a table that none has made yet. */
static void test_same_table(const void *data)
{
    HypsecBoard *board = board_of(data);
    unsigned int n = board->cpus * ROUNDS(board);
    g_autofree HypsecEvent *events = g_new(HypsecEvent, n);
    g_autofree HypsecReturn *returns = g_new(HypsecReturn, n);

    for (unsigned int i = 0; i < n; i++) {
        /* Of the PCIe window: no block of it is mapped at the start. */
        events[i] = hypsec_event_dabt(i % board->cpus,
                                      0x10000000 + i * BLOCK, L3);
    }
    hypsec_ring(board, events, n, returns);
    for (unsigned int i = 0; i < n; i++) {
        hypsec_assert_retried(&returns[i]);
        g_assert_cmphex(hypsec_s2_entry(board, events[i].hpfar << 8) &
                        0xffffffe00000, ==, events[i].hpfar << 8);
    }
}

/* Calls, faults that map, faults that do not: no CPU disturbs another. */
static void test_mixed(const void *data)
{
    HypsecBoard *board = board_of(data);
    unsigned int n = board->cpus * ROUNDS(board);
    g_autofree HypsecEvent *events = g_new(HypsecEvent, n);
    g_autofree HypsecReturn *returns = g_new(HypsecReturn, n);

    for (unsigned int i = 0; i < n; i++) {
        unsigned int cpu = i % board->cpus;

        switch ((i / board->cpus + cpu) % 5) {
        case 0:
            events[i] = hypsec_event_hvc(cpu, NO_CALL + i, i, i, i);
            break;
        case 1:
            events[i] = hypsec_event_smc(cpu, PSCI_VERSION, i, i, i);
            break;
        case 2:
            events[i] = hypsec_event_dabt(cpu, HYPSEC_FREE + i % 64 * BLOCK,
                                          L3);
            break;
        case 3:
            events[i] = hypsec_event_iabt(cpu, HYPSEC_CARVEOUT, L3);
            break;
        default:
            events[i] = hypsec_event_trap(cpu, EC_SYS64, i);
            break;
        }
    }
    hypsec_ring(board, events, n, returns);
    for (unsigned int i = 0; i < n; i++) {
        const HypsecReturn *r = &returns[i];

        g_assert_cmpuint(r->c.cpu, ==, i % board->cpus);
        switch ((i / board->cpus + i % board->cpus) % 5) {
        case 0:
            hypsec_assert_returned(r, HYPSEC_NOT_SUPPORTED);
            break;
        case 1:
            hypsec_assert_returned(r, 0x10001);
            break;
        case 2:
            hypsec_assert_retried(r);
            break;
        case 3:
            hypsec_assert_aborted(r);
            break;
        default:
            hypsec_assert_undefined(r);
            break;
        }
    }
}

/* All turn the same CPU on: one does, the others hear so. */
static void test_cpu_on_race(void)
{
    HypsecBoard *board = hypsec_board(&(HypsecConfig){ .cpus = 4 });

    for (unsigned int round = 0; round < 8; round++) {
        HypsecEvent events[3];
        HypsecReturn returns[3];
        unsigned int successes = 0;
        HypsecReturn r = hypsec_smc(board, 3, PSCI_CPU_OFF, 0, 0, 0);

        g_assert_cmpuint(r.c.status, ==, HYPSEC_INJECT_S_DONE_OFF);
        hypsec_unpark(board, 3);
        for (unsigned int cpu = 0; cpu < 3; cpu++) {
            events[cpu] = hypsec_event_smc(cpu, PSCI_CPU_ON | PSCI_64, 3,
                                           PARK_KERNEL, 0);
        }
        hypsec_ring(board, events, 3, returns);
        for (unsigned int cpu = 0; cpu < 3; cpu++) {
            uint64_t x0 = returns[cpu].c.x[0];

            hypsec_assert_returned(&returns[cpu], x0);
            successes += x0 == 0;
            g_assert_true(x0 == 0 || x0 == ALREADY_ON || x0 == ON_PENDING);
        }
        g_assert_cmpuint(successes, ==, 1);
        hypsec_wait_parked(board, 3);
    }
}

/* While one CPU executes hypercalls for real, the other takes events. */
static void test_beside_real(void)
{
    HypsecBoard *board = hypsec_board(&(HypsecConfig){ .cpus = 2 });
    static const uint32_t loop[] = {
        INSN_HVC(0), INSN_SUBS1(9), INSN_BNE(-2),
    };
    HypsecRun run = {
        .x = { 30, [9] = 20000 }, .code = loop, .count = 3,
    };

    hypsec_run_start(board, 1, &run);
    for (int i = 0; i < ROUNDS(board); i++) {
        HypsecReturn r = hypsec_dabt(board, 0, HYPSEC_CARVEOUT, L3);

        hypsec_assert_aborted(&r);
    }
    g_assert_true(hypsec_run_wait(board, 1, &run));
    g_assert_cmpuint(hypsec_counters(board, 1).hypercalls, ==, 20000);
    g_assert_cmpuint(hypsec_counters(board, 0).hypercalls, ==, 0);
}

/* A CPU that sleeps in EL2 (CPU_SUSPEND) leaves the others alone. */
static void test_suspended(void)
{
    HypsecBoard *board =
        hypsec_board_new(&(HypsecConfig){ .cpus = 2 });
    HypsecEvent suspend = hypsec_event_smc(1, PSCI_CPU_SUSPEND | PSCI_64, 0,
                                           0, 0);
    HypsecReturn r;

    suspend.bound = 100000000000;
    hypsec_ring_put(board, &suspend, 1);
    for (int i = 0; i < ROUNDS(board); i++) {
        r = hypsec_dabt(board, 0, HYPSEC_CARVEOUT, L3);
        hypsec_assert_aborted(&r);
    }
    /* An interrupt for the host wakes it, masked or not. */
    qtest_set_irq_in(board->qts, "/machine/cpu[1]", NULL, 0, 1);
    hypsec_ring_take(board, &suspend, 1, &r);
    qtest_set_irq_in(board->qts, "/machine/cpu[1]", NULL, 0, 0);
    hypsec_assert_returned(&r, 0);
    hypsec_board_free(board);
}

struct broken {
    const char *name;
    uint32_t type;
    const char *report;
};

static const struct broken at_el2[] = {
    { "data-abort", HYPSEC_INJECT_DABT, "synchronous exception at EL2" },
    { "fetch-abort", HYPSEC_INJECT_IABT, "synchronous exception at EL2" },
    { "undefined", HYPSEC_INJECT_UNDEF, "synchronous exception at EL2" },
    { "illegal-state", HYPSEC_INJECT_ILLEGAL,
      "synchronous exception at EL2" },
    { "brk", HYPSEC_INJECT_BRK, "synchronous exception at EL2" },
    { "interrupt", HYPSEC_INJECT_IRQ, "interrupt at EL2" },
    { "fast-interrupt", HYPSEC_INJECT_FIQ, "fast interrupt at EL2" },
    { "serror", HYPSEC_INJECT_SERROR, "SError at EL2" },
};

/*
 * An exception inside EL2 stops the machine with a report of EL2's own
 * registers; the CPU that caused it never returns to the host.
 */
static void test_at_el2(const void *data)
{
    const struct broken *b = data;
    HypsecBoard *board = hypsec_board_new(&(HypsecConfig){ .cpus = 2 });
    static const uint32_t hvc[] = { INSN_HVC(0) };
    HypsecRun run = { .x = { 5 }, .code = hvc, .count = 1 };
    HypsecEvent event = hypsec_event(b->type, 0);
    g_autofree char *report = g_strdup_printf("EL2 panic: %s\ncpu0 ESR",
                                              b->report);

    /* EL2 masks what is asynchronous: by force. */
    event.flags = HYPSEC_INJECT_F_AT_EL2 | HYPSEC_INJECT_F_FORCE_EL2;
    event.xmask = 0;
    hypsec_post(board, &event);
    hypsec_run_start(board, 0, &run);
    hypsec_assert_panicked(board, report);
    hypsec_assert_console(board, "EL2 registers at the exception:");
    hypsec_assert_console(board, "backtrace");
    g_assert_cmphex(qtest_readq(board->qts, run.code_pc - PARK_CODE +
                                PARK_GO), !=, 0);
    hypsec_board_free(board);
}

static uint64_t reported_elr(HypsecBoard *board)
{
    g_autofree char *console = hypsec_console(board);
    const char *elr = strstr(console, "ELR 0x");

    g_assert_nonnull(elr);
    return g_ascii_strtoull(elr + 4, NULL, 16);
}

/* Wherever in EL2 it is: while registers are saved, in C, on the way out. */
static void test_at_el2_anywhere(void)
{
    static const uint32_t hvc[] = { INSN_HVC(0) };
    uint64_t last = 0;
    unsigned int places = 0;

    for (uint64_t delay = 1; delay < 112; delay += 10) {
        HypsecBoard *board = hypsec_board(&(HypsecConfig){
            .args = "-icount shift=0,sleep=off",
        });
        HypsecRun run = { .x = { 5 }, .code = hvc, .count = 1 };
        HypsecEvent event = hypsec_event(HYPSEC_INJECT_SERROR, 0);

        event.flags = HYPSEC_INJECT_F_AT_EL2 | HYPSEC_INJECT_F_FORCE_EL2;
        event.xmask = 0;
        event.delay = delay;
        hypsec_post(board, &event);
        hypsec_run_start(board, 0, &run);
        hypsec_assert_panicked(board, "EL2 panic: SError at EL2\ncpu0 ESR");
        hypsec_assert_console(board, "backtrace");
        places += reported_elr(board) != last;
        last = reported_elr(board);
    }
    g_assert_cmpuint(places, >, 5);
}

/* Interrupts and SErrors that come while EL2 runs wait: EL2 masks them. */
static void test_at_el2_masked(void)
{
    static const uint32_t types[] = {
        HYPSEC_INJECT_IRQ, HYPSEC_INJECT_FIQ, HYPSEC_INJECT_SERROR,
    };
    HypsecBoard *board = hypsec_board(&(HypsecConfig){ .cpus = 2 });
    static const uint32_t hvc[] = { INSN_HVC(0) };

    for (int i = 0; i < ARRAY_SIZE(types); i++) {
        HypsecRun run = { .x = { 5 }, .code = hvc, .count = 1 };
        HypsecEvent event = hypsec_event(types[i], 0);
        HypsecReturn r;

        event.flags = HYPSEC_INJECT_F_AT_EL2;
        event.xmask = 0;
        hypsec_ring_put(board, &event, 1);
        g_assert_true(hypsec_run(board, 0, &run));
        hypsec_ring_take(board, &event, 1, &r);
        hypsec_assert_not_trapped(&r, HYPSEC_INJECT_R_MASKED);
        g_assert_cmphex(run.x[0], ==, HYPSEC_NOT_SUPPORTED);
    }
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*test)(const void *);
    } tests[] = {
        { "refusals", test_refusals },
        { "same-page", test_same_page },
        { "same-table", test_same_table },
        { "mixed", test_mixed },
    };

    if (!hypsec_lib_init(&argc, &argv)) {
        return 1;
    }
    for (int i = 0; i < ARRAY_SIZE(cpu_counts); i++) {
        for (int j = 0; j < ARRAY_SIZE(tests); j++) {
            g_autofree char *path =
                g_strdup_printf("hypsec-concurrent/%u-cpus/%s",
                                cpu_counts[i], tests[j].name);

            qtest_add_data_func(path, &cpu_counts[i], tests[j].test);
        }
    }
    qtest_add_func("hypsec-concurrent/cpu-on-race", test_cpu_on_race);
    qtest_add_func("hypsec-concurrent/beside-a-real-loop", test_beside_real);
    qtest_add_func("hypsec-concurrent/beside-a-suspended-cpu",
                   test_suspended);
    qtest_add_func("hypsec-concurrent/at-el2/masked", test_at_el2_masked);
    qtest_add_func("hypsec-concurrent/at-el2/anywhere",
                   test_at_el2_anywhere);
    for (int i = 0; i < ARRAY_SIZE(at_el2); i++) {
        g_autofree char *path =
            g_strdup_printf("hypsec-concurrent/at-el2/%s", at_el2[i].name);

        qtest_add_data_func(path, &at_el2[i], test_at_el2);
    }
    return hypsec_lib_run();
}
