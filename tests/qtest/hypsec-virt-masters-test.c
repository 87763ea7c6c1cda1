/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every DMA master of the hypsec-virt board is behind an SMMU, under the
 * stream id that the documentation gives it: the "DMA" section of
 * docs/system/arm/hypsec-virt.rst. Without firmware: the SMMUs are as reset
 * leaves them, open, until a test closes them.
 */
#include "qemu/osdep.h"
#include "qemu/bitops.h"
#include "qemu/bswap.h"
#include "hypsec/dma.h"
#include "qobject/qdict.h"
#include "hw/hypsec/arm-smmuv2-regs.h"
#include "hypsec-test.h"

#define SMMU(i, offset) (0x09050000 + (i) * 0x10000 + (offset))
#define BANK(i, n, name) SMMU(i, 0x8000 + (n) * 0x1000 + A_SMMU_CB_##name)
#define SPI_SMMU(i) (176 + (i) * 9)

/* Faults for streams without an entry, as bus errors, and an interrupt. */
#define SCR0_CLOSED (R_SMMU_SCR0_GFRE_MASK | R_SMMU_SCR0_GFIE_MASK | \
                     R_SMMU_SCR0_USFCFG_MASK | R_SMMU_SCR0_SMCFCFG_MASK)
#define S2CR_BYPASS (SMMUV2_S2CR_BYPASS << R_SMMU_S2CR_TYPE_SHIFT)

#define DEVFN(slot) ((slot) << 3)
#define ECAM 0x3f000000ULL
#define BAR 0x10000000ULL

/* Where masters find their work, and where they leave something. */
#define WORK 0x48000000ULL
#define RESULT 0x49000000ULL

static void close_smmu(QTestState *qts, int i)
{
    qtest_writel(qts, SMMU(i, A_SMMU_SCR0), SCR0_CLOSED);
}

static void allow_stream(QTestState *qts, int i, int entry, uint32_t sid)
{
    qtest_writel(qts, SMMU(i, A_SMMU_S2CR) + entry * 4, S2CR_BYPASS);
    qtest_writel(qts, SMMU(i, A_SMMU_SMR) + entry * 4,
                 R_SMMU_SMR_VALID_MASK | sid);
}

/* SMMU @i has refused stream @sid; forgotten then. */
static void assert_refused(QTestState *qts, int i, uint32_t sid)
{
    uint32_t gfsr = qtest_readl(qts, SMMU(i, A_SMMU_SGFSR));

    g_assert_cmphex(gfsr & R_SMMU_SGFSR_USF_MASK, !=, 0);
    g_assert_cmphex(qtest_readl(qts, SMMU(i, A_SMMU_SGFSYNR1)), ==, sid);
    qtest_writel(qts, SMMU(i, A_SMMU_SGFSR), gfsr);
    g_assert_cmphex(qtest_readl(qts, SMMU(i, A_SMMU_SGFSR)), ==, 0);
}

static void assert_no_fault(QTestState *qts, int i)
{
    g_assert_cmphex(qtest_readl(qts, SMMU(i, A_SMMU_SGFSR)), ==, 0);
}

static bool is_pending(QTestState *qts, int spi)
{
    int intid = spi + 32;

    return qtest_readl(qts, 0x08000200 + intid / 32 * 4) & BIT(intid % 32);
}

/* Each output of both SMMUs is its own interrupt: section "Memory map". */
static void test_smmu_interrupts(void)
{
    QTestState *qts = qtest_init("-M hypsec-virt");

    for (int i = 0; i < 2; i++) {
        qtest_writel(qts, SMMU(i, A_SMMU_SCR0), SCR0_CLOSED);
        for (int n = 0; n < 9; n++) {
            bool global = n == 0;
            uint64_t restore = global ? SMMU(i, A_SMMU_SGFSRRESTORE) :
                               BANK(i, n - 1, FSRRESTORE);
            uint64_t status = global ? SMMU(i, A_SMMU_SGFSR) :
                              BANK(i, n - 1, FSR);

            if (!global) {
                qtest_writel(qts, BANK(i, n - 1, SCTLR),
                             R_SMMU_CB_SCTLR_CFIE_MASK);
            }
            qtest_writel(qts, restore, R_SMMU_CB_FSR_TF_MASK);
            for (int k = 0; k < 18; k++) {
                g_assert_cmpint(is_pending(qts, SPI_SMMU(0) + k), ==,
                                k == i * 9 + n);
            }
            qtest_writel(qts, status, R_SMMU_CB_FSR_TF_MASK);
            g_assert_false(is_pending(qts, SPI_SMMU(i) + n));
        }
    }
    qtest_quit(qts);
}

