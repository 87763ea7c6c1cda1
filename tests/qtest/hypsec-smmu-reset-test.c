/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DMA across the seams: before EL2 has taken the SMMUs, behind a reset that
 * comes while devices work, and behind a snapshot, with what the TLBs had.
 */
#include "qemu/osdep.h"
#include "hypsec-smmu.h"

#define PROGRAM "hypsec-smmu-reset"
#define SMMU    HYPSEC_DMA_SMMU
#define CHANNEL 2
#define BANK    3
#define DMA_GPA UINT64_C(0x90000000)
#define PAGE    (HYPSEC_FREE + 24 * HYPSEC_BLOCK)
#define OTHER   (PAGE + HYPSEC_BLOCK)

static const HypsecConfig with_dma = { .cpus = 2, .machine = "dma=on" };

static void unpark_all(HypsecBoard *board)
{
    for (unsigned int cpu = 0; cpu < board->cpus; cpu++) {
        hypsec_unpark(board, cpu);
    }
}

static void must(int64_t result)
{
    g_assert_cmpint(result, ==, HYPSEC_OK);
}

/* Nothing of a VM's, of the host's choices or of a device is left. */
static void assert_started_over(HypsecBoard *board)
{
    hypsec_park(board);
    for (unsigned int i = 0; i < HYPSEC_DMA_CHANNELS; i++) {
        g_assert_false(hypsec_dma_is_busy(board, i));
    }
    hypsec_check_smmus(board);
    hypsec_check_tables(board);
    for (unsigned int i = 0; i < HYPSEC_DMA_CHANNELS; i++) {
        hypsec_assert_dma(board, i, PAGE);
        hypsec_assert_dma(board, i, OTHER);
        hypsec_assert_no_dma(board, i, board->carveout);
    }
    for (unsigned int i = 0; i < HYPSEC_SMMUS; i++) {
        g_assert_cmphex(hypsec_smmu_host_read(board, i, SMMU_SCR0), ==,
                        0x00200001);
        for (unsigned int bank = 1; bank < HYPSEC_SMMU_BANKS; bank++) {
            must(hypsec_smmu_alloc(board, bank, 0, i));
        }
    }
    hypsec_check_smmus(board);
}

/*
 * G70: devices at work when EL2 starts, as firmware of the board could leave
 * them. Out of reset an SMMU lets everything through. The last one keeps to
 * what becomes the host's: whether it meets the moment when nothing gets
 * through, is all the same.
 */
static void test_before_el2(void)
{
    HypsecBoard *board = hypsec_board_new(&with_dma);
    HypsecTransfer ts[] = {
        { .op = HYPSEC_DMA_OP_READ, .src = HYPSEC_RAM_END - HYPSEC_BLOCK,
          .length = HYPSEC_PAGE },
        { .op = HYPSEC_DMA_OP_COPY, .src = HYPSEC_RAM_END - HYPSEC_PAGE,
          .dst = PAGE },
        { .op = HYPSEC_DMA_OP_READ, .src = HYPSEC_SMMU(SMMU) + SMMU_CB(0) },
        { .op = HYPSEC_DMA_OP_WRITE, .dst = OTHER, .length = HYPSEC_PAGE,
          .value = 0x0bad },
    };
    const size_t last = ARRAY_SIZE(ts) - 1;

    unpark_all(board);
    qtest_qmp_assert_success(board->qts, "{'execute': 'stop'}");
    qtest_system_reset(board->qts);
    for (size_t i = 0; i < ARRAY_SIZE(ts); i++) {
        hypsec_dma_start(board, i, &ts[i], HYPSEC_DMA_CTRL_LOOP);
        g_assert_true(hypsec_dma_is_busy(board, i));
    }
    qtest_qmp_assert_success(board->qts, "{'execute': 'cont'}");
    hypsec_park(board);
    for (size_t i = 0; i < last; i++) {
        hypsec_dma_wait(board, i, &ts[i]);
        g_assert_cmpuint(ts[i].error, !=, HYPSEC_DMA_ERROR_NONE);
    }
    /* What they did to the SMMUs' records of faults is not the host's. */
    for (unsigned int i = 0; i < HYPSEC_DMA_CHANNELS; i++) {
        hypsec_dma_reset(board, i);
    }
    assert_started_over(board);
    hypsec_board_free(board);
}

