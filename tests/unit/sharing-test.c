/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a VM shares with the host: single pages, ranges, and the calls by
 * which a VM asks for it.
 */
#include "opstate.h"

#include "arch/mem.h"
#include "core/fault_handler.h"
#include "core/locks.h"
#include "core/mem_handler.h"
#include "core/page_manager.h"
#include "core/panic.h"
#include "core/shadow_ctxt.h"
#include "core/violation.h"
#include "tlbmodel.h"

#define SECRET 0x5a
#define PFN OPS_PFN(2, 37)
#define BLOCK OPS_PFN(3, 0)
#define GFN (OPS_GFN + 5)
#define GPA (GFN << PAGE_SHIFT)
#define BLOCK_GFN (OPS_GFN + 512)
#define BLOCK_GPA (BLOCK_GFN << PAGE_SHIFT)

/* A VM with @n pages from GFN and PFN on. */
static vmid_t vm_with_pages(uint64_t n)
{
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	for (uint64_t i = 0; i < n; i++) {
		ops_give_page(vm, GFN + i, PFN + i);
	}
	return vm;
}

static vmid_t vm_with_block(void)
{
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	ops_give_block(vm, BLOCK_GFN, BLOCK);
	return vm;
}

static uint32_t count_of(uint64_t pfn)
{
	uint32_t count;

	acquire_lock_s2page();
	count = get_pfn_count(pfn);
	release_lock_s2page();
	return count;
}

/* --- One page ---------------------------------------------------------- */

static void good_granted_page_is_the_hosts_to_touch(void)
{
	vmid_t vm = vm_with_pages(1);

	assert_refused(map_page_host(PFN << PAGE_SHIFT), HV_EPERM);
	assert_done(ops_grant(vm, PFN));
	ops_assert_record(PFN, vm, 1, GFN);
	ops_host_touches(PFN);
}

static void good_revoked_page_is_gone_from_the_host(void)
{
	vmid_t vm = vm_with_pages(1);

	assert_done(ops_grant(vm, PFN));
	ops_host_touches(PFN);
	ops_fill(PFN, SECRET);
	assert_done(ops_revoke(vm, PFN));
	ops_assert_record(PFN, vm, 0, GFN);
	g_assert_false(ops_host_maps(PFN));
	/* The VM keeps it, with what the host has left in it. */
	g_assert_cmphex(ops_vm_pfn(vm, GFN), ==, PFN);
	ops_assert_filled(PFN, SECRET);
	assert_refused(map_page_host(PFN << PAGE_SHIFT), HV_EPERM);
}

static void good_page_stays_shared_until_the_last_revoke(void)
{
	vmid_t vm = vm_with_pages(1);

	for (unsigned int i = 0; i < 3; i++) {
		assert_done(ops_grant(vm, PFN));
	}
	ops_host_touches(PFN);
	assert_done(ops_revoke(vm, PFN));
	assert_done(ops_revoke(vm, PFN));
	ops_assert_record(PFN, vm, 1, GFN);
	g_assert_true(ops_host_maps(PFN));
	assert_done(ops_revoke(vm, PFN));
	g_assert_false(ops_host_maps(PFN));
}

/* G25: no line of the host's cache is written over what the VM stores next. */
static void g25_revoked_page_is_clean_in_memory(void)
{
	vmid_t vm = vm_with_pages(1);
	const struct native_event *events;
	bool cleaned = false;
	size_t n;

	assert_done(ops_grant(vm, PFN));
	assert_done(ops_grant(vm, PFN));
	native_events_reset();
	assert_done(ops_revoke(vm, PFN));
	native_events(&n);
	g_assert_cmpuint(n, ==, 0);
	assert_done(ops_revoke(vm, PFN));
	events = native_events(&n);
	for (size_t i = 0; i < n; i++) {
		cleaned = cleaned || (events[i].op == NATIVE_CLEAN &&
				      events[i].a == PFN << PAGE_SHIFT &&
				      events[i].b == PAGE_SIZE);
	}
	g_assert_true(cleaned);
}

