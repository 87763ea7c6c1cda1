/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vCPUs made, taken, given back and forgotten, the power of VMs, and the
 * memory that host and EL2 share.
 */
#include "opstate.h"

#include <string.h>

#include "arch/mem.h"
#include "core/boot_ops.h"
#include "core/boot_vcpu.h"
#include "core/int_state.h"
#include "core/locks.h"
#include "core/mem_handler.h"
#include "core/memory_ops.h"
#include "core/page_manager.h"
#include "core/shadow_ctxt.h"
#include "core/shared_window.h"
#include "core/vm_power.h"
#include "core/trap_frame.h"
#include "core/trap_handler.h"
#include "core/vcpu_ops.h"
#include "core/violation.h"
#include "hypsec/abi.h"
#include "tlbmodel.h"

#define ENTRY	UINT64_C(0x40080000)
#define CONTEXT	UINT64_C(0x48000000)

static vmid_t new_vm(void)
{
	uint32_t vm;

	g_assert_cmpint(register_kvm(&vm), ==, HV_OK);
	return vm;
}

static void set_entry(vmid_t vm, uint32_t vcpu)
{
	acquire_lock_vm(vm);
	boot_vcpu_set_entry(vm, vcpu, ENTRY, CONTEXT);
	release_lock_vm(vm);
}

static uint32_t vcpu_state(vmid_t vm, uint32_t vcpu)
{
	uint32_t state;

	acquire_lock_vm(vm);
	state = get_vcpu_state(vm, vcpu);
	release_lock_vm(vm);
	return state;
}

static uint32_t power(vmid_t vm, uint32_t vcpu)
{
	uint32_t power;

	acquire_lock_vm(vm);
	power = get_vcpu_power(vm, vcpu);
	release_lock_vm(vm);
	return power;
}

/* A VM that may run, with vCPUs 0 and 1, of which 0 has an entry. */
static vmid_t start_vm(void)
{
	vmid_t vm;

	ops_start();
	vm = new_vm();
	g_assert_cmpint(register_vcpu(vm, 0), ==, HV_OK);
	g_assert_cmpint(register_vcpu(vm, 1), ==, HV_OK);
	set_entry(vm, 0);
	ops_set_vm_state(vm, VERIFIED);
	return vm;
}

static struct hypsec_vcpu *page_of(vmid_t vm, uint32_t vcpu)
{
	return el2_ptr(pa_to_el2_va(TEST_SHARED_BASE +
				    (vm * 8 + vcpu) * UINT64_C(4096)));
}

/* --- Registration ------------------------------------------------------ */

static void register_makes_every_vcpu_of_every_vm(void)
{
	ops_start();
	for (vmid_t vm = 1; vm < COREVISOR; vm++) {
		g_assert_cmpuint(new_vm(), ==, vm);
		for (uint32_t i = 0; i < VCPU_PER_VM; i++) {
			g_assert_cmpint(register_vcpu(vm, i), ==, HV_OK);
			g_assert_cmpuint(vcpu_state(vm, i), ==, READY);
			g_assert_cmpuint(power(vm, i), ==, VCPU_OFF);
			g_assert_cmphex(get_shadow_dirty_bit(vm, i), ==,
					INVALID64);
			g_assert_true(shadow_ctxt_get(vm, i)->shared ==
				      page_of(vm, i));
		}
	}
}

static void register_begins_the_structure_anew(void)
{
	static const uint8_t zero[HYPSEC_SHARED_STRIDE];
	struct hypsec_vcpu *page;
	vmid_t vm;

	ops_start();
	vm = new_vm();
	page = page_of(vm, 3);
	memset(page, 0xa5, 2 * HYPSEC_SHARED_STRIDE);
	this_cpu()->features.nr_lrs = 4;
	g_assert_cmpint(register_vcpu(vm, 3), ==, HV_OK);
	g_assert_cmpuint(page->vgic.nr_lrs, ==, 4);
	page->vgic.nr_lrs = 0;
	g_assert_cmpuint(page->version, ==, 1);
	g_assert_cmpuint(page->size, ==, sizeof(struct hypsec_vcpu));
	page->version = 0;
	page->size = 0;
	g_assert_cmpmem(page, HYPSEC_SHARED_STRIDE, zero, sizeof(zero));
	/* And no other's. */
	g_assert_cmphex(*((uint8_t *)page + HYPSEC_SHARED_STRIDE), ==, 0xa5);
}

