/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's firmware calls from outside: each PSCI function with right and
 * wrong arguments, and all that is none (Arm DEN0022).
 */
#include "qemu/osdep.h"
#include "hypsec-lib.h"

#define INVALID_PARAMETERS  ((uint64_t)-2)
#define ALREADY_ON          ((uint64_t)-4)
#define INVALID_ADDRESS     ((uint64_t)-9)

#define AFFINITY_ON         0
#define AFFINITY_OFF        1

static const HypsecConfig one_cpu;
static const HypsecConfig two_cpus = { .cpus = 2 };
static const HypsecConfig second_off = { .cpus = 2, .off = true };

/* Where no CPU of the host's may start. */
static const uint64_t bad_entries[] = {
    HYPSEC_CARVEOUT, HYPSEC_RAM_END - 4096, HYPSEC_RAM_END, 0, 0x08000000,
    0x09000000, 0x09040000, 0x0b100000, 0x3ffffffc, 1ULL << 40,
    PARK_KERNEL + (1ULL << 40), PARK_KERNEL + (1ULL << 52), UINT64_MAX,
};

/* The numbers that PSCI has, with and without 64 bits. */
static const uint32_t functions[] = {
    PSCI_VERSION, PSCI_CPU_SUSPEND, PSCI_CPU_SUSPEND | PSCI_64, PSCI_CPU_OFF,
    PSCI_CPU_ON, PSCI_CPU_ON | PSCI_64, PSCI_AFFINITY_INFO,
    PSCI_AFFINITY_INFO | PSCI_64, PSCI_MIGRATE_INFO_TYPE, PSCI_SYSTEM_OFF,
    PSCI_SYSTEM_RESET, PSCI_FEATURES,
};

static bool is_function(uint64_t fn)
{
    for (int i = 0; i < ARRAY_SIZE(functions); i++) {
        if (functions[i] == (uint32_t)fn) {
            return true;
        }
    }
    return false;
}

/* The version is 1.1, and only the low half of x0 is the number. */
static void test_version(void)
{
    HypsecBoard *board = hypsec_board(&one_cpu);
    HypsecReturn r = hypsec_smc(board, 0, PSCI_VERSION, 0, 0, 0);

    hypsec_assert_returned(&r, 0x10001);
    r = hypsec_smc(board, 0, 0xdeadbeefULL << 32 | PSCI_VERSION, 1, 2, 3);
    hypsec_assert_returned(&r, 0x10001);
    g_assert_cmpuint(hypsec_counters(board, 0).smcs, ==, 2);
}

/* Trusted OS migration: none is needed. */
static void test_migrate_info_type(void)
{
    HypsecBoard *board = hypsec_board(&one_cpu);
    HypsecReturn r = hypsec_smc(board, 0, PSCI_MIGRATE_INFO_TYPE, 0, 0, 0);

    hypsec_assert_returned(&r, 2);
}

/* FEATURES knows each function, and nothing else. */
static void test_features(void)
{
    HypsecBoard *board = hypsec_board(&one_cpu);

    for (int i = 0; i < ARRAY_SIZE(functions); i++) {
        HypsecReturn r = hypsec_smc(board, 0, PSCI_FEATURES, functions[i], 0,
                                    0);

        hypsec_assert_returned(&r, 0);
    }
    for (uint32_t n = 0; n <= 0x20; n++) {
        static const uint32_t bases[] = {
            0x84000000, 0xc4000000, 0x80000000, 0x04000000, 0,
        };

        for (int i = 0; i < ARRAY_SIZE(bases); i++) {
            if (!is_function(bases[i] + n)) {
                HypsecReturn r = hypsec_smc(board, 0, PSCI_FEATURES,
                                            bases[i] + n, 0, 0);

                hypsec_assert_returned(&r, HYPSEC_NOT_SUPPORTED);
            }
        }
    }
}

/* No other number reaches the firmware below. */
static void test_unknown(void)
{
    static const uint32_t bases[] = {
        0x84000000, 0xc4000000, 0x80000000, 0x82000000, 0x86000000,
        0x04000000, 0x44000000, 0, 0xc3000000, 0xbf00ff00, 0x95c1ba5e,
        0xffffffe0,
    };
    HypsecBoard *board = hypsec_board(&one_cpu);
    HypsecEvent events[ARRAY_SIZE(bases) * 0x20];
    HypsecReturn returns[ARRAY_SIZE(events)];
    size_t n = 0;

    for (int i = 0; i < ARRAY_SIZE(bases); i++) {
        for (uint32_t nr = 0; nr < 0x20; nr++) {
            if (!is_function(bases[i] + nr)) {
                events[n++] = hypsec_event_smc(0, bases[i] + nr, 0,
                                               PARK_KERNEL, 0);
            }
        }
    }
    hypsec_ring(board, events, n, returns);
    for (size_t i = 0; i < n; i++) {
        hypsec_assert_returned(&returns[i], HYPSEC_NOT_SUPPORTED);
    }
    g_assert_cmpuint(hypsec_counters(board, 0).smcs, ==, n);
}

