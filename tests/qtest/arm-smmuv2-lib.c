/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of arm-smmuv2 share.
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "arm-smmuv2-lib.h"

#define BOARD "-M hypsec-virt,dma=on -m 1G "

/* The next free table. */
static uint64_t next_table;

static uint64_t base;

void smmu_select(uint64_t new_base)
{
    base = new_base;
}

QTestState *smmu_start(const char *args)
{
    g_autofree char *line = g_strconcat(BOARD, args, NULL);
    QTestState *qts = qtest_init(line);

    next_table = TABLES;
    base = SMMU1;
    qtest_irq_intercept_out_named(qts, "/machine/smmu1", "sysbus-irq");
    return qts;
}

uint32_t rd(QTestState *qts, uint32_t offset)
{
    return qtest_readl(qts, base + offset);
}

void wr(QTestState *qts, uint32_t offset, uint32_t value)
{
    qtest_writel(qts, base + offset, value);
}

uint64_t rd64(QTestState *qts, uint32_t offset)
{
    return qtest_readq(qts, base + offset);
}

void wr64(QTestState *qts, uint32_t offset, uint64_t value)
{
    qtest_writeq(qts, base + offset, value);
}

bool global_line(QTestState *qts)
{
    return qtest_get_irq(qts, 0);
}

bool bank_line(QTestState *qts, int bank)
{
    return qtest_get_irq(qts, 1 + bank);
}

uint64_t new_table(QTestState *qts, int tables)
{
    uint64_t at = QEMU_ALIGN_UP(next_table, tables * PAGE);

    next_table = at + tables * PAGE;
    return at;
}

uint64_t map_at(QTestState *qts, uint64_t root, int start, int level,
                uint64_t in, uint64_t leaf)
{
    uint64_t at = root, index = in >> (39 - 9 * start);

    for (int l = start; l < level; l++) {
        uint64_t desc = qtest_readq(qts, at + index * 8);

        if (!desc) {
            desc = new_table(qts, 1) | D_TABLE;
            qtest_writeq(qts, at + index * 8, desc);
        }
        at = desc & ~(PAGE - 1);
        index = in >> (39 - 9 * (l + 1)) & 511;
    }
    qtest_writeq(qts, at + index * 8, leaf);
    return at + index * 8;
}

uint64_t map_s2(QTestState *qts, uint64_t root, uint64_t ipa, uint64_t leaf)
{
    return map_at(qts, root, 1, 3, ipa, leaf);
}

uint64_t map_s1(QTestState *qts, uint64_t root, uint64_t va, uint64_t leaf)
{
    return map_at(qts, root, 1, 3, va, leaf);
}

static void map_descriptors(QTestState *qts, uint64_t root, uint64_t leaf)
{
    for (int ch = 0; ch < HYPSEC_DMA_CHANNELS; ch++) {
        uint64_t page = DESCRIPTORS + ch * PAGE;

        map_at(qts, root, 1, 3, page, page | leaf);
    }
}

uint64_t s2_bank(QTestState *qts, int bank, int vmid)
{
    uint64_t root = new_table(qts, 2);

    map_descriptors(qts, root, D_PAGE | S2_RW);
    wr(qts, CBA2R(bank), R_SMMU_CBA2R_VA64_MASK);
    wr(qts, CBAR(bank), TYPE(SMMUV2_CBAR_S2) | vmid);
    wr(qts, CB(bank, TCR), TCR_S2);
    wr64(qts, CB(bank, TTBR0), root);
    wr(qts, CB(bank, SCTLR), M | CFRE | CFIE | HUPCF);
    return root;
}

uint64_t s1_bank(QTestState *qts, int bank, int vmid, int asid)
{
    uint64_t root = new_table(qts, 1);

    map_descriptors(qts, root, D_PAGE | S1_USER | S1_NG);
    wr(qts, CBA2R(bank), R_SMMU_CBA2R_VA64_MASK);
    wr(qts, CBAR(bank), TYPE(SMMUV2_CBAR_S1) | vmid);
    wr(qts, CB(bank, TCR), TCR_S1);
    wr(qts, CB(bank, TCR2), TCR2_S1);
    wr64(qts, CB(bank, TTBR0), root | (uint64_t)asid << 48);
    wr(qts, CB(bank, SCTLR), M | CFRE | CFIE | HUPCF);
    return root;
}

