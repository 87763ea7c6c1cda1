/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The CPU side of hypsec-inject: making a CPU take an event, and noticing what
 * came of it.
 *
 * A CPU is changed only on its own thread, between two instructions, with the
 * BQL: from a work item, or at the end of the exception-level-change hooks.
 * The exception is entered there and then by the architecture's own code
 * (arm_cpu_do_interrupt), so that no moment exists at which it is pending:
 * a snapshot sees the CPU before it, or at EL2's vector.
 *
 * Our hook is the last in the list of each CPU: when it runs, every other one
 * has seen the change of level, and the next exception can be entered from
 * inside it. An event whose turn it is after a completion therefore needs no
 * way out of the execution loop, and not one instruction of the lower level
 * runs between the two.
 */
#include "qemu/osdep.h"
#include "qemu/log.h"
#include "cpu.h"
#include "accel/tcg/cpu-ops.h"
#include "exec/exec-all.h"
#include "hw/core/cpu.h"
#include "hw/hypsec/hypsec-inject.h"
#include "system/cpu-timers.h"
#include "system/runstate.h"
#include "system/tcg.h"
#include "target/arm/cpregs.h"
#include "target/arm/cpu-features.h"
#include "target/arm/internals.h"
#include "target/arm/syndrome.h"

/* Events that end without EL2, in one go; after that others have a turn. */
#define MAX_WITHOUT_EL2 64

/* Virtual exceptions that HCR_EL2 makes pending. */
#define HCR_VIRTUAL (HCR_VI | HCR_VF | HCR_VSE)

/* The device of the execution loop's hooks, which have no opaque pointer. */
static HypsecInjectState *inject;
static void (*next_exec_enter)(CPUState *cs);
static void (*next_exec_exit)(CPUState *cs);

/* What the architecture makes of an event. */
typedef struct Route {
    int excp; /* EXCP_* */
    int el; /* that takes it; 0: it is no exception */
    uint32_t reason; /* of el == 0 */
    uint64_t esr; /* for ESR_ELx of that level */
    bool has_esr;
    bool has_far;
    bool impossible;
} Route;

static CPUARMState *env_of(const HypsecInjectCpu *c)
{
    return cpu_env(c->cs);
}

uint32_t hypsec_inject_cpu_caps(void)
{
    return (tcg_enabled() ? HYPSEC_INJECT_CAPS_RUNS : 0) |
           (icount_enabled() ? HYPSEC_INJECT_CAPS_ICOUNT : 0);
}

int64_t hypsec_inject_cpu_deadline(const struct hypsec_inject_desc *d)
{
    int64_t bound = d->bound ?: HYPSEC_INJECT_BOUND_DEFAULT;
    int64_t ns = icount_enabled() ? icount_to_ns(bound) : bound;

    return qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) + ns;
}

void hypsec_inject_cpu_delay(HypsecInjectCpu *c)
{
    HypsecInjectSlot *slot = &c->slot[HYPSEC_INJECT_EL2];
    int64_t delay = slot->d.delay;

    slot->due_ns = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) +
                   (icount_enabled() ? icount_to_ns(delay) : delay);
    timer_mod(c->delay, slot->due_ns);
}

bool hypsec_inject_cpu_pstate_ok(const HypsecInjectCpu *c, uint64_t pstate)
{
    uint64_t valid = aarch64_pstate_valid_mask(&ARM_CPU(c->cs)->isar);
    unsigned int mode = pstate & (PSTATE_M | PSTATE_nRW);

    return !(pstate & ~valid) &&
           (mode == PSTATE_MODE_EL0t || mode == PSTATE_MODE_EL1t ||
            mode == PSTATE_MODE_EL1h);
}

/* ---- Instructions at EL2 ---- */

static void count_insns(HypsecInjectCpu *c)
{
    int64_t now;

    if (!icount_enabled()) {
        return;
    }
    now = icount_get_raw();
    for (int k = 0; k < HYPSEC_INJECT_SLOTS; k++) {
        HypsecInjectSlot *slot = &c->slot[k];

        if (slot->state == HYPSEC_INJECT_IN_FLIGHT) {
            slot->insns += now - c->mark;
            slot->insns_last += now - c->mark;
        }
    }
    c->mark = now;
}

static void inject_exec_enter(CPUState *cs)
{
    inject->cpu[cs->cpu_index].mark = icount_get_raw();
    if (next_exec_enter) {
        next_exec_enter(cs);
    }
}

static void inject_exec_exit(CPUState *cs)
{
    count_insns(&inject->cpu[cs->cpu_index]);
    if (next_exec_exit) {
        next_exec_exit(cs);
    }
}

/* ---- State of a CPU ---- */

static void save(HypsecInjectCpu *c, HypsecInjectSaved *saved)
{
    CPUARMState *env = env_of(c);

    aarch64_save_sp(env, arm_current_el(env));
    memcpy(saved->x, env->xregs, sizeof(saved->x));
    saved->pc = env->pc;
    saved->pstate = pstate_read(env);
    saved->sp_el0 = env->sp_el[0];
    saved->sp_el1 = env->sp_el[1];
    saved->esr_el1 = env->cp15.esr_el[1];
    saved->far_el1 = env->cp15.far_el[1];
    saved->elr_el1 = env->elr_el[1];
    saved->spsr_el1 = env->banked_spsr[aarch64_banked_spsr_index(1)];
    saved->hcr_virtual = env->cp15.hcr_el2 & HCR_VIRTUAL;
}

