/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FaultHandlerSpec.v. Source: S2, line by line. Lines between
 * "corrected" and a blank one are not in the seed.
 */
#include "spec/fault_handler.h"

#include "spec/abstract_machine.h"
#include "spec/dma.h"
#include "spec/mem_manager.h"
#include "spec/memory_ops.h"
#include "spec/mmio_ops.h"

/* rely is_int64: holds by the type. */
enum option handle_host_stage2_fault_spec(struct rdata *adt)
{
	uint64_t addr0, addr, esr;
	uint32_t ret;

	WHEN(read_hpfar_el2_spec(adt, &addr0));
	addr = (addr0 & HPFAR_MASK) * 256;
	WHEN(read_esr_el2_spec(adt, &esr));
	/*
	 * rely is_int esr. Corrected, G38: the host can set bits above 32
	 * (ISS2); nothing looks at them.
	 */
	esr &= UINT32_MAX;

	/* Corrected, G14: only a translation fault tells an address. */
	RELY_OR((esr & FSC_TYPE_MASK) == FSC_TRANSLATION, NONE_PERM);

	WHEN(emulate_mmio_spec(addr, esr, adt, &ret));
	if (ret == INVALID) {
		return map_page_host_spec(addr, adt);
	} else {
		return SOME;
	}
}

enum option core_handle_pvops_spec(struct rdata *adt, uint32_t *res)
{
	uint32_t vmid, vcpuid, ret;
	uint64_t arg, addr, size;
	enum option done;

	WHEN(get_cur_vmid_spec(adt, &vmid));
	RELY_CALLER(is_vmid(vmid));
	WHEN(get_cur_vcpuid_spec(adt, &vcpuid));
	RELY_CALLER(is_vcpu(vcpuid));
	WHEN(get_shadow_ctxt_spec(vmid, vcpuid, X0, adt, &arg));
	WHEN(get_shadow_ctxt_spec(vmid, vcpuid, X2, adt, &addr));
	WHEN(get_shadow_ctxt_spec(vmid, vcpuid, X3, adt, &size));
	if (HOSTVISOR < vmid && vmid < COREVISOR) {
		if (arg == HVC_KVM_SET_DESC_PFN) {
			/*
			 * Corrected, G57: the VM learns how it went, in X0;
			 * what is refused has changed nothing but that. The
			 * seed: when adt' == grant_stage2_sg_gpa_spec ...
			 */
			done = grant_stage2_sg_gpa_spec(vmid, addr, size,
							adt);
			WHEN(set_shadow_ctxt_spec(vmid, vcpuid, X0,
						  call_result(done), adt));

			WHEN(check_spec(0, adt, &ret));
			*res = ret;
			return SOME;
		} else if (arg == HVC_KVM_UNSET_DESC_PFN) {
			/* Corrected, G57: as above. */
			done = revoke_stage2_sg_gpa_spec(vmid, addr, size,
							 adt);
			WHEN(set_shadow_ctxt_spec(vmid, vcpuid, X0,
						  call_result(done), adt));

			WHEN(check_spec(0, adt, &ret));
			*res = ret;
			return SOME;
		/* Corrected, G33: a VM's consent, which the seed has not. */
		} else if (arg == HVC_KVM_ACCEPT_DEVICE) {
			done = dma_device_accept_spec(vmid, addr, size, adt);
			WHEN(set_shadow_ctxt_spec(vmid, vcpuid, X0,
						  call_result(done), adt));
			WHEN(check_spec(0, adt, &ret));
			*res = ret;
			return SOME;

		} else {
			WHEN(check_spec(1, adt, &ret));
			*res = ret;
			return SOME;
		}
	} else {
		WHEN(panic_spec(adt));
		WHEN(check_spec(0, adt, &ret));
		*res = ret;
		return SOME;
	}
}
