/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From register_kvm to destroy_vm: ids, images, devices, and how all of a
 * VM's memory comes back.
 */
#include "opstate.h"

#include <pthread.h>
#include <string.h>

#include "core/boot_core.h"
#include "core/boot_ops.h"
#include "core/locks.h"
#include "core/mem_handler.h"
#include "core/npt_ops.h"
#include "core/page_manager.h"
#include "core/pt_alloc.h"
#include "core/reclaim.h"
#include "core/shadow_ctxt.h"
#include "walker.h"

#define SECRET 0x5a
#define PFN OPS_PFN(2, 37)
#define BLOCK OPS_PFN(3, 0)
#define GFN (OPS_GFN + 5)
#define BLOCK_GFN (OPS_GFN + 512)
#define IMAGE (OPS_GFN << PAGE_SHIFT)
#define UART UINT64_C(0x09000000)
#define EL2_UART UINT64_C(0x09040000)
#define PCIE UINT64_C(0x10000000)
#define ALL_SIZE KVM_PHYS_SIZE

static vmid_t start_vm(void)
{
	ops_start();
	return ops_new_vm();
}

/* A VM that has this image, of which nothing is loaded. */
static vmid_t start_vm_with_image(uint64_t size)
{
	vmid_t vm = start_vm();
	uint32_t idx = INVALID;

	assert_done(set_boot_info(vm, IMAGE, size, &idx));
	g_assert_cmpuint(idx, ==, 0);
	return vm;
}

static uint64_t owned(vmid_t vm)
{
	uint64_t pages;

	acquire_lock_s2page();
	pages = page_manager_owned(vm);
	release_lock_s2page();
	return pages;
}

static uint64_t free_chunks(void)
{
	uint64_t chunks;

	acquire_lock_s2page();
	chunks = pt_arena_free_chunks();
	release_lock_s2page();
	return chunks;
}

/* --- register_kvm ------------------------------------------------------ */

static enum hv_status try_register(void)
{
	uint32_t vmid;

	return register_kvm(&vmid);
}

static void good_first_vm_is_1_and_ready(void)
{
	uint32_t vmid = 0;

	ops_start();
	assert_done(register_kvm(&vmid));
	g_assert_cmpuint(vmid, ==, 1);
	g_assert_cmpuint(ops_vm_state(1), ==, READY);
	g_assert_cmpuint(ops_vm_state(2), ==, UNUSED);
	g_assert_cmphex(pt_pool_root(1), !=, 0);
	g_assert_cmphex(get_vm_vttbr(1), ==, pt_pool_root(1) | BIT(48));
	g_assert_cmphex(ops_vm_pfn(1, 0), ==, INVALID64);
}

static void good_ids_are_1_to_15(void)
{
	ops_start();
	for (vmid_t id = 1; id < COREVISOR; id++) {
		g_assert_cmpuint(ops_new_vm(), ==, id);
	}
	assert_refused(try_register(), HV_ENOMEM);
}

static void good_lowest_free_id_comes_again(void)
{
	ops_start();
	for (vmid_t id = 1; id <= 5; id++) {
		ops_new_vm();
	}
	assert_done(destroy_vm(4));
	assert_done(destroy_vm(2));
	g_assert_cmpuint(ops_new_vm(), ==, 2);
	g_assert_cmpuint(ops_new_vm(), ==, 4);
	g_assert_cmpuint(ops_new_vm(), ==, 6);
}

/* Without memory for a table the id is given back. */
static void bad_vm_without_table_memory(void)
{
	ops_start_with_chunks(2);
	g_assert_cmpuint(ops_new_vm(), ==, 1);
	g_assert_cmpuint(ops_new_vm(), ==, 2);
	assert_refused(try_register(), HV_ENOMEM);
	g_assert_cmpstr(this_cpu()->reason, ==, "no memory for tables");
	g_assert_cmpuint(ops_vm_state(3), ==, UNUSED);
	assert_done(destroy_vm(1));
	g_assert_cmpuint(ops_new_vm(), ==, 1);
	assert_refused(try_register(), HV_ENOMEM);
}

/* --- set_boot_info ----------------------------------------------------- */

static enum hv_status set_image(vmid_t vm, uint64_t addr, uint64_t size)
{
	uint32_t idx;

	return set_boot_info(vm, addr, size, &idx);
}

static void good_five_images_are_numbered(void)
{
	vmid_t vm = start_vm();

	for (uint32_t i = 0; i < 5; i++) {
		uint32_t idx = INVALID;

		assert_done(set_boot_info(vm, IMAGE + i * 2 * MIB, MIB + i,
					  &idx));
		g_assert_cmpuint(idx, ==, i);
	}
	acquire_lock_vm(vm);
	g_assert_cmpuint(get_vm_next_load_idx(vm), ==, 5);
	for (uint32_t i = 0; i < 5; i++) {
		g_assert_cmphex(get_vm_load_addr(vm, i), ==,
				IMAGE + i * 2 * MIB);
		g_assert_cmphex(get_vm_load_size(vm, i), ==, MIB + i);
		g_assert_cmpuint(get_vm_mapped_pages(vm, i), ==, 0);
	}
	release_lock_vm(vm);
	assert_refused(set_image(vm, IMAGE + 16 * MIB, MIB), HV_ENOMEM);
}

static void good_image_may_fill_the_vms_space(void)
{
	vmid_t vm = start_vm();

	assert_done(set_image(vm, 0, KVM_PHYS_SIZE));
	assert_refused(set_image(vm, 0, 1), HV_EINVAL);
	vm = ops_new_vm();
	assert_done(set_image(vm, KVM_PHYS_SIZE - PAGE_SIZE, PAGE_SIZE));
	assert_done(set_image(vm, 0, 1));
}

/* G40: what would make any address part of an image. */
static void g40_bad_images_are_refused(void)
{
	static const struct {
		uint64_t addr;
		uint64_t size;
	} images[] = {
		{ IMAGE, 0 },
		{ IMAGE + 1, PAGE_SIZE },
		{ IMAGE + 2048, PAGE_SIZE },
		{ KVM_PHYS_SIZE, 1 },
		{ KVM_PHYS_SIZE - PAGE_SIZE, PAGE_SIZE + 1 },
		{ IMAGE, KVM_PHYS_SIZE },
		{ IMAGE, ~UINT64_C(0) },
		{ IMAGE, ~IMAGE + 1 },
		{ IMAGE, ~UINT64_C(0) - 4095 },
		{ IMAGE | BIT(40), PAGE_SIZE },
		{ IMAGE | BIT(63), PAGE_SIZE },
		{ ~UINT64_C(0) - 4095, PAGE_SIZE },
	};
	vmid_t vm = start_vm();

	for (size_t i = 0; i < ARRAY_SIZE(images); i++) {
		assert_refused(set_image(vm, images[i].addr, images[i].size),
			       HV_EINVAL);
	}
}