static void set_pstate(CPUARMState *env, uint64_t pstate)
{
    aarch64_save_sp(env, arm_current_el(env));
    env->aarch64 = true;
    pstate_write(env, pstate);
    aarch64_restore_sp(env, arm_current_el(env));
}

static void restore(HypsecInjectCpu *c, const HypsecInjectSaved *saved)
{
    CPUARMState *env = env_of(c);

    set_pstate(env, saved->pstate);
    memcpy(env->xregs, saved->x, sizeof(saved->x));
    env->pc = saved->pc;
    env->sp_el[0] = saved->sp_el0;
    env->sp_el[1] = saved->sp_el1;
    aarch64_restore_sp(env, arm_current_el(env));
    env->cp15.esr_el[1] = saved->esr_el1;
    env->cp15.far_el[1] = saved->far_el1;
    env->elr_el[1] = saved->elr_el1;
    env->banked_spsr[aarch64_banked_spsr_index(1)] = saved->spsr_el1;
    /* A virtual exception that EL2 has made pending is the event's as well. */
    if ((env->cp15.hcr_el2 ^ saved->hcr_virtual) & HCR_VIRTUAL) {
        env->cp15.hcr_el2 = (env->cp15.hcr_el2 & ~HCR_VIRTUAL) |
                            (saved->hcr_virtual & HCR_VIRTUAL);
        arm_cpu_update_virq(ARM_CPU(c->cs));
        arm_cpu_update_vfiq(ARM_CPU(c->cs));
        arm_cpu_update_vserr(ARM_CPU(c->cs));
    }
    if (tcg_enabled()) {
        arm_rebuild_hflags(env);
    }
}

/* The registers of the event itself. */
static void apply(HypsecInjectCpu *c, HypsecInjectSlot *slot)
{
    const struct hypsec_inject_desc *d = &slot->d;
    CPUARMState *env = env_of(c);

    for (uint64_t left = d->xmask; left; left &= left - 1) {
        env->xregs[ctz64(left)] = d->x[ctz64(left)];
    }
    if (d->flags & HYPSEC_INJECT_F_USE_PC) {
        env->pc = d->pc;
    }
    if (d->flags & HYPSEC_INJECT_F_USE_PSTATE) {
        set_pstate(env, d->pstate);
    }
    slot->el = arm_current_el(env);
    slot->vttbr = env->cp15.vttbr_el2;
    if (d->type == HYPSEC_INJECT_HVC) {
        env->pc += 4;
    }
    slot->event_pc = env->pc;
}

static void capture(HypsecInjectCpu *c, struct hypsec_inject_comp *comp)
{
    CPUARMState *env = env_of(c);

    if (is_a64(env)) {
        aarch64_save_sp(env, arm_current_el(env));
        comp->pc = env->pc;
        comp->pstate = pstate_read(env);
    } else {
        aarch64_sync_32_to_64(env);
        comp->pc = env->regs[15];
        comp->pstate = cpsr_read(env);
    }
    memcpy(comp->x, env->xregs, sizeof(comp->x));
    comp->elr_el2 = env->elr_el[2];
    comp->spsr_el2 = env->banked_spsr[aarch64_banked_spsr_index(2)];
    comp->hcr_el2 = env->cp15.hcr_el2;
    comp->vttbr_el2 = env->cp15.vttbr_el2;
    comp->esr_el1 = env->cp15.esr_el[1];
    comp->far_el1 = env->cp15.far_el[1];
    comp->elr_el1 = env->elr_el[1];
    comp->spsr_el1 = env->banked_spsr[aarch64_banked_spsr_index(1)];
    comp->vbar_el1 = env->cp15.vbar_el[1];
    comp->hpfar_el2 = env->cp15.hpfar_el2;
    comp->esr_el2 = env->cp15.esr_el[2];
    comp->far_el2 = env->cp15.far_el[2];
    comp->sp_el0 = env->sp_el[0];
    comp->sp_el1 = env->sp_el[1];
    comp->el = arm_current_el(env);
    comp->vector = HYPSEC_INJECT_NO_VECTOR;
    if (env->cp15.hcr_el2 & HCR_VIRTUAL) {
        comp->flags |= HYPSEC_INJECT_CF_VPENDING;
    }
}

/* ---- Routing ---- */

/* An exception that EL1 takes, unless EL2 has taken its place. */
static int to_el1(CPUARMState *env)
{
    return arm_hcr_el2_eff(env) & HCR_TGE ? 2 : 1;
}

static void route_undef(CPUARMState *env, Route *r)
{
    r->el = to_el1(env);
    r->excp = EXCP_UDEF;
    r->esr = syn_uncategorized();
}

static void not_routed(Route *r, uint32_t reason)
{
    r->el = 0;
    r->reason = reason;
}

/* A trap that EL2 has (@trapped) or has not set. */
static void route_trap(Route *r, bool trapped)
{
    r->excp = EXCP_UDEF;
    if (trapped) {
        r->el = 2;
    } else {
        not_routed(r, HYPSEC_INJECT_R_NOT_ROUTED);
    }
}

static void route_call(CPUARMState *env, Route *r, bool hvc, int el)
{
    uint64_t hcr = arm_hcr_el2_eff(env);

    if (el == 0 || (hvc && (hcr & HCR_HCD))) {
        route_undef(env, r);
        /* The undefined instruction is where HVC is. */
        env->pc -= hvc ? 4 : 0;
    } else if (hvc) {
        route_trap(r, true);
    } else if (el == 2) {
        route_undef(env, r);
    } else {
        route_trap(r, hcr & HCR_TSC);
    }
}

static bool fsc_is_external(unsigned int fsc)
{
    return fsc == 0x10 || (fsc >= 0x13 && fsc <= 0x18) ||
           (fsc >= 0x1b && fsc <= 0x1f);
}

