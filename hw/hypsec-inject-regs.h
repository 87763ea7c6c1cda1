/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hypsec-inject: what its users see. Registers, records, numbers.
 *
 * Plain C and preprocessor, for the device, the qtests and guest images
 * (assembly gets the macros only). docs/system/arm/hypsec-inject.rst is the
 * manual. Everything is little-endian. Registers are read and written with
 * aligned accesses of 4 or 8 bytes; the two queues are plain memory.
 */
#ifndef HYPSEC_INJECT_REGS_H
#define HYPSEC_INJECT_REGS_H

/* On the hypsec-virt board, with -M hypsec-virt,inject=on. */
#define HYPSEC_INJECT_BASE              0x0b100000
#define HYPSEC_INJECT_SIZE              0x00100000
#define HYPSEC_INJECT_SPI               195 /* INTID 227 */

/*
 * Registers of 32 bits, except where a comment says 64. Unknown offsets and
 * reserved bits read as zero and ignore writes.
 */
#define HYPSEC_INJECT_ID                0x000 /* RO "HPSI" */
#define HYPSEC_INJECT_ID_VALUE          0x49535048
#define HYPSEC_INJECT_VERSION           0x004 /* RO 1 */
#define HYPSEC_INJECT_CAPS              0x008 /* RO */
#define HYPSEC_INJECT_CAPS_CPUS         0x000000ff /* number of CPUs */
#define HYPSEC_INJECT_CAPS_FAULTS       0x0000ff00 /* number of fault ranges */
#define HYPSEC_INJECT_CAPS_RUNS         0x00010000 /* CPUs execute (TCG) */
#define HYPSEC_INJECT_CAPS_ICOUNT       0x00020000 /* instructions counted */
#define HYPSEC_INJECT_CTRL              0x00c /* RW */
#define HYPSEC_INJECT_CTRL_IE_SINGLE    0x00000001 /* SPI while DONE */
#define HYPSEC_INJECT_CTRL_IE_RING      0x00000002 /* SPI while CQ nonempty */
#define HYPSEC_INJECT_CTRL_PAUSE        0x00000004 /* leave the SQ alone */
#define HYPSEC_INJECT_CTRL_RESET        0x80000000 /* W1: reset this device */
#define HYPSEC_INJECT_STATUS            0x010 /* RO but for W1C bits */
#define HYPSEC_INJECT_STATUS_BUSY       0x00000001 /* single event under way */
#define HYPSEC_INJECT_STATUS_DONE       0x00000002 /* W1C: completion window */
#define HYPSEC_INJECT_STATUS_RING_BUSY  0x00000004 /* SQ or CPUs not idle */
#define HYPSEC_INJECT_STATUS_CQ_READY   0x00000008 /* CQ head != CQ tail */
#define HYPSEC_INJECT_STATUS_CQ_STALL   0x00000010 /* SQ waits for CQ space */
#define HYPSEC_INJECT_STATUS_ERROR      0x00000100 /* W1C: bad register value */
/* The CPUs that have an event under way: one bit each. */
#define HYPSEC_INJECT_STATUS_CPUS_SHIFT 16
#define HYPSEC_INJECT_DOORBELL          0x014 /* WO */
#define HYPSEC_INJECT_DOORBELL_FIRE     1 /* start the descriptor window */
#define HYPSEC_INJECT_DOORBELL_ABORT    2 /* withdraw it: REFUSED, ABORTED */
#define HYPSEC_INJECT_SQ_HEAD           0x020 /* RO next one to be taken */
#define HYPSEC_INJECT_SQ_TAIL           0x024 /* RW one past the last */
#define HYPSEC_INJECT_CQ_HEAD           0x028 /* RW next one to be read */
#define HYPSEC_INJECT_CQ_TAIL           0x02c /* RO one past the last */
#define HYPSEC_INJECT_EVENTS            0x030 /* RO 64: completions ever made */
#define HYPSEC_INJECT_REFUSALS          0x038 /* RO 64: of these, REFUSED */

#define HYPSEC_INJECT_DESC              0x01000 /* RW descriptor window */
#define HYPSEC_INJECT_COMP              0x01200 /* RO completion window */
#define HYPSEC_INJECT_RECORD_BYTES      512