static void g40_overlapping_images_are_refused(void)
{
	static const struct {
		int64_t offset;
		uint64_t size;
		bool good;
	} images[] = {
		{ 0, 1, false },
		{ 2 * 4096, 1, false },
		{ -4096, 4097, false },
		{ -4096, 16 * 4096, false },
		{ 4096, 4096, false },
		{ -4096, 4096, true },
		{ 3 * 4096, 1, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(images); i++) {
		/* Two pages and a byte: three pages. */
		vmid_t vm = start_vm_with_image(2 * PAGE_SIZE + 1);
		uint64_t addr = IMAGE + (uint64_t)images[i].offset;

		if (images[i].good) {
			assert_done(set_image(vm, addr, images[i].size));
		} else {
			assert_refused(set_image(vm, addr, images[i].size),
				       HV_EINVAL);
		}
	}
}

/* With any of the images that are there, not only the first. */
static void g40_image_over_a_later_one_is_refused(void)
{
	vmid_t vm = start_vm();

	for (uint64_t i = 0; i < 4; i++) {
		assert_done(set_image(vm, IMAGE + i * MIB, PAGE_SIZE));
	}
	for (uint64_t i = 0; i < 4; i++) {
		assert_refused(set_image(vm, IMAGE + i * MIB, PAGE_SIZE),
			       HV_EINVAL);
	}
}

static const vmid_t bad_ids[] = { HOSTVISOR, COREVISOR, COREVISOR + 1, 255,
				  INVALID };
static const uint32_t not_ready[] = { UNUSED, MAPPED, VERIFIED, POWEROFF,
				      ACTIVE };

static void bad_image_for_no_vm(void)
{
	vmid_t vm = start_vm();

	for (size_t i = 0; i < ARRAY_SIZE(bad_ids); i++) {
		assert_refused(set_image(bad_ids[i], IMAGE, 1), HV_EINVAL);
		assert_refused(remap_vm_image(bad_ids[i], PFN, 0), HV_EINVAL);
	}
	assert_refused(set_image(vm + 1, IMAGE, 1), HV_EPERM);
}

/* After verification no image comes and none grows. */
static void bad_image_when_not_ready(void)
{
	vmid_t vm = start_vm_with_image(4 * PAGE_SIZE);

	for (size_t i = 0; i < ARRAY_SIZE(not_ready); i++) {
		ops_set_vm_state(vm, not_ready[i]);
		assert_refused(set_image(vm, IMAGE + MIB, 1), HV_EPERM);
		assert_refused(remap_vm_image(vm, PFN, 0), HV_EPERM);
	}
}

/* --- remap_vm_image ---------------------------------------------------- */

/* G27, G36, G39: it leaves the host at once, for its place in the VM. */
static void g27_image_page_leaves_the_host_with_its_content(void)
{
	vmid_t vm = start_vm_with_image(2 * PAGE_SIZE + 1);

	for (uint64_t i = 0; i < 3; i++) {
		/* In any order of the host's pages. */
		uint64_t pfn = PFN + 5 * (3 - i);

		ops_fill(pfn, (uint8_t)(SECRET + i));
		ops_host_touches(pfn);
		assert_done(remap_vm_image(vm, pfn, 0));
		g_assert_false(ops_host_maps(pfn));
		g_assert_cmphex(ops_vm_pfn(vm, OPS_GFN + i), ==, pfn);
		ops_assert_record(pfn, vm, 0, OPS_GFN + i);
		ops_assert_filled(pfn, (uint8_t)(SECRET + i));
		g_assert_cmpint(map_page_host(pfn << PAGE_SHIFT), ==, HV_EPERM);
	}
	assert_refused(remap_vm_image(vm, PFN, 0), HV_EINVAL);
}

/* G25: what the host wrote is in memory before the VM can read around it. */
static void g25_image_page_is_clean_in_memory(void)
{
	vmid_t vm = start_vm_with_image(PAGE_SIZE);
	const struct native_event *events;
	size_t cleaned = 0, fetched = 0, mapped = 0;
	size_t n;

	ops_host_touches(PFN);
	native_events_reset();
	assert_done(remap_vm_image(vm, PFN, 0));
	events = native_events(&n);
	for (size_t i = 0; i < n; i++) {
		g_assert_false(events[i].op == NATIVE_ZERO &&
			       events[i].a == PFN << PAGE_SHIFT);
		if (events[i].op == NATIVE_CLEAN &&
		    events[i].a == PFN << PAGE_SHIFT) {
			g_assert_cmphex(events[i].b, ==, PAGE_SIZE);
			cleaned = i;
		} else if (events[i].op == NATIVE_ICACHE) {
			fetched = i;
		} else if (events[i].op == NATIVE_TABLE_STORE &&
			   events[i].b == ((PFN << PAGE_SHIFT) | 0x7ff)) {
			mapped = i;
		}
	}
	g_assert_cmpuint(cleaned, >, 0);
	g_assert_cmpuint(cleaned, <, fetched);
	g_assert_cmpuint(fetched, <, mapped);
}

static void good_images_are_loaded_side_by_side(void)
{
	vmid_t vm = start_vm_with_image(2 * PAGE_SIZE);

	assert_done(set_image(vm, IMAGE + 2 * PAGE_SIZE, 2 * PAGE_SIZE));
	for (uint32_t i = 0; i < 4; i++) {
		assert_done(remap_vm_image(vm, PFN + i, i % 2));
		g_assert_cmphex(ops_vm_pfn(vm, OPS_GFN + 2 * (i % 2) + i / 2),
				==, PFN + i);
	}
	assert_refused(remap_vm_image(vm, PFN + 4, 0), HV_EINVAL);
	assert_refused(remap_vm_image(vm, PFN + 4, 1), HV_EINVAL);
}

static void bad_image_number(void)
{
	static const uint32_t numbers[] = { 1, 4, 5, 255, INVALID };
	vmid_t vm = start_vm_with_image(PAGE_SIZE);

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		assert_refused(remap_vm_image(vm, PFN, numbers[i]), HV_EINVAL);
	}
}

static void g27_image_page_must_be_the_hosts_alone(void)
{
	vmid_t vm = start_vm_with_image(PAGE_SIZE);

	machine_set_page(PFN, 9, 0);
	assert_refused(remap_vm_image(vm, PFN, 0), HV_EPERM);
	machine_set_page(PFN, vm, 0);
	assert_refused(remap_vm_image(vm, PFN, 0), HV_EPERM);
	machine_set_page(PFN, COREVISOR, 0);
	assert_refused(remap_vm_image(vm, PFN, 0), HV_EPERM);
	machine_set_page(PFN, HOSTVISOR, 1);
	assert_refused(remap_vm_image(vm, PFN, 0), HV_EPERM);
	assert_refused(remap_vm_image(vm, OPS_HOLE >> 12, 0), HV_EPERM);
	assert_refused(remap_vm_image(vm, UART >> 12, 0), HV_EPERM);
	assert_refused(remap_vm_image(vm, OPS_EL2 >> 12, 0), HV_EPERM);
	machine_set_page(PFN, HOSTVISOR, 0);
	assert_done(remap_vm_image(vm, PFN, 0));
}

/* G27, G32: no bit of the number reaches the descriptor's attributes. */
static void g27_pfn_beyond_28_bits_is_refused(void)
{
	vmid_t vm = start_vm_with_image(PAGE_SIZE);

	for (unsigned int bit = 28; bit < 64; bit++) {
		assert_refused(remap_vm_image(vm, PFN | BIT(bit), 0),
			       HV_EINVAL);
	}
}

static void bad_image_page_over_a_mapping(void)
{
	vmid_t vm = start_vm_with_image(2 * PAGE_SIZE);

	assert_done(kvm_phys_addr_ioremap(vm, IMAGE, UART, PAGE_SIZE));
	assert_refused(remap_vm_image(vm, PFN, 0), HV_EBUSY);
}

/* --- kvm_phys_addr_ioremap --------------------------------------------- */

static void good_device_is_mapped_as_one(void)
{
	vmid_t vm = start_vm();
	struct leaf leaf;

	assert_done(kvm_phys_addr_ioremap(vm, IMAGE, PCIE + 8 * PAGE_SIZE,
					  3 * PAGE_SIZE));
	for (uint64_t i = 0; i < 3; i++) {
		g_assert_true(walker_lookup(pt_pool_root(vm),
					    IMAGE + i * PAGE_SIZE, &leaf));
		g_assert_cmphex(leaf.pa, ==, PCIE + (8 + i) * PAGE_SIZE);
		g_assert_cmpuint(leaf.level, ==, 3);
		/* Device-nGnRE, read-write, execute-never. */
		g_assert_cmphex(leaf.attributes, ==,
				UINT64_C(0x00400000000007c7));
	}
	g_assert_cmphex(ops_vm_pfn(vm, OPS_GFN + 3), ==, INVALID64);
	g_assert_cmpuint(owned(vm), ==, 0);
}

static void good_device_may_be_everybodys(void)
{
	vmid_t vm = start_vm();
	vmid_t other = ops_new_vm();

	assert_done(map_page_host(UART));
	assert_done(kvm_phys_addr_ioremap(vm, IMAGE, UART, PAGE_SIZE));
	assert_done(kvm_phys_addr_ioremap(other, IMAGE, UART, PAGE_SIZE));
	g_assert_true(ops_host_maps(UART >> 12));
}

