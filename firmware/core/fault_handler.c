/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stage-2 faults of the host. Layer: FaultHandler, on MemManager.
 * Locks: none held across the layer below.
 */
#include "core/fault_handler.h"

#include "core/inject.h"
#include "core/mem_manager.h"
#include "core/pcpu.h"
#include "core/spec_constants.h"
#include "core/violation.h"

/* The IPA that HPFAR_EL2 holds, page aligned. */
static uint64_t hpfar_to_ipa(uint64_t hpfar)
{
	return EXTRACT(HPFAR_FIPA, hpfar) << PAGE_SHIFT;
}

/**
 * handle_host_stage2_fault() - map what the host may have, refuse the rest
 * @frame: an instruction or data abort from EL1 or EL0 of the host
 *
 * Only a translation fault asks for a mapping, and only there does HPFAR_EL2
 * hold the address in every case (G14). Any other fault is the host's own
 * doing: the tables give it no other kind.
 *
 * Spec:    FaultHandler.handle_host_stage2_fault_spec
 * Delta:   D-001: a refusal injects an external abort; D-008: the fault
 *	    status is checked before HPFAR_EL2 is believed
 * Locks:   takes s2page, then pt[HOSTVISOR]; caller holds none
 * Refuses: what map_page_host() refuses, other faults - host can reach this
 */
void handle_host_stage2_fault(struct trap_frame *frame)
{
	uint64_t fsc = EXTRACT(ESR_ELX_FSC, frame->esr);
	uint64_t addr;

	this_cpu()->counters->host_s2_faults++;
	if ((fsc & FSC_TYPE_MASK) != FSC_TRANSLATION) {
		violation("stage-2 fault without a remedy, VA", frame->far);
		inject_external_abort(frame);
		return;
	}
	addr = hpfar_to_ipa(frame->hpfar);
	if (map_page_host(addr) != HV_OK) {
		violation("access to IPA", addr);
		inject_external_abort(frame);
	}
}