/* Bus-fault ranges. */
#define HYPSEC_INJECT_FAULT(n)          (0x02000 + (n) * 0x40)
#define HYPSEC_INJECT_FAULTS            8
#define HYPSEC_INJECT_FAULT_BASE        0x00 /* RW 64: PA, 4 KiB aligned */
#define HYPSEC_INJECT_FAULT_SIZE        0x08 /* RW 64: multiple of 4 KiB */
#define HYPSEC_INJECT_FAULT_NTH         0x10 /* RW 64: first access to fail */
#define HYPSEC_INJECT_FAULT_COUNT       0x18 /* RW 64: how many; 0: all */
#define HYPSEC_INJECT_FAULT_CTRL        0x20 /* RW 32 */
#define HYPSEC_INJECT_FAULT_ENABLE      0x00000001
#define HYPSEC_INJECT_FAULT_READ        0x00000002 /* reads and fetches */
#define HYPSEC_INJECT_FAULT_WRITE       0x00000004
#define HYPSEC_INJECT_FAULT_DECODE      0x00000008 /* as if nothing was there */
#define HYPSEC_INJECT_FAULT_REFUSED     0x80000000 /* RO: last enable refused */
#define HYPSEC_INJECT_FAULT_SEEN        0x28 /* RO 64: accesses that counted */
#define HYPSEC_INJECT_FAULT_FAILED      0x30 /* RO 64: those that failed */

/* The queues. Both indices count entries and wrap at the number of them. */
#define HYPSEC_INJECT_SQ                0x40000
#define HYPSEC_INJECT_SQ_ENTRIES        512
#define HYPSEC_INJECT_CQ                0x80000
#define HYPSEC_INJECT_CQ_ENTRIES        1024

/* Descriptor: offsets. */
#define HYPSEC_INJECT_D_TYPE            0x000 /* 32 */
#define HYPSEC_INJECT_D_FLAGS           0x004 /* 32 */
#define HYPSEC_INJECT_D_CPU             0x008 /* 32 */
#define HYPSEC_INJECT_D_REPEAT          0x00c /* 32 */
#define HYPSEC_INJECT_D_ESR             0x010
#define HYPSEC_INJECT_D_FAR             0x018
#define HYPSEC_INJECT_D_HPFAR           0x020
#define HYPSEC_INJECT_D_PC              0x028
#define HYPSEC_INJECT_D_PSTATE          0x030
#define HYPSEC_INJECT_D_XMASK           0x038
#define HYPSEC_INJECT_D_X               0x040 /* 31 of them */
#define HYPSEC_INJECT_D_BOUND           0x138
#define HYPSEC_INJECT_D_COOKIE          0x140
#define HYPSEC_INJECT_D_DELAY           0x148
#define HYPSEC_INJECT_D_RESERVED        0x150 /* must be zero up to the end */

/* Descriptor: types. */
#define HYPSEC_INJECT_HVC               1
#define HYPSEC_INJECT_SMC               2
#define HYPSEC_INJECT_DABT              3
#define HYPSEC_INJECT_IABT              4
#define HYPSEC_INJECT_SYSREG            5 /* trapped MSR, MRS, SYS */
#define HYPSEC_INJECT_WFX               6
#define HYPSEC_INJECT_FP                7 /* FP/SIMD, SVE or SME by ESR's EC */
#define HYPSEC_INJECT_BRK               8
#define HYPSEC_INJECT_ILLEGAL           9 /* illegal execution state */
#define HYPSEC_INJECT_UNDEF             10
#define HYPSEC_INJECT_SERROR            11
#define HYPSEC_INJECT_IRQ               12
#define HYPSEC_INJECT_FIQ               13
#define HYPSEC_INJECT_VIRQ              14
#define HYPSEC_INJECT_VFIQ              15
#define HYPSEC_INJECT_VSERROR           16
#define HYPSEC_INJECT_TYPES             17 /* one more than the last */

/* Descriptor: flags. */
#define HYPSEC_INJECT_F_FORCE_EL2       0x0001 /* whatever routing says */
#define HYPSEC_INJECT_F_AT_EL2          0x0002 /* while the CPU is at EL2 */
#define HYPSEC_INJECT_F_KEEP            0x0004 /* do not restore the CPU */
#define HYPSEC_INJECT_F_USE_PC          0x0008 /* the event is at pc */
#define HYPSEC_INJECT_F_USE_PSTATE      0x0010 /* the event has pstate */
#define HYPSEC_INJECT_F_ENTRY_ONLY      0x0020 /* complete at EL2's vector */
#define HYPSEC_INJECT_F_FENCE           0x0040 /* ring: after all before it */
#define HYPSEC_INJECT_F_STOP_ON_ERROR   0x0080 /* repeat: end when x0 < 0 */
#define HYPSEC_INJECT_F_ALL             0x00ff

