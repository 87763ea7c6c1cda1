/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registers of vCPUs while they do not run. Layer: AbstractMachine.
 * Locks: none; the vCPU is ACTIVE on this CPU, or cannot run.
 */
#include "core/shadow_ctxt.h"

#include "core/panic.h"
#include "core/pcpu.h"
#include "core/trap_frame.h"
#include "core/vm_info.h"

struct shadow_ctxt shadow_ctxts[COREVISOR + 1][VCPU_PER_VM];

_Static_assert(sizeof(shadow_ctxts) / sizeof(shadow_ctxts[0][0]) == 136,
	       "CTXT_POOL_SIZE of the specification");

static struct shadow_ctxt *shadow_ctxt(uint32_t vmid, uint32_t vcpuid)
{
	ASSERT((vmid == HOSTVISOR || is_vm(vmid)) && vcpuid < VCPU_PER_VM);
	return shadow_ctxt_get(vmid, vcpuid);
}

/* Where a register is right now; NULL for an index that names none. */
static uint64_t *shadow_reg(uint32_t vmid, uint32_t vcpuid, uint32_t index)
{
	struct shadow_ctxt *ctxt = shadow_ctxt(vmid, vcpuid);
	struct trap_frame *frame;

	if (index >= NR_SHADOW_REGS) {
		return NULL;
	}
	if (vmid != HOSTVISOR || (index > X30 && index != PC &&
				  index != PSTATE)) {
		return &ctxt->regs[index];
	}
	ASSERT(vcpuid == this_cpu()->index);
	frame = this_cpu()->frame;
	ASSERT(frame != NULL);
	return index == PC ? &frame->elr :
	       index == PSTATE ? &frame->spsr : &frame->regs[index];
}

/**
 * get_shadow_ctxt() - read a register of a vCPU, or of the host
 * @vmid:   a VM or HOSTVISOR
 * @vcpuid: below VCPU_PER_VM; for the host this CPU's number
 * @index:  enum shadow_reg
 *
 * Spec:    AbstractMachine.get_shadow_ctxt_spec
 * Delta:   D-030: SP and SP_EL1 have values (G52)
 * Returns: the value; 0 for an index that names no register
 * Panics:  @vmid or @vcpuid out of range - nobody
 */
uint64_t get_shadow_ctxt(uint32_t vmid, uint32_t vcpuid, uint32_t index)
{
	const uint64_t *reg = shadow_reg(vmid, vcpuid, index);

	return reg != NULL ? *reg : 0;
}

/**
 * set_shadow_ctxt() - write a register of a vCPU, or of the host
 * @vmid:   a VM or HOSTVISOR
 * @vcpuid: below VCPU_PER_VM; for the host this CPU's number
 * @index:  enum shadow_reg; one that names no register: nothing happens
 * @value:  new value
 *
 * Spec:   AbstractMachine.set_shadow_ctxt_spec
 * Delta:  D-030: SP and SP_EL1 have values (G52)
 * Panics: @vmid or @vcpuid out of range - nobody
 */
void set_shadow_ctxt(uint32_t vmid, uint32_t vcpuid, uint32_t index,
		     uint64_t value)
{
	uint64_t *reg = shadow_reg(vmid, vcpuid, index);

	if (reg != NULL) {
		*reg = value;
	}
}

/**
 * get_shadow_dirty_bit() - what is to be done before a vCPU runs again
 * @vmid:   a VM
 * @vcpuid: below VCPU_PER_VM
 *
 * Spec:    AbstractMachine.get_shadow_dirty_bit_spec
 * Returns: all 64 bits of DIRTY; INVALID64 if it has never run
 * Panics:  a number out of range - nobody
 */
uint64_t get_shadow_dirty_bit(uint32_t vmid, uint32_t vcpuid)
{
	return shadow_ctxt(vmid, vcpuid)->regs[DIRTY];
}

/**
 * set_shadow_dirty_bit() - say what is to be done before a vCPU runs again
 * @vmid:   a VM
 * @vcpuid: below VCPU_PER_VM
 * @value:  replaces DIRTY (G47)
 *
 * Spec:   AbstractMachine.set_shadow_dirty_bit_spec
 * Panics: a number out of range - nobody
 */
void set_shadow_dirty_bit(uint32_t vmid, uint32_t vcpuid, uint64_t value)
{
	shadow_ctxt(vmid, vcpuid)->regs[DIRTY] = value;
}

/**
 * clear_shadow_gp_regs() - zero x0 to x30 of a vCPU, nothing else
 * @vmid:   a VM
 * @vcpuid: below VCPU_PER_VM
 *
 * Spec:   AbstractMachine.clear_shadow_gp_regs_spec
 * Panics: a number out of range - nobody
 */
void clear_shadow_gp_regs(uint32_t vmid, uint32_t vcpuid)
{
	struct shadow_ctxt *ctxt = shadow_ctxt(vmid, vcpuid);

	for (uint32_t i = X0; i <= X30; i++) {
		ctxt->regs[i] = 0;
	}
}

/**
 * reset_fp_regs() - zero the FP and SIMD registers of a vCPU
 * @vmid:   a VM
 * @vcpuid: below VCPU_PER_VM
 *
 * Spec:   AbstractMachine.reset_fp_regs_spec
 * Panics: a number out of range - nobody
 */
void reset_fp_regs(uint32_t vmid, uint32_t vcpuid)
{
	shadow_ctxt(vmid, vcpuid)->fp = (struct fp_state){ .fpsr = 0 };
}

void shadow_ctxt_wipe(vmid_t vmid)
{
	ASSERT(is_vm(vmid));
	for (uint32_t i = 0; i < VCPU_PER_VM; i++) {
		*shadow_ctxt_get(vmid, i) = (struct shadow_ctxt){ .released = 0 };
	}
}