static void bad_101st_grant(void)
{
	vmid_t vm = vm_with_pages(1);

	for (unsigned int i = 0; i < MAX_SHARE_COUNT; i++) {
		assert_done(ops_grant(vm, PFN));
	}
	ops_assert_record(PFN, vm, MAX_SHARE_COUNT, GFN);
	assert_refused(ops_grant(vm, PFN), HV_EPERM);
	ops_host_touches(PFN);
	/* And each of them can be taken back. */
	for (unsigned int i = 0; i < MAX_SHARE_COUNT; i++) {
		assert_done(ops_revoke(vm, PFN));
	}
	g_assert_false(ops_host_maps(PFN));
}

static void bad_revoke_without_a_grant(void)
{
	vmid_t vm = vm_with_pages(1);

	assert_refused(ops_revoke(vm, PFN), HV_EPERM);
	assert_done(ops_grant(vm, PFN));
	assert_done(ops_revoke(vm, PFN));
	assert_refused(ops_revoke(vm, PFN), HV_EPERM);
}

static void bad_page_of_another(void)
{
	static const uint32_t owners[] = { HOSTVISOR, 9, COREVISOR };
	vmid_t vm = vm_with_pages(0);

	for (size_t i = 0; i < ARRAY_SIZE(owners); i++) {
		machine_set_page(PFN, owners[i], 1);
		assert_refused(ops_grant(vm, PFN), HV_EPERM);
		assert_refused(ops_revoke(vm, PFN), HV_EPERM);
	}
	assert_refused(ops_grant(vm, OPS_HOLE >> 12), HV_EPERM);
	assert_refused(ops_revoke(vm, OPS_HOLE >> 12), HV_EPERM);
}

/* --- Ranges ------------------------------------------------------------ */

static void good_range_is_granted_and_revoked(void)
{
	vmid_t vm = vm_with_pages(5);

	assert_done(grant_stage2_sg_gpa(vm, GPA + PAGE_SIZE, 3 * PAGE_SIZE));
	for (uint64_t i = 0; i < 5; i++) {
		bool in = i >= 1 && i <= 3;

		g_assert_cmpuint(count_of(PFN + i), ==, in ? 1 : 0);
	}
	assert_done(revoke_stage2_sg_gpa(vm, GPA + PAGE_SIZE, 3 * PAGE_SIZE));
	for (uint64_t i = 0; i < 5; i++) {
		g_assert_cmpuint(count_of(PFN + i), ==, 0);
	}
}

struct rounding {
	uint64_t offset;
	uint64_t size;
	uint64_t first;
	uint64_t pages;
};

/* G57: every byte of the range is in a page that is shared. */
static const struct rounding roundings[] = {
	{ 0, 1, 0, 1 },
	{ 0, 4095, 0, 1 },
	{ 0, 4096, 0, 1 },
	{ 0, 4097, 0, 2 },
	{ 1, 4095, 0, 1 },
	{ 1, 4096, 0, 2 },
	{ 4095, 1, 0, 1 },
	{ 4095, 2, 0, 2 },
	{ 4096, 4096, 1, 1 },
	{ 8191, 4098, 1, 3 },
	{ 5, 4 * 4096, 0, 5 },
};

static void g57_range_is_rounded_outwards(void)
{
	vmid_t vm = vm_with_pages(6);

	for (size_t i = 0; i < ARRAY_SIZE(roundings); i++) {
		const struct rounding *r = &roundings[i];

		assert_done(grant_stage2_sg_gpa(vm, GPA + r->offset, r->size));
		for (uint64_t n = 0; n < 6; n++) {
			bool in = n >= r->first && n < r->first + r->pages;

			g_assert_cmpuint(count_of(PFN + n), ==, in ? 1 : 0);
		}
		assert_done(revoke_stage2_sg_gpa(vm, GPA + r->offset,
						 r->size));
		for (uint64_t n = 0; n < 6; n++) {
			g_assert_cmpuint(count_of(PFN + n), ==, 0);
		}
	}
}

