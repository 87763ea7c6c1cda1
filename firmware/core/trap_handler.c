/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the host and VMs trap into EL2 with. Layer: TrapHandler, the top.
 * Locks: none held here; none is held at return.
 */
#include "core/trap_handler.h"

#include "arch/world.h"
#include "core/ctxt_switch.h"
#include "core/fault_handler.h"
#include "core/host_hvc.h"
#include "core/hv_result.h"
#include "core/inject.h"
#include "core/locks.h"
#include "core/mmio_ops.h"
#include "core/panic.h"
#include "core/pcpu.h"
#include "core/psci.h"
#include "core/sysregs.h"
#include "core/violation.h"
#include "core/vm_exit.h"
#include "hypsec/abi.h"

static void host_smc(struct trap_frame *frame)
{
	int64_t ret = SMCCC_NOT_SUPPORTED;

	this_cpu()->counters->smcs++;
	/* A trapped SMC returns to itself, unlike an HVC. */
	host_skip_instr();
	/* The calling convention knows SMC #0 only. */
	if (EXTRACT(ESR_ELX_IMM16, frame->esr) == 0) {
		ret = psci_call((uint32_t)frame->regs[0], &frame->regs[1]);
	}
	frame->regs[0] = (uint64_t)ret;
}

static void host_unknown(struct trap_frame *frame)
{
	violation("trapped instruction, class",
		  EXTRACT(ESR_ELX_EC, frame->esr));
	inject_undefined(frame);
}

static inline void enter(struct trap_frame *frame)
{
	if (panic_is_halted()) {
		cpu_park();
	}
	this_cpu()->frame = frame;
}

static inline void leave(void)
{
	ASSERT(lock_none_is_held());
	this_cpu()->frame = NULL;
	if (panic_is_halted()) {
		cpu_park();
	}
}

/*
 * vm_exit_handler() - what becomes of a VM that has stopped
 * @ec: HYPSEC_EXIT_*
 *
 * Spec:    TrapHandler.vm_exit_handler_spec
 * Delta:   D-023: returns to who runs the VM, in place of ending in an ERET of
 *	    its own; any trap is handled, none panics (G55)
 * Returns: whether the VM goes on
 */
static bool vm_exit_handler(uint64_t ec)
{
	exit_populate_fault(ec);
	return ec == HYPSEC_EXIT_TRAP && vm_exit_dispatcher();
}

static COLD void vcpu_run_refused(struct trap_frame *frame,
				  enum hv_status status)
{
	/* How many tables a VM needs is not its host's doing. */
	if (hv_is_violation(status) && status != HV_ENOMEM) {
		violation_call("VCPU_RUN", &frame->regs[1], 2);
	}
	frame->regs[0] = hv_result(status);
}

/*
 * host_vcpu_run_handler() - run a vCPU until the host has to do something
 * @frame: the HVC; x0 becomes HYPSEC_EXIT_* or the refusal, nothing else
 *	   changes
 *
 * EL2's interrupts are masked, and a VM that makes EL2 work takes the interrupt
 * that waits when it goes on; so this loop is bounded by the host's interrupts.
 *
 * Spec:    TrapHandler.host_vcpu_run_handler_spec
 * Delta:   D-001, D-023
 * Locks:   takes vm[vmid] and what an exit takes; caller holds none
 * Refuses: what restore_vm() refuses - host can reach this
 */
static void host_vcpu_run_handler(struct trap_frame *frame)
{
	enum hv_status status;
	uint64_t ec;

	this_cpu()->counters->hypercalls++;
	save_host();
	status = restore_vm();
	if (status != HV_OK) {
		vcpu_run_refused(frame, status);
		return;
	}
	do {
		if (panic_is_halted()) {
			cpu_park();
		}
		ec = core_to_vm(this_cpu()->ctxt);
	} while (vm_exit_handler(ec));
	save_vm();
	restore_host();
	if (ec == HYPSEC_EXIT_SERROR) {
		/* The machine's error is the host's, as if it had run. */
		cpu_pend_vserror(EXTRACT(ESR_ELX_ISS, read_esr_el2()));
	}
	frame->regs[0] = ec;
}

static bool is_vcpu_run(const struct trap_frame *frame)
{
	return frame->regs[0] == HYPSEC_HVC_VCPU_RUN &&
	       EXTRACT(ESR_ELX_EC, frame->esr) == EC_HVC64 &&
	       EXTRACT(ESR_ELX_IMM16, frame->esr) == 0;
}

static NOINLINE void host_other_sync(struct trap_frame *frame)
{
	switch (EXTRACT(ESR_ELX_EC, frame->esr)) {
	case EC_HVC64:
		host_hvc_dispatcher(frame);
		break;
	case EC_SMC64:
		host_smc(frame);
		break;
	case EC_IABT_LOW:
	case EC_DABT_LOW:
		handle_host_stage2_fault(frame);
		break;
	default:
		host_unknown(frame);
		break;
	}
}

void trap_host_sync(struct trap_frame *frame)
{
	enter(frame);
	if (is_vcpu_run(frame)) {
		host_vcpu_run_handler(frame);
	} else {
		host_other_sync(frame);
	}
	leave();
}

void trap_host_serror(struct trap_frame *frame)
{
	enter(frame);
	cpu_pend_vserror(EXTRACT(ESR_ELX_ISS, frame->esr));
	leave();
}
