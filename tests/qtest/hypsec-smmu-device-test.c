/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A device that a VM is given, by a host that wants to keep it: its registers,
 * its stream, what it does before the VM knows of it, what it reaches then,
 * and what is left of it when the VM is gone.
 */
#include "qemu/osdep.h"
#include "hypsec-smmu.h"

#define PROGRAM "hypsec-smmu-device"
#define SMMU    HYPSEC_DMA_SMMU
#define CHANNEL 2
#define BANK    3
#define SID     HYPSEC_DMA_SID(CHANNEL)

/* Where the VM has the registers and what its device reaches. */
#define REGS_GPA    UINT64_C(0x0b010000)
#define DMA_GPA     UINT64_C(0x90000000)
#define DMA_PAGE    (HYPSEC_FREE + 24 * HYPSEC_BLOCK)
#define HOST_PAGE   (DMA_PAGE + HYPSEC_BLOCK)
#define DESC_OFFSET 0x800
#define NR_PAGES    3

static const HypsecConfig with_dma = { .cpus = 2, .machine = "dma=on" };

static void must(int64_t result)
{
    g_assert_cmpint(result, ==, HYPSEC_OK);
}

static int64_t ioremap(HypsecBoard *board, uint64_t vmid, uint64_t gpa,
                       unsigned int channel)
{
    return hypsec_call(board, 0, HYPSEC_HVC_PHYS_ADDR_IOREMAP, vmid, gpa,
                       HYPSEC_DMA_REGS(channel), HYPSEC_PAGE);
}

/* A VM, loaded: it has pages for DMA and the channel. */
static HypsecVm give(HypsecBoard *board, unsigned int n, unsigned int bank,
                     unsigned int channel)
{
    g_autoptr(HypsecSigned) is = hypsec_signed("park1");
    HypsecVm vm = hypsec_vm_loaded(board, is, n);
    uint64_t pa = DMA_PAGE + (n - 1) * NR_PAGES * HYPSEC_PAGE;

    must(hypsec_smmu_alloc(board, bank, vm.id, SMMU));
    for (uint64_t i = 0; i < NR_PAGES; i++) {
        must(hypsec_smmu_map(board, DMA_GPA + i * HYPSEC_PAGE,
                             pa + i * HYPSEC_PAGE, HYPSEC_SMMU_RW, bank,
                             SMMU));
    }
    must(hypsec_smmu_set_stream(board, SMMU, HYPSEC_DMA_SID(channel), bank));
    must(ioremap(board, vm.id, REGS_GPA, channel));
    return vm;
}

static void start(HypsecBoard *board, HypsecVm *vm)
{
    must(hypsec_vm_verify(board, vm, NULL));
    hypsec_vcpu_idle(board, 0, vm, 0);
}

static int64_t vm_accepts(HypsecBoard *board, const HypsecVm *vm, uint64_t gpa,
                      uint64_t size)
{
    return hypsec_guest_hvc(board, 0, vm, 0, HYPSEC_PVOP_ACCEPT_DEVICE, 0,
                            gpa, size);
}

static HypsecVm accepted(HypsecBoard *board)
{
    HypsecVm vm = give(board, 1, BANK, CHANNEL);

    start(board, &vm);
    must(vm_accepts(board, &vm, REGS_GPA, HYPSEC_PAGE));
    return vm;
}

/* As the VM would have it done: its descriptor is in its last page for DMA. */
static uint32_t dma(HypsecBoard *board, unsigned int channel,
                    HypsecTransfer *t)
{
    uint64_t at = (NR_PAGES - 1) * HYPSEC_PAGE + DESC_OFFSET;

    t->desc = DMA_GPA + at;
    t->desc_pa = DMA_PAGE + at;
    return hypsec_dma(board, channel, t);
}

