/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qtests of the exception-level observer: target-hooks/hypsec-el-observer.h
 * says what it counts.
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qobject/qdict.h"
#include "hypsec-test.h"

#define OBSERVER "/machine/peripheral/obs"
#define ICOUNT "-icount shift=0,sleep=off"
#define WAIT_SECONDS 60

/* What hypsec_levels() spends up to its first instruction at EL0. */
#define EL2_INSTRUCTIONS 9
#define EL1_INSTRUCTIONS 7

/* hypsec_levels(), but first CPU 1 is started and loops at EL2. */
static const char *two_cpus_firmware(void)
{
    static const uint32_t cpu_on_code[] = {
        0xd2b88000, /* mov x0, #0xc4000000 */
        0xf2800060, /* movk x0, #0x3 */
        0xd2800021, /* mov x1, #1 */
        0x100000a2, /* adr x2, .+20 */
        0xd2800003, /* mov x3, #0 */
        0xd4000003, /* smc #0 */
        0xd2b00000, /* mov x0, #0x80000000 */
        0x17fffaba, /* b 0x4 */
        0x14000000, /* b . */
    };
    g_autofree char *data = NULL;
    gsize size;

    g_assert_true(g_file_get_contents(hypsec_levels(NULL, 0), &data, &size, NULL));
    data = g_realloc(data, 0x1600);
    memset(data + size, 0, 0x1600 - size);
    stl_le_p(data, 0x14000540); /* b 0x1500 */
    for (int i = 0; i < ARRAY_SIZE(cpu_on_code); i++) {
        stl_le_p(data + 0x1500 + i * 4, cpu_on_code[i]);
    }
    return hypsec_tmp_file("two-cpus.bin", data, 0x1600);
}

/* Starts the program, stopped before its first instruction. */
static QTestState *start(const char *machine, const char *args)
{
    return qtest_initf("-accel tcg -M %s -bios %s -S -net none "
                       "-device hypsec-el-observer,id=obs%s", machine,
                       hypsec_levels(NULL, 0), args);
}

static void cont(QTestState *qts)
{
    qtest_qmp_assert_success(qts, "{'execute': 'cont'}");
}

static void assert_count(QTestState *qts, const char *name, uint64_t want)
{
    g_test_message("%s", name);
    g_assert_cmpuint(hypsec_get_uint(qts, OBSERVER, name), ==, want);
}

static void assert_world(QTestState *qts, const char *name,
                         const char *world, uint64_t want)
{
    g_test_message("%s of %s", name, world ?: "all");
    g_assert_cmpuint(hypsec_get_member(qts, OBSERVER, name, world), ==, want);
}

/* Waits until the program loops at EL2, which it ends with. */
static void wait_end(QTestState *qts)
{
    gint64 end = g_get_monotonic_time() + WAIT_SECONDS * G_TIME_SPAN_SECOND;

    while (hypsec_get_uint(qts, OBSERVER, "el2-entries") == 0) {
        g_assert_cmpint(g_get_monotonic_time(), <, end);
        g_usleep(1000);
    }
}

static void assert_at_first_el0(QTestState *qts)
{
    assert_count(qts, "el0-instructions", 0);
    assert_count(qts, "el1-instructions", EL1_INSTRUCTIONS);
    assert_count(qts, "el2-instructions", EL2_INSTRUCTIONS);
    assert_count(qts, "el0-entries", 1);
    assert_count(qts, "el1-entries", 1);
    assert_count(qts, "el2-entries", 0);
    assert_count(qts, "first-el0-instructions",
                 EL2_INSTRUCTIONS + EL1_INSTRUCTIONS);
}

