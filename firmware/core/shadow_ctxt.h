/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers of vCPUs, and of the host while it does not run. Layer:
 * AbstractMachine.
 *
 * One context per vCPU of each VM, and one per CPU for the host. No lock: a
 * context belongs to the CPU on which its vCPU is ACTIVE. While the host is at
 * EL2 its x0 to x30, PC and PSTATE are in its trap frame, and the accessors
 * below find them there.
 */
#ifndef COREVISOR_CORE_SHADOW_CTXT_H
#define COREVISOR_CORE_SHADOW_CTXT_H

/* Byte offsets for assembly, in struct shadow_ctxt: Xn is at 8 * n. */
#define SHADOW_CTXT_X0_OFF	0
#define SHADOW_CTXT_PC_OFF	256
/* And in struct fp_state: FPSR, then FPCR, behind the registers. */
#define FP_STATE_FPSR_OFF	512

#ifndef __ASSEMBLER__
#include "core/spec_constants.h"
#include "core/types.h"
#include "hypsec/abi.h"

/*
 * Indices, numbered as in the specification; an enumeration, so that the names
 * do not stand in the way of register names in macros. From CNTV_CTL_EL0 on
 * they are additions. (Delta D-030: SP, SP_EL1, MDCCINT_EL1 are registers like
 * the others; the specification's setter ignores them, G52.)
 */
enum shadow_reg {
	X0 = 0,
	X1 = 1,
	X2 = 2,
	X3 = 3,
	X29 = 29,
	X30 = 30,
	SP = 31,		/* SP_EL0 */
	PC = 32,
	PSTATE = 33,
	SP_EL1 = 34,
	ELR_EL1 = 35,
	SPSR_EL1 = 36,
	SPSR_ABT = 37,		/* 37 to 40: EL1 of a VM is never AArch32 */
	SPSR_UND = 38,
	SPSR_IRQ = 39,
	SPSR_FIQ = 40,
	FAR_EL2 = 41,
	HPFAR_EL2 = 42,
	HCR_EL2 = 43,		/* HCR_VI and HCR_VF of the next entry */
	EC = 44,		/* HYPSEC_EXIT_* of the last exit */
	DIRTY = 45,		/* what to do before the next entry */
	FLAGS = 46,
	MPIDR_EL1 = 47,
	CSSELR_EL1 = 48,
	SCTLR_EL1 = 49,
	ACTLR_EL1 = 50,
	CPACR_EL1 = 51,
	TTBR0_EL1 = 52,
	TTBR1_EL1 = 53,
	TCR_EL1 = 54,
	ESR_EL1 = 55,
	AFSR0_EL1 = 56,
	AFSR1_EL1 = 57,
	FAR_EL1 = 58,
	MAIR_EL1 = 59,
	VBAR_EL1 = 60,
	CONTEXTIDR_EL1 = 61,
	TPIDR_EL0 = 62,
	TPIDRRO_EL0 = 63,
	TPIDR_EL1 = 64,
	AMAIR_EL1 = 65,
	CNTKCTL_EL1 = 66,
	PAR_EL1 = 67,
	MDSCR_EL1 = 68,
	MDCCINT_EL1 = 69,
	ELR_EL2 = 70,		/* not used: PC */
	SPSR_0 = 71,		/* not used: SPSR_EL1 */
	ESR_EL2 = 72,
	CNTV_CTL_EL0 = 73,
	CNTV_CVAL_EL0 = 74,
	CNTVOFF_EL2 = 75,	/* of the VM; follows vm_info at each entry */
	VGIC_VMCR = 76,		/* ICH_VMCR_EL2 */
	VGIC_AP0R0 = 77,	/* ICH_AP0R<n>_EL2, to 80 */
	VGIC_AP1R0 = 81,	/* ICH_AP1R<n>_EL2, to 84 */
	NR_SHADOW_REGS = 96,	/* the rest is free, and zero */
};

