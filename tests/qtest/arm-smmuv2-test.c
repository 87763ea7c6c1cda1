/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The arm-smmuv2 device: registers, streams, faults, life cycle, and what a
 * Linux driver does first. The page that each test cites by section is
 * docs/system/arm/arm-smmuv2.rst; arm-smmuv2-walk-test.c has the tables and
 * the TLB.
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "arm-smmuv2-lib.h"

typedef struct RegValue {
    const char *name;
    uint32_t offset;
    uint32_t value;
} RegValue;

static void assert_values(QTestState *qts, const RegValue *r, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        g_test_message("%s", r[i].name);
        g_assert_cmphex(rd(qts, r[i].offset), ==, r[i].value);
    }
}

static const RegValue ids[] = {
    { "IDR0", 0x020, 0x7e015e20 },
    { "IDR1", 0x024, 0x20008008 },
    { "IDR2", 0x028, 0x00001222 },
    { "IDR3", 0x02c, 0 },
    { "IDR4", 0x030, 0 },
    { "IDR5", 0x034, 0 },
    { "IDR6", 0x038, 0 },
    { "IDR7", 0x03c, 0x21 },
    { "PIDR4", 0xfd0, 0x04 },
    { "PIDR0", 0xfe0, 0x81 },
    { "PIDR1", 0xfe4, 0xb4 },
    { "PIDR2", 0xfe8, 0x1b },
    { "PIDR3", 0xfec, 0 },
    { "CIDR0", 0xff0, 0x0d },
    { "CIDR1", 0xff4, 0xf0 },
    { "CIDR2", 0xff8, 0x05 },
    { "CIDR3", 0xffc, 0xb1 },
};

/* All that is not zero after a reset. */
static void assert_reset(QTestState *qts)
{
    for (uint32_t offset = 0; offset < 0x10000; offset += 4) {
        uint32_t page = offset & ~0xfff, in_page = offset & 0xfff;
        uint32_t value = 0;

        for (int i = 0; i < ARRAY_SIZE(ids); i++) {
            value = offset == ids[i].offset ? ids[i].value : value;
        }
        if (offset == GR0(SCR0)) {
            value = 0x00200001;
        } else if (offset == GR0(SACR)) {
            value = 0x0400001c;
        } else if (offset >= S2CR(0) && offset < S2CR(ENTRIES)) {
            value = 0x00020000;
        } else if (offset >= CBAR(0) && offset < CBAR(BANKS)) {
            value = 0x00020000;
        } else if (page >= 0x8000) {
            value = in_page == 0x000 ? 0x100 : in_page == 0x004 ? 0x3 :
                    in_page == 0x010 ? 0x60 : 0;
        }
        if (rd(qts, offset) != value) {
            g_test_message("offset 0x%x", offset);
            g_assert_cmphex(rd(qts, offset), ==, value);
        }
    }
}

/* The whole space after power-on: section "Registers". */
static void test_reset_values(void)
{
    QTestState *qts = smmu_start(NULL);

    assert_reset(qts);
    qtest_quit(qts);
}

/* A reset leaves nothing of what was written, and no line high. */
static void test_reset_after_use(void)
{
    QTestState *qts = smmu_start(NULL);
    uint64_t root = s2_stream(qts, 0);

    map_s2(qts, root, IOVA, RAM | D_PAGE | S2_RW);
    assert_reads(qts, 0, IOVA, 0);
    assert_no_read(qts, 0, IOVA + PAGE);
    stream(qts, 9, SID(0), TRANSLATE(1));
    assert_no_fault(qts, 1);
    dma_read(qts, 0, IOVA, NULL);
    g_assert_true(bank_line(qts, 0));
    g_assert_true(global_line(qts));
    for (uint32_t offset = 0x10; offset < 0x10000; offset += 4) {
        wr(qts, offset, 0xa5a5a5a5);
    }
    qtest_system_reset(qts);
    assert_reset(qts);
    for (int i = 0; i < BANKS; i++) {
        g_assert_false(bank_line(qts, i));
    }
    g_assert_false(global_line(qts));
    qtest_quit(qts);
}

/* Nor does a translation survive a reset. */
static void test_reset_tlb(void)
{
    QTestState *qts = smmu_start(NULL);
    uint64_t root = s2_stream(qts, 0);
    uint64_t at = map_s2(qts, root, IOVA, RAM | D_PAGE | S2_RW);

    assert_reads(qts, 0, IOVA, 0);
    qtest_writeq(qts, at, 0);
    assert_reads(qts, 0, IOVA, 0);
    qtest_system_reset(qts);
    wr(qts, CBA2R(0), 1);
    wr(qts, CBAR(0), 1);
    wr(qts, CB(0, TCR), TCR_S2);
    wr64(qts, CB(0, TTBR0), root);
    wr(qts, CB(0, SCTLR), M | CFRE);
    stream(qts, 0, SID(0), TRANSLATE(0));
    smmu_on(qts);
    assert_no_read(qts, 0, IOVA);
    qtest_quit(qts);
}

/* A reset in the middle of a transfer: the master and the SMMU both stop. */
static void test_reset_under_load(void)
{
    QTestState *qts = smmu_start(NULL);
    uint64_t root = s2_stream(qts, 0);
    struct hypsec_dma_desc d = {
        .op = cpu_to_le32(HYPSEC_DMA_OP_WRITE),
        .dst = cpu_to_le64(IOVA),
        .length = cpu_to_le64(4 * PAGE),
        .value = cpu_to_le64(1),
    };

    for (int i = 0; i < 4; i++) {
        map_s2(qts, root, IOVA + i * PAGE,
               (RAM + i * PAGE) | D_PAGE | S2_RW);
    }
    qtest_memwrite(qts, DESCRIPTORS, &d, sizeof(d));
    qtest_writeq(qts, HYPSEC_DMA_BASE + HYPSEC_DMA_DESC, DESCRIPTORS);
    qtest_writel(qts, HYPSEC_DMA_BASE + HYPSEC_DMA_COUNT, 1);
    qtest_writel(qts, HYPSEC_DMA_BASE + HYPSEC_DMA_CTRL,
                 HYPSEC_DMA_CTRL_START | HYPSEC_DMA_CTRL_LOOP);
    qtest_clock_step_next(qts);
    qtest_clock_step_next(qts);
    g_assert_cmphex(qtest_readq(qts, RAM), ==, 1);
    qtest_system_reset(qts);
    qtest_memset(qts, RAM, 0, 4 * PAGE);
    qtest_clock_step(qts, 1000000);
    g_assert_cmphex(qtest_readq(qts, RAM), ==, 0);
    assert_reset(qts);
    qtest_quit(qts);
}

