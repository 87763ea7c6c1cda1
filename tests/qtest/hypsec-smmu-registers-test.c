/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host that rewrites the SMMUs' registers: those that switch translation
 * off, select other tables or let streams through; in halves, in one piece,
 * with the wrong size, beside the register; of every bank of both SMMUs. What
 * the hardware holds stays what it was, whether the write was refused or not.
 */
#include "qemu/osdep.h"
#include "hypsec-smmu.h"

#define PROGRAM "hypsec-smmu-registers"
#define PAGE    (HYPSEC_FREE + 24 * HYPSEC_BLOCK)
#define CHANNEL 5

/* Banks of each SMMU in these tests. */
#define HOST_BANK   2
#define VM_BANK     3
#define FREE_BANK   4

#define L3(access)  ((access) | FSC_TRANSLATION | FSC_LEVEL_3)

static const HypsecConfig with_dma = { .cpus = 2, .machine = "dma=on" };

/*
 * The scene of all: a VM that is not verified yet with a page, and with a bank
 * of each SMMU; another bank is the host's.
 */
static void make_banks(HypsecBoard *board)
{
    uint64_t vmid = hypsec_vm_with(board, HYPSEC_GPA, PAGE, 1);

    for (unsigned int i = 0; i < HYPSEC_SMMUS; i++) {
        g_assert_cmpint(hypsec_smmu_alloc(board, VM_BANK, vmid, i), ==,
                        HYPSEC_OK);
        g_assert_cmpint(hypsec_smmu_map(board, HYPSEC_GPA, PAGE,
                                        HYPSEC_SMMU_RW, VM_BANK, i), ==,
                        HYPSEC_OK);
        g_assert_cmpint(hypsec_smmu_alloc(board, HOST_BANK, 0, i), ==,
                        HYPSEC_OK);
    }
}

static HypsecBoard *begin(void)
{
    HypsecBoard *board = hypsec_board(&with_dma);

    hypsec_scene(board, make_banks);
    return board;
}

/* Confined as ever, but that the host's own DMA may not get through. */
static void assert_confined(HypsecBoard *board)
{
    hypsec_check_smmus(board);
    for (unsigned int i = 0; i < HYPSEC_DMA_CHANNELS; i++) {
        HypsecTransfer t = { .op = HYPSEC_DMA_OP_WRITE, .dst = PAGE,
                             .value = 0x0bad };

        g_assert_cmpuint(hypsec_dma(board, i, &t), !=,
                         HYPSEC_DMA_ERROR_NONE);
        t = (HypsecTransfer){ .op = HYPSEC_DMA_OP_READ,
                              .src = board->carveout };
        g_assert_cmpuint(hypsec_dma(board, i, &t), !=,
                         HYPSEC_DMA_ERROR_NONE);
    }
}

/* Wherever the record of a fault is, it is no configuration. */
static bool try_write(HypsecBoard *board, unsigned int index, uint64_t offset,
                      unsigned int log2, uint64_t value)
{
    return hypsec_host_store_of(board, 0, HYPSEC_SMMU(index) + offset, log2,
                                value);
}

/* sCR0 */

static const uint32_t scr0_values[] = {
    0, SCR0_CLIENTPD, ~0u, 0x00200001, 0x00200000, ~SCR0_USFCFG,
    ~SCR0_SMCFCFG, SCR0_CLIENTPD | SCR0_SMCFCFG | SCR0_USFCFG, 0x80000000,
};

static uint32_t scr0_shadow(uint32_t value)
{
    return (value & 0x0fdffcc7) | SCR0_SMCFCFG;
}

/* G66: CLIENTPD switches an SMMU off, USFCFG 0 lets the unknown through. */
static void test_scr0(void)
{
    HypsecBoard *board = begin();

    for (unsigned int index = 0; index < HYPSEC_SMMUS; index++) {
        for (unsigned int i = 0; i < ARRAY_SIZE(scr0_values) + 32; i++) {
            uint32_t value = i < 32 ? 1u << i : scr0_values[i - 32];
            uint32_t hw;

            hypsec_smmu_host_write(board, index, SMMU_SCR0, value);
            hw = hypsec_smmu_get(board, index, SMMU_SCR0);
            g_assert_cmphex(hw & SCR0_CLIENTPD, ==, 0);
            g_assert_cmphex(hw & SCR0_USFCFG, ==, SCR0_USFCFG);
            g_assert_cmphex(hw & SCR0_SMCFCFG, ==, SCR0_SMCFCFG);
            g_assert_cmphex(hw & SCR0_GFIE, ==, value & SCR0_GFIE);
            g_assert_cmphex(hypsec_smmu_host_read(board, index, SMMU_SCR0),
                            ==, scr0_shadow(value));
        }
        assert_confined(board);
    }
}