/* A VM with a device that works, a bank of the host's, its own registers. */
static void make_busy(HypsecBoard *board)
{
    g_autoptr(HypsecSigned) is = hypsec_signed("park1");
    HypsecVm vm = hypsec_vm_loaded(board, is, 1);
    HypsecTransfer t = {
        .op = HYPSEC_DMA_OP_WRITE, .dst = DMA_GPA, .length = HYPSEC_PAGE,
        .value = 0x5ec2e7, .desc = DMA_GPA + HYPSEC_PAGE,
        .desc_pa = PAGE + HYPSEC_PAGE,
    };

    must(hypsec_smmu_alloc(board, BANK, vm.id, SMMU));
    for (uint64_t i = 0; i < 2; i++) {
        must(hypsec_smmu_map(board, DMA_GPA + i * HYPSEC_PAGE,
                             PAGE + i * HYPSEC_PAGE, HYPSEC_SMMU_RW, BANK,
                             SMMU));
    }
    must(hypsec_smmu_set_stream(board, SMMU, HYPSEC_DMA_SID(CHANNEL), BANK));
    must(hypsec_call(board, 0, HYPSEC_HVC_PHYS_ADDR_IOREMAP, vm.id,
                     0x0b010000, HYPSEC_DMA_REGS(CHANNEL), HYPSEC_PAGE));
    must(hypsec_vm_verify(board, &vm, NULL));
    hypsec_vcpu_idle(board, 0, &vm, 0);
    must(hypsec_guest_hvc(board, 0, &vm, 0, HYPSEC_PVOP_ACCEPT_DEVICE, 0,
                          0x0b010000, HYPSEC_PAGE));
    must(hypsec_smmu_alloc(board, BANK + 1, 0, SMMU));
    must(hypsec_smmu_map(board, OTHER, OTHER, HYPSEC_SMMU_RW, BANK + 1,
                         SMMU));
    hypsec_smmu_host_write(board, SMMU, SMMU_S2CR(1),
                           S2CR_TRANSLATE | (BANK + 1));
    hypsec_smmu_host_write(board, SMMU, SMMU_SMR(1),
                           SMR_VALID | HYPSEC_DMA_SID(7));
    hypsec_smmu_host_write(board, SMMU, SMMU_SCR0, 0);
    hypsec_smmu_host_write(board, HYPSEC_PCIE_SMMU, SMMU_SCR0, 0);
    hypsec_dma_start(board, CHANNEL, &t, HYPSEC_DMA_CTRL_LOOP);
    hypsec_dma_wait_done(board, CHANNEL, 3);
    hypsec_check_smmus(board);
}

/* EL2 does not see it coming; three of them. */
static void test_watchdog(void)
{
    HypsecBoard *board = hypsec_board_new(&with_dma);

    for (int round = 0; round < 3; round++) {
        make_busy(board);
        unpark_all(board);
        qtest_system_reset(board->qts);
        hypsec_park(board);
        hypsec_assert_scrubbed(board, 1, PAGE);
        hypsec_assert_scrubbed(board, 1, PAGE + HYPSEC_PAGE);
        assert_started_over(board);
        for (unsigned int i = 0; i < HYPSEC_SMMUS; i++) {
            for (unsigned int bank = 1; bank < HYPSEC_SMMU_BANKS; bank++) {
                must(hypsec_smmu_free(board, bank, i));
            }
        }
    }
    hypsec_board_free(board);
}

static void test_system_reset(void)
{
    HypsecBoard *board = hypsec_board_new(&with_dma);
    HypsecEvent event = hypsec_event_smc(0, PSCI_SYSTEM_RESET, 0, 0, 0);

    make_busy(board);
    unpark_all(board);
    hypsec_post(board, &event);
    hypsec_wait_event(board, "RESET");
    hypsec_park(board);
    hypsec_assert_scrubbed(board, 1, PAGE);
    assert_started_over(board);
    hypsec_board_free(board);
}

