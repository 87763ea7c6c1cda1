/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steps of vCPU operations. Layer: VCPUOpsAux, on BootOps, VMPower, MemoryOps
 * and FaultHandler's exception entry. Locks: as each function says.
 *
 * The vCPU is the current one, ACTIVE on this CPU, so nobody else uses its
 * context. What an exit tells the host is decided here, by what EL2 has
 * captured and nothing else (G44).
 */
#include "core/vcpu_ops_aux.h"

#include "arch/sysreg.h"
#include "core/boot_vcpu.h"
#include "core/inject.h"
#include "core/int_state.h"
#include "core/locks.h"
#include "core/memory_ops.h"
#include "core/pcpu.h"
#include "core/psci_numbers.h"
#include "core/trap_frame.h"
#include "core/vm_info.h"
#include "core/vm_power.h"

/* All of SCTLR_EL1 that is one at reset; the MMU and the caches are off. */
#define SCTLR_EL1_RESET		UINT64_C(0x30d50878)
#define MPIDR_RES1		UINT64_C(0x80000000)

#define CNTV_CTL_ENABLE		BIT(0)
#define CNTV_CTL_IMASK		BIT(1)

/* What the host may know of a syndrome, besides its class. */
#define ESR_MMIO_MASK		(ESR_EC_MASK | ESR_ELX_ISV | ESR_ELX_SSE | \
				 ESR_ELX_SF | ESR_ELX_WNR | \
				 FIELD_MASK(ESR_ELX_SAS) | \
				 FIELD_MASK(ESR_ELX_SRT))
#define ESR_MEMORY_MASK		(ESR_EC_MASK | ESR_ELX_WNR)
#define ESR_WFX_MASK		(ESR_EC_MASK | FIELD_MASK(ESR_ELX_TI))
#define ESR_SYS_MASK		(ESR_EC_MASK | FIELD_MASK(ESR_ELX_ISS))

void vcpu_xzr_set(struct shadow_ctxt *ctxt, uint64_t n, uint64_t value)
{
	if (n <= X30) {
		ctxt->regs[n] = value;
	}
}

/*
 * ITSTATE behind an instruction of AArch32: the next condition of the block, or
 * none. (Arm ARM, ITAdvance().)
 */
static uint64_t advance_it(uint64_t pstate)
{
	uint64_t it = EXTRACT(SPSR_A32_IT_HIGH, pstate) << 2 |
		      EXTRACT(SPSR_A32_IT_LOW, pstate);

	it = (it & 7) == 0 ? 0 : (it & 0xe0) | (it << 1 & 0x1f);
	pstate &= ~(FIELD_MASK(SPSR_A32_IT_HIGH) |
		    FIELD_MASK(SPSR_A32_IT_LOW));
	return pstate | INPLACE(SPSR_A32_IT_HIGH, it >> 2) |
	       INPLACE(SPSR_A32_IT_LOW, it);
}

void vcpu_skip_instr(struct shadow_ctxt *ctxt)
{
	uint64_t pstate = ctxt->regs[PSTATE] & ~SPSR_SS;

	ctxt->regs[PC] += (ctxt->regs[ESR_EL2] & ESR_ELX_IL) != 0 ? 4 : 2;
	ctxt->regs[PSTATE] = (pstate & SPSR_M4_AARCH32) != 0 ?
				     advance_it(pstate) : pstate & ~SPSR_BTYPE;
}

/**
 * read_actlr_el1() - ACTLR_EL1 of this CPU
 *
 * Spec:    AbstractMachine.read_actlr_el1_spec
 * Returns: what the hardware has
 */
uint64_t read_actlr_el1(void)
{
	return sysreg_read(actlr_el1);
}

/**
 * get_sys_reg_desc_val() - what a system register of a vCPU is at reset
 * @index: enum shadow_reg, by the register and not by a place in a list (G50)
 *
 * Spec:    AbstractMachine.get_sys_reg_desc_val_spec
 * Returns: the value; 0 for every register without another one
 */
uint64_t get_sys_reg_desc_val(uint32_t index)
{
	return index == SCTLR_EL1 ? SCTLR_EL1_RESET : 0;
}

