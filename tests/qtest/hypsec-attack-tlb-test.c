/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * G24: a host whose CPUs still have a page in their TLBs when it is given
 * away, as data or as instructions, out of a block or as a page.
 */
#include "qemu/osdep.h"
#include "hypsec-attack.h"

#define PROGRAM "hypsec-attack-tlb"
#define FREE    (HYPSEC_FREE + 24 * HYPSEC_BLOCK)

static const HypsecConfig eight_cpus = { .cpus = 8 };

/* A CPU with all that QEMU knows of, VHE and ranges in TLBs among it. */
static const HypsecConfig eight_new_cpus = { .cpus = 8, .args = "-cpu max" };

typedef struct Stale {
    const char *name;
    const HypsecConfig *config;
    /* A neighbour is a VM's already: the block is a table. */
    bool split;
    enum { LOAD, STORE, FETCH } how;
} Stale;

static const Stale stales[] = {
    { "block/load", &eight_cpus, false, LOAD },
    { "block/store", &eight_cpus, false, STORE },
    { "block/fetch", &eight_cpus, false, FETCH },
    { "page/load", &eight_cpus, true, LOAD },
    { "page/store", &eight_cpus, true, STORE },
    { "page/fetch", &eight_cpus, true, FETCH },
    { "max/block/load", &eight_new_cpus, false, LOAD },
    { "max/page/fetch", &eight_new_cpus, true, FETCH },
};

static bool use(HypsecBoard *board, unsigned int cpu, uint64_t pa,
                const Stale *s)
{
    uint64_t value;

    switch (s->how) {
    case LOAD:
        return hypsec_host_load(board, cpu, pa, &value);
    case STORE:
        return hypsec_host_store(board, cpu, pa, 0x1234);
    default:
        return hypsec_host_fetch(board, cpu, pa);
    }
}

/*
 * G24: a page that other CPUs still have in their TLBs. All have used it the
 * moment before; none reaches it once the call has returned, and all still
 * reach the page beside it.
 */
static void test_stale(const void *data)
{
    const Stale *s = data;
    HypsecBoard *board = hypsec_board(s->config);
    uint64_t vmid = hypsec_vm(board), page = FREE + 9 * HYPSEC_PAGE;
    uint64_t idx = hypsec_vm_image(board, vmid, HYPSEC_GPA, 2 * HYPSEC_PAGE);

    if (s->split) {
        hypsec_vm_give(board, vmid, idx, FREE);
    }
    qtest_writel(board->qts, page, INSN_BRK);
    qtest_writel(board->qts, page + HYPSEC_PAGE, INSN_BRK);
    for (int round = 0; round < 2; round++) {
        for (unsigned int cpu = 0; cpu < board->cpus; cpu++) {
            qtest_writel(board->qts, page, INSN_BRK);
            g_assert_true(use(board, cpu, page, s));
        }
    }
    hypsec_fill(board, page);
    hypsec_vm_give(board, vmid, idx, page);
    for (unsigned int cpu = board->cpus; cpu-- > 0; ) {
        if (use(board, cpu, page, s)) {
            HYPSEC_FAIL(board, "CPU %u has the page in its TLB", cpu);
        }
        qtest_writel(board->qts, page + HYPSEC_PAGE, INSN_BRK);
        g_assert_true(use(board, cpu, page + HYPSEC_PAGE, s));
        g_assert_cmpuint(hypsec_counters(board, cpu).refusals, ==, 1);
    }
    hypsec_assert_filled(board, page);
}

/*
 * The other CPUs are storing into the page all the while. When the call has
 * returned, no store gets there any more.
 */
static void test_stale_loop(void)
{
    enum { BRANCH_BACK = 0x17ffffff };
    static const uint32_t loop[] = { INSN_STR(3, 2, 1), BRANCH_BACK };
    HypsecBoard *board = hypsec_board(&eight_cpus);
    uint64_t vmid = hypsec_vm(board);
    uint64_t idx = hypsec_vm_image(board, vmid, HYPSEC_GPA, HYPSEC_PAGE);
    HypsecRun runs[HYPSEC_MAX_CPUS];

    qtest_memset(board->qts, FREE, 0, HYPSEC_PAGE);
    for (unsigned int cpu = 1; cpu < board->cpus; cpu++) {
        runs[cpu] = (HypsecRun){
            .x = { 0, FREE + cpu * 8, 0x100 + cpu }, .code = loop, .count = 2,
        };
        hypsec_run_start(board, cpu, &runs[cpu]);
    }
    for (unsigned int cpu = 1; cpu < board->cpus; cpu++) {
        hypsec_wait_word(board, FREE + cpu * 8, 0x100 + cpu, true,
                         "a CPU that stores");
    }
    hypsec_vm_give(board, vmid, idx, FREE);
    hypsec_fill(board, FREE);
    for (unsigned int cpu = 1; cpu < board->cpus; cpu++) {
        hypsec_run_wait(board, cpu, &runs[cpu]);
        g_assert_cmphex(runs[cpu].esr, ==,
                        ESR(EC_DABT_CUR, FSC_EXTERNAL | ISS_WNR));
        g_assert_cmphex(runs[cpu].far, ==, FREE + cpu * 8);
        g_assert_cmpuint(hypsec_counters(board, cpu).refusals, ==, 1);
    }
    hypsec_assert_filled(board, FREE);
}

int main(int argc, char **argv)
{
    if (!hypsec_lib_init(&argc, &argv)) {
        return 1;
    }
    for (int i = 0; i < ARRAY_SIZE(stales); i++) {
        g_autofree char *path =
            g_strdup_printf(PROGRAM "/G24/in-another-cpus-tlb/%s",
                            stales[i].name);

        qtest_add_data_func(path, &stales[i], test_stale);
    }
    qtest_add_func(PROGRAM "/G24/other-cpus-are-storing",
                   test_stale_loop);
    return hypsec_lib_run();
}
