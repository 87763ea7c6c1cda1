/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host whose PCIe device, an NVMe controller, is told to write and read
 * memory that is not the host's: through the other SMMU, with a TLB of its
 * own. Identify writes a page, Set Features (Timestamp) reads eight bytes.
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "hypsec-smmu.h"

#define PROGRAM "hypsec-smmu-pcie"
#define SMMU    HYPSEC_PCIE_SMMU
#define PAGE    (HYPSEC_FREE + 24 * HYPSEC_BLOCK)

#define ECAM    UINT64_C(0x3f000000)
#define PCI_COMMAND         0x04
#define PCI_BAR0            0x10
#define PCI_MEMORY_MASTER   0x06

/* NVMe: registers, and one admin queue. */
#define NVME_CC     0x14
#define NVME_CSTS   0x1c
#define NVME_AQA    0x24
#define NVME_ASQ    0x28
#define NVME_ACQ    0x30
#define NVME_SQ0    0x1000
#define NVME_CQ0    0x1004
#define NVME_ENABLE 0x00460001
#define ENTRIES     16
#define SQE_BYTES   64
#define CQE_BYTES   16

#define IDENTIFY        0x06
#define SET_FEATURES    0x09
#define GET_FEATURES    0x0a
#define TIMESTAMP       0x0e
#define TIMESTAMP_MASK  0xffffffffffffULL

#define POLL_USEC       50
#define WAIT_SECONDS    20

/* Two of them, with the first and the last number. */
typedef struct Nvme {
    unsigned int slot;
    uint64_t regs;
    uint64_t sq;
    uint64_t cq;
    unsigned int tail;
    unsigned int head;
} Nvme;

static const unsigned int slots[] = { 1, 31 };
/* No snapshots of these: each test has a board of its own. */
static const HypsecConfig with_nvme = {
    .cpus = 2, .machine = "dma=on",
    .args = "-device nvme,serial=a,addr=1 -device nvme,serial=b,addr=1f",
};

static void wait_ready(HypsecBoard *board, const Nvme *n)
{
    gint64 end = g_get_monotonic_time() + WAIT_SECONDS * G_USEC_PER_SEC;

    while (!(qtest_readl(board->qts, n->regs + NVME_CSTS) & 1)) {
        g_assert_cmpint(g_get_monotonic_time(), <, end);
        g_usleep(POLL_USEC);
    }
}

static Nvme start(HypsecBoard *board, unsigned int which)
{
    Nvme n = {
        .slot = slots[which],
        .regs = HYPSEC_PCIE + which * 0x10000,
        .sq = HYPSEC_FREE + (60 + 2 * which) * HYPSEC_BLOCK,
        .cq = HYPSEC_FREE + (61 + 2 * which) * HYPSEC_BLOCK,
    };
    uint64_t config = ECAM + (n.slot << 15);
    QTestState *qts = board->qts;

    qtest_writel(qts, config + PCI_BAR0, n.regs);
    qtest_writel(qts, config + PCI_BAR0 + 4, 0);
    qtest_writew(qts, config + PCI_COMMAND, PCI_MEMORY_MASTER);
    qtest_memset(qts, n.cq, 0, HYPSEC_PAGE);
    qtest_writel(qts, n.regs + NVME_AQA, (ENTRIES - 1) << 16 | (ENTRIES - 1));
    qtest_writeq(qts, n.regs + NVME_ASQ, n.sq);
    qtest_writeq(qts, n.regs + NVME_ACQ, n.cq);
    qtest_writel(qts, n.regs + NVME_CC, NVME_ENABLE);
    wait_ready(board, &n);
    return n;
}