/* DIRTY: bits 0 to 30 take x0 to x30 from the host, and: */
#define DIRTY_PC_FLAG			BIT(32)	/* PC += 4 */
#define PENDING_DABT_INJECT		BIT(33)
#define PENDING_IABT_INJECT		BIT(34)
#define PENDING_UNDEF_INJECT		BIT(35)
#define PENDING_EXCEPT_INJECT_FLAG	(PENDING_DABT_INJECT | \
					 PENDING_IABT_INJECT | \
					 PENDING_UNDEF_INJECT)
_Static_assert(PENDING_EXCEPT_INJECT_FLAG == UINT64_C(60129542144),
	       "as the specification");
/* DIRTY is INVALID64 while a vCPU has never run. */

/* FLAGS: */
#define PENDING_FSC_FAULT	BIT(1)	/* the VM waits for a page */

/* The FP and SIMD registers. */
struct fp_state {
	_Alignas(16) uint64_t q[32][2];
	uint64_t fpsr;
	uint64_t fpcr;
};

/**
 * struct shadow_ctxt - all that a vCPU is while it does not run
 * @regs:     by enum shadow_reg; first, for assembly
 * @shared:   what host and EL2 tell each other; NULL for the host's contexts
 *	      and for a vCPU that is not registered
 * @released: bit mask of @shared->regs that may be other than zero by EL2's
 *	      doing
 * @fp:	      FP and SIMD registers
 */
struct shadow_ctxt {
	/* A power of two in size, so that one is found without multiplying. */
	_Alignas(2048) uint64_t regs[NR_SHADOW_REGS];
	volatile struct hypsec_vcpu *shared;
	uint32_t released;
	struct fp_state fp;
};

_Static_assert(offsetof(struct shadow_ctxt, regs) == SHADOW_CTXT_X0_OFF &&
	       PC * sizeof(uint64_t) == SHADOW_CTXT_PC_OFF &&
	       PSTATE == PC + 1 &&
	       offsetof(struct fp_state, fpsr) == FP_STATE_FPSR_OFF,
	       "offsets in assembly");

/* By ctxt_id(); [HOSTVISOR] and [COREVISOR] by CPU number. */
extern struct shadow_ctxt shadow_ctxts[COREVISOR + 1][VCPU_PER_VM];

/* The specification's number of a context. */
static inline uint32_t ctxt_id(uint32_t vmid, uint32_t vcpuid)
{
	return vmid * VCPU_PER_VM + vcpuid;
}

/* A context; @vmid to COREVISOR and @vcpuid below VCPU_PER_VM: not checked. */
static inline struct shadow_ctxt *shadow_ctxt_get(uint32_t vmid,
						  uint32_t vcpuid)
{
	struct shadow_ctxt *ctxt = &shadow_ctxts[vmid][vcpuid];

	KEEP_POINTER(ctxt);
	return ctxt;
}

/**
 * get_shadow_esr() - why a vCPU trapped
 * @vmid:   a VM
 * @vcpuid: below VCPU_PER_VM
 *
 * Spec:    AbstractMachine.get_shadow_esr_spec
 * Returns: ESR_EL2 of the last exit
 */
static inline uint64_t get_shadow_esr(uint32_t vmid, uint32_t vcpuid)
{
	return shadow_ctxt_get(vmid, vcpuid)->regs[ESR_EL2];
}

uint64_t get_shadow_ctxt(uint32_t vmid, uint32_t vcpuid, uint32_t index);
void set_shadow_ctxt(uint32_t vmid, uint32_t vcpuid, uint32_t index,
		     uint64_t value);
uint64_t get_shadow_dirty_bit(uint32_t vmid, uint32_t vcpuid);
void set_shadow_dirty_bit(uint32_t vmid, uint32_t vcpuid, uint64_t value);
void clear_shadow_gp_regs(uint32_t vmid, uint32_t vcpuid);
void reset_fp_regs(uint32_t vmid, uint32_t vcpuid);

/* Zeroes the contexts of a VM. Locks: caller holds vm[vmid], no vCPU ACTIVE. */
void shadow_ctxt_wipe(vmid_t vmid);

#endif /* __ASSEMBLER__ */

#endif /* COREVISOR_CORE_SHADOW_CTXT_H */
