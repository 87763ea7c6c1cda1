/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TrapDispatcher.v: the host's hypercalls, those that concern memory. Source:
 * facts C.9 and D.1 (column "Q check"), numbers of the C (design 4.2).
 *
 * Corrected, G6 and G65: every number is checked as 64 bits before it is used
 * as an id or index; what is out of range is malformed. The Coq panics.
 */
#include "spec/trap_dispatcher.h"

#include "spec/boot_ops.h"
#include "spec/mem_handler.h"

enum option host_hvc_dispatcher_spec(struct rdata *adt, uint64_t *ret)
{
	uint64_t hvc = adt->host_regs[0];
	uint64_t arg1 = adt->host_regs[1], arg2 = adt->host_regs[2];
	uint64_t arg3 = adt->host_regs[3], arg4 = adt->host_regs[4];
	uint32_t vmid = (uint32_t)arg1, value;

	*ret = 0;
	switch (hvc) {
	case HVC_CLEAR_VM_S2_RANGE:
		RELY(is_vm(arg1));
		return clear_vm_stage2_range_spec(vmid, arg2, arg3, adt);
	case HVC_SET_BOOT_INFO:
		RELY(is_vm(arg1));
		WHEN(set_boot_info_spec(vmid, arg2, arg3, adt, &value));
		*ret = value;
		return SOME;
	case HVC_REMAP_VM_IMAGE:
		RELY(is_vm(arg1));
		/* No image has a number above INVALID. */
		value = arg3 < INVALID ? (uint32_t)arg3 : INVALID;
		return remap_vm_image_spec(vmid, arg2, value, adt);
	case HVC_REGISTER_KVM:
		WHEN(register_kvm_spec(adt, &value));
		*ret = value;
		return SOME;
	case HVC_PHYS_ADDR_IOREMAP:
		RELY(is_vm(arg1));
		return kvm_phys_addr_ioremap_spec(vmid, arg2, arg3, arg4, adt);
	case HVC_DESTROY_VM:
		RELY(is_vm(arg1));
		return destroy_vm_spec(vmid, adt);
	default:
		return NONE_NOTSUP;
	}
}
