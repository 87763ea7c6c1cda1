/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host that wants to see what was in a VM when its memory comes back: after
 * destroy, in the middle of it, after resets; and one that wants to use up
 * what EL2 has for tables.
 */
#include "qemu/osdep.h"
#include "hypsec-attack.h"

#define PROGRAM "hypsec-attack-reclaim"
#define L3 (FSC_TRANSLATION | FSC_LEVEL_3)

#define PAGES   (HYPSEC_FREE + 8 * HYPSEC_BLOCK)
#define OTHER   (PAGES - HYPSEC_BLOCK)
#define GIB     (1ULL << 30)

static const HypsecConfig two_cpus = { .cpus = 2 };

/* The host has it, it is zero, and another CPU reads zero. */
static void assert_returned_page(HypsecBoard *board, uint64_t pa)
{
    uint64_t value;

    hypsec_assert_host_page(board, pa);
    hypsec_assert_zero(board, pa);
    if (!hypsec_host_load(board, 1, pa + 0x7f8, &value) || value != 0) {
        HYPSEC_FAIL(board, "0x%" PRIx64 " came back and reads as 0x%" PRIx64,
                    pa, value);
    }
}

/* The VM has it, with what is in it, and the host has not. */
static void assert_kept_page(HypsecBoard *board, uint64_t pa, uint64_t vmid)
{
    uint64_t value;

    g_assert_cmpuint(hypsec_page(board, pa).owner, ==, vmid);
    hypsec_assert_filled(board, pa);
    g_assert_false(hypsec_host_load(board, 1, pa + 0x7f8, &value));
}

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
        assert_returned_page(board, PAGES + i * HYPSEC_PAGE);
    }
    for (unsigned int i = 0; i < 2; i++) {
        hypsec_assert_vm_page(board, OTHER + i * HYPSEC_PAGE, other,
                              HYPSEC_GPA + i * HYPSEC_PAGE);
        assert_kept_page(board, OTHER + i * HYPSEC_PAGE, other);
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
                assert_returned_page(board, pa);
            } else {
                assert_kept_page(board, pa, vmid);
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
        uint64_t vmid = hypsec_vm_with(board, HYPSEC_GPA + round * GIB,
                                       PAGES + round * HYPSEC_PAGE, 40);

        hypsec_assert_vm_page(board, PAGES + (round + 39) * HYPSEC_PAGE, vmid,
                              HYPSEC_GPA + round * GIB + 39 * HYPSEC_PAGE);
        hypsec_vm_destroy(board, vmid);
        for (int i = 0; i < 40; i++) {
            assert_returned_page(board, PAGES + (round + i) * HYPSEC_PAGE);
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

/* A VM that is powered off and still has most of its pages. */
static uint64_t dying_vm(HypsecBoard *board)
{
    uint64_t vmid = hypsec_vm_with(board, HYPSEC_GPA, PAGES, CLEARED_PAGES);

    g_assert_cmpuint(hypsec_call(board, 0, HYPSEC_HVC_DESTROY_VM, vmid, 0, 0,
                                 0), ==, (uint64_t)HYPSEC_AGAIN);
    return vmid;
}

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
    uint64_t vmid = dying_vm(board), page = PAGES + 1200 * HYPSEC_PAGE;
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
        assert_returned_page(board, page);
        assert_returned_page(board, page + HYPSEC_PAGE);
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
    uint64_t vmid = dying_vm(board);

    clear(board, vmid, 0, HYPSEC_IPA_END);
    clear(board, vmid, PAGES, HYPSEC_BLOCK);
    clear(board, vmid, 0, HYPSEC_IPA_END);
    clear(board, vmid, PAGES + HYPSEC_BLOCK, 2 * HYPSEC_BLOCK);
    clear_all(board, vmid, 0, HYPSEC_IPA_END);
    g_assert_cmpuint(count_kept(board, vmid), ==, 0);
    for (unsigned int i = 0; i < CLEARED_PAGES; i++) {
        assert_returned_page(board, PAGES + i * HYPSEC_PAGE);
    }
    assert_kept_page(board, OTHER, other);
    g_assert_cmpuint(hypsec_vm_destroy(board, vmid), >=, 1);
    g_assert_cmpuint(hypsec_vm(board), ==, vmid);
    hypsec_check_tables(board);
}

/* Clearing through EL2's memory, device windows and holes takes nothing. */
static void test_clear_elsewhere(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);
    uint64_t other = hypsec_vm_with(board, HYPSEC_GPA, OTHER, 2);
    uint64_t vmid = dying_vm(board);
    g_autoptr(HypsecState) before = hypsec_state(board);
    uint64_t value;

    clear_all(board, vmid, HYPSEC_CARVEOUT, HYPSEC_RAM_END - HYPSEC_CARVEOUT);
    clear_all(board, vmid, 0, HYPSEC_RAM);
    clear_all(board, vmid, HYPSEC_RAM_END, HYPSEC_IPA_END - HYPSEC_RAM_END);
    clear_all(board, vmid, OTHER, 2 * HYPSEC_PAGE);
    hypsec_check_tables(board);
    assert_kept_page(board, OTHER, other);
    g_assert_false(hypsec_host_load(board, 1, HYPSEC_CARVEOUT, &value));
    g_assert_cmpuint(hypsec_page(board, HYPSEC_CARVEOUT).owner, ==,
                     HYPSEC_COREVISOR);
    hypsec_assert_records(board, before);
    hypsec_vm_destroy(board, vmid);
}

