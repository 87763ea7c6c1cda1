/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The specification's side of vCPUs: worlds, the window, and VMs that do what
 * a script says.
 */
#include "model.h"

#include <string.h>

#include "spec/abstract_machine.h"
#include "spec/boot_ops.h"
#include "spec/ctxt.h"
#include "spec/image_verify.h"
#include "spec/locks.h"
#include "spec/trap_handler.h"

struct view model_entered[MAX_SCRIPT + 1];
uint32_t model_nr_entered;

static uint64_t *fp_field(uint32_t reg, struct fp_regs *fp)
{
	return reg == VIEW_FPSR ? &fp->fpsr :
	       reg == VIEW_FPCR ? &fp->fpcr :
	       &fp->q[(reg - VIEW_FP) / 2][reg % 2];
}

uint64_t model_reg(uint32_t reg, const struct ctxt_regs *regs,
		   const struct ctxt_states *states)
{
	return reg >= VIEW_FP ?
	       *fp_field(reg, (struct fp_regs *)&regs->fp) :
	       get_shadow_ctxt_specx(reg, regs, states);
}

static void set_reg(uint32_t reg, uint64_t value, struct ctxt_regs *regs,
		    struct ctxt_states *states)
{
	if (reg >= VIEW_FP) {
		*fp_field(reg, &regs->fp) = value;
	} else {
		set_shadow_ctxt_specx(reg, value, regs, states);
	}
}

uint64_t *model_window(uint32_t field, struct int_vcpu *window)
{
	switch (field) {
	case WINDOW_NEW_PTE:
		return &window->new_pte;
	case WINDOW_NEW_LEVEL:
		return &window->new_level;
	case WINDOW_ANSWER:
		return &window->answer;
	case WINDOW_HCR:
		return &window->hcr;
	case WINDOW_ESR:
		return &window->esr;
	case WINDOW_FAULT_IPA:
		return &window->fault_ipa;
	case WINDOW_DEADLINE:
		return &window->deadline;
	default:
		return &window->regs[field];
	}
}

/* The host's registers are whatever the CPU has. */
void model_start_worlds(struct rdata *adt)
{
	for (uint32_t reg = 0; reg < NR_VIEW; reg++) {
		if (reg >= NUM_GPRS && reg != PC && reg != PSTATE) {
			set_reg(reg, fw_host_reg(reg), &adt->cregs,
				&adt->cstates);
		}
	}
	adt->cstates.pstate = PSTATE_FAULT_BITS_64;
	adt->el2.vmpidr = fw_host_reg(MPIDR_EL1);
	adt->shadow_ctxts[HOSTVISOR][0].ctxt_regs.sys[MPIDR_EL1 - MPIDR_EL1] =
		adt->el2.vmpidr;
}

bool is_vcpu_call(enum op op)
{
	return op == OP_REGISTER_VCPU || op == OP_START_VCPU ||
	       op == OP_HOST_SET || op == OP_WINDOW;
}

/* Of the images as they lie in the VM, and with the flaw. */
static enum option set_manifest(const uint64_t *arg, struct rdata *adt)
{
	uint32_t vmid = (uint32_t)arg[0];
	const struct vm *vm = &adt->vms[vmid];
	struct manifest m = {
		.well_formed = arg[4] != FLAW_MAGIC,
		.by_owner = arg[4] != FLAW_SIGNATURE,
		.nr_images = vm->next_load_idx,
		.nr_vcpus = (uint32_t)arg[1],
		.entry = arg[2],
		.context = arg[3],
	};
	bool clean;

