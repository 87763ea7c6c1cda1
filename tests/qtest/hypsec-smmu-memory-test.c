/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host whose device does DMA to memory that is not the host's: of VMs, of
 * EL2, shared, just given away while the SMMU's TLB still has it, given in a
 * block; and to devices. What came back may be used again.
 */
#include "qemu/osdep.h"
#include "hypsec-smmu.h"

#define PROGRAM "hypsec-smmu-memory"
#define FREE    (HYPSEC_FREE + 24 * HYPSEC_BLOCK)
/* Aligned in the VM as it is outside. */
#define BLOCK_GPA HYPSEC_VM_UNMAPPED
#define CHANNEL 3

static const HypsecConfig with_dma = { .cpus = 2, .machine = "dma=on" };

static HypsecBoard *begin(void)
{
    return hypsec_board(&with_dma);
}

/* Everybody is confined to the same, and nobody to nothing. */
static void test_host_page(void)
{
    HypsecBoard *board = begin();

    for (unsigned int i = 0; i < HYPSEC_DMA_CHANNELS; i++) {
        hypsec_assert_dma(board, i, FREE + i * HYPSEC_PAGE);
    }
    /* CPUs have never been there. */
    hypsec_assert_dma(board, 0, HYPSEC_RAM);
    hypsec_assert_dma(board, 0, hypsec_shared(board, 0, 0) - HYPSEC_PAGE);
    hypsec_check_smmus(board);
}

static void test_vm_page(void)
{
    HypsecBoard *board = begin();
    uint64_t vmid = hypsec_vm_with(board, HYPSEC_GPA, FREE, 3);

    for (unsigned int i = 0; i < HYPSEC_DMA_CHANNELS; i++) {
        hypsec_assert_no_dma(board, i, FREE + i % 3 * HYPSEC_PAGE);
    }
    for (unsigned int i = 0; i < 3; i++) {
        hypsec_assert_filled(board, FREE + i * HYPSEC_PAGE);
        hypsec_assert_vm_page(board, FREE + i * HYPSEC_PAGE, vmid,
                              HYPSEC_GPA + i * HYPSEC_PAGE);
    }
    hypsec_assert_dma(board, CHANNEL, FREE - HYPSEC_PAGE);
    hypsec_assert_dma(board, CHANNEL, FREE + 3 * HYPSEC_PAGE);
    hypsec_check_smmus(board);
}

/* Of a VM that runs, by its fault. */
static void test_faulted_page(void)
{
    static const uint32_t store = INSN_STR(3, 2, 1);
    HypsecBoard *board = begin();
    HypsecVm vm = hypsec_vm_parked(board, "park1", 1);
    HypsecRun run = { .x = { 0, BLOCK_GPA, 0x5ec2e7 }, .code = &store,
                      .count = 1 };

    hypsec_assert_dma(board, CHANNEL, FREE);
    hypsec_guest_start(board, &vm, 0, &run);
    hypsec_vcpu_run(board, 0, &vm, 0);
    hypsec_shared_set(board, &vm, 0, new_pte, FREE);
    hypsec_shared_set(board, &vm, 0, new_level, 3);
    hypsec_vcpu_idle(board, 0, &vm, 0);
    g_assert_cmphex(qtest_readq(board->qts, FREE), ==, 0x5ec2e7);
    hypsec_assert_no_dma(board, CHANNEL, FREE);
    /* Its image, with its mailbox and its secrets. */
    hypsec_assert_no_dma(board, CHANNEL, vm.pa);
    hypsec_check_smmus(board);
}

/*
 * 512 pages at once, each of which the TLB had: as the block that it was, or
 * as pages since one has been away before.
 */