static void g6_register_with_bad_numbers_is_refused(void)
{
	static const uint32_t bad[][2] = {
		{ HOSTVISOR, 0 }, { COREVISOR, 0 }, { INVALID, 0 }, { 17, 0 },
		{ 1, VCPU_PER_VM }, { 1, INVALID }, { 1, BIT(31) },
	};

	ops_start();
	g_assert_cmpuint(new_vm(), ==, 1);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		g_assert_cmpint(register_vcpu(bad[i][0], bad[i][1]), ==,
				HV_EINVAL);
	}
	g_assert_cmpint(register_vcpu(1, VCPU_PER_VM - 1), ==, HV_OK);
}

static void g42_register_needs_a_vm_that_is_ready(void)
{
	static const uint32_t states[] = { UNUSED, MAPPED, VERIFIED, POWEROFF };
	vmid_t vm;

	ops_start();
	vm = new_vm();
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		ops_set_vm_state(vm, states[i]);
		g_assert_cmpint(register_vcpu(vm, 0), ==, HV_EPERM);
		g_assert_cmpuint(vcpu_state(vm, 0), ==, UNUSED);
	}
	ops_set_vm_state(vm, READY);
	g_assert_cmpint(register_vcpu(vm, 0), ==, HV_OK);
}

static void g42_register_twice_is_busy(void)
{
	static const uint32_t states[] = { READY, ACTIVE };
	vmid_t vm;

	ops_start();
	vm = new_vm();
	g_assert_cmpint(register_vcpu(vm, 0), ==, HV_OK);
	set_shadow_ctxt(vm, 0, DIRTY, 5);
	page_of(vm, 0)->new_pte = 7;
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		ops_set_vcpu_state(vm, 0, states[i]);
		g_assert_cmpint(register_vcpu(vm, 0), ==, HV_EBUSY);
		g_assert_cmpuint(vcpu_state(vm, 0), ==, states[i]);
	}
	g_assert_cmphex(get_shadow_dirty_bit(vm, 0), ==, 5);
	g_assert_cmphex(page_of(vm, 0)->new_pte, ==, 7);
}

/* --- Running ----------------------------------------------------------- */

static void active_and_back(void)
{
	vmid_t vm = start_vm();

	for (int i = 0; i < 3; i++) {
		g_assert_cmpint(set_vcpu_active(vm, 0), ==, HV_OK);
		g_assert_cmpuint(vcpu_state(vm, 0), ==, ACTIVE);
		set_vcpu_inactive(vm, 0);
		g_assert_cmpuint(vcpu_state(vm, 0), ==, READY);
	}
}

static void g13_active_with_bad_numbers_is_refused(void)
{
	vmid_t vm = start_vm();

	g_assert_cmpint(set_vcpu_active(HOSTVISOR, 0), ==, HV_EINVAL);
	g_assert_cmpint(set_vcpu_active(COREVISOR, 0), ==, HV_EINVAL);
	g_assert_cmpint(set_vcpu_active(INVALID, 0), ==, HV_EINVAL);
	g_assert_cmpint(set_vcpu_active(vm, VCPU_PER_VM), ==, HV_EINVAL);
	g_assert_cmpint(set_vcpu_active(vm, INVALID), ==, HV_EINVAL);
}

static void g13_active_needs_a_vm_that_is_verified(void)
{
	static const uint32_t states[] = { UNUSED, MAPPED, READY, POWEROFF };
	vmid_t vm = start_vm();

	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		ops_set_vm_state(vm, states[i]);
		g_assert_cmpint(set_vcpu_active(vm, 0), ==,
				states[i] == POWEROFF ? HV_EBUSY : HV_EPERM);
		g_assert_cmpuint(vcpu_state(vm, 0), ==, READY);
	}
}

static void g13_active_needs_a_vcpu_that_exists(void)
{
	vmid_t vm = start_vm();

	g_assert_cmpint(set_vcpu_active(vm, 2), ==, HV_EPERM);
	g_assert_cmpuint(vcpu_state(vm, 2), ==, UNUSED);
}

static void active_twice_is_busy(void)
{
	vmid_t vm = start_vm();

	g_assert_cmpint(set_vcpu_active(vm, 0), ==, HV_OK);
	machine_become_cpu(1);
	g_assert_cmpint(set_vcpu_active(vm, 0), ==, HV_EBUSY);
	machine_become_cpu(0);
	set_vcpu_inactive(vm, 0);
	machine_become_cpu(1);
	g_assert_cmpint(set_vcpu_active(vm, 0), ==, HV_OK);
}

