/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The arm-smmuv2 device: tables of both stages, and the TLB. The page that
 * each test cites by section is docs/system/arm/arm-smmuv2.rst.
 */
#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "arm-smmuv2-lib.h"

/* The word of a page that tells it from all others. */
static uint64_t mark(uint64_t page)
{
    return 0xfeed000000000000 | page;
}

static void mark_page(QTestState *qts, uint64_t page)
{
    qtest_writeq(qts, page, mark(page));
}

/* A page of stage 2: what is read and written is what it maps. */
static void test_s2_page(void)
{
    QTestState *qts = smmu_start(NULL);
    uint64_t root = s2_stream(qts, 0);

    map_s2(qts, root, IOVA, RAM | D_PAGE | S2_RW);
    mark_page(qts, RAM);
    assert_reads(qts, 0, IOVA, mark(RAM));
    g_assert_cmphex(dma_write(qts, 0, IOVA + 0xff8, 0x1234), ==, 0);
    g_assert_cmphex(qtest_readq(qts, RAM + 0xff8), ==, 0x1234);
    assert_no_read(qts, 0, IOVA + PAGE);
    assert_fault(qts, 0, TF, LEVEL(3), IOVA + PAGE);
    assert_no_read(qts, 0, IOVA - 8);
    qtest_quit(qts);
}

/* Bits of TTBR0 below the size of the tables are not part of the address. */
static void test_s2_base(void)
{
    QTestState *qts = smmu_start(NULL);
    uint64_t root = s2_stream(qts, 0);

    map_s2(qts, root, IOVA, RAM | D_PAGE | S2_RW);
    mark_page(qts, RAM);
    wr64(qts, CB(0, TTBR0), root | 0x1fff);
    assert_reads(qts, 0, IOVA, mark(RAM));
    qtest_quit(qts);
}

/* Blocks of 2 MiB and 1 GiB. */
static void test_s2_blocks(void)
{
    QTestState *qts = smmu_start(NULL);
    uint64_t root = s2_stream(qts, 0);

    mark_page(qts, RAM + 0x5000);
    map_at(qts, root, 1, 2, 0x200000000, RAM | D_BLOCK | S2_RW);
    assert_reads(qts, 0, 0x200005000, mark(RAM + 0x5000));
    assert_no_read(qts, 0, 0x200000000 + BLOCK);
    assert_fault(qts, 0, TF, LEVEL(2), 0x200000000 + BLOCK);
    map_at(qts, root, 1, 1, 0x300000000, 0x40000000 | D_BLOCK | S2_RW);
    assert_reads(qts, 0, 0x300000000 + RAM - 0x40000000 + 0x5000,
                 mark(RAM + 0x5000));
    assert_no_read(qts, 0, 0x340000000);
    assert_fault(qts, 0, TF, LEVEL(1), 0x340000000);
    qtest_quit(qts);
}

/* 40 bits begin with two tables; the second one is for bit 39. */
static void test_s2_second_root(void)
{
    QTestState *qts = smmu_start(NULL);
    uint64_t root = s2_stream(qts, 0);
    uint64_t at = map_s2(qts, root, 0x8000001000, RAM | D_PAGE | S2_RW);

    g_assert_cmphex(qtest_readq(qts, root + PAGE), !=, 0);
    g_assert_cmphex(qtest_readq(qts, at), ==, RAM | D_PAGE | S2_RW);
    mark_page(qts, RAM);
    assert_reads(qts, 0, 0x8000001000, mark(RAM));
    map_s2(qts, root, 0xfffffff000, (RAM + PAGE) | D_PAGE | S2_RW);
    mark_page(qts, RAM + PAGE);
    assert_reads(qts, 0, 0xfffffff000, mark(RAM + PAGE));
    qtest_quit(qts);
}

/* Input beyond T0SZ is a translation fault at level 0. */
static void test_s2_input_size(void)
{
    static const uint64_t beyond[] = {
        0x10000000000, 0x10000000000 + RAM, 0xfffffffffffffff8,
        0x8000000000000000,
    };
    QTestState *qts = smmu_start(NULL);
    uint64_t root = s2_stream(qts, 0);

    map_s2(qts, root, 0, RAM | D_PAGE | S2_RW);
    map_s2(qts, root, RAM, RAM | D_PAGE | S2_RW);
    map_s2(qts, root, 0xfffffff000, RAM | D_PAGE | S2_RW);
    for (int i = 0; i < ARRAY_SIZE(beyond); i++) {
        assert_no_read(qts, 0, beyond[i]);
        assert_fault(qts, 0, TF, LEVEL(0), beyond[i]);
    }
    qtest_quit(qts);
}

/* What stage 2 needs a permission for, in pairs. */
static void test_s2_permissions(void)
{
    QTestState *qts = smmu_start(NULL);
    uint64_t root = s2_stream(qts, 0);

    map_s2(qts, root, IOVA, RAM | D_PAGE | S2_R);
    assert_reads(qts, 0, IOVA, 0);
    assert_no_write(qts, 0, IOVA);
    assert_fault(qts, 0, PF, LEVEL(3) | WNR, IOVA);
    map_s2(qts, root, IOVA + PAGE, RAM | D_PAGE | S2_W);
    g_assert_cmphex(dma_write(qts, 0, IOVA + PAGE, 1), ==, 0);
    assert_no_read(qts, 0, IOVA + PAGE);
    assert_fault(qts, 0, PF, LEVEL(3), IOVA + PAGE);
    map_at(qts, root, 1, 2, 0x200000000, RAM | D_BLOCK | S2_R);
    assert_no_write(qts, 0, 0x200000000);
    assert_fault(qts, 0, PF, LEVEL(2) | WNR, 0x200000000);
    g_assert_cmphex(qtest_readq(qts, RAM), ==, 1);
    qtest_quit(qts);
}

/* XN is for instruction fetches: S2CR.INSTCFG makes reads such. */
static void test_s2_execute_never(void)
{
    QTestState *qts = smmu_start(NULL);
    uint64_t root = s2_stream(qts, 0);

    map_s2(qts, root, IOVA, RAM | D_PAGE | S2_RW | S2_XN);
    assert_reads(qts, 0, IOVA, 0);
    wr(qts, S2CR(0), TRANSLATE(0) | 3 << 26);
    assert_no_read(qts, 0, IOVA);
    assert_fault(qts, 0, PF, LEVEL(3) | IND, IOVA);
    g_assert_cmphex(dma_write(qts, 0, IOVA, 1), ==, 0);
    assert_no_write(qts, 0, IOVA + PAGE);
    assert_fault(qts, 0, TF, LEVEL(3) | WNR, IOVA + PAGE);
    qtest_quit(qts);
}

/* A leaf without AF is an access flag fault, unless AFFD. */
static void test_s2_access_flag(void)
{
    QTestState *qts = smmu_start(NULL);
    uint64_t root = s2_stream(qts, 0);

    map_s2(qts, root, IOVA, RAM | (D_PAGE & ~D_AF) | S2_RW);
    assert_no_read(qts, 0, IOVA);
    assert_fault(qts, 0, AFF, LEVEL(3), IOVA);
    wr(qts, CB(0, SCTLR), M | CFRE | HUPCF | AFFD);
    assert_reads(qts, 0, IOVA, 0);
    qtest_quit(qts);
}