static void test_block(const void *data)
{
    bool split = *(const bool *)data;
    static const uint32_t store = INSN_STR(3, 2, 1);
    HypsecBoard *board = begin();
    HypsecVm vm = hypsec_vm_parked(board, "park1", 1);
    HypsecRun run = { .x = { 0, BLOCK_GPA, 0x5ec2e7 }, .code = &store,
                      .count = 1 };

    if (split) {
        hypsec_vm_destroy(board, hypsec_vm_with(board, HYPSEC_GPA,
                                                FREE + 9 * HYPSEC_PAGE, 1));
    }
    for (uint64_t i = 0; i < 512; i += 73) {
        hypsec_assert_dma(board, CHANNEL, FREE + i * HYPSEC_PAGE);
    }
    hypsec_guest_start(board, &vm, 0, &run);
    hypsec_vcpu_run(board, 0, &vm, 0);
    hypsec_shared_set(board, &vm, 0, new_pte, FREE);
    hypsec_shared_set(board, &vm, 0, new_level, 2);
    hypsec_vcpu_idle(board, 0, &vm, 0);
    hypsec_assert_vm_page(board, FREE, vm.id, BLOCK_GPA);
    g_assert_cmphex(qtest_readq(board->qts, FREE), ==, 0x5ec2e7);
    for (uint64_t i = 0; i < 512; i += 73) {
        hypsec_assert_no_dma(board, CHANNEL, FREE + i * HYPSEC_PAGE);
    }
    hypsec_assert_no_dma(board, CHANNEL, FREE + 511 * HYPSEC_PAGE);
    hypsec_assert_dma(board, CHANNEL, FREE - HYPSEC_PAGE);
    hypsec_assert_dma(board, CHANNEL, FREE + HYPSEC_BLOCK);
    hypsec_check_smmus(board);
    hypsec_vm_destroy(board, vm.id);
    for (uint64_t i = 0; i < 512; i += 73) {
        hypsec_assert_zero(board, FREE + i * HYPSEC_PAGE);
        hypsec_assert_dma(board, CHANNEL, FREE + i * HYPSEC_PAGE);
    }
    hypsec_check_smmus(board);
}

/*
 * G24, G69: all channels have just been there, so that the SMMU has it in its
 * TLB, and none gets there once the call has returned; all still get to the
 * page beside it. The block is whole, or a neighbour is a VM's already.
 */
static void test_stale(const void *data)
{
    bool split = *(const bool *)data;
    HypsecBoard *board = begin();
    uint64_t vmid = hypsec_vm(board), page = FREE + 9 * HYPSEC_PAGE;
    uint64_t idx = hypsec_vm_image(board, vmid, HYPSEC_GPA, 3 * HYPSEC_PAGE);

    if (split) {
        hypsec_vm_give(board, vmid, idx, FREE);
    }
    for (unsigned int i = 0; i < HYPSEC_DMA_CHANNELS; i++) {
        hypsec_assert_dma(board, i, page - HYPSEC_PAGE);
        hypsec_assert_dma(board, i, page);
        hypsec_assert_dma(board, i, page + HYPSEC_PAGE);
    }
    hypsec_fill(board, page);
    hypsec_vm_give(board, vmid, idx, page);
    for (unsigned int i = HYPSEC_DMA_CHANNELS; i-- > 0; ) {
        hypsec_assert_no_dma(board, i, page);
        hypsec_assert_dma(board, i, page - HYPSEC_PAGE);
        hypsec_assert_dma(board, i, page + HYPSEC_PAGE);
    }
    hypsec_assert_filled(board, page);
    hypsec_check_smmus(board);
}

/* A page that a VM lends to the host, and takes back. */
static void test_shared_and_revoked(void)
{
    HypsecBoard *board = begin();
    HypsecVm vm = hypsec_vm_parked(board, "park1", 1);
    uint64_t page = hypsec_vm_to_pa(board, &vm, HYPSEC_GPA + 8 * HYPSEC_PAGE);
    uint64_t value;

    hypsec_assert_no_dma(board, CHANNEL, page);
    g_assert_cmpint(hypsec_guest_hvc(board, 0, &vm, 0,
                                     HYPSEC_PVOP_SET_DESC_PFN, 0,
                                     HYPSEC_GPA + 8 * HYPSEC_PAGE,
                                     HYPSEC_PAGE), ==, HYPSEC_OK);
    /* Lent to the host's CPUs, to its devices not. */
    g_assert_true(hypsec_host_load(board, 1, page, &value));
    hypsec_assert_no_dma(board, CHANNEL, page);
    g_assert_cmpint(hypsec_guest_hvc(board, 0, &vm, 0,
                                     HYPSEC_PVOP_UNSET_DESC_PFN, 0,
                                     HYPSEC_GPA + 8 * HYPSEC_PAGE,
                                     HYPSEC_PAGE), ==, HYPSEC_OK);
    g_assert_false(hypsec_host_load(board, 1, page, &value));
    hypsec_assert_no_dma(board, CHANNEL, page);
    hypsec_check_smmus(board);
}