/**
 * reset_gp_regs() - put a vCPU before its first instruction
 * @vmid:   the current VM
 * @vcpuid: its vCPU, ON_PENDING
 *
 * Entry and context are the manifest's or those of the VM's own CPU_ON.
 *
 * Spec:   VCPUOpsAux.reset_gp_regs_spec
 * Delta:  D-035: PC and x0 are what the VM or its manifest said and PSTATE is
 *	   0x3c5, all three chosen by the host in the specification (G41)
 * Locks:  takes vm[vmid]; caller holds none
 * Panics: a number out of range - nobody
 */
void reset_gp_regs(uint32_t vmid, uint32_t vcpuid)
{
	clear_shadow_gp_regs(vmid, vcpuid);
	reset_fp_regs(vmid, vcpuid);
	acquire_lock_vm(vmid);
	set_shadow_ctxt(vmid, vcpuid, PC, get_vcpu_entry(vmid, vcpuid));
	set_shadow_ctxt(vmid, vcpuid, X0, get_vcpu_context(vmid, vcpuid));
	set_vcpu_power(vmid, vcpuid, VCPU_ON);
	release_lock_vm(vmid);
	set_shadow_ctxt(vmid, vcpuid, PSTATE, PSTATE_FAULT_BITS_64);
}

/**
 * reset_sys_regs() - reset every register but x0 to x30, PC, PSTATE and FP
 * @vmid:   the current VM
 * @vcpuid: its vCPU
 *
 * Spec:   VCPUOpsAux.reset_sys_regs_spec
 * Delta:  D-035: every register of the context, by its own number (G50)
 * Panics: a number out of range - nobody
 */
void reset_sys_regs(uint32_t vmid, uint32_t vcpuid)
{
	struct shadow_ctxt *ctxt = shadow_ctxt_get(vmid, vcpuid);
	uint64_t cntvoff = ctxt->regs[CNTVOFF_EL2];

	ctxt->regs[SP] = 0;
	for (uint32_t i = PSTATE + 1; i < NR_SHADOW_REGS; i++) {
		ctxt->regs[i] = get_sys_reg_desc_val(i);
	}
	ctxt->regs[MPIDR_EL1] = MPIDR_RES1 | vcpuid;
	ctxt->regs[ACTLR_EL1] = read_actlr_el1();
	/* The VM's, not the vCPU's. */
	ctxt->regs[CNTVOFF_EL2] = cntvoff;
}

uint64_t vcpu_loaded_value(uint64_t esr, uint64_t value)
{
	unsigned int bits = 8u << EXTRACT(ESR_ELX_SAS, esr);

	if (bits < 64) {
		value &= GENMASK(bits - 1, 0);
		if ((esr & ESR_ELX_SSE) != 0 && (value & BIT(bits - 1)) != 0) {
			value |= ~GENMASK(bits - 1, 0);
		}
	}
	return (esr & ESR_ELX_SF) != 0 ? value : (uint32_t)value;
}

/* When the VM's timer wants to fire, on the physical counter. */
static uint64_t timer_deadline(const struct shadow_ctxt *ctxt)
{
	uint64_t ctl = ctxt->regs[CNTV_CTL_EL0];
	uint64_t offset = ctxt->regs[CNTVOFF_EL2];
	uint64_t deadline = ctxt->regs[CNTV_CVAL_EL0] + offset;

	if ((ctl & (CNTV_CTL_ENABLE | CNTV_CTL_IMASK)) != CNTV_CTL_ENABLE) {
		return HYPSEC_NO_DEADLINE;
	}
	/* Beyond the counter's end; a VM ahead of it wraps by right. */
	if (deadline < offset && (offset & BIT(63)) == 0) {
		return HYPSEC_NO_DEADLINE;
	}
	return deadline;
}

/**
 * prep_wfx() - tell the host that a vCPU waits
 * @vmid:   the current VM
 * @vcpuid: its vCPU
 *
 * Spec:   VCPUOpsAux.prep_wfx_spec
 * Delta:  D-037: the host learns which instruction, and the timer's deadline
 * Panics: a number out of range - nobody
 */
void prep_wfx(uint32_t vmid, uint32_t vcpuid)
{
	struct shadow_ctxt *ctxt = shadow_ctxt_get(vmid, vcpuid);
	uint64_t esr = ctxt->regs[ESR_EL2];

	ctxt->regs[DIRTY] |= DIRTY_PC_FLAG;
	int_state_show(ctxt, esr & ESR_WFX_MASK, 0,
		       EXTRACT(ESR_ELX_TI, esr) == WFX_WFI ?
			       timer_deadline(ctxt) : HYPSEC_NO_DEADLINE);
}