/* What a host that knows no SMMU relies on stays while it says bypass. */
static void test_bypass_is_identity(void)
{
    HypsecBoard *board = begin();

    hypsec_smmu_host_write(board, HYPSEC_DMA_SMMU, SMMU_SCR0, 0);
    hypsec_smmu_host_write(board, HYPSEC_DMA_SMMU, SMMU_SCR0, SCR0_CLIENTPD);
    hypsec_assert_dma(board, CHANNEL, PAGE + HYPSEC_PAGE);
    assert_confined(board);
}

/* Writes without effect */

typedef struct Write {
    const char *name;
    uint64_t offset;
    unsigned int log2;
    /* 0, all ones and these. */
    uint64_t values[3];
    /* Whether it is: -1 if that depends on the value. */
    int refused;
} Write;

static const Write writes[] = {
    { "scr2", SMMU_SCR2, 2, { 1, 0x1fff, 0xe0000000 } },
    { "sacr", SMMU_SACR, 2, { 0x0400001c, 0x04000000, 0x500 } },
    { "idr0", SMMU_IDR(0), 2, { 1 } },
    { "idr1", SMMU_IDR(1), 2, { 1 } },
    { "smr/first", SMMU_SMR(0), 2,
      { SMR_VALID | HYPSEC_DMA_SID(0), SMR_VALID | SMR_MASK(0x7fff),
        SMR_VALID } },
    { "smr/last-of-the-host", SMMU_SMR(23), 2,
      { SMR_VALID | HYPSEC_DMA_SID(0), SMR_VALID | SMR_MASK(0x7fff),
        SMR_VALID } },
    { "smr/first-of-el2", SMMU_SMR(24), 2, { SMR_VALID }, 1 },
    { "smr/last", SMMU_SMR(31), 2, { SMR_VALID }, 1 },
    { "smr/behind-the-last", SMMU_SMR(32), 2, { SMR_VALID }, 1 },
    { "smr/127", SMMU_SMR(127), 2, { SMR_VALID }, 1 },
    /* 0 would be EL2's bank. */
    { "s2cr/bypass", SMMU_S2CR(0), 2,
      { S2CR_BYPASS, S2CR_BYPASS | 0xff, S2CR_FAULT }, -1 },
    { "s2cr/last-of-the-host", SMMU_S2CR(23), 2,
      { S2CR_BYPASS, S2CR_FAULT, S2CR_TYPE }, -1 },
    { "s2cr/first-of-el2", SMMU_S2CR(24), 2, { S2CR_BYPASS }, 1 },
    { "s2cr/last", SMMU_S2CR(31), 2, { S2CR_BYPASS, S2CR_FAULT }, 1 },
    { "s2cr/behind-the-last", SMMU_S2CR(32), 2, { S2CR_BYPASS }, 1 },
    { "cbar/host/stage1", SMMU_CBAR(HOST_BANK), 2,
      { 0x10000, 0x30000 | VM_BANK << 8, 0x31 } },
    { "cbar/behind-the-last", SMMU_CBAR(8), 2, { 1 }, 1 },
    { "cbar/511", SMMU_CBAR(511 & 0xff), 2, { 1 }, 1 },
    { "cba2r/host", SMMU_CBA2R(HOST_BANK), 2, { 0x10000, 2, 0x31u << 16 } },
    { "cba2r/behind-the-last", SMMU_CBA2R(8), 2, { 1 }, 1 },
    /* G70: what only secure software has. */
    { "scr1", 0x004, 2, { 1 }, 1 },
    { "stlbiall", 0x060, 2, { 1 }, 1 },
    { "gats1ur", 0x100, 3, { PAGE }, 1 },
    { "gats1ur/half", 0x100, 2, { PAGE }, 1 },
    { "gats12pw", 0x138, 3, { PAGE }, 1 },
    { "sgpar", 0x180, 2, { 1 }, 1 },
    { "alias-of-scr0", 0x400, 2, { SCR0_CLIENTPD }, 1 },
    { "alias-of-sync", 0x470, 2, { 1 }, 1 },
    { "page2", 0x2000, 2, { 1 }, 1 },
    { "pmu", 0x3000, 2, { 1 }, 1 },
    { "pmu/control", 0x3e04, 2, { 1 }, 1 },
    { "ssd", 0x4000, 2, { 1 }, 1 },
    { "page7", 0x7ffc, 2, { 1 }, 1 },
};

