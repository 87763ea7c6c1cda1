/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The arm-smmuv2 device with PCI functions as masters: an NVMe controller
 * behind the first SMMU of the board. The page that each test cites by section
 * is docs/system/arm/arm-smmuv2.rst.
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "hw/pci/pci_regs.h"
#include "arm-smmuv2-lib.h"

#define ECAM 0x3f000000ULL
#define BAR0 0x10000000ULL
#define DOORBELL 0x08020000ULL /* page of the GICv2m */
#define SETSPI 0x40
#define GICD_ISPENDR 0x08000200ULL
#define GICD_ICFGR 0x08000c00ULL
#define MSI_INTID (32 + 48)

/* Where the controller is: slot 1 of bus 0 if nothing else is said. */
#define SLOT 1
#define NVME_SID (SLOT << 3)

/* Addresses of the controller's queues; it sees them through the SMMU. */
#define ASQ 0x200000000ULL
#define ACQ 0x200001000ULL
#define IOSQ 0x200002000ULL
#define IOCQ 0x200003000ULL
#define DATA 0x200010000ULL
/* The memory behind them. */
#define QUEUES (RAM + 0x100000)
#define BUFFER (RAM + 0x200000)

/* The controller: registers, opcodes, sizes (NVM Express 1.4). */
#define NVME_CC 0x14
#define NVME_CC_ENABLE (1 | 6 << 16 | 4 << 20)
#define NVME_CSTS 0x1c
#define NVME_CSTS_RDY 1u
#define NVME_CSTS_CFS 2u
#define NVME_AQA 0x24
#define NVME_ASQ 0x28
#define NVME_ACQ 0x30
#define NVME_SQ_TAIL(q) (0x1000 + (q) * 8)
#define NVME_ENTRIES 16
#define NVME_ADMIN_CREATE_SQ 1
#define NVME_ADMIN_CREATE_CQ 5
#define NVME_ADMIN_IDENTIFY 6
#define NVME_IO_READ 2

/**
 * Nvme - a controller
 * @qts: its board
 * @bar: its registers
 * @config: its configuration space
 * @tail: of each submission queue
 * @root: of the tables that translate for it, bank 0
 */
typedef struct Nvme {
    QTestState *qts;
    uint64_t bar;
    uint64_t config;
    int tail[2];
    uint64_t root;
} Nvme;