static void assert_fault(HypsecBoard *board, uint64_t iova)
{
    HypsecTransfer t = { .op = HYPSEC_DMA_OP_READ, .src = iova };

    g_assert_cmpuint(dma(board, CHANNEL, &t), ==, HYPSEC_DMA_ERROR_READ);
    g_assert_cmphex(t.fault, ==, iova);
    t = (HypsecTransfer){ .op = HYPSEC_DMA_OP_WRITE, .dst = iova,
                          .value = 0x0bad };
    g_assert_cmpuint(dma(board, CHANNEL, &t), ==, HYPSEC_DMA_ERROR_WRITE);
    g_assert_cmphex(t.fault, ==, iova);
    t = (HypsecTransfer){ .op = HYPSEC_DMA_OP_COPY, .src = DMA_GPA,
                          .dst = iova };
    g_assert_cmpuint(dma(board, CHANNEL, &t), ==, HYPSEC_DMA_ERROR_WRITE);
}

/* Registers as a reset leaves them. */
static void assert_reset(HypsecBoard *board, unsigned int channel)
{
    QTestState *qts = board->qts;
    uint64_t regs = HYPSEC_DMA_REGS(channel);

    g_assert_cmphex(qtest_readl(qts, regs + HYPSEC_DMA_CTRL), ==, 0);
    g_assert_cmphex(qtest_readl(qts, regs + HYPSEC_DMA_STATUS), ==, 0);
    g_assert_cmphex(qtest_readl(qts, regs + HYPSEC_DMA_ERROR), ==, 0);
    g_assert_cmphex(qtest_readq(qts, regs + HYPSEC_DMA_DESC), ==, 0);
    g_assert_cmphex(qtest_readl(qts, regs + HYPSEC_DMA_COUNT), ==, 0);
    g_assert_cmphex(qtest_readq(qts, regs + HYPSEC_DMA_FAULT), ==, 0);
    g_assert_cmphex(qtest_readl(qts, regs + HYPSEC_DMA_DONE), ==, 0);
}

static bool host_has_registers(HypsecBoard *board, unsigned int cpu,
                               unsigned int channel)
{
    uint64_t at = HYPSEC_DMA_REGS(channel) + HYPSEC_DMA_ID, value;
    bool loaded = hypsec_host_load_of(board, cpu, at, 2, &value);

    g_assert_true(!loaded || value == HYPSEC_DMA_ID_VALUE);
    g_assert_true(hypsec_host_store_of(board, cpu, at, 2, 0) == loaded);
    return loaded;
}

/* Inside, all of it works; nothing else is reached. */
static void test_confined(void)
{
    HypsecBoard *board = hypsec_board(&with_dma);
    HypsecVm vm = accepted(board);
    const uint64_t outside[] = {
        0, REGS_GPA, DMA_GPA - 8, DMA_GPA + NR_PAGES * HYPSEC_PAGE,
        /* Its own, but not for DMA; and by their PA. */
        HYPSEC_GPA, vm.pa, DMA_PAGE, HOST_PAGE, board->carveout,
        HYPSEC_SMMU(SMMU), HYPSEC_DMA_REGS(CHANNEL), 0x08020040,
        HYPSEC_IPA_END - HYPSEC_PAGE, HYPSEC_IPA_END + DMA_GPA,
    };
    HypsecTransfer t = { .op = HYPSEC_DMA_OP_WRITE, .dst = DMA_GPA,
                         .length = HYPSEC_PAGE, .value = 0x1234 };

    hypsec_fill(board, HOST_PAGE);
    g_assert_cmpint(hypsec_smmu_stream(board, SMMU, SID), ==, BANK);
    g_assert_cmpuint(dma(board, CHANNEL, &t), ==, HYPSEC_DMA_ERROR_NONE);
    g_assert_cmphex(qtest_readq(board->qts, DMA_PAGE + 0xff8), ==, 0x1234);
    t = (HypsecTransfer){ .op = HYPSEC_DMA_OP_COPY, .src = DMA_GPA,
                          .dst = DMA_GPA + HYPSEC_PAGE,
                          .length = HYPSEC_PAGE };
    g_assert_cmpuint(dma(board, CHANNEL, &t), ==, HYPSEC_DMA_ERROR_NONE);
    g_assert_cmphex(qtest_readq(board->qts, DMA_PAGE + HYPSEC_PAGE), ==,
                    0x1234);
    for (size_t i = 0; i < ARRAY_SIZE(outside); i++) {
        assert_fault(board, outside[i]);
    }
    hypsec_assert_filled(board, HOST_PAGE);
    /* The host's channels do not reach the VM, nor are they the VM's. */
    for (unsigned int i = 0; i < HYPSEC_DMA_CHANNELS; i++) {
        if (i != CHANNEL) {
            hypsec_assert_no_dma(board, i, DMA_PAGE);
            hypsec_assert_dma(board, i, HOST_PAGE);
        }
    }
    hypsec_check_smmus(board);
    hypsec_check_tables(board);
}

