/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Defects of making, loading and ending VMs. See defects-test.c. */
#include "defects.h"

/* --- Devices and teardown ------------------------------------------------ */

static void g26_descriptor_bits_in_the_pa(void)
{
	uint64_t pa = PA | UINT64_C(1) << 58;

	CHECK(CALL(OP_REGISTER_KVM, 0) == ANSWER_OK);
	fork_coq();
	CHECK(CALL(OP_IOREMAP, 1, GPA, pa, PAGE_SIZE) == ANSWER_INVAL);
	CHECK(CALL(OP_IOREMAP, 1, GPA, PA, PAGE_SIZE) == ANSWER_PERM);
	/* The Coq's dispatcher stops it; the C maps the page. */
	CHECK(kvm_phys_addr_ioremap_coq(1, GPA, pa, PAGE_SIZE, &coq) ==
	      NONE_INVAL);
	CHECK(kvm_phys_addr_ioremap_c(1, GPA, pa, PAGE_SIZE, &coq) == SOME);
	CHECK(maps(&coq, 1, GFN).pfn == PFN);
	CHECK(page_of(&coq, PFN)->owner == HOSTVISOR);
}

static void g26_device_over_a_page(void)
{
	start_with_page();
	fork_coq();
	CHECK(CALL(OP_IOREMAP, 1, GPA, 0x9000000, PAGE_SIZE) == ANSWER_BUSY);
	CHECK(maps(run_state(), 1, GFN).pfn == PFN);
	CHECK(kvm_phys_addr_ioremap_coq(1, GPA, 0x9000000, PAGE_SIZE, &coq) ==
	      SOME);
	CHECK(maps(&coq, 1, GFN).pfn == 0x9000);
}

static void g26_emulated_device(void)
{
	CHECK(CALL(OP_REGISTER_KVM, 0) == ANSWER_OK);
	fork_coq();
	CHECK(CALL(OP_IOREMAP, 1, GPA, FW_SMMU_BASE, PAGE_SIZE) ==
	      ANSWER_PERM);
	CHECK(kvm_phys_addr_ioremap_coq(1, GPA, FW_SMMU_BASE, PAGE_SIZE,
					&coq) == SOME);
	CHECK(maps(&coq, 1, GFN).level == 3);
}

static void g21_table_survives_the_pages(void)
{
	start_with_page();
	CHECK(CALL(OP_SET_VM_STATE, 1, POWEROFF) == ANSWER_OK);
	fork_coq();
	CHECK(CALL(OP_CLEAR_RANGE, 1, 0, KVM_PHYS_SIZE) == ANSWER_OK);
	CHECK(page_of(run_state(), PFN)->owner == HOSTVISOR);
	CHECK(maps(run_state(), 1, GFN).level == 0);
	CHECK(clear_vm_stage2_range_coq(1, 0, KVM_PHYS_SIZE, &coq) == SOME);
	CHECK(page_of(&coq, PFN)->owner == HOSTVISOR);
	CHECK(maps(&coq, 1, GFN).pfn == PFN);
}

static void g21_active_vcpu(void)
{
	start_with_page();
	CHECK(CALL(OP_SET_VM_STATE, 1, POWEROFF) == ANSWER_OK);
	CHECK(CALL(OP_SET_VCPU_STATE, 1, 3, ACTIVE) == ANSWER_OK);
	fork_coq();
	CHECK(CALL(OP_CLEAR_RANGE, 1, 0, KVM_PHYS_SIZE) == ANSWER_BUSY);
	CHECK(page_of(run_state(), PFN)->owner == 1);
	CHECK(clear_vm_stage2_range_coq(1, 0, KVM_PHYS_SIZE, &coq) == SOME);
	CHECK(page_of(&coq, PFN)->owner == HOSTVISOR);
}

static void g35_map_of_a_page_that_is_back(void)
{
	start_with_page();
	CHECK(CALL(OP_SET_VM_STATE, 1, POWEROFF) == ANSWER_OK);
	fork_coq();
	CHECK(CALL(OP_CLEAR_RANGE, 1, 0, KVM_PHYS_SIZE) == ANSWER_OK);
	CHECK(page_of(run_state(), PFN)->gfn == PFN + SMMU_HOST_OFFSET);
	/* The Coq says the same; it is the C that stores 0. */
	CHECK(clear_vm_stage2_range_c(1, KVM_PHYS_SIZE, &coq) == SOME);
	CHECK(page_of(&coq, PFN)->gfn == 0);
}

/* --- Numbers -------------------------------------------------------------- */