static void g41_active_needs_a_vcpu_that_is_on(void)
{
	vmid_t vm = start_vm();

	g_assert_cmpint(set_vcpu_active(vm, 1), ==, HV_EBUSY);
	g_assert_cmpuint(vcpu_state(vm, 1), ==, READY);
	set_entry(vm, 1);
	g_assert_cmpint(set_vcpu_active(vm, 1), ==, HV_OK);
}

static void give_back(void *data)
{
	set_vcpu_inactive(*(vmid_t *)data, 0);
}

static void inactive_without_active_panics(void)
{
	vmid_t vm = start_vm();

	assert_panics(give_back, &vm, "vcpu->state == ACTIVE");
}

static void give_back_none(void *data)
{
	const uint32_t *id = data;

	set_vcpu_inactive(id[0], id[1]);
}

static void inactive_with_a_bad_number_panics(void)
{
	uint32_t id[] = { 1, VCPU_PER_VM };

	assert_panics(give_back_none, id, "vcpuid < VCPU_PER_VM");
}

static void inactive_of_no_vm_panics(void)
{
	uint32_t id[] = { COREVISOR, 0 };

	assert_panics(give_back_none, id, "is_vm(vmid)");
}

static void set_entry_again(void *data)
{
	vmid_t vm = *(vmid_t *)data;

	vm_infos[vm].vcpu[0].power = VCPU_ON;
	set_entry(vm, 0);
}

static void entry_of_a_vcpu_that_is_on_panics(void)
{
	vmid_t vm = start_vm();

	assert_panics(set_entry_again, &vm, "VCPU_ON");
}

static void set_entry_of_none(void *data)
{
	set_entry(*(vmid_t *)data, 5);
}

static void entry_of_no_vcpu_panics(void)
{
	vmid_t vm = start_vm();

	assert_panics(set_entry_of_none, &vm, "UNUSED");
}

static void entry_is_recorded(void)
{
	vmid_t vm = start_vm();

	acquire_lock_vm(vm);
	g_assert_cmphex(get_vcpu_entry(vm, 0), ==, ENTRY);
	g_assert_cmphex(get_vcpu_context(vm, 0), ==, CONTEXT);
	release_lock_vm(vm);
	g_assert_cmpuint(power(vm, 0), ==, VCPU_ON_PENDING);
	g_assert_cmpuint(power(vm, 1), ==, VCPU_OFF);
}

/* --- What VCPU_RUN says and counts -------------------------------------- */

/* VCPU_RUN of vCPU 0; its result. */
static int64_t run(vmid_t vm, struct trap_frame *frame)
{
	*frame = (struct trap_frame){
		.regs = { HYPSEC_HVC_VCPU_RUN, vm, 0 },
		.esr = (uint64_t)EC_HVC64 << 26 | BIT(25),
	};
	trap_host_sync(frame);
	return (int64_t)frame->regs[0];
}

/* A VM that has left for a page of its own and not come back yet. */
static vmid_t start_waiting_vm(void)
{
	struct shadow_ctxt *ctxt;
	vmid_t vm = start_vm();

	ctxt = shadow_ctxt_get(vm, 0);
	memset(ctxt->regs, 0, sizeof(ctxt->regs));
	ctxt->regs[EC] = HYPSEC_EXIT_TRAP;
	ctxt->regs[ESR_EL2] = (uint64_t)EC_DABT_LOW << 26 | FSC_TRANSLATION;
	ctxt->regs[FLAGS] = PENDING_FSC_FAULT;
	ctxt->regs[HPFAR_EL2] = GIB >> 12 << 4;
	page_of(vm, 0)->new_pte = OPS_RAM;
	return vm;
}

/* The host cannot know that the VM has just ended: no violation. */
static void run_of_a_vm_that_powered_off_is_no_violation(void)
{
	struct trap_frame frame;
	vmid_t vm = start_vm();

	violation_set_halt(true);
	set_vm_poweroff(vm);
	g_assert_cmpint(run(vm, &frame), ==, HYPSEC_BUSY);
	g_assert_cmpuint(pcpu_boot()->counters->refusals, ==, 0);
	g_assert_cmpstr(native_console(), ==, "");
}

/* Nor between its fault and the answer. */
static void answer_after_power_off_is_no_violation(void)
{
	vmid_t vm = start_waiting_vm();

	set_per_cpu(vm, 0);
	set_vm_poweroff(vm);
	g_assert_cmpint(restore_shadow_kvm_regs(), ==, HV_EBUSY);
	set_per_cpu(HOSTVISOR, 0);
	g_assert_cmpuint(ops_vm_pfn(vm, GIB >> 12), ==, INVALID64);
}