/* G26: no RAM, no device of EL2's, nothing that a bit makes look like none. */
static void g26_ioremap_of_what_is_no_host_device(void)
{
	static const uint64_t pas[] = {
		OPS_RAM, OPS_EL2, OPS_HOLE, EL2_UART, 0, 0x09050000, 0x09060000,
		0x0b000000, 0x0b100000, KVM_PHYS_SIZE - PAGE_SIZE,
	};
	vmid_t vm = start_vm();

	for (size_t i = 0; i < ARRAY_SIZE(pas); i++) {
		assert_refused(kvm_phys_addr_ioremap(vm, IMAGE, pas[i],
						     PAGE_SIZE), HV_EPERM);
	}
	/* A page of it is the host's, the next is nobody's. */
	assert_refused(kvm_phys_addr_ioremap(vm, IMAGE, UART, 2 * PAGE_SIZE),
		       HV_EPERM);
	assert_refused(kvm_phys_addr_ioremap(vm, IMAGE, UART - PAGE_SIZE,
					     2 * PAGE_SIZE), HV_EPERM);
	for (unsigned int bit = 40; bit < 64; bit++) {
		assert_refused(kvm_phys_addr_ioremap(vm, IMAGE, UART | BIT(bit),
						     PAGE_SIZE), HV_EINVAL);
		assert_refused(kvm_phys_addr_ioremap(vm, IMAGE | BIT(bit), UART,
						     PAGE_SIZE), HV_EINVAL);
	}
}

static enum hv_status map_device(vmid_t vm, uint64_t gpa, uint64_t pa)
{
	enum hv_status status;

	acquire_lock_s2page();
	status = map_vm_io(vm, gpa, pa);
	release_lock_s2page();
	return status;
}

/* The page itself is looked at, whoever calls. */
static void g26_device_page_that_is_none(void)
{
	vmid_t vm = start_vm();

	assert_refused(map_device(vm, IMAGE, OPS_RAM), HV_EPERM);
	assert_refused(map_device(vm, IMAGE, EL2_UART), HV_EPERM);
	assert_done(map_device(vm, IMAGE, UART));
}

/* RAM where a device window is stays RAM, for VMs and for the host. */
static void g26_ram_in_a_device_window_is_ram(void)
{
	static const struct machine odd = {
		.ram = { { PCIE + PAGE_SIZE, 2 * PAGE_SIZE },
			 { OPS_RAM2, OPS_RAM2_BYTES } },
		.nr_ram = 2,
		.el2 = { OPS_EL2, 4 * MIB },
		.pool_pages = 64,
		.arena_chunks = 20,
	};
	struct leaf leaf;
	vmid_t vm;

	machine_start(&odd);
	vm = ops_new_vm();
	for (uint64_t i = 0; i < 4; i++) {
		bool ram = i == 1 || i == 2;

		g_assert_cmpint(kvm_phys_addr_ioremap(vm, IMAGE + i * PAGE_SIZE,
						      PCIE + i * PAGE_SIZE,
						      PAGE_SIZE), ==,
				ram ? HV_EPERM : HV_OK);
	}
	assert_done(map_page_host(PCIE + PAGE_SIZE));
	g_assert_true(walker_lookup(machine_root(), PCIE + PAGE_SIZE, &leaf));
	g_assert_cmphex(leaf.attributes, ==, 0x7ff);
}

static void g26_ioremap_for_no_vm(void)
{
	vmid_t vm = start_vm();

	for (size_t i = 0; i < ARRAY_SIZE(bad_ids); i++) {
		assert_refused(kvm_phys_addr_ioremap(bad_ids[i], IMAGE, UART,
						     PAGE_SIZE), HV_EINVAL);
	}
	for (size_t i = 0; i < ARRAY_SIZE(not_ready); i++) {
		ops_set_vm_state(vm, not_ready[i]);
		assert_refused(kvm_phys_addr_ioremap(vm, IMAGE, UART,
						     PAGE_SIZE), HV_EPERM);
	}
}

static void g26_ioremap_of_a_bad_range(void)
{
	uint64_t max = MAX_PAGES_PER_CALL * PAGE_SIZE;
	static const struct {
		uint64_t gpa;
		uint64_t pa;
		uint64_t size;
	} ranges[] = {
		{ IMAGE, UART, 0 },
		{ IMAGE, UART, 1 },
		{ IMAGE, UART, PAGE_SIZE - 1 },
		{ IMAGE + 1, UART, PAGE_SIZE },
		{ IMAGE, UART + 2048, PAGE_SIZE },
		{ KVM_PHYS_SIZE, UART, PAGE_SIZE },
		{ KVM_PHYS_SIZE - PAGE_SIZE, PCIE, 2 * PAGE_SIZE },
		{ IMAGE, KVM_PHYS_SIZE - PAGE_SIZE, 2 * PAGE_SIZE },
		{ IMAGE, ~UINT64_C(0) - 4095, 2 * PAGE_SIZE },
		{ IMAGE, UART, ~UINT64_C(0) - 4095 },
	};
	vmid_t vm = start_vm();

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		assert_refused(kvm_phys_addr_ioremap(vm, ranges[i].gpa,
						     ranges[i].pa,
						     ranges[i].size),
			       HV_EINVAL);
	}
	assert_refused(kvm_phys_addr_ioremap(vm, IMAGE, PCIE, max + PAGE_SIZE),
		       HV_EINVAL);
	assert_done(kvm_phys_addr_ioremap(vm, IMAGE, PCIE, max));
	assert_done(kvm_phys_addr_ioremap(vm, KVM_PHYS_SIZE - PAGE_SIZE, UART,
					  PAGE_SIZE));
}

static void g26_ioremap_over_a_mapping(void)
{
	vmid_t vm = start_vm();

	ops_give_page(vm, OPS_GFN + 2, PFN);
	assert_refused(kvm_phys_addr_ioremap(vm, IMAGE, PCIE, 4 * PAGE_SIZE),
		       HV_EBUSY);
	assert_done(kvm_phys_addr_ioremap(vm, IMAGE, PCIE, 2 * PAGE_SIZE));
	/* Not even the same again. */
	assert_refused(kvm_phys_addr_ioremap(vm, IMAGE, PCIE, 2 * PAGE_SIZE),
		       HV_EBUSY);
}

static uint64_t free_tables(vmid_t vm)
{
	uint64_t pages;

	acquire_lock_s2page();
	pages = pt_pool_free_pages(vm);
	release_lock_s2page();
	return pages;
}

static void g31_ioremap_without_table_memory(void)
{
	vmid_t vm = start_vm();
	uint64_t n = 0;

	while (kvm_phys_addr_ioremap(vm, n << 30, UART, PAGE_SIZE) == HV_OK) {
		n++;
	}
	g_assert_cmpuint(free_tables(vm), ==, 0);
	assert_refused(kvm_phys_addr_ioremap(vm, n << 30, UART, PAGE_SIZE),
		       HV_ENOMEM);
	assert_refused(prot_and_map_vm_s2pt(vm, n << 30, PFN << 12, 3),
		       HV_ENOMEM);
	/* An image's page too: at the end of a table, the next is missing. */
	assert_done(set_image(vm, (n << 30) + 2 * MIB, PAGE_SIZE));
	assert_refused(remap_vm_image(vm, PFN, 0), HV_ENOMEM);
}

/* The last two tables are enough for a page that needs two. */
static void g31_image_page_gets_the_last_tables(void)
{
	vmid_t vm = start_vm();

	for (uint64_t n = 0; free_tables(vm) > 2; n++) {
		ops_give_page(vm, n << 18, OPS_PFN(0, n));
	}
	g_assert_cmpuint(free_tables(vm), ==, 2);
	assert_done(set_image(vm, IMAGE, 2 * PAGE_SIZE));
	assert_done(remap_vm_image(vm, PFN, 0));
	g_assert_cmpuint(free_tables(vm), ==, 0);
	assert_done(remap_vm_image(vm, PFN + 1, 0));
}