/* By the number of a hypercall; what the host finds in x0. */
static uint64_t hvc(uint64_t x0, uint64_t x1, uint64_t x2, uint64_t x3)
{
	CHECK(CALL(OP_HVC, x0, x1, x2, x3) == ANSWER_OK);
	return run_state()->host_regs[0];
}

static void g6_number_of_no_vm(void)
{
	static const uint64_t vmids[] = { 0, COREVISOR, COREVISOR + 1, INVALID };
	static const uint64_t others[] = {
		HVC_TIMER_SET_CNTVOFF, HVC_VERIFY_VM_IMAGES, HVC_REGISTER_VCPU,
		HVC_BOOT_FROM_SAVED_VM, HVC_ENCRYPT_BUF, HVC_DECRYPT_BUF,
		HVC_SAVE_CRYPT_VCPU, HVC_LOAD_CRYPT_VCPU, HVC_SET_MANIFEST,
		HVC_SEAL_VM,
	};
	uint64_t core = fw_el2.base / PAGE_SIZE;

	for (size_t i = 0; i < sizeof(vmids) / sizeof(vmids[0]); i++) {
		fork_coq();
		CHECK(hvc(HVC_CLEAR_VM_S2_RANGE, vmids[i], 0, KVM_PHYS_SIZE) ==
		      call_result(NONE_INVAL));
		for (size_t k = 0; k < sizeof(others) / sizeof(others[0]);
		     k++) {
			CHECK(hvc(others[k], vmids[i], PA, 192) ==
			      call_result(NONE_INVAL));
		}
	}
	CHECK(page_of(run_state(), core)->owner == COREVISOR);
	CHECK(clear_vm_stage2_range_c(COREVISOR, KVM_PHYS_SIZE, &coq) == SOME);
	CHECK(page_of(&coq, core)->owner == HOSTVISOR);
}

/* VM 1, whose image of two pages goes to GFN. */
static void start_with_image(void)
{
	CHECK(CALL(OP_REGISTER_KVM, 0) == ANSWER_OK);
	CHECK(CALL(OP_SET_BOOT_INFO, 1, GPA, 2 * PAGE_SIZE) == ANSWER_OK);
}

static void g6_number_is_not_cut(void)
{
	/* All of these would be done for VM 1, or refused otherwise. */
	static const uint64_t calls[][4] = {
		{ HVC_CLEAR_VM_S2_RANGE, 0, KVM_PHYS_SIZE, 0 },
		{ HVC_SET_BOOT_INFO, PMD_SIZE, PAGE_SIZE, 0 },
		{ HVC_REMAP_VM_IMAGE, PFN, 0, 0 },
		{ HVC_PHYS_ADDR_IOREMAP, 0, 0x9000000, PAGE_SIZE },
		{ HVC_DESTROY_VM, 0, 0, 0 },
	};
	uint64_t vmid = UINT64_C(1) << 32 | 1;
	uint32_t idx;

	start_with_image();
	fork_coq();
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		CHECK(CALL(OP_HVC, calls[i][0], vmid, calls[i][1], calls[i][2],
			   calls[i][3]) == ANSWER_OK);
		CHECK(run_state()->host_regs[0] == call_result(NONE_INVAL));
	}
	CHECK(run_state()->vms[1].next_load_idx == 1);
	CHECK(set_boot_info_c(vmid, PMD_SIZE, PAGE_SIZE, &coq, &idx) == SOME);
	CHECK(coq.vms[1].next_load_idx == 2);
}

static void g65_wrong_argument(void)
{
	struct remap_window window = { 0 };
	uint32_t idx;

	CHECK(CALL(OP_REGISTER_KVM, 0) == ANSWER_OK);
	fork_coq();
	CHECK(hvc(HVC_SET_BOOT_INFO, 1, GPA, PAGE_SIZE) == 0);
	CHECK(run_state()->vms[1].next_load_idx == 1);
	/* A VM's memory does not lie below 2^28. */
	CHECK(set_boot_info_qtop(1, GPA, PAGE_SIZE, &coq, &idx) == NONE_INVAL);
	fork_coq();
	CHECK(hvc(HVC_REMAP_VM_IMAGE, 1, KVM_PFN_SPACE | PFN, 0) ==
	      call_result(NONE_INVAL));
	CHECK(run_state()->vms[1].load[0].mapped_pages == 0);
	CHECK(remap_vm_image_qtop(1, KVM_PFN_SPACE | PFN, 0, &coq, &window) ==
	      SOME);
	CHECK(window.pages == 1 && coq.vms[1].load[0].mapped_pages == 1);
}

