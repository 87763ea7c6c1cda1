/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Invalidation, instruction by instruction, and what is done to the content of
 * a page that changes hands.
 */
#include "harness.h"

#include <string.h>

#include "arch/mem.h"
#include "core/locks.h"
#include "core/npt_ops.h"
#include "core/phys_page.h"
#include "core/pt_alloc.h"
#include "core/tlb.h"

#define VM 3u
#define IPA UINT64_C(0x81234000)
#define PFN (TEST_RAM_BASE >> PAGE_SHIFT)

static void assert_events(const struct native_event *expected, size_t n)
{
	size_t got;
	const struct native_event *events = native_events(&got);

	for (size_t i = 0; i < n && i < got; i++) {
		g_assert_cmpint(events[i].op, ==, expected[i].op);
		g_assert_cmphex(events[i].a, ==, expected[i].a);
		g_assert_cmphex(events[i].b, ==, expected[i].b);
	}
	g_assert_cmpuint(got, ==, n);
}

static uint64_t host_vttbr(void)
{
	return pt_pool_root(HOSTVISOR);
}

static uint64_t vm_vttbr(void)
{
	machine_add_vm(VM);
	native_events_reset();
	return get_vm_vttbr(VM);
}

/* --- Sequences -------------------------------------------------------- */

static void own_ipa(void)
{
	const struct native_event expected[] = {
		{ .op = NATIVE_DSB_ISHST },
		{ NATIVE_TLBI_IPAS2E1IS, 0, IPA, host_vttbr() },
		{ .op = NATIVE_DSB_ISH },
		{ NATIVE_TLBI_VMALLE1IS, 0, 0, host_vttbr() },
		{ .op = NATIVE_DSB_ISH },
		{ .op = NATIVE_ISB },
	};

	tlb_flush_ipa(host_vttbr(), IPA);
	assert_events(expected, ARRAY_SIZE(expected));
}

static void own_vmid(void)
{
	const struct native_event expected[] = {
		{ .op = NATIVE_DSB_ISHST },
		{ NATIVE_TLBI_VMALLS12E1IS, 0, 0, host_vttbr() },
		{ .op = NATIVE_DSB_ISH },
		{ .op = NATIVE_ISB },
	};

	tlb_flush_vmid(host_vttbr());
	assert_events(expected, ARRAY_SIZE(expected));
}

static void borrowed_ipa(void)
{
	uint64_t vm = vm_vttbr();
	const struct native_event expected[] = {
		{ .op = NATIVE_DSB_ISHST },
		{ NATIVE_EL1_WALKS, 0, 0, 0 },
		{ NATIVE_VTTBR, 0, vm, host_vttbr() },
		{ .op = NATIVE_ISB },
		{ NATIVE_TLBI_IPAS2E1IS, 0, IPA, vm },
		{ .op = NATIVE_DSB_ISH },
		{ NATIVE_TLBI_VMALLE1IS, 0, 0, vm },
		{ .op = NATIVE_DSB_ISH },
		{ .op = NATIVE_ISB },
		{ NATIVE_VTTBR, 0, host_vttbr(), vm },
		{ .op = NATIVE_ISB },
		{ NATIVE_EL1_WALKS, 0, 1, 0 },
	};

	tlb_flush_ipa(vm, IPA);
	assert_events(expected, ARRAY_SIZE(expected));
	g_assert_cmphex(native_cpu.vttbr, ==, host_vttbr());
}

static void borrowed_vmid(void)
{
	uint64_t vm = vm_vttbr();
	const struct native_event expected[] = {
		{ .op = NATIVE_DSB_ISHST },
		{ NATIVE_EL1_WALKS, 0, 0, 0 },
		{ NATIVE_VTTBR, 0, vm, host_vttbr() },
		{ .op = NATIVE_ISB },
		{ NATIVE_TLBI_VMALLS12E1IS, 0, 0, vm },
		{ .op = NATIVE_DSB_ISH },
		{ .op = NATIVE_ISB },
		{ NATIVE_VTTBR, 0, host_vttbr(), vm },
		{ .op = NATIVE_ISB },
		{ NATIVE_EL1_WALKS, 0, 1, 0 },
	};

	tlb_flush_vmid(vm);
	assert_events(expected, ARRAY_SIZE(expected));
	g_assert_cmphex(native_cpu.vttbr, ==, host_vttbr());
}