/* The calling convention has SMC #0 only. */
static void test_immediate(void)
{
    HypsecBoard *board = hypsec_board(&one_cpu);

    for (unsigned int imm = 1; imm <= 0xffff; imm = imm * 2 + 1) {
        HypsecEvent event = hypsec_event_smc(0, PSCI_VERSION, 0, 0, 0);
        HypsecReturn r;

        event.esr = ESR(EC_SMC64, imm);
        r = hypsec_fire(board, &event);
        hypsec_assert_returned(&r, HYPSEC_NOT_SUPPORTED);
    }
}

/* SMC is undefined at EL0; EL2 does not hear of it. */
static void test_from_el0(void)
{
    HypsecBoard *board = hypsec_board(&one_cpu);
    HypsecEvent event = hypsec_event_smc(0, PSCI_SYSTEM_OFF, 0, 0, 0);
    HypsecReturn r;

    event.pstate = PSTATE_EL0;
    r = hypsec_fire(board, &event);
    hypsec_assert_at_el1(&r, VECTOR_EL0);
    g_assert_cmphex(r.c.esr_el1, ==, ESR(EC_UNKNOWN, 0));
    g_assert_cmpuint(hypsec_counters(board, 0).smcs, ==, 0);
}

/* A trapped SMC counts as executed: a software step of it is over. */
static void test_single_step(void)
{
    const uint64_t ss = 1u << 21;
    HypsecBoard *board = hypsec_board(&one_cpu);
    HypsecEvent event = hypsec_event_smc(0, PSCI_VERSION, 0, 0, 0);
    HypsecReturn r;

    event.pstate |= ss;
    r = hypsec_fire(board, &event);
    g_assert_cmphex(r.c.pstate, ==, event.pstate & ~ss);
    g_assert_cmphex(r.c.pc, ==, event.pc + 4);
    g_assert_cmphex(r.c.x[0], ==, 0x10001);
}

/* AFFINITY_INFO tells on from off, and knows no other CPU. */
static void test_affinity_info(void)
{
    HypsecBoard *board = hypsec_board(&second_off);
    static const uint64_t nobody[] = { 2, 0xff, 0x100, 0x10000, 1ULL << 32,
                                       UINT64_MAX };
    HypsecReturn r = hypsec_smc(board, 0, PSCI_AFFINITY_INFO | PSCI_64, 0, 0,
                                0);

    hypsec_assert_returned(&r, AFFINITY_ON);
    r = hypsec_smc(board, 0, PSCI_AFFINITY_INFO | PSCI_64, 1, 0, 0);
    hypsec_assert_returned(&r, AFFINITY_OFF);
    /* A 32-bit function has 32-bit arguments. */
    r = hypsec_smc(board, 0, PSCI_AFFINITY_INFO, 0xffffffff00000001, 0, 0);
    hypsec_assert_returned(&r, AFFINITY_OFF);
    for (int i = 0; i < ARRAY_SIZE(nobody); i++) {
        r = hypsec_smc(board, 0, PSCI_AFFINITY_INFO | PSCI_64, nobody[i], 0,
                       0);
        hypsec_assert_returned(&r, INVALID_PARAMETERS);
    }
}

/* CPU_ON of who is on. */
static void test_cpu_on_already(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);

    for (uint64_t cpu = 0; cpu < 2; cpu++) {
        HypsecReturn r = hypsec_smc(board, 0, PSCI_CPU_ON | PSCI_64, cpu,
                                    PARK_KERNEL, 0);

        hypsec_assert_returned(&r, ALREADY_ON);
    }
}

/* CPU_ON of who does not exist. */
static void test_cpu_on_nobody(void)
{
    static const uint64_t nobody[] = {
        2, 7, 0x100, 0x101, 0x1000000, 0x1000001, 0x80000001, 1ULL << 32,
        (1ULL << 32) + 1, 1ULL << 63, UINT64_MAX,
    };
    HypsecBoard *board = hypsec_board(&second_off);

    for (int i = 0; i < ARRAY_SIZE(nobody); i++) {
        HypsecReturn r = hypsec_smc(board, 0, PSCI_CPU_ON | PSCI_64,
                                    nobody[i], PARK_KERNEL, 0);

        hypsec_assert_returned(&r, INVALID_PARAMETERS);
    }
    g_assert_cmpuint(hypsec_counters(board, 1).world, ==, UINT32_MAX);
}