/* How many tables a VM needs, it decides. */
static void run_without_memory_is_no_violation(void)
{
	struct trap_frame frame;
	vmid_t vm = start_waiting_vm();
	uint64_t ipa = 2 * GIB;
	enum hv_status status;

	/* A page in each 2 MiB, until there is no memory for tables. */
	do {
		status = prot_and_map_vm_s2pt(vm, ipa, OPS_RAM2 +
					      ((ipa >> 21) % 1024 << 12), 3);
		ipa += 2 * MIB;
	} while (status == HV_OK);
	g_assert_cmpint(status, ==, HV_ENOMEM);
	violation_set_halt(true);
	g_assert_cmpint(run(vm, &frame), ==, HYPSEC_NO_MEMORY);
	g_assert_cmpuint(pcpu_boot()->counters->refusals, ==, 0);
	g_assert_cmpuint(vcpu_state(vm, 0), ==, READY);
	g_assert_cmpuint(get_cur_vmid(), ==, HOSTVISOR);
}

/* What is the host's own doing still is one. */
static void run_of_no_vm_is_a_violation(void)
{
	struct trap_frame frame;
	vmid_t vm = start_vm();

	ops_set_vm_state(vm, READY);
	g_assert_cmpint(run(vm, &frame), ==, HYPSEC_DENIED);
	g_assert_cmpint(run(0, &frame), ==, HYPSEC_INVALID);
	g_assert_cmpuint(pcpu_boot()->counters->refusals, ==, 2);
}

/* --- The counter ------------------------------------------------------- */

static void g60_offset_is_fixed_with_verification(void)
{
	static const uint32_t states[] = { UNUSED, MAPPED, VERIFIED, POWEROFF };
	vmid_t vm;

	ops_start();
	vm = new_vm();
	g_assert_cmpint(timer_set_vm_cntvoff(vm, 1), ==, HV_OK);
	g_assert_cmpint(timer_set_vm_cntvoff(vm, ~UINT64_C(2)), ==, HV_OK);
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		ops_set_vm_state(vm, states[i]);
		g_assert_cmpint(timer_set_vm_cntvoff(vm, 5), ==, HV_EPERM);
	}
	acquire_lock_vm(vm);
	g_assert_cmphex(get_vm_cntvoff(vm), ==, ~UINT64_C(2));
	release_lock_vm(vm);
	g_assert_cmpint(timer_set_vm_cntvoff(HOSTVISOR, 5), ==, HV_EINVAL);
	g_assert_cmpint(timer_set_vm_cntvoff(COREVISOR, 5), ==, HV_EINVAL);
	g_assert_cmpint(timer_set_vm_cntvoff(INVALID, 5), ==, HV_EINVAL);
}

static void offset_is_every_vcpus(void)
{
	vmid_t vm;

	ops_start();
	vm = new_vm();
	for (uint32_t i = 0; i < 2; i++) {
		g_assert_cmpint(register_vcpu(vm, i), ==, HV_OK);
		set_entry(vm, i);
	}
	g_assert_cmpint(timer_set_vm_cntvoff(vm, 0x1234), ==, HV_OK);
	ops_set_vm_state(vm, VERIFIED);
	for (uint32_t i = 0; i < 2; i++) {
		g_assert_cmpint(set_vcpu_active(vm, i), ==, HV_OK);
		g_assert_cmphex(get_shadow_ctxt(vm, i, CNTVOFF_EL2), ==,
				0x1234);
	}
}

/* --- Power and end ----------------------------------------------------- */

static void g20_power_is_on_until_it_is_off(void)
{
	vmid_t vm = start_vm();
	vmid_t other = new_vm();

	g_assert_cmpuint(get_vm_poweron(vm), ==, 1);
	set_vm_poweroff(vm);
	g_assert_cmpuint(get_vm_poweron(vm), ==, 0);
	g_assert_cmpuint(ops_vm_state(vm), ==, POWEROFF);
	g_assert_cmpuint(get_vm_poweron(other), ==, 1);
}