/* One admin command, to its end. Returns: the status. */
static unsigned int command(HypsecBoard *board, Nvme *n, uint8_t opcode,
                            uint64_t prp, uint32_t cdw10)
{
    gint64 end = g_get_monotonic_time() + WAIT_SECONDS * G_USEC_PER_SEC;
    uint64_t sqe = n->sq + n->tail % ENTRIES * SQE_BYTES;
    uint64_t cqe = n->cq + n->head % ENTRIES * CQE_BYTES;
    uint32_t phase = !(n->head / ENTRIES % 2), dw3;
    QTestState *qts = board->qts;

    qtest_memset(qts, sqe, 0, SQE_BYTES);
    qtest_writel(qts, sqe, opcode | n->tail << 16);
    qtest_writeq(qts, sqe + 24, prp);
    qtest_writel(qts, sqe + 40, cdw10);
    n->tail++;
    qtest_writel(qts, n->regs + NVME_SQ0, n->tail % ENTRIES);
    while (dw3 = qtest_readl(qts, cqe + 12), (dw3 >> 16 & 1) != phase) {
        g_assert_cmpint(g_get_monotonic_time(), <, end);
        g_usleep(POLL_USEC);
    }
    n->head++;
    qtest_writel(qts, n->regs + NVME_CQ0, n->head % ENTRIES);
    return dw3 >> 17 & 0x7ff;
}

/*
 * QEMU's controller does not always notice that its DMA has failed: memory
 * tells what it reached, not the status.
 */
static bool writes(HypsecBoard *board, Nvme *n, uint64_t pa)
{
    uint8_t was[HYPSEC_PAGE], is[HYPSEC_PAGE];

    qtest_bufread(board->qts, pa, was, sizeof(was));
    command(board, n, IDENTIFY, pa, 1);
    qtest_bufread(board->qts, pa, is, sizeof(is));
    return memcmp(was, is, sizeof(was));
}

/*
 * It reads a number, which it tells afterwards: it counts on from there. What
 * it could not read is 0.
 */
static bool reads(HypsecBoard *board, Nvme *n, uint64_t pa)
{
    uint64_t own = n->sq + 0x100000;
    uint64_t here = qtest_readq(board->qts, pa) & TIMESTAMP_MASK;
    uint64_t there;

    g_assert_cmphex(here, !=, 0);
    command(board, n, SET_FEATURES, pa, TIMESTAMP);
    g_assert_cmpuint(command(board, n, GET_FEATURES, own, TIMESTAMP), ==, 0);
    there = qtest_readq(board->qts, own) & TIMESTAMP_MASK;
    return ((there - here) & TIMESTAMP_MASK) < 1000 * WAIT_SECONDS;
}

static void assert_reached(HypsecBoard *board, Nvme *n, uint64_t pa)
{
    qtest_memset(board->qts, pa, 0x11, HYPSEC_PAGE);
    g_assert_true(reads(board, n, pa));
    g_assert_true(writes(board, n, pa));
}

static void assert_not_reached(HypsecBoard *board, Nvme *n, uint64_t pa)
{
    g_assert_false(reads(board, n, pa));
    g_assert_false(writes(board, n, pa));
}

static void test_memory(void)
{
    HypsecBoard *board = hypsec_board_new(&with_nvme);
    uint64_t vmid = hypsec_vm_with(board, HYPSEC_GPA, PAGE, 1);

    for (unsigned int i = 0; i < ARRAY_SIZE(slots); i++) {
        Nvme n = start(board, i);

        assert_reached(board, &n, PAGE + HYPSEC_PAGE);
        assert_not_reached(board, &n, PAGE);
        hypsec_assert_filled(board, PAGE);
        hypsec_assert_vm_page(board, PAGE, vmid, HYPSEC_GPA);
        /* What EL2 publishes, and the last that it has. */
        assert_not_reached(board, &n, board->carveout + HYPSEC_PAGE);
        g_assert_false(writes(board, &n, HYPSEC_RAM_END - HYPSEC_PAGE));
        g_assert_false(writes(board, &n, hypsec_shared(board, 0, 0)));
    }
    hypsec_check_smmus(board);
    hypsec_board_free(board);
}

/* G69: this SMMU's TLB has it as well. */
static void test_stale(const void *data)
{
    bool split = *(const bool *)data;
    HypsecBoard *board = hypsec_board_new(&with_nvme);
    Nvme n = start(board, 0);
    uint64_t page = PAGE + 9 * HYPSEC_PAGE, vmid = hypsec_vm(board);
    uint64_t idx = hypsec_vm_image(board, vmid, HYPSEC_GPA, 2 * HYPSEC_PAGE);

    if (split) {
        hypsec_vm_give(board, vmid, idx, PAGE);
    }
    assert_reached(board, &n, page);
    assert_reached(board, &n, page + HYPSEC_PAGE);
    hypsec_fill(board, page);
    hypsec_vm_give(board, vmid, idx, page);
    assert_not_reached(board, &n, page);
    hypsec_assert_filled(board, page);
    assert_reached(board, &n, page + HYPSEC_PAGE);
    hypsec_vm_destroy(board, vmid);
    assert_reached(board, &n, page);
    hypsec_check_smmus(board);
    hypsec_board_free(board);
}