/* Addresses wider than PASize, and than the SMMU's own output. */
static void test_s2_output_size(void)
{
    QTestState *qts = smmu_start(NULL);
    uint64_t root = s2_stream(qts, 0);

    map_s2(qts, root, IOVA, 0x10000000000 | RAM | D_PAGE | S2_RW);
    assert_no_read(qts, 0, IOVA);
    assert_fault(qts, 0, ASF, LEVEL(3), IOVA);
    map_at(qts, root, 1, 1, 0x300000000, 0x1000000000000 - 0x40000000 +
                                         (D_BLOCK | S2_RW));
    assert_no_read(qts, 0, 0x300000000);
    assert_fault(qts, 0, ASF, LEVEL(1), 0x300000000);
    map_at(qts, root, 1, 1, 0x340000000, 0x20000000000 | D_TABLE);
    assert_no_read(qts, 0, 0x340000000);
    assert_fault(qts, 0, ASF, LEVEL(1), 0x340000000);
    /* 32 bits: the tables are below 4 GiB, this page is not. */
    map_s2(qts, root, IOVA + PAGE, 0x100000000 | D_PAGE | S2_RW);
    wr(qts, CB(0, TCR), TCR_S2 & ~(7u << 16));
    assert_no_read(qts, 0, IOVA + PAGE);
    assert_fault(qts, 0, ASF, LEVEL(3), IOVA + PAGE);
    wr64(qts, CB(0, TTBR0), 0x100000000 | root);
    assert_no_read(qts, 0, IOVA + 2 * PAGE);
    assert_fault(qts, 0, ASF, LEVEL(0), IOVA + 2 * PAGE);
    qtest_quit(qts);
}

/* Descriptors that are none: at each level, and those of no meaning. */
static void test_s2_invalid(void)
{
    QTestState *qts = smmu_start(NULL);
    uint64_t root = s2_stream(qts, 0);

    for (int level = 1; level <= 3; level++) {
        uint64_t in = IOVA + ((uint64_t)level << 32);

        map_at(qts, root, 1, level, in, ~3ULL);
        assert_no_read(qts, 0, in);
        assert_fault(qts, 0, TF, LEVEL(level), in);
    }
    /* What is a block elsewhere is nothing at level 3. */
    map_s2(qts, root, IOVA, RAM | D_BLOCK | S2_RW);
    assert_no_read(qts, 0, IOVA);
    assert_fault(qts, 0, TF, LEVEL(3), IOVA);
    qtest_quit(qts);
}

/* A table is read from RAM: elsewhere, and nowhere, are external aborts. */
static void test_table_not_in_ram(void)
{
    static const uint64_t places[] = {
        HOLE, SMMU1, SMMU1 + CB(0, SCTLR), HYPSEC_DMA_BASE, 0, 0x09000000,
        0x9000000000,
    };
    QTestState *qts = smmu_start(NULL);
    uint64_t root = s2_stream(qts, 0);

    for (int i = 0; i < ARRAY_SIZE(places); i++) {
        map_at(qts, root, 1, 2, 0x200000000, places[i] | D_TABLE);
        assert_no_read(qts, 0, 0x200000000);
        assert_fault(qts, 0, EF, LEVEL(3), 0x200000000);
    }
    wr64(qts, CB(0, TTBR0), SMMU1);
    assert_no_read(qts, 0, IOVA);
    assert_fault(qts, 0, EF, LEVEL(1), IOVA);
    qtest_quit(qts);
}

/* A table that is its own: the walk ends all the same. */
static void test_table_of_itself(void)
{
    QTestState *qts = smmu_start(NULL);
    uint64_t root = s2_stream(qts, 0);

    for (int i = 0; i < 512; i++) {
        uint64_t at = root + PAGE + i * 8;

        qtest_writeq(qts, at, (root + PAGE) | D_TABLE | D_AF | S2_RW);
    }
    assert_reads(qts, 0, 0x8000000000, (root + PAGE) | D_TABLE | D_AF | S2_RW);
    qtest_quit(qts);
}

/* SCTLR.M 0: the stage is identity, up to the width of an address. */
static void test_s2_off(void)
{
    QTestState *qts = smmu_start(NULL);

    s2_stream(qts, 0);
    mark_page(qts, RAM);
    wr(qts, CB(0, SCTLR), CFRE);
    assert_reads(qts, 0, RAM, mark(RAM));
    assert_no_read(qts, 0, 1ULL << 40);
    assert_fault(qts, 0, ASF, LEVEL(0), 1ULL << 40);
    qtest_quit(qts);
}

/* A bank without VA64 would have AArch32 tables; there are none. */
static void test_no_aarch32(void)
{
    QTestState *qts = smmu_start(NULL);
    uint64_t root = s2_stream(qts, 0);

    map_s2(qts, root, RAM, RAM | D_PAGE | S2_RW);
    wr(qts, CBA2R(0), 0);
    g_assert_cmphex(dma_read(qts, 0, RAM, NULL), ==, HYPSEC_DMA_ERROR_FETCH);
    assert_fault(qts, 0, TF & ~AARCH64, LEVEL(0), DESCRIPTORS);
    qtest_quit(qts);
}

/* Start levels by SL0, and those that do not fit T0SZ. */
static void test_s2_start_level(void)
{
    static const struct {
        uint32_t tcr;
        int start;
    } levels[] = {
        { 0x80020000 | 33 | 0 << 6, 2 }, /* 31 bits: 2 tables */
        { 0x80020000 | 30 | 0 << 6, 2 }, /* 34: 16 tables */
        { 0x80020000 | 33 | 1 << 6, 1 }, /* 31 */
        { 0x80020000 | 21 | 1 << 6, 1 }, /* 43: 16 tables */
        { 0x80020000 | 24 | 2 << 6, 0 }, /* 40 */
        { 0x80020000 | 16 | 2 << 6, 0 }, /* 48 */
        { 0x80020000 | 29 | 0 << 6, -1 },
        { 0x80020000 | 20 | 1 << 6, -1 },
        { 0x80020000 | 34 | 1 << 6, -1 },
        { 0x80020000 | 25 | 2 << 6, -1 },
        { 0x80020000 | 15 | 2 << 6, -1 },
        { 0x80020000 | 63 | 0 << 6, -1 },
        { 0x80020000 | 0 | 1 << 6, -1 },
        { 0x80020000 | 24 | 3 << 6, -1 },
        { 0x80020000 | 24 | 1 << 6 | 1 << 14, -1 }, /* 64K: not there */
        { 0x80020000 | 24 | 1 << 6 | 2 << 14, -1 }, /* 16K: not there */
        { 0x80020000 | 24 | 1 << 6 | 3 << 14, -1 },
    };

    for (int i = 0; i < ARRAY_SIZE(levels); i++) {
        QTestState *qts = smmu_start(NULL);
        uint64_t root = new_table(qts, 16);
        int start = levels[i].start;

        g_test_message("tcr 0x%x", levels[i].tcr);
        s2_stream(qts, 0);
        wr(qts, CB(0, TCR), levels[i].tcr);
        wr64(qts, CB(0, TTBR0), root);
        if (start >= 0) {
            map_at(qts, root, start, 3, 0x1000, RAM | D_PAGE | S2_RW);
            map_at(qts, root, start, 3, DESCRIPTORS,
                   DESCRIPTORS | D_PAGE | S2_RW);
            mark_page(qts, RAM);
            assert_reads(qts, 0, 0x1000, mark(RAM));
        } else {
            g_assert_cmphex(dma_read(qts, 0, 0x1000, NULL), ==,
                            HYPSEC_DMA_ERROR_FETCH);
            assert_fault(qts, 0, TF, LEVEL(0), DESCRIPTORS);
        }
        qtest_quit(qts);
    }
}