/*
 * The end of the machine scrubs what a device of the VM's has written, and it
 * writes no more.
 */
static void test_system_off(void)
{
    HypsecBoard *board = hypsec_board_new(&with_dma);
    HypsecEvent event = hypsec_event_smc(0, PSCI_SYSTEM_OFF, 0, 0, 0);

    make_busy(board);
    hypsec_post(board, &event);
    hypsec_wait_event(board, "SHUTDOWN");
    hypsec_assert_zero(board, PAGE);
    hypsec_assert_zero(board, PAGE + HYPSEC_PAGE);
    hypsec_board_free(board);
}

/* The TLB's entries come back with the rest, and go as they would have. */
static void test_snapshot_before(void)
{
    HypsecBoard *board = hypsec_board(&with_dma);
    uint64_t vmid = hypsec_vm(board);
    uint64_t idx = hypsec_vm_image(board, vmid, HYPSEC_GPA, HYPSEC_PAGE);

    hypsec_assert_dma(board, CHANNEL, PAGE);
    hypsec_savevm(board, "dma");
    for (int pass = 0; pass < 3; pass++) {
        hypsec_check_smmus(board);
        if (pass != 1) {
            hypsec_assert_dma(board, CHANNEL, PAGE);
        }
        hypsec_fill(board, PAGE);
        hypsec_vm_give(board, vmid, idx, PAGE);
        hypsec_assert_no_dma(board, CHANNEL, PAGE);
        hypsec_assert_filled(board, PAGE);
        hypsec_loadvm(board, "dma");
    }
}

/* What the TLB learned later is not there before. */
static void test_snapshot_behind(void)
{
    HypsecBoard *board = hypsec_board(&with_dma);
    uint64_t vmid = hypsec_vm_with(board, HYPSEC_GPA, PAGE, 1);

    hypsec_savevm(board, "dma");
    hypsec_vm_destroy(board, vmid);
    hypsec_assert_dma(board, CHANNEL, PAGE);
    hypsec_loadvm(board, "dma");
    hypsec_assert_no_dma(board, CHANNEL, PAGE);
    hypsec_assert_filled(board, PAGE);
    hypsec_check_smmus(board);
}

/* A VM's device goes on where it was, and reaches what it did. */
static void test_snapshot_busy(void)
{
    HypsecBoard *board = hypsec_board(&with_dma);
    g_autoptr(HypsecSmmuState) before = NULL;
    uint64_t value;

    make_busy(board);
    before = hypsec_smmu_state(board);
    hypsec_savevm(board, "dma");
    for (int pass = 0; pass < 2; pass++) {
        hypsec_assert_smmu_state(board, before);
        g_assert_true(hypsec_dma_is_busy(board, CHANNEL));
        hypsec_dma_wait_done(board, CHANNEL, 3);
        g_assert_true(hypsec_dma_is_busy(board, CHANNEL));
        g_assert_false(hypsec_host_load(board, 1, HYPSEC_DMA_REGS(CHANNEL),
                                        &value));
        hypsec_vm_destroy(board, 1);
        g_assert_false(hypsec_dma_is_busy(board, CHANNEL));
        hypsec_assert_scrubbed(board, 1, PAGE);
        hypsec_check_smmus(board);
        hypsec_loadvm(board, "dma");
    }
}

int main(int argc, char **argv)
{
    if (!hypsec_lib_init(&argc, &argv)) {
        return 1;
    }
    qtest_add_func(PROGRAM "/G70/before-el2", test_before_el2);
    qtest_add_func(PROGRAM "/watchdog", test_watchdog);
    qtest_add_func(PROGRAM "/system-reset", test_system_reset);
    qtest_add_func(PROGRAM "/system-off", test_system_off);
    qtest_add_func(PROGRAM "/snapshot/before", test_snapshot_before);
    qtest_add_func(PROGRAM "/snapshot/behind", test_snapshot_behind);
    qtest_add_func(PROGRAM "/snapshot/busy", test_snapshot_busy);
    return hypsec_lib_run();
}
