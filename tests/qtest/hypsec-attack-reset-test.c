/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host that looks for what a VM left behind a reset: the one it asks for,
 * a power-off, and one that comes without EL2 being asked. And a snapshot,
 * behind which everything is as it was.
 */
#include "qemu/osdep.h"
#include "hypsec-attack.h"

#define PROGRAM "hypsec-attack-reset"

#define PAGES   (HYPSEC_FREE + 8 * HYPSEC_BLOCK)
#define OTHER   (PAGES - HYPSEC_BLOCK)
#define DYING_PAGES (3 * HYPSEC_MAX_PAGES_PER_CALL)

static const HypsecConfig two_cpus = { .cpus = 2 };

/* Outstanding when it happens: a whole VM, one half destroyed. */
static void outstanding(HypsecBoard *board)
{
    hypsec_vm_with(board, HYPSEC_GPA, OTHER, 9);
    hypsec_vm_dying(board, HYPSEC_GPA, PAGES, DYING_PAGES);
}

static void assert_nothing_left(HypsecBoard *board)
{
    for (unsigned int i = 0; i < 9; i++) {
        hypsec_assert_zero(board, OTHER + i * HYPSEC_PAGE);
    }
    for (unsigned int i = 0; i < DYING_PAGES; i++) {
        hypsec_assert_zero(board, PAGES + i * HYPSEC_PAGE);
    }
}

static void unpark_all(HypsecBoard *board)
{
    for (unsigned int cpu = 0; cpu < board->cpus; cpu++) {
        hypsec_unpark(board, cpu);
    }
}

/* After a reset: all of it is the host's, and VMs can be made again. */
static void assert_started_over(HypsecBoard *board)
{
    hypsec_park(board);
    assert_nothing_left(board);
    for (unsigned int i = 0; i < 9; i++) {
        hypsec_assert_scrubbed(board, 1, OTHER + i * HYPSEC_PAGE);
    }
    for (unsigned int i = 0; i < DYING_PAGES; i += 100) {
        hypsec_assert_scrubbed(board, 1, PAGES + i * HYPSEC_PAGE);
    }
    hypsec_check_tables(board);
    g_assert_cmpuint(hypsec_vm_with(board, HYPSEC_GPA, OTHER, 1), ==, 1);
    hypsec_assert_vm_page(board, OTHER, 1, HYPSEC_GPA);
}

/* The host resets or turns off: nothing is left before anyone else runs. */
static void test_system_call(const void *data)
{
    uint32_t fn = *(const uint32_t *)data;
    HypsecBoard *board = hypsec_board_new(&(HypsecConfig){
        .cpus = 2, .args = "-action reboot=shutdown",
    });
    HypsecEvent event = hypsec_event_smc(1, fn, 0, 0, 0);

    outstanding(board);
    hypsec_post(board, &event);
    /* What would be the end of this QEMU pauses it. */
    hypsec_wait_event(board, "SHUTDOWN");
    assert_nothing_left(board);
    hypsec_board_free(board);
}

/*
 * The same while the other CPU makes a VM, after so many other calls, and
 * gives it pages in the middle of those that are to be scrubbed.
 */
static void test_new_vm(const void *data)
{
    enum { FIRST = 1200, GIVEN = 100, LAST = 60 };
    unsigned int before = *(const unsigned int *)data, n = 0;
    uint64_t between = PAGES + 3 * HYPSEC_BLOCK, last = between + HYPSEC_BLOCK;
    HypsecBoard *board = hypsec_board_new(&two_cpus);
    HypsecEvent events[HYPSEC_RING_MAX];
    HypsecEvent off = hypsec_event_smc(0, PSCI_SYSTEM_OFF, 0, 0, 0);

    g_assert_cmpuint(hypsec_vm_with(board, HYPSEC_GPA, PAGES, FIRST), ==, 1);
    g_assert_cmpuint(hypsec_vm_with(board, HYPSEC_GPA, last, LAST), ==, 2);
    while (n < before) {
        events[n++] = hypsec_event_hvc(1, 64, 0, 0, 0);
    }
    events[n++] = hypsec_event_hvc(1, HYPSEC_HVC_REGISTER_KVM, 0, 0, 0);
    events[n++] = hypsec_event_hvc(1, HYPSEC_HVC_SET_BOOT_INFO, 3, HYPSEC_GPA,
                                   HYPSEC_BLOCK);
    for (int i = 0; i < GIVEN; i++) {
        events[n++] = hypsec_event_hvc(1, HYPSEC_HVC_REMAP_VM_IMAGE, 3,
                                       between / HYPSEC_PAGE + i, 0);
    }
    g_assert_cmpuint(n, <=, ARRAY_SIZE(events));
    hypsec_post(board, &off);
    hypsec_ring_put(board, events, n);
    hypsec_wait_event(board, "SHUTDOWN");
    for (unsigned int i = 0; i < FIRST; i++) {
        hypsec_assert_zero(board, PAGES + i * HYPSEC_PAGE);
    }
    for (unsigned int i = 0; i < LAST; i++) {
        hypsec_assert_zero(board, last + i * HYPSEC_PAGE);
    }
    hypsec_board_free(board);
}