/* Resets */

/* Outstanding when it happens: a whole VM, one half destroyed. */
static void outstanding(HypsecBoard *board)
{
    hypsec_vm_with(board, HYPSEC_GPA, OTHER, 9);
    dying_vm(board);
}

static void assert_nothing_left(HypsecBoard *board)
{
    for (unsigned int i = 0; i < 9; i++) {
        hypsec_assert_zero(board, OTHER + i * HYPSEC_PAGE);
    }
    for (unsigned int i = 0; i < CLEARED_PAGES; i++) {
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
        assert_returned_page(board, OTHER + i * HYPSEC_PAGE);
    }
    for (unsigned int i = 0; i < CLEARED_PAGES; i += 100) {
        assert_returned_page(board, PAGES + i * HYPSEC_PAGE);
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
        assert_returned_page(board, kernel + i * HYPSEC_PAGE);
        assert_returned_page(board, tree + i * HYPSEC_PAGE);
    }
    hypsec_board_free(board);
}

/* A snapshot with VMs in all states keeps everything. */
static void test_snapshot(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);
    uint64_t value, vmid = hypsec_vm_with(board, HYPSEC_GPA, OTHER, 9);
    uint64_t dying = dying_vm(board), empty = hypsec_vm(board);
    uint64_t idx = hypsec_vm_image(board, vmid, HYPSEC_GPA + GIB,
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
                              HYPSEC_GPA + GIB);
        g_assert_cmpuint(hypsec_vm(board), ==, 4);
        hypsec_vm_destroy(board, vmid);
        hypsec_vm_destroy(board, dying);
        hypsec_vm_destroy(board, empty);
        assert_nothing_left(board);
        assert_returned_page(board, OTHER + 20 * HYPSEC_PAGE);
        if (pass == 0) {
            hypsec_loadvm(board, "vms");
            for (int i = 0; i < 9; i++) {
                hypsec_assert_filled(board, OTHER + i * HYPSEC_PAGE);
            }
        }
    }
}

/* Table memory */

/* One device page per GiB, each of which needs tables of its own. */
static uint64_t sparse(HypsecBoard *board, uint64_t vmid, unsigned int i)
{
    return hypsec_call(board, 0, HYPSEC_HVC_PHYS_ADDR_IOREMAP, vmid,
                       i * GIB + HYPSEC_GPA, HYPSEC_PCIE + i * HYPSEC_PAGE,
                       HYPSEC_PAGE);
}

/* Returns: how many there was memory for. */
static unsigned int exhaust(HypsecBoard *board, uint64_t vmid)
{
    for (unsigned int i = 0; i < 1000; i++) {
        uint64_t x0 = sparse(board, vmid, i);

        if (x0 == (uint64_t)HYPSEC_NO_MEMORY) {
            return i;
        }
        g_assert_cmpuint(x0, ==, HYPSEC_OK);
    }
    HYPSEC_FAIL(board, "memory for tables has no end");
}

static void assert_sparse(HypsecBoard *board, uint64_t vmid, unsigned int n)
{
    for (unsigned int i = 0; i < n; i++) {
        g_assert_cmphex(hypsec_vm_entry(board, vmid, i * GIB + HYPSEC_GPA) &
                        0xfffffffff000, ==, HYPSEC_PCIE + i * HYPSEC_PAGE);
    }
    g_assert_cmphex(hypsec_vm_entry(board, vmid, n * GIB + HYPSEC_GPA), ==, 0);
}

/*
 * G31: a VM that uses up the memory for tables gets NO_MEMORY. Nothing that
 * was mapped is lost, nobody's tables are overwritten, VMs with room in their
 * tables go on, and what it had is there again once it is gone.
 */
