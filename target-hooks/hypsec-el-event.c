/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Causes and worlds of changes of exception level; see hypsec-el-event.h.
 */
#include "qemu/osdep.h"
#include "cpu.h"
#include "hypsec/inspect.h"
#include "target/arm/internals.h"
#include "target/arm/syndrome.h"
#include "hw/hypsec/hypsec-inspect.h"
#include "hypsec-el-event.h"

static const char * const cause_names[HYPSEC_EL_CAUSES] = {
    [HYPSEC_EL_ERET] = "ERET",
    [HYPSEC_EL_RESET] = "RESET",
    [HYPSEC_EL_CPU_ON] = "CPU_ON",
    [HYPSEC_EL_CPU_OFF] = "CPU_OFF",
    [HYPSEC_EL_LOADVM] = "LOADVM",
    [HYPSEC_EL_STATE] = "STATE",
    [HYPSEC_EL_IRQ] = "IRQ",
    [HYPSEC_EL_FIQ] = "FIQ",
    [HYPSEC_EL_SERROR] = "SERROR",
    [HYPSEC_EL_VIRQ] = "VIRQ",
    [HYPSEC_EL_VFIQ] = "VFIQ",
    [HYPSEC_EL_VSERROR] = "VSERROR",
    [HYPSEC_EL_SVC] = "SVC",
    [HYPSEC_EL_HVC] = "HVC",
    [HYPSEC_EL_SMC] = "SMC",
    [HYPSEC_EL_DABT] = "DABT",
    [HYPSEC_EL_IABT] = "IABT",
    [HYPSEC_EL_SYSREG] = "SYSREG",
    [HYPSEC_EL_WFX] = "WFX",
    [HYPSEC_EL_FP] = "FP",
    [HYPSEC_EL_BRK] = "BRK",
    [HYPSEC_EL_DEBUG] = "DEBUG",
    [HYPSEC_EL_UNDEF] = "UNDEF",
    [HYPSEC_EL_ILLEGAL] = "ILLEGAL",
    [HYPSEC_EL_ALIGN] = "ALIGN",
    [HYPSEC_EL_OTHER] = "OTHER",
};

QEMU_BUILD_BUG_ON(HYPSEC_EL_CAUSES > HYPSEC_EL_MAX_CAUSES);

static const char * const world_names[] = {
    [HYPSEC_EL_WORLD_UNKNOWN] = "unknown",
    [HYPSEC_EL_WORLD_HOST] = "host",
    [HYPSEC_EL_WORLD_VM] = "VM",
    [HYPSEC_EL_WORLD_EL2] = "EL2",
    [HYPSEC_EL_WORLD_OFF] = "off",
};

const char *hypsec_el_cause_name(HypsecElCause cause)
{
    return cause_names[cause];
}

const char *hypsec_el_world_name(HypsecElWorldKind kind)
{
    return world_names[kind];
}

/* The cause that an exception class stands for. */
static HypsecElCause cause_of_class(uint32_t ec)
{
    switch (ec) {
    case EC_UNCATEGORIZED:
        return HYPSEC_EL_UNDEF;
    case EC_WFX_TRAP:
        return HYPSEC_EL_WFX;
    case EC_CP15RTTRAP:
    case EC_CP15RRTTRAP:
    case EC_CP14RTTRAP:
    case EC_CP14DTTRAP:
    case EC_CP14RRTTRAP:
    case EC_FPIDTRAP:
    case EC_SYSTEMREGISTERTRAP:
        return HYPSEC_EL_SYSREG;
    case EC_ADVSIMDFPACCESSTRAP:
    case EC_SVEACCESSTRAP:
    case EC_SMETRAP:
        return HYPSEC_EL_FP;
    case EC_ILLEGALSTATE:
        return HYPSEC_EL_ILLEGAL;
    case EC_AA32_SVC:
    case EC_AA64_SVC:
        return HYPSEC_EL_SVC;
    case EC_AA32_HVC:
    case EC_AA64_HVC:
        return HYPSEC_EL_HVC;
    case EC_AA32_SMC:
    case EC_AA64_SMC:
        return HYPSEC_EL_SMC;
    case EC_INSNABORT:
    case EC_INSNABORT_SAME_EL:
        return HYPSEC_EL_IABT;
    case EC_DATAABORT:
    case EC_DATAABORT_SAME_EL:
        return HYPSEC_EL_DABT;
    case EC_PCALIGNMENT:
    case EC_SPALIGNMENT:
        return HYPSEC_EL_ALIGN;
    case EC_SERROR:
        return HYPSEC_EL_SERROR;
    case EC_BREAKPOINT ... EC_WATCHPOINT_SAME_EL:
    case EC_VECTORCATCH:
        return HYPSEC_EL_DEBUG;
    case EC_AA32_BKPT:
    case EC_AA64_BKPT:
        return HYPSEC_EL_BRK;
    default:
        return HYPSEC_EL_OTHER;
    }
}