/* Bound when the descriptor says 0, and the largest that is accepted. */
#define HYPSEC_INJECT_BOUND_DEFAULT     1000000000
#define HYPSEC_INJECT_BOUND_MAX         1000000000000

/* Completion: offsets. */
#define HYPSEC_INJECT_C_COOKIE          0x000
#define HYPSEC_INJECT_C_STATUS          0x008 /* 32 */
#define HYPSEC_INJECT_C_REASON          0x00c /* 32 */
#define HYPSEC_INJECT_C_FLAGS           0x010 /* 32 */
#define HYPSEC_INJECT_C_CPU             0x014 /* 32 */
#define HYPSEC_INJECT_C_TYPE            0x018 /* 32 */
#define HYPSEC_INJECT_C_SQ_INDEX        0x01c /* 32 */
#define HYPSEC_INJECT_C_X               0x020 /* 31 of them */
#define HYPSEC_INJECT_C_PC              0x118
#define HYPSEC_INJECT_C_PSTATE          0x120
#define HYPSEC_INJECT_C_ELR_EL2         0x128
#define HYPSEC_INJECT_C_SPSR_EL2        0x130
#define HYPSEC_INJECT_C_HCR_EL2         0x138
#define HYPSEC_INJECT_C_VTTBR_EL2       0x140
#define HYPSEC_INJECT_C_ESR_EL1         0x148
#define HYPSEC_INJECT_C_FAR_EL1         0x150
#define HYPSEC_INJECT_C_ELR_EL1         0x158
#define HYPSEC_INJECT_C_SPSR_EL1        0x160
#define HYPSEC_INJECT_C_VBAR_EL1        0x168
#define HYPSEC_INJECT_C_HPFAR_EL2       0x170
#define HYPSEC_INJECT_C_ESR_EL2         0x178
#define HYPSEC_INJECT_C_FAR_EL2         0x180
#define HYPSEC_INJECT_C_SP_EL0          0x188
#define HYPSEC_INJECT_C_SP_EL1          0x190
#define HYPSEC_INJECT_C_VECTOR          0x198 /* 32 */
#define HYPSEC_INJECT_C_EL              0x19c /* 32 */
#define HYPSEC_INJECT_C_INSNS           0x1a0
#define HYPSEC_INJECT_C_INSNS_LAST      0x1a8
#define HYPSEC_INJECT_C_COUNT           0x1b0
#define HYPSEC_INJECT_C_NS              0x1b8
#define HYPSEC_INJECT_C_SEQUENCE        0x1c0

/* Completion: status. */
#define HYPSEC_INJECT_S_NONE            0 /* no completion here */
#define HYPSEC_INJECT_S_DONE_EL2        1 /* EL2 took it and returned */
#define HYPSEC_INJECT_S_DONE_EL1        2 /* EL1 takes it: at EL1's vector */
#define HYPSEC_INJECT_S_NOT_TRAPPED     3 /* no exception here; no change */
#define HYPSEC_INJECT_S_REFUSED         4 /* see the reason; no change */
#define HYPSEC_INJECT_S_HUNG            5 /* EL2 did not return in the bound */
#define HYPSEC_INJECT_S_PANICKED        6 /* EL2 reported a panic */
#define HYPSEC_INJECT_S_DONE_ENTRY      7 /* ENTRY_ONLY: at EL2's vector */
#define HYPSEC_INJECT_S_DONE_OFF        8 /* EL2 powered the CPU off */