/* Faults that a walk of either stage can report. */
static bool fsc_is_mmu(unsigned int fsc)
{
    return fsc < 0x10 || (fsc >= 0x28 && fsc <= 0x2b) || fsc == 0x30 ||
           fsc == 0x31 || fsc == 0x34 || fsc == 0x35;
}

static void route_abort(CPUARMState *env, Route *r, int el)
{
    uint64_t hcr = arm_hcr_el2_eff(env);
    unsigned int fsc = r->esr & 0x3f;

    if (el == 2) {
        r->el = 2;
    } else if (fsc_is_mmu(fsc)) {
        if (hcr & (HCR_VM | HCR_DC)) {
            r->el = 2;
        } else {
            not_routed(r, HYPSEC_INJECT_R_STAGE2_OFF);
        }
    } else if (fsc_is_external(fsc) && (hcr & HCR_TEA)) {
        r->el = 2;
    } else {
        r->el = to_el1(env);
    }
    if (r->el == el) {
        r->esr |= 1ULL << ARM_EL_EC_SHIFT;
    }
}

static bool fgt_traps(CPUARMState *env, const ARMCPRegInfo *ri, bool isread)
{
    unsigned int idx = FIELD_EX32(ri->fgt, FGT, IDX);
    uint64_t word = 0;

    if (!arm_fgt_active(env, arm_current_el(env))) {
        return false;
    }
    if (ri->fgt & FGT_EXEC) {
        word = env->cp15.fgt_exec[idx % ARRAY_SIZE(env->cp15.fgt_exec)];
    } else if (isread && (ri->fgt & FGT_R)) {
        word = env->cp15.fgt_read[idx % ARRAY_SIZE(env->cp15.fgt_read)];
    } else if (!isread && (ri->fgt & FGT_W)) {
        word = env->cp15.fgt_write[idx % ARRAY_SIZE(env->cp15.fgt_write)];
    }
    if (FIELD_EX32(ri->fgt, FGT, NXS) &&
        (arm_hcrx_el2_eff(env) & HCRX_FGTNXS)) {
        return false;
    }
    return extract64(word, FIELD_EX32(ri->fgt, FGT, BITPOS), 1) !=
           FIELD_EX32(ri->fgt, FGT, REV);
}

/* The register of a syndrome, as MSR and MRS of the emulated CPU find it. */
static void route_sysreg(HypsecInjectCpu *c, Route *r, int el)
{
    CPUARMState *env = env_of(c);
    bool isread = r->esr & 1;
    unsigned int op0 = extract32(r->esr, 20, 2);
    unsigned int op2 = extract32(r->esr, 17, 3);
    unsigned int op1 = extract32(r->esr, 14, 3);
    unsigned int crn = extract32(r->esr, 10, 4);
    unsigned int crm = extract32(r->esr, 1, 4);
    uint32_t key = ENCODE_AA64_CP_REG(CP_REG_ARM64_SYSREG_CP, crn, crm, op0,
                                      op1, op2);
    const ARMCPRegInfo *ri = get_arm_cp_reginfo(ARM_CPU(c->cs)->cp_regs, key);
    CPAccessResult access = CP_ACCESS_OK;

    if (el == 2) {
        route_undef(env, r);
    } else if (el == 1 && (crn == 11 || crn == 15) && (op0 & 1) &&
               (arm_hcr_el2_eff(env) & HCR_TIDCP)) {
        route_trap(r, true);
    } else if (!ri || !cp_access_ok(el, ri, isread)) {
        route_undef(env, r);
    } else {
        if (ri->accessfn) {
            access = ri->accessfn(env, ri, isread);
        }
        if (access == CP_ACCESS_OK || access == CP_ACCESS_TRAP_EL2) {
            route_trap(r, access != CP_ACCESS_OK ||
                          fgt_traps(env, ri, isread));
        } else if (access == CP_ACCESS_TRAP_EL1) {
            r->el = to_el1(env);
        } else {
            route_undef(env, r);
        }
    }
    r->excp = EXCP_UDEF;
}

static void route_wfx(CPUARMState *env, Route *r, int el)
{
    bool wfe = r->esr & 1;
    uint64_t sctlr = env->cp15.sctlr_el[1];

    if (el == 0 && to_el1(env) == 1 &&
        !(sctlr & (wfe ? SCTLR_nTWE : SCTLR_nTWI))) {
        r->el = 1;
        r->excp = EXCP_UDEF;
        return;
    }
    route_trap(r, el < 2 && (arm_hcr_el2_eff(env) & (wfe ? HCR_TWE
                                                         : HCR_TWI)));
}

static void route_fp(HypsecInjectCpu *c, Route *r, int el)
{
    const ARMISARegisters *isar = &ARM_CPU(c->cs)->isar;
    CPUARMState *env = env_of(c);
    unsigned int ec = syn_get_ec(r->esr);
    int target;

    if (ec == EC_SVEACCESSTRAP) {
        if (!isar_feature_aa64_sve(isar)) {
            route_undef(env, r);
            return;
        }
        target = sve_exception_el(env, el);
    } else if (ec == EC_SMETRAP) {
        if (!isar_feature_aa64_sme(isar)) {
            route_undef(env, r);
            return;
        }
        target = sme_exception_el(env, el);
    } else {
        target = fp_exception_el(env, el);
    }
    r->excp = EXCP_UDEF;
    if (target == 1) {
        r->el = to_el1(env);
    } else {
        route_trap(r, target == 2);
    }
}

