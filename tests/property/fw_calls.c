/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls by the firmware.
 */
#include "fw_machine.h"

#include <string.h>

#include "arch/barrier.h"
#include "arch/cpu.h"
#include "arch/mem.h"
#include "arch/native.h"
#include "arch/tlbi.h"
#include "core/boot_ops.h"
#include "core/boot_vcpu.h"
#include "core/fault_handler.h"
#include "core/host_hvc.h"
#include "core/locks.h"
#include "core/mem_handler.h"
#include "core/mem_manager.h"
#include "core/memory_ops.h"
#include "core/npt_ops.h"
#include "core/page_manager.h"
#include "core/shadow_ctxt.h"
#include "core/vm_info.h"

/* Where the host is when it faults. */
#define HOST_PC	UINT64_C(0x80000)

enum answer fw_answer_of(enum hv_status status)
{
	static const enum answer answers[] = {
		[HV_OK] = ANSWER_OK, [HV_EAGAIN] = ANSWER_AGAIN,
		[HV_EINVAL] = ANSWER_INVAL, [HV_EPERM] = ANSWER_PERM,
		[HV_EBUSY] = ANSWER_BUSY, [HV_ENOMEM] = ANSWER_NOMEM,
		[HV_ENOTSUP] = ANSWER_NOTSUP,
	};

	return answers[status];
}

/* An abort of the host's: refused if the firmware counts and injects one. */
static enum answer host_fault(uint64_t hpfar, uint64_t esr, uint64_t far)
{
	struct trap_frame *frame = &fw_machine.frame;
	uint64_t refusals = fw_machine.counters[0].refusals;
	bool injected;

	native_cpu.esr_el1 = 0;
	native_cpu.vserror = false;
	frame->elr = HOST_PC;
	frame->spsr = PSTATE_FAULT_BITS_64;
	frame->esr = esr;
	frame->far = far;
	frame->hpfar = hpfar;
	handle_host_stage2_fault(frame);
	refusals = fw_machine.counters[0].refusals - refusals;
	injected = native_cpu.esr_el1 != 0;
	/* Counted once and injected once, or neither. */
	if (refusals > 1 || injected != (refusals == 1)) {
		return ANSWER_PANIC;
	}
	return injected ? ANSWER_PERM : ANSWER_OK;
}

/* A load or store of the host's at @addr; it faults as often as it must. */
static enum answer host_access(const struct call *call, bool write)
{
	uint64_t esr = UINT64_C(0x93c08004) | (write ? 0x40 : 0) |
		       call->arg[1] << 16;
	uint64_t pfn;

	if (write) {
		fw_machine.frame.regs[call->arg[1]] = call->arg[2];
	}
	if (!fw_translate(HOSTVISOR, call->arg[0] >> PAGE_SHIFT, &pfn)) {
		enum answer answer = host_fault(call->arg[0] >> PAGE_SHIFT << 4,
						esr, call->arg[0]);

		if (answer != ANSWER_OK || fw_machine.frame.elr != HOST_PC) {
			return answer;
		}
		if (!fw_translate(HOSTVISOR, call->arg[0] >> PAGE_SHIFT,
				  &pfn)) {
			return ANSWER_PANIC;
		}
	}
	if (write) {
		fw_store_page(pfn, fw_machine.frame.regs[call->arg[1]]);
	} else {
		fw_machine.frame.regs[call->arg[1]] = fw_load_page(pfn);
	}
	return ANSWER_OK;
}

/* Registers of the host's loads and stores on an SMMU. */
#define LOAD_RT		6u
#define STORE_RT	5u

/* An access of the host's to a register: arg is smmu, offset, bytes, value. */
static enum answer smmu_access(const uint64_t *arg, bool write)
{
	uint64_t ipa = fw_smmu((uint32_t)arg[0]).base + arg[1];
	uint64_t esr = UINT64_C(0x93000007) |
		       (arg[2] == 8 ? UINT64_C(0x00c08000) : 0x00800000) |
		       (write ? 0x40 : 0) |
		       (write ? STORE_RT : LOAD_RT) << 16;