/* Granules of 16 and 64 KiB, where there are such. */
static void test_s2_granules(void)
{
    static const struct {
        uint32_t tcr;
        uint64_t granule;
        int shift; /* of the level that it begins with */
        int levels;
    } granules[] = {
        /* 40 bits, from level 2 (SL0 1), 16 tables of 16 KiB. */
        { 0x80020000 | 24 | 1 << 6 | 2 << 14, 0x4000, 25, 2 },
        /* 40 bits, from level 2 (SL0 1), 64 KiB. */
        { 0x80020000 | 24 | 1 << 6 | 1 << 14, 0x10000, 29, 2 },
    };

    for (int i = 0; i < ARRAY_SIZE(granules); i++) {
        QTestState *qts = smmu_start("-global arm-smmuv2.granule-16k=on "
                                     "-global arm-smmuv2.granule-64k=on");
        uint64_t g = granules[i].granule;
        int shift = granules[i].shift;
        int page_shift = ctz64(g);
        uint64_t root = 0x60000000, l3 = 0x61000000, l3b = 0x62000000;
        uint64_t in = 3ULL << shift, block = RAM >> shift << shift;

        s2_stream(qts, 0);
        wr(qts, CB(0, TCR), granules[i].tcr);
        wr64(qts, CB(0, TTBR0), root);
        qtest_writeq(qts, root + (DESCRIPTORS >> shift) * 8, l3b | D_TABLE);
        qtest_writeq(qts, l3b + ((DESCRIPTORS >> page_shift) %
                                 (g / 8)) * 8,
                     DESCRIPTORS | D_PAGE | S2_RW);
        qtest_writeq(qts, root + 3 * 8, l3 | D_TABLE);
        qtest_writeq(qts, l3 + 5 * 8, RAM | D_PAGE | S2_RW);
        mark_page(qts, RAM + g - PAGE);
        assert_reads(qts, 0, in + 5 * g + g - PAGE, mark(RAM + g - PAGE));
        assert_no_read(qts, 0, in + 6 * g);
        assert_fault(qts, 0, TF, LEVEL(3), in + 6 * g);
        /* A block of level 2. */
        qtest_writeq(qts, root + 4 * 8, block | D_BLOCK | S2_RW);
        assert_reads(qts, 0, (4ULL << shift) + RAM - block + g - PAGE,
                     mark(RAM + g - PAGE));
        qtest_quit(qts);
    }
}

/* Big-endian tables with SCTLR.E. */
static void test_big_endian(void)
{
    QTestState *qts = smmu_start(NULL);
    uint64_t root = s2_stream(qts, 0);
    uint64_t entry = 0x40000000 | D_BLOCK | S2_RW;

    qtest_writeq(qts, root + 8 * 8, bswap64(entry));
    qtest_writeq(qts, root + 1 * 8, bswap64(entry));
    wr(qts, CB(0, SCTLR), M | CFRE | HUPCF | R_SMMU_CB_SCTLR_E_MASK);
    mark_page(qts, RAM);
    assert_reads(qts, 0, 0x200000000 + RAM - 0x40000000, mark(RAM));
    qtest_quit(qts);
}

/* A page of stage 1, its permissions for either kind of master. */
static void test_s1_permissions(void)
{
    static const struct {
        uint64_t leaf;
        bool user_r, user_w, priv_r, priv_w, user_x, priv_x;
    } leaves[] = {
        { S1_USER, 1, 1, 1, 1, 1, 0 },
        { S1_USER | S1_RO, 1, 0, 1, 0, 1, 1 },
        { 0, 0, 0, 1, 1, 1, 1 },
        { S1_RO, 0, 0, 1, 0, 1, 1 },
        { S1_USER | S1_RO | S1_UXN, 1, 0, 1, 0, 0, 1 },
        { S1_USER | S1_RO | S1_PXN, 1, 0, 1, 0, 1, 0 },
    };
    QTestState *qts = smmu_start(NULL);
    uint64_t root = s1_bank(qts, 0, 0, 0);

    stream(qts, 0, SID(0), TRANSLATE(0));
    smmu_on(qts);
    /* Fetches and privileged ones: of descriptors as well. */
    map_s1(qts, root, DESCRIPTORS, DESCRIPTORS | D_PAGE | S1_NG | S1_USER);
    for (int i = 0; i < ARRAY_SIZE(leaves); i++) {
        uint64_t at = IOVA + i * PAGE;

        g_test_message("leaf 0x%" PRIx64, leaves[i].leaf);
        map_s1(qts, root, at, RAM | D_PAGE | leaves[i].leaf);
        for (int priv = 0; priv < 2; priv++) {
            bool r = priv ? leaves[i].priv_r : leaves[i].user_r;
            bool w = priv ? leaves[i].priv_w : leaves[i].user_w;

            wr(qts, S2CR(0), TRANSLATE(0) | (priv ? 3 : 2) << 24);
            g_assert_cmphex(dma_read(qts, 0, at, NULL), ==,
                            r ? 0 : HYPSEC_DMA_ERROR_READ);
            if (!r) {
                assert_fault(qts, 0, PF, LEVEL(3) | (priv ? PNU : 0), at);
            }
            g_assert_cmphex(dma_write(qts, 0, at, 0), ==,
                            w ? 0 : HYPSEC_DMA_ERROR_WRITE);
            if (!w) {
                assert_fault(qts, 0, PF, LEVEL(3) | WNR | (priv ? PNU : 0),
                             at);
            }
        }
    }
    /* Fetches: the descriptor is one, too, so make it a page for both. */
    map_s1(qts, root, DESCRIPTORS, DESCRIPTORS | D_PAGE | S1_NG | S1_USER);
    wr(qts, S2CR(0), TRANSLATE(0) | 3 << 26);
    for (int i = 0; i < ARRAY_SIZE(leaves); i++) {
        g_assert_cmphex(dma_read(qts, 0, IOVA + i * PAGE, NULL), ==,
                        leaves[i].user_x ? 0 : HYPSEC_DMA_ERROR_READ);
    }
    /* A privileged fetch from what unprivileged masters may write: never. */
    wr(qts, S2CR(0), TRANSLATE(0) | 3 << 26 | 3 << 24);
    g_assert_cmphex(dma_read(qts, 0, IOVA, NULL), ==, HYPSEC_DMA_ERROR_FETCH);
    qtest_quit(qts);
}