static void g21_powered_off_vm_never_runs_again(void)
{
	vmid_t vm = start_vm();

	g_assert_cmpint(set_vcpu_active(vm, 0), ==, HV_OK);
	set_vm_poweroff(vm);
	g_assert_cmpint(clear_vm_stage2_range(vm, 0, KVM_PHYS_SIZE), ==,
			HV_EBUSY);
	g_assert_cmpint(destroy_vm(vm), ==, HV_EBUSY);
	set_vcpu_inactive(vm, 0);
	g_assert_cmpint(set_vcpu_active(vm, 0), ==, HV_EBUSY);
	g_assert_cmpint(clear_vm_stage2_range(vm, 0, KVM_PHYS_SIZE), ==,
			HV_OK);
}

static bool is_zero(const void *data, size_t bytes)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < bytes; i++) {
		if (p[i] != 0) {
			return false;
		}
	}
	return true;
}

static void destroy_forgets_every_vcpu(void)
{
	vmid_t vm = start_vm();
	vmid_t other = new_vm();

	g_assert_cmpint(register_vcpu(other, 0), ==, HV_OK);
	for (uint32_t i = 0; i < 2; i++) {
		memset(shadow_ctxt_get(vm, i)->regs, 0x5a,
		       sizeof(shadow_ctxt_get(vm, i)->regs));
		memset(&shadow_ctxt_get(vm, i)->fp, 0x5a,
		       sizeof(struct fp_state));
	}
	memset(page_of(vm, 0), 0x5a, 8 * HYPSEC_SHARED_STRIDE);
	g_assert_cmpint(destroy_vm(vm), ==, HV_OK);
	for (uint32_t i = 0; i < VCPU_PER_VM; i++) {
		g_assert_true(is_zero(shadow_ctxt_get(vm, i),
				      sizeof(struct shadow_ctxt)));
		g_assert_true(is_zero(page_of(vm, i), HYPSEC_SHARED_STRIDE));
	}
	g_assert_cmpuint(page_of(other, 0)->version, ==, 1);
	g_assert_true(is_zero(&vm_infos[vm], sizeof(struct vm_info)));
	g_assert_cmpuint(new_vm(), ==, vm);
	g_assert_cmpint(set_vcpu_active(vm, 0), ==, HV_EPERM);
}

/* --- Images ------------------------------------------------------------ */

static uint64_t search(vmid_t vm, uint64_t addr)
{
	uint64_t found;

	acquire_lock_vm(vm);
	found = search_load_info(vm, addr);
	release_lock_vm(vm);
	return found;
}

static void g40_search_finds_what_lies_in_an_image(void)
{
	vmid_t vm;
	uint32_t idx;

	ops_start();
	vm = new_vm();
	g_assert_cmphex(search(vm, ENTRY), ==, 0);
	g_assert_cmpint(set_boot_info(vm, ENTRY, 0x1234, &idx), ==, HV_OK);
	g_assert_cmpint(set_boot_info(vm, KVM_PHYS_SIZE - PAGE_SIZE, PAGE_SIZE,
				      &idx), ==, HV_OK);
	g_assert_cmphex(search(vm, ENTRY - 1), ==, 0);
	g_assert_cmphex(search(vm, ENTRY), ==, ENTRY);
	g_assert_cmphex(search(vm, ENTRY + 0x1233), ==, ENTRY + 0x1233);
	g_assert_cmphex(search(vm, ENTRY + 0x1234), ==, 0);
	g_assert_cmphex(search(vm, KVM_PHYS_SIZE - 4), ==, KVM_PHYS_SIZE - 4);
	g_assert_cmphex(search(vm, KVM_PHYS_SIZE), ==, 0);
	g_assert_cmphex(search(vm, INVALID64), ==, 0);
}

/* --- The window -------------------------------------------------------- */

/* A party that reads around the caches sees zeros as well. */
static void assert_cleaned(paddr_t base, uint64_t bytes)
{
	size_t n;
	const struct native_event *events = native_events(&n);

	for (size_t i = 0; i < n; i++) {
		if (events[i].op == NATIVE_CLEAN && events[i].a == base &&
		    events[i].b == bytes) {
			return;
		}
	}
	g_assert_not_reached();
}

