/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host that wants to see what was in a VM when its memory comes back: after
 * it was destroyed or cleared, and in the middle of that.
 */
#include "qemu/osdep.h"
#include "hypsec-attack.h"

#define PROGRAM "hypsec-attack-reclaim"

#define PAGES   (HYPSEC_FREE + 8 * HYPSEC_BLOCK)
#define OTHER   (PAGES - HYPSEC_BLOCK)

static const HypsecConfig two_cpus = { .cpus = 2 };

/*
 * G35: pages of a destroyed VM are the host's as they were before, and zero.
 * Those of another VM are not touched.
 */
static void test_destroyed(const void *data)
{
    unsigned int pages = *(const unsigned int *)data;
    HypsecBoard *board = hypsec_board(&two_cpus);
    uint64_t other = hypsec_vm_with(board, HYPSEC_GPA, OTHER, 2);
    uint64_t vmid = hypsec_vm_with(board, HYPSEC_GPA, PAGES, pages);
    unsigned int calls = hypsec_vm_destroy(board, vmid);

    g_assert_cmpuint(calls, >=, DIV_ROUND_UP(pages,
                                             HYPSEC_MAX_PAGES_PER_CALL));
    for (unsigned int i = 0; i < pages; i++) {
        hypsec_assert_scrubbed(board, 1, PAGES + i * HYPSEC_PAGE);
    }
    for (unsigned int i = 0; i < 2; i++) {
        hypsec_assert_vm_page(board, OTHER + i * HYPSEC_PAGE, other,
                              HYPSEC_GPA + i * HYPSEC_PAGE);
        hypsec_assert_kept(board, 1, OTHER + i * HYPSEC_PAGE, other);
    }
    g_assert_cmphex(hypsec_vm_root(board, vmid), ==, 0);
    hypsec_check_tables(board);
}

/*
 * G37: between two calls of a destroy that takes several, each page is either
 * the VM's, closed to the host and with its contents, or the host's and zero.
 * At most as many as a call may change did; the id is not given again.
 */
static void test_half_destroyed(void)
{
    enum { DYING_PAGES = 3 * HYPSEC_MAX_PAGES_PER_CALL + 7 };
    HypsecBoard *board = hypsec_board(&two_cpus);
    uint64_t vmid = hypsec_vm_with(board, HYPSEC_GPA, PAGES, DYING_PAGES);
    unsigned int kept = DYING_PAGES;
    uint64_t x0;

    do {
        unsigned int before = kept;

        x0 = hypsec_call(board, 0, HYPSEC_HVC_DESTROY_VM, vmid, 0, 0, 0);
        g_assert_true(x0 == HYPSEC_OK || x0 == (uint64_t)HYPSEC_AGAIN);
        kept = 0;
        for (unsigned int i = 0; i < DYING_PAGES; i++) {
            uint64_t pa = PAGES + i * HYPSEC_PAGE;

            if (hypsec_page(board, pa).owner == 0) {
                hypsec_assert_scrubbed(board, 1, pa);
            } else {
                hypsec_assert_kept(board, 1, pa, vmid);
                kept++;
            }
        }
        g_assert_cmpuint(before - kept, <=, HYPSEC_MAX_PAGES_PER_CALL);
        /* Nothing of its table maps a page any more: G21. */
        g_assert_cmphex(hypsec_vm_entry(board, vmid, HYPSEC_GPA), ==, 0);
        g_assert_cmphex(hypsec_vm_entry(board, vmid, HYPSEC_GPA +
                                        (DYING_PAGES - 1) * HYPSEC_PAGE), ==,
                        0);
        if (x0 != HYPSEC_OK) {
            g_assert_cmpuint(kept, <, before);
            g_assert_cmpuint(hypsec_vm(board), !=, vmid);
        }
        hypsec_check_tables(board);
    } while (x0 != HYPSEC_OK);
    g_assert_cmpuint(kept, ==, 0);
    g_assert_cmpuint(hypsec_vm(board), ==, vmid);
}

/* Pages that came back go to the next VM, and back again. */
static void test_again(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);

    for (int round = 0; round < 20; round++) {
        uint64_t vmid = hypsec_vm_with(board, HYPSEC_GPA + round * GiB,
                                       PAGES + round * HYPSEC_PAGE, 40);

        hypsec_assert_vm_page(board, PAGES + (round + 39) * HYPSEC_PAGE, vmid,
                              HYPSEC_GPA + round * GiB + 39 * HYPSEC_PAGE);
        hypsec_vm_destroy(board, vmid);
        for (int i = 0; i < 40; i++) {
            hypsec_assert_scrubbed(board, 1, PAGES + (round + i) * HYPSEC_PAGE);
        }
    }
    hypsec_check_tables(board);
}