	if (write) {
		fw_machine.frame.regs[STORE_RT] = arg[3];
	}
	return host_fault(ipa >> PAGE_SHIFT << 4, esr, ipa);
}

/* A device's load or store; its page is what the model has. */
static enum answer dma_access(const uint64_t *arg, bool write, uint64_t *value)
{
	uint64_t pa;

	if (!fw_dma((uint32_t)arg[0], (uint32_t)arg[1], arg[2], write, &pa)) {
		return ANSWER_PERM;
	}
	if (write) {
		fw_store_page(pa >> PAGE_SHIFT, arg[3]);
	} else {
		*value = fw_load_page(pa >> PAGE_SHIFT);
	}
	return ANSWER_OK;
}

static enum answer vm_access(const struct call *call, bool write)
{
	vmid_t vmid = (vmid_t)call->arg[0];
	uint32_t vcpuid = (uint32_t)call->arg[1];
	uint32_t reg = (uint32_t)call->arg[3];
	uint64_t pfn;

	if (write) {
		set_shadow_ctxt(vmid, vcpuid, reg, call->arg[4]);
	}
	if (!fw_translate(vmid, call->arg[2], &pfn)) {
		return ANSWER_PERM;
	}
	if (write) {
		fw_store_page(pfn, get_shadow_ctxt(vmid, vcpuid, reg));
	} else {
		set_shadow_ctxt(vmid, vcpuid, reg, fw_load_page(pfn));
	}
	return ANSWER_OK;
}

static void switch_vttbr(vmid_t vmid)
{
	uint64_t vttbr = get_vm_vttbr(vmid);

	if (vttbr != 0) {
		vttbr_write(vttbr);
		barrier_isb();
	}
}

static enum answer pvop(const struct call *call, uint64_t *value)
{
	vmid_t vmid = (vmid_t)call->arg[0];
	uint32_t vcpuid = (uint32_t)call->arg[1];

	set_shadow_ctxt(vmid, vcpuid, X0, call->arg[2]);
	set_shadow_ctxt(vmid, vcpuid, X2, call->arg[3]);
	set_shadow_ctxt(vmid, vcpuid, X3, call->arg[4]);
	set_per_cpu(vmid, vcpuid);
	/* The VM runs: what it does to the host's table borrows the VMID. */
	switch_vttbr(vmid);
	*value = core_handle_pvops();
	set_per_cpu(HOSTVISOR, 0);
	switch_vttbr(HOSTVISOR);
	return ANSWER_OK;
}

static void plant(const struct call *call)
{
	uint64_t pfn = call->arg[0];

	clear_pfn_host(pfn);
	set_pfn_owner(pfn, (uint32_t)call->arg[1]);
	set_pfn_count(pfn, (uint32_t)call->arg[2]);
	set_pfn_map(pfn, call->arg[3]);
}

/* Calls whose callers hold s2page. */
static enum hv_status page_call(const struct call *call)
{
	const uint64_t *a = call->arg;
	enum hv_status status = HV_OK;
	vmid_t vmid = (vmid_t)a[0];

	switch ((int)call->op) {
	case OP_GRANT_PAGE:
		status = grant_vm_page(vmid, a[1]);
		break;
	case OP_REVOKE_PAGE:
		status = revoke_vm_page(vmid, a[1]);
		break;
	case OP_ASSIGN:
		status = assign_pfn_to_vm(vmid, a[1], a[2]);
		break;
	case OP_MAP_PFN:
		status = map_pfn_vm(vmid, a[1], a[2], (uint32_t)a[3]);
		break;
	case OP_CLEAR_PAGE:
		clear_vm_page(vmid, a[1]);
		break;
	case OP_CLEAR_PFN_HOST:
		clear_pfn_host(a[0]);
		break;
	case OP_CLEAR_BLOCK_HOST:
		clear_block_host(a[0]);
		break;
	default:
		plant(call);
		break;
	}
	return status;
}