/* Read-only and reserved bits: what is kept of all ones. */
static void test_kept_bits(void)
{
    static const RegValue regs[] = {
        { "sCR0", GR0(SCR0), 0x0ffffcc7 },
        { "sCR2", GR0(SCR2), 0xff },
        { "sACR", GR0(SACR), 0x0400071c },
        { "sGFSYNR0", GR0(SGFSYNR0), 0xf },
        { "sGFSYNR1", GR0(SGFSYNR1), 0xffff },
        { "SMR0", SMR(0), 0xffff7fff },
        { "SMR31", SMR(31), 0xffff7fff },
        { "S2CR0", S2CR(0), 0x3ff3fbff },
        { "S2CR31", S2CR(31), 0x3ff3fbff },
        { "CBAR0", CBAR(0), 0x00ffffff },
        { "CBA2R7", CBA2R(7), 0x3 },
        { "CBFRSYNRA0", CBFRSYNRA(0), 0xffff },
        { "SCTLR", CB(1, SCTLR), 0x0ffff77f },
        { "TCR", CB(1, TCR), 0xffffffff },
        { "TCR2", CB(1, TCR2), 0x4003c077 },
        { "CONTEXTIDR", CB(1, CONTEXTIDR), 0xffffffff },
        { "MAIR0", CB(1, MAIR0), 0xffffffff },
        { "MAIR1", CB(1, MAIR1), 0xffffffff },
        { "FSYNR0", CB(7, FSYNR0), 0x00ff007f },
        { "IPAFAR", CB(7, IPAFAR), 0xffffffff },
        { "IPAFAR + 4", CB(7, IPAFAR) + 4, 0x0000ffff },
    };
    QTestState *qts = smmu_start(NULL);

    for (int i = 0; i < ARRAY_SIZE(regs); i++) {
        g_test_message("%s", regs[i].name);
        wr(qts, regs[i].offset, 0xffffffff);
        if (regs[i].offset == GR0(SCR0)) {
            /* SMCFCFG reads as one, whatever is written. */
            g_assert_cmphex(rd(qts, GR0(SCR0)), ==, 0x0ffffcc7);
            wr(qts, GR0(SCR0), 0);
            g_assert_cmphex(rd(qts, GR0(SCR0)), ==, 0x00200000);
            continue;
        }
        g_assert_cmphex(rd(qts, regs[i].offset), ==, regs[i].value);
        wr(qts, regs[i].offset, 0);
        g_assert_cmphex(rd(qts, regs[i].offset), ==, 0);
    }
    qtest_quit(qts);
}

/* The identification is not to be written. */
static void test_read_only(void)
{
    QTestState *qts = smmu_start(NULL);

    for (int i = 0; i < ARRAY_SIZE(ids); i++) {
        wr(qts, ids[i].offset, ~ids[i].value);
    }
    wr(qts, GR0(STLBGSTATUS), 1);
    wr(qts, CB(0, TLBSTATUS), 1);
    wr(qts, CB(0, FSYNR1), 1);
    assert_values(qts, ids, ARRAY_SIZE(ids));
    assert_reset(qts);
    qtest_quit(qts);
}

/* What this SMMU lacks reads as zero and takes no harm of writes. */
static void test_absent(void)
{
    static const uint32_t absent[] = {
        0x004, 0x00c, 0x060, 0x0a0, 0x0bc, 0x100, 0x138, 0x180, 0x188, 0x400,
        0x440, 0x474, 0x880, 0xc80, 0xf00, 0x1020, 0x1420, 0x1820, 0x1c00,
        0x2000, 0x3000, 0x4000, 0x5ffc, 0x7ffc, 0x8044, 0x8050, 0x8054, 0x8400,
        0x8800, 0x8818, 0x88f0, 0x8e00, 0x8f04, 0xfffc,
    };
    QTestState *qts = smmu_start(NULL);

    for (int i = 0; i < ARRAY_SIZE(absent); i++) {
        wr(qts, absent[i], 0xffffffff);
        g_assert_cmphex(rd(qts, absent[i]), ==, 0);
        wr64(qts, absent[i] & ~7, UINT64_MAX);
    }
    assert_reset(qts);
    qtest_quit(qts);
}

/* Bytes, halfwords, unaligned words and pairs of registers: nothing. */
static void test_access_sizes(void)
{
    QTestState *qts = smmu_start(NULL);
    uint64_t idr0 = SMMU1 + GR0(IDR0), s2cr = SMMU1 + S2CR(0);

    g_assert_cmphex(qtest_readb(qts, idr0), ==, 0);
    g_assert_cmphex(qtest_readw(qts, idr0), ==, 0);
    g_assert_cmphex(qtest_readl(qts, idr0 + 2), ==, 0);
    g_assert_cmphex(qtest_readq(qts, idr0), ==, 0);
    qtest_writeb(qts, s2cr, 0x11);
    qtest_writew(qts, s2cr, 0x1111);
    qtest_writel(qts, s2cr + 2, 0x11111111);
    qtest_writeq(qts, s2cr, 0x1111111111111111);
    qtest_writeq(qts, SMMU1 + CB(0, TTBR0) + 4, UINT64_MAX);
    qtest_writeb(qts, SMMU1 + CB(0, TTBR0), 0xff);
    qtest_writeq(qts, SMMU1 + CB(0, SCTLR), UINT64_MAX);
    assert_reset(qts);
    qtest_quit(qts);
}

/* A 64-bit register as a whole and by halves, in any order. */
static void test_halves(void)
{
    static const uint32_t regs[] = {
        GR0(SGFAR), CB(3, TTBR0), CB(3, TTBR1), CB(3, FAR),
    };
    QTestState *qts = smmu_start(NULL);

    for (int i = 0; i < ARRAY_SIZE(regs); i++) {
        wr64(qts, regs[i], 0x1122334455667788);
        g_assert_cmphex(rd(qts, regs[i]), ==, 0x55667788);
        g_assert_cmphex(rd(qts, regs[i] + 4), ==, 0x11223344);
        wr(qts, regs[i] + 4, 0xaabbccdd);
        g_assert_cmphex(rd64(qts, regs[i]), ==, 0xaabbccdd55667788);
        wr(qts, regs[i], 0x01020304);
        g_assert_cmphex(rd64(qts, regs[i]), ==, 0xaabbccdd01020304);
    }
    qtest_quit(qts);
}

/* In a bank of stage 2 the registers of stage 1 are not there. */
static void test_stage2_layout(void)
{
    static const uint32_t regs[] = {
        CB(2, TTBR1), CB(2, TTBR1) + 4, CB(2, TCR2), CB(2, CONTEXTIDR),
        CB(2, MAIR0), CB(2, MAIR1),
    };
    QTestState *qts = smmu_start(NULL);

    wr(qts, CBAR(2), TYPE(SMMUV2_CBAR_S1));
    wr(qts, CB(2, MAIR0), 0x1234);
    wr(qts, CBAR(2), TYPE(SMMUV2_CBAR_S2));
    for (int i = 0; i < ARRAY_SIZE(regs); i++) {
        wr(qts, regs[i], 0xffffffff);
        g_assert_cmphex(rd(qts, regs[i]), ==, 0);
    }
    wr(qts, CBAR(2), TYPE(SMMUV2_CBAR_S1));
    g_assert_cmphex(rd(qts, CB(2, MAIR0)), ==, 0x1234);
    g_assert_cmphex(rd64(qts, CB(2, TTBR1)), ==, 0);
    qtest_quit(qts);
}