void stream(QTestState *qts, int entry, uint32_t sid, uint32_t s2cr)
{
    wr(qts, S2CR(entry), s2cr);
    wr(qts, SMR(entry), VALID | sid);
}

void smmu_on(QTestState *qts)
{
    wr(qts, GR0(SCR0), GFRE | GFIE | USFCFG | SMCFCFG);
}

uint64_t s2_stream(QTestState *qts, int n)
{
    uint64_t root = s2_bank(qts, n, n + 1);

    stream(qts, n, SID(n), TRANSLATE(n));
    smmu_on(qts);
    return root;
}

static uint64_t channel(int ch, int reg)
{
    return HYPSEC_DMA_BASE + ch * HYPSEC_DMA_CHANNEL_BYTES + reg;
}

/* Carries out one descriptor; the channel's error and, of a read, the word. */
static uint32_t dma(QTestState *qts, int ch, uint32_t op, uint64_t addr,
                    uint64_t *value)
{
    struct hypsec_dma_desc d = {
        .op = cpu_to_le32(op),
        .src = cpu_to_le64(addr),
        .dst = cpu_to_le64(addr),
        .length = cpu_to_le64(8),
        .value = cpu_to_le64(*value),
    };
    uint64_t at = DESCRIPTORS + ch * PAGE;

    qtest_memwrite(qts, at, &d, sizeof(d));
    qtest_writeq(qts, channel(ch, HYPSEC_DMA_DESC), at);
    qtest_writel(qts, channel(ch, HYPSEC_DMA_COUNT), 1);
    qtest_writel(qts, channel(ch, HYPSEC_DMA_CTRL), HYPSEC_DMA_CTRL_START);
    for (int i = 0; qtest_readl(qts, channel(ch, HYPSEC_DMA_STATUS)) &
                    HYPSEC_DMA_STATUS_BUSY; i++) {
        g_assert_cmpint(i, <, 100);
        qtest_clock_step_next(qts);
    }
    qtest_memread(qts, at, &d, sizeof(d));
    *value = le64_to_cpu(d.value);
    return qtest_readl(qts, channel(ch, HYPSEC_DMA_ERROR));
}

uint32_t dma_read(QTestState *qts, int ch, uint64_t addr, uint64_t *value)
{
    uint64_t word = 0;
    uint32_t error = dma(qts, ch, HYPSEC_DMA_OP_READ, addr, &word);

    if (value) {
        *value = word;
    }
    return error;
}

uint32_t dma_write(QTestState *qts, int ch, uint64_t addr, uint64_t value)
{
    return dma(qts, ch, HYPSEC_DMA_OP_WRITE, addr, &value);
}

uint64_t dma_fault(QTestState *qts, int ch)
{
    return qtest_readq(qts, channel(ch, HYPSEC_DMA_FAULT));
}

const char *smmu_save(QTestState *qts)
{
    const char *path = hypsec_tmp_file("smmu", "", 0);
    g_autofree char *uri = g_strdup_printf("file:%s", path);

    qtest_qmp_assert_success(qts, "{'execute': 'migrate', 'arguments': "
                             "{'uri': %s}}", uri);
    g_assert_true(hypsec_wait_migration(qts));
    return path;
}

QTestState *smmu_load(const char *path, const char *args, bool *ok)
{
    g_autofree char *uri = g_strdup_printf("file:%s", path);
    g_autofree char *line = g_strconcat("-incoming defer ", args, NULL);
    uint64_t kept = next_table;
    QTestState *qts = smmu_start(line);

    next_table = kept;
    qtest_qmp_assert_success(qts, "{'execute': 'migrate-incoming', "
                             "'arguments': {'uri': %s, "
                             "'exit-on-error': false}}", uri);
    *ok = hypsec_wait_migration(qts);
    return qts;
}

int smmu_run(const SmmuTest *tests, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        qtest_add_func(tests[i].path, tests[i].fn);
    }
    return hypsec_test_run();
}