/* One instruction is one nanosecond; below EL2 nobody says who runs. */
static void assert_worlds_at_first_el0(QTestState *qts, unsigned int cpus)
{
    const unsigned int all = EL2_INSTRUCTIONS + EL1_INSTRUCTIONS;

    assert_world(qts, "world-instructions", "el2", EL2_INSTRUCTIONS);
    assert_world(qts, "world-instructions", "unknown", EL1_INSTRUCTIONS);
    assert_world(qts, "world-instructions", NULL, all);
    assert_world(qts, "world-time", "el2", EL2_INSTRUCTIONS);
    assert_world(qts, "world-time", "unknown", EL1_INSTRUCTIONS);
    assert_world(qts, "world-time", "off", (cpus - 1) * all);
    assert_world(qts, "world-time", NULL, cpus * all);
    assert_world(qts, "world-entries", "unknown", 1);
    assert_world(qts, "world-entries", NULL, 1);
}

/* Everything is zero before the first instruction. */
static void test_zero(void)
{
    QTestState *qts = start("hypsec-virt", " " ICOUNT);

    assert_count(qts, "el2-instructions", 0);
    assert_count(qts, "el2-entries", 0);
    assert_count(qts, "first-el0-instructions", 0);
    assert_world(qts, "world-time", NULL, 0);
    assert_world(qts, "world-instructions", NULL, 0);
    assert_world(qts, "world-entries", NULL, 0);
    qtest_quit(qts);
}

/* stop-at-el0 stops with exact counts, whatever the other CPUs do. */
static void test_stop(void)
{
    QTestState *qts = start("hypsec-virt -smp 4", ",stop-at-el0=on " ICOUNT);

    cont(qts);
    qtest_qmp_eventwait(qts, "STOP");
    assert_at_first_el0(qts);
    assert_worlds_at_first_el0(qts, 4);
    qtest_quit(qts);
}

/* Each CPU's instructions go to the level that this CPU was at. */
static void test_two_cpus(void)
{
    QTestState *qts = qtest_initf("-accel tcg -M hypsec-virt -smp 2 -bios %s "
                                  "-S -device hypsec-el-observer,id=obs,"
                                  "stop-at-el0=on " ICOUNT,
                                  two_cpus_firmware());
    uint64_t first;

    cont(qts);
    qtest_qmp_eventwait(qts, "STOP");
    first = hypsec_get_uint(qts, OBSERVER, "first-el0-instructions");
    assert_count(qts, "el1-instructions", EL1_INSTRUCTIONS);
    assert_count(qts, "el2-instructions", first - EL1_INSTRUCTIONS);
    assert_count(qts, "el2-entries", 0);
    assert_world(qts, "world-instructions", "unknown", EL1_INSTRUCTIONS);
    assert_world(qts, "world-instructions", "el2", first - EL1_INSTRUCTIONS);
    /* CPU 1 is off at first, then at EL2. */
    assert_world(qts, "world-entries", "el2", 1);
    assert_world(qts, "world-entries", "unknown", 1);
    assert_world(qts, "world-time", "unknown", EL1_INSTRUCTIONS);
    assert_world(qts, "world-time", NULL, 2 * first);
    g_assert_cmpuint(hypsec_get_member(qts, OBSERVER, "world-time", "off"),
                     <, first);
    qtest_quit(qts);
}

/* After the stop the program goes on, and is counted. */
static void test_resume(void)
{
    QTestState *qts = start("hypsec-virt", ",stop-at-el0=on " ICOUNT);

    cont(qts);
    qtest_qmp_eventwait(qts, "STOP");
    cont(qts);
    wait_end(qts);
    assert_count(qts, "el0-instructions", 2);
    assert_count(qts, "el1-instructions", EL1_INSTRUCTIONS + 1);
    assert_count(qts, "el0-entries", 1);
    assert_count(qts, "el1-entries", 2);
    assert_count(qts, "el2-entries", 1);
    assert_world(qts, "world-instructions", "unknown",
                 EL1_INSTRUCTIONS + 3);
    assert_world(qts, "world-time", "unknown", EL1_INSTRUCTIONS + 3);
    assert_world(qts, "world-entries", "unknown", 1);
    assert_world(qts, "world-entries", "el2", 1);
    qtest_quit(qts);
}