/* Its pages stay the host's, whatever a host tries. */
static void window_never_becomes_a_vms(void)
{
	paddr_t base = OPS_RAM + 8 * MIB;
	uint32_t idx;
	vmid_t vm;

	ops_start();
	memset(el2_ptr(pa_to_el2_va(base)), 0x77, HYPSEC_SHARED_SIZE);
	native_events_reset();
	shared_window_init(base);
	assert_cleaned(base, HYPSEC_SHARED_SIZE);
	tlbmodel_check_events();
	g_assert_cmphex(int_state_base(), ==, base);
	g_assert_true(is_zero(el2_ptr(pa_to_el2_va(base)),
			      HYPSEC_SHARED_SIZE));
	vm = new_vm();
	g_assert_cmpint(set_boot_info(vm, ENTRY, PAGE_SIZE, &idx), ==, HV_OK);
	for (uint64_t offset = 0; offset < HYPSEC_SHARED_SIZE;
	     offset += PAGE_SIZE) {
		g_assert_cmpint(remap_vm_image(vm, (base + offset) >> 12, 0),
				==, HV_EPERM);
		g_assert_cmpint(prot_and_map_vm_s2pt(vm, GIB, base + offset,
						     3), ==, HV_EPERM);
	}
	g_assert_cmpint(prot_and_map_vm_s2pt(vm, GIB, base, 2), ==, HV_EPERM);
	g_assert_cmpint(remap_vm_image(vm, (base >> 12) - 1, 0), ==, HV_OK);
	g_assert_cmpint(prot_and_map_vm_s2pt(vm, GIB,
					     base + HYPSEC_SHARED_SIZE, 3),
			==, HV_OK);
	int_state_init(TEST_SHARED_BASE);
}

static void place_window(void *data)
{
	shared_window_init(*(const paddr_t *)data);
}

static void window_in_el2s_memory_panics(void)
{
	paddr_t base = TEST_EL2_BASE;

	machine_start(&test_machine);
	assert_panics(place_window, &base, "HOSTVISOR");
}

static void window_has_a_page_for_each_vcpu(void)
{
	g_assert_cmphex(get_shared_vcpu(1, 0), ==, TEST_SHARED_BASE + 0x8000);
	g_assert_cmphex(get_shared_vcpu(15, 7), ==,
			TEST_SHARED_BASE + HYPSEC_SHARED_SIZE - 0x1000);
}

static void page_of_none(void *data)
{
	const uint32_t *id = data;

	get_shared_vcpu(id[0], id[1]);
}

static void window_has_no_page_for_the_host(void)
{
	uint32_t id[] = { HOSTVISOR, 0 };

	assert_panics(page_of_none, id, "is_vm(vmid)");
}

static void window_has_no_page_for_a_9th_vcpu(void)
{
	uint32_t id[] = { 1, VCPU_PER_VM };

	assert_panics(page_of_none, id, "vcpuid < VCPU_PER_VM");
}

/* Every register, in both directions, and of one vCPU only. */
static void int_gprs_are_each_vcpus(void)
{
	vmid_t vm = start_vm();

	for (uint32_t i = 0; i < 31; i++) {
		set_int_gpr(vm, 0, i, 100 + i);
		page_of(vm, 1)->regs[i] = 200 + i;
	}
	for (uint32_t i = 0; i < 31; i++) {
		g_assert_cmpuint(page_of(vm, 0)->regs[i], ==, 100 + i);
		g_assert_cmpuint(get_int_gpr(vm, 0, i), ==, 100 + i);
		g_assert_cmpuint(get_int_gpr(vm, 1, i), ==, 200 + i);
	}
}

static void read_gpr_31(void *data)
{
	get_int_gpr(*(vmid_t *)data, 0, 31);
}

static void g45_int_gpr_31_panics(void)
{
	vmid_t vm = start_vm();

	assert_panics(read_gpr_31, &vm, "i <= X30");
}

static void show_gpr_31(void *data)
{
	set_int_gpr(*(vmid_t *)data, 0, 31, 0);
}

static void g45_showing_gpr_31_panics(void)
{
	vmid_t vm = start_vm();

	assert_panics(show_gpr_31, &vm, "i <= X30");
}

static void read_unregistered(void *data)
{
	get_int_gpr(*(vmid_t *)data, 2, 0);
}

static void int_gpr_of_no_vcpu_panics(void)
{
	vmid_t vm = start_vm();

	assert_panics(read_unregistered, &vm, "shared != NULL");
}

static void int_level_is_2_or_3(void)
{
	static const uint64_t pages[] = { 0, 1, 3, 4, BIT(32) | 2, INVALID64 };
	vmid_t vm = start_vm();

	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		page_of(vm, 0)->new_level = pages[i];
		g_assert_cmpuint(get_int_new_level(vm, 0), ==, 3);
	}
	page_of(vm, 0)->new_level = 2;
	g_assert_cmpuint(get_int_new_level(vm, 0), ==, 2);
}