/* What a table of stage 1 forbids is forbidden below it. */
static void test_s1_table_limits(void)
{
    QTestState *qts = smmu_start(NULL);
    uint64_t root = s1_bank(qts, 0, 0, 0);
    uint64_t l2 = new_table(qts, 1), l3 = new_table(qts, 1);

    stream(qts, 0, SID(0), TRANSLATE(0));
    smmu_on(qts);
    qtest_writeq(qts, l3, RAM | D_PAGE | S1_USER);
    qtest_writeq(qts, root + 8 * 8, l2 | D_TABLE);
    qtest_writeq(qts, l2 + 0 * 8, l3 | D_TABLE);
    qtest_writeq(qts, l2 + 1 * 8, l3 | D_TABLE | 1ULL << 62);
    qtest_writeq(qts, l2 + 2 * 8, l3 | D_TABLE | 1ULL << 61);
    g_assert_cmphex(dma_write(qts, 0, 0x200000000, 1), ==, 0);
    assert_no_write(qts, 0, 0x200000000 + BLOCK);
    assert_reads(qts, 0, 0x200000000 + BLOCK, 1);
    assert_no_read(qts, 0, 0x200000000 + 2 * BLOCK);
    qtest_quit(qts);
}

/* Upper addresses by TTBR1, EPD0 and EPD1, and what is in neither half. */
static void test_s1_halves(void)
{
    QTestState *qts = smmu_start(NULL);
    uint64_t root = s1_bank(qts, 0, 0, 0);
    uint64_t upper = new_table(qts, 1);
    uint64_t va = 0xffffff8000000000;

    stream(qts, 0, SID(0), TRANSLATE(0));
    smmu_on(qts);
    map_s1(qts, root, 0x1000, RAM | D_PAGE | S1_USER);
    map_s1(qts, upper, 0x1000, (RAM + PAGE) | D_PAGE | S1_USER);
    mark_page(qts, RAM);
    mark_page(qts, RAM + PAGE);
    wr64(qts, CB(0, TTBR1), upper);
    assert_reads(qts, 0, 0x1000, mark(RAM));
    assert_no_read(qts, 0, va + 0x1000);
    assert_fault(qts, 0, TF, LEVEL(0), va + 0x1000);
    /* T1SZ 25, 4 KiB by TG1. */
    wr(qts, CB(0, TCR), 0x19 | 0x19 << 16 | 2u << 30);
    assert_reads(qts, 0, va + 0x1000, mark(RAM + PAGE));
    assert_reads(qts, 0, 0x1000, mark(RAM));
    assert_no_read(qts, 0, 0x8000001000);
    assert_fault(qts, 0, TF, LEVEL(0), 0x8000001000);
    assert_no_read(qts, 0, va - PAGE);
    assert_fault(qts, 0, TF, LEVEL(0), va - PAGE);
    qtest_quit(qts);
}

/* The top byte is not part of the address with TBI, else it must fit. */
static void test_s1_top_byte(void)
{
    QTestState *qts = smmu_start(NULL);
    uint64_t root = s1_bank(qts, 0, 0, 0);

    stream(qts, 0, SID(0), TRANSLATE(0));
    smmu_on(qts);
    map_s1(qts, root, 0x1000, RAM | D_PAGE | S1_USER);
    mark_page(qts, RAM);
    assert_no_read(qts, 0, 0xa500000000001000);
    wr(qts, CB(0, TCR2), TCR2_S1 | 1 << 5);
    assert_reads(qts, 0, 0xa500000000001000, mark(RAM));
    qtest_quit(qts);
}

typedef struct Nested {
    uint64_t s1;
    uint64_t s2;
} Nested;

/*
 * Channel 0 by bank 0 (stage 1) in bank 1 (stage 2), whose addresses are
 * those of memory for the tables of stage 1 and for descriptors.
 */
static Nested nested_stream(QTestState *qts)
{
    Nested n = { .s2 = s2_bank(qts, 1, 9) };

    n.s1 = s1_bank(qts, 0, 9, 4);
    wr(qts, CBAR(0), TYPE(SMMUV2_CBAR_NESTED) | S2_BANK(1) | 9);
    map_at(qts, n.s2, 1, 2, TABLES, TABLES | D_BLOCK | S2_R);
    stream(qts, 0, SID(0), TRANSLATE(0));
    smmu_on(qts);
    return n;
}

/* Stage 1 gives the address that stage 2 translates. */
static void test_nested(void)
{
    QTestState *qts = smmu_start(NULL);
    Nested n = nested_stream(qts);

    map_s1(qts, n.s1, IOVA, 0x200003000 | D_PAGE | S1_USER);
    map_s2(qts, n.s2, 0x200003000, RAM | D_PAGE | S2_RW);
    mark_page(qts, RAM);
    assert_reads(qts, 0, IOVA, mark(RAM));
    assert_reads(qts, 0, IOVA, mark(RAM));
    qtest_quit(qts);
}

/* Blocks of either stage: the smaller one is the translation. */
static void test_nested_blocks(void)
{
    QTestState *qts = smmu_start(NULL);
    Nested n = nested_stream(qts);

    for (int i = 0; i < 8; i++) {
        mark_page(qts, RAM + i * PAGE);
    }
    /* A block onto pages, in another order. */
    map_at(qts, n.s1, 1, 2, 0x200000000, 0x300000000 | D_BLOCK | S1_USER);
    for (int i = 0; i < 8; i++) {
        map_s2(qts, n.s2, 0x300000000 + i * PAGE,
               (RAM + (7 - i) * PAGE) | D_PAGE | S2_RW);
    }
    for (int i = 0; i < 8; i++) {
        assert_reads(qts, 0, 0x200000000 + i * PAGE,
                     mark(RAM + (7 - i) * PAGE));
    }
    /* A page into a block, and a block into a larger one. */
    map_s1(qts, n.s1, IOVA, 0x340005000 | D_PAGE | S1_USER);
    map_at(qts, n.s2, 1, 2, 0x340000000, RAM | D_BLOCK | S2_RW);
    assert_reads(qts, 0, IOVA, mark(RAM + 5 * PAGE));
    map_at(qts, n.s1, 1, 2, 0x400000000,
           (0x380000000 + RAM - 0x40000000) | D_BLOCK | S1_USER);
    map_at(qts, n.s2, 1, 1, 0x380000000, 0x40000000 | D_BLOCK | S2_RW);
    assert_reads(qts, 0, 0x400000000, mark(RAM));
    assert_reads(qts, 0, 0x400000000 + 3 * PAGE, mark(RAM + 3 * PAGE));
    qtest_quit(qts);
}