/*
 * SError, IRQ, FIQ: HCR_EL2 has one bit for each, PSTATE a mask, which counts
 * at EL0 as well unless EL2 takes the exception.
 */
static void route_async(CPUARMState *env, Route *r, int el, uint64_t route_bit,
                        uint64_t mask_bit)
{
    uint64_t hcr = arm_hcr_el2_eff(env);
    int target = hcr & (route_bit | HCR_TGE) ? 2 : 1;

    if (target < el ||
        ((target == el || target == 1) && (pstate_read(env) & mask_bit))) {
        not_routed(r, HYPSEC_INJECT_R_MASKED);
    } else {
        r->el = target;
    }
}

static void route_virtual(CPUARMState *env, Route *r, int el,
                          uint64_t enable_bit, uint64_t mask_bit)
{
    uint64_t hcr = arm_hcr_el2_eff(env);

    if (el == 2 || (hcr & HCR_TGE) || !(hcr & enable_bit)) {
        not_routed(r, HYPSEC_INJECT_R_NOT_ROUTED);
    } else if (pstate_read(env) & mask_bit) {
        not_routed(r, HYPSEC_INJECT_R_MASKED);
    } else {
        r->el = 1;
    }
}

static unsigned int expected_ec(uint32_t type)
{
    switch (type) {
    case HYPSEC_INJECT_HVC:
        return EC_AA64_HVC;
    case HYPSEC_INJECT_SMC:
        return EC_AA64_SMC;
    case HYPSEC_INJECT_DABT:
        return EC_DATAABORT;
    case HYPSEC_INJECT_IABT:
        return EC_INSNABORT;
    case HYPSEC_INJECT_SYSREG:
        return EC_SYSTEMREGISTERTRAP;
    case HYPSEC_INJECT_WFX:
        return EC_WFX_TRAP;
    case HYPSEC_INJECT_FP:
        return EC_ADVSIMDFPACCESSTRAP;
    case HYPSEC_INJECT_BRK:
        return EC_AA64_BKPT;
    case HYPSEC_INJECT_ILLEGAL:
        return EC_ILLEGALSTATE;
    case HYPSEC_INJECT_UNDEF:
        return EC_UNCATEGORIZED;
    default:
        return EC_SERROR;
    }
}

/* Syndromes of data aborts that no load or store gives. */
static bool dabt_impossible(uint64_t esr)
{
    bool isv = extract64(esr, 24, 1);
    unsigned int sas = extract64(esr, 22, 2);
    bool sse = extract64(esr, 21, 1);
    bool sf = extract64(esr, 15, 1);
    bool wnr = extract64(esr, 6, 1);
    unsigned int fsc = esr & 0x3f;

    if (!isv) {
        /* Without FEAT_LS64 and FEAT_RAS all of this is reserved. */
        return esr & (0x00ffc000 | (fsc == 0x10 ? 0 : 0x400));
    }
    return (esr & 0x80) || (esr & 0x3c00) || (sse && (wnr || sas == 3)) ||
           (sse && sas == 2 && !sf) || (sas == 3 && !sf);
}

/* Reserved bits of traps. */
static bool reserved_iss(uint64_t esr, unsigned int ec)
{
    switch (ec) {
    case EC_WFX_TRAP:
        return esr & 0xffc18;
    case EC_SYSTEMREGISTERTRAP:
        return esr & 0x1c00000;
    case EC_ADVSIMDFPACCESSTRAP:
        return esr & 0xfffff;
    default:
        return false;
    }
}

/* Whether no AArch64 CPU reports this to EL2. */
static bool is_impossible(const struct hypsec_inject_desc *d, int el)
{
    unsigned int ec = extract64(d->esr, ARM_EL_EC_SHIFT, ARM_EL_EC_LENGTH);
    unsigned int fsc = d->esr & 0x3f;
    bool is_abort = d->type == HYPSEC_INJECT_DABT ||
                    d->type == HYPSEC_INJECT_IABT;

    if (d->type >= HYPSEC_INJECT_IRQ && d->type != HYPSEC_INJECT_VSERROR) {
        return false;
    }
    if (ec != expected_ec(d->type) &&
        !(is_abort && el == 2 && ec == (expected_ec(d->type) | 1)) &&
        !(d->type == HYPSEC_INJECT_FP &&
          (ec == EC_SVEACCESSTRAP || ec == EC_SMETRAP))) {
        return true;
    }
    if (d->esr >> 32 || !(d->esr & ARM_EL_IL)) {
        return true;
    }
    if (d->type == HYPSEC_INJECT_UNDEF || d->type == HYPSEC_INJECT_ILLEGAL) {
        return d->esr & 0x1ffffff;
    }
    if (d->type == HYPSEC_INJECT_HVC || d->type == HYPSEC_INJECT_SMC ||
        d->type == HYPSEC_INJECT_BRK) {
        return d->esr & 0x1ff0000;
    }
    if (!is_abort) {
        return reserved_iss(d->esr, ec);
    }
    if ((!fsc_is_mmu(fsc) && !fsc_is_external(fsc)) ||
        fsc == 0x08 || fsc == 0x0c ||
        (d->hpfar & ~MAKE_64BIT_MASK(4, 40))) {
        return true;
    }
    if (d->type == HYPSEC_INJECT_IABT) {
        return d->esr & 0x1fff140;
    }
    return dabt_impossible(d->esr);
}

static void force_el2(const struct hypsec_inject_desc *d, Route *r)
{
    r->el = 2;
    r->esr = d->esr;
    r->impossible = true;
}

