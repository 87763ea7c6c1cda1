/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every hypercall number from outside. Those that do not exist give
 * NOT_SUPPORTED and change nothing else; those that do have tests of their own
 * (hypsec-attack-*) and take any arguments here.
 */
#include "qemu/osdep.h"
#include "hypsec-attack.h"
#include "hypsec-test.h"

#define LAST_NUMBER 64

static const HypsecConfig one_cpu;

/* Values that a careless core would take for something. */
static const uint64_t wild[] = {
    0, 1, 0xfff, 0x1000, HYPSEC_RAM, HYPSEC_CARVEOUT, HYPSEC_CARVEOUT + 1,
    HYPSEC_RAM_END, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
    1ULL << 40, 0x4000000000, 0x8000000000, 0x7fffffffffffffff, 1ULL << 63,
    0xffff000000000000, UINT64_MAX - 4095, UINT64_MAX,
};

/* The same with some that are right, so that a few calls succeed. */
static const uint64_t any[] = {
    0, 1, 2, 3, 4, 5, 15, 16, 0x1000, 0x2000, 0x200000, HYPSEC_FREE,
    HYPSEC_FREE / HYPSEC_PAGE, HYPSEC_FREE / HYPSEC_PAGE + 1, HYPSEC_GPA,
    HYPSEC_GPA + HYPSEC_BLOCK, HYPSEC_UART0, HYPSEC_UART1, HYPSEC_CARVEOUT,
    HYPSEC_CARVEOUT / HYPSEC_PAGE, HYPSEC_IPA_END, HYPSEC_IPA_END - 0x1000,
    0xffffffff, 0x100000000, 0x100000001, 1ULL << 63, UINT64_MAX,
};

/* Each that is none gives NOT_SUPPORTED and counts as one hypercall. */
static void test_every_number(void)
{
    HypsecBoard *board = hypsec_board(&one_cpu);
    uint64_t calls = 0;

    for (uint64_t nr = 0; nr <= LAST_NUMBER; nr++) {
        HypsecReturn r;

        if (hypsec_call_exists(nr)) {
            continue;
        }
        r = hypsec_hvc(board, 0, nr, 1, 2, 3);
        hypsec_assert_returned(&r, HYPSEC_NOT_SUPPORTED);
        g_assert_cmpuint(hypsec_counters(board, 0).hypercalls, ==, ++calls);
    }
    g_assert_cmpuint(hypsec_counters(board, 0).refusals, ==, 0);
}

/* A number is all 64 bits of x0: none of these is one. */
static void test_wild_number(void)
{
    static const uint64_t numbers[] = {
        65, 0xff, 0x100, 0xffff, 0x84000, 0x10000, 1ULL << 32, 1ULL << 63,
        /* Pvops, and REGISTER_KVM with bits too many. */
        HYPSEC_PVOP_SET_DESC_PFN, HYPSEC_PVOP_UNSET_DESC_PFN, 0x10d,
        (1ULL << 32) + HYPSEC_HVC_REGISTER_KVM,
        (1ULL << 63) + HYPSEC_HVC_REGISTER_KVM,
        (1ULL << 32) + 30, 0xffffffff0000001eULL, UINT64_MAX, UINT64_MAX - 1,
        /* PSCI is for SMC. */
        PSCI_VERSION, PSCI_CPU_OFF, PSCI_CPU_ON | PSCI_64, PSCI_SYSTEM_OFF,
        PSCI_SYSTEM_RESET,
    };
    HypsecBoard *board = hypsec_board(&one_cpu);

    for (int i = 0; i < ARRAY_SIZE(numbers); i++) {
        HypsecReturn r = hypsec_hvc(board, 0, numbers[i], 0, PARK_KERNEL, 0);

        hypsec_assert_returned(&r, HYPSEC_NOT_SUPPORTED);
    }
}

