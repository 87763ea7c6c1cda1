/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two CPUs that call at the same moment, again and again, over the same page,
 * id or address: between a check and what follows from it somebody else may
 * get in (G11). They wait for each other before each call, in their own code,
 * so that no tester stands between them.
 */
#include "qemu/osdep.h"
#include "hypsec-attack.h"

#define PROGRAM "hypsec-attack-duel"

#define ROUNDS  200
#define PAGES   (HYPSEC_FREE + 8 * HYPSEC_BLOCK)
/* What the two count in, and where they put what a call gave. */
#define FLAG(cpu)       (HYPSEC_FREE + (cpu) * HYPSEC_PAGE)
#define RESULTS(cpu)    (HYPSEC_FREE + (2 + (cpu)) * HYPSEC_PAGE)

static const HypsecConfig two_cpus = { .cpus = 2 };

/*
 * x5, x6 own and other flag; x7 round, x8 the last; x9 results; x10 number,
 * x11 first argument, x12 the second, which grows by x13; x14, x15 the rest.
 */
static const uint32_t code[] = {
    INSN_STR(3, 7, 5),
    INSN_LDR(3, 16, 6),
    0xeb07021f,                         /* cmp x16, x7 */
    0x54000003 | (-2 & 0x7ffff) << 5,   /* b.lo to the load */
    0xaa0a03e0,                         /* mov x0, x10 */
    0xaa0b03e1,                         /* mov x1, x11 */
    0xaa0c03e2,                         /* mov x2, x12 */
    0xaa0e03e3,                         /* mov x3, x14 */
    0xaa0f03e4,                         /* mov x4, x15 */
    INSN_HVC(0),
    0xf8008520,                         /* str x0, [x9], #8 */
    0x8b0d018c,                         /* add x12, x12, x13 */
    0x910004e7,                         /* add x7, x7, #1 */
    0xeb0800ff,                         /* cmp x7, x8 */
    0x54000009 | (-14 & 0x7ffff) << 5,  /* b.ls to the start */
};

/* What one CPU calls. */
typedef struct Side {
    uint64_t nr;
    uint64_t x1;
    uint64_t x2;
    uint64_t step;
    uint64_t x3;
    uint64_t x4;
} Side;

static void duel(HypsecBoard *board, const Side *sides, unsigned int rounds)
{
    HypsecRun runs[2];

    for (int cpu = 0; cpu < 2; cpu++) {
        const Side *side = &sides[cpu];

        qtest_writeq(board->qts, FLAG(cpu), 0);
        runs[cpu] = (HypsecRun){
            .code = code, .count = ARRAY_SIZE(code),
            .x = { [5] = FLAG(cpu), [6] = FLAG(!cpu), [7] = 1, [8] = rounds,
                   [9] = RESULTS(cpu), [10] = side->nr, [11] = side->x1,
                   [12] = side->x2, [13] = side->step, [14] = side->x3,
                   [15] = side->x4 },
        };
        hypsec_run_start(board, cpu, &runs[cpu]);
    }
    for (int cpu = 0; cpu < 2; cpu++) {
        if (!hypsec_run_wait(board, cpu, &runs[cpu])) {
            HYPSEC_FAIL(board, "CPU %d: ESR_EL1 0x%" PRIx64, cpu,
                        runs[cpu].esr);
        }
    }
}

static int64_t result(HypsecBoard *board, int cpu, unsigned int round)
{
    return qtest_readq(board->qts, RESULTS(cpu) + round * 8);
}

/* Who won a round; the other one got @other. */
static int winner(HypsecBoard *board, unsigned int round, int64_t other)
{
    int cpu = result(board, 1, round) == HYPSEC_OK;

    if (result(board, cpu, round) != HYPSEC_OK ||
        result(board, !cpu, round) != other) {
        HYPSEC_FAIL(board, "round %u: %" PRId64 " and %" PRId64, round,
                    result(board, 0, round), result(board, 1, round));
    }
    return cpu;
}

/* One page, two VMs. */
static void test_page(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);
    uint64_t got[2] = { 0, 0 };
    Side sides[2];

    for (int cpu = 0; cpu < 2; cpu++) {
        uint64_t vmid = hypsec_vm(board);

        sides[cpu] = (Side){
            HYPSEC_HVC_REMAP_VM_IMAGE, vmid, PAGES / HYPSEC_PAGE, 1,
            hypsec_vm_image(board, vmid, HYPSEC_GPA, HYPSEC_BLOCK),
        };
    }
    for (unsigned int i = 0; i < ROUNDS; i++) {
        hypsec_fill(board, PAGES + i * HYPSEC_PAGE);
    }
    duel(board, sides, ROUNDS);
    for (unsigned int i = 0; i < ROUNDS; i++) {
        int cpu = winner(board, i, HYPSEC_DENIED);

        hypsec_assert_vm_page(board, PAGES + i * HYPSEC_PAGE, sides[cpu].x1,
                              HYPSEC_GPA + got[cpu]++ * HYPSEC_PAGE);
        hypsec_assert_filled(board, PAGES + i * HYPSEC_PAGE);
    }
    hypsec_check_tables(board);
}