/* A fault is recorded in the bank of the stage that it is of. */
static void test_nested_faults(void)
{
    QTestState *qts = smmu_start(NULL);
    Nested n = nested_stream(qts);

    map_s1(qts, n.s1, IOVA, 0x200003000 | D_PAGE | S1_USER);
    map_s1(qts, n.s1, IOVA + PAGE, RAM | D_PAGE | S1_USER | S1_RO);
    map_s2(qts, n.s2, RAM, RAM | D_PAGE | S2_RW);
    assert_no_read(qts, 0, IOVA + 2 * PAGE);
    assert_no_fault(qts, 1);
    assert_fault(qts, 0, TF, LEVEL(3), IOVA + 2 * PAGE);
    assert_no_write(qts, 0, IOVA + PAGE);
    assert_no_fault(qts, 1);
    assert_fault(qts, 0, PF, LEVEL(3) | WNR, IOVA + PAGE);

    assert_no_read(qts, 0, IOVA + 0x18);
    assert_no_fault(qts, 0);
    g_assert_true(bank_line(qts, 1));
    g_assert_cmphex(rd64(qts, CB(1, IPAFAR)), ==, 0x200003018);
    g_assert_cmphex(rd(qts, CBFRSYNRA(1)), ==, SID(0));
    assert_fault(qts, 1, TF, LEVEL(1) | NESTED | S1CBNDX(0), IOVA + 0x18);
    /* What stage 1 forbids is its fault, whatever stage 2 would say. */
    map_s1(qts, n.s1, IOVA + 3 * PAGE,
           0x200003000 | D_PAGE | S1_USER | S1_RO);
    assert_no_write(qts, 0, IOVA + 3 * PAGE);
    assert_no_fault(qts, 1);
    assert_fault(qts, 0, PF, LEVEL(3) | WNR, IOVA + 3 * PAGE);

    map_s2(qts, n.s2, 0x200003000, RAM | D_PAGE | S2_R);
    assert_reads(qts, 0, IOVA, 0);
    assert_no_write(qts, 0, IOVA + 0x20);
    g_assert_cmphex(rd64(qts, CB(1, IPAFAR)), ==, 0x200003020);
    assert_fault(qts, 1, PF, LEVEL(3) | NESTED | WNR, IOVA + 0x20);
    qtest_quit(qts);
}

/* Stage 2 translates and checks the walk of stage 1. */
static void test_nested_table_walk(void)
{
    QTestState *qts = smmu_start(NULL);
    Nested n = nested_stream(qts);
    uint64_t l2 = new_table(qts, 1);

    qtest_writeq(qts, n.s1 + 8 * 8, 0x340000000 | D_TABLE);
    assert_no_read(qts, 0, 0x200000000);
    g_assert_cmphex(rd64(qts, CB(1, IPAFAR)), ==, 0x340000000);
    assert_fault(qts, 1, TF, LEVEL(1) | NESTED | S1PTWF, 0x200000000);
    assert_no_fault(qts, 0);

    /* Not readable; then device memory, which PTW forbids. */
    map_s2(qts, n.s2, 0x340000000, l2 | D_PAGE | S2_W);
    assert_no_read(qts, 0, 0x200000000);
    assert_fault(qts, 1, PF, LEVEL(3) | NESTED | S1PTWF, 0x200000000);
    map_s2(qts, n.s2, 0x340000000,
           l2 | D_PAGE | (S2_R & ~S2_NORMAL));
    wr(qts, CB(1, SCTLR), M | CFRE | HUPCF | PTW);
    assert_no_read(qts, 0, 0x200000000);
    assert_fault(qts, 1, PF, LEVEL(3) | NESTED | S1PTWF, 0x200000000);
    wr(qts, CB(1, SCTLR), M | CFRE | HUPCF);
    assert_no_read(qts, 0, 0x200000000);
    assert_no_fault(qts, 1);
    assert_fault(qts, 0, TF, LEVEL(2), 0x200000000);
    /* Through it to a page. */
    qtest_writeq(qts, l2, (RAM & ~(BLOCK - 1)) | D_BLOCK | S1_USER);
    map_at(qts, n.s2, 1, 2, RAM, RAM | D_BLOCK | S2_RW);
    mark_page(qts, RAM);
    assert_reads(qts, 0, 0x200000000, mark(RAM));
    qtest_quit(qts);
}

/* Either stage of a nested context may be off. */
static void test_nested_stage_off(void)
{
    QTestState *qts = smmu_start(NULL);
    Nested n = nested_stream(qts);

    map_s1(qts, n.s1, IOVA, RAM | D_PAGE | S1_USER);
    map_s2(qts, n.s2, RAM, (RAM + PAGE) | D_PAGE | S2_RW);
    mark_page(qts, RAM);
    mark_page(qts, RAM + PAGE);
    assert_reads(qts, 0, IOVA, mark(RAM + PAGE));
    wr(qts, CB(1, SCTLR), 0);
    assert_reads(qts, 0, IOVA, mark(RAM));
    wr(qts, CB(1, SCTLR), M | CFRE | HUPCF);
    wr(qts, CB(0, SCTLR), CFRE | HUPCF);
    assert_reads(qts, 0, RAM, mark(RAM + PAGE));
    assert_no_read(qts, 0, IOVA);
    g_assert_cmphex(rd64(qts, CB(1, IPAFAR)), ==, IOVA);
    assert_fault(qts, 1, TF, LEVEL(1) | NESTED, IOVA);
    qtest_quit(qts);
}

/* A nested_stream() with IOVA, a good address, and faults next to it. */
static void nested_faulty(QTestState *qts)
{
    Nested n = nested_stream(qts);

    map_s1(qts, n.s1, IOVA, 0x200003000 | D_PAGE | S1_USER);
    map_s1(qts, n.s1, IOVA + PAGE, 0x200004000 | D_PAGE | S1_USER);
    map_s2(qts, n.s2, 0x200003000, RAM | D_PAGE | S2_RW);
    mark_page(qts, RAM);
}

/* Not in stage 1, which is bank 0, and not in stage 2, which is bank 1. */
static const uint64_t faulty[] = { IOVA + 2 * PAGE, IOVA + PAGE };

/* HUPCF 0 in the bank of stage 2 only: its fault holds up the context. */
static void test_nested_hupcf(void)
{
    QTestState *qts = smmu_start(NULL);

    nested_faulty(qts);
    assert_no_read(qts, 0, faulty[1]);
    assert_reads(qts, 0, IOVA, mark(RAM));
    wr(qts, CB(1, SCTLR), M | CFRE);
    g_assert_cmphex(dma_read(qts, 0, IOVA, NULL), ==, HYPSEC_DMA_ERROR_FETCH);
    assert_no_fault(qts, 0);
    assert_fault(qts, 1, TF, LEVEL(3) | NESTED | S1CBNDX(0), faulty[1]);
    assert_reads(qts, 0, IOVA, mark(RAM));
    qtest_quit(qts);
}

/* CFRE of the bank that holds up the context says how that is answered. */
static void test_nested_hupcf_response(void)
{
    QTestState *qts = smmu_start(NULL);

    nested_faulty(qts);
    for (int bank = 0; bank < 2; bank++) {
        assert_no_read(qts, 0, faulty[bank]);
        wr(qts, CB(bank, SCTLR), M | CFRE);
        wr(qts, CB(!bank, SCTLR), M);
        g_assert_cmphex(dma_read(qts, 0, IOVA, NULL), ==,
                        HYPSEC_DMA_ERROR_FETCH);
        /* A descriptor that reads as zeros makes no sense. */
        wr(qts, CB(bank, SCTLR), M);
        wr(qts, CB(!bank, SCTLR), M | CFRE);
        g_assert_cmphex(dma_read(qts, 0, IOVA, NULL), ==,
                        HYPSEC_DMA_ERROR_INVALID);
        wr(qts, CB(bank, FSR), UINT32_MAX);
        wr(qts, CB(bank, SCTLR), M | CFRE | HUPCF);
        wr(qts, CB(!bank, SCTLR), M | CFRE | HUPCF);
        assert_reads(qts, 0, IOVA, mark(RAM));
    }
    qtest_quit(qts);
}