/* Completion: reason of REFUSED, and why not of NOT_TRAPPED. */
#define HYPSEC_INJECT_R_NONE            0
#define HYPSEC_INJECT_R_BAD_TYPE        1
#define HYPSEC_INJECT_R_BAD_CPU         2 /* no such CPU */
#define HYPSEC_INJECT_R_BAD_FLAGS       3 /* unknown, or not together */
#define HYPSEC_INJECT_R_BAD_RESERVED    4 /* a reserved field is not zero */
#define HYPSEC_INJECT_R_BAD_PSTATE      5 /* not AArch64 EL0 or EL1 */
#define HYPSEC_INJECT_R_BAD_BOUND       6 /* bound or delay too large */
#define HYPSEC_INJECT_R_CPU_OFF         7
#define HYPSEC_INJECT_R_BUSY            8 /* the CPU or the window has one */
#define HYPSEC_INJECT_R_PENDING         9 /* an exception is being taken */
#define HYPSEC_INJECT_R_AARCH32         10 /* the level is in AArch32 */
#define HYPSEC_INJECT_R_WRONG_EL        11 /* never came to the level needed */
#define HYPSEC_INJECT_R_CPU_HUNG        12 /* an earlier event did not return */
#define HYPSEC_INJECT_R_ABORTED         13 /* withdrawn by DOORBELL_ABORT */
#define HYPSEC_INJECT_R_MASKED          14 /* NOT_TRAPPED: PSTATE masks it */
#define HYPSEC_INJECT_R_NOT_ROUTED      15 /* NOT_TRAPPED: no trap is set */
#define HYPSEC_INJECT_R_STAGE2_OFF      16 /* NOT_TRAPPED: HCR_EL2.VM is 0 */
#define HYPSEC_INJECT_REASONS           17

/* Completion: flags. */
#define HYPSEC_INJECT_CF_IMPOSSIBLE     0x0001 /* not on hardware */
#define HYPSEC_INJECT_CF_WRONG_WORLD    0x0002 /* VTTBR_EL2, EL or AArch32 */
#define HYPSEC_INJECT_CF_ICOUNT_VALID   0x0004 /* insns, insns_last count */
#define HYPSEC_INJECT_CF_INJECTED       0x0008 /* returned to EL1's vector */
#define HYPSEC_INJECT_CF_FORCED         0x0010 /* FORCE_EL2 changed routing */
#define HYPSEC_INJECT_CF_VPENDING       0x0020 /* HCR_EL2.{VSE,VI,VF} set */

#define HYPSEC_INJECT_NO_INDEX          0xffffffff
#define HYPSEC_INJECT_NO_VECTOR         0xffffffff

#ifndef __ASSEMBLER__
#include <stdint.h>

/**
 * struct hypsec_inject_desc - one event to happen
 * @type:       HYPSEC_INJECT_HVC and so on
 * @flags:      HYPSEC_INJECT_F_*
 * @cpu:        number of the CPU that takes it
 * @repeat:     how often, one after the other; 0 and 1 are once. One completion
 *              tells of the last and of how many there were
 * @esr:        the syndrome; not used by IRQ, FIQ, VIRQ and VFIQ
 * @far:        FAR of DABT and IABT
 * @hpfar:      HPFAR_EL2 of DABT and IABT
 * @pc:         with USE_PC, address of the instruction that causes the event
 *              (HVC returns behind it, all else to it); otherwise where the CPU
 *              is
 * @pstate:     with USE_PSTATE, PSTATE of the event, EL0t, EL1t or EL1h
 * @xmask:      bit n: the event happens with x[n] in Xn; n is up to 30
 * @x:          values for @xmask
 * @bound:      EL2 instructions (with -icount; virtual ns without) that the
 *              event and the wait for it may take; 0 is the default
 * @cookie:     returned in the completion
 * @delay:      AT_EL2 only: what has to pass after the entry to EL2, in the
 *              unit of @bound
 * @reserved:   zero
 */
struct hypsec_inject_desc {
    uint32_t type;
    uint32_t flags;
    uint32_t cpu;
    uint32_t repeat;
    uint64_t esr;
    uint64_t far;
    uint64_t hpfar;
    uint64_t pc;
    uint64_t pstate;
    uint64_t xmask;
    uint64_t x[31];
    uint64_t bound;
    uint64_t cookie;
    uint64_t delay;
    uint64_t reserved[22];
};