/* Given, back, given to another one: DMA follows, and finds only zeroes. */
static void test_returned(void)
{
    HypsecBoard *board = begin();

    for (int round = 0; round < 3; round++) {
        uint64_t vmid;

        hypsec_assert_dma(board, CHANNEL, FREE);
        vmid = hypsec_vm_with(board, HYPSEC_GPA, FREE, 2);
        hypsec_assert_no_dma(board, CHANNEL, FREE);
        hypsec_assert_filled(board, FREE);
        hypsec_vm_destroy(board, vmid);
        hypsec_assert_scrubbed(board, 1, FREE);
        hypsec_assert_dma(board, CHANNEL, FREE);
        hypsec_assert_dma(board, CHANNEL, FREE + HYPSEC_PAGE);
        hypsec_check_smmus(board);
    }
}

/* By CLEAR_VM_S2_RANGE, a part of them. */
static void test_cleared(void)
{
    HypsecBoard *board = begin();
    HypsecVm vm = hypsec_vm_parked(board, "park1", 1);
    HypsecRun run = { .x = { PSCI_SYSTEM_OFF } };
    static const uint32_t code = INSN_HVC(0);

    run.code = &code;
    run.count = 1;
    hypsec_guest_start(board, &vm, 0, &run);
    hypsec_vcpu_run(board, 0, &vm, 0);
    g_assert_cmpuint(hypsec_vm_state(board, vm.id), ==, VM_POWEROFF);
    hypsec_assert_no_dma(board, CHANNEL, vm.pa);
    g_assert_cmpint(hypsec_call(board, 0, HYPSEC_HVC_CLEAR_VM_S2_RANGE, vm.id,
                                vm.pa, 2 * HYPSEC_PAGE, 0), ==, HYPSEC_OK);
    hypsec_assert_dma(board, CHANNEL, vm.pa);
    hypsec_assert_dma(board, CHANNEL, vm.pa + HYPSEC_PAGE);
    hypsec_assert_no_dma(board, CHANNEL, vm.pa + 2 * HYPSEC_PAGE);
    hypsec_check_smmus(board);
}

static void test_el2(void)
{
    HypsecBoard *board = begin();
    uint64_t root = hypsec_smmu_get64(board, HYPSEC_DMA_SMMU,
                                      SMMU_CB(0) + SMMU_CB_TTBR0);
    const uint64_t pages[] = {
        board->carveout, board->carveout + HYPSEC_PAGE, board->vttbr, root,
        root + HYPSEC_PAGE, board->counters & ~(HYPSEC_PAGE - 1),
        HYPSEC_RAM_END - HYPSEC_PAGE,
    };

    for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
        hypsec_assert_no_dma(board, CHANNEL, pages[i]);
    }
    for (uint64_t pa = board->carveout; pa < HYPSEC_RAM_END;
         pa += 61 * HYPSEC_PAGE) {
        hypsec_assert_no_dma(board, pa / HYPSEC_PAGE % HYPSEC_DMA_CHANNELS,
                             pa);
    }
    hypsec_check_smmus(board);
}

/* Answers of the host's that EL2 reads once: no device writes there. */
static void test_shared_window(void)
{
    HypsecBoard *board = begin();
    uint64_t base = hypsec_shared(board, 0, 0);

    for (uint64_t at = 0; at < HYPSEC_SHARED_SIZE; at += 17 * HYPSEC_PAGE) {
        hypsec_assert_no_dma(board, CHANNEL, base + at);
    }
    hypsec_assert_no_dma(board, CHANNEL, base + HYPSEC_SHARED_SIZE -
                         HYPSEC_PAGE);
}