static void int_hcr_has_two_bits(void)
{
	vmid_t vm = start_vm();

	page_of(vm, 0)->hcr = INVALID64;
	g_assert_cmphex(get_int_hcr(vm, 0), ==, 0xc0);
	page_of(vm, 0)->hcr = ~UINT64_C(0x40);
	g_assert_cmphex(get_int_hcr(vm, 0), ==, 0x80);
	page_of(vm, 0)->hcr = 0;
	g_assert_cmphex(get_int_hcr(vm, 0), ==, 0);
}

static void g38_run_vcpuid_is_x2_and_never_cut(void)
{
	struct trap_frame frame = { .regs = { [1] = 9, [2] = 3 } };

	this_cpu()->frame = &frame;
	g_assert_cmpuint(get_int_run_vcpuid(1), ==, 3);
	frame.regs[2] = BIT(32) | 1;
	g_assert_cmpuint(get_int_run_vcpuid(1), ==, INVALID);
	frame.regs[2] = INVALID64;
	g_assert_cmpuint(get_int_run_vcpuid(1), ==, INVALID);
	frame.regs[2] = INVALID - 1;
	g_assert_cmpuint(get_int_run_vcpuid(1), ==, INVALID - 1);
	this_cpu()->frame = NULL;
}

static void g54_fault_address_has_all_bits(void)
{
	vmid_t vm = start_vm();

	set_shadow_ctxt(vm, 0, HPFAR_EL2, (UINT64_C(0xffffffffff) << 12) >> 8);
	g_assert_cmphex(get_vm_fault_addr(vm, 0), ==, 0);
	set_shadow_ctxt(vm, 0, FLAGS, PENDING_FSC_FAULT);
	g_assert_cmphex(get_vm_fault_addr(vm, 0), ==,
			UINT64_C(0xffffffffff) << 12);
	/* RES0 and NS around the field do not count. */
	set_shadow_ctxt(vm, 0, HPFAR_EL2, 0x400000 | 0xf | BIT(63) | BIT(44));
	g_assert_cmphex(get_vm_fault_addr(vm, 0), ==, GIB);
}

/* --- The host's registers ---------------------------------------------- */

static void g8_hosts_registers_are_in_its_frame(void)
{
	struct trap_frame frame = { .elr = 7, .spsr = 9 };

	this_cpu()->frame = &frame;
	frame.regs[30] = 11;
	g_assert_cmpuint(get_shadow_ctxt(HOSTVISOR, 0, X30), ==, 11);
	g_assert_cmpuint(get_shadow_ctxt(HOSTVISOR, 0, PC), ==, 7);
	g_assert_cmpuint(get_shadow_ctxt(HOSTVISOR, 0, PSTATE), ==, 9);
	set_shadow_ctxt(HOSTVISOR, 0, X0, 13);
	set_shadow_ctxt(HOSTVISOR, 0, SP_EL1, 15);
	g_assert_cmpuint(frame.regs[0], ==, 13);
	g_assert_cmpuint(this_cpu()->ctxt->regs[SP_EL1], ==, 15);
	g_assert_cmpuint(get_shadow_ctxt(HOSTVISOR, 0, SP_EL1), ==, 15);
	this_cpu()->frame = NULL;
}

static void read_other_cpu(void *data)
{
	(void)data;
	get_shadow_ctxt(HOSTVISOR, 1, X0);
}

static void hosts_registers_of_another_cpu_panic(void)
{
	assert_panics(read_other_cpu, NULL, "this_cpu()->index");
}

static void contexts_are_of_the_world_that_runs(void)
{
	machine_become_cpu(1);
	set_per_cpu(4, 6);
	g_assert_true(this_cpu()->ctxt == shadow_ctxt_get(4, 6));
	set_per_cpu(HOSTVISOR, 0);
	g_assert_true(this_cpu()->ctxt == shadow_ctxt_get(HOSTVISOR, 1));
	g_assert_cmpuint(ctxt_id(15, 7), ==, 127);
	g_assert_true(shadow_ctxt_get(15, 7) == &shadow_ctxts[15][7]);
}

