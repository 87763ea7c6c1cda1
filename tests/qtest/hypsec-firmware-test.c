/*
 * The corevisor firmware from outside: what a small hostvisor (probe) sees of
 * it, and what a reset leaves.
 *
 * Environment: HYPSEC_FIRMWARE the firmware's image, HYPSEC_PROBE the probe's.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qemu/cutils.h"
#include "libqtest.h"
#include "hypsec/abi.h"
#include "hypsec/boot_block.h"
#include "hypsec/inspect.h"
#include "hypsec-probe.h"
#include "hypsec-test.h"

#define NOT_SUPPORTED UINT64_MAX

/* Bounds a wait for the firmware or the probe. */
#define WAIT_SECONDS 60

#define INSPECT (CARVEOUT + HYPSEC_INSPECT_OFFSET)
#define FIELD_PA(field) (INSPECT + offsetof(struct hypsec_inspect, field))

#define ESR_EC(esr) ((esr) >> 26)
#define ESR_FSC(esr) ((esr) & 0x3f)
#define EC_IABT_CUR 0x21
#define EC_DABT_CUR 0x25
#define FSC_EXTERNAL_ABORT 0x10
#define PSTATE_EL1H_MASKED 0x3c5

#define PAGE 4096

static QTestState *start(const char *more)
{
    return qtest_initf("-accel tcg -M hypsec-virt -m 256M -smp 2 "
                       "-nodefaults -bios %s %s",
                       getenv("HYPSEC_FIRMWARE"), more);
}

/* Waits until the 64-bit word at @pa is @value. */
static void wait_for(QTestState *qts, uint64_t pa, uint64_t value)
{
    gint64 end = g_get_monotonic_time() + WAIT_SECONDS * G_USEC_PER_SEC;

    while (qtest_readq(qts, pa) != value) {
        g_assert_cmpint(g_get_monotonic_time(), <, end);
        g_usleep(1000);
    }
}

static uint64_t result(QTestState *qts, int n)
{
    return qtest_readq(qts, RESULTS + n * 8);
}

static QTestState *run_probe(void)
{
    g_autofree char *kernel = g_strdup_printf("-kernel %s",
                                              getenv("HYPSEC_PROBE"));
    QTestState *qts = start(kernel);

    wait_for(qts, RESULTS + PROBE_DONE * 8, PROBE_DONE_MAGIC);
    return qts;
}

/* Starts the firmware alone and waits until it has published itself. */
static QTestState *run_alone(void)
{
    QTestState *qts = start("");

    wait_for(qts, FIELD_PA(magic), HYPSEC_INSPECT_MAGIC);
    return qts;
}

/* The numbers that are none, and only those, give NOT_SUPPORTED. */
static void test_hvc_unknown(void)
{
    QTestState *qts = run_probe();

    for (int i = 0; i < PROBE_HVC_COUNT; i++) {
        /* GET_INFO says it of what it does not know. */
        if (i != HYPSEC_HVC_GET_INFO) {
            g_assert_cmpint(result(qts, PROBE_HVC + i) == NOT_SUPPORTED, ==,
                            !hypsec_call_exists(i));
        }
    }
    g_assert_cmphex(result(qts, PROBE_HVC_WILD), ==, NOT_SUPPORTED);
    g_assert_cmphex(result(qts, PROBE_HVC_IMM), ==, NOT_SUPPORTED);
    qtest_quit(qts);
}

/* An SMC never reaches the firmware below unless it is a known PSCI call. */
static void test_smc_filtered(void)
{
    QTestState *qts = run_probe();

    g_assert_cmphex(result(qts, PROBE_PSCI_VERSION), ==, 0x10001);
    g_assert_cmphex(result(qts, PROBE_SMC_UNKNOWN), ==, NOT_SUPPORTED);
    g_assert_cmphex(result(qts, PROBE_SMC_IMM), ==, NOT_SUPPORTED);
    qtest_quit(qts);
}

/* CPU_ON starts a CPU at EL1, with its context id (G5). */
static void test_cpu_on_enters_el1(void)
{
    QTestState *qts = run_probe();

    g_assert_cmphex(result(qts, PROBE_CPU_ON), ==, 0);
    g_assert_cmphex(result(qts, PROBE_SECONDARY_CONTEXT), ==, 0x1234);
    g_assert_cmphex(result(qts, PROBE_SECONDARY_EL), ==, 1 << 2);
    qtest_quit(qts);
}

