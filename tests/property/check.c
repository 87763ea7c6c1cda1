/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "check_smmu.h"
#include "check_tables.h"
#include "spec/page_manager.h"

#define NR_VMS	COREVISOR

static uint64_t raw_records[MAX_RAM_PAGES];
static uint32_t next_vmid;

const char *say(const char *fmt, ...)
{
	static char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return text;
}

uint64_t index_of(uint64_t pfn, const struct rdata *adt)
{
	return is_pfn(pfn) ? get_s2_page_index_spec(pfn * PAGE_SIZE, adt) :
			     INVALID64;
}

static bool is_el2(uint64_t pfn)
{
	return pfn - fw_el2.base / PAGE_SIZE < fw_el2.bytes / PAGE_SIZE;
}

/* --- Answers -------------------------------------------------------------- */

static const char *check_answer(const struct fw_result *fw,
				const struct model_result *model)
{
	if (fw->answer == ANSWER_PANIC) {
		return say("the firmware panics: %s",
			   fw->message == NULL ? "no single clean refusal" :
			   fw->message + strspn(fw->message, "\r\n"));
	}
	if (fw->wrong != NULL) {
		return say("%s", fw->wrong);
	}
	if (fw->answer != model->answer) {
		return say("the firmware says \"%s\", the specification \"%s\"",
			   answer_name(fw->answer), answer_name(model->answer));
	}
	if (fw->answer != ANSWER_OK) {
		return NULL;
	}
	for (int i = 0; i < 3; i++) {
		if (fw->value[i] != model->value[i]) {
			return say("result %d is 0x%" PRIx64
				   ", specified 0x%" PRIx64, i, fw->value[i],
				   model->value[i]);
		}
	}
	return NULL;
}

/* Has the call been refused, whoever is told of it? */
static bool is_refusal(const struct call *call, const struct fw_result *fw,
		       const struct rdata *after)
{
	uint64_t told = call->op == OP_HVC || call->op == OP_VCPU_RUN ?
			fw->value[0] :
			call->op != OP_PVOP ? 0 :
			after->shadow_ctxts[call->arg[0]][call->arg[1]]
				.ctxt_regs.x[X0];

	if (call->op == OP_PVOP && fw->value[0] != 0) {
		return true;	/* left to the host */
	}
	return (fw->answer != ANSWER_OK && fw->answer != ANSWER_AGAIN) ||
	       ((int64_t)told < 0 && told != call_result(AGAIN));
}

/* A refused call writes nothing, not even what a referee would allow. */
static const char *check_refusal(const struct call *call,
				 const struct fw_result *fw,
				 const struct rdata *after)
{
	if (is_refusal(call, fw, after) && fw_nr_touched() != 0) {
		return say("a refused call has written to page 0x%" PRIx64,
			   fw_touched(0));
	}
	return NULL;
}

/* --- Page records --------------------------------------------------------- */

static const char *check_record(uint64_t index, const struct rdata *adt)
{
	struct fw_page page = fw_get_page(fw_pfn(index));
	const struct s2page *spec = &adt->s2page[index];

	if (page.owner != spec->owner || page.count != spec->count ||
	    page.gfn != spec->gfn) {
		return say("page 0x%" PRIx64 " is (%u, %u, 0x%" PRIx64
			   "), specified (%u, %u, 0x%" PRIx64 ")",
			   fw_pfn(index), page.owner, page.count, page.gfn,
			   spec->owner, spec->count, spec->gfn);
	}
	return NULL;
}

/* Whether the call let this VM run, which then shares what it wants. */
static bool ran_in(const struct call *call, uint32_t vmid)
{
	return call->op == OP_VCPU_RUN && call->arg[0] == vmid;
}

