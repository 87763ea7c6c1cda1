/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of arm-smmuv2 share: the SMMU of platform masters on a board
 * without firmware, tables, and hypsec-dma as the master.
 *
 * Channel n is stream SID(n). Its descriptor goes through the SMMU as its
 * data does, so every set of tables made here maps the descriptors as well.
 */
#ifndef ARM_SMMUV2_LIB_H
#define ARM_SMMUV2_LIB_H

#include "hw/hypsec/arm-smmuv2-regs.h"
#include "hypsec/dma.h"
#include "hypsec-test.h"

#define SMMU0 0x09050000ULL
#define SMMU1 0x09060000ULL
#define BANKS 8
#define ENTRIES 32

/* Offsets in the SMMU, from those in the pages of it. */
#define GR0(name) A_SMMU_##name
#define SMR(n) (A_SMMU_SMR + (n) * 4)
#define S2CR(n) (A_SMMU_S2CR + (n) * 4)
#define CBAR(n) (0x1000 + A_SMMU_CBAR + (n) * 4)
#define CBFRSYNRA(n) (0x1000 + A_SMMU_CBFRSYNRA + (n) * 4)
#define CBA2R(n) (0x1000 + A_SMMU_CBA2R + (n) * 4)
#define CB(n, name) (0x8000 + (n) * 0x1000 + A_SMMU_CB_##name)

#define SID(ch) (HYPSEC_DMA_STREAM_BASE + (ch))

/* sCR0 */
#define CLIENTPD R_SMMU_SCR0_CLIENTPD_MASK
#define GFRE R_SMMU_SCR0_GFRE_MASK
#define GFIE R_SMMU_SCR0_GFIE_MASK
#define USFCFG R_SMMU_SCR0_USFCFG_MASK
#define SMCFCFG R_SMMU_SCR0_SMCFCFG_MASK
/* sGFSR */
#define ICF R_SMMU_SGFSR_ICF_MASK
#define USF R_SMMU_SGFSR_USF_MASK
#define SMCF R_SMMU_SGFSR_SMCF_MASK
#define UCBF R_SMMU_SGFSR_UCBF_MASK
/* S2CR, SMR */
#define TRANSLATE(bank) (bank)
#define BYPASS (SMMUV2_S2CR_BYPASS << 16)
#define FAULT (SMMUV2_S2CR_FAULT << 16)
#define VALID R_SMMU_SMR_VALID_MASK
#define MASK(bits) ((uint32_t)(bits) << 16)
/* CBAR */
#define TYPE(t) ((uint32_t)(t) << 16)
#define S2_BANK(n) ((uint32_t)(n) << 8)
/* SCTLR */
#define M R_SMMU_CB_SCTLR_M_MASK
#define AFFD R_SMMU_CB_SCTLR_AFFD_MASK
#define CFRE R_SMMU_CB_SCTLR_CFRE_MASK
#define CFIE R_SMMU_CB_SCTLR_CFIE_MASK
#define HUPCF R_SMMU_CB_SCTLR_HUPCF_MASK
#define PTW R_SMMU_CB_SCTLR_PTW_MASK
/* FSR of a bank with tables of AArch64 */
#define MULTI 0x80000000u
#define AARCH64 (SMMUV2_FSR_FORMAT_AARCH64 << 9)
#define TF (AARCH64 | R_SMMU_CB_FSR_TF_MASK)
#define AFF (AARCH64 | R_SMMU_CB_FSR_AFF_MASK)
#define PF (AARCH64 | R_SMMU_CB_FSR_PF_MASK)
#define EF (AARCH64 | R_SMMU_CB_FSR_EF_MASK)
#define ASF (AARCH64 | R_SMMU_CB_FSR_ASF_MASK)
/* FSYNR0 */
#define LEVEL(n) (n)
#define NESTED R_SMMU_CB_FSYNR0_NESTED_MASK
#define S1PTWF R_SMMU_CB_FSYNR0_S1PTWF_MASK
#define WNR R_SMMU_CB_FSYNR0_WNR_MASK
#define PNU R_SMMU_CB_FSYNR0_PNU_MASK
#define IND R_SMMU_CB_FSYNR0_IND_MASK
#define S1CBNDX(n) ((uint32_t)(n) << 16)

/* 40 bits of input, from level 1 with two tables; 40 bits of output. */
#define TCR_S2 0x80023558u
/* 39 bits of input by TTBR0, TTBR1 off; 40 bits of output by TCR2. */
#define TCR_S1 (0x19u | R_SMMU_CB_TCR_EPD1_MASK)
#define TCR2_S1 (2u | 7u << 15)

/* Descriptors: of tables; of both stages; of one. */
#define D_TABLE 3ULL
#define D_PAGE (3ULL | D_AF)
#define D_BLOCK (1ULL | D_AF)
#define D_AF (1ULL << 10)
#define S2_R (1ULL << 6 | S2_NORMAL)
#define S2_W (1ULL << 7 | S2_NORMAL)
#define S2_RW (S2_R | S2_W)
#define S2_NORMAL (0xfULL << 2)
#define S2_XN (1ULL << 54)
#define S1_USER (1ULL << 6)
#define S1_RO (1ULL << 7)
#define S1_NG (1ULL << 11)
#define S1_PXN (1ULL << 53)
#define S1_UXN (1ULL << 54)