/* Where an abort happened: the IPA if it is stage 2's, otherwise the VA. */
static uint64_t abort_address(const CPUARMState *env, int el)
{
    uint64_t va = env->exception.vaddress;
    uint64_t ipa;

    if (env->exception.target_el != 2 || el >= 2) {
        return va;
    }
    ipa = (env->cp15.hpfar_el2 & MAKE_64BIT_MASK(4, 44)) << 8;
    /* The FAR of a table walk's fault is not the table's address. */
    return env->exception.syndrome & (1 << 7) ? ipa : ipa | (va & 0xfff);
}

HypsecElEvent hypsec_el_event(ARMCPU *cpu)
{
    CPUARMState *env = &cpu->env;
    int el = arm_current_el(env);
    HypsecElEvent event = {};

    switch (CPU(cpu)->exception_index) {
    case EXCP_IRQ:
    case EXCP_NMI:
        event.cause = HYPSEC_EL_IRQ;
        return event;
    case EXCP_FIQ:
        event.cause = HYPSEC_EL_FIQ;
        return event;
    case EXCP_VIRQ:
    case EXCP_VINMI:
        event.cause = HYPSEC_EL_VIRQ;
        return event;
    case EXCP_VFIQ:
    case EXCP_VFNMI:
        event.cause = HYPSEC_EL_VFIQ;
        return event;
    case EXCP_VSERR:
        /* QEMU has none but virtual ones; a device may send it to EL2. */
        event.cause = env->exception.target_el == 1 ? HYPSEC_EL_VSERROR :
                      HYPSEC_EL_SERROR;
        return event;
    default:
        break;
    }
    if (CPU(cpu)->exception_index < 0) {
        event.cause = HYPSEC_EL_ERET;
        return event;
    }
    event.esr = env->exception.syndrome;
    event.cause = cause_of_class(syn_get_ec(event.esr));
    if (event.cause == HYPSEC_EL_HVC || event.cause == HYPSEC_EL_SMC) {
        event.value = is_a64(env) ? env->xregs[0] : env->regs[0];
    } else if (event.cause == HYPSEC_EL_DABT ||
               event.cause == HYPSEC_EL_IABT) {
        event.value = abort_address(env, el);
    }
    return event;
}

HypsecElWorld hypsec_el_world(ARMCPU *cpu, int el, Object *inspect)
{
    CPUARMState *env = &cpu->env;
    HypsecElWorld world = {};
    uint32_t id, vcpu;

    if (el == HYPSEC_EL_OFF || el == 2) {
        world.kind = el == 2 ? HYPSEC_EL_WORLD_EL2 : HYPSEC_EL_WORLD_OFF;
        return world;
    }
    if (el > 2 || !(arm_hcr_el2_eff(env) & HCR_VM)) {
        return world;
    }
    world.vmid = extract64(env->cp15.vttbr_el2, 48,
                           env->cp15.vtcr_el2 & R_VTCR_VS_MASK ? 16 : 8);
    if (!inspect ||
        !HYPSEC_INSPECT_GET_CLASS(inspect)->cpu_world(
            HYPSEC_INSPECT(inspect), CPU(cpu)->cpu_index, &id, &vcpu) ||
        id != world.vmid || id > HYPSEC_EL_MAX_VM || vcpu > UINT8_MAX) {
        return world;
    }
    world.kind = id == HYPSEC_INSPECT_WORLD_HOST ? HYPSEC_EL_WORLD_HOST :
                 HYPSEC_EL_WORLD_VM;
    world.vm = id;
    world.vcpu = vcpu;
    return world;
}