/* Where the architecture sends @d at the CPU's present state. */
static void find_route(HypsecInjectCpu *c, const struct hypsec_inject_desc *d,
                       Route *r)
{
    CPUARMState *env = env_of(c);
    int el = arm_current_el(env);

    *r = (Route) {
        .excp = EXCP_UDEF,
        .el = 2,
        .esr = d->esr,
        .has_esr = true,
        .impossible = is_impossible(d, el),
    };
    switch (d->type) {
    case HYPSEC_INJECT_HVC:
    case HYPSEC_INJECT_SMC:
        route_call(env, r, d->type == HYPSEC_INJECT_HVC, el);
        break;
    case HYPSEC_INJECT_DABT:
    case HYPSEC_INJECT_IABT:
        r->excp = d->type == HYPSEC_INJECT_DABT ? EXCP_DATA_ABORT
                                                : EXCP_PREFETCH_ABORT;
        r->has_far = true;
        route_abort(env, r, el);
        break;
    case HYPSEC_INJECT_SYSREG:
        route_sysreg(c, r, el);
        break;
    case HYPSEC_INJECT_WFX:
        route_wfx(env, r, el);
        break;
    case HYPSEC_INJECT_FP:
        route_fp(c, r, el);
        break;
    case HYPSEC_INJECT_BRK:
        r->excp = EXCP_BKPT;
        r->el = env->cp15.mdcr_el2 & MDCR_TDE || el == 2 ? 2 : to_el1(env);
        break;
    case HYPSEC_INJECT_ILLEGAL:
    case HYPSEC_INJECT_UNDEF:
        r->el = el == 2 ? 2 : to_el1(env);
        break;
    case HYPSEC_INJECT_SERROR:
        r->excp = EXCP_VSERR;
        route_async(env, r, el, HCR_AMO, PSTATE_A);
        break;
    case HYPSEC_INJECT_IRQ:
        r->excp = EXCP_IRQ;
        r->has_esr = false;
        route_async(env, r, el, HCR_IMO, PSTATE_I);
        break;
    case HYPSEC_INJECT_FIQ:
        r->excp = EXCP_FIQ;
        r->has_esr = false;
        route_async(env, r, el, HCR_FMO, PSTATE_F);
        break;
    case HYPSEC_INJECT_VIRQ:
        r->excp = EXCP_VIRQ;
        r->has_esr = false;
        route_virtual(env, r, el, HCR_IMO, PSTATE_I);
        break;
    case HYPSEC_INJECT_VFIQ:
        r->excp = EXCP_VFIQ;
        r->has_esr = false;
        route_virtual(env, r, el, HCR_FMO, PSTATE_F);
        break;
    default:
        r->excp = EXCP_VSERR;
        route_virtual(env, r, el, HCR_AMO, PSTATE_A);
        break;
    }
    if (el == 2 && r->el == 1) {
        r->el = 2;
    }
}

/* ---- Delivery ---- */

/* The architecture's exception entry, with the syndrome that was asked for. */
static void enter(HypsecInjectCpu *c, const Route *r,
                  const struct hypsec_inject_desc *d)
{
    CPUState *cs = c->cs;
    CPUARMState *env = env_of(c);
    int pending = cs->exception_index;

    /* A syndrome of the descriptor's could be one that QEMU asserts on. */
    env->exception.syndrome = syn_uncategorized();
    env->exception.vaddress = d->far;
    env->exception.target_el = r->el;
    cs->exception_index = r->excp;
    arm_cpu_do_interrupt(cs);
    cs->exception_index = pending;
    if (r->has_esr) {
        env->cp15.esr_el[r->el] = r->esr;
    }
    if (r->has_far && r->el == 2) {
        env->cp15.hpfar_el2 = d->hpfar;
    }
}

static void finish(HypsecInjectCpu *c, HypsecInjectSlot *slot, uint32_t status,
                   uint32_t reason)
{
    struct hypsec_inject_comp comp = {
        .status = status,
        .reason = reason,
        .insns = slot->insns,
        .insns_last = slot->insns_last,
        .count = slot->count,
        .ns = slot->ns,
    };
    bool late = status == HYPSEC_INJECT_S_HUNG ||
                status == HYPSEC_INJECT_S_PANICKED;

    capture(c, &comp);
    if (icount_enabled()) {
        comp.flags |= HYPSEC_INJECT_CF_ICOUNT_VALID;
    }
    if (!is_a64(env_of(c)) || comp.vttbr_el2 != slot->vttbr) {
        comp.flags |= HYPSEC_INJECT_CF_WRONG_WORLD;
    }
    if (status == HYPSEC_INJECT_S_DONE_EL2 && comp.el < 2) {
        uint64_t offset = comp.pc - comp.vbar_el1;

        if (comp.el == 1 && offset < 0x800 && offset % 0x80 == 0 &&
            comp.pc != slot->event_pc && comp.pc != slot->event_pc + 4) {
            comp.flags |= HYPSEC_INJECT_CF_INJECTED;
            comp.vector = offset;
        } else if (comp.el != slot->el) {
            comp.flags |= HYPSEC_INJECT_CF_WRONG_WORLD;
        }
    } else if (status == HYPSEC_INJECT_S_DONE_EL1) {
        comp.vector = comp.pc - comp.vbar_el1;
    }
    slot->state = late && slot == &c->slot[HYPSEC_INJECT_LOWER] ?
                  HYPSEC_INJECT_LATE : HYPSEC_INJECT_IDLE;
    hypsec_inject_complete(c, slot, &comp);
    if (slot->state == HYPSEC_INJECT_IDLE && slot->restore) {
        restore(c, &slot->saved);
        slot->restore = false;
    }
}