/* --- clear_vm_stage2_range --------------------------------------------- */

/* A VM, powered off, with pages in both ranges of RAM and a block. */
static vmid_t start_dead_vm(void)
{
	vmid_t vm = start_vm();

	ops_give_page(vm, GFN, PFN);
	ops_give_page(vm, GFN + 1, OPS_RAM >> 12);
	ops_give_page(vm, GFN + 2, (OPS_RAM2 >> 12) + 3);
	ops_give_block(vm, BLOCK_GFN, BLOCK);
	ops_fill(PFN, SECRET);
	ops_fill(OPS_RAM >> 12, SECRET);
	ops_fill((OPS_RAM2 >> 12) + 3, SECRET);
	ops_fill(BLOCK + 511, SECRET);
	ops_set_vm_state(vm, POWEROFF);
	return vm;
}

/* Calls until it is not HV_EAGAIN any more; how often it was that. */
static unsigned int clear_all(vmid_t vm, uint64_t start, uint64_t size)
{
	enum hv_status status;
	unsigned int again = 0;

	while ((status = clear_vm_stage2_range(vm, start, size)) ==
	       HV_EAGAIN) {
		again++;
	}
	g_assert_cmpint(status, ==, HV_OK);
	return again;
}

static void good_clear_gives_everything_back(void)
{
	vmid_t vm = start_dead_vm();

	clear_all(vm, 0, ALL_SIZE);
	ops_assert_reclaimed(PFN);
	ops_assert_reclaimed(OPS_RAM >> 12);
	ops_assert_reclaimed((OPS_RAM2 >> 12) + 3);
	for (uint64_t i = 0; i < 512; i++) {
		ops_assert_reclaimed(BLOCK + i);
	}
	g_assert_cmpuint(owned(vm), ==, 0);
	g_assert_cmpuint(ops_vm_state(vm), ==, POWEROFF);
	/* Again: nothing to do. */
	assert_done(clear_vm_stage2_range(vm, 0, ALL_SIZE));
}

static void good_clear_of_a_part_leaves_the_rest(void)
{
	vmid_t vm = start_dead_vm();

	g_assert_cmpuint(clear_all(vm, PFN << 12, PAGE_SIZE), ==, 0);
	ops_assert_reclaimed(PFN);
	ops_assert_record(OPS_RAM >> 12, vm, 0, GFN + 1);
	ops_assert_filled(OPS_RAM >> 12, SECRET);
	g_assert_cmpuint(owned(vm), ==, 514);
	/* The VM maps nothing any more, not even those. */
	g_assert_cmphex(ops_vm_pfn(vm, GFN + 1), ==, INVALID64);
	g_assert_cmphex(ops_vm_pfn(vm, BLOCK_GFN), ==, INVALID64);
}

static void good_clear_of_empty_ranges(void)
{
	vmid_t vm = start_dead_vm();

	assert_done(clear_vm_stage2_range(vm, 0, 0));
	assert_done(clear_vm_stage2_range(vm, KVM_PHYS_SIZE, 0));
	assert_done(clear_vm_stage2_range(vm, OPS_HOLE, MIB));
	assert_done(clear_vm_stage2_range(vm, OPS_RAM - MIB, MIB));
	g_assert_cmpuint(owned(vm), ==, 515);
}

/* G37: one call does at most so much, and the next one goes on. */
static void g37_clear_is_done_in_steps(void)
{
	vmid_t vm = start_dead_vm();

	g_assert_cmpint(clear_vm_stage2_range(vm, 0, ALL_SIZE), ==, HV_EAGAIN);
	g_assert_cmpuint(owned(vm), ==, 515 - MAX_PAGES_PER_CALL);
	assert_done(clear_vm_stage2_range(vm, 0, ALL_SIZE));
	g_assert_cmpuint(owned(vm), ==, 0);
}

/* Exactly as many pages as one call takes, and then no page more. */
static void g37_clear_of_exactly_one_call(void)
{
	vmid_t vm = start_vm();

	ops_give_block(vm, BLOCK_GFN, BLOCK);
	ops_set_vm_state(vm, POWEROFF);
	g_assert_cmpuint(clear_all(vm, BLOCK << 12, PMD_SIZE), ==, 0);
	g_assert_cmpuint(owned(vm), ==, 0);
}

static void g37_another_range_starts_anew(void)
{
	vmid_t vm = start_dead_vm();

	g_assert_cmpint(clear_vm_stage2_range(vm, 0, ALL_SIZE), ==, HV_EAGAIN);
	/* Both ends of this one were passed already, or are to come. */
	g_assert_cmpuint(clear_all(vm, OPS_RAM2, OPS_RAM2_BYTES), ==, 0);
	ops_assert_reclaimed((OPS_RAM2 >> 12) + 3);
	clear_all(vm, 0, ALL_SIZE);
	g_assert_cmpuint(owned(vm), ==, 0);
}

/* Half of a clear is kept for that very range: any other looks at it all. */
static void g37_range_of_other_bounds_starts_anew(void)
{
	static const struct {
		uint64_t start;
		uint64_t size;
	} ranges[] = {
		{ 0, KVM_PHYS_SIZE - PAGE_SIZE },
		{ OPS_RAM, KVM_PHYS_SIZE - OPS_RAM },
		{ OPS_RAM, OPS_RAM_BYTES },
	};

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		vmid_t vm = start_dead_vm();

		g_assert_cmpint(clear_vm_stage2_range(vm, 0, ALL_SIZE), ==,
				HV_EAGAIN);
		/* Behind the place where it has stopped. */
		ops_set_record(OPS_PFN(0, 1), vm, 0, GFN + 9);
		clear_all(vm, ranges[i].start, ranges[i].size);
		ops_assert_reclaimed(OPS_PFN(0, 1));
		/* And one that is done starts anew as well. */
		ops_set_record(OPS_PFN(0, 1), vm, 0, GFN + 9);
		clear_all(vm, ranges[i].start, ranges[i].size);
		ops_assert_reclaimed(OPS_PFN(0, 1));
	}
}

/* Pages zeroed under one hold of s2page: now, and at most. */
static unsigned int zeroed_now, zeroed_at_most;

static void count_zeroed(const struct native_event *event)
{
	if (event->op == NATIVE_UNLOCK && event->a == RANK_S2PAGE) {
		zeroed_now = 0;
	} else if (event->op == NATIVE_ZERO && event->a < TEST_SPT_BASE) {
		/* But for tables of the host's devices. */
		zeroed_now++;
		zeroed_at_most = MAX(zeroed_at_most, zeroed_now);
	}
}

/* Other CPUs' faults get their turn within 32 pages. */
static void g37_s2page_is_held_for_32_pages_at_most(void)
{
	vmid_t vm = start_dead_vm();

	zeroed_now = zeroed_at_most = 0;
	native_watch(count_zeroed);
	g_assert_cmpint(clear_vm_stage2_range(vm, 0, ALL_SIZE), ==, HV_EAGAIN);
	g_assert_cmpuint(zeroed_at_most, ==, 32);
	zeroed_at_most = 0;
	assert_done(destroy_vm(vm));
	vm = start_dead_vm();
	native_watch(count_zeroed);
	mem_handler_scrub_all();
	g_assert_cmpuint(zeroed_at_most, ==, 32);
}

/* Holds of s2page so far. */
static unsigned int holds;

static void count_holds(const struct native_event *event)
{
	holds += event->op == NATIVE_LOCK && event->a == RANK_S2PAGE ? 1 : 0;
}

/* Holds of s2page to find the one page of a VM, in a clear or in a scrub. */
static unsigned int holds_to_find(uint64_t pfn, bool scrub)
{
	vmid_t vm = start_vm();

	ops_give_page(vm, GFN, pfn);
	ops_set_vm_state(vm, POWEROFF);
	holds = 0;
	native_watch(count_holds);
	if (scrub) {
		mem_handler_scrub_all();
	} else {
		assert_done(clear_vm_stage2_range(vm, 0, ALL_SIZE));
	}
	return holds;
}