/* I14, I15, I16 and I2, for a record that has changed. */
static const char *check_transition(uint64_t index, const struct call *call,
				    const struct rdata *before,
				    const struct rdata *after)
{
	const struct s2page *old = &before->s2page[index];
	const struct s2page *new = &after->s2page[index];

	if (call->op == OP_PLANT) {
		return NULL;
	}
	if (is_vm(old->owner) && new->owner == HOSTVISOR &&
	    !fw_page_holds(fw_pfn(index), 0)) {
		return say("I14: page 0x%" PRIx64 " is back and not zero",
			   fw_pfn(index));
	}
	/* Whoever assigns or revokes a single page cleans many at once. */
	if (call->op != OP_ASSIGN && call->op != OP_REVOKE_PAGE &&
	    (old->owner != new->owner ||
	     (is_vm(old->owner) && old->count == 1 && new->count == 0)) &&
	    !fw_page_is_clean(fw_pfn(index))) {
		return say("G25: page 0x%" PRIx64 " is only in a cache",
			   fw_pfn(index));
	}
	if (old->owner == HOSTVISOR && is_vm(new->owner) && old->count != 0) {
		return say("I15: page 0x%" PRIx64 " was in use by a device",
			   fw_pfn(index));
	}
	if (is_vm(old->owner) && old->owner == new->owner &&
	    old->count != INVALID && new->count > old->count &&
	    call->op != OP_GRANT && call->op != OP_PVOP &&
	    call->op != OP_GRANT_PAGE && !ran_in(call, old->owner)) {
		return say("I16: page 0x%" PRIx64 " is shared by another",
			   fw_pfn(index));
	}
	if (old->owner == COREVISOR || is_vm(new->owner) != is_vm(old->owner) ||
	    old->owner == new->owner || new->owner == HOSTVISOR) {
		return NULL;
	}
	return say("page 0x%" PRIx64 " goes from %u to %u", fw_pfn(index),
		   old->owner, new->owner);
}

#define BLOCK	64

/* Compares what has changed on either side; *@changed if anything has. */
static const char *check_records(const struct call *call,
				 const struct rdata *before,
				 const struct rdata *after, bool *changed)
{
	const uint64_t *raw = fw_raw_records();

	for (uint64_t b = 0; b < after->nr_pages; b += BLOCK) {
		if (memcmp(&raw[b], &raw_records[b],
			   BLOCK * sizeof(raw[0])) == 0 &&
		    memcmp(&before->s2page[b], &after->s2page[b],
			   BLOCK * sizeof(after->s2page[0])) == 0) {
			continue;
		}
		*changed = true;
		for (uint64_t i = b; i < b + BLOCK; i++) {
			TRY(check_record(i, after));
			if (memcmp(&before->s2page[i], &after->s2page[i],
				   sizeof(after->s2page[i])) != 0) {
				TRY(check_transition(i, call, before, after));
			}
			raw_records[i] = raw[i];
		}
	}
	return NULL;
}

static const char *check_owned(uint32_t vmid, const struct rdata *adt)
{
	uint64_t owned = 0;

	for (uint64_t i = 0; i < adt->nr_pages; i++) {
		owned += adt->s2page[i].owner == vmid ? 1 : 0;
	}
	return fw_owned(vmid) == owned ? NULL :
	       say("%u is said to own %" PRIu64 " pages and owns %" PRIu64,
		   vmid, fw_owned(vmid), owned);
}

/* --- The VM table and registers ------------------------------------------- */

static const char *check_vm(uint32_t vmid, const struct rdata *adt)
{
	const struct vm *spec = &adt->vms[vmid];
	bool same;
	struct fw_vm vm;

	fw_get_vm(vmid, &vm);
	same = vm.state == spec->state && vm.cntvoff == spec->cntvoff &&
	       vm.inc_exe == spec->inc_exe &&
	       vm.next_load_idx == spec->next_load_idx &&
	       memcmp(vm.vcpu, spec->vcpu, sizeof(vm.vcpu)) == 0;
	for (uint32_t i = 0; i < VCPU_PER_VM; i++) {
		same = same && vm.power[i] == spec->boot[i].power &&
		       vm.entry[i] == spec->boot[i].entry &&
		       vm.context[i] == spec->boot[i].context;
	}
	for (uint32_t i = 0; i < MAX_LOAD_INFO_NUM; i++) {
		same = same && vm.load_addr[i] == spec->load[i].load_addr &&
		       vm.load_size[i] == spec->load[i].load_size &&
		       vm.mapped_pages[i] == spec->load[i].mapped_pages;
	}
	return same ? NULL :
	       say("VM %u: state %u, %u images; specified %u, %u", vmid,
		   vm.state, vm.next_load_idx, spec->state,
		   spec->next_load_idx);
}