/* CPU_ON at an address that is not the host's RAM. */
static void test_cpu_on_bad_entry(void)
{
    HypsecBoard *board = hypsec_board(&second_off);
    HypsecReturn r;

    for (int i = 0; i < ARRAY_SIZE(bad_entries); i++) {
        r = hypsec_smc(board, 0, PSCI_CPU_ON | PSCI_64, 1, bad_entries[i], 0);
        hypsec_assert_returned(&r, INVALID_ADDRESS);
    }
    r = hypsec_smc(board, 0, PSCI_AFFINITY_INFO | PSCI_64, 1, 0, 0);
    hypsec_assert_returned(&r, AFFINITY_OFF);
    g_assert_cmpuint(hypsec_counters(board, 1).world, ==, UINT32_MAX);
}

/* The 32-bit CPU_ON looks at the low halves of its arguments. */
static void test_cpu_on_32(void)
{
    HypsecBoard *board = hypsec_board(&second_off);
    HypsecReturn r = hypsec_smc(board, 0, PSCI_CPU_ON, 1ULL << 32 | 1,
                                5ULL << 40 | PARK_KERNEL, 0);

    hypsec_assert_returned(&r, 0);
    hypsec_wait_parked(board, 1);
    r = hypsec_smc(board, 0, PSCI_CPU_ON, 1, PARK_KERNEL, 0);
    hypsec_assert_returned(&r, ALREADY_ON);
}

/* A CPU that goes off is off, and can be turned on again. */
static void test_cpu_off(void)
{
    HypsecBoard *board = hypsec_board_new(&two_cpus);
    HypsecReturn r = hypsec_smc(board, 1, PSCI_CPU_OFF, 0, 0, 0);

    g_assert_cmpuint(r.c.status, ==, HYPSEC_INJECT_S_DONE_OFF);
    g_assert_cmpuint(hypsec_counters(board, 1).world, ==, UINT32_MAX);
    r = hypsec_smc(board, 0, PSCI_AFFINITY_INFO | PSCI_64, 1, 0, 0);
    hypsec_assert_returned(&r, AFFINITY_OFF);
    hypsec_unpark(board, 1);
    hypsec_park(board);
    r = hypsec_hvc(board, 1, 5, 0, 0, 0);
    hypsec_assert_returned(&r, HYPSEC_NOT_SUPPORTED);
    g_assert_cmpuint(hypsec_counters(board, 1).world, ==, 0);
    hypsec_board_free(board);
}

/*
 * The same with no time between off and on: what returns to EL1 then is not
 * the event that turned the CPU off.
 */
static void test_cpu_off_on(void)
{
    HypsecBoard *board = hypsec_board_new(&two_cpus);
    HypsecEvent events[] = {
        hypsec_event_smc(1, PSCI_CPU_OFF, 0, 0, 0),
        hypsec_event_smc(0, PSCI_CPU_ON | PSCI_64, 1, PARK_KERNEL, 0),
    };
    HypsecReturn returns[ARRAY_SIZE(events)];

    events[1].repeat = 5000;
    hypsec_ring_put(board, events, ARRAY_SIZE(events));
    hypsec_ring_take(board, events, ARRAY_SIZE(events), returns);
    g_assert_cmpuint(returns[0].c.status, ==, HYPSEC_INJECT_S_DONE_OFF);
    g_assert_cmpuint(returns[1].c.status, ==, HYPSEC_INJECT_S_DONE_EL2);
    hypsec_board_free(board);
}

/* CPU_SUSPEND that would lose state checks where it would come back to. */
static void test_cpu_suspend_bad_entry(void)
{
    HypsecBoard *board = hypsec_board(&one_cpu);

    for (int i = 0; i < ARRAY_SIZE(bad_entries); i++) {
        HypsecReturn r = hypsec_smc(board, 0, PSCI_CPU_SUSPEND | PSCI_64,
                                    1 << 16, bad_entries[i], 0);

        hypsec_assert_returned(&r, INVALID_ADDRESS);
    }
}

/* CPU_SUSPEND with reserved bits set is refused by the firmware below. */
static void test_cpu_suspend_bad_state(void)
{
    HypsecBoard *board = hypsec_board(&one_cpu);
    HypsecReturn r = hypsec_smc(board, 0, PSCI_CPU_SUSPEND | PSCI_64,
                                0xfffc0000, PARK_KERNEL, 0);

    hypsec_assert_returned(&r, INVALID_PARAMETERS);
}

