/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers of vCPUs while they do not run. Layer: AbstractMachine.
 * Locks: none; the vCPU is ACTIVE on this CPU, or cannot run.
 */
#include "core/shadow_ctxt.h"

#include "core/panic.h"
#include "core/vm_info.h"

struct shadow_ctxt {
	uint64_t regs[X30 + 1];
};

static struct shadow_ctxt shadow_ctxts[COREVISOR][VCPU_PER_VM];

static struct shadow_ctxt *shadow_ctxt(vmid_t vmid, uint32_t vcpuid)
{
	ASSERT(is_vm(vmid) && vcpuid < VCPU_PER_VM);
	return &shadow_ctxts[vmid][vcpuid];
}

/**
 * get_shadow_ctxt() - read a register of a vCPU
 * @vmid:   a VM
 * @vcpuid: below VCPU_PER_VM
 * @index:  X0 to X30
 *
 * Spec:    AbstractMachine.get_shadow_ctxt_spec
 * Returns: the value; 0 for an index that names no register
 * Panics:  @vmid or @vcpuid out of range - nobody
 */
uint64_t get_shadow_ctxt(uint32_t vmid, uint32_t vcpuid, uint32_t index)
{
	const struct shadow_ctxt *ctxt = shadow_ctxt(vmid, vcpuid);

	return index <= X30 ? ctxt->regs[index] : 0;
}

/**
 * set_shadow_ctxt() - write a register of a vCPU
 * @vmid:   a VM
 * @vcpuid: below VCPU_PER_VM
 * @index:  X0 to X30; any other: nothing happens
 * @value:  new value
 *
 * Spec:   AbstractMachine.set_shadow_ctxt_spec
 * Panics: @vmid or @vcpuid out of range - nobody
 */
void set_shadow_ctxt(uint32_t vmid, uint32_t vcpuid, uint32_t index,
		     uint64_t value)
{
	struct shadow_ctxt *ctxt = shadow_ctxt(vmid, vcpuid);

	if (index <= X30) {
		ctxt->regs[index] = value;
	}
}

void shadow_ctxt_wipe(vmid_t vmid)
{
	for (uint32_t i = 0; i < VCPU_PER_VM; i++) {
		*shadow_ctxt(vmid, i) = (struct shadow_ctxt){ .regs = { 0 } };
	}
}