/* CLEAR_VM_S2_RANGE */

static uint64_t clear(HypsecBoard *board, uint64_t vmid, uint64_t start,
                      uint64_t size)
{
    return hypsec_call(board, 0, HYPSEC_HVC_CLEAR_VM_S2_RANGE, vmid, start,
                       size, 0);
}

static void clear_all(HypsecBoard *board, uint64_t vmid, uint64_t start,
                      uint64_t size)
{
    unsigned int calls = 0;
    uint64_t x0;

    do {
        x0 = clear(board, vmid, start, size);
        g_assert_cmpuint(++calls, <, 10000);
    } while (x0 == (uint64_t)HYPSEC_AGAIN);
    g_assert_cmpuint(x0, ==, HYPSEC_OK);
}

enum { CLEARED_PAGES = 3 * HYPSEC_MAX_PAGES_PER_CALL };

static unsigned int count_kept(HypsecBoard *board, uint64_t vmid)
{
    unsigned int kept = 0;

    for (unsigned int i = 0; i < CLEARED_PAGES; i++) {
        kept += hypsec_page(board, PAGES + i * HYPSEC_PAGE).owner == vmid;
    }
    return kept;
}

/* Of a range, exactly the pages in it come back; twice is once. */
static void test_clear_range(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);
    uint64_t vmid = hypsec_vm_dying(board, HYPSEC_GPA, PAGES, CLEARED_PAGES);
    uint64_t page = PAGES + 1200 * HYPSEC_PAGE;
    unsigned int kept;

    /* The last ones are still there: a call takes 512. */
    while (hypsec_page(board, page).owner != vmid) {
        page += HYPSEC_PAGE;
        g_assert_cmphex(page, <, PAGES + (CLEARED_PAGES - 4) * HYPSEC_PAGE);
    }
    kept = count_kept(board, vmid);
    for (int i = 0; i < 2; i++) {
        clear_all(board, vmid, page, 2 * HYPSEC_PAGE);
        g_assert_cmpuint(count_kept(board, vmid), ==, kept - 2);
        hypsec_assert_scrubbed(board, 1, page);
        hypsec_assert_scrubbed(board, 1, page + HYPSEC_PAGE);
    }
    /* A page that is the host's again is not scrubbed by a second clear. */
    hypsec_fill(board, page);
    clear_all(board, vmid, page, 2 * HYPSEC_PAGE);
    hypsec_assert_filled(board, page);
    hypsec_check_tables(board);
}

/* Another range in the middle of one, then all; then destroy goes on. */
static void test_clear_mixed(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);
    uint64_t other = hypsec_vm_with(board, HYPSEC_GPA, OTHER, 2);
    uint64_t vmid = hypsec_vm_dying(board, HYPSEC_GPA, PAGES, CLEARED_PAGES);

    clear(board, vmid, 0, HYPSEC_IPA_END);
    clear(board, vmid, PAGES, HYPSEC_BLOCK);
    clear(board, vmid, 0, HYPSEC_IPA_END);
    clear(board, vmid, PAGES + HYPSEC_BLOCK, 2 * HYPSEC_BLOCK);
    clear_all(board, vmid, 0, HYPSEC_IPA_END);
    g_assert_cmpuint(count_kept(board, vmid), ==, 0);
    for (unsigned int i = 0; i < CLEARED_PAGES; i++) {
        hypsec_assert_scrubbed(board, 1, PAGES + i * HYPSEC_PAGE);
    }
    hypsec_assert_kept(board, 1, OTHER, other);
    g_assert_cmpuint(hypsec_vm_destroy(board, vmid), >=, 1);
    g_assert_cmpuint(hypsec_vm(board), ==, vmid);
    hypsec_check_tables(board);
}

/* Clearing through EL2's memory, device windows and holes takes nothing. */
static void test_clear_elsewhere(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);
    uint64_t other = hypsec_vm_with(board, HYPSEC_GPA, OTHER, 2);
    uint64_t vmid = hypsec_vm_dying(board, HYPSEC_GPA, PAGES, CLEARED_PAGES);
    g_autoptr(HypsecState) before = hypsec_state(board);
    uint64_t value;

    clear_all(board, vmid, HYPSEC_CARVEOUT, HYPSEC_RAM_END - HYPSEC_CARVEOUT);
    clear_all(board, vmid, 0, HYPSEC_RAM);
    clear_all(board, vmid, HYPSEC_RAM_END, HYPSEC_IPA_END - HYPSEC_RAM_END);
    clear_all(board, vmid, OTHER, 2 * HYPSEC_PAGE);
    hypsec_check_tables(board);
    hypsec_assert_kept(board, 1, OTHER, other);
    g_assert_false(hypsec_host_load(board, 1, HYPSEC_CARVEOUT, &value));
    g_assert_cmpuint(hypsec_page(board, HYPSEC_CARVEOUT).owner, ==,
                     HYPSEC_COREVISOR);
    hypsec_assert_records(board, before);
    hypsec_vm_destroy(board, vmid);
}