/* CPU_ON refuses a running CPU, an unknown one, an entry in EL2's memory. */
static void test_cpu_on_refused(void)
{
    QTestState *qts = run_probe();

    g_assert_cmpint((int64_t)result(qts, PROBE_CPU_ON_SELF), ==, -4);
    g_assert_cmpint((int64_t)result(qts, PROBE_CPU_ON_NOBODY), ==, -2);
    g_assert_cmpint((int64_t)result(qts, PROBE_CPU_ON_EL2_ENTRY), ==, -9);
    qtest_quit(qts);
}

struct forbidden {
    const char *name;
    int result;
    uint64_t far;
    unsigned int ec;
};

static const struct forbidden forbidden[] = {
    { "load-el2-memory", PROBE_LOAD_EL2, CARVEOUT, EC_DABT_CUR },
    { "store-el2-memory", PROBE_STORE_EL2, CARVEOUT + 8, EC_DABT_CUR },
    { "fetch-el2-memory", PROBE_FETCH_EL2, CARVEOUT, EC_IABT_CUR },
    { "load-flash", PROBE_LOAD_FLASH, 0, EC_DABT_CUR },
    { "store-el2-console", PROBE_STORE_UART1, 0x09040000, EC_DABT_CUR },
    { "store-pvpanic", PROBE_STORE_PVPANIC, 0x0b000000, EC_DABT_CUR },
    { "load-empty-space", PROBE_LOAD_EMPTY, 0x0c000000, EC_DABT_CUR },
    { "load-above-ram", PROBE_LOAD_ABOVE, RAM_END, EC_DABT_CUR },
    { "load-beyond-40-bits", PROBE_LOAD_40_BITS, 1ULL << 40, EC_DABT_CUR },
    { "fetch-from-device", PROBE_FETCH_DEVICE, 0x09010000, EC_IABT_CUR },
};

/* A forbidden access ends in an external abort at EL1, with its address. */
static void test_forbidden(const void *data)
{
    const struct forbidden *f = data;
    QTestState *qts = run_probe();
    uint64_t esr = result(qts, f->result);

    g_assert_cmphex(ESR_EC(esr), ==, f->ec);
    g_assert_cmphex(ESR_FSC(esr), ==, FSC_EXTERNAL_ABORT);
    g_assert_cmphex(result(qts, f->result + 1), ==, f->far);
    g_assert_cmphex(result(qts, f->result + 3) & ~0xf0000000ULL, ==,
                    PSTATE_EL1H_MASKED);
    qtest_quit(qts);
}

/* An access that is allowed does not fault. */
static void test_allowed(void)
{
    QTestState *qts = run_probe();

    for (int i = 0; i < 4; i++) {
        g_assert_cmphex(result(qts, PROBE_LOAD_RTC + i), ==, 0);
    }
    qtest_quit(qts);
}

/*
 * Each forbidden access and each call that is refused counts as one refusal,
 * an allowed one does not.
 */
static void test_refusals_counted(void)
{
    QTestState *qts = run_probe();
    uint64_t cpus = qtest_readq(qts, FIELD_PA(cpu_base));
    uint64_t pa = cpus + offsetof(struct hypsec_inspect_cpu, refusals);
    unsigned int expected = ARRAY_SIZE(forbidden);

    for (int i = 0; i < PROBE_HVC_COUNT; i++) {
        int64_t x0 = result(qts, PROBE_HVC + i);

        expected += x0 == HYPSEC_INVALID || x0 == HYPSEC_DENIED ||
                    x0 == HYPSEC_NO_MEMORY;
    }
    g_assert_cmpint(expected, >, ARRAY_SIZE(forbidden));
    g_assert_cmpint(qtest_readq(qts, pa), ==, expected);
    qtest_quit(qts);
}

/* The boot block holds keys: nothing of it is left once the firmware runs. */
static void test_boot_block_wiped(void)
{
    QTestState *qts = run_alone();
    uint8_t page[PAGE];

    qtest_memread(qts, CARVEOUT + HYPSEC_BOOT_BLOCK_OFFSET, page, PAGE);
    g_assert_true(buffer_is_zero(page, PAGE));
    qtest_quit(qts);
}