/* What EL2 keeps of a trap, which is of no use after another exit. */
static bool is_of_trap(uint32_t reg)
{
	return reg == FAR_EL2 || reg == HPFAR_EL2 || reg == ESR_EL2;
}

/* Registers that a world has, and what EL2 keeps about a vCPU. */
static bool is_kept(uint32_t reg)
{
	return is_world_register(reg) || (reg >= FAR_EL2 && reg <= FLAGS) ||
	       reg == MPIDR_EL1 || reg == ACTLR_EL1 || reg == MDSCR_EL1 ||
	       reg == ESR_EL2;
}

static bool is_found(uint32_t reg)
{
	return is_world_register(reg) || reg == MPIDR_EL1 ||
	       reg == ACTLR_EL1 || reg == MDSCR_EL1;
}

/* A vCPU's registers and window, or those of the host, which runs. */
static const char *check_ctxt(uint32_t vmid, uint32_t vcpuid,
			      const struct rdata *adt)
{
	const struct shadow_ctxt *ctxt = &adt->shadow_ctxts[vmid][vcpuid];

	for (uint32_t reg = 0; reg < NR_VIEW; reg++) {
		uint64_t value = fw_get_reg(vmid, vcpuid, reg);
		uint64_t spec = model_reg(reg, &ctxt->ctxt_regs,
					  &ctxt->ctxt_states);

		if (value != spec && is_kept(reg) &&
		    (!is_of_trap(reg) ||
		     ctxt->ctxt_regs.ec == ARM_EXCEPTION_TRAP)) {
			return say("register %u of %u.%u is 0x%" PRIx64
				   ", specified 0x%" PRIx64, reg, vmid, vcpuid,
				   value, spec);
		}
	}
	for (uint32_t i = 0; i < NR_WINDOW_FIELDS; i++) {
		uint64_t value = fw_window(vmid, vcpuid, i);
		uint64_t spec = *model_window(
			i, (struct int_vcpu *)&adt->int_vcpus[vmid][vcpuid]);

		if (value != spec) {
			return say("field %u of %u.%u's window is 0x%" PRIx64
				   ", specified 0x%" PRIx64, i, vmid, vcpuid,
				   value, spec);
		}
	}
	return NULL;
}

static const char *check_host(const struct rdata *adt)
{
	for (uint32_t reg = 0; reg < NR_VIEW; reg++) {
		uint64_t value = fw_host_reg(reg);
		uint64_t spec = reg < NUM_GPRS ? adt->host_regs[reg] :
				model_reg(reg, &adt->cregs, &adt->cstates);

		if (value != spec && reg != PC && reg != PSTATE &&
		    is_kept(reg)) {
			return say("the host's register %u is 0x%" PRIx64
				   ", specified 0x%" PRIx64, reg, value, spec);
		}
	}
	return NULL;
}

const char *check_entries(const struct script *script)
{
	if (script->nr_entered != model_nr_entered) {
		return say("the VM was entered %u times, specified %u",
			   script->nr_entered, model_nr_entered);
	}
	for (uint32_t i = 0; i < model_nr_entered; i++) {
		const struct view *fw = &script->entered[i];
		const struct view *spec = &model_entered[i];

		for (uint32_t reg = 0; reg < NR_VIEW; reg++) {
			if (fw->reg[reg] != spec->reg[reg] &&
			    is_found(reg) && (reg < VIEW_FP || fw->has_fp)) {
				return say("entry %u: register %u is 0x%"
					   PRIx64 ", specified 0x%" PRIx64, i,
					   reg, fw->reg[reg], spec->reg[reg]);
			}
		}
	}
	return NULL;
}

/* --- Contents ------------------------------------------------------------- */