/* Nothing has been done to the CPU for this one. */
static void refuse(HypsecInjectCpu *c, HypsecInjectSlot *slot, uint32_t reason)
{
    struct hypsec_inject_comp comp = {
        .status = HYPSEC_INJECT_S_REFUSED,
        .reason = reason,
        .count = slot->count,
        .insns = slot->insns,
        .ns = slot->ns,
        .vector = HYPSEC_INJECT_NO_VECTOR,
    };

    slot->state = HYPSEC_INJECT_IDLE;
    slot->restore = false;
    hypsec_inject_complete(c, slot, &comp);
}

/* The CPU is at the level that the event needs: let it happen. */
static void deliver(HypsecInjectCpu *c, HypsecInjectSlot *slot)
{
    const struct hypsec_inject_desc *d = &slot->d;
    CPUARMState *env = env_of(c);
    bool at_el2 = d->flags & HYPSEC_INJECT_F_AT_EL2;
    Route r;

    if (!slot->restore && !at_el2) {
        save(c, &slot->saved);
        slot->restore = true;
    }
    apply(c, slot);
    find_route(c, d, &r);
    if ((d->flags & HYPSEC_INJECT_F_FORCE_EL2) &&
        (r.el != 2 || r.esr != d->esr)) {
        force_el2(d, &r);
        env->pc = slot->event_pc;
        slot->flags |= HYPSEC_INJECT_CF_FORCED;
    }
    if (r.impossible) {
        slot->flags |= HYPSEC_INJECT_CF_IMPOSSIBLE;
    }
    if (r.el == 1 && !arm_el_is_aa64(env, 1)) {
        restore(c, &slot->saved);
        refuse(c, slot, HYPSEC_INJECT_R_AARCH32);
        return;
    }
    slot->count++;
    if (r.el == 0) {
        finish(c, slot, HYPSEC_INJECT_S_NOT_TRAPPED, r.reason);
        return;
    }
    c->cs->halted = 0;
    slot->entered_ns = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    if (icount_enabled()) {
        count_insns(c);
    }
    slot->insns_last = 0;
    if (d->flags & HYPSEC_INJECT_F_KEEP) {
        slot->restore = false;
    }
    enter(c, &r, d);
    if (r.el == 1) {
        finish(c, slot, HYPSEC_INJECT_S_DONE_EL1, 0);
    } else if ((d->flags & HYPSEC_INJECT_F_ENTRY_ONLY) || !tcg_enabled()) {
        finish(c, slot, HYPSEC_INJECT_S_DONE_ENTRY, 0);
    } else {
        slot->state = HYPSEC_INJECT_IN_FLIGHT;
    }
}

/* Whether the CPU is where the event has to happen, and it is time. */
static bool at_right_level(HypsecInjectCpu *c, const HypsecInjectSlot *slot)
{
    int el = arm_current_el(env_of(c));

    if (slot->d.flags & HYPSEC_INJECT_F_AT_EL2) {
        return el == 2 &&
               qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) >= slot->due_ns;
    }
    return el < 2 || (!tcg_enabled() &&
                      (slot->d.flags & HYPSEC_INJECT_F_USE_PSTATE));
}

/* Why the event cannot happen, now or later. */
static uint32_t check_cpu(HypsecInjectCpu *c, const HypsecInjectSlot *slot)
{
    CPUARMState *env = env_of(c);

    if (ARM_CPU(c->cs)->power_state != PSCI_ON) {
        return HYPSEC_INJECT_R_CPU_OFF;
    }
    if (c->slot[HYPSEC_INJECT_LOWER].state == HYPSEC_INJECT_LATE ||
        runstate_check(RUN_STATE_GUEST_PANICKED)) {
        return HYPSEC_INJECT_R_CPU_HUNG;
    }
    if (c->cs->exception_index >= 0 &&
        c->cs->exception_index < EXCP_INTERRUPT) {
        return HYPSEC_INJECT_R_PENDING;
    }
    if (!is_a64(env)) {
        return HYPSEC_INJECT_R_AARCH32;
    }
    if (!at_right_level(c, slot) &&
        (!tcg_enabled() ||
         qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) >= slot->deadline_ns)) {
        return HYPSEC_INJECT_R_WRONG_EL;
    }
    return HYPSEC_INJECT_R_NONE;
}

/* Returns true if the slot is free again, or the CPU has changed. */
static bool try_slot(HypsecInjectCpu *c, HypsecInjectSlot *slot, bool hook)
{
    uint32_t reason;

    if (slot->state != HYPSEC_INJECT_WAITING) {
        return false;
    }
    /* In a hook, an exception index only says why the level changed. */
    if (hook) {
        if (!is_a64(env_of(c))) {
            return false;
        }
    } else {
        reason = check_cpu(c, slot);
        if (reason) {
            refuse(c, slot, reason);
            return true;
        }
    }
    if (!at_right_level(c, slot)) {
        return false;
    }
    deliver(c, slot);
    return true;
}

/* Lets everything happen that can. */
static void try_slots(HypsecInjectCpu *c, bool hook)
{
    int left = MAX_WITHOUT_EL2;

    while (try_slot(c, &c->slot[HYPSEC_INJECT_LOWER], hook) ||
           try_slot(c, &c->slot[HYPSEC_INJECT_EL2], hook)) {
        hypsec_inject_run_ring(c->inject);
        if (!--left) {
            hypsec_inject_cpu_kick(c);
            return;
        }
    }
}