/* Without -icount entries count and instructions read 0. */
static void test_no_icount(void)
{
    QTestState *qts = start("hypsec-virt", ",stop-at-el0=on");

    cont(qts);
    qtest_qmp_eventwait(qts, "STOP");
    assert_count(qts, "el0-entries", 1);
    assert_count(qts, "el1-entries", 1);
    assert_count(qts, "el1-instructions", 0);
    assert_count(qts, "el2-instructions", 0);
    assert_count(qts, "first-el0-instructions", 0);
    assert_world(qts, "world-instructions", NULL, 0);
    assert_world(qts, "world-entries", NULL, 1);
    g_assert_cmpuint(hypsec_get_member(qts, OBSERVER, "world-time", "el2"),
                     >, 0);
    g_assert_cmpuint(hypsec_get_member(qts, OBSERVER, "world-time",
                                       "unknown"), >, 0);
    assert_world(qts, "world-time", "off", 0);
    qtest_quit(qts);
}

/* A reset starts the counts, and the stop, over. */
static void test_reset(void)
{
    QTestState *qts = start("hypsec-virt", ",stop-at-el0=on " ICOUNT);

    cont(qts);
    qtest_qmp_eventwait(qts, "STOP");
    qtest_system_reset(qts);
    assert_count(qts, "el1-entries", 0);
    assert_count(qts, "first-el0-instructions", 0);
    assert_world(qts, "world-time", NULL, 0);
    assert_world(qts, "world-entries", NULL, 0);
    cont(qts);
    qtest_qmp_eventwait(qts, "STOP");
    assert_at_first_el0(qts);
    assert_worlds_at_first_el0(qts, 1);
    qtest_quit(qts);
}

/* It works on upstream's virt as well. */
static void test_virt(void)
{
    QTestState *qts = start("virt,virtualization=on -cpu cortex-a72",
                            ",stop-at-el0=on " ICOUNT);

    cont(qts);
    qtest_qmp_eventwait(qts, "STOP");
    assert_at_first_el0(qts);
    qtest_quit(qts);
}

/* The counts move with the machine. */
static void test_migration(void)
{
    const char *path = hypsec_tmp_file("state", "", 0);
    QTestState *qts = start("hypsec-virt", ",stop-at-el0=on " ICOUNT);
    g_autofree char *uri = g_strdup_printf("file:%s", path);

    cont(qts);
    qtest_qmp_eventwait(qts, "STOP");
    qtest_qmp_assert_success(qts, "{'execute': 'migrate', 'arguments': "
                             "{'uri': %s}}", uri);
    hypsec_wait_migration(qts);
    qtest_quit(qts);

    qts = start("hypsec-virt", ",stop-at-el0=on " ICOUNT " -incoming defer");
    qtest_qmp_assert_success(qts, "{'execute': 'migrate-incoming', "
                             "'arguments': {'uri': %s}}", uri);
    hypsec_wait_migration(qts);
    assert_at_first_el0(qts);
    assert_worlds_at_first_el0(qts, 1);
    cont(qts);
    wait_end(qts);
    assert_world(qts, "world-time", "unknown", EL1_INSTRUCTIONS + 3);
    assert_world(qts, "world-entries", "el2", 1);
    assert_count(qts, "el0-instructions", 2);
    assert_count(qts, "el1-instructions", EL1_INSTRUCTIONS + 1);
    qtest_quit(qts);
}

static void wait_entered_el2(QTestState *qts, uint64_t entries)
{
    gint64 end = g_get_monotonic_time() + WAIT_SECONDS * G_TIME_SPAN_SECOND;

    while (hypsec_get_member(qts, OBSERVER, "world-entries", "el2") !=
           entries) {
        g_assert_cmpint(g_get_monotonic_time(), <, end);
        g_usleep(1000);
    }
}

