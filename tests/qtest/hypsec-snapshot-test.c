/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Snapshots in the middle of things: the firmware, its tables and what the
 * injector has under way come back with loadvm.
 */
#include "qemu/osdep.h"
#include "hypsec-lib.h"

#define BLOCK (2 * MiB)
/* From here on there are no hypercalls. */
#define NO_CALL 64
#define L3 (FSC_TRANSLATION | FSC_LEVEL_3)

static const HypsecConfig one_cpu;

/* What must be equal of two completions of the same event. */
static void assert_same(const HypsecReturn *a, const HypsecReturn *b)
{
    struct hypsec_inject_comp x = a->c, y = b->c;

    x.ns = y.ns = 0;
    x.sequence = y.sequence = 0;
    x.cookie = y.cookie = 0;
    x.sq_index = y.sq_index = 0;
    if (memcmp(&x, &y, sizeof(x))) {
        g_autofree char *first = hypsec_describe(a);
        g_autofree char *second = hypsec_describe(b);

        HYPSEC_FAIL(a->board, "before the snapshot:\n%safter it:\n%s", first,
                    second);
    }
}

/* The same events give the same completions after loadvm. */
static void test_same_answers(void)
{
    HypsecBoard *board = hypsec_board(&one_cpu);
    HypsecEvent events[] = {
        hypsec_event_hvc(0, 5, 0, 0, 0),
        hypsec_event_smc(0, PSCI_VERSION, 0, 0, 0),
        hypsec_event_dabt(0, HYPSEC_FREE, L3),
        hypsec_event_dabt(0, HYPSEC_CARVEOUT, L3),
        hypsec_event_iabt(0, HYPSEC_CARVEOUT, L3),
        hypsec_event_trap(0, EC_SYS64, 0),
    };
    HypsecReturn before[ARRAY_SIZE(events)];

    hypsec_savevm(board, "here");
    for (int i = 0; i < ARRAY_SIZE(events); i++) {
        before[i] = hypsec_fire(board, &events[i]);
    }
    hypsec_loadvm(board, "here");
    for (int i = 0; i < ARRAY_SIZE(events); i++) {
        HypsecReturn after = hypsec_fire(board, &events[i]);

        assert_same(&before[i], &after);
    }
}

/* Mappings and counters of after the snapshot are gone with it. */
static void test_state_comes_back(void)
{
    HypsecBoard *board = hypsec_board(&one_cpu);
    HypsecReturn r;

    hypsec_dabt(board, 0, HYPSEC_FREE, L3);
    hypsec_savevm(board, "here");
    r = hypsec_dabt(board, 0, HYPSEC_FREE + BLOCK, L3);
    hypsec_assert_retried(&r);
    hypsec_hvc(board, 0, 5, 0, 0, 0);
    hypsec_loadvm(board, "here");
    g_assert_cmphex(hypsec_s2_entry(board, HYPSEC_FREE), !=, 0);
    g_assert_cmphex(hypsec_s2_entry(board, HYPSEC_FREE + BLOCK), ==, 0);
    g_assert_cmpuint(hypsec_counters(board, 0).hypercalls, ==, 0);
    g_assert_cmpuint(hypsec_counters(board, 0).host_s2_faults, ==, 2);
}

/* A completion that nobody has read yet is there after loadvm. */
static void test_unread_completion(void)
{
    HypsecBoard *board = hypsec_board(&one_cpu);
    HypsecEvent event = hypsec_event_hvc(0, 5, 0, 0, 0);
    HypsecReturn r;

    hypsec_ring_put(board, &event, 1);
    hypsec_wait_ring(board);
    hypsec_savevm(board, "here");
    hypsec_ring_take(board, &event, 1, &r);
    hypsec_loadvm(board, "here");
    hypsec_ring_take(board, &event, 1, &r);
    hypsec_assert_returned(&r, HYPSEC_NOT_SUPPORTED);
}

/*
 * A snapshot with the ring under way: what was not done is done after loadvm,
 * once each, and the firmware counted as many events.
 */
static void test_ring_under_way(void)
{
    enum { N = 400, REPEAT = 50 };
    HypsecBoard *board = hypsec_board(&(HypsecConfig){ .cpus = 2 });
    g_autofree HypsecEvent *events = g_new(HypsecEvent, N);
    g_autofree HypsecReturn *returns = g_new(HypsecReturn, N);

    for (int i = 0; i < N; i++) {
        events[i] = hypsec_event_hvc(i % 2, NO_CALL + i, 0, 0, 0);
        events[i].repeat = REPEAT;
    }
    hypsec_ring_put(board, events, N);
    /* Stops the machine wherever it is. */
    hypsec_savevm(board, "here");
    for (int pass = 0; pass < 2; pass++) {
        hypsec_ring_take(board, events, N, returns);
        for (int i = 0; i < N; i++) {
            g_assert_cmpuint(returns[i].c.count, ==, REPEAT);
            hypsec_assert_returned(&returns[i], HYPSEC_NOT_SUPPORTED);
        }
        g_assert_cmpuint(hypsec_counters(board, 0).hypercalls +
                         hypsec_counters(board, 1).hypercalls, ==,
                         N * REPEAT);
        if (pass == 0) {
            hypsec_loadvm(board, "here");
        }
    }
}

/* An event that is armed, for the next time at EL2, still is after loadvm. */
static void test_armed(void)
{
    HypsecBoard *board = hypsec_board_new(&one_cpu);
    static const uint32_t hvc[] = { INSN_HVC(0) };
    HypsecRun run = { .x = { 5 }, .code = hvc, .count = 1 };
    HypsecEvent event = hypsec_event(HYPSEC_INJECT_SERROR, 0);

    event.flags = HYPSEC_INJECT_F_AT_EL2 | HYPSEC_INJECT_F_FORCE_EL2;
    event.xmask = 0;
    event.bound = HYPSEC_INJECT_BOUND_MAX;
    hypsec_post(board, &event);
    hypsec_savevm(board, "armed");
    qtest_system_reset(board->qts);
    hypsec_loadvm(board, "armed");
    hypsec_run_start(board, 0, &run);
    hypsec_assert_panicked(board, "EL2 panic: SError at EL2");
    hypsec_board_free(board);
}

/* Reset between tests: how long loadvm takes, and a new QEMU (a message). */
static void test_cost(void)
{
    gint64 start, middle;

    hypsec_board(&(HypsecConfig){ .cpus = 2 });
    start = g_get_monotonic_time();
    for (int i = 0; i < 4; i++) {
        hypsec_board(&(HypsecConfig){ .cpus = 2 });
    }
    middle = g_get_monotonic_time();
    for (int i = 0; i < 4; i++) {
        hypsec_board_free(
            hypsec_board_new(&(HypsecConfig){ .cpus = 2 }));
    }
    g_test_message("loadvm %.0f ms, a new QEMU %.0f ms",
                   (middle - start) / 4e3,
                   (g_get_monotonic_time() - middle) / 4e3);
}

int main(int argc, char **argv)
{
    if (!hypsec_lib_init(&argc, &argv)) {
        return 1;
    }
    qtest_add_func("hypsec-snapshot/same-answers", test_same_answers);
    qtest_add_func("hypsec-snapshot/state-comes-back",
                   test_state_comes_back);
    qtest_add_func("hypsec-snapshot/unread-completion",
                   test_unread_completion);
    qtest_add_func("hypsec-snapshot/ring-under-way", test_ring_under_way);
    qtest_add_func("hypsec-snapshot/armed", test_armed);
    qtest_add_func("hypsec-snapshot/cost", test_cost);
    return hypsec_lib_run();
}