/* A VM's trap takes a page from the host: the same, the other way round. */
static void host_from_a_vm(void)
{
	uint64_t vm = vm_vttbr();
	size_t n;

	native_cpu.vttbr = vm;
	tlb_flush_ipa(host_vttbr(), IPA);
	g_assert_cmphex(native_cpu.vttbr, ==, vm);
	g_assert_cmphex(native_events(&n)[2].a, ==, host_vttbr());
	g_assert_cmpuint(n, ==, 12);
}

static void vttbr_is_root_and_vmid(void)
{
	g_assert_cmphex(get_vm_vttbr(VM), ==, 0);
	g_assert_cmphex(vm_vttbr(), ==,
			pt_pool_root(VM) | UINT64_C(3) << 48);
	g_assert_cmphex(get_vm_vttbr(HOSTVISOR), ==, machine_root());
}

/* --- Content ---------------------------------------------------------- */

static void clear_zeroes_and_cleans_one_page(void)
{
	uint8_t *bytes = el2_ptr(pa_to_el2_va(TEST_RAM_BASE));
	const struct native_event expected[] = {
		{ NATIVE_ZERO, 0, TEST_RAM_BASE + PAGE_SIZE, PAGE_SIZE },
		{ NATIVE_CLEAN, 0, TEST_RAM_BASE + PAGE_SIZE, PAGE_SIZE },
		{ .op = NATIVE_ICACHE },
	};

	memset(bytes, 0x5a, 3 * PAGE_SIZE);
	acquire_lock_s2page();
	clear_phys_page(PFN + 1);
	icache_invalidate_all();
	release_lock_s2page();
	for (size_t i = 0; i < 3 * PAGE_SIZE; i++) {
		g_assert_cmpuint(bytes[i], ==,
				 i / PAGE_SIZE == 1 ? 0 : 0x5a);
	}
	assert_events(expected, ARRAY_SIZE(expected));
}

static void clean_keeps_the_content(void)
{
	uint8_t *bytes = el2_ptr(pa_to_el2_va(TEST_RAM_BASE));
	const struct native_event expected[] = {
		{ NATIVE_CLEAN, 0, TEST_RAM_BASE, 3 * PAGE_SIZE },
		{ .op = NATIVE_ICACHE },
	};

	memset(bytes, 0x5a, 3 * PAGE_SIZE);
	acquire_lock_s2page();
	page_clean(PFN, 3);
	icache_invalidate_all();
	release_lock_s2page();
	for (size_t i = 0; i < 3 * PAGE_SIZE; i++) {
		g_assert_cmpuint(bytes[i], ==, 0x5a);
	}
	assert_events(expected, ARRAY_SIZE(expected));
}

static void clear_page(void *data)
{
	clear_phys_page(*(uint64_t *)data);
}

static void clear_without_lock_panics(void)
{
	uint64_t pfn = PFN;

	assert_panics(clear_page, &pfn, "lock_s2page_is_held");
}

static void clear_beyond_40_bits_panics(void)
{
	uint64_t pfn = KVM_PFN_SPACE;

	acquire_lock_s2page();
	assert_panics(clear_page, &pfn, "pfn < KVM_PFN_SPACE");
}

static void clean_page(void *data)
{
	page_clean(*(uint64_t *)data, 1);
}

static void clean_without_lock_panics(void)
{
	uint64_t pfn = PFN;

	assert_panics(clean_page, &pfn, "lock_s2page_is_held");
}

static const struct unit_test tests[] = {
	UNIT_TEST("/tlb/ipa/own-vmid", own_ipa),
	UNIT_TEST("/tlb/vmid/own", own_vmid),
	UNIT_TEST("/tlb/ipa/borrowed-vmid", borrowed_ipa),
	UNIT_TEST("/tlb/vmid/borrowed", borrowed_vmid),
	UNIT_TEST("/tlb/ipa/host-from-a-vm", host_from_a_vm),
	UNIT_TEST("/tlb/vttbr/is-root-and-vmid", vttbr_is_root_and_vmid),
	UNIT_TEST("/phys-page/clear/one-page", clear_zeroes_and_cleans_one_page),
	UNIT_TEST("/phys-page/clean/keeps-the-content",
		  clean_keeps_the_content),
	UNIT_TEST_DIES("/phys-page/clear/missing-lock-panics",
		       clear_without_lock_panics),
	UNIT_TEST_DIES("/phys-page/clear/beyond-40-bits-panics",
		       clear_beyond_40_bits_panics),
	UNIT_TEST_DIES("/phys-page/clean/missing-lock-panics",
		       clean_without_lock_panics),
};

int main(int argc, char **argv)
{
	test_without_records = true;
	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