static uint64_t all_instructions(QTestState *qts)
{
    return hypsec_get_uint(qts, OBSERVER, "el0-instructions") +
           hypsec_get_uint(qts, OBSERVER, "el1-instructions") +
           hypsec_get_uint(qts, OBSERVER, "el2-instructions");
}

/* Runs until both CPUs loop at EL2, and moves to another machine. */
static QTestState *migrate_two_cpus(const char *more, uint64_t *instructions)
{
    const char *path = hypsec_tmp_file("state", "", 0);
    g_autofree char *uri = g_strdup_printf("file:%s", path);
    g_autofree char *args = g_strdup_printf(
        "-accel tcg -M hypsec-virt -smp 2 -bios %s -S "
        "-device hypsec-el-observer,id=obs %s", two_cpus_firmware(), more);
    QTestState *qts = qtest_init(args);

    cont(qts);
    /* CPU 1, and CPU 0 with its last HVC. */
    wait_entered_el2(qts, 2);
    qtest_qmp_assert_success(qts, "{'execute': 'stop'}");
    *instructions = all_instructions(qts);
    qtest_qmp_assert_success(qts, "{'execute': 'migrate', 'arguments': "
                             "{'uri': %s}}", uri);
    hypsec_wait_migration(qts);
    qtest_quit(qts);
    qts = qtest_initf("%s -incoming defer", args);
    qtest_qmp_assert_success(qts, "{'execute': 'migrate-incoming', "
                             "'arguments': {'uri': %s}}", uri);
    hypsec_wait_migration(qts);
    return qts;
}

/* The state that is saved has all the time up to then. */
static void test_migration_time(void)
{
    uint64_t instructions;
    QTestState *qts = migrate_two_cpus(ICOUNT, &instructions);

    g_assert_cmpuint(instructions, >, 0);
    assert_world(qts, "world-time", NULL, 2 * instructions);
    assert_world(qts, "world-entries", "el2", 2);
    qtest_quit(qts);
}

/* Where the CPUs were in the target before the state came counts nothing. */
static void test_migration_worlds(void)
{
    uint64_t instructions, off;
    QTestState *qts = migrate_two_cpus("", &instructions);

    off = hypsec_get_member(qts, OBSERVER, "world-time", "off");
    g_assert_cmpuint(off, >, 0);
    cont(qts);
    assert_world(qts, "world-time", "off", off);
    assert_world(qts, "world-entries", "el2", 2);
    qtest_quit(qts);
}

/* It cannot be added to a machine that runs. */
static void test_refused(void)
{
    QTestState *qts = start("hypsec-virt", "");
    QDict *ret;

    ret = qtest_qmp(qts, "{'execute': 'device_add', 'arguments': "
                    "{'driver': 'hypsec-el-observer', 'id': 'late'}}");
    g_assert_true(qdict_haskey(ret, "error"));
    qobject_unref(ret);
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    qtest_add_func("hypsec-el-observer/count/zero-before-start", test_zero);
    qtest_add_func("hypsec-el-observer/count/exact-at-stop", test_stop);
    qtest_add_func("hypsec-el-observer/count/cpus-apart", test_two_cpus);
    qtest_add_func("hypsec-el-observer/count/goes-on-after-stop",
                   test_resume);
    qtest_add_func("hypsec-el-observer/count/entries-without-icount",
                   test_no_icount);
    qtest_add_func("hypsec-el-observer/reset/starts-over", test_reset);
    qtest_add_func("hypsec-el-observer/machine/virt", test_virt);
    qtest_add_func("hypsec-el-observer/migration/keeps-counts",
                   test_migration);
    qtest_add_func("hypsec-el-observer/migration/keeps-time",
                   test_migration_time);
    qtest_add_func("hypsec-el-observer/migration/keeps-worlds",
                   test_migration_worlds);
    qtest_add_func("hypsec-el-observer/create/not-later", test_refused);
    return hypsec_test_run();
}