/* Arguments of a PSCI function that the host needs: bit n for xn. */
static uint32_t released_args(uint32_t fn)
{
	switch (fn) {
	case PSCI_CPU_SUSPEND:
	case PSCI_CPU_SUSPEND_64:
	case PSCI_CPU_ON:
	case PSCI_CPU_ON_64:
		return 1u << X1 | 1u << X2 | 1u << X3;
	case PSCI_AFFINITY_INFO:
	case PSCI_AFFINITY_INFO_64:
		return 1u << X1 | 1u << X2;
	case PSCI_FEATURES:
		return 1u << X1;
	default:
		return 0;
	}
}

/*
 * Has the target start where the VM says, if it can: it exists and is not on.
 * If not, the host finds the right error by itself. One that has not run since
 * an earlier CPU_ON starts by this one: the host may have denied that.
 */
static void psci_cpu_on(uint32_t vmid, uint64_t target, uint64_t entry,
			uint64_t context)
{
	/* A vCPU's affinity is its number. */
	if (target >= VCPU_PER_VM) {
		return;
	}
	acquire_lock_vm(vmid);
	if (get_vcpu_state(vmid, (uint32_t)target) != UNUSED &&
	    get_vcpu_power(vmid, (uint32_t)target) != VCPU_ON) {
		boot_vcpu_set_entry(vmid, (uint32_t)target, entry, context);
	}
	release_lock_vm(vmid);
}

static void psci_cpu_off(uint32_t vmid, uint32_t vcpuid)
{
	/* Should it ever run again, then from reset. */
	set_shadow_dirty_bit(vmid, vcpuid, INVALID64);
	acquire_lock_vm(vmid);
	set_vcpu_power(vmid, vcpuid, VCPU_OFF);
	release_lock_vm(vmid);
}

/* Those of SMC32 functions are 32 bits. */
static void psci_show_args(uint32_t vmid, uint32_t vcpuid,
				    uint32_t fn, const uint64_t regs[])
{
	uint32_t shown = released_args(fn);
	uint64_t mask = (fn & SMCCC_64) != 0 ? ~UINT64_C(0) :
					       GENMASK(31, 0);

	for (uint32_t i = X1; shown >> i != 0; i++) {
		set_int_gpr(vmid, vcpuid, i, regs[i] & mask);
	}
}

/* What EL2 does about a call, whatever the host answers. */
static void psci_effect(uint32_t vmid, uint32_t vcpuid, uint32_t fn,
			const uint64_t regs[])
{
	switch (fn) {
	case PSCI_CPU_ON:
		psci_cpu_on(vmid, (uint32_t)regs[X1], (uint32_t)regs[X2],
			    (uint32_t)regs[X3]);
		break;
	case PSCI_CPU_ON_64:
		psci_cpu_on(vmid, regs[X1], regs[X2], regs[X3]);
		break;
	case PSCI_CPU_OFF:
		psci_cpu_off(vmid, vcpuid);
		break;
	case PSCI_SYSTEM_OFF:
	case PSCI_SYSTEM_RESET:
	case PSCI_SYSTEM_RESET2:
	case PSCI_SYSTEM_RESET2_64:
		set_vm_poweroff(vmid);
		break;
	default:
		break;
	}
}

void vcpu_psci_call(uint32_t vmid, uint32_t vcpuid, uint32_t fn)
{
	const uint64_t *regs = shadow_ctxt_get(vmid, vcpuid)->regs;

	psci_show_args(vmid, vcpuid, fn, regs);
	psci_effect(vmid, vcpuid, fn, regs);
}

enum abort_kind abort_kind(const struct shadow_ctxt *ctxt)
{
	uint64_t esr = ctxt->regs[ESR_EL2];
	uint64_t ipa = hpfar_to_ipa(ctxt->regs[HPFAR_EL2]);
	bool data = EXTRACT(ESR_ELX_EC, esr) == EC_DABT_LOW;