/* Lets a channel write a word to RESULT; true if it could. */
static bool channel_works(QTestState *qts, int ch)
{
    uint64_t regs = HYPSEC_DMA_BASE + ch * HYPSEC_DMA_CHANNEL_BYTES;
    struct hypsec_dma_desc d = {
        .op = cpu_to_le32(HYPSEC_DMA_OP_WRITE),
        .dst = cpu_to_le64(RESULT),
        .length = cpu_to_le64(8),
        .value = cpu_to_le64(0x1234 + ch),
    };
    uint32_t status;

    qtest_writeq(qts, RESULT, 0);
    qtest_memwrite(qts, WORK, &d, sizeof(d));
    qtest_writeq(qts, regs + HYPSEC_DMA_DESC, WORK);
    qtest_writel(qts, regs + HYPSEC_DMA_COUNT, 1);
    qtest_writel(qts, regs + HYPSEC_DMA_CTRL, HYPSEC_DMA_CTRL_START);
    qtest_clock_step(qts, 2000);
    status = qtest_readl(qts, regs + HYPSEC_DMA_STATUS);
    if (status == HYPSEC_DMA_STATUS_DONE) {
        g_assert_cmphex(qtest_readq(qts, RESULT), ==, 0x1234 + ch);
        return true;
    }
    g_assert_cmphex(status, ==, HYPSEC_DMA_STATUS_ERROR);
    g_assert_cmphex(qtest_readq(qts, RESULT), ==, 0);
    return false;
}

/* Each channel is a stream of SMMU 1, and no other channel's. */
static void test_dma_channels(void)
{
    QTestState *qts = qtest_init("-M hypsec-virt,dma=on");

    for (int ch = 0; ch < HYPSEC_DMA_CHANNELS; ch++) {
        g_assert_true(channel_works(qts, ch));
    }
    /* SMMU 0 has no say. */
    close_smmu(qts, 0);
    g_assert_true(channel_works(qts, 0));
    close_smmu(qts, 1);
    for (int ch = 0; ch < HYPSEC_DMA_CHANNELS; ch++) {
        g_assert_false(channel_works(qts, ch));
        /* One access that is refused is one fault. */
        g_assert_cmphex(qtest_readl(qts, SMMU(1, A_SMMU_SGFSR)), ==,
                        R_SMMU_SGFSR_USF_MASK);
        assert_refused(qts, 1, HYPSEC_DMA_STREAM_BASE + ch);
    }
    for (int ch = 0; ch < HYPSEC_DMA_CHANNELS; ch++) {
        allow_stream(qts, 1, 0, HYPSEC_DMA_STREAM_BASE + ch);
        for (int other = 0; other < HYPSEC_DMA_CHANNELS; other++) {
            g_assert_cmpint(channel_works(qts, other), ==, other == ch);
        }
    }
    assert_no_fault(qts, 0);
    qtest_quit(qts);
}

/* The board's reset opens the SMMUs again: what runs first has to close. */
static void test_reset_opens(void)
{
    QTestState *qts = qtest_init("-M hypsec-virt,dma=on");

    close_smmu(qts, 1);
    g_assert_false(channel_works(qts, 0));
    qtest_system_reset(qts);
    g_assert_true(channel_works(qts, 0));
    qtest_quit(qts);
}

/* Switches memory and DMA of a PCI function on, its BAR @bar at BAR. */
static void pci_enable(QTestState *qts, int devfn, int bar)
{
    uint64_t config = ECAM + devfn * 0x1000;

    qtest_writel(qts, config + 0x10 + bar * 4, BAR);
    qtest_writel(qts, config + 0x14 + bar * 4, 0);
    qtest_writew(qts, config + 4, 6);
}