/* The registers of a bank that EL2 sets. */
static const Write bank_writes[] = {
    { "sctlr", SMMU_CB_SCTLR, 2, { SCTLR_CFCFG, 0x100, SCTLR_M | SCTLR_E } },
    { "actlr", SMMU_CB_ACTLR, 2, { 3, 1 } },
    { "tcr2", SMMU_CB_TCR2, 2, { 0x60, 0x5 } },
    { "ttbr0/low", SMMU_CB_TTBR0, 2, { PAGE, HYPSEC_RAM } },
    { "ttbr0/high", SMMU_CB_TTBR0 + 4, 2, { 1, 0xffff0000 } },
    { "ttbr0", SMMU_CB_TTBR0, 3, { PAGE, HYPSEC_RAM, HYPSEC_FREE } },
    { "ttbr1/low", SMMU_CB_TTBR1, 2, { PAGE } },
    { "ttbr1", SMMU_CB_TTBR1, 3, { PAGE } },
    { "tcr", SMMU_CB_TCR, 2, { 0x80043518, 0x80027558, 0x80023598 } },
    { "contextidr", SMMU_CB_CONTEXTIDR, 2, { 7 } },
    { "mair0", SMMU_CB_MAIR0, 2, { 0xff } },
    { "mair1", SMMU_CB_MAIR1, 2, { 0xff } },
};

/*
 * The refusal is counted; the hardware is as before, also when several have
 * been written. Interrupt enables are the host's to choose: left out.
 */
static void write_all(HypsecBoard *board, const HypsecSmmuState *before,
                      unsigned int index, uint64_t offset, const Write *w,
                      int refused)
{
    for (int i = -2; i < (int)ARRAY_SIZE(w->values); i++) {
        uint64_t value = i == -2 ? ~UINT64_C(0) : i == -1 ? 0 : w->values[i];
        uint64_t refusals = hypsec_counters(board, 0).refusals;
        bool done;

        if (offset % 0x1000 == SMMU_CB_SCTLR && offset >= SMMU_CB(0)) {
            value &= ~(uint64_t)SCTLR_CFIE;
        }
        done = try_write(board, index, offset, w->log2, value);
        if (refused >= 0 && done == refused) {
            HYPSEC_FAIL(board, "SMMU%u + 0x%" PRIx64 ": 0x%" PRIx64 " is %s",
                        index, offset, value, done ? "taken" : "refused");
        }
        g_assert_cmpuint(hypsec_counters(board, 0).refusals - refusals, ==,
                         !done);
    }
    hypsec_assert_smmu_state(board, before);
}

static void test_write(const void *data)
{
    const Write *w = data;
    HypsecBoard *board = begin();
    g_autoptr(HypsecSmmuState) before = hypsec_smmu_state(board);

    for (unsigned int index = 0; index < HYPSEC_SMMUS; index++) {
        write_all(board, before, index, w->offset, w, w->refused);
    }
    assert_confined(board);
    hypsec_assert_dma(board, CHANNEL, PAGE + HYPSEC_PAGE);
}

/* All banks of both: the host's have shadows, all others are nobody's. */
static void test_bank_write(const void *data)
{
    const Write *w = data;
    HypsecBoard *board = begin();
    g_autoptr(HypsecSmmuState) before = hypsec_smmu_state(board);

    for (unsigned int index = 0; index < HYPSEC_SMMUS; index++) {
        for (unsigned int bank = 0; bank < HYPSEC_SMMU_BANKS; bank++) {
            /* Linux turns every bank off when it starts: ignored. */
            bool probed = w->offset == SMMU_CB_SCTLR ||
                          w->offset == SMMU_CB_ACTLR;

            write_all(board, before, index, SMMU_CB(bank) + w->offset, w,
                      bank == HOST_BANK ? 0 : probed ? -1 : 1);
        }
    }
    assert_confined(board);
    hypsec_assert_dma(board, CHANNEL, PAGE + HYPSEC_PAGE);
}