/* Nor do they wait for more than 512 records to be looked at. */
static void g37_s2page_is_held_for_512_records_at_most(void)
{
	/* Records in front of these pages: 0, 511, 512, 3072, 4095. */
	static const struct {
		uint64_t pfn;
		unsigned int holds;
	} pages[] = {
		{ OPS_PFN(0, 0), 1 },
		{ OPS_PFN(0, 511), 1 },
		{ OPS_PFN(1, 0), 2 },
		{ OPS_RAM2 >> 12, 7 },
		{ (OPS_EL2 >> 12) - 1, 8 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		/* One empties the table, one sees that nothing is left. */
		g_assert_cmpuint(holds_to_find(pages[i].pfn, false), ==,
				 2 + pages[i].holds);
		/* One empties the table, one counts what there is. */
		g_assert_cmpuint(holds_to_find(pages[i].pfn, true), ==,
				 2 + pages[i].holds);
	}
}

/* RAM of more records than one call looks at. */
static void start_big_machine(void)
{
	static const struct machine big = {
		.ram = { { OPS_RAM, 96 * MIB } },
		.nr_ram = 1,
		.el2 = { OPS_RAM + 92 * MIB, 4 * MIB },
		.pool_pages = 128,
		.arena_chunks = 20,
	};

	machine_start(&big);
}

/* A VM's own tables tell where its pages are, however large RAM is. */
static void good_destroy_is_flat_in_the_size_of_ram(void)
{
	uint64_t far = (OPS_RAM + 90 * MIB) >> 12;
	vmid_t vm;

	start_big_machine();
	vm = ops_new_vm();
	ops_give_page(vm, GFN, far + 3);
	ops_give_page(vm, GFN + 1, OPS_PFN(0, 0));
	ops_give_page(vm, GFN + 512, far - 700);
	assert_done(destroy_vm(vm));
	vm = ops_new_vm();
	ops_give_block(vm, BLOCK_GFN, far);
	g_assert_cmpint(destroy_vm(vm), ==, HV_EAGAIN);
	/* All of it in the first call; the second one sees that. */
	g_assert_cmpuint(owned(vm), ==, 0);
	assert_done(destroy_vm(vm));
}

/* A range that does not start at 0 goes on as well. */
static void g37_clear_goes_on_wherever_it_starts(void)
{
	uint64_t size = 90 * MIB;
	vmid_t vm;

	start_big_machine();
	vm = ops_new_vm();
	ops_give_page(vm, GFN, (OPS_RAM + 89 * MIB) >> 12);
	ops_set_vm_state(vm, POWEROFF);
	g_assert_cmpint(clear_vm_stage2_range(vm, OPS_RAM, size), ==,
			HV_EAGAIN);
	assert_done(clear_vm_stage2_range(vm, OPS_RAM, size));
	g_assert_cmpuint(owned(vm), ==, 0);
}

/* Instruction caches are everybody's: left alone where no page goes. */
static void good_clear_without_a_page_leaves_instruction_caches(void)
{
	vmid_t vm = start_dead_vm();
	const struct native_event *events;
	size_t n;

	native_events_reset();
	assert_done(clear_vm_stage2_range(vm, OPS_PFN(1, 0) << 12, MIB));
	events = native_events(&n);
	for (size_t i = 0; i < n; i++) {
		g_assert_cmpint(events[i].op, !=, NATIVE_ICACHE);
	}
}

/* Ranges of RAM in any order, with holes between them. */
static void good_clear_of_many_ranges_of_ram(void)
{
	static const struct machine scattered = {
		.ram = { { OPS_RAM2, OPS_RAM2_BYTES },
			 { OPS_RAM + 16 * MIB, MIB },
			 { OPS_RAM, MIB },
			 { OPS_RAM + 8 * MIB, MIB } },
		.nr_ram = 4,
		.el2 = { OPS_EL2, 4 * MIB },
		.pool_pages = 64,
		.arena_chunks = 20,
	};
	vmid_t vm;

	machine_start(&scattered);
	vm = ops_new_vm();
	for (uint64_t i = 0; i < 4; i++) {
		/* The last page of each; EL2 has the end of the first. */
		uint64_t end = scattered.ram[i].base +
			       (i == 0 ? 4 * MIB : scattered.ram[i].size);

		ops_give_page(vm, GFN + 2 * i, scattered.ram[i].base >> 12);
		ops_give_page(vm, GFN + 2 * i + 1, (end >> 12) - 1);
	}
	ops_set_vm_state(vm, POWEROFF);
	g_assert_cmpuint(clear_all(vm, 0, ALL_SIZE), ==, 0);
	g_assert_cmpuint(owned(vm), ==, 0);
	for (uint64_t i = 0; i < 4; i++) {
		ops_assert_reclaimed(scattered.ram[i].base >> 12);
	}
}

/* Pages that are nobody's to give take time too: a bound on records. */
static void g37_clear_looks_at_so_many_records(void)
{
	uint64_t last = (OPS_RAM >> 12) + MAX_RECORDS_PER_CALL;
	vmid_t vm;

	start_big_machine();
	vm = ops_new_vm();
	ops_give_page(vm, GFN, last - 1);
	ops_give_page(vm, GFN + 1, last);
	ops_set_vm_state(vm, POWEROFF);
	g_assert_cmpint(clear_vm_stage2_range(vm, 0, ALL_SIZE), ==, HV_EAGAIN);
	g_assert_cmpuint(owned(vm), ==, 1);
	assert_done(clear_vm_stage2_range(vm, 0, ALL_SIZE));
	g_assert_cmpuint(owned(vm), ==, 0);
}

/* G21: when the first page leaves, nothing of the VM's table maps one. */
static void g21_table_is_empty_before_a_page_leaves(void)
{
	vmid_t vm = start_dead_vm();
	const struct native_event *events;
	uint64_t vttbr = get_vm_vttbr(vm);
	size_t flushed = SIZE_MAX, zeroed = SIZE_MAX;
	size_t n;

	native_events_reset();
	assert_done(clear_vm_stage2_range(vm, PFN << 12, PAGE_SIZE));
	events = native_events(&n);
	while (n > 0) {
		n--;
		if (events[n].op == NATIVE_TLBI_VMALLS12E1IS &&
		    events[n].b == vttbr) {
			flushed = n;
		} else if (events[n].op == NATIVE_ZERO &&
			   events[n].a == PFN << 12) {
			zeroed = n;
		}
	}
	g_assert_cmpuint(flushed, <, zeroed);
	g_assert_cmpuint(zeroed, <, SIZE_MAX);
	g_assert_cmpuint(walker_each(pt_pool_root(vm), NULL, NULL), ==, 0);
}

/* And nothing is mapped again: neither the old way nor as an answer. */
static void g21_dead_vm_gets_nothing_any_more(void)
{
	vmid_t vm = start_dead_vm();

	assert_done(clear_vm_stage2_range(vm, PFN << 12, PAGE_SIZE));
	assert_refused(prot_and_map_vm_s2pt(vm, GFN << 12, PFN << 12, 3),
		       HV_EPERM);
	assert_refused(prot_and_map_vm_s2pt(vm, BLOCK_GFN << 12, BLOCK << 12,
					    2), HV_EPERM);
	assert_refused(grant_stage2_sg_gpa(vm, (GFN + 1) << 12, PAGE_SIZE),
		       HV_EPERM);
}

/* G20: a VM that may run keeps its pages. */
static void g20_clear_of_a_living_vm(void)
{
	static const uint32_t states[] = { UNUSED, MAPPED, READY, VERIFIED,
					   ACTIVE };
	vmid_t vm = start_dead_vm();

	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		ops_set_vm_state(vm, states[i]);
		assert_refused(clear_vm_stage2_range(vm, 0, ALL_SIZE),
			       HV_EPERM);
	}
	assert_refused(clear_vm_stage2_range(vm + 1, 0, ALL_SIZE), HV_EPERM);
}