static enum hv_status locked_call(const struct call *call)
{
	enum hv_status status;

	acquire_lock_s2page();
	status = page_call(call);
	/* The part of those who call these, once for many pages. */
	icache_invalidate_all();
	release_lock_s2page();
	return status;
}

static void set_state(const struct call *call)
{
	vmid_t vmid = (vmid_t)call->arg[0];

	acquire_lock_vm(vmid);
	if (call->op == OP_SET_VM_STATE) {
		set_vm_state(vmid, (uint32_t)call->arg[1]);
	} else if (call->op == OP_START_VCPU) {
		boot_vcpu_set_entry(vmid, (uint32_t)call->arg[1], call->arg[2],
				    call->arg[3]);
	} else {
		set_vcpu_state(vmid, (uint32_t)call->arg[1],
			       (uint32_t)call->arg[2]);
	}
	release_lock_vm(vmid);
}

static void read_only_call(const struct call *call, uint64_t *value)
{
	if (call->op == OP_WALK) {
		vmid_t vmid = (vmid_t)call->arg[0];

		value[0] = walk_s2pt(vmid, call->arg[1]);
		value[1] = get_level_s2pt(vmid, call->arg[1]);
	} else {
		struct fw_page page = fw_get_page(call->arg[0]);

		value[0] = page.owner;
		value[1] = page.count;
		value[2] = page.gfn;
	}
}

static enum hv_status operation(const struct call *call, uint64_t *value)
{
	const uint64_t *a = call->arg;
	vmid_t vmid = (vmid_t)a[0];
	uint32_t number = 0;
	enum hv_status status = HV_OK;

	switch ((int)call->op) {
	case OP_MAP_PAGE_HOST:
		return map_page_host(a[0]);
	case OP_VM_FAULT:
		return prot_and_map_vm_s2pt(vmid, a[1], a[2], (uint32_t)a[3]);
	case OP_REGISTER_KVM:
		status = register_kvm(&number);
		break;
	case OP_SET_BOOT_INFO:
		status = set_boot_info(vmid, a[1], a[2], &number);
		break;
	case OP_REMAP_VM_IMAGE:
		return remap_vm_image(vmid, a[1], (uint32_t)a[2]);
	case OP_IOREMAP:
		return kvm_phys_addr_ioremap(vmid, a[1], a[2], a[3]);
	case OP_CLEAR_RANGE:
		return clear_vm_stage2_range(vmid, a[1], a[2]);
	case OP_DESTROY_VM:
		return destroy_vm(vmid);
	case OP_GRANT:
		return grant_stage2_sg_gpa(vmid, a[1], a[2]);
	case OP_REVOKE:
		return revoke_stage2_sg_gpa(vmid, a[1], a[2]);
	case OP_REGISTER_VCPU:
		return register_vcpu(vmid, (uint32_t)a[1]);
	case OP_SET_VM_STATE:
	case OP_SET_VCPU_STATE:
	case OP_START_VCPU:
		set_state(call);
		break;
	case OP_WALK:
	case OP_GET_PFN:
		read_only_call(call, value);
		break;
	default:
		return locked_call(call);
	}
	value[0] = status == HV_OK && number != 0 ? number : value[0];
	return status;
}

static void hvc(const struct call *call)
{
	memcpy(fw_machine.frame.regs, call->arg,
	       MAX_ARGS * sizeof(call->arg[0]));
	fw_machine.frame.esr = UINT64_C(0x5a000000);
	host_hvc_dispatcher(&fw_machine.frame);
}