/* Registers and bus mastering on; the driver's part is nvme_enable(). */
static void nvme_config(Nvme *n, QTestState *qts, int devfn)
{
    *n = (Nvme) { .qts = qts, .bar = BAR0, .config = ECAM + (devfn << 12) };
    qtest_writel(qts, n->config + PCI_BASE_ADDRESS_0, n->bar);
    qtest_writel(qts, n->config + PCI_BASE_ADDRESS_1, 0);
    qtest_writew(qts, n->config + PCI_COMMAND,
                 PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static void nvme_enable(Nvme *n)
{
    QTestState *qts = n->qts;

    qtest_writel(qts, n->bar + NVME_AQA,
                 (NVME_ENTRIES - 1) << 16 | (NVME_ENTRIES - 1));
    qtest_writeq(qts, n->bar + NVME_ASQ, ASQ);
    qtest_writeq(qts, n->bar + NVME_ACQ, ACQ);
    qtest_writel(qts, n->bar + NVME_CC, NVME_CC_ENABLE);
    g_assert_cmphex(qtest_readl(qts, n->bar + NVME_CSTS), ==, NVME_CSTS_RDY);
}

/* Rings the bell for a command of queue @q. */
static void nvme_submit(Nvme *n, int q, uint8_t opcode, uint32_t nsid,
                        uint64_t prp1, uint64_t prp2, uint32_t cdw10,
                        uint32_t cdw11, uint32_t cdw12)
{
    uint32_t cmd[16] = {
        [0] = cpu_to_le32(opcode | n->tail[q] << 16),
        [1] = cpu_to_le32(nsid),
        [6] = cpu_to_le32(prp1), [7] = cpu_to_le32(prp1 >> 32),
        [8] = cpu_to_le32(prp2), [9] = cpu_to_le32(prp2 >> 32),
        [10] = cpu_to_le32(cdw10),
        [11] = cpu_to_le32(cdw11),
        [12] = cpu_to_le32(cdw12),
    };

    qtest_memwrite(n->qts, QUEUES + q * 0x2000 + n->tail[q] * 64, cmd,
                   sizeof(cmd));
    n->tail[q]++;
    qtest_writel(n->qts, n->bar + NVME_SQ_TAIL(q), n->tail[q]);
}

/* Bit 0 of a completion's last halfword is the phase. */
static uint16_t nvme_status(const Nvme *n, int q)
{
    return qtest_readw(n->qts, QUEUES + q * 0x2000 + PAGE +
                               (n->tail[q] - 1) * 16 + 14);
}

static void step(QTestState *qts)
{
    qtest_clock_step(qts, 1000000);
    g_usleep(1000);
}

/* Waits for the last command; its status, 0 being success. */
static uint16_t nvme_wait(const Nvme *n, int q)
{
    for (int i = 0; !(nvme_status(n, q) & 1); i++) {
        g_assert_cmpint(i, <, 10000);
        step(n->qts);
    }
    return nvme_status(n, q) >> 1;
}

/* Waits until a bank of the SMMU has a fault. */
static void wait_fault(QTestState *qts, uint32_t offset)
{
    for (int i = 0; !rd(qts, offset); i++) {
        g_assert_cmpint(i, <, 10000);
        step(qts);
    }
}

static uint16_t nvme_identify(Nvme *n, uint64_t prp1, uint64_t prp2)
{
    nvme_submit(n, 0, NVME_ADMIN_IDENTIFY, 0, prp1, prp2, 1, 0, 0);
    return nvme_wait(n, 0);
}

static void map(const Nvme *n, uint64_t iova, uint64_t pa)
{
    map_s2(n->qts, n->root, iova, pa | D_PAGE | S2_RW);
}

/* Bank 0 for stream @sid, with the queues and a page of data. */
static void nvme_stream(Nvme *n, uint32_t sid)
{
    n->root = s2_bank(n->qts, 0, 1);
    for (int i = 0; i < 4; i++) {
        map(n, ASQ + i * PAGE, QUEUES + i * PAGE);
    }
    map(n, DATA, BUFFER);
    stream(n->qts, 0, sid, TRANSLATE(0));
    smmu_on(n->qts);
}

static void nvme_start(Nvme *n, const char *args)
{
    g_autofree char *line = g_strdup_printf("-nic none -device nvme,"
                                            "serial=s,addr=%d%s", SLOT, args);
    QTestState *qts = smmu_start(line);

    smmu_select(SMMU0);
    nvme_config(n, qts, NVME_SID);
    nvme_stream(n, NVME_SID);
}

static bool is_identified(QTestState *qts, uint64_t pa)
{
    /* "s" and spaces: the serial number. */
    return qtest_readl(qts, pa + 4) == 0x20202073;
}

/* The stream of a function is its requester id; all it does is translated. */
static void test_function(void)
{
    Nvme n;

    nvme_start(&n, "");
    nvme_enable(&n);
    g_assert_cmphex(nvme_identify(&n, DATA, 0), ==, 0);
    g_assert_true(is_identified(n.qts, BUFFER));
    assert_no_fault(n.qts, 0);
    g_assert_cmphex(rd(n.qts, GR0(SGFSR)), ==, 0);
    qtest_quit(n.qts);
}

/* A function without an entry gets nowhere. */
static void test_other_function(void)
{
    Nvme n;

    nvme_start(&n, "");
    stream(n.qts, 0, NVME_SID + 8, TRANSLATE(0));
    nvme_enable(&n);
    nvme_submit(&n, 0, NVME_ADMIN_IDENTIFY, 0, DATA, 0, 1, 0, 0);
    wait_fault(n.qts, GR0(SGFSR));
    g_assert_cmphex(rd(n.qts, GR0(SGFSR)) & USF, ==, USF);
    g_assert_cmphex(rd(n.qts, GR0(SGFSYNR1)), ==, NVME_SID);
    g_assert_false(is_identified(n.qts, BUFFER));
    qtest_quit(n.qts);
}

/* Data where nothing is mapped: a fault, and nothing is written. */
static void test_unmapped_data(void)
{
    Nvme n;

    nvme_start(&n, "");
    nvme_enable(&n);
    nvme_submit(&n, 0, NVME_ADMIN_IDENTIFY, 0, DATA + PAGE, 0, 1, 0, 0);
    wait_fault(n.qts, CB(0, FSR));
    g_assert_cmphex(rd64(n.qts, CB(0, FAR)), ==, DATA + PAGE);
    g_assert_cmphex(rd(n.qts, CB(0, FSYNR0)), ==, LEVEL(3) | WNR);
    g_assert_cmphex(rd(n.qts, CBFRSYNRA(0)), ==, NVME_SID);
    qtest_quit(n.qts);
}

/* Long accesses at odd addresses, to two pages that are no neighbours. */
static void test_odd_transfer(void)
{
    static const int offsets[] = { 4, 7, 0x801, 0xffc, 0xfff };
    Nvme n;

    nvme_start(&n, "");
    map(&n, DATA + PAGE, BUFFER + 8 * PAGE);
    nvme_enable(&n);
    g_assert_cmphex(nvme_identify(&n, DATA, 0), ==, 0);
    for (int i = 0; i < ARRAY_SIZE(offsets); i++) {
        g_autofree uint8_t *whole = g_malloc(PAGE);
        g_autofree uint8_t *parts = g_malloc(PAGE);
        int first = PAGE - offsets[i];

        qtest_memset(n.qts, BUFFER, 0, PAGE);
        g_assert_cmphex(nvme_identify(&n, DATA, 0), ==, 0);
        qtest_memread(n.qts, BUFFER, whole, PAGE);
        qtest_memset(n.qts, BUFFER, 0xee, PAGE);
        qtest_memset(n.qts, BUFFER + 8 * PAGE, 0xee, PAGE);
        g_assert_cmphex(nvme_identify(&n, DATA + offsets[i], DATA + PAGE), ==,
                        0);
        qtest_memread(n.qts, BUFFER + offsets[i], parts, first);
        qtest_memread(n.qts, BUFFER + 8 * PAGE, parts + first, PAGE - first);
        g_assert_cmpmem(whole, PAGE, parts, PAGE);
        g_assert_cmphex(qtest_readb(n.qts, BUFFER + offsets[i] - 1), ==, 0xee);
        g_assert_cmphex(qtest_readb(n.qts, BUFFER + 8 * PAGE + offsets[i]), ==,
                        0xee);
        /* Room in the queues: sixteen entries. */
        if (n.tail[0] > NVME_ENTRIES - 4) {
            break;
        }
    }
    assert_no_fault(n.qts, 0);
    qtest_quit(n.qts);
}

/* Gives vector 0 an address and lets the controller use it. */
static void set_msi(const Nvme *n, uint64_t addr, uint32_t data)
{
    uint8_t cap = qtest_readb(n->qts, n->config + PCI_CAPABILITY_LIST);
    uint64_t table;

    while (qtest_readb(n->qts, n->config + cap) != PCI_CAP_ID_MSIX) {
        cap = qtest_readb(n->qts, n->config + cap + 1);
        g_assert_cmphex(cap, !=, 0);
    }
    table = n->bar + (qtest_readl(n->qts, n->config + cap + PCI_MSIX_TABLE) &
                      ~7u);
    qtest_writel(n->qts, table, addr);
    qtest_writel(n->qts, table + 4, addr >> 32);
    qtest_writel(n->qts, table + 8, data);
    qtest_writel(n->qts, table + 12, 0);
    qtest_writew(n->qts, n->config + cap + PCI_MSIX_FLAGS,
                 PCI_MSIX_FLAGS_ENABLE);
}

static bool is_pending(QTestState *qts, int intid)
{
    return qtest_readl(qts, GICD_ISPENDR + intid / 32 * 4) &
           1u << intid % 32;
}

/* An MSI is a write like any other: to the doorbell, if it is mapped. */
static void test_msi(void)
{
    Nvme n;

    nvme_start(&n, "");
    map_s2(n.qts, n.root, 0x300000000, DOORBELL | D_PAGE | S2_W);
    set_msi(&n, 0x300000000 + SETSPI, MSI_INTID);
    /* An edge stays pending. */
    qtest_writel(n.qts, GICD_ICFGR + MSI_INTID / 16 * 4,
                 2u << MSI_INTID % 16 * 2);
    nvme_enable(&n);
    g_assert_cmphex(nvme_identify(&n, DATA, 0), ==, 0);
    for (int i = 0; !is_pending(n.qts, MSI_INTID); i++) {
        g_assert_cmpint(i, <, 10000);
        step(n.qts);
    }
    assert_no_fault(n.qts, 0);
    qtest_quit(n.qts);
}

/* If it is not, there is a fault and no interrupt. */
static void test_msi_unmapped(void)
{
    Nvme n;

    nvme_start(&n, "");
    set_msi(&n, DOORBELL + SETSPI, MSI_INTID);
    qtest_writel(n.qts, GICD_ICFGR + MSI_INTID / 16 * 4,
                 2u << MSI_INTID % 16 * 2);
    nvme_enable(&n);
    g_assert_cmphex(nvme_identify(&n, DATA, 0), ==, 0);
    wait_fault(n.qts, CB(0, FSR));
    g_assert_cmphex(rd64(n.qts, CB(0, FAR)), ==, DOORBELL + SETSPI);
    g_assert_false(is_pending(n.qts, MSI_INTID));
    qtest_quit(n.qts);
}

/* One access over the end of a page is two translations. */
static void test_across_pages(void)
{
    Nvme n;

    nvme_start(&n, "");
    map(&n, DATA + PAGE, BUFFER + 8 * PAGE);
    set_msi(&n, DATA + PAGE - 3, 0x44332211);
    qtest_memset(n.qts, BUFFER + 8 * PAGE, 0, 8);
    nvme_enable(&n);
    map(&n, DATA + 2 * PAGE, BUFFER + 9 * PAGE);
    g_assert_cmphex(nvme_identify(&n, DATA + 2 * PAGE, 0), ==, 0);
    for (int i = 0; !qtest_readb(n.qts, BUFFER + 8 * PAGE); i++) {
        g_assert_cmpint(i, <, 10000);
        step(n.qts);
    }
    g_assert_cmphex(qtest_readb(n.qts, BUFFER + PAGE - 3), ==, 0x11);
    g_assert_cmphex(qtest_readb(n.qts, BUFFER + PAGE - 2), ==, 0x22);
    g_assert_cmphex(qtest_readb(n.qts, BUFFER + PAGE - 1), ==, 0x33);
    g_assert_cmphex(qtest_readl(n.qts, BUFFER + 8 * PAGE), ==, 0x44);
    qtest_quit(n.qts);
}

/* Slot and function both are in the stream's id. */
static void test_slot_and_function(void)
{
    QTestState *qts = smmu_start("-nic none -device nvme,serial=s,addr=1f.5,"
                                 "multifunction=on "
                                 "-device nvme,serial=t,addr=1f.0,"
                                 "multifunction=on");
    Nvme n;

    smmu_select(SMMU0);
    nvme_config(&n, qts, 0x1f << 3 | 5);
    nvme_stream(&n, 0x1f << 3 | 5);
    nvme_enable(&n);
    g_assert_cmphex(nvme_identify(&n, DATA, 0), ==, 0);
    g_assert_true(is_identified(qts, BUFFER));
    qtest_quit(qts);
}

/* A queue pair for reads. */
static void nvme_io_queues(Nvme *n)
{
    nvme_submit(n, 0, NVME_ADMIN_CREATE_CQ, 0, IOCQ, 0,
                (NVME_ENTRIES - 1) << 16 | 1, 1, 0);
    g_assert_cmphex(nvme_wait(n, 0), ==, 0);
    nvme_submit(n, 0, NVME_ADMIN_CREATE_SQ, 0, IOSQ, 0,
                (NVME_ENTRIES - 1) << 16 | 1, 1 << 16 | 1, 0);
    g_assert_cmphex(nvme_wait(n, 0), ==, 0);
}

static char *make_disk(void)
{
    g_autofree uint8_t *data = g_malloc(1 * MiB);

    memset(data, 0x5a, 1 * MiB);
    return g_strdup(hypsec_tmp_file("disk", data, 1 * MiB));
}

/*
 * A read that has begun when its page is taken away does not reach the page:
 * data is translated when it arrives, not when the request was looked at.
 */
static void slow_read(bool take_away)
{
    g_autofree char *disk = make_disk();
    g_autofree char *args =
        g_strdup_printf(",drive=d -drive if=none,id=d,format=raw,file=%s,"
                        "throttling.iops-read=1", disk);
    uint64_t at;
    Nvme n;

    nvme_start(&n, args);
    at = map_s2(n.qts, n.root, DATA + PAGE,
                (BUFFER + PAGE) | D_PAGE | S2_RW);
    nvme_enable(&n);
    nvme_io_queues(&n);
    qtest_memset(n.qts, BUFFER, 0, 2 * PAGE);
    /* The first one is within the limit, the second one has to wait. */
    nvme_submit(&n, 1, NVME_IO_READ, 1, DATA, 0, 0, 0, 7);
    g_assert_cmphex(nvme_wait(&n, 1), ==, 0);
    g_assert_cmphex(qtest_readl(n.qts, BUFFER), ==, 0x5a5a5a5a);
    nvme_submit(&n, 1, NVME_IO_READ, 1, DATA + PAGE, 0, 8, 0, 7);
    for (int i = 0; i < 50; i++) {
        step(n.qts);
    }
    g_assert_cmphex(nvme_status(&n, 1), ==, 0);
    if (take_away) {
        qtest_writeq(n.qts, at, 0);
        wr64(n.qts, CB(0, TLBIIPAS2L), (DATA + PAGE) >> 12);
        wr(n.qts, CB(0, TLBSYNC), 0);
    }
    qtest_clock_step(n.qts, 5000000000);
    nvme_wait(&n, 1);
    g_assert_cmphex(qtest_readl(n.qts, BUFFER + PAGE), ==,
                    take_away ? 0 : 0x5a5a5a5a);
    g_assert_cmpint(rd(n.qts, CB(0, FSR)) != 0, ==, take_away);
    qtest_quit(n.qts);
}

static void test_read_in_time(void)
{
    slow_read(false);
}

static void test_page_taken_away(void)
{
    slow_read(true);
}

static const SmmuTest tests[] = {
    { "arm-smmuv2-pci/stream/function", test_function },
    { "arm-smmuv2-pci/stream/other-function", test_other_function },
    { "arm-smmuv2-pci/stream/slot-and-function", test_slot_and_function },
    { "arm-smmuv2-pci/access/unmapped", test_unmapped_data },
    { "arm-smmuv2-pci/access/long-and-odd", test_odd_transfer },
    { "arm-smmuv2-pci/access/across-pages", test_across_pages },
    { "arm-smmuv2-pci/msi/to-the-doorbell", test_msi },
    { "arm-smmuv2-pci/msi/unmapped", test_msi_unmapped },
    { "arm-smmuv2-pci/in-flight/in-time", test_read_in_time },
    { "arm-smmuv2-pci/in-flight/page-taken-away", test_page_taken_away },
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    return smmu_run(tests, ARRAY_SIZE(tests));
}