/* Banks below NUMS2CB are of stage 2 and stay so. */
static void test_stage2_only_banks(void)
{
    QTestState *qts = smmu_start("-global arm-smmuv2.num-s2cb=3");

    g_assert_cmphex(rd(qts, GR0(IDR1)), ==, 0x20038008);
    for (int n = 0; n < BANKS; n++) {
        g_assert_cmphex(rd(qts, CBAR(n)), ==, n < 3 ? 0 : 0x20000);
        wr(qts, CBAR(n), TYPE(SMMUV2_CBAR_NESTED) | 0x5a);
        g_assert_cmphex(rd(qts, CBAR(n)), ==, n < 3 ? 0x5a : 0x3005a);
    }
    qtest_quit(qts);
}

/* ACTLR.CPRE is locked by sACR.CACHE_LOCK, CMTLB is not. */
static void test_cache_lock(void)
{
    QTestState *qts = smmu_start(NULL);

    wr(qts, CB(1, ACTLR), 0);
    g_assert_cmphex(rd(qts, CB(1, ACTLR)), ==, 2);
    wr(qts, GR0(SACR), rd(qts, GR0(SACR)) & ~(1u << 26));
    wr(qts, CB(1, ACTLR), 0);
    g_assert_cmphex(rd(qts, CB(1, ACTLR)), ==, 0);
    qtest_quit(qts);
}

/* Every property has its bits of the identification. */
static void test_properties(void)
{
    static const struct {
        const char *args;
        uint32_t idr[3];
    } boards[] = {
        { "-global arm-smmuv2.stages=2", { 0x2e015e20, 0x20008008, 0x1222 } },
        { "-global arm-smmuv2.stages=1", { 0x4e015e20, 0x20008008, 0x1222 } },
        { "-global arm-smmuv2.stages=both",
          { 0x6e015e20, 0x20008008, 0x1222 } },
        { "-global arm-smmuv2.num-smr=128",
          { 0x7e015e80, 0x20008008, 0x1222 } },
        { "-global arm-smmuv2.stream-matching=off "
          "-global arm-smmuv2.num-smr=64",
          { 0x76014c40, 0x20008008, 0x1222 } },
        { "-global arm-smmuv2.ias=48 -global arm-smmuv2.oas=44",
          { 0x7e015e20, 0x20008008, 0x1545 } },
        { "-global arm-smmuv2.granule-16k=on "
          "-global arm-smmuv2.granule-64k=on -global arm-smmuv2.vmid16=on",
          { 0x7e015e20, 0x20008008, 0xf222 } },
    };

    for (int i = 0; i < ARRAY_SIZE(boards); i++) {
        QTestState *qts = smmu_start(boards[i].args);

        g_test_message("%s", boards[i].args);
        g_assert_cmphex(rd(qts, GR0(IDR0)), ==, boards[i].idr[0]);
        g_assert_cmphex(rd(qts, GR0(IDR1)), ==, boards[i].idr[1]);
        g_assert_cmphex(rd(qts, GR0(IDR2)), ==, boards[i].idr[2]);
        qtest_quit(qts);
    }
}

/* What makes no SMMU is refused with a message, and QEMU ends. */
static void test_refused_properties(void)
{
    static const struct {
        const char *property;
        const char *says;
    } bad[] = {
        { "num-s2cb=9", "num-s2cb is 0 to num-cb (8), not 9" },
        { "num-smr=0", "num-smr is 1 to 128, not 0" },
        { "num-smr=129", "num-smr is 1 to 128, not 129" },
        { "numpagendxb=8", "numpagendxb is 0 to 7, not 8" },
        { "numpagendxb=0", "num-cb is 1 to 2 with numpagendxb=0, not 8" },
        { "numpagendxb=3", "room for 64 KiB of SMMU registers" },
        { "ias=41", "ias is 32, 36, 40, 42, 44 or 48, not 41" },
        { "oas=0", "oas is 32, 36, 40, 42, 44 or 48, not 0" },
        { "stages=3", "stages is \"1\", \"2\", \"both\" or \"nested\", "
                      "not \"3\"" },
    };

    for (int i = 0; i < ARRAY_SIZE(bad); i++) {
        g_autofree char *global = g_strdup_printf("arm-smmuv2.%s",
                                                  bad[i].property);
        const char *argv[] = {
            g_getenv("QTEST_QEMU_BINARY"), "-M", "hypsec-virt", "-accel",
            "qtest", "-display", "none", "-global", global, NULL,
        };
        g_autofree char *err = NULL;
        int status;

        g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL,
                                   G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL,
                                   NULL, &err, &status, NULL));
        g_test_message("%s: %s", bad[i].property, err);
        g_assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
        g_assert_nonnull(strstr(err, bad[i].says));
    }
}

/* sCR0.CLIENTPD: nothing is looked at. This is so after a reset. */
static void test_clientpd(void)
{
    QTestState *qts = smmu_start(NULL);

    qtest_writeq(qts, RAM, 0x1234);
    assert_reads(qts, 0, RAM, 0x1234);
    s2_stream(qts, 0);
    assert_no_read(qts, 0, RAM);
    wr(qts, GR0(SCR0), CLIENTPD);
    assert_reads(qts, 0, RAM, 0x1234);
    qtest_quit(qts);
}

/* A stream without an entry faults, or passes with USFCFG 0. */
static void test_unidentified_stream(void)
{
    QTestState *qts = smmu_start(NULL);

    s2_stream(qts, 0);
    assert_reads(qts, 0, DESCRIPTORS + PAGE, 0);
    g_assert_cmphex(dma_read(qts, 1, RAM, NULL), ==, HYPSEC_DMA_ERROR_FETCH);
    g_assert_cmphex(dma_fault(qts, 1), ==, DESCRIPTORS + PAGE);
    g_assert_cmphex(rd(qts, GR0(SGFSR)), ==, USF);
    g_assert_cmphex(rd64(qts, GR0(SGFAR)), ==, DESCRIPTORS + PAGE);
    g_assert_cmphex(rd(qts, GR0(SGFSYNR0)), ==, 0);
    g_assert_cmphex(rd(qts, GR0(SGFSYNR1)), ==, SID(1));
    wr(qts, GR0(SCR0), GFRE | GFIE);
    assert_reads(qts, 1, RAM, 0);
    g_assert_cmphex(dma_read(qts, 0, RAM, NULL), ==, HYPSEC_DMA_ERROR_READ);
    qtest_quit(qts);
}

/* An entry that is not VALID matches nothing. */
static void test_invalid_entry(void)
{
    QTestState *qts = smmu_start(NULL);

    s2_stream(qts, 0);
    wr(qts, SMR(0), SID(0));
    g_assert_cmphex(dma_read(qts, 0, RAM, NULL), ==, HYPSEC_DMA_ERROR_FETCH);
    g_assert_cmphex(rd(qts, GR0(SGFSR)), ==, USF);
    qtest_quit(qts);
}