/* CBAR and CBA2R of each bank: its type, its tag, its format. */
static void test_attributes(void)
{
    static const Write w = { "", 0, 2, { 0x10000, 0x30300, 0x00031 } };
    HypsecBoard *board = begin();
    g_autoptr(HypsecSmmuState) before = hypsec_smmu_state(board);

    for (unsigned int index = 0; index < HYPSEC_SMMUS; index++) {
        for (unsigned int bank = 0; bank < HYPSEC_SMMU_BANKS; bank++) {
            write_all(board, before, index, SMMU_CBAR(bank), &w,
                      bank != HOST_BANK);
            write_all(board, before, index, SMMU_CBA2R(bank), &w,
                      bank != HOST_BANK);
        }
    }
    assert_confined(board);
}

/* Turning on what is not the host's is no part of a probe. */
static void test_enable(void)
{
    HypsecBoard *board = begin();

    for (unsigned int index = 0; index < HYPSEC_SMMUS; index++) {
        for (unsigned int bank = 0; bank < HYPSEC_SMMU_BANKS; bank++) {
            uint64_t sctlr = SMMU_CB(bank) + SMMU_CB_SCTLR;
            uint32_t was = hypsec_smmu_get(board, index, sctlr);

            g_assert_true(try_write(board, index, sctlr, 2, 0));
            g_assert_cmphex(hypsec_smmu_get(board, index, sctlr) &
                            ~SCTLR_CFIE, ==, was & ~SCTLR_CFIE);
            g_assert_true(try_write(board, index, sctlr, 2,
                                    SCTLR_M | SCTLR_CFRE) ==
                          (bank == HOST_BANK));
            g_assert_cmphex(hypsec_smmu_get(board, index, sctlr) &
                            ~SCTLR_CFIE, ==, was & ~SCTLR_CFIE);
        }
    }
    hypsec_check_smmus(board);
}

/* What is not the host's tells it nothing. */
static void test_reads(void)
{
    HypsecBoard *board = begin();
    uint64_t value;

    g_assert_false(hypsec_dma_load(board, CHANNEL, PAGE, &value));
    for (unsigned int index = 0; index < HYPSEC_SMMUS; index++) {
        for (unsigned int bank = 0; bank < HYPSEC_SMMU_BANKS; bank++) {
            if (bank == HOST_BANK) {
                continue;
            }
            g_assert_cmphex(hypsec_smmu_host_read(board, index,
                                                  SMMU_CBAR(bank)), ==, 0);
            g_assert_cmphex(hypsec_smmu_host_read(board, index,
                                                  SMMU_CBFRSYNRA(bank)), ==,
                            0);
            for (uint64_t at = 0; at < 0x80; at += 4) {
                value = hypsec_smmu_host_read(board, index,
                                              SMMU_CB(bank) + at);
                g_assert_cmphex(value, ==, 0);
            }
        }
        for (unsigned int n = HYPSEC_SMMU_HOST_STREAMS;
             n < HYPSEC_SMMU_STREAMS; n++) {
            g_assert_cmphex(hypsec_smmu_host_read(board, index, SMMU_SMR(n)),
                            ==, 0);
            g_assert_cmphex(hypsec_smmu_host_read(board, index,
                                                  SMMU_S2CR(n)), ==, 0);
        }
        /* The root of the host's own bank is EL2's as well. */
        g_assert_cmphex(hypsec_smmu_host_read(board, index, SMMU_CB(HOST_BANK)
                                              + SMMU_CB_TTBR0), ==, 0);
        g_assert_cmphex(hypsec_smmu_host_read(board, index, SMMU_IDR(0)) &
                        0xff, ==, HYPSEC_SMMU_HOST_STREAMS);
    }
}