static void g21_clear_while_a_vcpu_runs(void)
{
	vmid_t vm = start_dead_vm();

	for (uint32_t i = 0; i < VCPU_PER_VM; i++) {
		ops_set_vcpu_state(vm, i, ACTIVE);
		assert_refused(clear_vm_stage2_range(vm, 0, ALL_SIZE),
			       HV_EBUSY);
		assert_refused(destroy_vm(vm), HV_EBUSY);
		ops_set_vcpu_state(vm, i, READY);
	}
	clear_all(vm, 0, ALL_SIZE);
}

static void bad_clear_ranges(void)
{
	static const struct {
		uint64_t start;
		uint64_t size;
	} ranges[] = {
		{ 1, PAGE_SIZE },
		{ 0, 1 },
		{ 0, KVM_PHYS_SIZE + PAGE_SIZE },
		{ PAGE_SIZE, KVM_PHYS_SIZE },
		{ KVM_PHYS_SIZE, PAGE_SIZE },
		{ KVM_PHYS_SIZE + PAGE_SIZE, 0 },
		{ BIT(63), PAGE_SIZE },
		{ ~UINT64_C(0) - 4095, 2 * PAGE_SIZE },
		{ PAGE_SIZE, ~UINT64_C(0) - 4095 },
	};
	vmid_t vm = start_dead_vm();

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		assert_refused(clear_vm_stage2_range(vm, ranges[i].start,
						     ranges[i].size),
			       HV_EINVAL);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad_ids); i++) {
		assert_refused(clear_vm_stage2_range(bad_ids[i], 0, ALL_SIZE),
			       HV_EINVAL);
		assert_refused(destroy_vm(bad_ids[i]), HV_EINVAL);
	}
}

static void good_clear_of_shared_pages(void)
{
	vmid_t vm = start_dead_vm();

	machine_set_page(PFN, vm, 2);
	ops_host_touches(PFN);
	clear_all(vm, 0, ALL_SIZE);
	ops_assert_reclaimed(PFN);
}

static void good_clear_leaves_other_vms(void)
{
	vmid_t vm = start_dead_vm();
	vmid_t other = ops_new_vm();

	ops_give_page(other, GFN, PFN + 1);
	ops_fill(PFN + 1, SECRET);
	clear_all(vm, 0, ALL_SIZE);
	ops_assert_record(PFN + 1, other, 0, GFN);
	ops_assert_filled(PFN + 1, SECRET);
	g_assert_cmphex(ops_vm_pfn(other, GFN), ==, PFN + 1);
}

/* --- destroy_vm -------------------------------------------------------- */

static unsigned int destroy_all(vmid_t vm)
{
	enum hv_status status;
	unsigned int again = 0;

	while ((status = destroy_vm(vm)) == HV_EAGAIN) {
		g_assert_cmpuint(ops_vm_state(vm), ==, POWEROFF);
		again++;
	}
	g_assert_cmpint(status, ==, HV_OK);
	return again;
}

static void g22_destroy_ends_a_vm_in_any_state(void)
{
	static const uint32_t states[] = { READY, VERIFIED, POWEROFF };

	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		uint64_t chunks;
		vmid_t vm;

		ops_start();
		chunks = free_chunks();
		ops_start();
		vm = start_dead_vm();
		ops_set_vm_state(vm, states[i]);
		ops_set_vcpu_state(vm, 2, READY);
		set_shadow_ctxt(vm, 2, X3, SECRET);
		destroy_all(vm);
		ops_assert_reclaimed(PFN);
		ops_assert_reclaimed(OPS_RAM >> 12);
		ops_assert_reclaimed((OPS_RAM2 >> 12) + 3);
		for (uint64_t p = 0; p < 512; p++) {
			ops_assert_reclaimed(BLOCK + p);
		}
		g_assert_cmpuint(owned(vm), ==, 0);
		g_assert_cmpuint(ops_vm_state(vm), ==, UNUSED);
		g_assert_cmphex(pt_pool_root(vm), ==, 0);
		g_assert_cmpuint(free_chunks(), ==, chunks);
		g_assert_cmphex(get_shadow_ctxt(vm, 2, X3), ==, 0);
		assert_refused(destroy_vm(vm), HV_EPERM);
	}
}

static void good_destroyed_vm_leaves_no_trace(void)
{
	vmid_t vm;
	uint32_t idx;

	ops_start();
	vm = start_vm_with_image(PAGE_SIZE);
	assert_done(remap_vm_image(vm, PFN, 0));
	ops_set_vcpu_state(vm, 3, READY);
	destroy_all(vm);
	g_assert_cmpuint(ops_new_vm(), ==, vm);
	g_assert_cmphex(ops_vm_pfn(vm, OPS_GFN), ==, INVALID64);
	acquire_lock_vm(vm);
	g_assert_cmpuint(get_vm_next_load_idx(vm), ==, 0);
	g_assert_cmpuint(get_vcpu_state(vm, 3), ==, UNUSED);
	release_lock_vm(vm);
	assert_done(set_boot_info(vm, IMAGE, PAGE_SIZE, &idx));
	g_assert_cmpuint(idx, ==, 0);
	assert_done(remap_vm_image(vm, PFN, 0));
}

static void g37_destroy_is_done_in_steps(void)
{
	vmid_t vm = start_dead_vm();

	ops_set_vm_state(vm, READY);
	g_assert_cmpint(destroy_vm(vm), ==, HV_EAGAIN);
	g_assert_cmpuint(owned(vm), ==, 515 - MAX_PAGES_PER_CALL);
	assert_refused(set_image(vm, IMAGE, 1), HV_EPERM);
	assert_refused(prot_and_map_vm_s2pt(vm, GFN << 12, (PFN + 1) << 12, 3),
		       HV_EPERM);
	assert_done(destroy_vm(vm));
}

/* What no table names is found as well: reserved, or without a place. */
static void good_destroy_finds_pages_that_no_table_names(void)
{
	vmid_t vm = start_dead_vm();

	ops_set_record(PFN + 1, vm, INVALID, GFN + 9);
	ops_set_record(PFN + 2, vm, 0, INVALID64);
	ops_fill(PFN + 2, SECRET);
	destroy_all(vm);
	ops_assert_reclaimed(PFN + 1);
	ops_assert_reclaimed(PFN + 2);
}

/* A clear that was not finished does not matter. */
static void good_destroy_after_half_a_clear(void)
{
	vmid_t vm = start_dead_vm();

	g_assert_cmpint(clear_vm_stage2_range(vm, 0, ALL_SIZE), ==, HV_EAGAIN);
	destroy_all(vm);
	g_assert_cmpuint(ops_vm_state(vm), ==, UNUSED);
	/* And a later VM of this id starts its own from the beginning. */
	g_assert_cmpuint(ops_new_vm(), ==, vm);
	ops_give_page(vm, GFN, OPS_RAM >> 12);
	ops_set_vm_state(vm, POWEROFF);
	clear_all(vm, 0, ALL_SIZE);
	ops_assert_reclaimed(OPS_RAM >> 12);
}

static void good_destroy_after_a_whole_clear(void)
{
	vmid_t vm = start_dead_vm();

	clear_all(vm, 0, ALL_SIZE);
	g_assert_cmpuint(destroy_all(vm), ==, 0);
}

/* Devices in a VM's tables are not RAM to give back. */
static void good_destroy_of_a_vm_with_devices(void)
{
	vmid_t vm = start_vm();

	assert_done(kvm_phys_addr_ioremap(vm, IMAGE, PCIE, 512 * PAGE_SIZE));
	assert_done(kvm_phys_addr_ioremap(vm, 0, UART, PAGE_SIZE));
	ops_give_page(vm, GFN + 512, PFN);
	destroy_all(vm);
	ops_assert_reclaimed(PFN);
	g_assert_cmpuint(ops_vm_state(vm), ==, UNUSED);
}