/* Arguments of a hypercall that does not exist are not looked at. */
static void test_wild_arguments(void)
{
    HypsecBoard *board = hypsec_board(&one_cpu);
    g_autofree HypsecEvent *events =
        g_new(HypsecEvent, (LAST_NUMBER + 1) * ARRAY_SIZE(wild));
    g_autofree HypsecReturn *returns =
        g_new(HypsecReturn, (LAST_NUMBER + 1) * ARRAY_SIZE(wild));
    size_t n = 0;

    for (uint64_t nr = 0; nr <= LAST_NUMBER; nr++) {
        for (int i = 0; i < ARRAY_SIZE(wild) && !hypsec_call_exists(nr); i++) {
            events[n] = hypsec_event_hvc(0, nr, wild[i], wild[i], wild[i]);
            for (int x = 4; x < 31; x++) {
                events[n].x[x] = wild[(i + x) % ARRAY_SIZE(wild)];
            }
            n++;
        }
    }
    hypsec_ring(board, events, n, returns);
    for (size_t i = 0; i < n; i++) {
        hypsec_assert_returned(&returns[i], HYPSEC_NOT_SUPPORTED);
    }
    g_assert_cmpuint(hypsec_counters(board, 0).hypercalls, ==, n);
}

/*
 * Arguments of those that exist: each gives a result that there is, EL2 goes
 * on, and records and tables fit each other after all of them.
 */
static void test_any_arguments(void)
{
    enum { N = 6000 };
    HypsecBoard *board = hypsec_board(&one_cpu);
    g_autofree HypsecEvent *events = g_new(HypsecEvent, N);
    g_autofree HypsecReturn *returns = g_new(HypsecReturn, N);
    g_autoptr(GRand) rand = g_rand_new_with_seed(38);

    for (int i = 0; i < N; i++) {
        uint64_t x[5];

        do {
            x[0] = g_rand_int_range(rand, 0, LAST_NUMBER);
            /* GET_INFO tells addresses, and of what it lacks NOT_SUPPORTED. */
        } while (!hypsec_call_exists(x[0]) || x[0] == HYPSEC_HVC_GET_INFO);
        for (int j = 1; j < ARRAY_SIZE(x); j++) {
            x[j] = any[g_rand_int_range(rand, 0, ARRAY_SIZE(any))];
        }
        events[i] = hypsec_event_call(0, x[0], x[1], x[2], x[3], x[4]);
    }
    hypsec_ring(board, events, N, returns);
    for (int i = 0; i < N; i++) {
        int64_t x0 = returns[i].c.x[0];

        hypsec_assert_returned(&returns[i], x0);
        g_assert_cmpint(x0, >=, HYPSEC_NO_MEMORY);
        g_assert_cmpint(x0, !=, HYPSEC_NOT_SUPPORTED);
        g_assert_cmpint(x0, <=, HYPSEC_MAX_VMS);
    }
    hypsec_check_tables(board);
}

/* HVC #n with n other than 0 is no hypercall. */
static void test_immediate(void)
{
    HypsecBoard *board = hypsec_board(&one_cpu);

    for (unsigned int imm = 1; imm <= 0xffff; imm = imm * 2 + 1) {
        HypsecEvent event =
            hypsec_event_hvc(0, HYPSEC_HVC_REGISTER_KVM, 0, 0, 0);
        HypsecReturn r;

        event.esr = ESR(EC_HVC64, imm);
        r = hypsec_fire(board, &event);
        hypsec_assert_returned(&r, HYPSEC_NOT_SUPPORTED);
    }
}

/* A hypercall returns to EL1 as it was, whatever stack pointer it uses. */
static void test_from_el1t(void)
{
    HypsecBoard *board = hypsec_board(&one_cpu);
    HypsecEvent event = hypsec_event_hvc(0, 63, 0, 0, 0);
    HypsecReturn r;

    event.pstate = PSTATE_EL1T;
    r = hypsec_fire(board, &event);
    hypsec_assert_returned(&r, HYPSEC_NOT_SUPPORTED);
}

/* HVC is undefined at EL0; EL2 does not hear of it. */
static void test_from_el0(void)
{
    HypsecBoard *board = hypsec_board(&one_cpu);
    HypsecEvent event = hypsec_event_hvc(0, 63, 0, 0, 0);
    HypsecReturn r;

    event.pstate = PSTATE_EL0;
    r = hypsec_fire(board, &event);
    hypsec_assert_at_el1(&r, VECTOR_EL0);
    g_assert_cmphex(r.c.esr_el1, ==, ESR(EC_UNKNOWN, 0));
    g_assert_cmpuint(hypsec_counters(board, 0).hypercalls, ==, 0);
}