/* What it wrote is what it reads: read-modify-write works. */
static void test_shadows(void)
{
    static const struct {
        uint64_t offset;
        uint32_t value;
    } shadows[] = {
        { SMMU_SACR, 0x04000100 },
        { SMMU_SMR(7), SMR_VALID | SMR_MASK(3) | 0x20 },
        { SMMU_S2CR(7), S2CR_BYPASS },
        { SMMU_S2CR(8), S2CR_TRANSLATE | HOST_BANK },
        { SMMU_CBAR(HOST_BANK), HOST_BANK + 1 },
        { SMMU_CBA2R(HOST_BANK), 1 },
        { SMMU_CB(HOST_BANK) + SMMU_CB_SCTLR, 0x67 },
        { SMMU_CB(HOST_BANK) + SMMU_CB_TCR, 0x80023558 },
        { SMMU_CB(HOST_BANK) + SMMU_CB_TTBR0, 0x44000000 },
        { SMMU_CB(HOST_BANK) + SMMU_CB_TTBR0 + 4, 0x12 },
    };
    HypsecBoard *board = begin();

    for (unsigned int index = 0; index < HYPSEC_SMMUS; index++) {
        for (size_t i = 0; i < ARRAY_SIZE(shadows); i++) {
            hypsec_smmu_host_write(board, index, shadows[i].offset,
                                   shadows[i].value);
        }
        for (size_t i = 0; i < ARRAY_SIZE(shadows); i++) {
            g_assert_cmphex(hypsec_smmu_host_read(board, index,
                                                  shadows[i].offset), ==,
                            shadows[i].value);
        }
    }
    assert_confined(board);
}

/* G66: a stream for a bank that is EL2's, a VM's or nobody's. */
static void test_foreign_bank(void)
{
    HypsecBoard *board = begin();

    for (unsigned int index = 0; index < HYPSEC_SMMUS; index++) {
        g_autoptr(HypsecSmmuState) before = hypsec_smmu_state(board);

        for (unsigned int bank = 0; bank < 256;
             bank += bank < HYPSEC_SMMU_BANKS ? 1 : 61) {
            bool done = try_write(board, index, SMMU_S2CR(3), 2,
                                  S2CR_TRANSLATE | bank);

            g_assert_true(done == (bank == HOST_BANK));
            hypsec_assert_smmu_state(board, before);
        }
    }
}

/* Sizes, places and kinds of access */

typedef struct Access {
    const char *name;
    uint64_t offset;
    uint32_t iss;
} Access;

/* Of registers that may be written in another way. */
static const Access accesses[] = {
    { "byte", SMMU_SCR0, ISS_ACCESS(0, 0, 2, 0) },
    { "half", SMMU_SCR0, ISS_ACCESS(1, 0, 2, 0) },
    { "byte-inside", SMMU_SCR0 + 1, ISS_ACCESS(0, 0, 2, 0) },
    { "64-bit-at-32", SMMU_SCR0, ISS_ACCESS(3, 0, 2, 1) },
    { "64-bit-at-smr", SMMU_SMR(0), ISS_ACCESS(3, 0, 2, 1) },
    { "64-bit-at-s2cr", SMMU_S2CR(2), ISS_ACCESS(3, 0, 2, 1) },
    { "64-bit-at-cbar", SMMU_CBAR(HOST_BANK), ISS_ACCESS(3, 0, 2, 1) },
    { "64-bit-at-sctlr", SMMU_CB(HOST_BANK), ISS_ACCESS(3, 0, 2, 1) },
    { "unaligned-32", SMMU_SCR0 + 2, ISS_ACCESS(2, 0, 2, 0) },
    { "unaligned-32-across-registers", SMMU_S2CR(0) + 3,
      ISS_ACCESS(2, 0, 2, 0) },
    { "unaligned-64", SMMU_CB(HOST_BANK) + SMMU_CB_TTBR0 + 4,
      ISS_ACCESS(3, 0, 2, 1) },
    { "unaligned-64-below-ttbr0", SMMU_CB(HOST_BANK) + SMMU_CB_TTBR0 - 4,
      ISS_ACCESS(3, 0, 2, 1) },
    { "across-pages", 0x0ffe, ISS_ACCESS(2, 0, 2, 0) },
    { "across-the-end", HYPSEC_SMMU_BYTES - 2, ISS_ACCESS(2, 0, 2, 0) },
    { "64-bit-across-the-end", HYPSEC_SMMU_BYTES - 4, ISS_ACCESS(3, 0, 2, 1) },
    /* G71: the syndrome does not say what it was. */
    { "no-syndrome", SMMU_SCR0, 0 },
    { "no-syndrome-ttbr0", SMMU_CB(HOST_BANK) + SMMU_CB_TTBR0, 0 },
    { "cache-maintenance", SMMU_SCR0, ISS_CM },
    { "table-walk", SMMU_SCR0, ISS_S1PTW },
};