/* G31: an exhausted arena is whole again; many tables are many steps. */
static void g31_destroy_gives_table_memory_back(void)
{
	uint64_t chunks, n = 0;
	vmid_t vm;

	ops_start();
	chunks = free_chunks();
	vm = ops_new_vm();
	while (prot_and_map_vm_s2pt(vm, n << 30, OPS_PFN(0, n) << 12, 3) ==
	       HV_OK) {
		n++;
	}
	g_assert_cmpuint(free_chunks(), ==, 0);
	/* Each table is 512 entries to look at. */
	g_assert_cmpuint(destroy_all(vm), >=,
			 n * 2 * 512 / MAX_RECORDS_PER_CALL);
	g_assert_cmpuint(free_chunks(), ==, chunks);
	for (uint64_t i = 0; i < n; i++) {
		ops_assert_reclaimed(OPS_PFN(0, i));
	}
}

#define LIVES 60

struct owner {
	uint32_t cpu;
	uint64_t pfn;
};

/* VM after VM from the same pages. */
static void *live(void *data)
{
	const struct owner *owner = data;

	machine_become_cpu(owner->cpu);
	for (unsigned int i = 0; i < LIVES; i++) {
		vmid_t vm = ops_new_vm();

		assert_done(set_image(vm, IMAGE, PAGE_SIZE));
		ops_fill(owner->pfn, SECRET);
		assert_done(remap_vm_image(vm, owner->pfn, 0));
		ops_give_page(vm, GFN, owner->pfn + 1);
		assert_done(grant_stage2_sg_gpa(vm, GFN << 12, 1));
		assert_done(map_page_host((owner->pfn + 1) << 12));
		assert_done(kvm_phys_addr_ioremap(vm, 0, UART, PAGE_SIZE));
		assert_done(destroy_vm(vm));
	}
	return NULL;
}

/* Two CPUs at once: no id, page or table is lost, and none is two VMs'. */
static void g11_two_cpus_make_and_end_vms(void)
{
	struct owner a = { 0, PFN };
	struct owner b = { 1, BLOCK + 9 };
	uint64_t chunks;
	pthread_t thread;

	ops_start();
	chunks = free_chunks();
	g_assert_cmpint(pthread_create(&thread, NULL, live, &b), ==, 0);
	live(&a);
	g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
	g_assert_cmpuint(free_chunks(), ==, chunks);
	for (vmid_t vm = 1; vm < COREVISOR; vm++) {
		g_assert_cmpuint(owned(vm), ==, 0);
		g_assert_cmpuint(ops_vm_state(vm), ==, UNUSED);
	}
	ops_assert_reclaimed(a.pfn);
	ops_assert_reclaimed(b.pfn + 1);
	g_assert_cmpuint(ops_new_vm(), ==, 1);
}

/* --- Before the machine goes ------------------------------------------- */

static void scrub_erases_every_vm_and_no_host(void)
{
	vmid_t vm = start_dead_vm();
	vmid_t other = ops_new_vm();

	ops_give_page(other, GFN, PFN + 1);
	machine_set_page(PFN + 1, other, 1);
	ops_fill(PFN + 1, SECRET);
	ops_fill(PFN + 2, SECRET);
	mem_handler_scrub_all();
	ops_assert_filled(PFN, 0);
	ops_assert_filled(PFN + 1, 0);
	ops_assert_filled(OPS_RAM >> 12, 0);
	ops_assert_filled((OPS_RAM2 >> 12) + 3, 0);
	ops_assert_filled(BLOCK + 511, 0);
	ops_assert_filled(PFN + 2, SECRET);
	/* They stay the VMs', so that a reset that fails reveals nothing. */
	ops_assert_record(PFN, vm, 0, GFN);
	ops_assert_record(PFN + 1, other, 1, GFN);
	/* No VM runs on. */
	g_assert_cmpuint(ops_vm_state(other), ==, POWEROFF);
	g_assert_cmphex(ops_vm_pfn(other, GFN), ==, INVALID64);
	g_assert_cmpuint(ops_vm_state(other + 1), ==, UNUSED);
	destroy_all(vm);
	destroy_all(other);
}

static void scrub_lets_no_vm_be_made_after_it(void)
{
	uint64_t chunks;
	uint32_t vm = 77;

	ops_start();
	chunks = free_chunks();
	mem_handler_scrub_all();
	for (unsigned int i = 0; i < COREVISOR; i++) {
		/* Refused for that reason each time: no id is used up. */
		g_assert_cmpint(register_kvm(&vm), ==, HV_EBUSY);
	}
	g_assert_cmpuint(vm, ==, 77);
	g_assert_cmpuint(ops_vm_state(1), ==, UNUSED);
	g_assert_cmpuint(free_chunks(), ==, chunks);
}

/* Another CPU makes VMs and gives them pages for as long as it can. */
static void *make_vms(void *data)
{
	uint32_t *made = data;
	uint32_t vm, image;

	machine_become_cpu(1);
	while (register_kvm(&vm) == HV_OK) {
		/* The scrub may have taken the new VM already. */
		if (set_boot_info(vm, IMAGE, 32 * PAGE_SIZE, &image) !=
		    HV_OK) {
			break;
		}
		for (uint64_t i = 0; i < 32; i++) {
			pfn_t pfn = OPS_PFN(0, *made);

			if (remap_vm_image(vm, pfn, image) == HV_OK) {
				__atomic_add_fetch(made, 1, __ATOMIC_RELEASE);
			}
		}
	}
	return NULL;
}

/* At a moment of another CPU's, hence many times. */
static void scrub_erases_what_another_cpu_gives_away(void)
{
	for (unsigned int round = 0; round < 40; round++) {
		pfn_t last = (OPS_RAM2 >> PAGE_SHIFT) + 700;
		uint32_t made = 0;
		pthread_t thread;

		ops_start();
		ops_give_page(ops_new_vm(), GFN, last);
		ops_fill(last, SECRET);
		for (uint64_t i = 0; i < 512; i++) {
			ops_fill(OPS_PFN(0, i), SECRET);
		}
		g_assert_cmpint(pthread_create(&thread, NULL, make_vms, &made),
				==, 0);
		while (__atomic_load_n(&made, __ATOMIC_ACQUIRE) < 3) {
			sched_yield();
		}
		mem_handler_scrub_all();
		ops_assert_filled(last, 0);
		g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
		for (uint64_t i = 0; i < made; i++) {
			ops_assert_filled(OPS_PFN(0, i), 0);
		}
	}
}

/* A new place far from all others needs two tables, and there is one. */
static void one_table_missing_is_nomem(void)
{
	uint64_t tables = PT_CHUNK_PAGES - 2;
	uint32_t image;
	vmid_t vm;

	ops_start_with_chunks(1);
	vm = ops_new_vm();
	g_assert_cmpint(set_boot_info(vm, 99 * GIB, PAGE_SIZE, &image), ==,
			HV_OK);
	for (uint64_t i = 0; i < tables / 2 - 1; i++) {
		g_assert_cmpint(kvm_phys_addr_ioremap(vm, i * GIB, UART,
						      PAGE_SIZE), ==, HV_OK);
	}
	g_assert_cmpint(kvm_phys_addr_ioremap(vm, PMD_SIZE, UART, PAGE_SIZE),
			==, HV_OK);
	assert_refused(remap_vm_image(vm, PFN, image), HV_ENOMEM);
	assert_refused(kvm_phys_addr_ioremap(vm, 99 * GIB, UART, PAGE_SIZE),
		       HV_ENOMEM);
	g_assert_cmpint(kvm_phys_addr_ioremap(vm, 2 * PMD_SIZE, UART,
					      PAGE_SIZE), ==, HV_OK);
}

/* What gdb and the tests of the board read. */
static void array_holds_every_state(void)
{
	const uint8_t *array;
	uint64_t stride;

	ops_start();
	g_assert_cmpuint(ops_new_vm(), ==, 1);
	g_assert_cmpuint(ops_new_vm(), ==, 2);
	g_assert_cmpint(destroy_vm(1), ==, HV_OK);
	array = vm_info_array(&stride);
	for (vmid_t vm = 1; vm < COREVISOR; vm++) {
		g_assert_cmpuint(*(const uint32_t *)(array + vm * stride), ==,
				 vm == 2 ? READY : UNUSED);
	}
}