static void test_g31(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);
    uint64_t other = hypsec_vm_with(board, HYPSEC_GPA, OTHER, 2);
    uint64_t idx = hypsec_vm_image(board, other, HYPSEC_GPA + 0x10000,
                                   4 * HYPSEC_PAGE);
    uint64_t greedy = hypsec_vm(board), value;
    unsigned int n[2];

    for (int pass = 0; pass < 2; pass++) {
        n[pass] = exhaust(board, greedy);
        assert_sparse(board, greedy, n[pass]);
        g_assert_cmpuint(sparse(board, greedy, n[pass]), ==,
                         (uint64_t)HYPSEC_NO_MEMORY);
        g_assert_cmpuint(hypsec_call(board, 0, HYPSEC_HVC_REGISTER_KVM, 0, 0,
                                     0, 0), ==, (uint64_t)HYPSEC_NO_MEMORY);
        hypsec_vm_give_pages(board, other, idx, OTHER + (4 + pass) *
                             HYPSEC_PAGE, 1);
        hypsec_assert_vm_page(board, OTHER, other, HYPSEC_GPA);
        hypsec_assert_vm_page(board, OTHER + (4 + pass) * HYPSEC_PAGE, other,
                              HYPSEC_GPA + 0x10000 + pass * HYPSEC_PAGE);
        hypsec_assert_filled(board, OTHER);
        hypsec_check_tables(board);
        /* The host's own tables are another matter. */
        for (int i = 0; i < 20; i++) {
            g_assert_true(hypsec_host_load(board, 1, PAGES + i * HYPSEC_BLOCK,
                                           &value));
        }
        hypsec_vm_destroy(board, greedy);
        g_assert_cmpuint(hypsec_vm(board), ==, greedy);
    }
    g_assert_cmpuint(n[0], ==, n[1]);
    g_assert_cmpuint(n[0], >, 100);
}

/* Another table of the last level, beside those of the last sparse page. */
static uint64_t one_more(HypsecBoard *board, uint64_t vmid, unsigned int n,
                         unsigned int i)
{
    return hypsec_call(board, 0, HYPSEC_HVC_PHYS_ADDR_IOREMAP, vmid,
                       (n - 1) * GIB + HYPSEC_GPA + (i + 1) * HYPSEC_BLOCK,
                       HYPSEC_PCIE, HYPSEC_PAGE);
}

/*
 * How many sparse pages, and how many tables after them, one VM gets: found
 * out once, on a board that may refuse.
 */
static void measure_room(unsigned int *n, unsigned int *more)
{
    static unsigned int sparse_pages, tables;

    if (!sparse_pages) {
        HypsecBoard *board = hypsec_board_new(&two_cpus);
        uint64_t vmid = hypsec_vm(board);

        sparse_pages = exhaust(board, vmid);
        while (one_more(board, vmid, sparse_pages, tables) == HYPSEC_OK) {
            tables++;
        }
        hypsec_board_free(board);
    }
    *n = sparse_pages;
    *more = tables;
}

/* A VM that has used up all there is; nothing was refused. */
static uint64_t greedy_vm(HypsecBoard *board, unsigned int *n,
                          unsigned int *more)
{
    uint64_t vmid = hypsec_vm(board);

    measure_room(n, more);
    for (unsigned int i = 0; i < *n; i++) {
        g_assert_cmpuint(sparse(board, vmid, i), ==, HYPSEC_OK);
    }
    for (unsigned int i = 0; i < *more; i++) {
        g_assert_cmpuint(one_more(board, vmid, *n, i), ==, HYPSEC_OK);
    }
    return vmid;
}

/* G31: of a call that needs more tables than there are nothing is done. */
static void prepare_partial(HypsecBoard *board, HypsecAttempt *attempt,
                            const void *data)
{
    unsigned int n, more;
    uint64_t vmid = greedy_vm(board, &n, &more);
    uint64_t end = (n - 1) * GIB + HYPSEC_GPA + (more + 1) * HYPSEC_BLOCK;

    /* The last block with a table, and the next one, which has none. */
    hypsec_attempt_call(attempt, HYPSEC_HVC_PHYS_ADDR_IOREMAP, vmid,
                        end - 2 * HYPSEC_PAGE, HYPSEC_PCIE, 4 * HYPSEC_PAGE);
}

static void prepare_page(HypsecBoard *board, HypsecAttempt *attempt,
                         const void *data)
{
    unsigned int n, more;
    uint64_t vmid = greedy_vm(board, &n, &more);
    uint64_t idx = hypsec_vm_image(board, vmid, n * GIB + HYPSEC_GPA,
                                   HYPSEC_PAGE);

    hypsec_attempt_call(attempt, HYPSEC_HVC_REMAP_VM_IMAGE, vmid,
                        PAGES / HYPSEC_PAGE, idx, 0);
}

static void prepare_register(HypsecBoard *board, HypsecAttempt *attempt,
                             const void *data)
{
    unsigned int n, more;

    greedy_vm(board, &n, &more);
    hypsec_attempt_call(attempt, HYPSEC_HVC_REGISTER_KVM, 0, 0, 0, 0);
}

