/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host that wants to use up what EL2 has: memory for tables (G31), and time
 * (G37).
 */
#include "qemu/osdep.h"
#include "hypsec-attack.h"

#define PROGRAM "hypsec-attack-limits"

#define PAGES   (HYPSEC_FREE + 8 * HYPSEC_BLOCK)
#define OTHER   (PAGES - HYPSEC_BLOCK)

static const HypsecConfig two_cpus = { .cpus = 2 };

/* One device page per GiB, each of which needs tables of its own. */
static uint64_t sparse(HypsecBoard *board, uint64_t vmid, unsigned int i)
{
    return hypsec_call(board, 0, HYPSEC_HVC_PHYS_ADDR_IOREMAP, vmid,
                       i * GiB + HYPSEC_GPA, HYPSEC_PCIE + i * HYPSEC_PAGE,
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
        g_assert_cmphex(hypsec_vm_entry(board, vmid, i * GiB + HYPSEC_GPA) &
                        0xfffffffff000, ==, HYPSEC_PCIE + i * HYPSEC_PAGE);
    }
    g_assert_cmphex(hypsec_vm_entry(board, vmid, n * GiB + HYPSEC_GPA), ==, 0);
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
        /* More often than there are ids: none of them is lost. */
        for (int i = 0; i < 2 * HYPSEC_MAX_VMS; i++) {
            g_assert_cmpuint(hypsec_call(board, 0, HYPSEC_HVC_REGISTER_KVM, 0,
                                         0, 0, 0), ==,
                             (uint64_t)HYPSEC_NO_MEMORY);
        }
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
    for (unsigned int vmid = greedy + 1; vmid <= HYPSEC_MAX_VMS; vmid++) {
        g_assert_cmpuint(hypsec_vm(board), ==, vmid);
    }
    g_assert_cmpuint(n[0], ==, n[1]);
    g_assert_cmpuint(n[0], >, 100);
}