/**
 * struct hypsec_inject_comp - what became of it
 * @cookie:     of the descriptor
 * @status:     HYPSEC_INJECT_S_*
 * @reason:     HYPSEC_INJECT_R_*
 * @flags:      HYPSEC_INJECT_CF_*
 * @cpu:        of the descriptor
 * @type:       of the descriptor
 * @sq_index:   index in the submission queue, NO_INDEX for a single event
 * @x:          x0 to x30 at the return (or where @status says), as are:
 * @pc:         next instruction of the lower level
 * @pstate:     its PSTATE
 * @elr_el2:    ELR_EL2
 * @spsr_el2:   SPSR_EL2
 * @hcr_el2:    HCR_EL2
 * @vttbr_el2:  VTTBR_EL2
 * @esr_el1:    ESR_EL1
 * @far_el1:    FAR_EL1
 * @elr_el1:    ELR_EL1
 * @spsr_el1:   SPSR_EL1
 * @vbar_el1:   VBAR_EL1
 * @hpfar_el2:  HPFAR_EL2
 * @esr_el2:    ESR_EL2
 * @far_el2:    FAR_EL2
 * @sp_el0:     SP_EL0
 * @sp_el1:     SP_EL1
 * @vector:     @pc - @vbar_el1 if an exception was injected (CF_INJECTED) or
 *              taken (DONE_EL1), otherwise NO_VECTOR
 * @el:         exception level at @pc
 * @insns:      instructions at EL2 of all repetitions (CF_ICOUNT_VALID)
 * @insns_last: instructions at EL2 of the last one
 * @count:      repetitions that completed
 * @ns:         virtual time at EL2 of all repetitions
 * @sequence:   1 for the first completion after a reset, and so on: written
 *              last, so that a guest can poll it
 * @reserved:   zero
 */
struct hypsec_inject_comp {
    uint64_t cookie;
    uint32_t status;
    uint32_t reason;
    uint32_t flags;
    uint32_t cpu;
    uint32_t type;
    uint32_t sq_index;
    uint64_t x[31];
    uint64_t pc;
    uint64_t pstate;
    uint64_t elr_el2;
    uint64_t spsr_el2;
    uint64_t hcr_el2;
    uint64_t vttbr_el2;
    uint64_t esr_el1;
    uint64_t far_el1;
    uint64_t elr_el1;
    uint64_t spsr_el1;
    uint64_t vbar_el1;
    uint64_t hpfar_el2;
    uint64_t esr_el2;
    uint64_t far_el2;
    uint64_t sp_el0;
    uint64_t sp_el1;
    uint32_t vector;
    uint32_t el;
    uint64_t insns;
    uint64_t insns_last;
    uint64_t count;
    uint64_t ns;
    uint64_t sequence;
    uint64_t reserved[7];
};

_Static_assert(sizeof(struct hypsec_inject_desc) == HYPSEC_INJECT_RECORD_BYTES,
               "descriptor size");
_Static_assert(sizeof(struct hypsec_inject_comp) == HYPSEC_INJECT_RECORD_BYTES,
               "completion size");

/**
 * hypsec_inject_default_esr() - a plain syndrome for a type of event
 * @type: HYPSEC_INJECT_HVC and so on
 *
 * HVC #0, SMC #0, an aborted 64-bit load to x0 or fetch (translation fault,
 * level 3), MRS x0 of ACTLR_EL1, WFI, an FP access, BRK #0.
 *
 * Returns: a value for ESR_EL2, 0 for types without one.
 */
static inline uint64_t hypsec_inject_default_esr(uint32_t type)
{
    switch (type) {
    case HYPSEC_INJECT_HVC:
        return 0x5a000000;
    case HYPSEC_INJECT_SMC:
        return 0x5e000000;
    case HYPSEC_INJECT_DABT:
        return 0x93c08007;
    case HYPSEC_INJECT_IABT:
        return 0x82000007;
    case HYPSEC_INJECT_SYSREG:
        return 0x62320401;
    case HYPSEC_INJECT_WFX:
        return 0x07e00000;
    case HYPSEC_INJECT_FP:
        return 0x1fe00000;
    case HYPSEC_INJECT_BRK:
        return 0xf2000000;
    case HYPSEC_INJECT_ILLEGAL:
        return 0x3a000000;
    case HYPSEC_INJECT_UNDEF:
        return 0x02000000;
    case HYPSEC_INJECT_SERROR:
    case HYPSEC_INJECT_VSERROR:
        return 0xbe000000;
    default:
        return 0;
    }
}
#endif /* __ASSEMBLER__ */

#endif /* HYPSEC_INJECT_REGS_H */
