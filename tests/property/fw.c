/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The firmware, as fw.h shows it: starting it, calling it, and reading its
 * state. The page records are read by their getters; everything else - tables,
 * contents, maintenance - from what the native machine holds.
 */
#include "fw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/barrier.h"
#include "arch/cpu.h"
#include "arch/mem.h"
#include "arch/native.h"
#include "arch/tlbi.h"
#include "core/boot_core.h"
#include "core/boot_ops.h"
#include "core/fault_handler.h"
#include "core/host_hvc.h"
#include "core/locks.h"
#include "core/mem_handler.h"
#include "core/mem_manager.h"
#include "core/mem_region.h"
#include "core/memory_ops.h"
#include "core/npt_ops.h"
#include "core/page_manager.h"
#include "core/panic.h"
#include "core/pcpu.h"
#include "core/platform.h"
#include "core/psci.h"
#include "core/pt_alloc.h"
#include "core/shadow_ctxt.h"
#include "core/trap_frame.h"
#include "core/violation.h"
#include "core/vm_info.h"
#include "tlbmodel.h"

#define MIB		UINT64_C(0x100000)
#define HOST_POOL_PAGES	40

/* A hole, a region that starts and an EL2 that starts inside a block. */
const struct fw_range fw_ram[FW_NR_RAM] = {
	{ 0x40000000, 4 * MIB },
	{ 0x40700000, 8 * MIB },
};
const struct fw_range fw_el2 = { 0x40d00000, 2 * MIB };

const struct fw_range fw_device = { 0x09050000, 0x10000 };

static bool have_memory;
static paddr_t next_free;
static paddr_t records;
static struct hypsec_inspect_cpu counters[TOTAL_CPU];
static struct trap_frame frame;
static struct fw_mmio mmio;

#define MAX_TOUCHED	4096
static uint64_t touched[MAX_TOUCHED];
static uint64_t nr_touched;
static bool tables_touched;

/* Pages that a world has written since the machine was made. */
static uint64_t dirty[MAX_TOUCHED];
static uint64_t nr_dirty;

uint64_t fw_pfn(uint64_t index)
{
	uint64_t first = fw_ram[0].bytes / PAGE_SIZE;

	return index < first ? fw_ram[0].base / PAGE_SIZE + index :
			       fw_ram[1].base / PAGE_SIZE + index - first;
}

/* --- Starting ------------------------------------------------------------- */

static void NORETURN broken(const char *what)
{
	fprintf(stderr, "property test: %s\n", what);
	abort();
}

static paddr_t take(uint64_t bytes, uint64_t alignment)
{
	paddr_t pa = (next_free + alignment - 1) / alignment * alignment;

	next_free = pa + bytes;
	if (next_free > fw_el2.base + fw_el2.bytes) {
		broken("EL2's memory is too small");
	}
	return pa;
}

static uint64_t *page_words(uint64_t pfn)
{
	return el2_ptr(pa_to_el2_va(pfn << PAGE_SHIFT));
}

static void start_memory(void)
{
	if (!have_memory) {
		for (uint32_t i = 0; i < FW_NR_RAM; i++) {
			native_memory_add(fw_ram[i].base, fw_ram[i].bytes);
		}
		have_memory = true;
	}
	while (nr_dirty > 0) {
		memset(page_words(dirty[--nr_dirty]), 0, PAGE_SIZE);
	}
	nr_touched = 0;
	next_free = fw_el2.base;
}

static void start_cpu(void)
{
	memset(counters, 0, sizeof(counters));
	memset(&native_cpu, 0, sizeof(native_cpu));
	memset(&frame, 0, sizeof(frame));
	frame.spsr = PSTATE_FAULT_BITS_64;
	pcpu_reset();
	if (pcpu_add(0, &counters[0]) != HV_OK) {
		broken("no CPU");
	}
	native_cpu.pcpu = pcpu_boot();
	psci_cpu_entered(pcpu_boot());
}