/* A MASK bit of one makes the ID bit not matter. */
static void test_mask(void)
{
    QTestState *qts = smmu_start(NULL);

    stream(qts, 31, SID(0), BYPASS);
    wr(qts, SMR(31), VALID | MASK(0x5) | SID(2));
    smmu_on(qts);
    for (int ch = 0; ch < HYPSEC_DMA_CHANNELS; ch++) {
        /* 2 with bits 0 and 2 free: 2, 3, 6, 7. */
        g_assert_cmphex(dma_read(qts, ch, RAM, NULL), ==,
                        ch & 2 ? 0 : HYPSEC_DMA_ERROR_FETCH);
    }
    qtest_quit(qts);
}

/* Two entries for a stream are a fault, though they agree. */
static void test_conflict(void)
{
    QTestState *qts = smmu_start(NULL);

    stream(qts, 3, SID(0), BYPASS);
    stream(qts, 17, SID(0), BYPASS);
    wr(qts, GR0(SCR0), GFRE | USFCFG);
    g_assert_cmphex(dma_read(qts, 0, RAM, NULL), ==, HYPSEC_DMA_ERROR_FETCH);
    g_assert_cmphex(rd(qts, GR0(SGFSR)), ==, SMCF);
    g_assert_cmphex(rd(qts, GR0(SGFSYNR1)), ==, SID(0));
    wr(qts, SMR(3), 0);
    assert_reads(qts, 0, RAM, 0);
    qtest_quit(qts);
}

/* S2CR.TYPE: fault, and the reserved one, are invalid contexts. */
static void test_fault_entry(void)
{
    for (int type = 2; type < 4; type++) {
        QTestState *qts = smmu_start(NULL);

        stream(qts, 0, SID(0), TYPE(type));
        smmu_on(qts);
        g_assert_cmphex(dma_read(qts, 0, RAM, NULL), ==,
                        HYPSEC_DMA_ERROR_FETCH);
        g_assert_cmphex(rd(qts, GR0(SGFSR)), ==, ICF);
        qtest_quit(qts);
    }
}

/* S2CR.TYPE bypass: this stream passes, the others do not. */
static void test_bypass_entry(void)
{
    QTestState *qts = smmu_start(NULL);

    s2_stream(qts, 0);
    stream(qts, 1, SID(1), BYPASS);
    qtest_writeq(qts, RAM, 0x77);
    assert_reads(qts, 1, RAM, 0x77);
    assert_no_read(qts, 0, RAM);
    qtest_quit(qts);
}

/* A bank that there is not is an unimplemented context. */
static void test_no_such_bank(void)
{
    static const uint8_t banks[] = { 8, 127, 255 };
    QTestState *qts = smmu_start(NULL);

    smmu_on(qts);
    for (int i = 0; i < ARRAY_SIZE(banks); i++) {
        stream(qts, 0, SID(0), TRANSLATE(banks[i]));
        g_assert_cmphex(dma_read(qts, 0, RAM, NULL), ==,
                        HYPSEC_DMA_ERROR_FETCH);
        g_assert_cmphex(rd(qts, GR0(SGFSR)), ==, UCBF);
        wr(qts, GR0(SGFSR), UCBF);
    }
    qtest_quit(qts);
}

/* CBAR types: stage 1 with a faulting stage 2; nested in what cannot be. */
static void test_bank_types(void)
{
    static const struct {
        uint32_t cbar;
        uint32_t sgfsr;
    } types[] = {
        { TYPE(SMMUV2_CBAR_S1_FAULT), ICF },
        { TYPE(SMMUV2_CBAR_NESTED) | S2_BANK(8), UCBF },
        { TYPE(SMMUV2_CBAR_NESTED) | S2_BANK(255), UCBF },
        { TYPE(SMMUV2_CBAR_NESTED) | S2_BANK(0), ICF }, /* itself */
        { TYPE(SMMUV2_CBAR_NESTED) | S2_BANK(1), ICF }, /* of stage 1 */
    };
    QTestState *qts = smmu_start(NULL);

    stream(qts, 0, SID(0), TRANSLATE(0));
    smmu_on(qts);
    wr(qts, CBAR(1), TYPE(SMMUV2_CBAR_S1));
    for (int i = 0; i < ARRAY_SIZE(types); i++) {
        wr(qts, CBAR(0), types[i].cbar);
        g_assert_cmphex(dma_read(qts, 0, RAM, NULL), ==,
                        HYPSEC_DMA_ERROR_FETCH);
        g_assert_cmphex(rd(qts, GR0(SGFSR)), ==, types[i].sgfsr);
        wr(qts, GR0(SGFSR), UINT32_MAX);
        assert_no_fault(qts, 0);
        assert_no_fault(qts, 1);
    }
    qtest_quit(qts);
}

/* Nor is there a context of a stage that the SMMU lacks. */
static void test_missing_stage(void)
{
    static const struct {
        const char *args;
        uint32_t cbar;
    } boards[] = {
        { "-global arm-smmuv2.stages=1", TYPE(SMMUV2_CBAR_S2) },
        { "-global arm-smmuv2.stages=both",
          TYPE(SMMUV2_CBAR_NESTED) | S2_BANK(1) },
    };

    for (int i = 0; i < ARRAY_SIZE(boards); i++) {
        QTestState *qts = smmu_start(boards[i].args);

        wr(qts, CBAR(0), boards[i].cbar);
        wr(qts, CBAR(1), TYPE(SMMUV2_CBAR_S2));
        stream(qts, 0, SID(0), TRANSLATE(0));
        smmu_on(qts);
        g_assert_cmphex(dma_read(qts, 0, RAM, NULL), ==,
                        HYPSEC_DMA_ERROR_FETCH);
        g_assert_cmphex(rd(qts, GR0(SGFSR)), ==, UCBF);
        qtest_quit(qts);
    }
}

/* With stream indexing S2CR[id] is the entry and there are no SMRs. */
static void test_indexing(void)
{
    QTestState *qts = smmu_start("-global arm-smmuv2.stream-matching=off "
                                 "-global arm-smmuv2.num-smr=16");

    smmu_on(qts);
    /* Stream 0x10 is beyond the 16 entries. */
    g_assert_cmphex(dma_read(qts, 0, RAM, NULL), ==, HYPSEC_DMA_ERROR_FETCH);
    g_assert_cmphex(rd(qts, GR0(SGFSR)), ==, USF);
    wr(qts, SMR(0), UINT32_MAX);
    g_assert_cmphex(rd(qts, SMR(0)), ==, 0);
    qtest_quit(qts);

    qts = smmu_start("-global arm-smmuv2.stream-matching=off");
    smmu_on(qts);
    wr(qts, S2CR(SID(3)), BYPASS);
    assert_reads(qts, 3, RAM, 0);
    g_assert_cmphex(dma_read(qts, 4, RAM, NULL), ==, HYPSEC_DMA_ERROR_FETCH);
    g_assert_cmphex(rd(qts, GR0(SGFSR)), ==, ICF);
    qtest_quit(qts);
}