/*
 * PSCI has turned the CPU off and another CPU has turned it on again: no hook
 * tells of that. A reset clears all of these; since the event was entered the
 * first is not 0 but for a snapshot, nor the second but for an exit from the
 * middle of a block, nor the third unless it was asked for.
 */
static bool was_reset(const HypsecInjectCpu *c)
{
    const CPUARMState *env = env_of(c);

    return !env->exception.target_el && !env->exception.syndrome &&
           !env->cp15.esr_el[2];
}

/* An event that EL2 has is finished, or goes on. */
static void returned(HypsecInjectCpu *c, HypsecInjectSlot *slot)
{
    const struct hypsec_inject_desc *d = &slot->d;
    bool stop;

    count_insns(c);
    slot->ns += qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) - slot->entered_ns;
    if (was_reset(c)) {
        slot->restore = false;
        if (slot->state == HYPSEC_INJECT_LATE) {
            slot->state = HYPSEC_INJECT_IDLE;
        } else {
            finish(c, slot, HYPSEC_INJECT_S_DONE_OFF, 0);
        }
        return;
    }
    if (slot->state == HYPSEC_INJECT_LATE) {
        slot->state = HYPSEC_INJECT_IDLE;
        c->inject->ring_changed = true;
        if (slot->restore) {
            restore(c, &slot->saved);
            slot->restore = false;
        }
        return;
    }
    stop = (d->flags & HYPSEC_INJECT_F_STOP_ON_ERROR) &&
           (int64_t)env_of(c)->xregs[0] < 0;
    if (slot->count < d->repeat && !stop) {
        if (slot->restore) {
            restore(c, &slot->saved);
            slot->restore = false;
        }
        slot->deadline_ns = hypsec_inject_cpu_deadline(d);
        slot->state = HYPSEC_INJECT_WAITING;
    } else {
        finish(c, slot, HYPSEC_INJECT_S_DONE_EL2, 0);
    }
}

/*
 * Interrupts that wait for the CPU come first, as they would between two
 * instructions: the next event then has to wait for a work item.
 */
static bool must_leave(const HypsecInjectCpu *c)
{
    return qatomic_read(&c->cs->interrupt_request) & ~CPU_INTERRUPT_EXITTB;
}

static void inject_el_change(ARMCPU *cpu, void *opaque)
{
    HypsecInjectCpu *c = opaque;
    HypsecInjectSlot *lower = &c->slot[HYPSEC_INJECT_LOWER];
    HypsecInjectSlot *at_el2 = &c->slot[HYPSEC_INJECT_EL2];
    bool eret = c->cs->exception_index < 0;
    int el = arm_current_el(&cpu->env);

    if (c->active || (lower->state == HYPSEC_INJECT_IDLE &&
                      at_el2->state == HYPSEC_INJECT_IDLE)) {
        return;
    }
    c->active = true;
    if (at_el2->state == HYPSEC_INJECT_IN_FLIGHT && eret) {
        returned(c, at_el2);
    }
    if (el < 2 && (lower->state == HYPSEC_INJECT_IN_FLIGHT ||
                   lower->state == HYPSEC_INJECT_LATE)) {
        returned(c, lower);
    }
    if (el == 2 && !eret && at_el2->state == HYPSEC_INJECT_WAITING &&
        at_el2->d.delay) {
        hypsec_inject_cpu_delay(c);
    }
    hypsec_inject_run_ring(c->inject);
    if (must_leave(c)) {
        c->active = false;
        if (lower->state == HYPSEC_INJECT_WAITING ||
            at_el2->state == HYPSEC_INJECT_WAITING) {
            hypsec_inject_cpu_kick(c);
        }
        return;
    }
    try_slots(c, true);
    c->active = false;
}

static bool firmware_panicked(void)
{
    Object *inspect = object_resolve_path("/machine/inspect", NULL);
    g_autofree char *text = NULL;

    if (inspect) {
        text = object_property_get_str(inspect, "panicked", NULL);
    }
    return text && !strcmp(text, "1");
}

/* Looks at an event that has been at EL2 for some time. */
static void check_in_flight(HypsecInjectCpu *c, HypsecInjectSlot *slot)
{
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    uint64_t bound = slot->d.bound ?: HYPSEC_INJECT_BOUND_DEFAULT;

    if (slot->state != HYPSEC_INJECT_IN_FLIGHT) {
        return;
    }
    if (ARM_CPU(c->cs)->power_state != PSCI_ON) {
        slot->restore = false;
        finish(c, slot, HYPSEC_INJECT_S_DONE_OFF, 0);
        return;
    }
    if (now < slot->deadline_ns) {
        if (now - slot->entered_ns >= HYPSEC_INJECT_WATCH_NS &&
            firmware_panicked()) {
            slot->ns += now - slot->entered_ns;
            finish(c, slot, HYPSEC_INJECT_S_PANICKED, 0);
        }
        return;
    }
    if (icount_enabled() && !c->cs->halted && slot->insns_last < bound) {
        /* The time was that of other CPUs. */
        slot->deadline_ns = now + icount_to_ns(bound - slot->insns_last);
        return;
    }
    slot->ns += now - slot->entered_ns;
    finish(c, slot, firmware_panicked() ? HYPSEC_INJECT_S_PANICKED
                                        : HYPSEC_INJECT_S_HUNG, 0);
}

static void inject_work(CPUState *cs, run_on_cpu_data data)
{
    HypsecInjectCpu *c = data.host_ptr;

    c->queued = false;
    if (!runstate_is_running() && !runstate_check(RUN_STATE_GUEST_PANICKED)) {
        /* The change of run state brings us back. */
        return;
    }
    c->active = true;
    for (int k = 0; k < HYPSEC_INJECT_SLOTS; k++) {
        check_in_flight(c, &c->slot[k]);
    }
    hypsec_inject_run_ring(c->inject);
    try_slots(c, false);
    c->active = false;
}

