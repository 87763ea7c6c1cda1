/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the host traps into EL2 with. Layer: TrapHandler, the top.
 * Locks: none held here; none is held at return.
 */
#include "core/trap_handler.h"

#include "core/fault_handler.h"
#include "core/host_hvc.h"
#include "core/inject.h"
#include "core/locks.h"
#include "core/mmio_ops.h"
#include "core/panic.h"
#include "core/pcpu.h"
#include "core/psci.h"
#include "core/violation.h"

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

static void enter(struct trap_frame *frame)
{
	if (panic_is_halted()) {
		cpu_park();
	}
	this_cpu()->frame = frame;
}

static void leave(void)
{
	ASSERT(lock_none_is_held());
	this_cpu()->frame = NULL;
	if (panic_is_halted()) {
		cpu_park();
	}
}

void trap_host_sync(struct trap_frame *frame)
{
	enter(frame);
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
	leave();
}

void trap_host_serror(struct trap_frame *frame)
{
	enter(frame);
	cpu_pend_vserror(EXTRACT(ESR_ELX_ISS, frame->esr));
	leave();
}