static const HypsecAttack attacks[] = {
    { "G31/no-memory-for-half-of-a-range", NULL, prepare_partial,
      .result = HYPSEC_NO_MEMORY },
    { "G31/no-memory-for-a-page", NULL, prepare_page,
      .result = HYPSEC_NO_MEMORY },
    { "G31/no-memory-for-a-vm", NULL, prepare_register,
      .result = HYPSEC_NO_MEMORY },
};

/* Time */

/*
 * G37: no call keeps a CPU at EL2 for long, however large VM and RAM are.
 * Instructions are counted, so the bound is the same on every machine.
 */
static void test_g37(const void *data)
{
    /* To zero and to clean 512 pages takes most of it. */
    enum { DYING_PAGES = 2000, MOST_INSNS = 2500000 };
    unsigned int ram = *(const unsigned int *)data;
    HypsecBoard *board = hypsec_board_new(&(HypsecConfig){
        .ram = ram, .args = "-icount shift=0,sleep=off",
    });
    uint64_t vmid = hypsec_vm_with(board, HYPSEC_GPA, PAGES, DYING_PAGES);
    HypsecReturn r = hypsec_hvc(board, 0, HYPSEC_HVC_DESTROY_VM, vmid, 0, 0);
    HypsecEvent clear = hypsec_event_call(0, HYPSEC_HVC_CLEAR_VM_S2_RANGE,
                                          vmid, 0, HYPSEC_IPA_END, 0);
    uint64_t most = 0;

    g_assert_cmpuint(r.c.x[0], ==, (uint64_t)HYPSEC_AGAIN);
    for (int i = 0; r.c.x[0] != HYPSEC_OK; i++) {
        g_assert_true(r.c.flags & HYPSEC_INJECT_CF_ICOUNT_VALID);
        most = MAX(most, r.c.insns);
        g_assert_cmpint(i, <, 1000);
        r = hypsec_fire(board, &clear);
    }
    for (int i = 0; r.c.x[0] != (uint64_t)HYPSEC_DENIED; i++) {
        g_assert_cmpint(i, <, 1000);
        r = hypsec_hvc(board, 0, HYPSEC_HVC_DESTROY_VM, vmid, 0, 0);
        most = MAX(most, r.c.insns);
    }
    g_test_message("%u MiB: at most %" PRIu64 " instructions", ram, most);
    g_assert_cmpuint(most, <=, MOST_INSNS);
    hypsec_board_free(board);
}

static void add_destroys(void)
{
    static const unsigned int sizes[] = { 1, 3, 511, 512, 513, 1500 };

    for (int i = 0; i < ARRAY_SIZE(sizes); i++) {
        g_autofree char *path =
            g_strdup_printf(PROGRAM "/G35/reads-a-destroyed-vm/%u-pages",
                            sizes[i]);

        qtest_add_data_func(path, &sizes[i], test_destroyed);
    }
    qtest_add_func(PROGRAM "/G37/reads-a-half-destroyed-vm",
                   test_half_destroyed);
    qtest_add_func(PROGRAM "/pages-go-round", test_again);
    qtest_add_func(PROGRAM "/clear/range", test_clear_range);
    qtest_add_func(PROGRAM "/clear/ranges-mixed-with-destroy",
                   test_clear_mixed);
    qtest_add_func(PROGRAM "/clear/what-is-not-the-vms",
                   test_clear_elsewhere);
}

int main(int argc, char **argv)
{
    static const uint32_t reset = PSCI_SYSTEM_RESET, off = PSCI_SYSTEM_OFF;
    static const unsigned int small = 256, large = 2048;

    if (!hypsec_lib_init(&argc, &argv)) {
        return 1;
    }
    add_destroys();
    qtest_add_data_func(PROGRAM "/reset/reads-before-system-reset", &reset,
                        test_system_call);
    qtest_add_data_func(PROGRAM "/reset/reads-before-system-off", &off,
                        test_system_call);
    qtest_add_func(PROGRAM "/reset/reads-after-system-reset",
                   test_system_reset);
    qtest_add_func(PROGRAM "/reset/reads-after-a-watchdog", test_watchdog);
    qtest_add_func(PROGRAM "/reset/reads-what-the-board-did-not-fill",
                   test_watchdog_fresh);
    qtest_add_func(PROGRAM "/snapshot/keeps-vms", test_snapshot);
    qtest_add_func(PROGRAM "/G31/uses-up-table-memory", test_g31);
    for (int i = 0; i < ARRAY_SIZE(attacks); i++) {
        hypsec_add_attack(PROGRAM, &attacks[i]);
    }
    qtest_add_data_func(PROGRAM "/G37/calls-are-short/256-mib", &small,
                        test_g37);
    qtest_add_data_func(PROGRAM "/G37/calls-are-short/2-gib", &large,
                        test_g37);
    return hypsec_lib_run();
}