/* Queues one Identify for an NVMe controller; true if it answers. */
static bool nvme_works(QTestState *qts, int devfn)
{
    uint8_t cmd[64] = { 0x06 };
    uint64_t cq = WORK + 0x1000;
    char serial[4] = "";

    pci_enable(qts, devfn, 0);
    qtest_writel(qts, BAR + 0x14, 0);
    qtest_memset(qts, WORK, 0, 0x2000);
    qtest_memset(qts, RESULT, 0, 0x1000);
    stq_le_p(cmd + 24, RESULT);
    cmd[40] = 1;
    qtest_memwrite(qts, WORK, cmd, sizeof(cmd));
    qtest_writel(qts, BAR + 0x24, 1 << 16 | 1);
    qtest_writel(qts, BAR + 0x28, WORK);
    qtest_writel(qts, BAR + 0x2c, 0);
    qtest_writel(qts, BAR + 0x30, cq);
    qtest_writel(qts, BAR + 0x34, 0);
    qtest_writel(qts, BAR + 0x14, 0x00460001);
    qtest_writel(qts, BAR + 0x1000, 1);
    /* It works in bottom halves, which have run when QEMU has answered. */
    for (int i = 0; i < 100 && !qtest_readl(qts, cq + 12); i++) {
        qtest_clock_step(qts, 1000000);
    }
    qtest_memread(qts, RESULT + 4, serial, sizeof(serial));
    return !memcmp(serial, "abcd", 4);
}

/* A PCI function is a stream of SMMU 0: its requester id. */
static void test_nvme(void)
{
    QTestState *qts = qtest_init("-M hypsec-virt -nic none "
                                 "-device nvme,serial=abcd,addr=3 "
                                 "-device nvme,serial=abcd,addr=9");

    g_assert_true(nvme_works(qts, DEVFN(3)));
    close_smmu(qts, 1);
    g_assert_true(nvme_works(qts, DEVFN(3)));
    close_smmu(qts, 0);
    g_assert_false(nvme_works(qts, DEVFN(3)));
    assert_refused(qts, 0, DEVFN(3));
    qtest_writew(qts, ECAM + DEVFN(3) * 0x1000 + 4, 0);
    g_assert_false(nvme_works(qts, DEVFN(9)));
    assert_refused(qts, 0, DEVFN(9));
    allow_stream(qts, 0, 5, DEVFN(9));
    g_assert_true(nvme_works(qts, DEVFN(9)));
    assert_no_fault(qts, 1);
    qtest_quit(qts);
}

/*
 * Offers a buffer to a random number generator the modern way; true if it
 * fills it. @accept: the driver knows of platforms that translate.
 */
static bool rng_works(QTestState *qts, int devfn, bool accept)
{
    uint64_t avail = WORK + 0x1000, used = WORK + 0x2000;
    uint8_t desc[16] = {};

    qtest_memset(qts, WORK, 0, 0x3000);
    qtest_memset(qts, RESULT, 0, 256);
    stq_le_p(desc, RESULT);
    stl_le_p(desc + 8, 256);
    stw_le_p(desc + 12, 2);
    qtest_memwrite(qts, WORK, desc, sizeof(desc));

    pci_enable(qts, devfn, 4);
    qtest_writeb(qts, BAR + 20, 0);
    qtest_writeb(qts, BAR + 20, 3);
    qtest_writel(qts, BAR + 8, 1);
    qtest_writel(qts, BAR + 12, accept ? 3 : 1);
    qtest_writeb(qts, BAR + 20, 0xb);
    if (qtest_readb(qts, BAR + 20) != 0xb) {
        g_assert_false(accept);
    }
    qtest_writew(qts, BAR + 22, 0);
    qtest_writew(qts, BAR + 24, 8);
    qtest_writel(qts, BAR + 32, WORK);
    qtest_writel(qts, BAR + 40, avail);
    qtest_writel(qts, BAR + 48, used);
    qtest_writew(qts, BAR + 28, 1);
    qtest_writeb(qts, BAR + 20, 0xf);
    qtest_writew(qts, avail + 2, 1);
    qtest_writew(qts, BAR + 0x3000, 0);
    for (int i = 0; i < 100 && !qtest_readw(qts, used + 2); i++) {
        qtest_clock_step(qts, 1000000);
    }
    return qtest_readw(qts, used + 2) == 1;
}

/* So are virtio devices, whatever their driver says it can do. */
static void test_virtio(void)
{
    QTestState *qts = qtest_init("-M hypsec-virt -nic none "
                                 "-device virtio-rng-pci,addr=4");

    g_assert_true(rng_works(qts, DEVFN(4), true));
    assert_no_fault(qts, 0);
    close_smmu(qts, 0);
    g_assert_false(rng_works(qts, DEVFN(4), true));
    assert_refused(qts, 0, DEVFN(4));
    g_assert_false(rng_works(qts, DEVFN(4), false));
    g_assert_cmphex(qtest_readq(qts, RESULT), ==, 0);
    allow_stream(qts, 0, 0, DEVFN(4));
    g_assert_true(rng_works(qts, DEVFN(4), true));
    qtest_quit(qts);
}

