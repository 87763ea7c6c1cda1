/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attacks by DMA, on top of hypsec-vm.h: the channels of hypsec-dma as masters
 * (-M dma=on), the SMMUs' registers as the hardware holds them, their tables,
 * and what must be true of all of it at any time.
 *
 * A test programs channels from outside, as the host could with its own; a
 * host's access to an SMMU is made by a parked CPU.
 */
#ifndef HYPSEC_SMMU_H
#define HYPSEC_SMMU_H

#include "hypsec/dma.h"
#include "hypsec-vm.h"

/* PCIe is behind the first, platform devices are behind the second. */
#define HYPSEC_SMMUS            2
#define HYPSEC_PCIE_SMMU        0
#define HYPSEC_DMA_SMMU         1
#define HYPSEC_SMMU_BYTES       0x10000
#define HYPSEC_SMMU(index) \
    (UINT64_C(0x09050000) + (index) * HYPSEC_SMMU_BYTES)
#define HYPSEC_SMMU_BANKS       8
#define HYPSEC_SMMU_STREAMS     32
/* The last ones are EL2's, and hidden from the host. */
#define HYPSEC_SMMU_HOST_STREAMS 24

/* Registers, by their offsets (Arm IHI 0062). */
#define SMMU_SCR0               0x000
#define SMMU_SCR2               0x008
#define SMMU_SACR               0x010
#define SMMU_IDR(n)             (0x020 + 4 * (n))
#define SMMU_SGFAR              0x040
#define SMMU_SGFSR              0x048
#define SMMU_SGFSYNR(n)         (0x050 + 4 * (n))
#define SMMU_TLBIVMID           0x064
#define SMMU_TLBIALLNSNH        0x068
#define SMMU_TLBIALLH           0x06c
#define SMMU_STLBGSYNC          0x070
#define SMMU_STLBGSTATUS        0x074
#define SMMU_SMR(n)             (0x800 + 4 * (n))
#define SMMU_S2CR(n)            (0xc00 + 4 * (n))
#define SMMU_CBAR(n)            (0x1000 + 4 * (n))
#define SMMU_CBFRSYNRA(n)       (0x1400 + 4 * (n))
#define SMMU_CBA2R(n)           (0x1800 + 4 * (n))
#define SMMU_CB(n)              (0x8000 + 0x1000 * (n))
#define SMMU_CB_SCTLR           0x000
#define SMMU_CB_ACTLR           0x004
#define SMMU_CB_RESUME          0x008
#define SMMU_CB_TCR2            0x010
#define SMMU_CB_TTBR0           0x020
#define SMMU_CB_TTBR1           0x028
#define SMMU_CB_TCR             0x030
#define SMMU_CB_CONTEXTIDR      0x034
#define SMMU_CB_MAIR0           0x038
#define SMMU_CB_MAIR1           0x03c
#define SMMU_CB_FSR             0x058
#define SMMU_CB_FAR             0x060
#define SMMU_CB_FSYNR0          0x068
#define SMMU_CB_TLBIIPAS2       0x630
#define SMMU_CB_TLBIIPAS2L      0x638
#define SMMU_CB_TLBSYNC         0x7f0
#define SMMU_CB_TLBSTATUS       0x7f4

#define SCR0_CLIENTPD           (1u << 0)
#define SCR0_GFRE               (1u << 1)
#define SCR0_GFIE               (1u << 2)
#define SCR0_USFCFG             (1u << 10)
#define SCR0_VMIDPNE            (1u << 11)
#define SCR0_PTM                (1u << 12)
#define SCR0_SMCFCFG            (1u << 21)
#define SMR_VALID               (1u << 31)
#define SMR_MASK(mask)          ((uint32_t)(mask) << 16)
#define S2CR_TRANSLATE          (0u << 16)
#define S2CR_BYPASS             (1u << 16)
#define S2CR_FAULT              (2u << 16)
#define S2CR_TYPE               (3u << 16)
#define SCTLR_M                 (1u << 0)
#define SCTLR_E                 (1u << 4)
#define SCTLR_CFRE              (1u << 5)
#define SCTLR_CFIE              (1u << 6)
#define SCTLR_CFCFG             (1u << 7)
#define SCTLR_HUPCF             (1u << 8)
/* A stage-2 bank of EL2's: 40 bits, two root pages, 4 KiB. */
#define TCR_VALUE               0x80023558u

/* A register as the hardware has it. */
uint32_t hypsec_smmu_get(HypsecBoard *board, unsigned int index,
                         uint64_t offset);
uint64_t hypsec_smmu_get64(HypsecBoard *board, unsigned int index,
                           uint64_t offset);

/* As CPU 0 of the host reads or writes it; it must not be refused. */
uint64_t hypsec_smmu_host_read(HypsecBoard *board, unsigned int index,
                               uint64_t offset);
void hypsec_smmu_host_write(HypsecBoard *board, unsigned int index,
                            uint64_t offset, uint64_t value);

/* What becomes of a stream: a bank, or one of these. */
#define HYPSEC_STREAM_NONE      (-1)
#define HYPSEC_STREAM_FAULT     (-2)
int hypsec_smmu_stream(HypsecBoard *board, unsigned int index, uint32_t sid);

/* The leaf at @iova in the table that a bank uses, 0 if there is none. */
uint64_t hypsec_smmu_entry(HypsecBoard *board, unsigned int index,
                           unsigned int bank, uint64_t iova);