/* Another table of the last level, beside those of the last sparse page. */
static uint64_t one_more(HypsecBoard *board, uint64_t vmid, unsigned int n,
                         unsigned int i)
{
    return hypsec_call(board, 0, HYPSEC_HVC_PHYS_ADDR_IOREMAP, vmid,
                       (n - 1) * GiB + HYPSEC_GPA + (i + 1) * HYPSEC_BLOCK,
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
    uint64_t end = (n - 1) * GiB + HYPSEC_GPA + (more + 1) * HYPSEC_BLOCK;

    /* The last block with a table, and the next one, which has none. */
    hypsec_attempt_call(attempt, HYPSEC_HVC_PHYS_ADDR_IOREMAP, vmid,
                        end - 2 * HYPSEC_PAGE, HYPSEC_PCIE, 4 * HYPSEC_PAGE);
}

static void prepare_page(HypsecBoard *board, HypsecAttempt *attempt,
                         const void *data)
{
    unsigned int n, more;
    uint64_t vmid = greedy_vm(board, &n, &more);
    uint64_t idx = hypsec_vm_image(board, vmid, n * GiB + HYPSEC_GPA,
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

/* Calls until @done; the most instructions that one took. */
static uint64_t most_insns(HypsecBoard *board, const HypsecEvent *event,
                           int64_t done)
{
    uint64_t most = 0;
    HypsecReturn r;

    for (int i = 0; i < 1000; i++) {
        r = hypsec_fire(board, event);
        g_assert_true(r.c.flags & HYPSEC_INJECT_CF_ICOUNT_VALID);
        most = MAX(most, r.c.insns);
        if (r.c.x[0] == done) {
            g_test_message("%d calls, at most %" PRIu64 " instructions",
                           i + 1, most);
            return most;
        }
        g_assert_cmpint(r.c.x[0], ==, (uint64_t)HYPSEC_AGAIN);
    }
    HYPSEC_FAIL(board, "a thousand calls are not enough");
}

/*
 * To zero and clean 512 pages takes two million, to look at 16384 entries and
 * records one and a half.
 */
#define MOST_INSNS 2500000

static HypsecBoard *counting_board(unsigned int ram)
{
    return hypsec_board_new(&(HypsecConfig){
        .ram = ram, .args = "-icount shift=0,sleep=off",
    });
}

/*
 * G37: no call keeps a CPU at EL2 for long, however large VM and RAM are.
 * Instructions are counted, so the bound is the same on every machine.
 */
static void test_short_calls(const void *data)
{
    HypsecBoard *board = counting_board(*(const unsigned int *)data);
    uint64_t vmid = hypsec_vm_with(board, HYPSEC_GPA, PAGES, 2000);
    HypsecEvent destroy = hypsec_event_call(0, HYPSEC_HVC_DESTROY_VM, vmid, 0,
                                            0, 0);
    HypsecEvent clear = hypsec_event_call(0, HYPSEC_HVC_CLEAR_VM_S2_RANGE,
                                          vmid, 0, HYPSEC_IPA_END, 0);

    g_assert_cmpuint(hypsec_fire(board, &destroy).c.insns, <=, MOST_INSNS);
    g_assert_cmpuint(most_insns(board, &clear, HYPSEC_OK), <=, MOST_INSNS);
    g_assert_cmpuint(most_insns(board, &destroy, HYPSEC_OK), <=, MOST_INSNS);
    hypsec_board_free(board);
}

/*
 * G37: the same for a VM that has one page and as many tables as it gets,
 * with one entry each that is looked at last and is no page of the VM's.
 */
static void test_short_calls_tables(void)
{
    HypsecBoard *board = counting_board(2048);
    uint64_t vmid = hypsec_vm(board), idx, gpa = 0;
    HypsecEvent destroy = hypsec_event_call(0, HYPSEC_HVC_DESTROY_VM, vmid, 0,
                                            0, 0);

    do {
        gpa += HYPSEC_BLOCK;
    } while (hypsec_call(board, 0, HYPSEC_HVC_PHYS_ADDR_IOREMAP, vmid,
                         gpa - HYPSEC_PAGE, HYPSEC_UART0, HYPSEC_PAGE) ==
             HYPSEC_OK);
    g_assert_cmpuint(gpa / HYPSEC_BLOCK, >, 1500);
    idx = hypsec_vm_image(board, vmid, gpa - 2 * HYPSEC_BLOCK, HYPSEC_PAGE);
    hypsec_vm_give_pages(board, vmid, idx, PAGES, 1);
    g_assert_cmpuint(most_insns(board, &destroy, HYPSEC_OK), <=, MOST_INSNS);
    hypsec_assert_zero(board, PAGES);
    hypsec_assert_host_page(board, PAGES);
    hypsec_board_free(board);
}

/* G37: one with a page, and devices at as many addresses as it gets. */
static void test_short_calls_devices(void)
{
    HypsecBoard *board = counting_board(0);
    uint64_t vmid = hypsec_vm(board), idx, gpa = 0;
    HypsecEvent destroy = hypsec_event_call(0, HYPSEC_HVC_DESTROY_VM, vmid, 0,
                                            0, 0);

    while (hypsec_call(board, 0, HYPSEC_HVC_PHYS_ADDR_IOREMAP, vmid, gpa,
                       HYPSEC_PCIE, HYPSEC_BLOCK - HYPSEC_PAGE) ==
           HYPSEC_OK) {
        gpa += HYPSEC_BLOCK;
    }
    g_assert_cmpuint(gpa / HYPSEC_BLOCK, >, 500);
    idx = hypsec_vm_image(board, vmid, gpa - HYPSEC_PAGE, HYPSEC_PAGE);
    hypsec_vm_give_pages(board, vmid, idx, PAGES, 1);
    g_assert_cmpuint(most_insns(board, &destroy, HYPSEC_OK), <=, MOST_INSNS);
    hypsec_assert_zero(board, PAGES);
    hypsec_assert_host_page(board, PAGES);
    hypsec_board_free(board);
}

int main(int argc, char **argv)
{
    static const unsigned int small = 256, large = 2048;

    if (!hypsec_lib_init(&argc, &argv)) {
        return 1;
    }
    qtest_add_func(PROGRAM "/G31/uses-up-table-memory", test_g31);
    for (int i = 0; i < ARRAY_SIZE(attacks); i++) {
        hypsec_add_attack(PROGRAM, &attacks[i]);
    }
    qtest_add_data_func(PROGRAM "/G37/calls-are-short/256-mib", &small,
                        test_short_calls);
    qtest_add_data_func(PROGRAM "/G37/calls-are-short/2-gib", &large,
                        test_short_calls);
    qtest_add_func(PROGRAM "/G37/calls-are-short/many-tables",
                   test_short_calls_tables);
    qtest_add_func(PROGRAM "/G37/calls-are-short/many-devices",
                   test_short_calls_devices);
    return hypsec_lib_run();
}