static void test_system_reset(void)
{
    HypsecBoard *board = hypsec_board_new(&two_cpus);
    HypsecEvent event = hypsec_event_smc(0, PSCI_SYSTEM_RESET, 0, 0, 0);

    outstanding(board);
    unpark_all(board);
    hypsec_post(board, &event);
    hypsec_wait_event(board, "RESET");
    assert_started_over(board);
    hypsec_board_free(board);
}

/* A reset that EL2 does not see coming, as a watchdog's; three of them. */
static void test_watchdog(void)
{
    HypsecBoard *board = hypsec_board_new(&two_cpus);

    for (int round = 0; round < 3; round++) {
        outstanding(board);
        unpark_all(board);
        qtest_system_reset(board->qts);
        assert_started_over(board);
        hypsec_assert_console(board, "scrubbed");
        hypsec_vm_destroy(board, 1);
    }
    hypsec_board_free(board);
}

/* Resets that come when a destroy has scrubbed so many pages. */
static void test_watchdog_busy(void)
{
    HypsecBoard *board = hypsec_board_new(&two_cpus);

    for (int round = 0; round < 6; round++) {
        uint64_t vmid = hypsec_vm_with(board, HYPSEC_GPA, PAGES, DYING_PAGES);
        HypsecEvent destroy = hypsec_event_call(0, HYPSEC_HVC_DESTROY_VM,
                                                vmid, 0, 0, 0);

        hypsec_vm_with(board, HYPSEC_GPA, OTHER, 9);
        unpark_all(board);
        hypsec_post(board, &destroy);
        hypsec_wait_word(board, PAGES + round * 70 * HYPSEC_PAGE, 0, true,
                         "scrubbing");
        qtest_system_reset(board->qts);
        assert_started_over(board);
        hypsec_vm_destroy(board, 1);
    }
    hypsec_board_free(board);
}

/* The host resets while its other CPU gives pages to VMs. */
static void test_system_reset_busy(void)
{
    enum { GIVEN = 400 };
    HypsecBoard *board = hypsec_board_new(&two_cpus);
    g_autofree HypsecEvent *events = g_new(HypsecEvent, GIVEN);
    HypsecEvent reset = hypsec_event_smc(0, PSCI_SYSTEM_RESET, 0, 0, 0);
    uint64_t vmid = hypsec_vm(board);
    uint64_t idx = hypsec_vm_image(board, vmid, HYPSEC_GPA, HYPSEC_BLOCK);

    outstanding(board);
    unpark_all(board);
    for (int i = 0; i < GIVEN; i++) {
        events[i] = hypsec_event_call(
            1, HYPSEC_HVC_REMAP_VM_IMAGE, vmid,
            (OTHER - HYPSEC_BLOCK) / HYPSEC_PAGE + i, idx, 0);
    }
    hypsec_ring_put(board, events, GIVEN);
    hypsec_post(board, &reset);
    hypsec_wait_event(board, "RESET");
    assert_started_over(board);
    hypsec_board_free(board);
}

/*
 * Pages where the board puts something at reset that does not fill them: the
 * tail of the kernel's image_size, the space behind the device tree.
 */
static void test_watchdog_fresh(void)
{
    HypsecBoard *board = hypsec_board_new(&two_cpus);
    uint64_t kernel = PARK_KERNEL + PARK_IMAGE_BYTES - 2 * HYPSEC_PAGE;
    /* RAM begins with the tree, which is short. */
    uint64_t tree = HYPSEC_RAM + 0x40000;
    uint64_t vmid = hypsec_vm(board);
    uint64_t idx = hypsec_vm_image(board, vmid, HYPSEC_GPA, HYPSEC_BLOCK);

    hypsec_vm_give_pages(board, vmid, idx, kernel, 2);
    hypsec_vm_give_pages(board, vmid, idx, tree, 2);
    unpark_all(board);
    qtest_system_reset(board->qts);
    hypsec_park(board);
    for (int i = 0; i < 2; i++) {
        hypsec_assert_scrubbed(board, 1, kernel + i * HYPSEC_PAGE);
        hypsec_assert_scrubbed(board, 1, tree + i * HYPSEC_PAGE);
    }
    hypsec_board_free(board);
}