/* The first global fault is kept; a later one only sets MULTI. */
static void test_first_global_fault(void)
{
    QTestState *qts = smmu_start(NULL);

    smmu_on(qts);
    stream(qts, 0, SID(2), FAULT);
    dma_read(qts, 1, RAM, NULL);
    dma_write(qts, 2, RAM, 0);
    g_assert_cmphex(rd(qts, GR0(SGFSR)), ==, USF | MULTI);
    g_assert_cmphex(rd(qts, GR0(SGFSYNR1)), ==, SID(1));
    g_assert_cmphex(rd64(qts, GR0(SGFAR)), ==, DESCRIPTORS + PAGE);
    wr(qts, GR0(SGFSR), USF);
    g_assert_cmphex(rd(qts, GR0(SGFSR)), ==, MULTI);
    wr(qts, GR0(SGFSR), MULTI);
    dma_read(qts, 2, RAM, NULL);
    g_assert_cmphex(rd(qts, GR0(SGFSR)), ==, ICF);
    g_assert_cmphex(rd(qts, GR0(SGFSYNR1)), ==, SID(2));
    qtest_quit(qts);
}

/* The global line is a level: a fault and GFIE. */
static void test_global_line(void)
{
    QTestState *qts = smmu_start(NULL);

    smmu_on(qts);
    g_assert_false(global_line(qts));
    dma_read(qts, 1, RAM, NULL);
    g_assert_true(global_line(qts));
    wr(qts, GR0(SCR0), GFRE | USFCFG);
    g_assert_false(global_line(qts));
    wr(qts, GR0(SCR0), GFRE | GFIE | USFCFG);
    g_assert_true(global_line(qts));
    wr(qts, GR0(SGFSR), UINT32_MAX);
    g_assert_false(global_line(qts));
    wr(qts, GR0(SGFSRRESTORE), UINT32_MAX);
    g_assert_cmphex(rd(qts, GR0(SGFSR)), ==, 0x8000000f);
    g_assert_true(global_line(qts));
    qtest_quit(qts);
}

/* GFRE 0: the master gets zeros, and its writes go nowhere. */
static void test_global_no_abort(void)
{
    QTestState *qts = smmu_start(NULL);
    uint64_t value;

    wr(qts, GR0(SCR0), USFCFG);
    qtest_writeq(qts, RAM, 0x55);
    /* A descriptor of zeros is none, and its status is not written. */
    g_assert_cmphex(dma_read(qts, 0, RAM, &value), ==,
                    HYPSEC_DMA_ERROR_INVALID);
    g_assert_cmphex(rd(qts, GR0(SGFSR)), ==, USF | MULTI);
    g_assert_cmphex(qtest_readl(qts, DESCRIPTORS + 4), ==, 0);
    qtest_quit(qts);
}

/* A bank's first fault is kept: FSR, FAR, IPAFAR, FSYNR0, CBFRSYNRA. */
static void test_first_context_fault(void)
{
    QTestState *qts = smmu_start(NULL);
    uint64_t root = s2_stream(qts, 0);

    stream(qts, 1, SID(1), TRANSLATE(0));
    map_s2(qts, root, IOVA + PAGE, RAM | D_PAGE | S2_W);
    assert_no_write(qts, 0, IOVA + 0x238);
    assert_no_read(qts, 1, IOVA + PAGE);
    g_assert_cmphex(rd(qts, CB(0, FSR)), ==, TF | MULTI);
    g_assert_cmphex(rd64(qts, CB(0, IPAFAR)), ==, IOVA + 0x238);
    g_assert_cmphex(rd(qts, CBFRSYNRA(0)), ==, SID(0));
    assert_fault(qts, 0, TF | MULTI, LEVEL(3) | WNR, IOVA + 0x238);
    assert_no_fault(qts, 0);
    assert_no_read(qts, 1, IOVA + PAGE);
    g_assert_cmphex(rd(qts, CBFRSYNRA(0)), ==, SID(1));
    assert_fault(qts, 0, PF, LEVEL(3), IOVA + PAGE);
    g_assert_cmphex(rd(qts, GR0(SGFSR)), ==, 0);
    qtest_quit(qts);
}

/* A bank's line is a level: a fault and CFIE, and no other bank's. */
static void test_bank_line(void)
{
    QTestState *qts = smmu_start(NULL);

    for (int n = 0; n < BANKS; n++) {
        s2_stream(qts, n);
    }
    for (int n = 0; n < BANKS; n++) {
        assert_no_read(qts, n, IOVA);
        for (int i = 0; i < BANKS; i++) {
            g_assert_cmpint(bank_line(qts, i), ==, i == n);
        }
        wr(qts, CB(n, SCTLR), M | CFRE | HUPCF);
        g_assert_false(bank_line(qts, n));
        wr(qts, CB(n, SCTLR), M | CFRE | HUPCF | CFIE);
        g_assert_true(bank_line(qts, n));
        wr(qts, CB(n, FSR), R_SMMU_CB_FSR_TF_MASK);
        g_assert_false(bank_line(qts, n));
        assert_no_fault(qts, n);
    }
    g_assert_false(global_line(qts));
    qtest_quit(qts);
}

/* FSR is cleared bit by bit, and FSRRESTORE sets its bits. */
static void test_fsr(void)
{
    QTestState *qts = smmu_start(NULL);

    wr(qts, CB(4, SCTLR), CFIE);
    wr(qts, CB(4, FSRRESTORE), UINT32_MAX);
    g_assert_cmphex(rd(qts, CB(4, FSR)), ==, 0x800001fe);
    g_assert_true(bank_line(qts, 4));
    wr(qts, CB(4, FSR), 0);
    g_assert_cmphex(rd(qts, CB(4, FSR)), ==, 0x800001fe);
    wr(qts, CB(4, FSR), 0x1fe);
    g_assert_cmphex(rd(qts, CB(4, FSR)), ==, MULTI);
    g_assert_true(bank_line(qts, 4));
    wr(qts, CB(4, FSR), MULTI);
    assert_no_fault(qts, 4);
    g_assert_false(bank_line(qts, 4));
    qtest_quit(qts);
}

/* CFRE 0: zeros to be read, writes to nowhere, and the fault is recorded. */
static void test_context_no_abort(void)
{
    QTestState *qts = smmu_start(NULL);
    uint64_t root = s2_stream(qts, 0);

    map_s2(qts, root, IOVA, RAM | D_PAGE);
    qtest_writeq(qts, RAM, 0x55);
    wr(qts, CB(0, SCTLR), M | HUPCF);
    assert_reads(qts, 0, IOVA, 0);
    assert_fault(qts, 0, PF, LEVEL(3), IOVA);
    g_assert_cmphex(dma_write(qts, 0, IOVA, 0x66), ==, 0);
    assert_fault(qts, 0, PF, LEVEL(3) | WNR, IOVA);
    g_assert_cmphex(qtest_readq(qts, RAM), ==, 0x55);
    qtest_quit(qts);
}