static void g57_page_of_a_block_is_the_one_meant(void)
{
	vmid_t vm = vm_with_block();

	assert_done(grant_stage2_sg_gpa(vm, BLOCK_GPA + 7 * PAGE_SIZE,
					PAGE_SIZE));
	for (uint64_t i = 0; i < 512; i++) {
		g_assert_cmpuint(count_of(BLOCK + i), ==, i == 7 ? 1 : 0);
	}
	assert_refused(map_page_host(BLOCK << PAGE_SHIFT), HV_EPERM);
	ops_host_touches(BLOCK + 7);
	assert_done(revoke_stage2_sg_gpa(vm, BLOCK_GPA + 7 * PAGE_SIZE,
					 PAGE_SIZE));
	g_assert_false(ops_host_maps(BLOCK + 7));
}

static void g57_pages_of_a_call_are_bounded(void)
{
	vmid_t vm = vm_with_block();
	uint64_t max = MAX_PAGES_PER_CALL * PAGE_SIZE;

	g_assert_cmpuint(max, ==, 512 * 4096);
	ops_give_page(vm, BLOCK_GFN + 512, PFN);
	assert_refused(grant_stage2_sg_gpa(vm, BLOCK_GPA, max + 1), HV_EINVAL);
	assert_refused(grant_stage2_sg_gpa(vm, BLOCK_GPA + 1, max), HV_EINVAL);
	assert_refused(revoke_stage2_sg_gpa(vm, BLOCK_GPA, max + 1),
		       HV_EINVAL);
	assert_done(grant_stage2_sg_gpa(vm, BLOCK_GPA, max));
	g_assert_cmpuint(count_of(BLOCK + 511), ==, 1);
	g_assert_cmpuint(count_of(PFN), ==, 0);
	assert_done(revoke_stage2_sg_gpa(vm, BLOCK_GPA, max));
	g_assert_cmpuint(count_of(BLOCK + 511), ==, 0);
}

/* All CPUs stop for it, and every other VM waits for the lock. */
static void range_invalidates_instruction_caches_once(void)
{
	const struct native_event *events;
	vmid_t vm = vm_with_block();
	unsigned int invalidations = 0;
	size_t n;

	assert_done(grant_stage2_sg_gpa(vm, BLOCK_GPA, PMD_SIZE));
	for (uint64_t i = 0; i < 512; i += 100) {
		ops_host_touches(BLOCK + i);
	}
	tlbmodel_check_events();
	native_events_reset();
	assert_done(revoke_stage2_sg_gpa(vm, BLOCK_GPA, PMD_SIZE));
	events = native_events(&n);
	for (size_t i = 0; i < n; i++) {
		invalidations += events[i].op == NATIVE_ICACHE ? 1 : 0;
	}
	g_assert_cmpuint(invalidations, ==, 1);
}

static void g38_wrapped_ranges_are_refused(void)
{
	static const struct {
		uint64_t addr;
		uint64_t size;
	} ranges[] = {
		{ KVM_PHYS_SIZE, 1 },
		{ KVM_PHYS_SIZE - PAGE_SIZE, PAGE_SIZE + 1 },
		{ GPA, ~UINT64_C(0) },
		{ GPA, ~GPA + 1 },
		{ GPA, KVM_PHYS_SIZE },
		{ GPA | BIT(40), PAGE_SIZE },
		{ GPA | BIT(63), PAGE_SIZE },
		{ ~UINT64_C(0), 1 },
		{ ~UINT64_C(0), ~UINT64_C(0) },
		{ ~UINT64_C(0) - 4095, 8192 },
	};
	vmid_t vm = vm_with_pages(1);

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		assert_refused(grant_stage2_sg_gpa(vm, ranges[i].addr,
						   ranges[i].size), HV_EINVAL);
		assert_refused(revoke_stage2_sg_gpa(vm, ranges[i].addr,
						    ranges[i].size), HV_EINVAL);
	}
	/* The last page of 40 bits is as good as any. */
	ops_give_page(vm, KVM_PFN_SPACE - 1, PFN + 1);
	assert_done(grant_stage2_sg_gpa(vm, KVM_PHYS_SIZE - 1, 1));
	assert_done(revoke_stage2_sg_gpa(vm, KVM_PHYS_SIZE - PAGE_SIZE,
					 PAGE_SIZE));
}