static void g7_no_id_is_left(void)
{
	uint32_t next = 1, vmid;

	fork_coq();
	for (uint32_t i = 1; i < COREVISOR; i++) {
		CHECK(CALL(OP_REGISTER_KVM, 0) == ANSWER_OK);
	}
	CHECK(CALL(OP_REGISTER_KVM, 0) == ANSWER_NOMEM);
	CHECK(run_state()->vms[COREVISOR].state == UNUSED);
	CHECK(run_state()->vms[HOSTVISOR].state == UNUSED);
	for (uint32_t i = 1; i < MAX_VM_NUM_C; i++) {
		CHECK(register_kvm_c(&next, &coq, &vmid) == SOME && vmid == i);
	}
	CHECK(coq.vms[COREVISOR].state == READY);
	CHECK(coq.vms[HOSTVISOR].state == UNUSED);
	CHECK(register_kvm_c(&next, &coq, &vmid) == SOME && vmid == 0);
	CHECK(coq.vms[HOSTVISOR].state == READY);
}

static void g23_id_comes_again(void)
{
	uint32_t next = 1, vmid;

	fork_coq();
	start_with_page();
	for (uint32_t i = 2; i < COREVISOR; i++) {
		CHECK(CALL(OP_REGISTER_KVM, 0) == ANSWER_OK);
	}
	CHECK(CALL(OP_DESTROY_VM, 1) == ANSWER_OK);
	CHECK(run_state()->vms[1].state == UNUSED);
	CHECK(CALL(OP_REGISTER_KVM, 0) == ANSWER_OK);
	CHECK(run_state()->vms[1].state == READY);
	CHECK(maps(run_state(), 1, GFN).level == 0);
	for (uint32_t i = 1; i < COREVISOR; i++) {
		CHECK(register_kvm_coq(&next, &coq, &vmid) == SOME);
		CHECK(!coq.halt);
	}
	coq.vms[1].state = UNUSED;
	CHECK(register_kvm_coq(&next, &coq, &vmid) == SOME && coq.halt);
}

/* --- Ends of VMs ---------------------------------------------------------- */

static void g20_vm_that_is_not_off(void)
{
	start_with_page();
	CHECK(CALL(OP_VM_STORE, 1, 0, GFN, 0, SECRET) == ANSWER_OK);
	fork_coq();
	CHECK(CALL(OP_CLEAR_RANGE, 1, 0, KVM_PHYS_SIZE) == ANSWER_PERM);
	CHECK(content_of(run_state(), PFN) == SECRET);
	CHECK(page_of(run_state(), PFN)->owner == 1);
	CHECK(clear_vm_stage2_range_c(1, KVM_PHYS_SIZE, &coq) == SOME);
	CHECK(content_of(&coq, PFN) == 0);
	CHECK(page_of(&coq, PFN)->owner == HOSTVISOR);
	CHECK(maps(&coq, 1, GFN).pfn == PFN);
}

static void g22_host_ends_a_vm(void)
{
	start_with_page();
	CHECK(CALL(OP_VM_STORE, 1, 0, GFN, 0, SECRET) == ANSWER_OK);
	fork_coq();
	CHECK(CALL(OP_DESTROY_VM, 1) == ANSWER_OK);
	CHECK(run_state()->vms[1].state == UNUSED);
	CHECK(page_of(run_state(), PFN)->owner == HOSTVISOR);
	CHECK(content_of(run_state(), PFN) == 0);
	/* All that the host has; the VM alone could power itself off. */
	CHECK(clear_vm_stage2_range_coq(1, 0, KVM_PHYS_SIZE, &coq) == SOME);
	CHECK(page_of(&coq, PFN)->owner == 1);
}

static void g37_more_than_512_pages(void)
{
	uint64_t last = BLOCK + PMD_PAGE_NUM - 1;

	start_with_page();
	CHECK(CALL(OP_VM_FAULT, 1, GPA + PMD_SIZE, BLOCK * PAGE_SIZE, 2) ==
	      ANSWER_OK);
	CHECK(CALL(OP_SET_VM_STATE, 1, POWEROFF) == ANSWER_OK);
	fork_coq();
	CHECK(CALL(OP_CLEAR_RANGE, 1, 0, KVM_PHYS_SIZE) == ANSWER_AGAIN);
	CHECK(page_of(run_state(), PFN)->owner == HOSTVISOR);
	CHECK(page_of(run_state(), last)->owner == 1);
	CHECK(CALL(OP_CLEAR_RANGE, 1, 0, KVM_PHYS_SIZE) == ANSWER_OK);
	CHECK(page_of(run_state(), last)->owner == HOSTVISOR);
	CHECK(clear_vm_stage2_range_coq(1, 0, KVM_PHYS_SIZE, &coq) == SOME);
	CHECK(page_of(&coq, last)->owner == HOSTVISOR);
}