/**
 * hypsec_check_smmus() - nothing of the SMMUs is open
 * @board: the board
 *
 * I19: both SMMUs translate; each stream entry that is in force faults or
 * selects a bank that is on; each such bank has a stage-2 table of EL2's, a
 * tag of its own and the one TCR. I17: what a bank's table maps is its owner's
 * and at the right place. The identity banks map all of the host's pages
 * outside the shared window, and MSIs' doorbell.
 */
void hypsec_check_smmus(HypsecBoard *board);

/**
 * HypsecSmmuState - what configures the SMMUs, and all their tables
 */
typedef struct HypsecSmmuState HypsecSmmuState;

HypsecSmmuState *hypsec_smmu_state(HypsecBoard *board);
void hypsec_smmu_state_free(HypsecSmmuState *state);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HypsecSmmuState, hypsec_smmu_state_free)

#define hypsec_assert_smmu_state(board, state) \
    hypsec_check_smmu_state(board, state, __FILE__, __LINE__, G_STRFUNC)
void hypsec_check_smmu_state(HypsecBoard *board,
                             const HypsecSmmuState *before, const char *file,
                             int line, const char *func);

/* DMA */

#define HYPSEC_DMA_REGS(channel) \
    (UINT64_C(0x0b010000) + (channel) * HYPSEC_DMA_CHANNEL_BYTES)
#define HYPSEC_DMA_SID(channel) (HYPSEC_DMA_STREAM_BASE + (channel))
/* Where the test keeps a channel's descriptor; a page of the host's. */
#define HYPSEC_DMA_DESC_AT(channel) \
    (HYPSEC_FREE + 70 * HYPSEC_BLOCK + (channel) * HYPSEC_PAGE)

/**
 * HypsecTransfer - one descriptor, and what came of it
 * @op: HYPSEC_DMA_OP_*
 * @src, @dst, @length, @value: see there; a length of 0 is 8
 * @desc: IOVA of the descriptor; 0: its PA
 * @desc_pa: where it is; 0: HYPSEC_DMA_DESC_AT()
 *
 * @error: HYPSEC_DMA_ERROR_*
 * @fault: address of the error
 */
typedef struct HypsecTransfer {
    uint32_t op;
    uint64_t src;
    uint64_t dst;
    uint64_t length;
    uint64_t value;
    uint64_t desc;
    uint64_t desc_pa;

    uint32_t error;
    uint64_t fault;
} HypsecTransfer;

/* Starts it; with HYPSEC_DMA_CTRL_LOOP in @ctrl it goes on and on. */
void hypsec_dma_start(HypsecBoard *board, unsigned int channel,
                      const HypsecTransfer *t, uint32_t ctrl);
/* Waits until the channel is idle. */
void hypsec_dma_wait(HypsecBoard *board, unsigned int channel,
                     HypsecTransfer *t);
/* Waits until it has done @n descriptors more, or is idle. */
void hypsec_dma_wait_done(HypsecBoard *board, unsigned int channel,
                          unsigned int n);
bool hypsec_dma_is_busy(HypsecBoard *board, unsigned int channel);
void hypsec_dma_reset(HypsecBoard *board, unsigned int channel);

/* Both; returns: the error. */
uint32_t hypsec_dma(HypsecBoard *board, unsigned int channel,
                    HypsecTransfer *t);

/* 8 bytes each; true, or false if the SMMU refused exactly that. */
bool hypsec_dma_load(HypsecBoard *board, unsigned int channel, uint64_t pa,
                     uint64_t *value);
bool hypsec_dma_store(HypsecBoard *board, unsigned int channel, uint64_t pa,
                      uint64_t value);

/*
 * A channel that goes through an identity bank reaches the page at @pa, by
 * reads, writes and copies; or by none of them, and it is as it was.
 */
#define hypsec_assert_dma(board, channel, pa) \
    hypsec_check_dma(board, channel, pa, true, __FILE__, __LINE__, G_STRFUNC)
#define hypsec_assert_no_dma(board, channel, pa) \
    hypsec_check_dma(board, channel, pa, false, __FILE__, __LINE__, G_STRFUNC)
void hypsec_check_dma(HypsecBoard *board, unsigned int channel, uint64_t pa,
                      bool reached, const char *file, int line,
                      const char *func);

/* Calls */

int64_t hypsec_smmu_alloc(HypsecBoard *board, uint64_t bank, uint64_t vmid,
                          uint64_t index);
int64_t hypsec_smmu_free(HypsecBoard *board, uint64_t bank, uint64_t index);
int64_t hypsec_smmu_map(HypsecBoard *board, uint64_t iova, uint64_t pa,
                        uint64_t prot, uint64_t bank, uint64_t index);
int64_t hypsec_smmu_clear(HypsecBoard *board, uint64_t iova, uint64_t bank,
                          uint64_t index);
uint64_t hypsec_smmu_to_phys(HypsecBoard *board, uint64_t iova, uint64_t bank,
                             uint64_t index);
int64_t hypsec_smmu_set_stream(HypsecBoard *board, uint64_t index,
                               uint64_t stream, uint64_t bank);
/* An event of the call with five arguments. */
HypsecEvent hypsec_event_map(unsigned int cpu, uint64_t iova, uint64_t pa,
                             uint64_t prot, uint64_t bank, uint64_t index);
#define HYPSEC_SMMU_RW (HYPSEC_SMMU_READ | HYPSEC_SMMU_WRITE)

#endif /* HYPSEC_SMMU_H */