static void do_call(const struct call *call, struct script *script,
		    struct fw_result *result)
{
	switch ((int)call->op) {
	case OP_HOST_FAULT:
		result->answer = host_fault(call->arg[0], call->arg[1],
					    call->arg[2]);
		result->value[0] = fw_machine.frame.elr;
		break;
	case OP_HOST_LOAD:
	case OP_HOST_STORE:
		result->answer = host_access(call, call->op == OP_HOST_STORE);
		break;
	case OP_VM_LOAD:
	case OP_VM_STORE:
		result->answer = vm_access(call, call->op == OP_VM_STORE);
		break;
	case OP_DMA_LOAD:
	case OP_DMA_STORE:
		result->answer = dma_access(call->arg,
					    call->op == OP_DMA_STORE,
					    &result->value[0]);
		break;
	case OP_SMMU_READ:
	case OP_SMMU_WRITE:
		result->answer = smmu_access(call->arg,
					     call->op == OP_SMMU_WRITE);
		break;
	case OP_SMMU_FAULT:
		fw_smmu_poke((uint32_t)call->arg[0], call->arg[1],
			     call->arg[2]);
		result->answer = ANSWER_OK;
		break;
	case OP_PVOP:
		result->answer = pvop(call, &result->value[0]);
		break;
	case OP_HVC:
		result->answer = ANSWER_OK;
		hvc(call);
		result->value[0] = fw_machine.frame.regs[0];
		result->value[1] = fw_machine.counters[0].refusals;
		break;
	case OP_VCPU_RUN:
		result->answer = ANSWER_OK;
		result->wrong = fw_vcpu_run(call, script);
		result->value[0] = fw_machine.frame.regs[0];
		result->value[1] = fw_machine.counters[0].refusals;
		break;
	case OP_SET_MANIFEST:
		result->answer = fw_set_manifest(call);
		break;
	case OP_HOST_SET:
		fw_set_host_reg((uint32_t)call->arg[0], call->arg[1]);
		result->answer = ANSWER_OK;
		break;
	case OP_WINDOW:
		fw_set_window((uint32_t)call->arg[0], (uint32_t)call->arg[1],
			      (uint32_t)call->arg[2], call->arg[3]);
		result->answer = ANSWER_OK;
		break;
	default:
		result->answer = fw_answer_of(operation(call, result->value));
		break;
	}
}

struct job {
	const struct call *call;
	struct script *script;
	struct fw_result *result;
};

static void run_job(void *data)
{
	const struct job *job = data;

	do_call(job->call, job->script, job->result);
}

/* The pages that an event has written. */
static void touch_event(const struct native_event *event)
{
	uint64_t bytes = event->op == NATIVE_ZERO ? event->b : sizeof(uint64_t);

	for (uint64_t pa = event->a; pa < event->a + bytes; pa += PAGE_SIZE) {
		fw_touch(pa >> PAGE_SHIFT);
	}
}

void fw_do(const struct call *call, struct script *script,
	   struct fw_result *result)
{
	struct job job = { call, script, result };
	const struct native_event *event;
	size_t n;

	*result = (struct fw_result){ .answer = ANSWER_PANIC };
	fw_machine.nr_touched = 0;
	fw_machine.tables_touched = false;
	fw_machine.counters[0].refusals = 0;
	fw_forget_devices();
	native_console_reset();
	native_events_reset();
	native_cpu.pcpu->frame = &fw_machine.frame;
	if (native_parks(run_job, &job)) {
		result->answer = ANSWER_PANIC;
		result->message = native_console();
	}
	native_cpu.pcpu->frame = NULL;
	event = native_events(&n);
	for (size_t i = 0; i < n; i++) {
		if (event[i].op == NATIVE_TABLE_STORE) {
			fw_machine.tables_touched = true;
		}
		if (event[i].op == NATIVE_TABLE_STORE ||
		    event[i].op == NATIVE_ZERO) {
			touch_event(&event[i]);
		}
	}
}

static void run_unlocked(void *call)
{
	page_call(call);
}

bool fw_dies_without_s2page(const struct call *call)
{
	struct call copy = *call;

	return native_parks(run_unlocked, &copy);
}