/* HUPCF 0: until the fault is cleared nothing of the bank passes. */
static void test_hupcf(void)
{
    QTestState *qts = smmu_start(NULL);
    uint64_t root = s2_stream(qts, 0);

    s2_stream(qts, 1);
    map_s2(qts, root, IOVA, RAM | D_PAGE | S2_RW);
    assert_no_read(qts, 0, IOVA + PAGE);
    assert_reads(qts, 0, IOVA, 0);
    wr(qts, CB(0, SCTLR), M | CFRE);
    g_assert_cmphex(dma_read(qts, 0, IOVA, NULL), ==, HYPSEC_DMA_ERROR_FETCH);
    /* That one was not a fault of its own. */
    assert_fault(qts, 0, TF, LEVEL(3), IOVA + PAGE);
    assert_reads(qts, 0, IOVA, 0);
    assert_reads(qts, 1, DESCRIPTORS + 2 * PAGE, 0);
    qtest_quit(qts);
}

/* A downstream error is the master's, not the SMMU's. */
static void test_downstream_error(void)
{
    QTestState *qts = smmu_start(NULL);
    uint64_t root = s2_stream(qts, 0);

    map_s2(qts, root, IOVA, HOLE | D_PAGE | S2_RW);
    assert_no_read(qts, 0, IOVA);
    assert_no_write(qts, 0, IOVA);
    assert_no_fault(qts, 0);
    qtest_quit(qts);
}

/* A master that writes the SMMU's own registers through it. */
static void test_own_registers(void)
{
    QTestState *qts = smmu_start(NULL);
    uint64_t root = s2_stream(qts, 0);

    map_s2(qts, root, IOVA, (SMMU1 + CB(5, SCTLR)) | D_PAGE | S2_RW);
    g_assert_cmphex(dma_write(qts, 0, IOVA + A_SMMU_CB_TTBR0, 0x1234), ==, 0);
    g_assert_cmphex(rd64(qts, CB(5, TTBR0)), ==, 0x1234);
    assert_reads(qts, 0, IOVA + A_SMMU_CB_TTBR0, 0x1234);
    /* Its own bank, while it is in use. */
    map_s2(qts, root, IOVA + PAGE,
           (SMMU1 + CB(0, SCTLR)) | D_PAGE | S2_RW);
    assert_reads(qts, 0, IOVA + PAGE + A_SMMU_CB_TTBR0, root);
    g_assert_cmphex(dma_write(qts, 0, IOVA + PAGE + A_SMMU_CB_TLBIIPAS2,
                              IOVA >> 12), ==, 0);
    qtest_quit(qts);
}

/* What Linux' driver does before the first device is there. */
static void test_linux_probe(void)
{
    QTestState *qts = smmu_start(NULL);
    uint32_t scr0;

    assert_values(qts, ids, 3);
    scr0 = rd(qts, GR0(SCR0));
    wr(qts, GR0(SCR0), scr0 | CLIENTPD);
    wr(qts, GR0(SGFSR), rd(qts, GR0(SGFSR)));
    for (int i = 0; i < ENTRIES; i++) {
        wr(qts, S2CR(i), FAULT);
        wr(qts, SMR(i), 0);
    }
    /* arm_mmu500_reset() */
    g_assert_cmphex(rd(qts, GR0(IDR7)) >> 4, ==, 2);
    wr(qts, GR0(SACR), (rd(qts, GR0(SACR)) & ~(1u << 26)) | 1 << 8 | 1 << 10);
    for (int n = 0; n < BANKS; n++) {
        wr(qts, CB(n, SCTLR), 0);
        wr(qts, CB(n, FSR), 0xc00001fe);
        wr(qts, CB(n, ACTLR), rd(qts, CB(n, ACTLR)) & ~2);
        g_assert_cmphex(rd(qts, CB(n, ACTLR)) & 2, ==, 0);
    }
    wr(qts, GR0(TLBIALLH), UINT32_MAX);
    wr(qts, GR0(TLBIALLNSNH), UINT32_MAX);
    wr(qts, GR0(STLBGSYNC), UINT32_MAX);
    g_assert_cmphex(rd(qts, GR0(STLBGSTATUS)) & 1, ==, 0);
    scr0 = rd(qts, GR0(SCR0));
    scr0 |= GFRE | GFIE | 1 << 4 | 1 << 5 | USFCFG | 1 << 11 | 1 << 12;
    wr(qts, GR0(SCR0), scr0 & ~(CLIENTPD | 1 << 13 | 3 << 14));
    g_assert_cmphex(rd(qts, GR0(SCR0)), ==, 0x00201c06);
    /* arm_smmu_test_smr_masks() */
    wr(qts, SMR(0), 0x7fff);
    g_assert_cmphex(rd(qts, SMR(0)), ==, 0x7fff);
    wr(qts, SMR(0), 0x7fffu << 16);
    g_assert_cmphex(rd(qts, SMR(0)), ==, 0x7fffu << 16);
    g_assert_cmphex(dma_read(qts, 0, RAM, NULL), ==, HYPSEC_DMA_ERROR_FETCH);
    g_assert_true(global_line(qts));
    qtest_quit(qts);
}

/* What it does when a device is attached: a domain of stage 1. */
static void test_linux_attach(void)
{
    QTestState *qts = smmu_start(NULL);
    uint64_t root = new_table(qts, 1);

    smmu_on(qts);
    for (int i = 0; i < 2; i++) {
        map_at(qts, root, 0, 3, (i ? IOVA : DESCRIPTORS),
               (i ? RAM : DESCRIPTORS) | D_PAGE | S1_USER | S1_NG);
    }
    wr(qts, SMR(0), VALID | SID(0));
    wr(qts, CBA2R(0), 1);
    wr(qts, CBAR(0), TYPE(SMMUV2_CBAR_S1) | 3 << 8 | 0xf << 12);
    /* 40 bits from level 0: EPD1, 40 bits out, sign from upstream. */
    wr(qts, CB(0, TCR2), 2 | 7 << 15);
    wr(qts, CB(0, TCR), 24 | 1 << 23 | 3 << 12 | 1 << 10 | 1 << 8);
    wr64(qts, CB(0, TTBR0), root);
    wr64(qts, CB(0, TTBR1), 0);
    wr(qts, CB(0, MAIR0), 0x000004ff);
    wr(qts, CB(0, SCTLR), M | 2 | 4 | CFRE | CFIE | 1 << 12);
    wr(qts, S2CR(0), TRANSLATE(0) | 2 << 24);
    qtest_writeq(qts, RAM + 8, 0x99);
    assert_reads(qts, 0, IOVA + 8, 0x99);
    /* Unmapped and invalidated: a fault as its handler reads it. */
    map_at(qts, root, 0, 3, IOVA, 0);
    wr64(qts, CB(0, TLBIVAL), IOVA >> 12);
    wr(qts, CB(0, TLBSYNC), 0);
    g_assert_cmphex(rd(qts, CB(0, TLBSTATUS)), ==, 0);
    assert_no_read(qts, 0, IOVA + 8);
    g_assert_true(bank_line(qts, 0));
    g_assert_cmphex(rd(qts, CBFRSYNRA(0)), ==, SID(0));
    assert_fault(qts, 0, TF, LEVEL(3), IOVA + 8);
    g_assert_false(bank_line(qts, 0));
    qtest_quit(qts);
}