/* A stream whose first page has been read, and taken away since. */
static uint64_t stale(QTestState *qts, int n)
{
    uint64_t root = s2_stream(qts, n);
    uint64_t at = map_s2(qts, root, IOVA, RAM | D_PAGE | S2_RW);

    mark_page(qts, RAM);
    assert_reads(qts, n, IOVA, mark(RAM));
    qtest_writeq(qts, at, 0);
    assert_reads(qts, n, IOVA, mark(RAM));
    return root;
}

/* What is cached stays when its descriptor goes, and SCTLR, TCR and TTBR. */
static void test_tlb_stale(void)
{
    QTestState *qts = smmu_start(NULL);
    uint64_t root = stale(qts, 0);

    wr64(qts, CB(0, TTBR0), new_table(qts, 2));
    assert_reads(qts, 0, IOVA, mark(RAM));
    wr(qts, CB(0, TCR), 0);
    assert_reads(qts, 0, IOVA, mark(RAM));
    wr(qts, CB(0, SCTLR), 0);
    wr(qts, CB(0, SCTLR), M | CFRE | HUPCF);
    assert_reads(qts, 0, IOVA, mark(RAM));
    wr(qts, CB(0, TCR), TCR_S2);
    wr64(qts, CB(0, TTBR0), root);
    wr(qts, GR0(STLBGSYNC), 0);
    wr(qts, CB(0, TLBSYNC), 0);
    assert_reads(qts, 0, IOVA, mark(RAM));
    qtest_quit(qts);
}

/* Nothing is kept of an access that faults. */
static void test_tlb_no_faults(void)
{
    QTestState *qts = smmu_start(NULL);
    uint64_t root = s2_stream(qts, 0);

    assert_no_read(qts, 0, IOVA);
    map_s2(qts, root, IOVA, RAM | D_PAGE | S2_RW);
    assert_reads(qts, 0, IOVA, 0);
    qtest_quit(qts);
}

/* Permissions are kept with a translation. */
static void test_tlb_permissions(void)
{
    QTestState *qts = smmu_start(NULL);
    uint64_t root = s2_stream(qts, 0);

    map_s2(qts, root, IOVA, RAM | D_PAGE | S2_R);
    assert_reads(qts, 0, IOVA, 0);
    map_s2(qts, root, IOVA, RAM | D_PAGE | S2_RW);
    assert_no_write(qts, 0, IOVA);
    wr64(qts, CB(0, TLBIIPAS2L), IOVA >> 12);
    wr(qts, CB(0, TLBSYNC), 0);
    g_assert_cmphex(dma_write(qts, 0, IOVA, 1), ==, 0);
    qtest_quit(qts);
}

typedef struct Tlbi {
    const char *name;
    uint32_t reg;
    uint64_t value;
    bool wide;
    uint32_t sync;
    uint32_t no_sync;
    bool removes;
} Tlbi;

/*
 * Each invalidation by its registers; the entry is that of IOVA, bank 0,
 * VMID 1. What removes it does so at the sync that belongs to it.
 */
static const Tlbi s2_tlbis[] = {
    { "vmid", GR0(TLBIVMID), 1, false, GR0(STLBGSYNC), CB(0, TLBSYNC), true },
    { "other-vmid", GR0(TLBIVMID), 2, false, GR0(STLBGSYNC), 0, false },
    { "vmid-of-stage-1", GR0(TLBIVMIDS1), 1, false, GR0(STLBGSYNC), 0,
      false },
    { "all", GR0(TLBIALLNSNH), 0, false, GR0(STLBGSYNC), CB(0, TLBSYNC),
      true },
    { "hyp", GR0(TLBIALLH), 0, false, GR0(STLBGSYNC), 0, false },
    { "secure", GR0(STLBIALL), 0, false, GR0(STLBGSYNC), 0, false },
    { "ipa", CB(0, TLBIIPAS2), IOVA >> 12, true, CB(0, TLBSYNC),
      CB(1, TLBSYNC), true },
    { "ipa-leaf", CB(0, TLBIIPAS2L), IOVA >> 12, true, CB(0, TLBSYNC),
      CB(7, TLBSYNC), true },
    { "ipa-global-sync", CB(0, TLBIIPAS2L), IOVA >> 12, true,
      GR0(STLBGSYNC), CB(1, TLBSYNC), true },
    { "ipa-32-bits", CB(0, TLBIIPAS2L), IOVA >> 12, false, CB(0, TLBSYNC), 0,
      true },
    { "ipa-upper-half", CB(0, TLBIIPAS2L) + 4, IOVA >> 12, false,
      CB(0, TLBSYNC), 0, false },
    { "other-ipa", CB(0, TLBIIPAS2L), (IOVA >> 12) + 1, true, CB(0, TLBSYNC),
      0, false },
    { "other-bank", CB(1, TLBIIPAS2L), IOVA >> 12, true, GR0(STLBGSYNC), 0,
      false },
    { "bank-of-stage-1", CB(2, TLBIIPAS2L), IOVA >> 12, true,
      GR0(STLBGSYNC), 0, false },
    { "va", CB(0, TLBIVA), IOVA >> 12, true, CB(0, TLBSYNC), 0, false },
    { "asid", CB(0, TLBIASID), 0, false, CB(0, TLBSYNC), 0, false },
    { "bank-all", CB(0, TLBIALL), 0, false, CB(0, TLBSYNC), 0, false },
};

static void do_tlbi(QTestState *qts, const Tlbi *t)
{
    if (t->wide) {
        wr64(qts, t->reg, t->value);
    } else {
        wr(qts, t->reg, t->value);
    }
}

static void test_tlbi_s2(const void *data)
{
    const Tlbi *t = data;
    QTestState *qts = smmu_start(NULL);

    s2_bank(qts, 1, 2);
    wr(qts, CBAR(2), TYPE(SMMUV2_CBAR_S1) | 1);
    stale(qts, 0);
    do_tlbi(qts, t);
    assert_reads(qts, 0, IOVA, mark(RAM));
    if (t->no_sync) {
        wr(qts, t->no_sync, 0);
        assert_reads(qts, 0, IOVA, mark(RAM));
    }
    wr(qts, t->sync, 0);
    if (t->removes) {
        assert_no_read(qts, 0, IOVA);
        assert_fault(qts, 0, TF, LEVEL(3), IOVA);
    } else {
        assert_reads(qts, 0, IOVA, mark(RAM));
    }
    qtest_quit(qts);
}

