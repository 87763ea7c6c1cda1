/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which of the host's accesses to an SMMU's registers go to the hardware.
 * Layer: MmioCoreAux, with the decoding of MmioRaw; on MmioSPTOps.
 * Locks: none taken; the caller holds smmu.
 *
 * What is not in the tables below is not the host's. docs/dma.rst says why each
 * rule is as it is.
 */
#include "core/mmio_core_aux.h"

#include "core/mmio_raw.h"
#include "core/panic.h"
#include "core/smmu_cfg.h"
#include "core/smmu_regs.h"
#include "core/smmu_shadow.h"
#include "core/spec_constants.h"

/* Registers at offsets @first to @last of a page, at most @bytes wide. */
struct smmu_reg {
	uint16_t first;
	uint16_t last;
	uint8_t bytes;
	uint8_t rule;
};

#define REG(reg, rule)		{ reg, (reg) + 3, 4, rule }
#define REG64(reg, rule)	{ reg, (reg) + 7, 8, rule }
#define REGS(reg, n, rule)	{ reg(0), reg(n) - 1, 4, rule }

static const struct smmu_reg gr0[] = {
	REG(SMMU_SCR0, SMMU_REPLACE),
	REG(SMMU_SCR2, SMMU_IGNORE),
	REG(SMMU_SACR, SMMU_REPLACE),
	REGS(SMMU_IDR, 8, SMMU_IDENT),
	REG64(SMMU_SGFAR, SMMU_READ),
	REG(SMMU_SGFSR, SMMU_ALLOW),
	REG(SMMU_SGFSRRESTORE, SMMU_IGNORE),
	REGS(SMMU_SGFSYNR, 3, SMMU_READ),
	REG(SMMU_TLBIVMID, SMMU_TLBI),
	REG(SMMU_TLBIALLNSNH, SMMU_TLBI),
	REG(SMMU_TLBIALLH, SMMU_IGNORE),
	REG(SMMU_STLBGSYNC, SMMU_WRITE),
	REG(SMMU_STLBGSTATUS, SMMU_READ),
	REGS(SMMU_SMR, 128, SMMU_REPLACE),
	REGS(SMMU_S2CR, 128, SMMU_REPLACE),
	{ SMMU_PIDR4, 0xfff, 4, SMMU_READ },
};

/* By their offsets in GR0's successor. */
static const struct smmu_reg gr1[] = {
	{ 0x000, 0x3ff, 4, SMMU_REPLACE },	/* CBAR */
	{ 0x400, 0x7ff, 4, SMMU_READ },		/* CBFRSYNRA */
	{ 0x800, 0xbff, 4, SMMU_REPLACE },	/* CBA2R */
};

/* A bank of the host's. What only stage 1 has, reads 0. */
static const struct smmu_reg cb[] = {
	REG(SMMU_CB_SCTLR, SMMU_REPLACE),
	REG(SMMU_CB_ACTLR, SMMU_REPLACE),
	REG(SMMU_CB_RESUME, SMMU_IGNORE),
	REG(SMMU_CB_TCR2, SMMU_IGNORE),
	REG64(SMMU_CB_TTBR0, SMMU_REPLACE),
	REG64(SMMU_CB_TTBR1, SMMU_IGNORE),
	REG(SMMU_CB_TCR, SMMU_REPLACE),
	REG(SMMU_CB_CONTEXTIDR, SMMU_IGNORE),
	REG(SMMU_CB_MAIR0, SMMU_IGNORE),
	REG(SMMU_CB_MAIR1, SMMU_IGNORE),
	REG64(SMMU_CB_PAR, SMMU_IGNORE),
	REG(SMMU_CB_FSR, SMMU_ALLOW),
	REG(SMMU_CB_FSRRESTORE, SMMU_IGNORE),
	REG64(SMMU_CB_FAR, SMMU_READ),
	REG(SMMU_CB_FSYNR0, SMMU_READ),
	REG(SMMU_CB_FSYNR1, SMMU_READ),
	REG64(SMMU_CB_IPAFAR, SMMU_READ),
	{ SMMU_CB_TLBIVA, SMMU_CB_TLBIASID - 1, 8, SMMU_IGNORE },
	{ SMMU_CB_TLBIASID, SMMU_CB_TLBIVAL - 1, 4, SMMU_IGNORE },
	{ SMMU_CB_TLBIVAL, SMMU_CB_TLBIIPAS2 - 1, 8, SMMU_IGNORE },
	REG64(SMMU_CB_TLBIIPAS2, SMMU_TLBI_IPA),
	REG64(SMMU_CB_TLBIIPAS2L, SMMU_TLBI_IPA),
	REG(SMMU_CB_TLBSYNC, SMMU_WRITE),
	REG(SMMU_CB_TLBSTATUS, SMMU_READ),
	{ SMMU_CB_ATS1PR, SMMU_CB_ATS1PR + 0x1f, 4, SMMU_IGNORE },
	REG(SMMU_CB_ATSR, SMMU_IGNORE),
};

/* Any other bank: what a driver switches off in all of them when it starts. */
static const struct smmu_reg other_cb[] = {
	REG(SMMU_CB_SCTLR, SMMU_IDLE),
	REG(SMMU_CB_ACTLR, SMMU_IGNORE),
	REG(SMMU_CB_FSR, SMMU_IGNORE),
};

/* The rule for @len bytes at @offset of a page that has @n registers. */
static enum smmu_rule rule_of(const struct smmu_reg *regs, size_t n,
			      uint64_t offset, uint32_t len)
{
	uint32_t bytes = 4;
	enum smmu_rule rule = SMMU_DENY;

	for (size_t i = 0; i < n; i++) {
		if (offset >= regs[i].first && offset <= regs[i].last) {
			bytes = regs[i].bytes;
			rule = regs[i].rule;
		}
	}
	return len <= bytes ? rule : SMMU_REFUSE;
}