/* SYSTEM_OFF turns the machine off, and EL2 says who asked. */
static void test_system_off(void)
{
    HypsecBoard *board = hypsec_board_new(&two_cpus);
    HypsecEvent event = hypsec_event_smc(1, PSCI_SYSTEM_OFF, 0, 0, 0);

    hypsec_post(board, &event);
    hypsec_wait_event(board, "SHUTDOWN");
    hypsec_assert_console(board, "host cpu1: system off");
    hypsec_board_free(board);
}

/* SYSTEM_RESET boots firmware and host again. */
static void test_system_reset(void)
{
    HypsecBoard *board = hypsec_board_new(&two_cpus);
    HypsecEvent event = hypsec_event_smc(0, PSCI_SYSTEM_RESET, 0, 0, 0);
    HypsecReturn r;

    hypsec_unpark(board, 0);
    hypsec_unpark(board, 1);
    hypsec_post(board, &event);
    hypsec_wait_event(board, "RESET");
    hypsec_park(board);
    hypsec_assert_console(board, "host cpu0: system reset");
    g_assert_cmpuint(hypsec_counters(board, 1).smcs, ==, 0);
    r = hypsec_hvc(board, 1, 5, 0, 0, 0);
    hypsec_assert_returned(&r, HYPSEC_NOT_SUPPORTED);
    hypsec_board_free(board);
}

/*
 * G5: SMC traps, and a CPU that is turned on enters the host at EL1 with its
 * context id, behind stage 2: never EL2 at an address of the host's.
 */
static void test_g5(void)
{
    const uint64_t code = HYPSEC_FREE, report = HYPSEC_FREE + 4096;
    static const uint32_t insns[] = {
        0xd5384241,         /* mrs x1, CurrentEL */
        0x580000a2,         /* ldr x2, .+20 */
        0xa9000440,         /* stp x0, x1, [x2] */
        0xd503205f,         /* wfe */
        0x17ffffff,         /* b .-4 */
        0xd503201f,
    };
    HypsecBoard *board = hypsec_board(&second_off);
    HypsecReturn r;

    for (int i = 0; i < ARRAY_SIZE(insns); i++) {
        qtest_writel(board->qts, code + i * 4, insns[i]);
    }
    qtest_writeq(board->qts, code + 4 + 20, report);
    r = hypsec_smc(board, 0, PSCI_CPU_ON | PSCI_64, 1, code, 0x1234567890);
    hypsec_assert_returned(&r, 0);
    hypsec_wait_word(board, report + 8, 0, false, "CPU 1");
    g_assert_cmphex(qtest_readq(board->qts, report), ==, 0x1234567890);
    g_assert_cmphex(qtest_readq(board->qts, report + 8), ==, 1 << 2);
    /* Checks VTTBR_EL2, stage 2 and the traps of CPU 1. */
    r = hypsec_dabt(board, 1, HYPSEC_CARVEOUT, FSC_TRANSLATION);
    hypsec_assert_aborted(&r);
}

int main(int argc, char **argv)
{
    if (!hypsec_lib_init(&argc, &argv)) {
        return 1;
    }
    qtest_add_func("hypsec-psci/version", test_version);
    qtest_add_func("hypsec-psci/migrate-info-type", test_migrate_info_type);
    qtest_add_func("hypsec-psci/features", test_features);
    qtest_add_func("hypsec-psci/unknown", test_unknown);
    qtest_add_func("hypsec-psci/immediate", test_immediate);
    qtest_add_func("hypsec-psci/from/el0-undefined", test_from_el0);
    qtest_add_func("hypsec-psci/from/single-step", test_single_step);
    qtest_add_func("hypsec-psci/cpu-suspend/bad-entry",
                   test_cpu_suspend_bad_entry);
    qtest_add_func("hypsec-psci/cpu-suspend/bad-state",
                   test_cpu_suspend_bad_state);
    qtest_add_func("hypsec-psci/affinity-info", test_affinity_info);
    qtest_add_func("hypsec-psci/cpu-on/nobody", test_cpu_on_nobody);
    qtest_add_func("hypsec-psci/cpu-on/bad-entry", test_cpu_on_bad_entry);
    qtest_add_func("hypsec-psci/cpu-on/32-bit", test_cpu_on_32);
    qtest_add_func("hypsec-psci/G5/cpu-on-enters-el1-behind-stage-2",
                   test_g5);
    qtest_add_func("hypsec-psci/cpu-on/already-on", test_cpu_on_already);
    qtest_add_func("hypsec-psci/cpu-off/and-on-again", test_cpu_off);
    qtest_add_func("hypsec-psci/cpu-off/and-on-at-once", test_cpu_off_on);
    qtest_add_func("hypsec-psci/system-off", test_system_off);
    qtest_add_func("hypsec-psci/system-reset", test_system_reset);
    return hypsec_lib_run();
}
