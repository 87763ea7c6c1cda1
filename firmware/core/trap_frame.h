/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One exception from a lower level. Filled and taken back by vectors.S.
 * Layer: AbstractMachine.
 */
#ifndef COREVISOR_CORE_TRAP_FRAME_H
#define COREVISOR_CORE_TRAP_FRAME_H

/* Byte offsets in struct trap_frame, for vectors.S. */
#define TRAP_FRAME_BYTES	288
#define TRAP_FRAME_ELR_OFF	248
#define TRAP_FRAME_SPSR_OFF	256
#define TRAP_FRAME_ESR_OFF	264
#define TRAP_FRAME_HPFAR_OFF	280

#ifndef __ASSEMBLER__
#include "core/types.h"

/**
 * struct trap_frame - the lower level's state and the reason of the exception
 * @regs:  x0..x30, written back at return
 * @elr:   ELR_EL2, written back at return
 * @spsr:  SPSR_EL2, written back at return
 * @esr:   ESR_EL2
 * @far:   FAR_EL2
 * @hpfar: HPFAR_EL2
 */
struct trap_frame {
	uint64_t regs[31];
	uint64_t elr;
	uint64_t spsr;
	uint64_t esr;
	uint64_t far;
	uint64_t hpfar;
};

_Static_assert(sizeof(struct trap_frame) == TRAP_FRAME_BYTES &&
	       TRAP_FRAME_BYTES % 16 == 0 &&
	       offsetof(struct trap_frame, elr) == TRAP_FRAME_ELR_OFF &&
	       offsetof(struct trap_frame, spsr) == TRAP_FRAME_SPSR_OFF &&
	       offsetof(struct trap_frame, esr) == TRAP_FRAME_ESR_OFF &&
	       offsetof(struct trap_frame, hpfar) == TRAP_FRAME_HPFAR_OFF,
	       "offsets in vectors.S");

/* ESR_ELx (Arm ARM D19.2.37). */
#define ESR_ELX_EC_SHIFT	26
#define ESR_ELX_EC_WIDTH	6
#define ESR_ELX_IL		BIT(25)
#define ESR_ELX_ISS_SHIFT	0
#define ESR_ELX_ISS_WIDTH	25
#define ESR_ELX_IMM16_SHIFT	0
#define ESR_ELX_IMM16_WIDTH	16
#define ESR_ELX_FSC_SHIFT	0
#define ESR_ELX_FSC_WIDTH	6
#define ESR_ELX_WNR		BIT(6)
#define ESR_ELX_S1PTW		BIT(7)
#define ESR_ELX_CM		BIT(8)
#define ESR_ELX_SF		BIT(15)
#define ESR_ELX_SRT_SHIFT	16
#define ESR_ELX_SRT_WIDTH	5
#define ESR_ELX_SSE		BIT(21)
#define ESR_ELX_SAS_SHIFT	22
#define ESR_ELX_SAS_WIDTH	2
#define ESR_ELX_ISV		BIT(24)

#define ESR_ELX_TI_SHIFT	0	/* WFx: which instruction */
#define ESR_ELX_TI_WIDTH	2
#define ESR_ELX_SYS_READ	BIT(0)	/* MSR, MRS: direction and register */
#define ESR_ELX_SYS_RT_SHIFT	5
#define ESR_ELX_SYS_RT_WIDTH	5

#define WFX_WFI			0

#define EC_UNKNOWN		0x00
#define EC_WFX			0x01
#define EC_FP			0x07
#define EC_HVC32		0x12
#define EC_HVC64		0x16
#define EC_SMC64		0x17
#define EC_SYS64		0x18
#define EC_IABT_LOW		0x20
#define EC_IABT_CUR		0x21
#define EC_DABT_LOW		0x24
#define EC_DABT_CUR		0x25
#define EC_BREAKPOINT_LOW	0x30	/* one more: from EL1, as the next two */
#define EC_STEP_LOW		0x32
#define EC_WATCHPOINT_LOW	0x34
#define EC_BKPT32		0x38
#define EC_BRK64		0x3c

/* Fault status codes: the type without its level, and whole codes. */
#define FSC_TYPE_MASK		0x3c
#define FSC_TRANSLATION		0x04
#define FSC_EXTERNAL_ABORT	0x10
#define FSC_EXTERNAL_WALK	0x14
#define FSC_LEVEL_MASK		UINT64_C(3)

/* HPFAR_EL2.FIPA holds IPA bits 51:12. */
#define HPFAR_FIPA_SHIFT	4
#define HPFAR_FIPA_WIDTH	40

/* SPSR_ELx (AArch64 view). */
#define SPSR_MODE_MASK		0x1f
#define SPSR_MODE_EL0T		0x00
#define SPSR_MODE_EL1T		0x04
#define SPSR_MODE_EL1H		0x05
#define SPSR_M4_AARCH32		BIT(4)
#define SPSR_DAIF		(UINT64_C(0xf) << 6)
#define SPSR_BTYPE		(UINT64_C(3) << 10)
#define SPSR_A32_IT_HIGH_SHIFT	10	/* ITSTATE bits 7:2 */
#define SPSR_A32_IT_HIGH_WIDTH	6
#define SPSR_A32_IT_LOW_SHIFT	25	/* ITSTATE bits 1:0 */
#define SPSR_A32_IT_LOW_WIDTH	2
#define SPSR_SSBS		BIT(12)
#define SPSR_ALLINT		BIT(13)
#define SPSR_SS			BIT(21)
#define SPSR_PAN		BIT(22)
#define SPSR_DIT		BIT(24)
#define SPSR_TCO		BIT(25)
#define SPSR_NZCV		(UINT64_C(0xf) << 28)

/* PSTATE at the first instruction of host, VM and exception handlers. */
#define PSTATE_FAULT_BITS_64	(SPSR_DAIF | SPSR_MODE_EL1H)
_Static_assert(PSTATE_FAULT_BITS_64 == 0x3c5, "as the specification");

#define SCTLR_EL1_SPAN		BIT(23)
#define SCTLR_EL1_E0E		BIT(24)
#define SCTLR_EL1_EE		BIT(25)
#define SCTLR_EL1_DSSBS		BIT(44)
#define SCTLR_EL1_SPINTMASK	BIT(62)

#endif /* __ASSEMBLER__ */

#endif /* COREVISOR_CORE_TRAP_FRAME_H */
