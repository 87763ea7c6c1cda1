/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stage-2 faults of the host, and what a VM asks EL2 for. Layer: FaultHandler,
 * on MemHandler, MmioOps and MemoryOps.
 * Locks: none held across the layer below.
 */
#include "core/fault_handler.h"

#include "core/dma_device.h"
#include "core/hv_result.h"
#include "core/inject.h"
#include "core/mem_manager.h"
#include "core/memory_ops.h"
#include "core/mmio_ops.h"
#include "core/panic.h"
#include "core/pcpu.h"
#include "core/shadow_ctxt.h"
#include "core/spec_constants.h"
#include "core/violation.h"
#include "core/vm_info.h"
#include "hypsec/abi.h"

/* The IPA that HPFAR_EL2 holds, page aligned. */
static uint64_t hpfar_to_ipa(uint64_t hpfar)
{
	return EXTRACT(HPFAR_FIPA, hpfar) << PAGE_SHIFT;
}

/**
 * handle_host_stage2_fault() - emulate or map what the host may have
 * @frame: an instruction or data abort from EL1 or EL0 of the host
 *
 * Only a translation fault asks for a mapping, and only there does HPFAR_EL2
 * hold the address in every case (G14). Any other fault is the host's own
 * doing: the tables give it no other kind.
 *
 * Spec:    FaultHandler.handle_host_stage2_fault_spec
 * Delta:   D-001: a refusal injects an external abort; D-008: the fault
 *	    status is checked before HPFAR_EL2 is believed
 * Locks:   takes smmu, or s2page and then pt[HOSTVISOR]; caller holds none
 * Refuses: what emulate_mmio() and map_page_host() refuse, other faults - host
 *	    can reach this
 */
void handle_host_stage2_fault(struct trap_frame *frame)
{
	uint64_t fsc = EXTRACT(ESR_ELX_FSC, frame->esr);
	enum hv_status status;
	uint64_t addr;

	this_cpu()->counters->host_s2_faults++;
	if ((fsc & FSC_TYPE_MASK) != FSC_TRANSLATION) {
		violation("stage-2 fault without a remedy, VA", frame->far);
		inject_external_abort(frame);
		return;
	}
	addr = hpfar_to_ipa(frame->hpfar);
	status = emulate_mmio(addr, (uint32_t)frame->esr);
	if (status == HV_ENOTSUP) {
		status = map_page_host(addr);
	}
	if (status != HV_OK) {
		violation("access to IPA", addr);
		inject_external_abort(frame);
	}
}

/* The VM finds the result in its x0. */
static uint32_t answer_pvop(uint32_t vmid, uint32_t vcpuid,
			    enum hv_status status)
{
	set_shadow_ctxt(vmid, vcpuid, X0, hv_result(status));
	return check(0);
}

/**
 * core_handle_pvops() - answer a hypercall of the current VM, if it is EL2's
 *
 * x0 is the call, x2 an IPA and x3 a size in bytes. What a VM asks for and
 * may not have is its own affair: an error in its x0, no violation.
 *
 * Spec:    FaultHandler.core_handle_pvops_spec
 * Delta:   D-014: the result goes into the VM's x0 (G57). D-058: a VM accepts
 *	    its devices (G33)
 * Locks:   takes smmu, s2page, then pt or spt; caller holds none
 * Returns: 0 if it was answered and the VM goes on; 1 if it is the host's to
 *	    answer, x0 as it was
 * Refuses: what grant_stage2_sg_gpa(), revoke_stage2_sg_gpa() and
 *	    dma_device_accept() refuse - a VM can reach this
 * Panics:  no VM is current - nobody
 */
uint32_t core_handle_pvops(void)
{
	uint32_t vmid = get_cur_vmid();
	uint32_t vcpuid = get_cur_vcpuid();
	/* get_shadow_ctxt(vmid, vcpuid, ...), on the way of each call. */
	const uint64_t *regs = this_cpu()->ctxt->regs;
	uint64_t arg, addr, size;

	if (!is_vm(vmid)) {
		panic("a VM's call, but no VM runs (world %u)", vmid);
	}
	arg = regs[X0];
	addr = regs[X2];
	size = regs[X3];
	if (arg == HYPSEC_PVOP_SET_DESC_PFN) {
		return answer_pvop(vmid, vcpuid,
				   grant_stage2_sg_gpa(vmid, addr, size));
	}
	if (arg == HYPSEC_PVOP_UNSET_DESC_PFN) {
		return answer_pvop(vmid, vcpuid,
				   revoke_stage2_sg_gpa(vmid, addr, size));
	}
	if (arg == HYPSEC_PVOP_ACCEPT_DEVICE) {
		return answer_pvop(vmid, vcpuid,
				   dma_device_accept(vmid, addr, size));
	}
	return check(1);
}