/* All is as before: also a fault, what is stale, an invalidation under way. */
static void test_migrate(void)
{
    QTestState *qts = smmu_start(NULL);
    uint64_t root = s2_stream(qts, 0), at[2];
    const char *path;
    bool ok;

    for (int i = 0; i < 2; i++) {
        at[i] = map_s2(qts, root, IOVA + i * PAGE,
                       (RAM + i * PAGE) | D_PAGE | S2_RW);
        assert_reads(qts, 0, IOVA + i * PAGE, 0);
    }
    qtest_writeq(qts, at[0], 0);
    qtest_writeq(qts, at[1], 0);
    wr64(qts, CB(0, TLBIIPAS2L), IOVA >> 12);
    assert_no_write(qts, 0, IOVA + 2 * PAGE);
    path = smmu_save(qts);
    qtest_quit(qts);

    qts = smmu_load(path, NULL, &ok);
    g_assert_true(ok);
    g_assert_cmphex(rd(qts, SMR(0)), ==, VALID | SID(0));
    assert_fault(qts, 0, TF, LEVEL(3) | WNR, IOVA + 2 * PAGE);
    assert_reads(qts, 0, IOVA, 0);
    assert_reads(qts, 0, IOVA + PAGE, 0);
    wr(qts, CB(0, TLBSYNC), 0);
    assert_no_read(qts, 0, IOVA);
    assert_reads(qts, 0, IOVA + PAGE, 0);
    qtest_quit(qts);
}

/* Where there is no TLB nothing stale arrives. */
static void test_migrate_no_tlb(void)
{
    QTestState *qts = smmu_start(NULL);
    uint64_t root = s2_stream(qts, 0);
    uint64_t at = map_s2(qts, root, IOVA, RAM | D_PAGE | S2_RW);
    const char *path;
    bool ok;

    assert_reads(qts, 0, IOVA, 0);
    qtest_writeq(qts, at, 0);
    path = smmu_save(qts);
    qtest_quit(qts);
    qts = smmu_load(path, "-global arm-smmuv2.lazy-tlb=off", &ok);
    g_assert_true(ok);
    assert_no_read(qts, 0, IOVA);
    qtest_quit(qts);
}

/* The state of another SMMU is refused. */
static void test_migrate_other(void)
{
    QTestState *qts = smmu_start(NULL);
    const char *path = smmu_save(qts);
    bool ok;

    qtest_quit(qts);
    qts = smmu_load(path, "-global arm-smmuv2.num-smr=31", &ok);
    g_assert_false(ok);
    qtest_quit(qts);
}

/*
 * A byte of the state: from sGFAR on, or from the TLB entry of IOVA on. What
 * comes before and after is in the order of vmstate_arm_smmuv2.
 */
typedef struct BadState {
    const char *name;
    bool in_entry;
    int offset;
    uint8_t value;
} BadState;

#define STATE_SMR 8
#define STATE_S2CR (STATE_SMR + 128 * 4)
#define STATE_BANK (STATE_S2CR + 128 * 4)
#define STATE_TLB (STATE_BANK + BANKS * 80)
#define STATE_VICTIM (STATE_TLB + 512 * 35)
#define STATE_TLBI (STATE_VICTIM + 128)
#define STATE_TLBI_COUNT (STATE_TLBI + 64 * 14)

static const BadState bad_states[] = {
    { "scr0-conflicts-pass", false, -24 + 1, 0 },
    { "scr0-unknown", false, -24, 0x80 },
    { "scr2", false, -20 + 2, 1 },
    { "sacr", false, -16, 0x80 },
    { "sgfsr", false, -12 + 3, 0x10 },
    { "sgfsynr0", false, -8 + 3, 0x10 },
    { "sgfsynr1", false, -4, 1 },
    { "smr", false, STATE_SMR + 2, 0x80 },
    { "s2cr", false, STATE_S2CR + 31 * 4, 0x80 },
    { "cbar", false, STATE_BANK, 1 },
    { "cba2r", false, STATE_BANK + 4 + 3, 4 },
    { "cbfrsynra", false, STATE_BANK + 8, 1 },
    { "sctlr", false, STATE_BANK + 12, 0x80 },
    { "sctlr-stalls", false, STATE_BANK + 12 + 3, 0x80 },
    { "actlr", false, STATE_BANK + 16, 1 },
    { "tcr2", false, STATE_BANK + 24, 0x80 },
    { "fsr-stalled", false, STATE_BANK + 40, 0x40 },
    { "fsynr0", false, STATE_BANK + 44, 1 },
    { "ipafar", false, STATE_BANK + 72, 1 },
    { "last-bank", false, STATE_BANK + 7 * 80 + 12, 0x80 },
    { "entry-not-aligned", true, 7, 1 },
    { "entry-elsewhere", true, 5, 0x99 },
    { "entry-out-wide", true, 8, 1 },
    { "entry-out-not-aligned", true, 8 + 7, 1 },
    { "entry-kind", true, 28, 4 },
    { "entry-tiny", true, 30, 11 },
    { "entry-huge", true, 30, 48 },
    { "entry-shift", true, 30, 0xff },
    { "entry-perm1", true, 31, 0x40 },
    { "entry-perm2", true, 32, 0x80 },
    { "entry-level1", true, 33, 4 },
    { "entry-level2", true, 34, 0xff },
    { "victim", false, STATE_VICTIM + 127, 4 },
    { "tlbi-type", false, STATE_TLBI + 12, 7 },
    { "tlbi-too-many", false, STATE_TLBI_COUNT + 3, 65 },
    { "tlbi-count-huge", false, STATE_TLBI_COUNT, 0x80 },
};

/* A state that no SMMU can have been in is refused. */
static void test_bad_state(const void *data)
{
    const BadState *bad = data;
    QTestState *qts = smmu_start(NULL);
    uint64_t root = s2_stream(qts, 0);
    uint64_t sgfar = cpu_to_be64(0x0123456789abcdef);
    uint64_t iova = cpu_to_be64(IOVA);
    g_autofree char *state = NULL;
    const char *path;
    uint8_t *at;
    gsize size;
    bool ok;

    map_s2(qts, root, IOVA, RAM | D_PAGE | S2_RW);
    assert_reads(qts, 0, IOVA, 0);
    wr64(qts, CB(0, TLBIIPAS2L), 0);
    wr64(qts, GR0(SGFAR), 0x0123456789abcdef);
    path = smmu_save(qts);
    qtest_quit(qts);

    g_assert_true(g_file_get_contents(path, &state, &size, NULL));
    at = memmem(state, size, &sgfar, sizeof(sgfar));
    g_assert_nonnull(at);
    /* It is where it is thought to be. */
    g_assert_cmphex((uint32_t)ldl_be_p(at + STATE_SMR), ==, VALID | SID(0));
    g_assert_cmphex((uint32_t)ldl_be_p(at + STATE_BANK + 20), ==, TCR_S2);
    g_assert_cmphex((uint32_t)ldl_be_p(at + STATE_TLBI_COUNT), ==, 1);
    if (bad->in_entry) {
        at = memmem(at + STATE_TLB, STATE_VICTIM - STATE_TLB, &iova,
                    sizeof(iova));
        g_assert_nonnull(at);
        g_assert_cmphex(at[28], ==, 1);
        g_assert_cmphex(at[30], ==, 12);
    }
    g_assert_cmphex(at[bad->offset], !=, bad->value);
    at[bad->offset] = bad->value;
    path = hypsec_tmp_file("bad", state, size);

    qts = smmu_load(path, NULL, &ok);
    g_assert_false(ok);
    /* What was loaded of it does no harm to who goes on. */
    wr(qts, GR0(TLBIALLNSNH), 0);
    wr(qts, GR0(STLBGSYNC), 0);
    qtest_quit(qts);
}