	/* Only a translation fault has its address in HPFAR_EL2 always. */
	if ((EXTRACT(ESR_ELX_FSC, esr) & FSC_TYPE_MASK) != FSC_TRANSLATION) {
		return ABORT_REFUSED;
	}
	if (ipa >= MAX_MMIO_ADDR) {
		return ipa < KVM_PHYS_SIZE ? ABORT_MEMORY : ABORT_REFUSED;
	}
	return data && (esr & ESR_ELX_ISV) != 0 &&
			       (esr & ESR_ELX_S1PTW) == 0 ?
		       ABORT_MMIO : ABORT_REFUSED;
}

static void prep_mmio(uint32_t vmid, uint32_t vcpuid)
{
	struct shadow_ctxt *ctxt = shadow_ctxt_get(vmid, vcpuid);
	uint64_t esr = ctxt->regs[ESR_EL2];
	uint64_t rt = EXTRACT(ESR_ELX_SRT, esr);
	uint64_t offset = ctxt->regs[FAR_EL2] & (PAGE_SIZE - 1);

	int_state_show(ctxt, esr & ESR_MMIO_MASK,
		       hpfar_to_ipa(ctxt->regs[HPFAR_EL2]) | offset, 0);
	ctxt->regs[DIRTY] |= DIRTY_PC_FLAG;
	if ((esr & ESR_ELX_WNR) == 0) {
		ctxt->regs[DIRTY] |= dirty_bit(rt);
	} else if (rt <= X30) {
		unsigned int bits = 8u << EXTRACT(ESR_ELX_SAS, esr);

		set_int_gpr(vmid, vcpuid, (uint32_t)rt,
			    ctxt->regs[rt] & GENMASK(bits - 1, 0));
	}
}

/**
 * prep_abort() - tell the host about an access of a vCPU
 * @vmid:   the current VM
 * @vcpuid: its vCPU, which left by an abort that is not ABORT_REFUSED
 *
 * Spec:   VCPUOpsAux.prep_abort_spec
 * Delta:  D-036: by the syndrome that EL2 captured (G44), XZR is no register
 *	   (G45), an abort is MMIO or memory and never both (G46), and a load
 *	   is not executed again (G47)
 * Panics: a number out of range - nobody
 */
void prep_abort(uint32_t vmid, uint32_t vcpuid)
{
	struct shadow_ctxt *ctxt = shadow_ctxt_get(vmid, vcpuid);

	if (abort_kind(ctxt) == ABORT_MMIO) {
		prep_mmio(vmid, vcpuid);
	} else {
		ctxt->regs[FLAGS] |= PENDING_FSC_FAULT;
		int_state_show(ctxt, ctxt->regs[ESR_EL2] & ESR_MEMORY_MASK,
			       hpfar_to_ipa(ctxt->regs[HPFAR_EL2]), 0);
	}
}

void prep_sys64(uint32_t vmid, uint32_t vcpuid)
{
	struct shadow_ctxt *ctxt = shadow_ctxt_get(vmid, vcpuid);
	uint64_t esr = ctxt->regs[ESR_EL2];
	uint64_t rt = EXTRACT(ESR_ELX_SYS_RT, esr);

	int_state_show(ctxt, esr & ESR_SYS_MASK, 0, 0);
	ctxt->regs[DIRTY] |= DIRTY_PC_FLAG;
	if ((esr & ESR_ELX_SYS_READ) != 0) {
		ctxt->regs[DIRTY] |= dirty_bit(rt);
	} else if (rt <= X30) {
		set_int_gpr(vmid, vcpuid, (uint32_t)rt, ctxt->regs[rt]);
	}
}

/**
 * get_exception_vector() - where the current VM takes an exception
 * @pstate: PSTATE before
 *
 * Spec:    AbstractMachine.get_exception_vector_spec
 * Returns: VA of the synchronous vector
 */
uint64_t get_exception_vector(uint64_t pstate)
{
	return inject_vector(this_cpu()->ctxt->regs[VBAR_EL1], pstate);
}

bool vcpu_was_at_el1(const struct shadow_ctxt *ctxt)
{
	uint64_t mode = ctxt->regs[PSTATE] & SPSR_MODE_MASK;

	return mode == SPSR_MODE_EL1T || mode == SPSR_MODE_EL1H;
}