static void good_no_bytes_are_nothing(void)
{
	vmid_t vm = vm_with_pages(1);

	assert_refused(grant_stage2_sg_gpa(vm, GPA, 0), HV_OK);
	assert_refused(revoke_stage2_sg_gpa(vm, GPA, 0), HV_OK);
	assert_refused(grant_stage2_sg_gpa(vm, ~UINT64_C(0), 0), HV_OK);
}

/* One page that cannot, anywhere in it, and nothing of the range changes. */
static void bad_range_with_a_hole(void)
{
	for (uint64_t hole = 0; hole < 4; hole++) {
		vmid_t vm;

		ops_start();
		vm = ops_new_vm();
		for (uint64_t i = 0; i < 4; i++) {
			if (i != hole) {
				ops_give_page(vm, GFN + i, PFN + i);
			}
		}
		assert_refused(grant_stage2_sg_gpa(vm, GPA, 4 * PAGE_SIZE),
			       HV_EPERM);
		assert_refused(revoke_stage2_sg_gpa(vm, GPA, 4 * PAGE_SIZE),
			       HV_EPERM);
	}
}

static void bad_range_with_a_full_page(void)
{
	for (uint64_t full = 0; full < 4; full++) {
		vmid_t vm = vm_with_pages(4);

		machine_set_page(PFN + full, vm, MAX_SHARE_COUNT);
		assert_refused(grant_stage2_sg_gpa(vm, GPA, 4 * PAGE_SIZE),
			       HV_EPERM);
	}
}

static void bad_range_with_a_private_page(void)
{
	for (uint64_t private = 0; private < 4; private++) {
		vmid_t vm = vm_with_pages(4);

		for (uint64_t i = 0; i < 4; i++) {
			machine_set_page(PFN + i, vm, i == private ? 0 : 1);
		}
		assert_refused(revoke_stage2_sg_gpa(vm, GPA, 4 * PAGE_SIZE),
			       HV_EPERM);
	}
}

/* A device in the VM's space is no RAM to share. */
static void bad_range_with_a_device(void)
{
	vmid_t vm = vm_with_pages(1);

	assert_done(kvm_phys_addr_ioremap(vm, GPA + PAGE_SIZE, 0x09000000,
					  PAGE_SIZE));
	assert_refused(grant_stage2_sg_gpa(vm, GPA, 2 * PAGE_SIZE), HV_EPERM);
	assert_refused(revoke_stage2_sg_gpa(vm, GPA + PAGE_SIZE, PAGE_SIZE),
		       HV_EPERM);
}

static void bad_vm_without_a_table(void)
{
	vmid_t vm = vm_with_pages(1);

	assert_refused(grant_stage2_sg_gpa(vm + 1, GPA, PAGE_SIZE), HV_EPERM);
	assert_refused(revoke_stage2_sg_gpa(vm + 1, GPA, PAGE_SIZE), HV_EPERM);
	assert_refused(grant_stage2_sg_gpa(HOSTVISOR, GPA, PAGE_SIZE),
		       HV_EINVAL);
	assert_refused(revoke_stage2_sg_gpa(COREVISOR, GPA, PAGE_SIZE),
		       HV_EINVAL);
}

/* A VM reaches its own pages only, even at the same frames. */
static void good_range_is_the_vms_own(void)
{
	vmid_t vm = vm_with_pages(1);
	vmid_t other = ops_new_vm();

	ops_give_page(other, GFN, PFN + 9);
	assert_done(grant_stage2_sg_gpa(other, GPA, PAGE_SIZE));
	g_assert_cmpuint(count_of(PFN), ==, 0);
	g_assert_cmpuint(count_of(PFN + 9), ==, 1);
	assert_refused(revoke_stage2_sg_gpa(vm, GPA, PAGE_SIZE), HV_EPERM);
}

/* --- What a VM calls --------------------------------------------------- */

#define VCPU 3u