/* Hypercalls of the host leave nothing on EL2's console. */
static void test_silent(void)
{
    HypsecBoard *board = hypsec_board(&one_cpu);
    g_autofree char *console = NULL;

    hypsec_hvc(board, 0, 63, 0, 0, 0);
    console = hypsec_console(board);
    g_assert_cmpstr(console, ==, "");
}

/* on-violation=halt is for what the specification panics for: not for this. */
static void test_unknown_does_not_halt(void)
{
    HypsecBoard *board = hypsec_board(&(HypsecConfig){ .halt = true });

    for (uint64_t nr = 0; nr <= LAST_NUMBER; nr++) {
        if (!hypsec_call_exists(nr)) {
            HypsecReturn r = hypsec_hvc(board, 0, nr, 0, 0, 0);

            hypsec_assert_returned(&r, HYPSEC_NOT_SUPPORTED);
        }
    }
}

/*
 * G3: the stub calls of Linux (0 SET_VECTORS, 1 SOFT_RESTART, 2
 * RESET_VECTORS, 5 in the C) do not exist: no code of the host's runs at EL2,
 * its MMU and vectors stay, and VBAR_EL2 is not told.
 */
static void test_g3(void)
{
    static const unsigned int stubs[] = { 0, 1, 2, 5 };
    HypsecBoard *board = hypsec_board(&one_cpu);

    for (int i = 0; i < ARRAY_SIZE(stubs); i++) {
        HypsecReturn r = hypsec_hvc(board, 0, stubs[i], PARK_KERNEL,
                                    PARK_KERNEL, PARK_KERNEL);

        hypsec_assert_returned(&r, HYPSEC_NOT_SUPPORTED);
        /* EL2 is still there. */
        r = hypsec_mmio_read(board, 0, HYPSEC_CARVEOUT, 3, 0);
        hypsec_assert_aborted(&r);
    }
    g_assert_cmpuint(hypsec_counters(board, 0).refusals, ==,
                     ARRAY_SIZE(stubs));
}

/*
 * G9: the calls that Linux's EL2 vectors answer before anything else, with a
 * per-CPU address computed from TPIDR_EL2, are plain unknown calls.
 */
static void test_g9(void)
{
    /* SMCCC_ARCH_WORKAROUND_1, _2, _3 and ARCH_FEATURES. */
    static const uint64_t calls[] = {
        0x80008000, 0x80007fff, 0x80003fff, 0x80000001,
    };
    HypsecBoard *board = hypsec_board(&one_cpu);

    for (int i = 0; i < ARRAY_SIZE(calls); i++) {
        for (uint64_t on = 0; on < 2; on++) {
            HypsecReturn r = hypsec_hvc(board, 0, calls[i], on, 0, 0);

            hypsec_assert_returned(&r, HYPSEC_NOT_SUPPORTED);
            r = hypsec_smc(board, 0, calls[i], on, 0, 0);
            hypsec_assert_returned(&r, HYPSEC_NOT_SUPPORTED);
        }
    }
}

int main(int argc, char **argv)
{
    if (!hypsec_lib_init(&argc, &argv)) {
        return 1;
    }
    qtest_add_func("hypsec-hvc/number/every-one", test_every_number);
    qtest_add_func("hypsec-hvc/number/wild", test_wild_number);
    qtest_add_func("hypsec-hvc/arguments/wild", test_wild_arguments);
    qtest_add_func("hypsec-hvc/G38/any-arguments-of-those-that-exist",
                   test_any_arguments);
    qtest_add_func("hypsec-hvc/immediate/is-zero", test_immediate);
    qtest_add_func("hypsec-hvc/from/el1t", test_from_el1t);
    qtest_add_func("hypsec-hvc/from/el0-undefined", test_from_el0);
    qtest_add_func("hypsec-hvc/console/silent", test_silent);
    qtest_add_func("hypsec-hvc/G3/stub-calls-do-not-exist", test_g3);
    qtest_add_func("hypsec-hvc/G9/workaround-calls-are-unknown", test_g9);
    qtest_add_func("hypsec-hvc/halt/unknown-number-does-not-halt",
                   test_unknown_does_not_halt);
    return hypsec_lib_run();
}