/* One image: each call gets a place of its own. */
static void test_image(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);
    uint64_t vmid = hypsec_vm(board);
    uint64_t idx = hypsec_vm_image(board, vmid, HYPSEC_GPA, HYPSEC_BLOCK);
    Side sides[2] = {
        { HYPSEC_HVC_REMAP_VM_IMAGE, vmid, PAGES / HYPSEC_PAGE, 2, idx },
        { HYPSEC_HVC_REMAP_VM_IMAGE, vmid, PAGES / HYPSEC_PAGE + 1, 2, idx },
    };

    duel(board, sides, ROUNDS);
    for (unsigned int i = 0; i < 2 * ROUNDS; i++) {
        uint64_t entry = hypsec_vm_entry(board, vmid,
                                         HYPSEC_GPA + i * HYPSEC_PAGE);
        uint64_t pa = entry & 0xfffffffff000;

        g_assert_cmpint(result(board, i % 2, i / 2), ==, HYPSEC_OK);
        hypsec_assert_vm_page(board, pa, vmid, HYPSEC_GPA + i * HYPSEC_PAGE);
    }
    hypsec_check_tables(board);
}

/* One address of a VM, two devices (G19). */
static void test_ioremap(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);
    uint64_t vmid = hypsec_vm(board);
    Side sides[2] = {
        { HYPSEC_HVC_PHYS_ADDR_IOREMAP, vmid, HYPSEC_GPA, HYPSEC_BLOCK,
          HYPSEC_UART0, HYPSEC_PAGE },
        { HYPSEC_HVC_PHYS_ADDR_IOREMAP, vmid, HYPSEC_GPA, HYPSEC_BLOCK,
          HYPSEC_PCIE, HYPSEC_PAGE },
    };

    duel(board, sides, ROUNDS);
    for (unsigned int i = 0; i < ROUNDS; i++) {
        int cpu = winner(board, i, HYPSEC_BUSY);

        g_assert_cmphex(hypsec_vm_entry(board, vmid, HYPSEC_GPA +
                                        i * HYPSEC_BLOCK) & 0xfffffffff000,
                        ==, sides[cpu].x3);
    }
    hypsec_check_tables(board);
}

/* All ids, one after the other, as often as there is time for. */
static void test_ids(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);
    const Side sides[2] = {
        { HYPSEC_HVC_REGISTER_KVM }, { HYPSEC_HVC_REGISTER_KVM },
    };
    /* Both destroy all of them: one does. */
    const Side ends[2] = {
        { HYPSEC_HVC_DESTROY_VM }, { HYPSEC_HVC_DESTROY_VM },
    };

    for (int pass = 0; pass < 16; pass++) {
        uint32_t seen = 0;

        duel(board, sides, 8);
        for (unsigned int i = 0; i < 16; i++) {
            int64_t vmid = result(board, i % 2, i / 2);

            if (vmid != HYPSEC_NO_MEMORY) {
                g_assert_cmpint(vmid, >=, 1);
                g_assert_cmpint(vmid, <=, HYPSEC_MAX_VMS);
                g_assert_cmphex(seen & 1u << vmid, ==, 0);
                seen |= 1u << vmid;
            }
        }
        g_assert_cmphex(seen, ==, 0xfffe);
        for (unsigned int vmid = 1; vmid <= HYPSEC_MAX_VMS; vmid++) {
            Side now[2] = { ends[0], ends[1] };

            now[0].x1 = now[1].x1 = vmid;
            duel(board, now, 1);
            winner(board, 0, HYPSEC_DENIED);
        }
    }
    hypsec_check_tables(board);
}