/* G66: whatever the host writes to this SMMU, nothing else is reached. */
static void test_registers(void)
{
    static const struct {
        uint64_t offset;
        uint32_t value;
    } writes_[] = {
        { SMMU_SCR0, SCR0_CLIENTPD },
        { SMMU_S2CR(0), S2CR_BYPASS },
        { SMMU_SMR(0), SMR_VALID | SMR_MASK(0x7fff) },
        { SMMU_SCR0, 0 },
        { SMMU_S2CR(0), S2CR_FAULT },
        { SMMU_S2CR(0), S2CR_BYPASS },
        { SMMU_SCR0, ~0u & ~SCR0_CLIENTPD },
    };
    HypsecBoard *board = hypsec_board_new(&with_nvme);
    Nvme n = start(board, 0);

    hypsec_vm_with(board, HYPSEC_GPA, PAGE, 1);
    for (size_t i = 0; i < ARRAY_SIZE(writes_); i++) {
        hypsec_smmu_host_write(board, SMMU, writes_[i].offset,
                               writes_[i].value);
        hypsec_check_smmus(board);
        if (hypsec_smmu_stream(board, SMMU, n.slot << 3) < 0) {
            continue;
        }
        assert_not_reached(board, &n, PAGE);
        assert_not_reached(board, &n, board->carveout + HYPSEC_PAGE);
        assert_reached(board, &n, PAGE + HYPSEC_PAGE);
    }
    hypsec_assert_filled(board, PAGE);
    hypsec_board_free(board);
}

/* A host that knows the SMMU confines its own disk to one page. */
static void test_host_bank(void)
{
    enum { BANK = 2 };
    HypsecBoard *board = hypsec_board_new(&with_nvme);
    Nvme n = start(board, 0);
    const uint64_t mapped[] = { n.sq, n.cq, n.sq + 0x100000, PAGE };

    g_assert_cmpint(hypsec_smmu_alloc(board, BANK, 0, SMMU), ==, HYPSEC_OK);
    for (size_t i = 0; i < ARRAY_SIZE(mapped); i++) {
        g_assert_cmpint(hypsec_smmu_map(board, mapped[i], mapped[i],
                                        HYPSEC_SMMU_RW, BANK, SMMU), ==,
                        HYPSEC_OK);
    }
    hypsec_smmu_host_write(board, SMMU, SMMU_S2CR(0), S2CR_TRANSLATE | BANK);
    hypsec_smmu_host_write(board, SMMU, SMMU_SMR(0), SMR_VALID | n.slot << 3);
    hypsec_smmu_host_write(board, SMMU, SMMU_SCR0, 0);
    g_assert_cmpint(hypsec_smmu_stream(board, SMMU, n.slot << 3), ==, BANK);
    assert_reached(board, &n, PAGE);
    hypsec_fill(board, PAGE + HYPSEC_PAGE);
    assert_not_reached(board, &n, PAGE + HYPSEC_PAGE);
    hypsec_check_smmus(board);
    g_assert_cmpint(hypsec_smmu_clear(board, PAGE, BANK, SMMU), ==,
                    HYPSEC_OK);
    assert_not_reached(board, &n, PAGE);
    hypsec_check_smmus(board);
    hypsec_board_free(board);
}

int main(int argc, char **argv)
{
    static const bool whole = false, split = true;

    if (!hypsec_lib_init(&argc, &argv)) {
        return 1;
    }
    qtest_add_func(PROGRAM "/memory", test_memory);
    qtest_add_data_func(PROGRAM "/G69/just-given/block", &whole, test_stale);
    qtest_add_data_func(PROGRAM "/G69/just-given/page", &split, test_stale);
    qtest_add_func(PROGRAM "/G66/registers", test_registers);
    qtest_add_func(PROGRAM "/good/host-bank", test_host_bank);
    return hypsec_lib_run();
}