static void test_access(const void *data)
{
    const Access *a = data;
    HypsecBoard *board = begin();

    for (unsigned int index = 0; index < HYPSEC_SMMUS; index++) {
        g_autoptr(HypsecSmmuState) before = hypsec_smmu_state(board);
        uint64_t refusals = hypsec_counters(board, 0).refusals;

        for (uint32_t write = 0; write <= ISS_WNR; write += ISS_WNR) {
            HypsecReturn r = hypsec_dabt(board, 0,
                                         HYPSEC_SMMU(index) + a->offset,
                                         L3(a->iss | write));

            hypsec_assert_aborted(&r);
            hypsec_assert_smmu_state(board, before);
        }
        g_assert_cmpuint(hypsec_counters(board, 0).refusals, ==,
                         refusals + 2);
    }
    hypsec_check_smmus(board);
}

/* G71: executed for real. */
static void test_odd_instructions(void)
{
    enum {
        STP = 0xa9000c22,       /* stp x2, x3, [x1] */
        STP_W = 0x29000c22,     /* stp w2, w3, [x1] */
        STR_POST = 0xb8004422,  /* str w2, [x1], #4 */
        LDR_PRE = 0xb8404c22,   /* ldr w2, [x1, #4]! */
    };
    static const uint32_t odd[] = { STP, STP_W, STR_POST, LDR_PRE };
    HypsecBoard *board = begin();

    for (unsigned int index = 0; index < HYPSEC_SMMUS; index++) {
        g_autoptr(HypsecSmmuState) before = hypsec_smmu_state(board);

        for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
            HypsecRun run = {
                .x = { 0, HYPSEC_SMMU(index) + SMMU_CB(HOST_BANK) +
                          SMMU_CB_TTBR0, PAGE, 0 },
                .code = &odd[i], .count = 1,
            };

            g_assert_false(hypsec_run(board, 0, &run));
            g_assert_cmphex(run.esr & ~ISS_WNR, ==,
                            ESR(EC_DABT_CUR, FSC_EXTERNAL));
            hypsec_assert_smmu_state(board, before);
        }
        g_assert_false(hypsec_host_fetch(board, 0, HYPSEC_SMMU(index)));
        hypsec_assert_smmu_state(board, before);
    }
}

/* G71: register 31 is zero when it is stored, and nothing when loaded. */
static void test_register_31(void)
{
    static const uint32_t store = INSN_STR(2, 31, 1);
    static const uint32_t load = INSN_LDR(2, 31, 1);
    HypsecBoard *board = begin();
    uint64_t at = HYPSEC_SMMU(HYPSEC_DMA_SMMU) + SMMU_SMR(5);
    HypsecRun run = { .x = { 0, at }, .code = &store, .count = 1 };

    hypsec_smmu_host_write(board, HYPSEC_DMA_SMMU, SMMU_SMR(5), 0x7fff);
    g_assert_true(hypsec_run(board, 0, &run));
    g_assert_cmphex(hypsec_smmu_host_read(board, HYPSEC_DMA_SMMU,
                                          SMMU_SMR(5)), ==, 0);
    run = (HypsecRun){ .x = { 0, at }, .code = &load, .count = 1 };
    g_assert_true(hypsec_run(board, 0, &run));
    for (unsigned int i = 2; i < PARK_NR_X; i++) {
        g_assert_cmphex(run.x[i], ==, 0);
    }
}

/*
 * G66: the register is found by the IPA. An address of the host's own with
 * other bits 15 to 12 names no other register.
 */
static void test_far(void)
{
    HypsecBoard *board = begin();
    uint64_t shadow = SMMU_CB(HOST_BANK) + SMMU_CB_TCR;

    for (unsigned int page = 0; page < 16; page++) {
        HypsecEvent event = hypsec_event_dabt(0, HYPSEC_SMMU(1) + shadow,
                                              L3(ISS_ACCESS(2, 0, 2, 0) |
                                                 ISS_WNR));
        g_autoptr(HypsecSmmuState) before = hypsec_smmu_state(board);
        HypsecReturn r;

        event.far = UINT64_C(0xffff000012340000) + page * 0x1000 +
                    SMMU_CB_TCR;
        event.x[2] = 0x1000 + page;
        r = hypsec_fire(board, &event);
        g_assert_cmphex(r.c.pc, ==, HYPSEC_EVENT_PC + 4);
        hypsec_assert_smmu_state(board, before);
        g_assert_cmphex(hypsec_smmu_host_read(board, 1, shadow), ==,
                        0x1000 + page);
    }
}