/* G33: what the host knows of it is worth nothing until the VM consents. */
static void test_before_consent(void)
{
    HypsecBoard *board = hypsec_board(&with_dma);
    HypsecVm vm = give(board, 1, BANK, CHANNEL);
    HypsecTransfer t = { .op = HYPSEC_DMA_OP_WRITE, .dst = DMA_GPA,
                         .value = 0x0bad };
    HypsecTransfer by_pa = { .op = HYPSEC_DMA_OP_WRITE, .dst = HOST_PAGE };

    g_assert_cmpint(hypsec_smmu_stream(board, SMMU, SID), ==,
                    HYPSEC_STREAM_FAULT);
    g_assert_cmpuint(hypsec_dma(board, CHANNEL, &by_pa), ==,
                     HYPSEC_DMA_ERROR_FETCH);
    g_assert_cmpuint(dma(board, CHANNEL, &t), ==, HYPSEC_DMA_ERROR_FETCH);
    start(board, &vm);
    g_assert_cmpuint(dma(board, CHANNEL, &t), ==, HYPSEC_DMA_ERROR_FETCH);
    g_assert_cmphex(qtest_readq(board->qts, DMA_PAGE), ==, 0);
    hypsec_check_smmus(board);
    must(vm_accepts(board, &vm, REGS_GPA, HYPSEC_PAGE));
    g_assert_cmpuint(dma(board, CHANNEL, &t), ==, HYPSEC_DMA_ERROR_NONE);
    /* Again, and a byte of it. */
    must(vm_accepts(board, &vm, REGS_GPA, HYPSEC_PAGE));
    must(vm_accepts(board, &vm, REGS_GPA + 0x123, 1));
    must(vm_accepts(board, &vm, REGS_GPA, 0));
    hypsec_check_smmus(board);
}

/* A range with anything else in it gives no consent to any of it. */
static void test_accept_refused(void)
{
    HypsecBoard *board = hypsec_board(&with_dma);
    HypsecVm vm = give(board, 1, BANK, CHANNEL);
    HypsecVm other;
    const struct {
        uint64_t gpa;
        uint64_t size;
        int64_t result;
    } ranges[] = {
        { HYPSEC_GPA, HYPSEC_PAGE, HYPSEC_DENIED },
        { REGS_GPA - HYPSEC_PAGE, 2 * HYPSEC_PAGE, HYPSEC_DENIED },
        { REGS_GPA, 2 * HYPSEC_PAGE, HYPSEC_DENIED },
        { REGS_GPA, HYPSEC_PAGE + 1, HYPSEC_DENIED },
        { 0x0c000000, HYPSEC_PAGE, HYPSEC_DENIED },
        { 0x0d000000, HYPSEC_PAGE, HYPSEC_DENIED },
        { HYPSEC_DMA_REGS(0), HYPSEC_PAGE * HYPSEC_DMA_CHANNELS,
          HYPSEC_DENIED },
        { REGS_GPA, 513 * HYPSEC_PAGE, HYPSEC_INVALID },
        { REGS_GPA, ~0ull, HYPSEC_INVALID },
        { HYPSEC_IPA_END, HYPSEC_PAGE, HYPSEC_INVALID },
        { ~0ull - 0xfff, 0x2000, HYPSEC_INVALID },
    };

    other = give(board, 2, BANK + 1, CHANNEL + 1);
    /* A device that is not hypsec-dma's. */
    hypsec_vm_ioremap(board, vm.id, 0x0c000000, HYPSEC_PCIE, HYPSEC_PAGE);
    start(board, &vm);
    for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
        g_assert_cmpint(vm_accepts(board, &vm, ranges[i].gpa, ranges[i].size), ==,
                        ranges[i].result);
        g_assert_cmpint(hypsec_smmu_stream(board, SMMU, SID), ==,
                        HYPSEC_STREAM_FAULT);
        g_assert_cmpint(hypsec_smmu_stream(board, SMMU, SID + 1), ==,
                        HYPSEC_STREAM_FAULT);
    }
    start(board, &other);
    must(vm_accepts(board, &other, REGS_GPA, HYPSEC_PAGE));
    g_assert_cmpint(hypsec_smmu_stream(board, SMMU, SID), ==,
                    HYPSEC_STREAM_FAULT);
    g_assert_cmpint(hypsec_smmu_stream(board, SMMU, SID + 1), ==, BANK + 1);
    hypsec_check_smmus(board);
}