static uint32_t call(vmid_t vm, uint64_t number, uint64_t addr, uint64_t size)
{
	uint32_t ret;

	set_per_cpu(vm, VCPU);
	set_shadow_ctxt(vm, VCPU, X0, number);
	set_shadow_ctxt(vm, VCPU, X1, ~UINT64_C(0));
	set_shadow_ctxt(vm, VCPU, X2, addr);
	set_shadow_ctxt(vm, VCPU, X3, size);
	ret = core_handle_pvops();
	g_assert_cmphex(get_shadow_ctxt(vm, VCPU, X1), ==, ~UINT64_C(0));
	g_assert_cmphex(get_shadow_ctxt(vm, VCPU, X2), ==, addr);
	g_assert_cmphex(get_shadow_ctxt(vm, VCPU, X3), ==, size);
	set_per_cpu(HOSTVISOR, 0);
	return ret;
}

/* The call is EL2's, and this is the VM's x0. */
static void assert_answered(vmid_t vm, uint64_t number, uint64_t addr,
			    uint64_t size, int64_t result)
{
	g_assert_cmpuint(call(vm, number, addr, size), ==, 0);
	g_assert_cmpint((int64_t)get_shadow_ctxt(vm, VCPU, X0), ==, result);
}

static void pvop_shares_and_unshares(void)
{
	vmid_t vm = vm_with_pages(2);

	assert_answered(vm, 0x81000, GPA + 5, PAGE_SIZE, 0);
	g_assert_cmpuint(count_of(PFN), ==, 1);
	g_assert_cmpuint(count_of(PFN + 1), ==, 1);
	assert_answered(vm, 0x82000, GPA + 5, PAGE_SIZE, 0);
	g_assert_cmpuint(count_of(PFN), ==, 0);
	g_assert_cmpuint(count_of(PFN + 1), ==, 0);
}

static void pvop_tells_the_vm_what_is_wrong(void)
{
	vmid_t vm = vm_with_pages(1);

	assert_answered(vm, 0x81000, GPA, 2 * PAGE_SIZE, -3);
	assert_answered(vm, 0x82000, GPA, PAGE_SIZE, -3);
	assert_answered(vm, 0x81000, KVM_PHYS_SIZE, PAGE_SIZE, -2);
	assert_answered(vm, 0x82000, GPA, 513 * PAGE_SIZE, -2);
	assert_answered(vm, 0x81000, GPA, 0, 0);
	g_assert_cmpuint(count_of(PFN), ==, 0);
}

/* What a VM does wrong is not the host's fault, and not told. */
static void pvop_refusal_is_no_violation(void)
{
	vmid_t vm = vm_with_pages(1);

	violation_set_halt(true);
	assert_answered(vm, 0x82000, GPA, PAGE_SIZE, -3);
	g_assert_cmpuint(pcpu_boot()->counters->refusals, ==, 0);
	g_assert_cmpstr(native_console(), ==, "");
}

/* A number is 64 bits; what is not EL2's is left to the host, untouched. */
static void pvop_unknown_is_the_hosts(void)
{
	static const uint64_t numbers[] = {
		0, 1, 0x80000, 0x81001, 0x83000, 0x84001, 0x84000008,
		0x100081000, UINT64_C(0xffffffff00081000), BIT(63) | 0x82000,
	};
	vmid_t vm = vm_with_pages(1);

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		g_assert_cmpuint(call(vm, numbers[i], GPA, PAGE_SIZE), ==, 1);
		g_assert_cmphex(get_shadow_ctxt(vm, VCPU, X0), ==, numbers[i]);
		g_assert_cmpuint(count_of(PFN), ==, 0);
	}
}

/* The registers are those of the vCPU that runs on this CPU. */
static void pvop_is_the_current_vcpus(void)
{
	vmid_t vm = vm_with_pages(1);

	set_shadow_ctxt(vm, VCPU + 1, X0, 0x82000);
	assert_answered(vm, 0x81000, GPA, PAGE_SIZE, 0);
	g_assert_cmpuint(count_of(PFN), ==, 1);
	g_assert_cmphex(get_shadow_ctxt(vm, VCPU + 1, X0), ==, 0x82000);
}

static void call_pvop(void *data)
{
	(void)data;
	core_handle_pvops();
}

static void pvop_without_a_vm_panics(void)
{
	ops_start();
	set_per_cpu(HOSTVISOR, 0);
	assert_panics(call_pvop, NULL, "no VM runs (world 0)");
}