/* --- Images --------------------------------------------------------------- */

static void g27_descriptor_by_addition(void)
{
	/* Its bit 42 is bit 54 of the descriptor, which is set already. */
	uint64_t pfn = UINT64_C(1) << 42 | PFN;
	struct remap_window window = { 0 };

	start_with_image();
	fork_coq();
	CHECK(CALL(OP_REMAP_VM_IMAGE, 1, pfn, 0) == ANSWER_INVAL);
	CHECK(run_state()->vms[1].load[0].mapped_pages == 0);
	CHECK(remap_vm_image_coq(1, pfn, 0, &coq, &window) == NONE_INVAL);
	CHECK(remap_vm_image_c(1, pfn, 0, &coq, &window) == SOME);
	CHECK((PAGE_HYP & PTE_XN) != 0 && (window.pte[0] & PTE_XN) == 0);
}

static void g27_page_of_another(void)
{
	struct remap_window window = { 0 };

	start_with_image();
	CHECK(CALL(OP_REGISTER_KVM, 0) == ANSWER_OK);
	CHECK(CALL(OP_VM_FAULT, 2, GPA, PA, 3) == ANSWER_OK);
	fork_coq();
	CHECK(CALL(OP_REMAP_VM_IMAGE, 1, PFN, 0) == ANSWER_PERM);
	CHECK(CALL(OP_REMAP_VM_IMAGE, 1, fw_el2.base / PAGE_SIZE, 0) ==
	      ANSWER_PERM);
	CHECK(remap_vm_image_coq(1, PFN, 0, &coq, &window) == SOME);
	CHECK(window.pte[0] == (PA | PAGE_HYP));
}

/*
 * There is no window to look at on the corrected side: no state of the
 * specification and no call of the firmware's makes a mapping of EL2's own.
 * Pinned is what an alias would break: one place for one page, and none for a
 * page that is back.
 */
static void g36_alias_of_an_image_page(void)
{
	struct remap_window window = { 0 };

	start_with_image();
	fork_coq();
	CHECK(CALL(OP_REMAP_VM_IMAGE, 1, PFN, 0) == ANSWER_OK);
	CHECK(CALL(OP_REMAP_VM_IMAGE, 1, PFN, 0) == ANSWER_PERM);
	CHECK(maps(run_state(), 1, GFN).pfn == PFN);
	CHECK(maps(run_state(), 1, GFN + 1).level == 0);
	CHECK(CALL(OP_DESTROY_VM, 1) == ANSWER_OK);
	CHECK(page_of(run_state(), PFN)->owner == HOSTVISOR);
	CHECK(maps(run_state(), 1, GFN).level == 0);
	CHECK(remap_vm_image_coq(1, PFN, 0, &coq, &window) == SOME);
	CHECK(remap_vm_image_coq(1, PFN, 0, &coq, &window) == SOME);
	coq.vms[1].state = POWEROFF;
	CHECK(clear_vm_stage2_range_coq(1, 0, KVM_PHYS_SIZE, &coq) == SOME);
	CHECK(window.pages == 2 && window.pte[0] == window.pte[1]);
}

/* There is no window (see G36), so none that runs out or wraps. */
static void g28_window_for_images(void)
{
	uint64_t size = KVM_PHYS_SIZE / 8, pages = size / PAGE_SIZE, next = 0;

	CHECK(CALL(OP_REGISTER_KVM, 0) == ANSWER_OK);
	for (uint64_t i = 0; i < MAX_LOAD_INFO_NUM; i++) {
		CHECK(CALL(OP_SET_BOOT_INFO, 1, i * size, size) == ANSWER_OK);
		CHECK(CALL(OP_REMAP_VM_IMAGE, 1, PFN + i, i) == ANSWER_OK);
		CHECK(maps(run_state(), 1, i * pages).pfn == PFN + i);
	}
	CHECK(CALL(OP_SET_BOOT_INFO, 1, 7 * size, size) == ANSWER_NOMEM);
	/* The C has wasted a start by the second image; later it is outside. */
	CHECK(alloc_remap_addr_c(&next, 1) == EL2_REMAP_START_C);
	CHECK(alloc_remap_addr_c(&next, 1) ==
	      2 * EL2_REMAP_START_C + PAGE_SIZE);
	while (next < EL2_REMAP_END_C) {
		alloc_remap_addr_c(&next, pages);
	}
	CHECK(alloc_remap_addr_c(&next, 1) >= EL2_REMAP_END_C);
}