/* What fails before there is C reaches QMP as well. */
static void test_early_failure_panics(void)
{
    QTestState *qts =
        qtest_initf("-accel tcg -M hypsec-virt,el2-mem=2M -m 256M "
                    "-nodefaults -S -action panic=pause -bios %s",
                    getenv("HYPSEC_FIRMWARE"));

    /* Not before somebody listens: QMP drops earlier events. */
    qtest_qmp_assert_success(qts, "{ 'execute': 'cont' }");
    qtest_qmp_eventwait(qts, "GUEST_PANICKED");
    qtest_quit(qts);
}

/* The record of the page at @pa in the array that the firmware published. */
static uint64_t record_pa(QTestState *qts, uint64_t pa)
{
    return qtest_readq(qts, FIELD_PA(page_base)) +
           (pa / PAGE - qtest_readq(qts, FIELD_PA(page_first_pfn))) * 8;
}

/* A reset scrubs the pages of VMs, and those alone. */
static void test_reset_scrubs_vm_pages(void)
{
    const uint64_t vm_page = 0x42345000, host_page = 0x42346000;
    QTestState *qts = run_alone();
    uint64_t record = record_pa(qts, vm_page);
    uint8_t page[PAGE];

    qtest_memset(qts, vm_page, 0x5a, PAGE);
    qtest_memset(qts, host_page, 0xa5, PAGE);
    qtest_writeq(qts, record, 3);
    qtest_system_reset(qts);
    /* The new records are the last thing before the page is published. */
    wait_for(qts, record, 0);
    wait_for(qts, FIELD_PA(magic), HYPSEC_INSPECT_MAGIC);

    qtest_memread(qts, vm_page, page, PAGE);
    g_assert_true(buffer_is_zero(page, PAGE));
    g_assert_cmphex(qtest_readq(qts, host_page), ==, 0xa5a5a5a5a5a5a5a5ULL);
    qtest_quit(qts);
}

/*
 * Somebody who is no CPU reads and writes the GICv2: what QEMU does without
 * our repair is to crash.
 */
static void test_gic_from_outside(void)
{
    QTestState *qts = run_alone();

    /* GICD_TYPER, GICC_IIDR, GICH_VTR. */
    g_assert_cmphex(qtest_readl(qts, 0x08000004) & 0xe0, ==, 1 << 5);
    g_assert_cmphex(qtest_readl(qts, 0x080100fc), !=, 0);
    g_assert_cmphex(qtest_readl(qts, 0x08030004), !=, 0);
    qtest_writel(qts, 0x08010004, 0xf0);
    g_assert_cmphex(qtest_readl(qts, 0x08010004), ==, 0xf0);
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    if (!getenv("HYPSEC_FIRMWARE") || !getenv("HYPSEC_PROBE")) {
        g_printerr("HYPSEC_FIRMWARE and HYPSEC_PROBE must name the images\n");
        return 1;
    }
    qtest_add_func("hypsec-firmware/hvc/unknown-number-not-supported",
                   test_hvc_unknown);
    qtest_add_func("hypsec-firmware/smc/filtered", test_smc_filtered);
    qtest_add_func("hypsec-firmware/cpu-on/enters-el1",
                   test_cpu_on_enters_el1);
    qtest_add_func("hypsec-firmware/cpu-on/refused", test_cpu_on_refused);
    for (size_t i = 0; i < ARRAY_SIZE(forbidden); i++) {
        g_autofree char *path =
            g_strdup_printf("hypsec-firmware/forbidden/%s",
                            forbidden[i].name);

        qtest_add_data_func(path, &forbidden[i], test_forbidden);
    }
    qtest_add_func("hypsec-firmware/allowed/load-rtc", test_allowed);
    qtest_add_func("hypsec-firmware/refusals/counted", test_refusals_counted);
    qtest_add_func("hypsec-firmware/boot-block/wiped", test_boot_block_wiped);
    qtest_add_func("hypsec-firmware/early-failure/panics",
                   test_early_failure_panics);
    qtest_add_func("hypsec-firmware/gic/answers-who-is-no-cpu",
                   test_gic_from_outside);
    qtest_add_func("hypsec-firmware/reset/scrubs-vm-pages",
                   test_reset_scrubs_vm_pages);
    return g_test_run();
}