static void panic_now(void *data)
{
	(void)data;
	panic("now");
}

static void pvop_result_is_0_once_halted(void)
{
	vmid_t vm = vm_with_pages(1);

	assert_panics(panic_now, NULL, "now");
	g_assert_cmpuint(call(vm, 0x84000008, 0, 0), ==, 0);
}

static void check_passes_until_halted(void)
{
	g_assert_cmpuint(check(7), ==, 7);
	g_assert_cmpuint(check64(BIT(63) | 7), ==, BIT(63) | 7);
	assert_panics(panic_now, NULL, "now");
	g_assert_cmpuint(check(7), ==, 0);
	g_assert_cmpuint(check64(BIT(63) | 7), ==, 0);
}

/* --- Registers and worlds ---------------------------------------------- */

static void registers_are_each_vcpus_own(void)
{
	for (vmid_t vm = 1; vm < COREVISOR; vm++) {
		for (uint32_t i = 0; i < VCPU_PER_VM * NR_SHADOW_REGS; i++) {
			set_shadow_ctxt(vm, i / NR_SHADOW_REGS,
					i % NR_SHADOW_REGS, vm << 16 | i);
		}
	}
	for (vmid_t vm = 1; vm < COREVISOR; vm++) {
		for (uint32_t i = 0; i < VCPU_PER_VM * NR_SHADOW_REGS; i++) {
			g_assert_cmphex(get_shadow_ctxt(vm, i / NR_SHADOW_REGS,
							i % NR_SHADOW_REGS),
					==, vm << 16 | i);
		}
	}
}

static void registers_beyond_the_last_are_none(void)
{
	static const uint32_t indices[] = { NR_SHADOW_REGS, 1000, INVALID };
	static const uint32_t last = NR_SHADOW_REGS - 1;

	set_shadow_ctxt(1, 0, last, 30);
	set_shadow_ctxt(1, 1, X0, 77);
	for (size_t i = 0; i < ARRAY_SIZE(indices); i++) {
		set_shadow_ctxt(1, 0, indices[i], 5);
		g_assert_cmphex(get_shadow_ctxt(1, 0, indices[i]), ==, 0);
	}
	g_assert_cmphex(get_shadow_ctxt(1, 0, last), ==, 30);
	g_assert_cmphex(get_shadow_ctxt(1, 1, X0), ==, 77);
}

static void get_register(void *data)
{
	const uint32_t *id = data;

	get_shadow_ctxt(id[0], id[1], X0);
}

static void registers_of_the_corevisor_panic(void)
{
	uint32_t id[] = { COREVISOR, 0 };

	assert_panics(get_register, id, "is_vm(vmid)");
}

static void registers_of_a_9th_vcpu_panic(void)
{
	uint32_t id[] = { 1, VCPU_PER_VM };

	assert_panics(get_register, id, "vcpuid < VCPU_PER_VM");
}

/* The host and EL2 have the CPU's number for a vCPU. */
static void world_is_who_runs_on_this_cpu(void)
{
	machine_become_cpu(1);
	set_per_cpu(4, 6);
	g_assert_cmpuint(get_cur_vmid(), ==, 4);
	g_assert_cmpuint(get_cur_vcpuid(), ==, 6);
	g_assert_cmpuint(pcpu_get(1)->counters->world, ==, 4);
	g_assert_cmpuint(pcpu_get(1)->counters->vcpu, ==, 6);
	set_per_cpu(HOSTVISOR, 6);
	g_assert_cmpuint(get_cur_vmid(), ==, HOSTVISOR);
	g_assert_cmpuint(get_cur_vcpuid(), ==, 1);
	set_per_cpu(COREVISOR, 6);
	g_assert_cmpuint(get_cur_vcpuid(), ==, 1);
	machine_become_cpu(0);
	g_assert_cmpuint(get_cur_vmid(), ==, HOSTVISOR);
	g_assert_cmpuint(get_cur_vcpuid(), ==, 0);
}

static void set_world(void *data)
{
	const uint32_t *id = data;

	set_per_cpu(id[0], id[1]);
}

static void world_of_a_17th_vm_panics(void)
{
	uint32_t id[] = { COREVISOR + 1, 0 };

	assert_panics(set_world, id, "vmid <= COREVISOR");
}