/*
 * The registers: both CPUs have them in their TLBs, and have them no more when
 * the device is given; all other channels' they keep.
 */
static void test_registers(void)
{
    static const uint32_t load = INSN_LDR(2, 2, 1);
    HypsecBoard *board = hypsec_board(&with_dma);
    HypsecRun run = { .x = { 0, REGS_GPA + HYPSEC_DMA_STREAM },
                      .code = &load, .count = 1 };
    HypsecVm vm;

    for (unsigned int cpu = 0; cpu < 2; cpu++) {
        for (unsigned int i = 0; i < HYPSEC_DMA_CHANNELS; i++) {
            g_assert_true(host_has_registers(board, cpu, i));
        }
    }
    vm = give(board, 1, BANK, CHANNEL);
    for (unsigned int cpu = 0; cpu < 2; cpu++) {
        for (unsigned int i = 0; i < HYPSEC_DMA_CHANNELS; i++) {
            g_assert_true(host_has_registers(board, cpu, i) ==
                          (i != CHANNEL));
        }
    }
    g_assert_cmphex(hypsec_s2_entry(board, HYPSEC_DMA_REGS(CHANNEL)), ==, 0);
    /* The VM has them, and no other VM can get them. */
    start(board, &vm);
    g_assert_true(hypsec_guest(board, 0, &vm, 0, &run));
    g_assert_cmphex(run.x[2], ==, SID);
    g_assert_cmpint(ioremap(board, hypsec_vm(board), REGS_GPA, CHANNEL), ==,
                    HYPSEC_DENIED);
}

/* What the host could keep through a VM of its own, or give twice. */
static void test_ioremap(void)
{
    HypsecBoard *board = hypsec_board(&with_dma);
    uint64_t vmid = hypsec_vm(board);

    /* The host's, and all of them at once. */
    g_assert_cmpint(ioremap(board, vmid, REGS_GPA, CHANNEL), ==,
                    HYPSEC_DENIED);
    g_assert_cmpint(hypsec_call(board, 0, HYPSEC_HVC_PHYS_ADDR_IOREMAP, vmid,
                                REGS_GPA, HYPSEC_DMA_REGS(0),
                                HYPSEC_DMA_CHANNELS * HYPSEC_PAGE), ==,
                    HYPSEC_DENIED);
    must(hypsec_smmu_alloc(board, BANK, vmid, SMMU));
    must(hypsec_smmu_set_stream(board, SMMU, SID, BANK));
    g_assert_cmpint(hypsec_call(board, 0, HYPSEC_HVC_PHYS_ADDR_IOREMAP, vmid,
                                REGS_GPA, HYPSEC_DMA_REGS(CHANNEL),
                                2 * HYPSEC_PAGE), ==, HYPSEC_DENIED);
    must(ioremap(board, vmid, REGS_GPA, CHANNEL));
}

/* G33: programmed and running when it is given. */
static void test_running(void)
{
    HypsecBoard *board = hypsec_board(&with_dma);
    HypsecTransfer t = { .op = HYPSEC_DMA_OP_WRITE, .dst = HOST_PAGE,
                         .length = HYPSEC_PAGE, .value = 0x0bad };
    HypsecVm vm;

    hypsec_dma_start(board, CHANNEL, &t, HYPSEC_DMA_CTRL_LOOP);
    hypsec_dma_wait_done(board, CHANNEL, 3);
    vm = give(board, 1, BANK, CHANNEL);
    assert_reset(board, CHANNEL);
    hypsec_fill(board, HOST_PAGE);
    start(board, &vm);
    must(vm_accepts(board, &vm, REGS_GPA, HYPSEC_PAGE));
    assert_reset(board, CHANNEL);
    hypsec_assert_filled(board, HOST_PAGE);
}