static void start_records(void)
{
	uint64_t bytes;

	mem_region_reset();
	for (uint32_t i = 0; i < FW_NR_RAM; i++) {
		if (mem_region_add(fw_ram[i].base, fw_ram[i].bytes) != HV_OK) {
			broken("no RAM");
		}
	}
	bytes = mem_region_pages() * PAGE_RECORD_BYTES;
	records = take(bytes, PAGE_SIZE);
	memset(el2_ptr(pa_to_el2_va(records)), 0, bytes);
	page_manager_init(records, mem_region_pages());
	acquire_lock_s2page();
	page_manager_reserve(fw_el2.base >> PAGE_SHIFT,
			     fw_el2.bytes >> PAGE_SHIFT);
	release_lock_s2page();
}

static void start_tables(uint32_t chunks)
{
	paddr_t root = take(PT_ROOT_BYTES, PT_ROOT_BYTES);
	uint64_t bytes = HOST_POOL_PAGES * PAGE_SIZE;

	pt_pool_init(HOSTVISOR, root, take(bytes, PAGE_SIZE), bytes);
	bytes = chunks * PT_CHUNK_BYTES;
	pt_arena_init(take(bytes, PT_CHUNK_BYTES), bytes);
	native_cpu.vttbr = root;
}

/* The emulated device: what it reads is a function of the offset. */
uint64_t fw_device_word(uint64_t offset)
{
	return UINT64_C(0x8182838485868788) ^ offset * UINT64_C(0x101010101);
}

static bool device_read(uint64_t offset, uint32_t bytes, uint64_t *value)
{
	*value = fw_device_word(offset);
	mmio = (struct fw_mmio){ mmio.count + 1, fw_device.base + offset,
				 *value, bytes, false };
	return true;
}

static bool device_write(uint64_t offset, uint32_t bytes, uint64_t value)
{
	mmio = (struct fw_mmio){ mmio.count + 1, fw_device.base + offset,
				 value, bytes, true };
	return true;
}

static struct mmio_device device = {
	.sizes = 4 | 8,
	.read = device_read,
	.write = device_write,
};

void fw_start(uint32_t chunks)
{
	start_memory();
	start_cpu();
	start_records();
	start_tables(chunks);
	boot_core_reset();
	vm_info_reset();
	mem_handler_reset();
	for (vmid_t vmid = HOSTVISOR + 1; vmid < COREVISOR; vmid++) {
		acquire_lock_vm(vmid);
		shadow_ctxt_wipe(vmid);
		release_lock_vm(vmid);
	}
	device.base = fw_device.base;
	device.bytes = fw_device.bytes;
	native_set_mmio(&device, 1);
	mmio = (struct fw_mmio){ 0 };
	violation_set_halt(false);
	native_console_reset();
	native_events_reset();
	tlbmodel_start();
}

/* --- Reading tables ------------------------------------------------------- */

/* Bits that a table link, or a leaf, must have as zero here. */
#define TABLE_ZERO	(~UINT64_C(0x0000fffffffff003))
#define LEAF_ZERO	UINT64_C(0xf80f000000000800)
#define ADDRESS		UINT64_C(0x0000fffffffff000)

/* Where the pages of tables may lie. */
static bool is_el2_page(uint64_t pa)
{
	return pa % PAGE_SIZE == 0 && pa >= fw_el2.base &&
	       pa < fw_el2.base + fw_el2.bytes;
}

static void add_run(struct fw_table *table, uint64_t gfn, uint64_t desc,
		    uint32_t level)
{
	uint64_t pages = level == 2 ? 512 : 1;
	uint64_t pfn = (desc & ADDRESS) / PAGE_SIZE;
	uint64_t pte = desc & ~ADDRESS;
	struct fw_run *last = table->nr_runs == 0 ?
			      NULL : &table->runs[table->nr_runs - 1];

	if ((desc & LEAF_ZERO) != 0 || pfn % pages != 0 ||
	    (level == 3 && (desc & 2) == 0)) {
		table->error = "a leaf with reserved bits set";
	}
	if (last != NULL && last->gfn + last->pages == gfn &&
	    last->pfn + last->pages == pfn && last->pte == pte &&
	    last->level == level) {
		last->pages += pages;
	} else if (table->nr_runs == FW_MAX_RUNS) {
		table->error = "more mappings than the test can hold";
	} else {
		table->runs[table->nr_runs++] =
			(struct fw_run){ gfn, pfn, pages, pte, level };
	}
}

