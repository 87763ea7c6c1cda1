/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a change of exception level is about: its cause, and the world that
 * the CPU enters.
 */
#ifndef TARGET_ARM_HYPSEC_EL_EVENT_H
#define TARGET_ARM_HYPSEC_EL_EVENT_H

#include "cpu.h"
#include "qom/object.h"

/* The level of a CPU that is off. */
#define HYPSEC_EL_OFF 0xff

/*
 * Why a CPU changed its level. The first ones are no exceptions, and but for
 * ERET the CPU's hooks do not see them. Only ever added to, at the end: the
 * numbers are in snapshots.
 */
typedef enum HypsecElCause {
    HYPSEC_EL_ERET,
    HYPSEC_EL_RESET,    /* of the machine */
    HYPSEC_EL_CPU_ON,   /* PSCI */
    HYPSEC_EL_CPU_OFF,  /* PSCI */
    HYPSEC_EL_LOADVM,   /* snapshot loaded; the clock may have gone back */
    HYPSEC_EL_STATE,    /* registers written by a debugger or a device */
    HYPSEC_EL_IRQ,
    HYPSEC_EL_FIQ,
    HYPSEC_EL_SERROR,
    HYPSEC_EL_VIRQ,
    HYPSEC_EL_VFIQ,
    HYPSEC_EL_VSERROR,
    HYPSEC_EL_SVC,
    HYPSEC_EL_HVC,
    HYPSEC_EL_SMC,
    HYPSEC_EL_DABT,
    HYPSEC_EL_IABT,
    HYPSEC_EL_SYSREG,   /* also AArch32's coprocessor registers */
    HYPSEC_EL_WFX,
    HYPSEC_EL_FP,       /* access to FP, SIMD, SVE or SME */
    HYPSEC_EL_BRK,
    HYPSEC_EL_DEBUG,    /* breakpoint, watchpoint, step, vector catch */
    HYPSEC_EL_UNDEF,
    HYPSEC_EL_ILLEGAL,  /* illegal execution state */
    HYPSEC_EL_ALIGN,    /* of PC or SP */
    HYPSEC_EL_OTHER,
    HYPSEC_EL_CAUSES,
} HypsecElCause;

/* Room for the causes in a snapshot. */
#define HYPSEC_EL_MAX_CAUSES 32

typedef enum HypsecElWorldKind {
    HYPSEC_EL_WORLD_UNKNOWN,
    HYPSEC_EL_WORLD_HOST,
    HYPSEC_EL_WORLD_VM,
    HYPSEC_EL_WORLD_EL2,
    HYPSEC_EL_WORLD_OFF,
} HypsecElWorldKind;

#define HYPSEC_EL_MAX_VM 15

/* @vm is a number of 1 to HYPSEC_EL_MAX_VM for a VM, otherwise 0. */
typedef struct HypsecElWorld {
    HypsecElWorldKind kind;
    uint8_t vm;
    uint8_t vcpu;
    uint16_t vmid;
} HypsecElWorld;

/*
 * @esr: the syndrome of a synchronous exception, else 0
 * @value: x0 of an HVC or SMC; the address of an abort, which is the IPA if
 *         EL2 takes it from a lower level, else the VA; else 0
 */
typedef struct HypsecElEvent {
    HypsecElCause cause;
    uint32_t esr;
    uint64_t value;
} HypsecElEvent;

/**
 * hypsec_el_event() - what a CPU's level is about to change for
 * @cpu: a CPU in its pre-change hook
 *
 * Returns: the exception that it takes, or an ERET
 */
HypsecElEvent hypsec_el_event(ARMCPU *cpu);

/**
 * hypsec_el_world() - whom a CPU runs for
 * @cpu: the CPU
 * @el: its level, or HYPSEC_EL_OFF
 * @inspect: the machine's hypsec-inspect object, or NULL
 *
 * Below EL2 the firmware's word (hypsec/inspect.h) counts only where stage 2
 * is on and VTTBR_EL2 holds the VMID that goes with it; everything else is
 * HYPSEC_EL_WORLD_UNKNOWN.
 *
 * Returns: the world
 */
HypsecElWorld hypsec_el_world(ARMCPU *cpu, int el, Object *inspect);

/**
 * hypsec_el_cause_name() - a cause in capitals
 * @cause: the cause
 *
 * Returns: at most 15 characters
 */
const char *hypsec_el_cause_name(HypsecElCause cause);

/**
 * hypsec_el_world_name() - a kind of world in words
 * @kind: the kind
 *
 * Returns: a short name
 */
const char *hypsec_el_world_name(HypsecElWorldKind kind);

#endif /* TARGET_ARM_HYPSEC_EL_EVENT_H */