/* The host's entries of the stream table that would match it. */
static void test_stream_entries(void)
{
    HypsecBoard *board = hypsec_board(&with_dma);
    static const uint32_t smrs[] = {
        SMR_VALID | SID, SMR_VALID | SMR_MASK(0x7fff), SMR_VALID |
        SMR_MASK(7) | HYPSEC_DMA_SID(0),
    };
    uint64_t vmid = hypsec_vm(board);

    /* One that is in force: not now. */
    must(hypsec_smmu_alloc(board, BANK, vmid, SMMU));
    for (size_t i = 0; i < ARRAY_SIZE(smrs); i++) {
        hypsec_smmu_host_write(board, SMMU, SMMU_SMR(3), smrs[i]);
        g_assert_cmpint(hypsec_smmu_set_stream(board, SMMU, SID, BANK), ==,
                        HYPSEC_BUSY);
    }
    hypsec_smmu_host_write(board, SMMU, SMMU_SMR(3), 0);
    must(hypsec_smmu_set_stream(board, SMMU, SID, BANK));
    for (size_t i = 0; i < ARRAY_SIZE(smrs); i++) {
        g_assert_false(hypsec_host_store_of(board, 0, HYPSEC_SMMU(SMMU) +
                                            SMMU_SMR(3), 2, smrs[i]));
        g_assert_cmpint(hypsec_smmu_stream(board, SMMU, SID), ==,
                        HYPSEC_STREAM_FAULT);
    }
    /* In both modes it is the VM's. */
    hypsec_smmu_host_write(board, SMMU, SMMU_SCR0, 0);
    g_assert_cmpint(hypsec_smmu_stream(board, SMMU, SID), ==,
                    HYPSEC_STREAM_FAULT);
    hypsec_smmu_host_write(board, SMMU, SMMU_SMR(3), SMR_VALID | (SID + 1));
    g_assert_cmpint(hypsec_smmu_stream(board, SMMU, SID), ==,
                    HYPSEC_STREAM_FAULT);
    hypsec_check_smmus(board);
}

/* The same while it works: no mode of the host's stops it or opens it. */
static void test_modes(void)
{
    HypsecBoard *board = hypsec_board(&with_dma);
    HypsecTransfer t = { .op = HYPSEC_DMA_OP_WRITE, .dst = DMA_GPA,
                         .value = 0x600d };

    accepted(board);
    for (uint32_t scr0 = 0; scr0 < 2; scr0++) {
        hypsec_smmu_host_write(board, SMMU, SMMU_SCR0, scr0);
        g_assert_cmpint(hypsec_smmu_stream(board, SMMU, SID), ==, BANK);
        g_assert_cmpuint(dma(board, CHANNEL, &t), ==, HYPSEC_DMA_ERROR_NONE);
        assert_fault(board, HOST_PAGE);
        hypsec_check_smmus(board);
    }
}

/*
 * A page that only the device's table names: the VM touches it, and gets that
 * one or none.
 */
static void test_other_page(void)
{
    static const uint32_t load = INSN_LDR(3, 2, 1);
    HypsecBoard *board = hypsec_board(&with_dma);
    HypsecVm vm = accepted(board);
    HypsecRun run = { .x = { 0, DMA_GPA + 8 }, .code = &load, .count = 1 };
    HypsecTransfer t = { .op = HYPSEC_DMA_OP_WRITE, .dst = DMA_GPA,
                         .length = HYPSEC_PAGE, .value = 0x600d };
    HypsecExit e;

    g_assert_cmpuint(dma(board, CHANNEL, &t), ==, HYPSEC_DMA_ERROR_NONE);
    hypsec_guest_start(board, &vm, 0, &run);
    e = hypsec_vcpu_run(board, 0, &vm, 0);
    g_assert_cmphex(e.v.fault_ipa, ==, DMA_GPA);
    hypsec_shared_set(board, &vm, 0, new_pte, HOST_PAGE);
    hypsec_shared_set(board, &vm, 0, new_level, 3);
    e = hypsec_vcpu_run(board, 0, &vm, 0);
    g_assert_cmpint(e.result, ==, HYPSEC_DENIED);
    hypsec_shared_set(board, &vm, 0, new_pte, DMA_PAGE + HYPSEC_PAGE);
    e = hypsec_vcpu_run(board, 0, &vm, 0);
    g_assert_cmpint(e.result, ==, HYPSEC_DENIED);
    hypsec_shared_set(board, &vm, 0, new_pte, DMA_PAGE);
    hypsec_vcpu_idle(board, 0, &vm, 0);
    g_assert_true(hypsec_guest_take(board, &vm, 0, &run));
    /* Not zeroed: it was the VM's before. */
    g_assert_cmphex(run.x[2], ==, 0x600d);
    hypsec_assert_host_page(board, HOST_PAGE);
    hypsec_check_smmus(board);
    hypsec_check_tables(board);
}