#define PAGE 0x1000ULL
#define BLOCK 0x200000ULL
#define DESCRIPTORS 0x47000000ULL
#define TABLES 0x48000000ULL
/* Some memory for data, and what is an address of nothing. */
#define RAM 0x50000000ULL
#define HOLE 0x0c000000ULL
/* Input addresses that are not those of memory. */
#define IOVA 0x123456000ULL

#define NO_CHANNEL_ERROR HYPSEC_DMA_ERROR_NONE

/* A board with interrupts of SMMU1 to be seen; @args may be NULL. */
QTestState *smmu_start(const char *args);

/* Which SMMU the following are about, from here on; SMMU1 after a start. */
void smmu_select(uint64_t base);

uint32_t rd(QTestState *qts, uint32_t offset);
void wr(QTestState *qts, uint32_t offset, uint32_t value);
uint64_t rd64(QTestState *qts, uint32_t offset);
void wr64(QTestState *qts, uint32_t offset, uint64_t value);

/* Interrupt lines of SMMU1. */
bool global_line(QTestState *qts);
bool bank_line(QTestState *qts, int bank);

/* An empty table; @tables of them, one behind the other and aligned so. */
uint64_t new_table(QTestState *qts, int tables);

/**
 * map_at() - put a leaf into tables of the 4 KiB granule
 * @qts: the board
 * @root: the first table or tables
 * @start: its level
 * @level: of the leaf; the tables that it takes are made
 * @in: input address
 * @leaf: the descriptor
 *
 * Returns: where the descriptor is
 */
uint64_t map_at(QTestState *qts, uint64_t root, int start, int level,
                uint64_t in, uint64_t leaf);

/* Page or block of stage 2, 40 bits. */
uint64_t map_s2(QTestState *qts, uint64_t root, uint64_t ipa, uint64_t leaf);
/* Page of stage 1, 39 bits. */
uint64_t map_s1(QTestState *qts, uint64_t root, uint64_t va, uint64_t leaf);

/**
 * s2_bank() - make a bank translate by tables of stage 2
 * @qts: the board
 * @bank: which
 * @vmid: its tag
 *
 * Faults abort, interrupt and do not block what follows.
 *
 * Returns: its root, which maps the descriptors only
 */
uint64_t s2_bank(QTestState *qts, int bank, int vmid);

/* The same for stage 1, with an ASID. */
uint64_t s1_bank(QTestState *qts, int bank, int vmid, int asid);

/* Entry @entry: stream @sid goes where @s2cr says. */
void stream(QTestState *qts, int entry, uint32_t sid, uint32_t s2cr);

/* Client accesses are looked at; streams without an entry fault. */
void smmu_on(QTestState *qts);

/**
 * s2_stream() - all at once: channel @n is translated by bank @n, VMID @n + 1
 * @qts: the board
 * @n: channel, bank and entry
 *
 * Returns: the root of the tables
 */
uint64_t s2_stream(QTestState *qts, int n);

/**
 * dma_read() - let a channel read 8 bytes
 * @qts: the board
 * @ch: the channel
 * @addr: where
 * @value: what it read, or NULL
 *
 * Returns: 0, or HYPSEC_DMA_ERROR_*
 */
uint32_t dma_read(QTestState *qts, int ch, uint64_t addr, uint64_t *value);

/* The same for a write. */
uint32_t dma_write(QTestState *qts, int ch, uint64_t addr, uint64_t value);

/* Where the channel's last error was. */
uint64_t dma_fault(QTestState *qts, int ch);

/* The channel reads @value at @addr. */
#define assert_reads(qts, ch, addr, value) do { \
    uint64_t got_; \
    g_assert_cmphex(dma_read(qts, ch, addr, &got_), ==, 0); \
    g_assert_cmphex(got_, ==, value); \
} while (0)

/* It gets an error. */
#define assert_no_read(qts, ch, addr) \
    g_assert_cmphex(dma_read(qts, ch, addr, NULL), ==, HYPSEC_DMA_ERROR_READ)
#define assert_no_write(qts, ch, addr) \
    g_assert_cmphex(dma_write(qts, ch, addr, 0xbad), ==, \
                    HYPSEC_DMA_ERROR_WRITE)

/* What a bank has recorded; then forgets it. */
#define assert_fault(qts, bank, fsr_, fsynr0_, far_) do { \
    g_assert_cmphex(rd(qts, CB(bank, FSR)), ==, fsr_); \
    g_assert_cmphex(rd(qts, CB(bank, FSYNR0)), ==, fsynr0_); \
    g_assert_cmphex(rd64(qts, CB(bank, FAR)), ==, far_); \
    wr(qts, CB(bank, FSR), UINT32_MAX); \
} while (0)

#define assert_no_fault(qts, bank) \
    g_assert_cmphex(rd(qts, CB(bank, FSR)), ==, 0)

/* A migration, to a file and from it. */
const char *smmu_save(QTestState *qts);
QTestState *smmu_load(const char *path, const char *args, bool *ok);

typedef struct SmmuTest {
    const char *path;
    void (*fn)(void);
} SmmuTest;

/* Runs them, and what was added before; returns what main() returns. */
int smmu_run(const SmmuTest *tests, size_t n);

#endif /* ARM_SMMUV2_LIB_H */