static bool get_bool(QTestState *qts, const char *path, const char *name)
{
    QDict *ret = qtest_qmp(qts, "{'execute': 'qom-get', 'arguments': "
                           "{'path': %s, 'property': %s}}", path, name);
    bool value = qdict_get_bool(ret, "return");

    qobject_unref(ret);
    return value;
}

/* What every virtio device gets, and what no option switches off. */
static void test_defaults(void)
{
    QTestState *qts =
        qtest_init("-M hypsec-virt -global gpex-pcihost.bypass-iommu=on "
                   "-global arm-smmuv2.primary-bus=/machine/pcie/pcie.0 "
                   "-smp 4 -blockdev null-co,node-name=d "
                   "-device virtio-blk-pci,id=blk,drive=d "
                   "-device virtio-scsi-pci,id=scsi "
                   "-device virtio-rng-pci,id=rng "
                   "-device virtio-serial-pci,id=serial "
                   "-device nvme,serial=x,id=nvme");
    g_autofree char *legacy =
        hypsec_get_string(qts, "/machine/peripheral/rng", "disable-legacy");
    g_autofree char *bus0 =
        hypsec_get_string(qts, "/machine/smmu0", "primary-bus");
    g_autofree char *bus1 =
        hypsec_get_string(qts, "/machine/smmu1", "primary-bus");

    g_assert_cmpstr(legacy, ==, "on");
    g_assert_true(get_bool(qts, "/machine/peripheral/rng", "iommu_platform"));
    g_assert_true(get_bool(qts, "/machine/peripheral/serial",
                           "iommu_platform"));
    g_assert_cmphex(hypsec_get_uint(qts, "/machine/peripheral/nvme",
                                    "x-max-bounce-buffer-size"), ==, 512 * MiB);
    g_assert_cmpuint(hypsec_get_uint(qts, "/machine/peripheral/blk",
                                     "num-queues"), ==, 1);
    g_assert_cmpuint(hypsec_get_uint(qts, "/machine/peripheral/scsi",
                                     "num_queues"), ==, 1);
    g_assert_false(get_bool(qts, "/machine/pcie", "bypass-iommu"));
    g_assert_cmpstr(bus0, ==, "/machine/pcie/pcie.0");
    g_assert_cmpstr(bus1, ==, "");
    qtest_quit(qts);
}

/* Nothing comes later, past the checks: PCI takes nothing at run time. */
static void test_no_hotplug(void)
{
    static const char * const drivers[] = {
        "virtio-rng-pci", "virtio-balloon-pci", "nvme", "virtio-rng-device",
    };
    QTestState *qts = qtest_init("-M hypsec-virt");

    for (int i = 0; i < ARRAY_SIZE(drivers); i++) {
        QDict *ret = qtest_qmp(qts, "{'execute': 'device_add', 'arguments': "
                               "{'driver': %s, 'id': 'late'}}", drivers[i]);

        g_assert_true(qdict_haskey(ret, "error"));
        qobject_unref(ret);
    }
    qtest_quit(qts);
}

/* The names that tests and people find the devices by. */
static void test_names(void)
{
    static const struct {
        const char *path, *type;
    } children[] = {
        { "/machine/smmu0", "arm-smmuv2" },
        { "/machine/smmu1", "arm-smmuv2" },
        { "/machine/hypsec-dma", "hypsec-dma" },
        { "/machine/dma", "hypsec-dma" },
    };
    QTestState *qts = qtest_init("-M hypsec-virt,dma=on");

    for (int i = 0; i < ARRAY_SIZE(children); i++) {
        g_autofree char *type = hypsec_get_string(qts, children[i].path,
                                                  "type");

        g_assert_cmpstr(type, ==, children[i].type);
    }
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*fn)(void);
    } tests[] = {
        { "smmu/interrupts", test_smmu_interrupts },
        { "smmu/open-after-reset", test_reset_opens },
        { "smmu/names", test_names },
        { "behind/dma-channels", test_dma_channels },
        { "behind/nvme", test_nvme },
        { "behind/virtio", test_virtio },
        { "behind/defaults", test_defaults },
        { "behind/no-hotplug", test_no_hotplug },
    };

    g_test_init(&argc, &argv, NULL);
    for (int i = 0; i < ARRAY_SIZE(tests); i++) {
        g_autofree char *path = g_strdup_printf("hypsec-virt-masters/%s",
                                                tests[i].path);

        qtest_add_func(path, tests[i].fn);
    }
    return hypsec_test_run();
}