/* A snapshot with VMs in all states keeps everything. */
static void test_snapshot(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);
    uint64_t value, vmid = hypsec_vm_with(board, HYPSEC_GPA, OTHER, 9);
    uint64_t dying = hypsec_vm_dying(board, HYPSEC_GPA, PAGES, DYING_PAGES);
    uint64_t empty = hypsec_vm(board);
    uint64_t idx = hypsec_vm_image(board, vmid, HYPSEC_GPA + GiB,
                                   2 * HYPSEC_PAGE);
    g_autoptr(HypsecState) before = NULL;

    hypsec_vm_ioremap(board, empty, HYPSEC_GPA, HYPSEC_UART0, HYPSEC_PAGE);
    before = hypsec_state(board);
    hypsec_savevm(board, "vms");
    for (int pass = 0; pass < 2; pass++) {
        hypsec_assert_state(board, before);
        hypsec_check_tables(board);
        /* All goes on from there: refusals, gifts, the end of each. */
        g_assert_false(hypsec_host_load(board, 1, OTHER, &value));
        hypsec_vm_give_pages(board, vmid, idx, OTHER + 20 * HYPSEC_PAGE, 1);
        hypsec_assert_vm_page(board, OTHER + 20 * HYPSEC_PAGE, vmid,
                              HYPSEC_GPA + GiB);
        g_assert_cmpuint(hypsec_vm(board), ==, 4);
        hypsec_vm_destroy(board, vmid);
        hypsec_vm_destroy(board, dying);
        hypsec_vm_destroy(board, empty);
        assert_nothing_left(board);
        hypsec_assert_scrubbed(board, 1, OTHER + 20 * HYPSEC_PAGE);
        if (pass == 0) {
            hypsec_loadvm(board, "vms");
            for (int i = 0; i < 9; i++) {
                hypsec_assert_filled(board, OTHER + i * HYPSEC_PAGE);
            }
        }
    }
}

/* A snapshot in the middle of a destroy: it goes on, twice. */
static void test_snapshot_busy(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);
    uint64_t vmid = hypsec_vm_with(board, HYPSEC_GPA, PAGES, DYING_PAGES);
    HypsecEvent destroy = hypsec_event_call(0, HYPSEC_HVC_DESTROY_VM, vmid, 0,
                                            0, 0);

    hypsec_ring_put(board, &destroy, 1);
    hypsec_savevm(board, "busy");
    for (int pass = 0; pass < 2; pass++) {
        HypsecReturn r;

        hypsec_ring_take(board, &destroy, 1, &r);
        hypsec_assert_returned(&r, HYPSEC_AGAIN);
        hypsec_check_tables(board);
        hypsec_vm_destroy(board, vmid);
        for (unsigned int i = 0; i < DYING_PAGES; i++) {
            hypsec_assert_zero(board, PAGES + i * HYPSEC_PAGE);
            hypsec_assert_host_page(board, PAGES + i * HYPSEC_PAGE);
        }
        if (pass == 0) {
            hypsec_loadvm(board, "busy");
        }
    }
}

int main(int argc, char **argv)
{
    static const uint32_t reset = PSCI_SYSTEM_RESET, off = PSCI_SYSTEM_OFF;
    static const unsigned int delays[] = { 0, 5, 20, 60 };

    if (!hypsec_lib_init(&argc, &argv)) {
        return 1;
    }
    qtest_add_data_func(PROGRAM "/reads-before/system-reset", &reset,
                        test_system_call);
    qtest_add_data_func(PROGRAM "/reads-before/system-off", &off,
                        test_system_call);
    for (int i = 0; i < ARRAY_SIZE(delays); i++) {
        g_autofree char *path =
            g_strdup_printf(PROGRAM "/reads-before/system-off-amid-a-new-vm/%u",
                            delays[i]);

        qtest_add_data_func(path, &delays[i], test_new_vm);
    }
    qtest_add_func(PROGRAM "/reads-after/system-reset", test_system_reset);
    qtest_add_func(PROGRAM "/reads-after/watchdog", test_watchdog);
    qtest_add_func(PROGRAM "/reads-after/watchdog-what-is-not-filled",
                   test_watchdog_fresh);
    qtest_add_func(PROGRAM "/reads-after/watchdog-amid-destroy",
                   test_watchdog_busy);
    qtest_add_func(PROGRAM "/reads-after/system-reset-amid-gifts",
                   test_system_reset_busy);
    qtest_add_func(PROGRAM "/snapshot/keeps-vms", test_snapshot);
    qtest_add_func(PROGRAM "/snapshot/amid-destroy", test_snapshot_busy);
    return hypsec_lib_run();
}