/* The pages before and behind are no SMMU's. */
static void test_outside(void)
{
    static const uint64_t places[] = {
        HYPSEC_SMMU(0) - 4, HYPSEC_SMMU(HYPSEC_SMMUS),
        HYPSEC_SMMU(0) - HYPSEC_PAGE,
    };
    HypsecBoard *board = begin();
    g_autoptr(HypsecSmmuState) before = hypsec_smmu_state(board);

    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        uint64_t value;

        if (hypsec_host_load_of(board, 0, places[i], 2, &value)) {
            hypsec_host_store_of(board, 0, places[i], 2, ~0u);
        }
        hypsec_assert_smmu_state(board, before);
    }
    /* And nothing else leads there: no page of them is the host's. */
    for (unsigned int index = 0; index < HYPSEC_SMMUS; index++) {
        for (uint64_t at = 0; at < HYPSEC_SMMU_BYTES; at += HYPSEC_PAGE) {
            g_assert_cmphex(hypsec_s2_entry(board, HYPSEC_SMMU(index) + at),
                            ==, 0);
        }
    }
}

/* What belongs to an SMMU is no device for a VM. */
static void test_ioremap(void)
{
    HypsecBoard *board = begin();

    for (uint64_t at = 0; at < HYPSEC_SMMU_BYTES; at += HYPSEC_PAGE) {
        g_assert_cmpint(hypsec_call(board, 0, HYPSEC_HVC_PHYS_ADDR_IOREMAP, 1,
                                    0x0a000000, HYPSEC_SMMU(1) + at,
                                    HYPSEC_PAGE), ==, HYPSEC_DENIED);
    }
}

/*
 * TLB maintenance: whatever the host has in the registers, EL2's reaches the
 * entry. Each write is followed by a page that all channels have just used and
 * that is given away.
 */
static void test_tlb_maintenance(void)
{
    static const struct {
        uint64_t offset;
        uint32_t value;
    } before[] = {
        { SMMU_SCR0, ~SCR0_CLIENTPD },
        { SMMU_SCR0, SCR0_CLIENTPD },
        { SMMU_SACR, ~0u },
        { SMMU_SACR, 0 },
        { SMMU_SCR2, ~0u },
        { SMMU_TLBIVMID, 0 },
        { SMMU_TLBIALLNSNH, 0 },
        { SMMU_TLBIALLH, 0 },
        { SMMU_STLBGSYNC, 0 },
        { SMMU_STLBGSTATUS, 1 },
        { SMMU_CB(HOST_BANK) + SMMU_CB_TLBSYNC, 0 },
        { SMMU_CB(HOST_BANK) + SMMU_CB_TLBSTATUS, 1 },
        { SMMU_CB(HOST_BANK) + SMMU_CB_TLBIIPAS2L, 0 },
        { SMMU_CB(HOST_BANK) + SMMU_CB_ACTLR, ~0u },
        { SMMU_CBAR(HOST_BANK), 0 },
    };
    HypsecBoard *board = begin();
    uint64_t vmid = hypsec_vm(board);
    uint64_t idx = hypsec_vm_image(board, vmid, HYPSEC_GPA, HYPSEC_BLOCK);

    for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
        uint64_t page = PAGE + HYPSEC_BLOCK + i * HYPSEC_PAGE;

        hypsec_smmu_host_write(board, HYPSEC_DMA_SMMU, SMMU_SCR0,
                               SCR0_CLIENTPD);
        for (unsigned int c = 0; c < HYPSEC_DMA_CHANNELS; c++) {
            hypsec_assert_dma(board, c, page);
        }
        hypsec_fill(board, page);
        hypsec_smmu_host_write(board, HYPSEC_DMA_SMMU, before[i].offset,
                               before[i].value);
        hypsec_vm_give(board, vmid, idx, page);
        hypsec_smmu_host_write(board, HYPSEC_DMA_SMMU, SMMU_SCR0,
                               SCR0_CLIENTPD);
        for (unsigned int c = 0; c < HYPSEC_DMA_CHANNELS; c++) {
            hypsec_assert_no_dma(board, c, page);
        }
        hypsec_assert_filled(board, page);
    }
    hypsec_check_smmus(board);
}

/* Operations of banks that are not the host's are not its to start. */
static void test_foreign_maintenance(void)
{
    static const uint64_t ops[] = {
        SMMU_CB_TLBIIPAS2, SMMU_CB_TLBIIPAS2L, SMMU_CB_TLBSYNC,
    };
    HypsecBoard *board = begin();

    for (unsigned int bank = 0; bank < HYPSEC_SMMU_BANKS; bank++) {
        for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
            g_assert_true(try_write(board, HYPSEC_DMA_SMMU,
                                    SMMU_CB(bank) + ops[i], 2, 0) ==
                          (bank == HOST_BANK));
        }
    }
}