static void scrub_leaves_el2(void)
{
	struct opstate *before;

	ops_start();
	before = opstate_take();
	mem_handler_scrub_all();
	opstate_assert_same(before);
}

static const struct unit_test tests[] = {
	UNIT_TEST("/vm/register/first-is-1-and-ready",
		  good_first_vm_is_1_and_ready),
	UNIT_TEST("/vm/register/ids-are-1-to-15", good_ids_are_1_to_15),
	UNIT_TEST("/vm/register/lowest-free-id-comes-again",
		  good_lowest_free_id_comes_again),
	UNIT_TEST("/vm/register/without-table-memory",
		  bad_vm_without_table_memory),
	UNIT_TEST("/vm/image/five-are-numbered", good_five_images_are_numbered),
	UNIT_TEST("/vm/image/may-fill-the-vms-space",
		  good_image_may_fill_the_vms_space),
	UNIT_TEST("/vm/g40_bad_images_are_refused", g40_bad_images_are_refused),
	UNIT_TEST("/vm/g40_overlapping_images_are_refused",
		  g40_overlapping_images_are_refused),
	UNIT_TEST("/vm/g40_image_over_a_later_one_is_refused",
		  g40_image_over_a_later_one_is_refused),
	UNIT_TEST("/vm/image/for-no-vm", bad_image_for_no_vm),
	UNIT_TEST("/vm/image/when-not-ready", bad_image_when_not_ready),
	UNIT_TEST("/vm/g27_image_page_leaves_the_host_with_its_content",
		  g27_image_page_leaves_the_host_with_its_content),
	UNIT_TEST("/vm/g25_image_page_is_clean_in_memory",
		  g25_image_page_is_clean_in_memory),
	UNIT_TEST("/vm/image/loaded-side-by-side",
		  good_images_are_loaded_side_by_side),
	UNIT_TEST("/vm/image/bad-number", bad_image_number),
	UNIT_TEST("/vm/g27_image_page_must_be_the_hosts_alone",
		  g27_image_page_must_be_the_hosts_alone),
	UNIT_TEST("/vm/g27_pfn_beyond_28_bits_is_refused",
		  g27_pfn_beyond_28_bits_is_refused),
	UNIT_TEST("/vm/image/over-a-mapping", bad_image_page_over_a_mapping),
	UNIT_TEST("/vm/device/mapped-as-one", good_device_is_mapped_as_one),
	UNIT_TEST("/vm/device/may-be-everybodys",
		  good_device_may_be_everybodys),
	UNIT_TEST("/vm/g26_ioremap_of_what_is_no_host_device",
		  g26_ioremap_of_what_is_no_host_device),
	UNIT_TEST("/vm/g26_device_page_that_is_none",
		  g26_device_page_that_is_none),
	UNIT_TEST("/vm/g26_ram_in_a_device_window_is_ram",
		  g26_ram_in_a_device_window_is_ram),
	UNIT_TEST("/vm/g26_ioremap_for_no_vm", g26_ioremap_for_no_vm),
	UNIT_TEST("/vm/g26_ioremap_of_a_bad_range", g26_ioremap_of_a_bad_range),
	UNIT_TEST("/vm/g26_ioremap_over_a_mapping", g26_ioremap_over_a_mapping),
	UNIT_TEST("/vm/g31_ioremap_without_table_memory",
		  g31_ioremap_without_table_memory),
	UNIT_TEST("/vm/g31_image_page_gets_the_last_tables",
		  g31_image_page_gets_the_last_tables),
	UNIT_TEST("/vm/clear/gives-everything-back",
		  good_clear_gives_everything_back),
	UNIT_TEST("/vm/clear/of-a-part-leaves-the-rest",
		  good_clear_of_a_part_leaves_the_rest),
	UNIT_TEST("/vm/clear/empty-ranges", good_clear_of_empty_ranges),
	UNIT_TEST("/vm/g37_clear_is_done_in_steps", g37_clear_is_done_in_steps),
	UNIT_TEST("/vm/g37_clear_of_exactly_one_call",
		  g37_clear_of_exactly_one_call),
	UNIT_TEST("/vm/g37_another_range_starts_anew",
		  g37_another_range_starts_anew),
	UNIT_TEST("/vm/g37_range_of_other_bounds_starts_anew",
		  g37_range_of_other_bounds_starts_anew),
	UNIT_TEST("/vm/g37_s2page_is_held_for_32_pages_at_most",
		  g37_s2page_is_held_for_32_pages_at_most),
	UNIT_TEST("/vm/g37_s2page_is_held_for_512_records_at_most",
		  g37_s2page_is_held_for_512_records_at_most),
	UNIT_TEST("/vm/destroy/flat-in-the-size-of-ram",
		  good_destroy_is_flat_in_the_size_of_ram),
	UNIT_TEST("/vm/g37_clear_goes_on_wherever_it_starts",
		  g37_clear_goes_on_wherever_it_starts),
	UNIT_TEST("/vm/clear/without-a-page-leaves-instruction-caches",
		  good_clear_without_a_page_leaves_instruction_caches),
	UNIT_TEST("/vm/clear/many-ranges-of-ram",
		  good_clear_of_many_ranges_of_ram),
	UNIT_TEST("/vm/g37_clear_looks_at_so_many_records",
		  g37_clear_looks_at_so_many_records),
	UNIT_TEST("/vm/g21_table_is_empty_before_a_page_leaves",
		  g21_table_is_empty_before_a_page_leaves),
	UNIT_TEST("/vm/g21_dead_vm_gets_nothing_any_more",
		  g21_dead_vm_gets_nothing_any_more),
	UNIT_TEST("/vm/g20_clear_of_a_living_vm", g20_clear_of_a_living_vm),
	UNIT_TEST("/vm/g21_clear_while_a_vcpu_runs",
		  g21_clear_while_a_vcpu_runs),
	UNIT_TEST("/vm/clear/bad-ranges", bad_clear_ranges),
	UNIT_TEST("/vm/clear/shared-pages", good_clear_of_shared_pages),
	UNIT_TEST("/vm/clear/leaves-other-vms", good_clear_leaves_other_vms),
	UNIT_TEST("/vm/g22_destroy_ends_a_vm_in_any_state",
		  g22_destroy_ends_a_vm_in_any_state),
	UNIT_TEST("/vm/destroy/leaves-no-trace",
		  good_destroyed_vm_leaves_no_trace),
	UNIT_TEST("/vm/g37_destroy_is_done_in_steps",
		  g37_destroy_is_done_in_steps),
	UNIT_TEST("/vm/destroy/finds-pages-that-no-table-names",
		  good_destroy_finds_pages_that_no_table_names),
	UNIT_TEST("/vm/destroy/after-half-a-clear",
		  good_destroy_after_half_a_clear),
	UNIT_TEST("/vm/destroy/after-a-whole-clear",
		  good_destroy_after_a_whole_clear),
	UNIT_TEST("/vm/destroy/vm-with-devices",
		  good_destroy_of_a_vm_with_devices),
	UNIT_TEST("/vm/g31_destroy_gives_table_memory_back",
		  g31_destroy_gives_table_memory_back),
	UNIT_TEST("/vm/g11_two_cpus_make_and_end_vms",
		  g11_two_cpus_make_and_end_vms),
	UNIT_TEST("/vm/scrub/erases-every-vm-and-no-host",
		  scrub_erases_every_vm_and_no_host),
	UNIT_TEST("/vm/tables/one-missing-is-nomem",
		  one_table_missing_is_nomem),
	UNIT_TEST("/vm/array/holds-every-state", array_holds_every_state),
	UNIT_TEST("/vm/scrub/no-vm-is-made-after-it",
		  scrub_lets_no_vm_be_made_after_it),
	UNIT_TEST("/vm/scrub/beside-a-cpu-that-makes-vms",
		  scrub_erases_what_another_cpu_gives_away),
	UNIT_TEST("/vm/scrub/leaves-el2", scrub_leaves_el2),
};

int main(int argc, char **argv)
{
	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