/*
 * G25: what is scrubbed is the page, all of it, and nothing beside it; the
 * neighbours are the host's and it has just written to them.
 */
static void test_neighbours(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);
    uint64_t vmid = hypsec_vm_with(board, HYPSEC_GPA, PAGES, 1), value;

    for (int i = 0; i < 8; i++) {
        hypsec_fill(board, PAGES - HYPSEC_PAGE);
        hypsec_fill(board, PAGES + HYPSEC_PAGE);
        g_assert_true(hypsec_host_load(board, 1, PAGES - 8, &value));
        g_assert_true(hypsec_host_store(board, 1, PAGES - 8, value));
        hypsec_vm_destroy(board, vmid);
        hypsec_assert_scrubbed(board, 1, PAGES);
        hypsec_assert_filled(board, PAGES - HYPSEC_PAGE);
        hypsec_assert_filled(board, PAGES + HYPSEC_PAGE);
        g_assert_cmpuint(hypsec_vm_with(board, HYPSEC_GPA, PAGES, 1), ==,
                         vmid);
    }
}

/* Memory that fails while EL2 scrubs it does not come back: EL2 stops. */
static void test_scrub_fails(void)
{
    HypsecBoard *board = hypsec_board_new(&two_cpus);
    uint64_t vmid = hypsec_vm_with(board, HYPSEC_GPA, PAGES, 3);
    HypsecEvent destroy = hypsec_event_call(0, HYPSEC_HVC_DESTROY_VM, vmid, 0,
                                            0, 0);
    uint64_t range = HYPSEC_INJECT_BASE + HYPSEC_INJECT_FAULT(0);

    qtest_writeq(board->qts, range + HYPSEC_INJECT_FAULT_BASE,
                 PAGES + HYPSEC_PAGE);
    qtest_writeq(board->qts, range + HYPSEC_INJECT_FAULT_SIZE, HYPSEC_PAGE);
    qtest_writel(board->qts, range + HYPSEC_INJECT_FAULT_CTRL,
                 HYPSEC_INJECT_FAULT_ENABLE | HYPSEC_INJECT_FAULT_WRITE);
    hypsec_post(board, &destroy);
    hypsec_assert_panicked(board, "EL2 panic: synchronous exception at EL2");
    g_assert_cmpuint(hypsec_page(board, PAGES + HYPSEC_PAGE).owner, ==, vmid);
    g_assert_cmpuint(hypsec_page(board, PAGES + 2 * HYPSEC_PAGE).owner, ==,
                     vmid);
    g_assert_cmphex(hypsec_s2_entry(board, PAGES + HYPSEC_PAGE), ==, 0);
    hypsec_board_free(board);
}

int main(int argc, char **argv)
{
    static const unsigned int sizes[] = { 1, 3, 511, 512, 513, 1500 };

    if (!hypsec_lib_init(&argc, &argv)) {
        return 1;
    }
    for (int i = 0; i < ARRAY_SIZE(sizes); i++) {
        g_autofree char *path =
            g_strdup_printf(PROGRAM "/G35/reads-a-destroyed-vm/%u-pages",
                            sizes[i]);

        qtest_add_data_func(path, &sizes[i], test_destroyed);
    }
    qtest_add_func(PROGRAM "/G37/reads-a-half-destroyed-vm",
                   test_half_destroyed);
    qtest_add_func(PROGRAM "/G25/scrubs-the-page-and-nothing-beside",
                   test_neighbours);
    qtest_add_func(PROGRAM "/scrub-that-fails", test_scrub_fails);
    qtest_add_func(PROGRAM "/pages-go-round", test_again);
    qtest_add_func(PROGRAM "/clear/range", test_clear_range);
    qtest_add_func(PROGRAM "/clear/ranges-mixed-with-destroy",
                   test_clear_mixed);
    qtest_add_func(PROGRAM "/clear/what-is-not-the-vms",
                   test_clear_elsewhere);
    return hypsec_lib_run();
}