static const uint64_t *linked_table(uint64_t desc, struct fw_table *table)
{
	if ((desc & TABLE_ZERO) != 0 || (desc & 3) != 3 ||
	    !is_el2_page(desc & ADDRESS)) {
		table->error = "a link with reserved bits set or to nowhere";
		return NULL;
	}
	table->pages++;
	return page_words((desc & ADDRESS) >> PAGE_SHIFT);
}

static void read_level3(const uint64_t *entries, uint64_t gfn,
			struct fw_table *table)
{
	for (uint64_t i = 0; i < 512; i++) {
		if ((entries[i] & 1) != 0) {
			add_run(table, gfn + i, entries[i], 3);
		}
	}
}

static void read_level2(const uint64_t *entries, uint64_t gfn,
			struct fw_table *table)
{
	for (uint64_t i = 0; i < 512; i++) {
		const uint64_t *next;

		if ((entries[i] & 3) == 1) {
			add_run(table, gfn + i * 512, entries[i], 2);
		} else if ((entries[i] & 1) != 0) {
			next = linked_table(entries[i], table);
			if (next != NULL) {
				read_level3(next, gfn + i * 512, table);
			}
		}
	}
}

static uint64_t root_of(uint32_t vmid)
{
	uint64_t root;

	acquire_lock_s2page();
	root = pt_pool_root(vmid);
	release_lock_s2page();
	return root;
}

void fw_read_table(uint32_t vmid, struct fw_table *table)
{
	uint64_t root = root_of(vmid);
	const uint64_t *entries;

	table->live = root != 0;
	table->nr_runs = 0;
	table->pages = 0;
	table->error = NULL;
	if (root == 0) {
		return;
	}
	table->pages = 2;
	entries = page_words(root >> PAGE_SHIFT);
	for (uint64_t i = 0; i < 1024; i++) {
		const uint64_t *next;

		if ((entries[i] & 1) != 0) {
			next = linked_table(entries[i], table);
			if (next != NULL) {
				read_level2(next, i * 512 * 512, table);
			}
		}
	}
}

bool fw_translate(uint32_t vmid, uint64_t gfn, uint64_t *pfn)
{
	uint64_t table = root_of(vmid);
	uint64_t index = gfn / (512 * 512), span = 512 * 512, desc;

	if (table == 0 || gfn >= KVM_PFN_SPACE) {
		return false;
	}
	for (;;) {
		const uint64_t *entries = page_words(table >> PAGE_SHIFT);

		desc = entries[index];
		if ((desc & 1) == 0) {
			return false;
		}
		if (span == 1 || (desc & 2) == 0) {
			break;
		}
		table = desc & ADDRESS;
		span /= 512;
		index = gfn / span % 512;
	}
	*pfn = (desc & ADDRESS) / PAGE_SIZE + gfn % span;
	return true;
}

/* --- Worlds --------------------------------------------------------------- */

static bool is_ram(uint64_t pfn)
{
	return native_memory_has(pfn << PAGE_SHIFT);
}

static void touch(uint64_t pfn)
{
	if (nr_touched < MAX_TOUCHED) {
		touched[nr_touched++] = pfn;
	}
}

static void store_page(uint64_t pfn, uint64_t value)
{
	uint64_t *words;

	if (!is_ram(pfn)) {
		return;
	}
	words = page_words(pfn);
	for (uint64_t i = 0; i < PAGE_SIZE / sizeof(*words); i++) {
		words[i] = value;
	}
	touch(pfn);
	if (nr_dirty < MAX_TOUCHED) {
		dirty[nr_dirty++] = pfn;
	}
}

static uint64_t load_page(uint64_t pfn)
{
	return is_ram(pfn) ? page_words(pfn)[0] : 0;
}

bool fw_page_holds(uint64_t pfn, uint64_t value)
{
	const uint64_t *words = page_words(pfn);
	uint64_t differ = 0;

	for (uint64_t i = 0; i < PAGE_SIZE / sizeof(*words); i++) {
		differ |= words[i] ^ value;
	}
	return differ == 0;
}