static const struct unit_test tests[] = {
	UNIT_TEST("/sharing/page/granted-is-the-hosts-to-touch",
		  good_granted_page_is_the_hosts_to_touch),
	UNIT_TEST("/sharing/page/revoked-is-gone-from-the-host",
		  good_revoked_page_is_gone_from_the_host),
	UNIT_TEST("/sharing/page/shared-until-the-last-revoke",
		  good_page_stays_shared_until_the_last_revoke),
	UNIT_TEST("/sharing/g25_revoked_page_is_clean_in_memory",
		  g25_revoked_page_is_clean_in_memory),
	UNIT_TEST("/sharing/page/101st-grant", bad_101st_grant),
	UNIT_TEST("/sharing/page/revoke-without-a-grant",
		  bad_revoke_without_a_grant),
	UNIT_TEST("/sharing/page/of-another", bad_page_of_another),
	UNIT_TEST("/sharing/range/granted-and-revoked",
		  good_range_is_granted_and_revoked),
	UNIT_TEST("/sharing/g57_range_is_rounded_outwards",
		  g57_range_is_rounded_outwards),
	UNIT_TEST("/sharing/g57_page_of_a_block_is_the_one_meant",
		  g57_page_of_a_block_is_the_one_meant),
	UNIT_TEST("/sharing/g57_pages_of_a_call_are_bounded",
		  g57_pages_of_a_call_are_bounded),
	UNIT_TEST("/sharing/range/instruction-caches-once",
		  range_invalidates_instruction_caches_once),
	UNIT_TEST("/sharing/g38_wrapped_ranges_are_refused",
		  g38_wrapped_ranges_are_refused),
	UNIT_TEST("/sharing/range/no-bytes-are-nothing",
		  good_no_bytes_are_nothing),
	UNIT_TEST("/sharing/range/with-a-hole", bad_range_with_a_hole),
	UNIT_TEST("/sharing/range/with-a-full-page",
		  bad_range_with_a_full_page),
	UNIT_TEST("/sharing/range/with-a-private-page",
		  bad_range_with_a_private_page),
	UNIT_TEST("/sharing/range/with-a-device", bad_range_with_a_device),
	UNIT_TEST("/sharing/range/vm-without-a-table",
		  bad_vm_without_a_table),
	UNIT_TEST("/sharing/range/is-the-vms-own", good_range_is_the_vms_own),
	UNIT_TEST("/pvops/call/shares-and-unshares", pvop_shares_and_unshares),
	UNIT_TEST("/pvops/call/tells-the-vm-what-is-wrong",
		  pvop_tells_the_vm_what_is_wrong),
	UNIT_TEST("/pvops/call/refusal-is-no-violation",
		  pvop_refusal_is_no_violation),
	UNIT_TEST("/pvops/call/unknown-is-the-hosts", pvop_unknown_is_the_hosts),
	UNIT_TEST("/pvops/call/is-the-current-vcpus", pvop_is_the_current_vcpus),
	UNIT_TEST_DIES("/pvops/call/without-a-vm-panics",
		       pvop_without_a_vm_panics),
	UNIT_TEST_DIES("/pvops/call/result-is-0-once-halted",
		       pvop_result_is_0_once_halted),
	UNIT_TEST_DIES("/panic/check/passes-until-halted",
		       check_passes_until_halted),
	UNIT_TEST("/registers/index/each-vcpus-own",
		  registers_are_each_vcpus_own),
	UNIT_TEST("/registers/index/beyond-the-last",
		  registers_beyond_the_last_are_none),
	UNIT_TEST_DIES("/registers/vm/corevisor-panics",
		       registers_of_the_corevisor_panic),
	UNIT_TEST_DIES("/registers/vcpu/9th-panics",
		       registers_of_a_9th_vcpu_panic),
	UNIT_TEST("/world/set/is-who-runs-on-this-cpu",
		  world_is_who_runs_on_this_cpu),
	UNIT_TEST_DIES("/world/set/17th-vm-panics", world_of_a_17th_vm_panics),
};

int main(int argc, char **argv)
{
	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