void vcpu_enter_el1(struct shadow_ctxt *ctxt, uint64_t esr)
{
	uint64_t pstate = ctxt->regs[PSTATE];

	ctxt->regs[ELR_EL1] = ctxt->regs[PC];
	ctxt->regs[SPSR_EL1] = pstate;
	ctxt->regs[ESR_EL1] = esr;
	ctxt->regs[PC] = get_exception_vector(pstate);
	ctxt->regs[PSTATE] = inject_entry_pstate(pstate,
						 ctxt->regs[SCTLR_EL1],
						 &this_cpu()->features);
}

/*
 * An external abort in place of a stage-1 walk's access has a level. The
 * syndrome tells only that of the stage-2 walk, which has to do.
 */
static uint64_t external_abort_fsc(uint64_t esr)
{
	return (esr & ESR_ELX_S1PTW) == 0 ?
		       FSC_EXTERNAL_ABORT :
		       FSC_EXTERNAL_WALK | (esr & FSC_LEVEL_MASK);
}

uint64_t vcpu_external_abort(const struct shadow_ctxt *ctxt, uint64_t class)
{
	bool el1 = vcpu_was_at_el1(ctxt);
	/* IL is set for every abort without ISV, and EL1 gets none with it. */
	uint64_t esr = ESR_ELX_IL | external_abort_fsc(ctxt->regs[ESR_EL2]);

	if (class == EC_IABT_LOW) {
		return esr | INPLACE(ESR_ELX_EC,
				     el1 ? EC_IABT_CUR : EC_IABT_LOW);
	}
	return esr | INPLACE(ESR_ELX_EC, el1 ? EC_DABT_CUR : EC_DABT_LOW) |
	       (ctxt->regs[ESR_EL2] & ESR_ELX_WNR);
}

/**
 * update_exception_gp_regs() - have a vCPU take the exception that is pending
 * @vmid:   the current VM
 * @vcpuid: its vCPU; DIRTY has one bit of PENDING_EXCEPT_INJECT_FLAG
 *
 * Spec:   VCPUOpsAux.update_exception_gp_regs_spec
 * Delta:  D-038: as the architecture enters EL1 (G49), and also for aborts
 * Panics: a number out of range - nobody
 */
void update_exception_gp_regs(uint32_t vmid, uint32_t vcpuid)
{
	struct shadow_ctxt *ctxt = shadow_ctxt_get(vmid, vcpuid);
	uint64_t dirty = ctxt->regs[DIRTY];

	if ((dirty & PENDING_UNDEF_INJECT) != 0) {
		vcpu_enter_el1(ctxt, INPLACE(ESR_ELX_EC, EC_UNKNOWN) |
				     ESR_ELX_IL);
		return;
	}
	ctxt->regs[FAR_EL1] = ctxt->regs[FAR_EL2];
	vcpu_enter_el1(ctxt, vcpu_external_abort(
		ctxt, (dirty & PENDING_IABT_INJECT) != 0 ? EC_IABT_LOW :
							   EC_DABT_LOW));
}

/**
 * post_handle_shadow_s2pt_fault() - map the page that the host offers
 * @vmid:   the current VM
 * @vcpuid: its vCPU
 * @addr:   where it waits, IPA in bytes
 *
 * Spec:    VCPUOpsAux.post_handle_shadow_s2pt_fault_spec
 * Delta:   D-001. D-032: no page is offered, or another vCPU was quicker: the
 *	    VM tries again (G19)
 * Locks:   takes vm[vmid], then s2page, then pt; caller holds none
 * Returns: HV_OK; HV_EBUSY if the VM is POWEROFF; else as
 *	    prot_and_map_vm_s2pt(), nothing has changed
 * Refuses: what prot_and_map_vm_s2pt() refuses - host can reach this
 */
enum hv_status post_handle_shadow_s2pt_fault(uint32_t vmid, uint32_t vcpuid,
					     uint64_t addr)
{
	uint64_t pte = get_int_new_pte(vmid, vcpuid);
	uint32_t level = get_int_new_level(vmid, vcpuid);
	enum hv_status status;

	if (pte == 0) {
		return HV_OK;
	}
	status = prot_and_map_vm_s2pt(vmid, addr, pte, level);
	/* Another vCPU may have been quicker, also in powering off. */
	if (status == HV_EBUSY) {
		return HV_OK;
	}
	return status == HV_EPERM && get_vm_poweron(vmid) == 0 ? HV_EBUSY :
								 status;
}