/* Registers, EL2's own among them, and where there is nothing. */
static void test_no_ram(const void *data)
{
    uint64_t pa = *(const uint64_t *)data, value;
    HypsecBoard *board = begin();
    HypsecTransfer t = { .op = HYPSEC_DMA_OP_COPY, .src = FREE, .dst = pa };

    g_assert_false(hypsec_dma_load(board, CHANNEL, pa, &value));
    g_assert_false(hypsec_dma_store(board, CHANNEL, pa, 1));
    g_assert_cmpuint(hypsec_dma(board, CHANNEL, &t), ==,
                     HYPSEC_DMA_ERROR_WRITE);
    g_assert_cmphex(t.fault, ==, pa);
    hypsec_check_smmus(board);
}

/* MSIs are written there; nothing is read. */
static void test_doorbell(void)
{
    HypsecBoard *board = begin();
    uint64_t value;

    g_assert_false(hypsec_dma_load(board, CHANNEL, 0x08020000, &value));
    g_assert_false(hypsec_dma_load(board, CHANNEL, 0x08020040, &value));
    g_assert_false(hypsec_dma_store(board, CHANNEL, 0x08021000, 0));
    g_assert_false(hypsec_dma_store(board, CHANNEL, 0x0801f000, 0));
}

/* It goes as far as the host's memory does. */
static void test_across(void)
{
    HypsecBoard *board = begin();
    HypsecTransfer t = { .op = HYPSEC_DMA_OP_WRITE, .dst = FREE,
                         .length = 3 * HYPSEC_PAGE, .value = 0x7e57 };

    hypsec_assert_dma(board, CHANNEL, FREE);
    hypsec_vm_with(board, HYPSEC_GPA, FREE + HYPSEC_PAGE, 1);
    g_assert_cmpuint(hypsec_dma(board, CHANNEL, &t), ==,
                     HYPSEC_DMA_ERROR_WRITE);
    g_assert_cmphex(t.fault, ==, FREE + HYPSEC_PAGE);
    g_assert_cmphex(qtest_readq(board->qts, FREE + 0xff8), ==, 0x7e57);
    hypsec_assert_filled(board, FREE + HYPSEC_PAGE);
    t = (HypsecTransfer){ .op = HYPSEC_DMA_OP_COPY, .src = FREE,
                          .dst = FREE + 2 * HYPSEC_PAGE,
                          .length = 2 * HYPSEC_PAGE };
    g_assert_cmpuint(hypsec_dma(board, CHANNEL, &t), ==,
                     HYPSEC_DMA_ERROR_READ);
    g_assert_cmphex(t.fault, ==, FREE + HYPSEC_PAGE);
    g_assert_cmphex(qtest_readq(board->qts, FREE + 3 * HYPSEC_PAGE), ==, 0);
}

/* What a master fetches and writes back is DMA as well. */
static void test_descriptor(void)
{
    HypsecBoard *board = begin();
    HypsecTransfer t = { .op = HYPSEC_DMA_OP_WRITE, .dst = FREE,
                         .value = 0x7e57, .desc = FREE + HYPSEC_PAGE };

    qtest_memset(board->qts, FREE, 0, HYPSEC_PAGE);
    hypsec_vm_with(board, HYPSEC_GPA, FREE + HYPSEC_PAGE, 1);
    g_assert_cmpuint(hypsec_dma(board, CHANNEL, &t), ==,
                     HYPSEC_DMA_ERROR_FETCH);
    g_assert_cmphex(t.fault, ==, FREE + HYPSEC_PAGE);
    /* Half in the host's page. */
    t.desc = FREE + HYPSEC_PAGE - 16;
    t.desc_pa = FREE + 0x100;
    g_assert_cmpuint(hypsec_dma(board, CHANNEL, &t), ==,
                     HYPSEC_DMA_ERROR_FETCH);
    g_assert_cmphex(t.fault, ==, FREE + HYPSEC_PAGE);
    g_assert_cmphex(qtest_readq(board->qts, FREE), ==, 0);
    hypsec_assert_filled(board, FREE + HYPSEC_PAGE);
    /* Of EL2. */
    t.desc_pa = 0;
    t.desc = board->carveout;
    g_assert_cmpuint(hypsec_dma(board, CHANNEL, &t), ==,
                     HYPSEC_DMA_ERROR_FETCH);
}