/* An offset that is likely to matter. */
static uint32_t any_offset(GRand *r)
{
    switch (g_rand_int_range(r, 0, 4)) {
    case 0:
        return g_rand_int_range(r, 0, 0x10000 / 4) * 4;
    case 1:
        return g_rand_int_range(r, 0, 0x100 / 4) * 4;
    case 2:
        return 0x1000 + g_rand_int_range(r, 0, 3) * 0x400 +
               g_rand_int_range(r, 0, BANKS) * 4;
    default:
        return 0x8000 + g_rand_int_range(r, 0, BANKS) * 0x1000 +
               g_rand_int_range(r, 0, 0x80 / 4) * 4 +
               (g_rand_int_range(r, 0, 4) ? 0 : 0x600);
    }
}

/* Values of all kinds: tables that are RAM, registers, and tables' entries. */
static uint64_t any_value(GRand *r)
{
    static const uint64_t values[] = {
        0, 1, UINT64_MAX, TCR_S2, M | CFRE, TABLES, TABLES | D_TABLE, SMMU1,
        RAM | D_PAGE | S2_RW, 1ULL << 63, 0x20000, 0x30000, 0x1ff0000,
    };
    uint64_t value = values[g_rand_int_range(r, 0, ARRAY_SIZE(values))];

    if (!g_rand_int_range(r, 0, 3)) {
        value = (uint64_t)g_rand_int(r) << 32 | g_rand_int(r);
    }
    return value ^ (g_rand_int_range(r, 0, 2) ?
                    1ULL << g_rand_int_range(r, 0, 64) : 0);
}

/* Registers, tables and masters at random; then all is well after a reset. */
static void test_random(void)
{
    QTestState *qts = smmu_start(NULL);
    g_autoptr(GRand) r = g_rand_new_with_seed(6);

    for (int i = 0; i < 6000; i++) {
        uint32_t offset = any_offset(r);
        uint64_t value = any_value(r);

        switch (g_rand_int_range(r, 0, 12)) {
        case 0 ... 3:
            wr(qts, offset, value);
            break;
        case 4:
            wr64(qts, offset & ~7, value);
            break;
        case 5:
            qtest_writeq(qts, TABLES + g_rand_int_range(r, 0, 512) * 8, value);
            break;
        case 6:
            stream(qts, g_rand_int_range(r, 0, 32),
                   SID(g_rand_int_range(r, 0, 8)),
                   g_rand_int_range(r, 0, 8));
            break;
        case 7:
            smmu_on(qts);
            break;
        case 8:
            s2_bank(qts, g_rand_int_range(r, 0, BANKS), 1);
            break;
        case 9:
            dma_write(qts, g_rand_int_range(r, 0, 8), value & ~7, value);
            break;
        default:
            dma_read(qts, g_rand_int_range(r, 0, 8), value & ~7, NULL);
            break;
        }
        if (i % 1000 == 999) {
            qtest_qmp_assert_success(qts, "{'execute': 'query-status'}");
        }
    }
    qtest_system_reset(qts);
    assert_reset(qts);
    s2_stream(qts, 0);
    assert_no_read(qts, 0, IOVA);
    qtest_quit(qts);
}

static const SmmuTest tests[] = {
    { "arm-smmuv2/registers/reset-values", test_reset_values },
    { "arm-smmuv2/registers/kept-bits", test_kept_bits },
    { "arm-smmuv2/registers/read-only", test_read_only },
    { "arm-smmuv2/registers/absent", test_absent },
    { "arm-smmuv2/registers/access-sizes", test_access_sizes },
    { "arm-smmuv2/registers/halves", test_halves },
    { "arm-smmuv2/registers/stage2-layout", test_stage2_layout },
    { "arm-smmuv2/registers/stage2-only-banks", test_stage2_only_banks },
    { "arm-smmuv2/registers/cache-lock", test_cache_lock },
    { "arm-smmuv2/properties/identification", test_properties },
    { "arm-smmuv2/properties/refused", test_refused_properties },
    { "arm-smmuv2/stream/clientpd-passes", test_clientpd },
    { "arm-smmuv2/stream/unidentified", test_unidentified_stream },
    { "arm-smmuv2/stream/invalid-entry-matches-nothing", test_invalid_entry },
    { "arm-smmuv2/stream/mask", test_mask },
    { "arm-smmuv2/stream/conflict", test_conflict },
    { "arm-smmuv2/stream/fault-entry", test_fault_entry },
    { "arm-smmuv2/stream/bypass-entry", test_bypass_entry },
    { "arm-smmuv2/stream/no-such-bank", test_no_such_bank },
    { "arm-smmuv2/stream/bank-types", test_bank_types },
    { "arm-smmuv2/stream/missing-stage", test_missing_stage },
    { "arm-smmuv2/stream/indexing", test_indexing },
    { "arm-smmuv2/fault/first-global-is-kept", test_first_global_fault },
    { "arm-smmuv2/fault/global-line", test_global_line },
    { "arm-smmuv2/fault/global-without-abort", test_global_no_abort },
    { "arm-smmuv2/fault/first-of-a-bank-is-kept", test_first_context_fault },
    { "arm-smmuv2/fault/bank-line", test_bank_line },
    { "arm-smmuv2/fault/fsr", test_fsr },
    { "arm-smmuv2/fault/bank-without-abort", test_context_no_abort },
    { "arm-smmuv2/fault/blocks-the-bank-without-hupcf", test_hupcf },
    { "arm-smmuv2/access/downstream-error", test_downstream_error },
    { "arm-smmuv2/access/own-registers", test_own_registers },
    { "arm-smmuv2/linux/probe", test_linux_probe },
    { "arm-smmuv2/linux/attach", test_linux_attach },
    { "arm-smmuv2/reset/after-use", test_reset_after_use },
    { "arm-smmuv2/reset/tlb", test_reset_tlb },
    { "arm-smmuv2/reset/under-load", test_reset_under_load },
    { "arm-smmuv2/access/random", test_random },
    { "arm-smmuv2/migration/goes-on", test_migrate },
    { "arm-smmuv2/migration/to-no-tlb", test_migrate_no_tlb },
    { "arm-smmuv2/migration/other-smmu", test_migrate_other },
};

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (int i = 0; i < ARRAY_SIZE(bad_states); i++) {
        g_autofree char *path = g_strdup_printf("arm-smmuv2/bad-state/%s",
                                                bad_states[i].name);

        qtest_add_data_func(path, &bad_states[i], test_bad_state);
    }
    return smmu_run(tests, ARRAY_SIZE(tests));
}