/* Stage 1: the entry is that of IOVA, bank 0, VMID 1, ASID 5. */
#define VA_OF(asid, va) ((uint64_t)(asid) << 48 | (va) >> 12)
static const Tlbi s1_tlbis[] = {
    { "va", CB(0, TLBIVA), VA_OF(5, IOVA), true, CB(0, TLBSYNC),
      CB(1, TLBSYNC), true },
    { "va-leaf", CB(0, TLBIVAL), VA_OF(5, IOVA), true, CB(0, TLBSYNC), 0,
      true },
    { "va-other-asid", CB(0, TLBIVA), VA_OF(6, IOVA), true, CB(0, TLBSYNC), 0,
      false },
    { "other-va", CB(0, TLBIVA), VA_OF(5, IOVA + PAGE), true, CB(0, TLBSYNC),
      0, false },
    { "vaa", CB(0, TLBIVAA), VA_OF(6, IOVA), true, CB(0, TLBSYNC), 0, true },
    { "vaa-leaf", CB(0, TLBIVAAL), VA_OF(0, IOVA), true, GR0(STLBGSYNC), 0,
      true },
    { "asid", CB(0, TLBIASID), 5, false, CB(0, TLBSYNC), 0, true },
    { "other-asid", CB(0, TLBIASID), 4, false, CB(0, TLBSYNC), 0, false },
    { "bank-all", CB(0, TLBIALL), 0, false, CB(0, TLBSYNC), 0, true },
    { "vmid", GR0(TLBIVMID), 1, false, GR0(STLBGSYNC), 0, true },
    { "vmid-of-stage-1", GR0(TLBIVMIDS1), 1, false, GR0(STLBGSYNC), 0, true },
    { "other-vmid", GR0(TLBIVMIDS1), 0, false, GR0(STLBGSYNC), 0, false },
    { "all", GR0(TLBIALLNSNH), 0, false, GR0(STLBGSYNC), 0, true },
    { "ipa", CB(1, TLBIIPAS2), IOVA >> 12, true, CB(1, TLBSYNC), 0, false },
};

static void test_tlbi_s1(const void *data)
{
    const Tlbi *t = data;
    QTestState *qts = smmu_start(NULL);
    uint64_t root, at;

    s2_bank(qts, 1, 1);
    root = s1_bank(qts, 0, 1, 5);
    at = map_s1(qts, root, IOVA, RAM | D_PAGE | S1_USER | S1_NG);
    stream(qts, 0, SID(0), TRANSLATE(0));
    smmu_on(qts);
    mark_page(qts, RAM);
    assert_reads(qts, 0, IOVA, mark(RAM));
    qtest_writeq(qts, at, 0);
    do_tlbi(qts, t);
    assert_reads(qts, 0, IOVA, mark(RAM));
    if (t->no_sync) {
        wr(qts, t->no_sync, 0);
        assert_reads(qts, 0, IOVA, mark(RAM));
    }
    wr(qts, t->sync, 0);
    if (t->removes) {
        assert_no_read(qts, 0, IOVA);
        assert_fault(qts, 0, TF, LEVEL(3), IOVA);
    } else {
        assert_reads(qts, 0, IOVA, mark(RAM));
    }
    qtest_quit(qts);
}

/* Any address of a block invalidates all of it. */
static void test_tlbi_block(void)
{
    QTestState *qts = smmu_start(NULL);
    uint64_t root = s2_stream(qts, 0);
    uint64_t at = map_at(qts, root, 1, 2, 0x200000000,
                         RAM | D_BLOCK | S2_RW);

    assert_reads(qts, 0, 0x200000000, 0);
    qtest_writeq(qts, at, 0);
    /* A page of it that nobody has been to is cached as well. */
    assert_reads(qts, 0, 0x200000000 + BLOCK - PAGE, 0);
    wr64(qts, CB(0, TLBIIPAS2L), (0x200000000 + 7 * PAGE) >> 12);
    wr(qts, CB(0, TLBSYNC), 0);
    assert_no_read(qts, 0, 0x200000000 + BLOCK - PAGE);
    assert_no_read(qts, 0, 0x200000000);
    qtest_quit(qts);
}

/* Two banks with one VMID share what is cached; with two they do not. */
static void test_tlb_tags(void)
{
    QTestState *qts = smmu_start(NULL);
    uint64_t a = s2_stream(qts, 0), b = s2_stream(qts, 1);

    mark_page(qts, RAM);
    mark_page(qts, RAM + PAGE);
    map_s2(qts, a, IOVA, RAM | D_PAGE | S2_RW);
    map_s2(qts, b, IOVA, (RAM + PAGE) | D_PAGE | S2_RW);
    assert_reads(qts, 0, IOVA, mark(RAM));
    assert_reads(qts, 1, IOVA, mark(RAM + PAGE));
    wr(qts, CBAR(1), TYPE(SMMUV2_CBAR_S2) | 1);
    assert_reads(qts, 1, IOVA, mark(RAM));
    qtest_quit(qts);
}

/* With 16-bit VMIDs the tag is CBA2R's. */
static void test_tlb_vmid16(void)
{
    QTestState *qts = smmu_start("-global arm-smmuv2.vmid16=on");
    uint64_t root = s2_stream(qts, 0);
    uint64_t at = map_s2(qts, root, IOVA, RAM | D_PAGE | S2_RW);

    wr(qts, GR0(SCR0), rd(qts, GR0(SCR0)) | 1u << 31);
    wr(qts, CBA2R(0), 1 | 0x1201u << 16);
    assert_reads(qts, 0, IOVA, 0);
    qtest_writeq(qts, at, 0);
    wr(qts, GR0(TLBIVMID), 0x01);
    wr(qts, GR0(STLBGSYNC), 0);
    assert_reads(qts, 0, IOVA, 0);
    wr(qts, GR0(TLBIVMID), 0x1201);
    wr(qts, GR0(STLBGSYNC), 0);
    assert_no_read(qts, 0, IOVA);
    qtest_quit(qts);
}

/* A global page is for all ASIDs, and TLBIASID leaves it alone. */
static void test_tlb_global(void)
{
    QTestState *qts = smmu_start(NULL);
    uint64_t root = s1_bank(qts, 0, 1, 5), other;
    uint64_t at = map_s1(qts, root, IOVA, RAM | D_PAGE | S1_USER);

    stream(qts, 0, SID(0), TRANSLATE(0));
    stream(qts, 1, SID(1), TRANSLATE(1));
    smmu_on(qts);
    other = s1_bank(qts, 1, 1, 6);
    mark_page(qts, RAM);
    assert_reads(qts, 0, IOVA, mark(RAM));
    qtest_writeq(qts, at, 0);
    wr(qts, CB(0, TLBIASID), 5);
    wr(qts, CB(0, TLBSYNC), 0);
    assert_reads(qts, 0, IOVA, mark(RAM));
    assert_reads(qts, 1, IOVA, mark(RAM));
    wr64(qts, CB(1, TLBIVA), VA_OF(6, IOVA));
    wr(qts, CB(1, TLBSYNC), 0);
    assert_no_read(qts, 0, IOVA);
    map_s1(qts, other, IOVA, RAM | D_PAGE | S1_USER | S1_NG);
    assert_reads(qts, 1, IOVA, mark(RAM));
    assert_no_read(qts, 0, IOVA);
    qtest_quit(qts);
}

/* What both stages gave together is not found by its IPA. */
static void test_tlbi_nested(void)
{
    QTestState *qts = smmu_start(NULL);
    Nested n = nested_stream(qts);
    uint64_t at;

    map_s1(qts, n.s1, IOVA, 0x200003000 | D_PAGE | S1_USER | S1_NG);
    at = map_s2(qts, n.s2, 0x200003000, RAM | D_PAGE | S2_RW);
    mark_page(qts, RAM);
    assert_reads(qts, 0, IOVA, mark(RAM));
    qtest_writeq(qts, at, 0);
    wr64(qts, CB(1, TLBIIPAS2), 0x200003);
    wr(qts, CB(1, TLBSYNC), 0);
    assert_reads(qts, 0, IOVA, mark(RAM));
    wr64(qts, CB(0, TLBIVA), VA_OF(4, IOVA));
    wr(qts, CB(0, TLBSYNC), 0);
    assert_no_read(qts, 0, IOVA);
    qtest_quit(qts);
}