void hypsec_inject_cpu_kick(HypsecInjectCpu *c)
{
    /* Whoever has set active holds the BQL and will look. */
    if (c->queued || c->active) {
        return;
    }
    c->queued = true;
    async_run_on_cpu(c->cs, inject_work, RUN_ON_CPU_HOST_PTR(c));
}

void hypsec_inject_cpu_panicked(HypsecInjectCpu *c)
{
    for (int k = 0; k < HYPSEC_INJECT_SLOTS; k++) {
        HypsecInjectSlot *slot = &c->slot[k];

        if (slot->state == HYPSEC_INJECT_IN_FLIGHT) {
            slot->ns += qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) -
                        slot->entered_ns;
            finish(c, slot, HYPSEC_INJECT_S_PANICKED, 0);
        } else if (slot->state == HYPSEC_INJECT_WAITING) {
            refuse(c, slot, HYPSEC_INJECT_R_CPU_HUNG);
        }
    }
}

/* ---- Life cycle ---- */

bool hypsec_inject_cpu_init(HypsecInjectState *s)
{
    CPUState *cs;

    s->num_cpus = 0;
    CPU_FOREACH(cs) {
        if (s->num_cpus == HYPSEC_INJECT_MAX_CPUS ||
            cs->cpu_index != s->num_cpus ||
            !object_dynamic_cast(OBJECT(cs), TYPE_ARM_CPU) ||
            !arm_feature(cpu_env(cs), ARM_FEATURE_EL2)) {
            return false;
        }
        s->cpu[s->num_cpus].inject = s;
        s->cpu[s->num_cpus].cs = cs;
        s->num_cpus++;
    }
    return s->num_cpus > 0;
}

/* Registered hooks run before those that were there; ours has to be last. */
static void add_hook_last(HypsecInjectCpu *c)
{
    ARMCPU *cpu = ARM_CPU(c->cs);
    ARMELChangeHook *entry = g_new0(ARMELChangeHook, 1);
    ARMELChangeHook *last = NULL, *e;

    entry->hook = inject_el_change;
    entry->opaque = c;
    QLIST_FOREACH(e, &cpu->el_change_hooks, node) {
        last = e;
    }
    if (last) {
        QLIST_INSERT_AFTER(last, entry, node);
    } else {
        QLIST_INSERT_HEAD(&cpu->el_change_hooks, entry, node);
    }
}

/* Instructions of a CPU are counted by its slices of execution. */
static void hook_exec(CPUState *cs)
{
    TCGCPUOps *ops;

    if (cs->cc->tcg_ops->cpu_exec_enter == inject_exec_enter) {
        return;
    }
    ops = g_memdup2(cs->cc->tcg_ops, sizeof(*ops));
    next_exec_enter = ops->cpu_exec_enter;
    next_exec_exit = ops->cpu_exec_exit;
    ops->cpu_exec_enter = inject_exec_enter;
    ops->cpu_exec_exit = inject_exec_exit;
    CPU_GET_CLASS(cs)->tcg_ops = ops;
}

void hypsec_inject_cpu_install(HypsecInjectState *s)
{
    inject = s;
    for (int i = 0; i < s->num_cpus; i++) {
        add_hook_last(&s->cpu[i]);
        if (icount_enabled()) {
            hook_exec(s->cpu[i].cs);
        }
    }
}

void hypsec_inject_cpu_registers(const HypsecInjectCpu *c, GString *buf)
{
    CPUARMState *env = env_of(c);
    bool aa64 = is_a64(env);

    g_string_append_printf(buf, "cpu %d %s el %d%s\n", c->cs->cpu_index,
                           ARM_CPU(c->cs)->power_state == PSCI_ON ?
                           "on" : "off", arm_current_el(env),
                           c->cs->halted ? " halted" : "");
    for (int i = 0; i < 31; i++) {
        uint64_t x = aa64 ? env->xregs[i] : i < 16 ? env->regs[i] : 0;

        g_string_append_printf(buf, "x%-2d %016" PRIx64 "%c", i, x,
                               i % 4 == 3 ? '\n' : ' ');
    }
    g_string_append_printf(buf, "sp  %016" PRIx64 "\n", env->xregs[31]);
    g_string_append_printf(buf, "pc %016" PRIx64 " pstate %08x\n",
                           aa64 ? env->pc : (uint64_t)env->regs[15],
                           aa64 ? pstate_read(env) : cpsr_read(env));
    for (int el = 1; el <= 2; el++) {
        int spsr = aarch64_banked_spsr_index(el);

        g_string_append_printf(buf, "elr_el%d %016" PRIx64 " spsr_el%d %08"
                               PRIx64 " esr_el%d %08" PRIx64 "\n"
                               "far_el%d %016" PRIx64 " vbar_el%d %016" PRIx64
                               " sctlr_el%d %016" PRIx64 "\n",
                               el, env->elr_el[el], el, env->banked_spsr[spsr],
                               el, env->cp15.esr_el[el], el,
                               env->cp15.far_el[el], el,
                               env->cp15.vbar_el[el], el,
                               env->cp15.sctlr_el[el]);
    }
    g_string_append_printf(buf, "hcr_el2 %016" PRIx64 " vttbr_el2 %016" PRIx64
                           " hpfar_el2 %016" PRIx64 "\n",
                           env->cp15.hcr_el2, env->cp15.vttbr_el2,
                           env->cp15.hpfar_el2);
}