/* Anything, anywhere: whatever it was, all of it is confined. */
static void test_anything(void)
{
    enum { ROUNDS = 12, WRITES = 250 };
    HypsecBoard *board = begin();
    g_autoptr(GRand) rand = g_rand_new_with_seed(20);
    HypsecEvent events[WRITES];
    HypsecReturn returns[WRITES];

    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < WRITES; i++) {
            static const uint64_t starts[] = {
                0, SMMU_SMR(0), SMMU_S2CR(0), SMMU_CBAR(0), SMMU_CBA2R(0),
                SMMU_CB(0), SMMU_CB(HOST_BANK), SMMU_CB(VM_BANK),
                SMMU_CB(FREE_BANK), 0x600, SMMU_CB(HOST_BANK) + 0x600,
            };
            uint64_t offset = starts[g_rand_int_range(rand, 0,
                                                      ARRAY_SIZE(starts))] +
                              g_rand_int_range(rand, 0, 40) * 4;
            unsigned int log2 = g_rand_int_range(rand, 0, 5) ? 2 : 3;
            unsigned int index = g_rand_int_range(rand, 0, HYPSEC_SMMUS);

            events[i] = hypsec_event_dabt(i % 2, HYPSEC_SMMU(index) + offset,
                                          L3(ISS_ACCESS(log2, 0, 2,
                                                        log2 == 3) |
                                             ISS_WNR));
            events[i].x[2] = g_rand_boolean(rand) ? g_rand_int(rand) :
                             1ULL << g_rand_int_range(rand, 0, 32);
        }
        hypsec_ring(board, events, WRITES, returns);
        hypsec_check_smmus(board);
    }
    assert_confined(board);
    /* And all of it is put right by a host that knows no SMMU. */
    hypsec_smmu_host_write(board, HYPSEC_DMA_SMMU, SMMU_SCR0, SCR0_CLIENTPD);
    hypsec_assert_dma(board, CHANNEL, PAGE + HYPSEC_PAGE);
}

static void add_writes(const char *folder, const Write *w, size_t n,
                       GTestDataFunc test)
{
    for (size_t i = 0; i < n; i++) {
        g_autofree char *path = g_strdup_printf(PROGRAM "/%s/%s", folder,
                                                w[i].name);

        qtest_add_data_func(path, &w[i], test);
    }
}

int main(int argc, char **argv)
{
    if (!hypsec_lib_init(&argc, &argv)) {
        return 1;
    }
    qtest_add_func(PROGRAM "/G66/scr0", test_scr0);
    qtest_add_func(PROGRAM "/good/bypass-is-identity",
                   test_bypass_is_identity);
    qtest_add_func(PROGRAM "/good/shadows", test_shadows);
    add_writes("G66/write", writes, ARRAY_SIZE(writes), test_write);
    add_writes("G66/bank", bank_writes, ARRAY_SIZE(bank_writes),
               test_bank_write);
    qtest_add_func(PROGRAM "/G66/attributes", test_attributes);
    qtest_add_func(PROGRAM "/G66/enable", test_enable);
    qtest_add_func(PROGRAM "/G66/foreign-bank", test_foreign_bank);
    qtest_add_func(PROGRAM "/reads", test_reads);
    for (size_t i = 0; i < ARRAY_SIZE(accesses); i++) {
        g_autofree char *path = g_strdup_printf(PROGRAM "/access/%s",
                                                accesses[i].name);

        qtest_add_data_func(path, &accesses[i], test_access);
    }
    qtest_add_func(PROGRAM "/G71/odd-instructions", test_odd_instructions);
    qtest_add_func(PROGRAM "/G71/register-31", test_register_31);
    qtest_add_func(PROGRAM "/G66/far", test_far);
    qtest_add_func(PROGRAM "/outside", test_outside);
    qtest_add_func(PROGRAM "/G26/ioremap", test_ioremap);
    qtest_add_func(PROGRAM "/G69/tlb-maintenance", test_tlb_maintenance);
    qtest_add_func(PROGRAM "/foreign-maintenance", test_foreign_maintenance);
    qtest_add_func(PROGRAM "/anything", test_anything);
    return hypsec_lib_run();
}