/* The VMID of a nested context is that of its stage-1 bank. */
static void test_tlbi_nested_vmid(void)
{
    QTestState *qts = smmu_start(NULL);
    Nested n = nested_stream(qts);
    uint64_t at;

    wr(qts, CBAR(0), TYPE(SMMUV2_CBAR_NESTED) | S2_BANK(1) | 8);
    map_s1(qts, n.s1, IOVA, 0x200003000 | D_PAGE | S1_USER | S1_NG);
    at = map_s2(qts, n.s2, 0x200003000, RAM | D_PAGE | S2_RW);
    mark_page(qts, RAM);
    assert_reads(qts, 0, IOVA, mark(RAM));
    qtest_writeq(qts, at, 0);
    wr(qts, GR0(TLBIVMID), 9);
    wr(qts, GR0(STLBGSYNC), 0);
    assert_reads(qts, 0, IOVA, mark(RAM));
    wr(qts, GR0(TLBIVMID), 8);
    wr(qts, GR0(STLBGSYNC), 0);
    assert_no_read(qts, 0, IOVA);
    qtest_quit(qts);
}

/* More invalidations than can wait: the oldest happen, none is lost. */
static void test_tlbi_many(void)
{
    QTestState *qts = smmu_start(NULL);

    stale(qts, 0);
    wr64(qts, CB(0, TLBIIPAS2L), IOVA >> 12);
    for (int i = 0; i < 300; i++) {
        wr64(qts, CB(0, TLBIIPAS2L), 0x7000 + i);
    }
    assert_no_read(qts, 0, IOVA);
    wr(qts, CB(0, TLBSYNC), 0);
    assert_no_read(qts, 0, IOVA);
    qtest_quit(qts);
}

/* More pages than the TLB has room for. */
static void test_tlb_full(void)
{
    QTestState *qts = smmu_start(NULL);
    uint64_t root = s2_stream(qts, 0);
    int pages = 1500;

    for (int i = 0; i < pages; i++) {
        map_s2(qts, root, IOVA + i * PAGE,
               (RAM + i * PAGE) | D_PAGE | S2_RW);
        mark_page(qts, RAM + i * PAGE);
    }
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < pages; i++) {
            assert_reads(qts, 0, IOVA + i * PAGE, mark(RAM + i * PAGE));
        }
    }
    qtest_quit(qts);
}

/* lazy-tlb=off: each access is a walk, and nothing is ever stale. */
static void test_tlb_off(void)
{
    QTestState *qts = smmu_start("-global arm-smmuv2.lazy-tlb=off");
    uint64_t root = s2_stream(qts, 0);
    uint64_t at = map_s2(qts, root, IOVA, RAM | D_PAGE | S2_RW);

    assert_reads(qts, 0, IOVA, 0);
    qtest_writeq(qts, at, 0);
    assert_no_read(qts, 0, IOVA);
    qtest_quit(qts);
}

static const SmmuTest tests[] = {
    { "arm-smmuv2-walk/stage2/page", test_s2_page },
    { "arm-smmuv2-walk/stage2/base", test_s2_base },
    { "arm-smmuv2-walk/stage2/blocks", test_s2_blocks },
    { "arm-smmuv2-walk/stage2/second-root", test_s2_second_root },
    { "arm-smmuv2-walk/stage2/input-size", test_s2_input_size },
    { "arm-smmuv2-walk/stage2/permissions", test_s2_permissions },
    { "arm-smmuv2-walk/stage2/execute-never", test_s2_execute_never },
    { "arm-smmuv2-walk/stage2/access-flag", test_s2_access_flag },
    { "arm-smmuv2-walk/stage2/output-size", test_s2_output_size },
    { "arm-smmuv2-walk/stage2/invalid", test_s2_invalid },
    { "arm-smmuv2-walk/stage2/off", test_s2_off },
    { "arm-smmuv2-walk/stage2/start-level", test_s2_start_level },
    { "arm-smmuv2-walk/stage2/granules", test_s2_granules },
    { "arm-smmuv2-walk/tables/not-in-ram", test_table_not_in_ram },
    { "arm-smmuv2-walk/tables/of-itself", test_table_of_itself },
    { "arm-smmuv2-walk/tables/no-aarch32", test_no_aarch32 },
    { "arm-smmuv2-walk/tables/big-endian", test_big_endian },
    { "arm-smmuv2-walk/stage1/permissions", test_s1_permissions },
    { "arm-smmuv2-walk/stage1/table-limits", test_s1_table_limits },
    { "arm-smmuv2-walk/stage1/halves", test_s1_halves },
    { "arm-smmuv2-walk/stage1/top-byte", test_s1_top_byte },
    { "arm-smmuv2-walk/nested/both", test_nested },
    { "arm-smmuv2-walk/nested/blocks", test_nested_blocks },
    { "arm-smmuv2-walk/nested/faults", test_nested_faults },
    { "arm-smmuv2-walk/nested/table-walk", test_nested_table_walk },
    { "arm-smmuv2-walk/nested/stage-off", test_nested_stage_off },
    { "arm-smmuv2-walk/nested/hupcf", test_nested_hupcf },
    { "arm-smmuv2-walk/nested/hupcf-response", test_nested_hupcf_response },
    { "arm-smmuv2-walk/tlb/stale", test_tlb_stale },
    { "arm-smmuv2-walk/tlb/no-faults", test_tlb_no_faults },
    { "arm-smmuv2-walk/tlb/permissions", test_tlb_permissions },
    { "arm-smmuv2-walk/tlb/tags", test_tlb_tags },
    { "arm-smmuv2-walk/tlb/vmid16", test_tlb_vmid16 },
    { "arm-smmuv2-walk/tlb/global", test_tlb_global },
    { "arm-smmuv2-walk/tlb/full", test_tlb_full },
    { "arm-smmuv2-walk/tlb/off", test_tlb_off },
    { "arm-smmuv2-walk/tlbi/block", test_tlbi_block },
    { "arm-smmuv2-walk/tlbi/nested", test_tlbi_nested },
    { "arm-smmuv2-walk/tlbi/nested-vmid", test_tlbi_nested_vmid },
    { "arm-smmuv2-walk/tlbi/many", test_tlbi_many },
};

static void add_tlbis(const char *stage, const Tlbi *tlbis, size_t n,
                      void (*fn)(const void *))
{
    for (size_t i = 0; i < n; i++) {
        g_autofree char *path = g_strdup_printf("arm-smmuv2-walk/tlbi/%s-%s",
                                                stage, tlbis[i].name);

        qtest_add_data_func(path, &tlbis[i], fn);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add_tlbis("stage2", s2_tlbis, ARRAY_SIZE(s2_tlbis), test_tlbi_s2);
    add_tlbis("stage1", s1_tlbis, ARRAY_SIZE(s1_tlbis), test_tlbi_s1);
    return smmu_run(tests, ARRAY_SIZE(tests));
}