/* Pages that the VM lends to the host are lent to no device of the host's. */
static void test_lent_page(void)
{
    static const uint32_t load = INSN_LDR(3, 2, 1);
    HypsecBoard *board = hypsec_board(&with_dma);
    HypsecVm vm = accepted(board);
    HypsecRun run = { .x = { 0, DMA_GPA }, .code = &load, .count = 1 };
    HypsecTransfer t = { .op = HYPSEC_DMA_OP_WRITE, .dst = DMA_GPA,
                         .value = 0x600d };
    uint64_t value;

    hypsec_guest_start(board, &vm, 0, &run);
    hypsec_vcpu_run(board, 0, &vm, 0);
    hypsec_shared_set(board, &vm, 0, new_pte, DMA_PAGE);
    hypsec_shared_set(board, &vm, 0, new_level, 3);
    hypsec_vcpu_idle(board, 0, &vm, 0);
    must(hypsec_guest_hvc(board, 0, &vm, 0, HYPSEC_PVOP_SET_DESC_PFN, 0,
                          DMA_GPA, HYPSEC_PAGE));
    g_assert_cmpuint(dma(board, CHANNEL, &t), ==, HYPSEC_DMA_ERROR_NONE);
    g_assert_true(hypsec_host_load(board, 1, DMA_PAGE, &value));
    g_assert_cmphex(value, ==, 0x600d);
    hypsec_assert_no_dma(board, CHANNEL + 1, DMA_PAGE);
    must(hypsec_guest_hvc(board, 0, &vm, 0, HYPSEC_PVOP_UNSET_DESC_PFN, 0,
                          DMA_GPA, HYPSEC_PAGE));
    g_assert_false(hypsec_host_load(board, 1, DMA_PAGE, &value));
    g_assert_cmpuint(dma(board, CHANNEL, &t), ==, HYPSEC_DMA_ERROR_NONE);
    hypsec_check_smmus(board);
}

static void assert_came_back(HypsecBoard *board)
{
    assert_reset(board, CHANNEL);
    for (unsigned int cpu = 0; cpu < 2; cpu++) {
        g_assert_true(host_has_registers(board, cpu, CHANNEL));
    }
    for (uint64_t i = 0; i < NR_PAGES; i++) {
        hypsec_assert_scrubbed(board, 1, DMA_PAGE + i * HYPSEC_PAGE);
        hypsec_assert_dma(board, CHANNEL, DMA_PAGE + i * HYPSEC_PAGE);
    }
    hypsec_check_smmus(board);
    hypsec_check_tables(board);
}

/* It runs while the VM is destroyed: reset, and nothing written afterwards. */
static void test_destroy(void)
{
    HypsecBoard *board = hypsec_board(&with_dma);
    HypsecVm vm = accepted(board);
    HypsecTransfer t = {
        .op = HYPSEC_DMA_OP_WRITE, .dst = DMA_GPA, .length = HYPSEC_PAGE,
        .value = 0x0bad, .desc = DMA_GPA + HYPSEC_PAGE,
        .desc_pa = DMA_PAGE + HYPSEC_PAGE,
    };

    hypsec_dma_start(board, CHANNEL, &t, HYPSEC_DMA_CTRL_LOOP);
    hypsec_dma_wait_done(board, CHANNEL, 3);
    hypsec_vm_destroy(board, vm.id);
    assert_came_back(board);
    /* And given once more, to the next one with the same id. */
    g_assert_cmpuint(accepted(board).id, ==, vm.id);
    hypsec_check_smmus(board);
}