static bool is_host_bank(uint64_t cbndx, uint32_t index)
{
	return cbndx < get_smmu_num_context_banks(index) &&
	       get_smmu_cfg_vmid((uint32_t)cbndx, index) == HOSTVISOR;
}

/**
 * smmu_init_pte() - make a leaf of an SMMU's table
 * @prot: what the device may do: S2_S2AP_R, S2_S2AP_W
 * @addr: PA of the page
 *
 * Spec:    MmioRaw.smmu_init_pte_spec
 * Delta:   D-064: an architectural leaf, whose other attributes are EL2's
 * Returns: the leaf
 */
uint64_t smmu_init_pte(uint64_t prot, uint64_t addr)
{
	return (addr & S2_OA_MASK) | (prot & S2_RDWR) | S2_VALID | S2_TABLE |
	       S2_MEMATTR_NORMAL | S2_SH_INNER | S2_AF | S2_XN;
}

/**
 * smmu_get_cbndx() - the bank that an offset is in
 * @offset: bytes, in the second half of the SMMU's region
 * @index:  the SMMU
 *
 * Spec:    MmioRaw.smmu_get_cbndx_spec
 * Delta:   none; the half is that of this SMMU
 * Returns: its number, which may be of none that the SMMU has
 */
uint32_t smmu_get_cbndx(uint64_t offset, uint32_t index)
{
	return (uint32_t)((offset - get_smmu_size(index) / 2) >>
			  SMMU_PAGE_SHIFT);
}

/* The rule for the @n-th register of a kind that each bank has. */
static enum smmu_rule bank_rule(enum smmu_rule rule, uint64_t n,
				uint32_t index)
{
	return rule == SMMU_REFUSE || is_host_bank(n, index) ? rule : SMMU_DENY;
}

/**
 * handle_smmu_global_access() - the rule for a register of the global space
 * @offset: bytes, in the first half of the SMMU's region
 * @len:    bytes of the access
 * @index:  the SMMU
 *
 * Spec:    MmioCoreAux.handle_smmu_global_access_spec
 * Delta:   D-060: a rule for each register, for reads too
 * Locks:   caller holds smmu
 * Returns: the rule
 */
enum smmu_rule handle_smmu_global_access(uint64_t offset, uint32_t len,
					 uint32_t index)
{
	uint64_t reg = offset & (SMMU_PAGE_BYTES - 1);
	uint64_t n = (offset & 0x3ff) / 4;
	enum smmu_rule rule;

	ASSERT(offset < get_smmu_size(index) / 2);
	if (offset < SMMU_GR1) {
		rule = rule_of(gr0, ARRAY_SIZE(gr0), reg, len);
		if (rule == SMMU_REPLACE && reg >= SMMU_SMR(0) &&
		    n >= smmu_shadow(index)->streams) {
			rule = SMMU_DENY;
		}
		return rule;
	}
	if (offset < SMMU_GR1 + SMMU_PAGE_BYTES) {
		rule = rule_of(gr1, ARRAY_SIZE(gr1), reg, len);
		return bank_rule(rule, n, index);
	}
	return rule_of(NULL, 0, reg, len);
}

/**
 * handle_smmu_cb_access() - the rule for a register of a context bank
 * @offset: bytes, in the second half of the SMMU's region
 * @len:    bytes of the access
 * @index:  the SMMU
 *
 * Spec:    MmioCoreAux.handle_smmu_cb_access_spec
 * Delta:   D-060: a rule for each register, by the bank's owner
 * Locks:   caller holds smmu
 * Returns: the rule
 */
enum smmu_rule handle_smmu_cb_access(uint64_t offset, uint32_t len,
				     uint32_t index)
{
	uint64_t reg = offset & (SMMU_PAGE_BYTES - 1);
	uint32_t cbndx = smmu_get_cbndx(offset, index);

	ASSERT(offset >= get_smmu_size(index) / 2);
	if (is_host_bank(cbndx, index)) {
		return rule_of(cb, ARRAY_SIZE(cb), reg, len);
	}
	if (cbndx < get_smmu_num_context_banks(index)) {
		return rule_of(other_cb, ARRAY_SIZE(other_cb), reg, len);
	}
	return rule_of(NULL, 0, reg, len);
}

/**
 * __handle_smmu_write() - write a register of the hardware
 * @fault_ipa: its address, aligned to @len
 * @len:       4 or 8 bytes
 * @val:       what the host writes, or EL2 instead
 *
 * Spec:  MmioCoreAux.__handle_smmu_write_spec
 * Delta: D-061: the caller has chosen the value (G67)
 * Locks: caller holds smmu
 */
void __handle_smmu_write(uint64_t fault_ipa, uint32_t len, uint64_t val)
{
	if (len == 8) {
		writeq_relaxed(val, fault_ipa);
	} else {
		writel_relaxed(val, fault_ipa);
	}
}

/**
 * __handle_smmu_read() - read a register of the hardware
 * @fault_ipa: its address, aligned to @len
 * @len:       4 or 8 bytes
 *
 * Spec:    MmioCoreAux.__handle_smmu_read_spec
 * Delta:   D-061: the caller fills the host's register
 * Locks:   caller holds smmu
 * Returns: the value
 */
uint64_t __handle_smmu_read(uint64_t fault_ipa, uint32_t len)
{
	return len == 8 ? readq_relaxed(fault_ipa) : readl_relaxed(fault_ipa);
}