static const char *check_content(uint64_t pfn, const struct rdata *adt)
{
	uint64_t i = index_of(pfn, adt);

	if (i == INVALID64 || is_el2(pfn) ||
	    fw_page_holds(pfn, adt->flatmem[i])) {
		return NULL;
	}
	return say("page 0x%" PRIx64 " begins with 0x%" PRIx64
		   ", specified 0x%" PRIx64, pfn, fw_page_word(pfn),
		   adt->flatmem[i]);
}

/* What either side has written. */
static const char *check_contents(const struct rdata *before,
				  const struct rdata *after)
{
	for (uint64_t i = 0; i < fw_nr_touched(); i++) {
		TRY(check_content(fw_touched(i), after));
	}
	for (uint64_t b = 0; b < after->nr_pages; b += BLOCK) {
		if (memcmp(&before->flatmem[b], &after->flatmem[b],
			   BLOCK * sizeof(after->flatmem[0])) == 0) {
			continue;
		}
		for (uint64_t i = b; i < b + BLOCK; i++) {
			TRY(check_content(fw_pfn(i), after));
		}
	}
	return NULL;
}

/* --- All of it ------------------------------------------------------------ */

void check_start(const struct rdata *adt)
{
	memcpy(raw_records, fw_raw_records(),
	       adt->nr_pages * sizeof(raw_records[0]));
	next_vmid = 1;
	check_smmus_start();
}

/* The VM that a call names, 0 for none. */
static uint32_t vm_of(const struct call *call)
{
	uint64_t vmid = call->op == OP_HVC ? call->arg[1] : call->arg[0];

	if (call->op == OP_HOST_SET || call->op >= OP_DMA_LOAD) {
		return 0;
	}
	return is_vm(vmid) ? (uint32_t)vmid : 0;
}

static const char *check_vm_state(uint32_t vmid, uint32_t vcpuid,
				  const struct rdata *adt)
{
	TRY(check_vm(vmid, adt));
	return check_ctxt(vmid, vcpuid, adt);
}

static const char *check_memory(const struct call *call,
				const struct rdata *before,
				const struct rdata *after)
{
	uint32_t vmid = vm_of(call);
	bool changed = false;

	TRY(check_contents(before, after));
	TRY(check_records(call, before, after, &changed));
	if (changed) {
		TRY(check_owned(HOSTVISOR, after));
		TRY(check_owned(vmid, after));
	}
	/* A device that changes hands leaves the host's table too. */
	if (changed || fw_tables_touched() ||
	    memcmp(before->dma, after->dma, sizeof(after->dma)) != 0) {
		TRY(check_tables(after));
		TRY(check_dma_tables(after));
	}
	return check_pools(after);
}

const char *check_step(const struct call *call, const struct fw_result *fw,
		       const struct model_result *model,
		       const struct rdata *before, const struct rdata *after)
{
	uint32_t vmid = vm_of(call);

	TRY(check_answer(fw, model));
	TRY(fw_check_step());
	TRY(check_refusal(call, fw, after));
	TRY(check_memory(call, before, after));
	TRY(check_host(after));
	TRY(check_smmus(call, before, after));
	if (vmid != 0) {
		TRY(check_vm_state(vmid, (uint32_t)call->arg[1] % VCPU_PER_VM,
				   after));
	}
	/* The others in turn. */
	next_vmid = next_vmid % (NR_VMS - 1) + 1;
	return check_vm(next_vmid, after);
}

const char *check_all(const struct rdata *adt)
{
	TRY(check_tables(adt));
	TRY(check_dma_tables(adt));
	TRY(check_registers(adt));
	for (uint64_t i = 0; i < adt->nr_pages; i++) {
		TRY(check_record(i, adt));
		TRY(check_content(fw_pfn(i), adt));
	}
	for (uint32_t vmid = 0; vmid <= COREVISOR; vmid++) {
		TRY(check_owned(vmid, adt));
	}
	for (uint32_t vmid = 1; vmid < NR_VMS; vmid++) {
		for (uint32_t vcpuid = 0; vcpuid < VCPU_PER_VM; vcpuid++) {
			TRY(check_vm_state(vmid, vcpuid, adt));
		}
	}
	return NULL;
}