/* Both make and destroy VMs as fast as they can; no id is ever two VMs'. */
static void test_ids_loop(void)
{
    enum { LOOPS = 300 };
    static const uint32_t loop[] = {
        0xaa0703e0,                     /* mov x0, x7 */
        INSN_HVC(0),
        0xaa0003e1,                     /* mov x1, x0 */
        0xaa00014a,                     /* orr x10, x10, x0 */
        0xaa0803e0,                     /* mov x0, x8 */
        INSN_HVC(0),
        0xaa00016b,                     /* orr x11, x11, x0 */
        INSN_SUBS1(9),
        INSN_BNE(-8),
    };
    HypsecBoard *board = hypsec_board(&two_cpus);
    HypsecRun runs[2];

    for (int cpu = 0; cpu < 2; cpu++) {
        runs[cpu] = (HypsecRun){
            .code = loop, .count = ARRAY_SIZE(loop),
            .x = { [7] = HYPSEC_HVC_REGISTER_KVM, [8] = HYPSEC_HVC_DESTROY_VM,
                   [9] = LOOPS },
        };
        hypsec_run_start(board, cpu, &runs[cpu]);
    }
    for (int cpu = 0; cpu < 2; cpu++) {
        g_assert_true(hypsec_run_wait(board, cpu, &runs[cpu]));
        g_assert_cmphex(runs[cpu].x[10], <=, 3);
        g_assert_cmphex(runs[cpu].x[11], ==, HYPSEC_OK);
    }
    g_assert_cmpuint(hypsec_vm(board), ==, 1);
    hypsec_check_tables(board);
}

/* One CPU gives pages while the other destroys the VM. */
static void test_destroy(void)
{
    HypsecBoard *board = hypsec_board(&two_cpus);

    for (int pass = 0; pass < 60; pass++) {
        uint64_t vmid = hypsec_vm_with(board, HYPSEC_GPA, PAGES, 4);
        uint64_t idx = hypsec_vm_image(board, vmid, HYPSEC_GPA + HYPSEC_BLOCK,
                                       HYPSEC_BLOCK);
        uint64_t page = PAGES + HYPSEC_BLOCK;
        Side sides[2] = {
            { HYPSEC_HVC_REMAP_VM_IMAGE, vmid, page / HYPSEC_PAGE, 1, idx },
            { HYPSEC_HVC_DESTROY_VM, vmid },
        };

        for (int i = 0; i < 3; i++) {
            hypsec_fill(board, page + i * HYPSEC_PAGE);
        }
        duel(board, sides, 3);
        g_assert_cmpint(result(board, 1, 0), ==, HYPSEC_OK);
        for (int i = 0; i < 3; i++) {
            uint64_t pa = page + i * HYPSEC_PAGE;

            hypsec_assert_host_page(board, pa);
            if (result(board, 0, i) == HYPSEC_OK) {
                hypsec_assert_zero(board, pa);
            } else {
                g_assert_cmpint(result(board, 0, i), ==, HYPSEC_DENIED);
                hypsec_assert_filled(board, pa);
            }
        }
        hypsec_check_tables(board);
    }
}

/* Two VMs take the last memory for tables; neither gets the other's. */
static void test_tables(void)
{
    enum { CALLS = 500 };
    HypsecBoard *board = hypsec_board(&two_cpus);
    uint64_t vms[2] = { hypsec_vm(board), hypsec_vm(board) };
    unsigned int given = 0;
    Side sides[2];

    for (int cpu = 0; cpu < 2; cpu++) {
        /* Every call needs two tables. */
        sides[cpu] = (Side){
            HYPSEC_HVC_PHYS_ADDR_IOREMAP, vms[cpu], 0, GiB, HYPSEC_UART0,
            HYPSEC_PAGE,
        };
    }
    duel(board, sides, CALLS);
    for (int cpu = 0; cpu < 2; cpu++) {
        for (unsigned int i = 0; i < CALLS; i++) {
            bool there = hypsec_vm_entry(board, vms[cpu], i * GiB) != 0;
            int64_t x0 = result(board, cpu, i);

            g_assert_true(x0 == HYPSEC_OK || x0 == HYPSEC_NO_MEMORY);
            g_assert_cmpint(there, ==, x0 == HYPSEC_OK);
            given += there;
        }
    }
    g_assert_cmpuint(given, <, 2 * CALLS);
    g_assert_cmpuint(given, >, CALLS);
    hypsec_check_tables(board);
    hypsec_vm_destroy(board, vms[0]);
    hypsec_vm_destroy(board, vms[1]);
}

int main(int argc, char **argv)
{
    if (!hypsec_lib_init(&argc, &argv)) {
        return 1;
    }
    qtest_add_func(PROGRAM "/G11/one-page-for-two-vms", test_page);
    qtest_add_func(PROGRAM "/G11/one-image", test_image);
    qtest_add_func(PROGRAM "/G11/one-vm-given-to-and-destroyed",
                   test_destroy);
    qtest_add_func(PROGRAM "/G19/one-address-for-two-devices", test_ioremap);
    qtest_add_func(PROGRAM "/ids/in-lockstep", test_ids);
    qtest_add_func(PROGRAM "/ids/in-a-loop", test_ids_loop);
    qtest_add_func(PROGRAM "/G31/last-memory-for-tables", test_tables);
    return hypsec_lib_run();
}