static void g39_host_writes_to_an_image(void)
{
	struct remap_window window = { 0 };

	start_with_image();
	CHECK(CALL(OP_HOST_STORE, PA, 0, SECRET) == ANSWER_OK);
	fork_coq();
	CHECK(CALL(OP_REMAP_VM_IMAGE, 1, PFN, 0) == ANSWER_OK);
	CHECK(CALL(OP_HOST_STORE, PA, 0, 0) == ANSWER_PERM);
	CHECK(content_of(run_state(), PFN) == SECRET);
	CHECK(maps(run_state(), 1, GFN).pfn == PFN);
	CHECK(remap_vm_image_coq(1, PFN, 0, &coq, &window) == SOME);
	coq.host_regs[0] = 0;
	CHECK(mem_store_ref_spec(PFN, 0, &coq) == SOME);
	CHECK(content_of(&coq, PFN) == 0);
}

static void g40_size_of_an_image(void)
{
	uint32_t idx;

	start_with_image();
	fork_coq();
	CHECK(CALL(OP_SET_BOOT_INFO, 1, PMD_SIZE, 0) == ANSWER_INVAL);
	CHECK(CALL(OP_SET_BOOT_INFO, 1, GPA + PAGE_SIZE, 1) == ANSWER_INVAL);
	CHECK(CALL(OP_SET_BOOT_INFO, 1, 0, UINT64_MAX) == ANSWER_INVAL);
	/* Here the end wraps as well. */
	CHECK(CALL(OP_SET_BOOT_INFO, 1, PMD_SIZE, UINT64_MAX) == ANSWER_INVAL);
	CHECK(run_state()->vms[1].next_load_idx == 1);
	CHECK(set_boot_info_coq(1, PMD_SIZE, 0, &coq, &idx) == SOME);
	CHECK(set_boot_info_coq(1, GPA + PAGE_SIZE, 1, &coq, &idx) == SOME);
	CHECK(set_boot_info_coq(1, 0, UINT64_MAX, &coq, &idx) == NONE_INVAL);
	CHECK(coq.vms[1].next_load_idx == 3);
	/* Every address lies in it, and it has no page to verify. */
	CHECK(set_boot_info_c(1, 0, UINT64_MAX, &coq, &idx) == SOME);
	CHECK(idx == 3 && coq.vms[1].load[3].load_size == UINT64_MAX);
	CHECK(load_pages_c(UINT64_MAX) == 0);
}

const struct defect_test defects_vms[] = {
	{ "G6 number of no VM", g6_number_of_no_vm, 4 },
	{ "G6 number of 33 bits", g6_number_is_not_cut, 4 },
	{ "G7 no id is left", g7_no_id_is_left, FW_MAX_CHUNKS },
	{ "G20 a VM that is not off", g20_vm_that_is_not_off, 4 },
	{ "G21 table survives the pages", g21_table_survives_the_pages, 4 },
	{ "G21 active vCPU", g21_active_vcpu, 4 },
	{ "G22 the host ends a VM", g22_host_ends_a_vm, 4 },
	{ "G23 an id comes again", g23_id_comes_again, FW_MAX_CHUNKS },
	{ "G26 descriptor bits in the PA", g26_descriptor_bits_in_the_pa, 4 },
	{ "G26 device over a page", g26_device_over_a_page, 4 },
	{ "G26 a device of EL2's", g26_emulated_device, 4 },
	{ "G27 descriptor by addition", g27_descriptor_by_addition, 4 },
	{ "G27 image in another VM's page", g27_page_of_another, 4 },
	{ "G28 window for images", g28_window_for_images, FW_MAX_CHUNKS },
	{ "G35 map of a page that is back", g35_map_of_a_page_that_is_back, 4 },
	{ "G36 alias of an image page", g36_alias_of_an_image_page, 4 },
	{ "G37 more than 512 pages", g37_more_than_512_pages, 4 },
	{ "G39 host writes to an image", g39_host_writes_to_an_image, 4 },
	{ "G40 size and place of an image", g40_size_of_an_image, 4 },
	{ "G65 wrong argument checked", g65_wrong_argument, 4 },
	{ NULL, NULL, 0 },
};