/* After a power-off, by CLEAR_VM_S2_RANGE; then the bank by FREE. */
static void test_clear(void)
{
    static const uint32_t code = INSN_HVC(0);
    HypsecBoard *board = hypsec_board(&with_dma);
    HypsecVm vm = accepted(board);
    HypsecRun run = { .x = { PSCI_SYSTEM_OFF }, .code = &code, .count = 1 };

    hypsec_guest_start(board, &vm, 0, &run);
    hypsec_vcpu_run(board, 0, &vm, 0);
    g_assert_cmpuint(hypsec_vm_state(board, vm.id), ==, VM_POWEROFF);
    /* Off, but its memory is still there: the host has no device yet. */
    g_assert_false(host_has_registers(board, 1, CHANNEL));
    must(hypsec_call(board, 0, HYPSEC_HVC_CLEAR_VM_S2_RANGE, vm.id, DMA_PAGE,
                     NR_PAGES * HYPSEC_PAGE, 0));
    assert_came_back(board);
    must(hypsec_smmu_free(board, BANK, SMMU));
    must(hypsec_smmu_alloc(board, BANK, 0, SMMU));
    hypsec_vm_destroy(board, vm.id);
    hypsec_check_smmus(board);
}

/* The bank of a VM that is off goes before its memory. */
static void test_free(void)
{
    static const uint32_t code = INSN_HVC(0);
    HypsecBoard *board = hypsec_board(&with_dma);
    HypsecVm vm = accepted(board);
    HypsecRun run = { .x = { PSCI_SYSTEM_OFF }, .code = &code, .count = 1 };
    HypsecTransfer t = { .op = HYPSEC_DMA_OP_WRITE, .dst = DMA_GPA };

    hypsec_guest_start(board, &vm, 0, &run);
    hypsec_vcpu_run(board, 0, &vm, 0);
    must(hypsec_smmu_free(board, BANK, SMMU));
    g_assert_cmpuint(dma(board, CHANNEL, &t), !=, HYPSEC_DMA_ERROR_NONE);
    hypsec_check_smmus(board);
    hypsec_vm_destroy(board, vm.id);
    assert_came_back(board);
}

/* A VM with a device cannot be saved: the device would go on meanwhile. */
static void test_save(void)
{
    HypsecBoard *board = hypsec_board(&with_dma);
    HypsecVm vm = accepted(board);

    g_assert_cmpint(hypsec_call(board, 0, HYPSEC_HVC_ENCRYPT_BUF, vm.id,
                                vm.pa, HOST_PAGE, HOST_PAGE + HYPSEC_PAGE),
                    ==, HYPSEC_DENIED);
    g_assert_cmpint(hypsec_call(board, 0, HYPSEC_HVC_SAVE_CRYPT_VCPU, vm.id,
                                0, 0, 0), ==, HYPSEC_DENIED);
    hypsec_check_smmus(board);
}

int main(int argc, char **argv)
{
    if (!hypsec_lib_init(&argc, &argv)) {
        return 1;
    }
    qtest_add_func(PROGRAM "/good/confined", test_confined);
    qtest_add_func(PROGRAM "/G33/before-consent", test_before_consent);
    qtest_add_func(PROGRAM "/accept-refused", test_accept_refused);
    qtest_add_func(PROGRAM "/G33/registers", test_registers);
    qtest_add_func(PROGRAM "/G26/ioremap", test_ioremap);
    qtest_add_func(PROGRAM "/G33/running", test_running);
    qtest_add_func(PROGRAM "/G66/stream-entries", test_stream_entries);
    qtest_add_func(PROGRAM "/modes", test_modes);
    qtest_add_func(PROGRAM "/other-page", test_other_page);
    qtest_add_func(PROGRAM "/lent-page", test_lent_page);
    qtest_add_func(PROGRAM "/G69/destroy", test_destroy);
    qtest_add_func(PROGRAM "/G69/clear", test_clear);
    qtest_add_func(PROGRAM "/G69/free", test_free);
    qtest_add_func(PROGRAM "/save", test_save);
    return hypsec_lib_run();
}