/* What the SMMU records of it is where the host finds it. */
static void test_fault_record(void)
{
    HypsecBoard *board = begin();
    uint64_t cb = SMMU_CB(0);
    uint64_t value;

    hypsec_vm_with(board, HYPSEC_GPA, FREE, 1);
    g_assert_false(hypsec_dma_load(board, CHANNEL, FREE, &value));
    g_assert_cmphex(hypsec_smmu_get64(board, HYPSEC_DMA_SMMU,
                                      cb + SMMU_CB_FAR), ==, FREE);
    g_assert_cmphex(hypsec_smmu_get(board, HYPSEC_DMA_SMMU,
                                    SMMU_CBFRSYNRA(0)) & 0x7fff, ==,
                    HYPSEC_DMA_SID(CHANNEL));
    /* One that faults does not stop the others. */
    hypsec_assert_dma(board, CHANNEL + 1, FREE + HYPSEC_PAGE);
    hypsec_assert_dma(board, CHANNEL, FREE + HYPSEC_PAGE);
}

typedef struct Place {
    const char *name;
    uint64_t pa;
} Place;

static const Place places[] = {
    { "flash", 0 },
    { "gic-distributor", 0x08000000 },
    { "gic-hypervisor-interface", 0x08030000 },
    { "uart", HYPSEC_UART0 },
    { "el2-uart", HYPSEC_UART1 },
    { "smmu0", HYPSEC_SMMU(0) },
    { "smmu1-scr0", HYPSEC_SMMU(1) },
    { "smmu1-bank0-sctlr", HYPSEC_SMMU(1) + SMMU_CB(0) },
    { "dma", HYPSEC_DMA_REGS(0) },
    { "pcie-mmio", HYPSEC_PCIE },
    { "pcie-ecam", UINT64_C(0x3f000000) },
    { "below-ram", HYPSEC_RAM - 8 },
    { "behind-ram", HYPSEC_RAM_END },
    { "2^39", UINT64_C(1) << 39 },
    { "2^40", UINT64_C(1) << 40 },
    { "ram-above-2^40", (UINT64_C(1) << 40) + FREE },
    { "ram-above-2^48", (UINT64_C(1) << 48) + FREE },
    { "the-last", ~UINT64_C(7) },
};

int main(int argc, char **argv)
{
    static const bool whole = false, split = true;

    if (!hypsec_lib_init(&argc, &argv)) {
        return 1;
    }
    qtest_add_func(PROGRAM "/good/host-page", test_host_page);
    qtest_add_func(PROGRAM "/vm/page", test_vm_page);
    qtest_add_func(PROGRAM "/vm/faulted-page", test_faulted_page);
    qtest_add_data_func(PROGRAM "/vm/block/whole", &whole, test_block);
    qtest_add_data_func(PROGRAM "/vm/block/split", &split, test_block);
    qtest_add_data_func(PROGRAM "/G69/just-given/block", &whole, test_stale);
    qtest_add_data_func(PROGRAM "/G69/just-given/page", &split, test_stale);
    qtest_add_func(PROGRAM "/vm/shared-and-revoked", test_shared_and_revoked);
    qtest_add_func(PROGRAM "/vm/returned", test_returned);
    qtest_add_func(PROGRAM "/vm/cleared", test_cleared);
    qtest_add_func(PROGRAM "/el2", test_el2);
    qtest_add_func(PROGRAM "/shared-window", test_shared_window);
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        g_autofree char *path = g_strdup_printf(PROGRAM "/G68/no-ram/%s",
                                                places[i].name);

        qtest_add_data_func(path, &places[i].pa, test_no_ram);
    }
    qtest_add_func(PROGRAM "/doorbell", test_doorbell);
    qtest_add_func(PROGRAM "/across-the-end", test_across);
    qtest_add_func(PROGRAM "/descriptor", test_descriptor);
    qtest_add_func(PROGRAM "/fault-record", test_fault_record);
    return hypsec_lib_run();
}