	if (arg[4] == FLAW_IMAGES && m.nr_images > 0) {
		m.nr_images--;
	}
	for (uint32_t i = 0; i < m.nr_images; i++) {
		bool last = i + 1 == m.nr_images;

		m.images[i].load_addr = vm->load[i].load_addr +
			(arg[4] == FLAW_LOAD_ADDR && i == 0 ? PAGE_SIZE : 0);
		m.images[i].load_size = vm->load[i].load_size +
			(arg[4] == FLAW_SIZE && last ? 1 : 0);
		m.images[i].hash = image_hash(vmid, vm->load[i].load_addr,
					      vm->load[i].load_size, adt,
					      &clean) +
			(arg[4] == FLAW_HASH && last ? 1 : 0);
	}
	return set_manifest_spec(vmid, &m, arg[4] == FLAW_PLACE ?
				 fw_el2.base / PAGE_SIZE : fw_manifest_pfn(),
				 adt);
}

enum option vcpu_call(const struct call *call, struct rdata *adt)
{
	const uint64_t *arg = call->arg;
	uint32_t vmid = (uint32_t)arg[0], vcpuid = (uint32_t)arg[1];

	switch ((int)call->op) {
	case OP_REGISTER_VCPU:
		return register_vcpu_spec(vmid, vcpuid, adt);
	case OP_START_VCPU:
		WHEN(acquire_lock_vm_spec(vmid, adt));
		WHEN(boot_vcpu_set_entry_spec(vmid, vcpuid, arg[2], arg[3],
					      adt));
		return release_lock_vm_spec(vmid, adt);
	case OP_HOST_SET:
		if (arg[0] < NUM_GPRS) {
			adt->host_regs[arg[0]] = arg[1];
		} else {
			set_reg(vmid, arg[1], &adt->cregs, &adt->cstates);
		}
		return SOME;
	case OP_SET_MANIFEST:
		return set_manifest(arg, adt);
	default:
		*model_window((uint32_t)arg[2],
			      &adt->int_vcpus[vmid][vcpuid]) = arg[3];
		return SOME;
	}
}

/* --- A VM that does what a script says ------------------------------------ */

static struct shadow_ctxt *current(struct rdata *adt)
{
	return &adt->shadow_ctxts[adt->cur_vmid][adt->cur_vcpuid];
}

static void note_entry(struct rdata *adt, struct view *view)
{
	const struct shadow_ctxt *ctxt = current(adt);

	for (uint32_t reg = 0; reg < NR_VIEW; reg++) {
		view->reg[reg] = reg < NUM_GPRS ? ctxt->ctxt_regs.x[reg] :
				 model_reg(reg, &adt->cregs, &adt->cstates);
	}
	view->reg[MPIDR_EL1] = adt->el2.vmpidr;
	view->has_fp = true;
}

static void vm_sets(uint32_t reg, uint64_t value, struct rdata *adt)
{
	if (reg < NUM_GPRS) {
		current(adt)->ctxt_regs.x[reg] = value;
	} else {
		set_reg(reg, value, &adt->cregs, &adt->cstates);
	}
}

/* The VM runs on until it stops; the exit code. */
static uint64_t vm_runs(const struct script *script, uint32_t *next,
			struct rdata *adt)
{
	while (*next < script->nr) {
		const struct call *call = &script->calls[(*next)++];

		if (call->op != OP_VM_EXIT) {
			vm_sets((uint32_t)call->arg[0], call->arg[1], adt);
			continue;
		}
		if (call->arg[0] == ARM_EXCEPTION_TRAP) {
			adt->esr_el2 = call->arg[1];
			adt->far_el2 = call->arg[2];
			adt->hpfar_el2 = call->arg[3];
		}
		return call->arg[0];
	}
	return ARM_EXCEPTION_INTERRUPT;
}

enum option model_vcpu_run(const struct script *script, struct rdata *adt,
			   struct view *entered, uint32_t *nr)
{
	uint32_t next = 0, res = 0;

	*nr = 0;
	WHEN(host_vcpu_run_handler_spec(adt));
	while (res == 0 && !adt->halt) {
		note_entry(adt, &entered[(*nr)++]);
		WHEN(vm_exit_handler_spec(vm_runs(script, &next, adt), adt,
					  &res));
	}
	return SOME;
}