uint64_t fw_page_word(uint64_t pfn)
{
	return load_page(pfn);
}

/* --- Calls ---------------------------------------------------------------- */

static enum answer answer_of(enum hv_status status)
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
	uint64_t refusals = counters[0].refusals;

	native_cpu.esr_el1 = 0;
	native_cpu.vserror = false;
	frame.elr = 0x80000;
	frame.spsr = PSTATE_FAULT_BITS_64;
	frame.esr = esr;
	frame.far = far;
	frame.hpfar = hpfar;
	handle_host_stage2_fault(&frame);
	/* Counted once and injected once, or neither. */
	if (counters[0].refusals == refusals + 1 && native_cpu.esr_el1 != 0) {
		return ANSWER_PERM;
	}
	return counters[0].refusals == refusals && native_cpu.esr_el1 == 0 ?
		       ANSWER_OK : ANSWER_PANIC;
}

/* A load or store of the host's at @addr; it faults as often as it must. */
static enum answer host_access(const struct call *call, bool write)
{
	uint64_t esr = UINT64_C(0x93c08004) | (write ? 0x40 : 0) |
		       call->arg[1] << 16;
	uint64_t pfn;

	if (write) {
		frame.regs[call->arg[1]] = call->arg[2];
	}
	if (!fw_translate(HOSTVISOR, call->arg[0] >> PAGE_SHIFT, &pfn)) {
		enum answer answer = host_fault(call->arg[0] >> PAGE_SHIFT << 4,
						esr, call->arg[0]);

		if (answer != ANSWER_OK || frame.elr != 0x80000) {
			return answer;
		}
		if (!fw_translate(HOSTVISOR, call->arg[0] >> PAGE_SHIFT,
				  &pfn)) {
			return ANSWER_PANIC;
		}
	}
	if (write) {
		store_page(pfn, frame.regs[call->arg[1]]);
	} else {
		frame.regs[call->arg[1]] = load_page(pfn);
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
		store_page(pfn, get_shadow_ctxt(vmid, vcpuid, reg));
	} else {
		set_shadow_ctxt(vmid, vcpuid, reg, load_page(pfn));
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

/* Calls that are made with s2page held. */
static enum hv_status locked_call(const struct call *call)
{
	const uint64_t *a = call->arg;
	enum hv_status status = HV_OK;
	vmid_t vmid = (vmid_t)a[0];

	acquire_lock_s2page();
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
	case OP_SET_VM_STATE:
	case OP_SET_VCPU_STATE:
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
	memcpy(frame.regs, call->arg, MAX_ARGS * sizeof(call->arg[0]));
	frame.esr = UINT64_C(0x5a000000);
	host_hvc_dispatcher(&frame);
}

static void do_call(const struct call *call, struct fw_result *result)
{
	switch ((int)call->op) {
	case OP_HOST_FAULT:
		result->answer = host_fault(call->arg[0], call->arg[1],
					    call->arg[2]);
		result->value[0] = frame.elr;
		break;
	case OP_HOST_LOAD:
	case OP_HOST_STORE:
		result->answer = host_access(call, call->op == OP_HOST_STORE);
		break;
	case OP_VM_LOAD:
	case OP_VM_STORE:
		result->answer = vm_access(call, call->op == OP_VM_STORE);
		break;
	case OP_PVOP:
		result->answer = pvop(call, &result->value[0]);
		break;
	case OP_HVC:
		result->answer = ANSWER_OK;
		hvc(call);
		result->value[0] = frame.regs[0];
		result->value[1] = counters[0].refusals;
		break;
	default:
		result->answer = answer_of(operation(call, result->value));
		break;
	}
}

struct job {
	const struct call *call;
	struct fw_result *result;
};

static void run_job(void *data)
{
	const struct job *job = data;

	do_call(job->call, job->result);
}

/* The pages that an event has written. */
static void touch_event(const struct native_event *event)
{
	uint64_t bytes = event->op == NATIVE_ZERO ? event->b : sizeof(uint64_t);

	for (uint64_t pa = event->a; pa < event->a + bytes; pa += PAGE_SIZE) {
		touch(pa >> PAGE_SHIFT);
	}
}

void fw_do(const struct call *call, struct fw_result *result)
{
	struct job job = { call, result };
	const struct native_event *event;
	size_t n;

	*result = (struct fw_result){ .answer = ANSWER_PANIC };
	nr_touched = 0;
	tables_touched = false;
	counters[0].refusals = 0;
	native_console_reset();
	native_events_reset();
	native_cpu.pcpu->frame = &frame;
	if (native_parks(run_job, &job)) {
		result->answer = ANSWER_PANIC;
		result->message = native_console();
	}
	native_cpu.pcpu->frame = NULL;
	event = native_events(&n);
	for (size_t i = 0; i < n; i++) {
		if (event[i].op == NATIVE_TABLE_STORE) {
			tables_touched = true;
		}
		if (event[i].op == NATIVE_TABLE_STORE ||
		    event[i].op == NATIVE_ZERO) {
			touch_event(&event[i]);
		}
	}
}

/* --- The rest of its state ------------------------------------------------ */

uint64_t fw_arena_free(void)
{
	uint64_t chunks;

	acquire_lock_s2page();
	chunks = pt_arena_free_chunks();
	release_lock_s2page();
	return chunks;
}

struct fw_page fw_get_page(uint64_t pfn)
{
	struct fw_page page;

	acquire_lock_s2page();
	page.owner = get_pfn_owner(pfn);
	page.count = get_pfn_count(pfn);
	page.gfn = get_pfn_map(pfn);
	release_lock_s2page();
	return page;
}

const uint64_t *fw_raw_records(void)
{
	return el2_ptr(pa_to_el2_va(records));
}

uint64_t fw_owned(uint32_t vmid)
{
	uint64_t owned;

	acquire_lock_s2page();
	owned = page_manager_owned(vmid);
	release_lock_s2page();
	return owned;
}

uint64_t fw_pool_free(uint32_t vmid)
{
	uint64_t pages;

	acquire_lock_s2page();
	pages = pt_pool_free_pages(vmid);
	release_lock_s2page();
	return pages;
}

void fw_get_vm(uint32_t vmid, struct fw_vm *vm)
{
	acquire_lock_vm(vmid);
	vm->state = get_vm_state(vmid);
	for (uint32_t i = 0; i < VCPU_PER_VM; i++) {
		vm->vcpu[i] = get_vcpu_state(vmid, i);
	}
	vm->next_load_idx = get_vm_next_load_idx(vmid);
	for (uint32_t i = 0; i < MAX_LOAD_INFO_NUM; i++) {
		vm->load_addr[i] = get_vm_load_addr(vmid, i);
		vm->load_size[i] = get_vm_load_size(vmid, i);
		vm->mapped_pages[i] = get_vm_mapped_pages(vmid, i);
	}
	release_lock_vm(vmid);
}

uint64_t fw_get_gpr(uint32_t vmid, uint32_t vcpuid, uint32_t reg)
{
	return get_shadow_ctxt(vmid, vcpuid, reg);
}

uint64_t fw_host_gpr(uint32_t reg)
{
	return frame.regs[reg];
}

uint64_t fw_nr_touched(void)
{
	return nr_touched;
}

uint64_t fw_touched(uint64_t i)
{
	return touched[i];
}

bool fw_page_is_clean(uint64_t pfn)
{
	const struct native_event *event;
	bool clean = false;
	size_t n;

	event = native_events(&n);
	for (size_t i = 0; i < n; i++) {
		if ((event[i].op == NATIVE_CLEAN ||
		     event[i].op == NATIVE_ZERO) &&
		    (pfn << PAGE_SHIFT) - event[i].a < event[i].b) {
			clean = event[i].op == NATIVE_CLEAN;
		}
	}
	return clean;
}

bool fw_tables_touched(void)
{
	return tables_touched;
}

const char *fw_check_step(void)
{
	return lock_none_is_held() ? tlbmodel_error() : "a lock is still held";
}

struct fw_mmio fw_mmio(void)
{
	return mmio;
}