static const struct unit_test tests[] = {
	UNIT_TEST("/vcpu/register/all", register_makes_every_vcpu_of_every_vm),
	UNIT_TEST("/vcpu/register/structure",
		  register_begins_the_structure_anew),
	UNIT_TEST("/vcpu/register/g6-bad-numbers",
		  g6_register_with_bad_numbers_is_refused),
	UNIT_TEST("/vcpu/register/g42-vm-not-ready",
		  g42_register_needs_a_vm_that_is_ready),
	UNIT_TEST("/vcpu/register/g42-twice", g42_register_twice_is_busy),
	UNIT_TEST("/vcpu/active/and-back", active_and_back),
	UNIT_TEST("/vcpu/active/g13-bad-numbers",
		  g13_active_with_bad_numbers_is_refused),
	UNIT_TEST("/vcpu/active/g13-not-verified",
		  g13_active_needs_a_vm_that_is_verified),
	UNIT_TEST("/vcpu/active/g13-unregistered",
		  g13_active_needs_a_vcpu_that_exists),
	UNIT_TEST("/vcpu/active/twice", active_twice_is_busy),
	UNIT_TEST("/vcpu/active/g41-off", g41_active_needs_a_vcpu_that_is_on),
	UNIT_TEST_DIES("/vcpu/inactive/not-active-panics",
		       inactive_without_active_panics),
	UNIT_TEST_DIES("/vcpu/inactive/9th-panics",
		       inactive_with_a_bad_number_panics),
	UNIT_TEST_DIES("/vcpu/inactive/no-vm-panics", inactive_of_no_vm_panics),
	UNIT_TEST("/vcpu/entry/recorded", entry_is_recorded),
	UNIT_TEST_DIES("/vcpu/entry/on-panics",
		       entry_of_a_vcpu_that_is_on_panics),
	UNIT_TEST_DIES("/vcpu/entry/none-panics", entry_of_no_vcpu_panics),
	UNIT_TEST("/vcpu/run/powered-off",
		  run_of_a_vm_that_powered_off_is_no_violation),
	UNIT_TEST("/vcpu/run/powered-off-before-the-answer",
		  answer_after_power_off_is_no_violation),
	UNIT_TEST("/vcpu/run/no-memory", run_without_memory_is_no_violation),
	UNIT_TEST("/vcpu/run/no-vm", run_of_no_vm_is_a_violation),
	UNIT_TEST("/vcpu/cntvoff/g60-fixed",
		  g60_offset_is_fixed_with_verification),
	UNIT_TEST("/vcpu/cntvoff/of-all-vcpus", offset_is_every_vcpus),
	UNIT_TEST("/vcpu/power/g20-on-until-off",
		  g20_power_is_on_until_it_is_off),
	UNIT_TEST("/vcpu/power/g21-never-again",
		  g21_powered_off_vm_never_runs_again),
	UNIT_TEST("/vcpu/destroy/forgets", destroy_forgets_every_vcpu),
	UNIT_TEST("/vcpu/images/g40-search",
		  g40_search_finds_what_lies_in_an_image),
	UNIT_TEST("/vcpu/window/never-a-vms", window_never_becomes_a_vms),
	UNIT_TEST_DIES("/vcpu/window/el2s-memory-panics",
		       window_in_el2s_memory_panics),
	UNIT_TEST("/vcpu/window/pages", window_has_a_page_for_each_vcpu),
	UNIT_TEST_DIES("/vcpu/window/host-panics",
		       window_has_no_page_for_the_host),
	UNIT_TEST_DIES("/vcpu/window/9th-panics",
		       window_has_no_page_for_a_9th_vcpu),
	UNIT_TEST("/vcpu/int/gprs", int_gprs_are_each_vcpus),
	UNIT_TEST_DIES("/vcpu/int/g45-31-panics", g45_int_gpr_31_panics),
	UNIT_TEST_DIES("/vcpu/int/g45-show-31-panics",
		       g45_showing_gpr_31_panics),
	UNIT_TEST_DIES("/vcpu/int/unregistered-panics",
		       int_gpr_of_no_vcpu_panics),
	UNIT_TEST("/vcpu/int/level", int_level_is_2_or_3),
	UNIT_TEST("/vcpu/int/hcr", int_hcr_has_two_bits),
	UNIT_TEST("/vcpu/int/g38-run-vcpuid",
		  g38_run_vcpuid_is_x2_and_never_cut),
	UNIT_TEST("/vcpu/int/g54-fault-address", g54_fault_address_has_all_bits),
	UNIT_TEST("/vcpu/host/g8-frame", g8_hosts_registers_are_in_its_frame),
	UNIT_TEST_DIES("/vcpu/host/other-cpu-panics",
		       hosts_registers_of_another_cpu_panic),
	UNIT_TEST("/vcpu/host/contexts", contexts_are_of_the_world_that_runs),
};

int main(int argc, char **argv)
{
	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
