/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The banks of the SMMUs by the host's calls: who may have one, what may be
 * mapped into it, and how all of it ends. smmumodel.h has what devices reach.
 */
#include "opstate.h"

#include <pthread.h>

#include "core/boot_ops.h"
#include "core/dma_device.h"
#include "core/int_state.h"
#include "core/locks.h"
#include "core/mem_handler.h"
#include "core/npt_ops.h"
#include "core/page_manager.h"
#include "core/save_vm.h"
#include "core/smmu_cfg.h"
#include "core/smmu_ops.h"
#include "core/smmu_streams.h"
#include "core/spt_ops.h"
#include "smmumodel.h"
#include "tlbmodel.h"

#define SECRET	0x5a
#define READ	UINT64_C(0x40)
#define WRITE	UINT64_C(0x80)
#define RW	(READ | WRITE)
#define BANK	3u
#define BANK2	5u
#define SMMU	1u
#define PFN	OPS_PFN(2, 37)
#define PA	(PFN << 12)
#define GFN	(OPS_GFN + 5)
#define IOVA	(GFN << 12)
#define UART	UINT64_C(0x09000000)
#define MSI	UINT64_C(0x08020000)

static uint32_t owner_of(uint32_t bank, uint32_t smmu)
{
	uint32_t owner;

	acquire_lock_smmu();
	owner = get_smmu_cfg_vmid(bank, smmu);
	release_lock_smmu();
	return owner;
}

static enum hv_status map(uint64_t iova, uint64_t pfn, uint32_t bank)
{
	return el2_arm_lpae_map(iova, pfn << 12, RW, bank, SMMU);
}

static enum hv_status to_phys(uint64_t iova, uint32_t bank)
{
	uint64_t pa;

	return el2_arm_lpae_iova_to_phys(iova, bank, SMMU, &pa);
}

/* What the call says a bank leads to. */
static uint64_t phys_of(uint64_t iova, uint32_t bank)
{
	uint64_t pa = INVALID64;

	assert_done(el2_arm_lpae_iova_to_phys(iova, bank, SMMU, &pa));
	return pa;
}

/* Where devices of a bank get to; INVALID64 if nowhere. */
static uint64_t reaches(uint64_t iova, uint32_t bank, bool write)
{
	paddr_t pa;

	return smmumodel_translate(SMMU, bank, iova, write, &pa) ? pa :
								   INVALID64;
}

static void free_whole(uint32_t bank)
{
	enum hv_status status;

	do {
		status = el2_free_smmu_pgd(bank, SMMU);
	} while (status == HV_EAGAIN);
	assert_done(status);
}

static void destroy_whole(vmid_t vm)
{
	enum hv_status status;

	do {
		status = destroy_vm(vm);
	} while (status == HV_EAGAIN);
	assert_done(status);
}

static void start_host_bank(void)
{
	ops_start();
	assert_done(el2_alloc_smmu_pgd(BANK, HOSTVISOR, SMMU));
}

/* A VM with BANK. */
static vmid_t start_vm_bank(void)
{
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	assert_done(el2_alloc_smmu_pgd(BANK, vm, SMMU));
	return vm;
}

static const uint32_t not_ready[] = { UNUSED, MAPPED, VERIFIED, POWEROFF };

/* --- Numbers ----------------------------------------------------------- */

/* Every call with a bank and an SMMU. */
static void assert_all_refused(uint32_t bank, uint32_t smmu,
			       enum hv_status status)
{
	uint64_t pa;

	assert_refused(el2_alloc_smmu_pgd(bank, HOSTVISOR, smmu), status);
	assert_refused(el2_free_smmu_pgd(bank, smmu), status);
	assert_refused(el2_arm_lpae_map(PA, PA, RW, bank, smmu), status);
	assert_refused(el2_arm_lpae_clear(PA, bank, smmu), status);
	assert_refused(el2_arm_lpae_iova_to_phys(PA, bank, smmu, &pa), status);
	assert_refused(dma_device_set_stream(smmu, TEST_DMA_STREAM, bank),
		       status);
}

static void bad_numbers_are_refused(void)
{
	static const uint32_t banks[] = { 8, 16, 255, INVALID };
	static const uint32_t smmus[] = { 2, 3, INVALID };

	ops_start();
	for (size_t i = 0; i < ARRAY_SIZE(banks); i++) {
		assert_all_refused(banks[i], SMMU, HV_EINVAL);
	}
	for (size_t i = 0; i < ARRAY_SIZE(smmus); i++) {
		assert_all_refused(BANK, smmus[i], HV_EINVAL);
	}
}

static void calls_without_an_smmu_are_not_supported(void)
{
	static const struct machine without = {
		.ram = { { OPS_RAM2, OPS_RAM2_BYTES } },
		.nr_ram = 1,
		.el2 = { OPS_EL2, 4 * MIB },
		.pool_pages = 64,
		.arena_chunks = 2,
		.no_smmus = true,
	};

	machine_start(&without);
	g_assert_cmpint(el2_alloc_smmu_pgd(1, 0, 0), ==, HV_ENOTSUP);
	g_assert_cmpint(el2_free_smmu_pgd(1, 0), ==, HV_ENOTSUP);
	g_assert_cmpint(el2_arm_lpae_map(PA, PA, RW, 1, 0), ==, HV_ENOTSUP);
	g_assert_cmpint(el2_arm_lpae_clear(PA, 99, 99), ==, HV_ENOTSUP);
	g_assert_cmpint(to_phys(PA, 1), ==, HV_ENOTSUP);
	g_assert_cmpint(dma_device_set_stream(1, TEST_DMA_STREAM, 0), ==,
			HV_ENOTSUP);
	destroy_whole(ops_new_vm());
}

/* The bank that confines the host's devices is nobody's to change. */
static void bad_identity_bank_is_the_corevisors(void)
{
	uint64_t pa;
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	for (uint32_t smmu = 0; smmu < 2; smmu++) {
		g_assert_cmpuint(owner_of(0, smmu), ==, COREVISOR);
		assert_refused(el2_alloc_smmu_pgd(0, 0, smmu), HV_EPERM);
		assert_refused(el2_alloc_smmu_pgd(0, vm, smmu), HV_EPERM);
		assert_refused(el2_free_smmu_pgd(0, smmu), HV_EPERM);
		assert_refused(el2_arm_lpae_map(PA, PA, RW, 0, smmu), HV_EPERM);
		assert_refused(el2_arm_lpae_clear(PA, 0, smmu), HV_EPERM);
		assert_refused(el2_arm_lpae_iova_to_phys(PA, 0, smmu, &pa),
			       HV_EPERM);
	}
}

/* G69: a bank without an owner. */
static void g69_free_bank_does_nothing(void)
{
	ops_start();
	assert_refused(map(PA, PFN, BANK), HV_EPERM);
	assert_refused(el2_arm_lpae_clear(PA, BANK, SMMU), HV_EPERM);
	assert_refused(to_phys(PA, BANK), HV_EPERM);
	assert_refused(el2_free_smmu_pgd(BANK, SMMU), HV_OK);
}

/* --- Taking a bank ----------------------------------------------------- */

static void good_banks_are_taken(void)
{
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	for (uint32_t bank = 1; bank < 8; bank++) {
		vmid_t owner = bank % 2 == 0 ? vm : HOSTVISOR;

		assert_done(el2_alloc_smmu_pgd(bank, owner, 0));
		assert_done(el2_alloc_smmu_pgd(bank, vm, SMMU));
		g_assert_cmpuint(owner_of(bank, 0), ==, owner);
		g_assert_cmpuint(owner_of(bank, SMMU), ==, vm);
		g_assert_cmphex(phys_of(PA, bank), ==, 0);
		g_assert_cmphex(reaches(PA, bank, false), ==, INVALID64);
	}
	acquire_lock_vm(vm);
	g_assert_cmphex(get_vm_banks(vm), ==, 0xfe54);
	release_lock_vm(vm);
}

static void bad_bank_is_taken(void)
{
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	assert_done(el2_alloc_smmu_pgd(BANK, HOSTVISOR, SMMU));
	assert_done(el2_alloc_smmu_pgd(BANK2, vm, SMMU));
	for (vmid_t who = HOSTVISOR; who <= vm; who++) {
		assert_refused(el2_alloc_smmu_pgd(BANK, who, SMMU), HV_EBUSY);
		assert_refused(el2_alloc_smmu_pgd(BANK2, who, SMMU), HV_EBUSY);
	}
	/* The same bank of another SMMU is another bank. */
	assert_done(el2_alloc_smmu_pgd(BANK, vm, 0));
}

static void bad_bank_for_no_vm(void)
{
	static const vmid_t ids[] = { COREVISOR, COREVISOR + 1, 255, INVALID };

	ops_start();
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		assert_refused(el2_alloc_smmu_pgd(BANK, ids[i], SMMU),
			       HV_EINVAL);
	}
}

/* G69: only while the VM is being set up. */
static void g69_bank_for_a_vm_that_is_not_ready(void)
{
	vmid_t vm;

	ops_start();
	vm = ops_new_vm();
	for (size_t i = 0; i < ARRAY_SIZE(not_ready); i++) {
		ops_set_vm_state(vm, not_ready[i]);
		assert_refused(el2_alloc_smmu_pgd(BANK, vm, SMMU), HV_EPERM);
	}
}

/* --- The host's banks -------------------------------------------------- */

static void good_host_page_is_mapped_and_counted(void)
{
	start_host_bank();
	assert_done(el2_alloc_smmu_pgd(BANK2, HOSTVISOR, 0));
	ops_fill(PFN, SECRET);
	ops_host_touches(PFN);
	assert_done(map(PA, PFN, BANK));
	ops_assert_record(PFN, HOSTVISOR, 1, PFN + SMMU_HOST_OFFSET);
	g_assert_cmphex(reaches(PA | 0xabc, BANK, false), ==, PA | 0xabc);
	g_assert_cmphex(reaches(PA, BANK, true), ==, PA);
	g_assert_cmphex(reaches(PA - 1, BANK, false), ==, INVALID64);
	g_assert_cmphex(reaches(PA + PAGE_SIZE, BANK, false), ==, INVALID64);
	assert_done(el2_arm_lpae_map(PA, PA, RW, BANK2, 0));
	ops_assert_record(PFN, HOSTVISOR, 2, PFN + SMMU_HOST_OFFSET);
	/* It stays the host's as it was. */
	g_assert_true(ops_host_maps(PFN));
	ops_assert_filled(PFN, SECRET);
}

static void good_prot_is_read_write_or_both(void)
{
	static const struct {
		uint64_t prot;
		bool read, write;
	} cases[] = {
		{ READ, true, false },
		{ WRITE, false, true },
		{ RW, true, true },
		/* Nothing else counts. */
		{ RW | 0x73f | BIT(48) | BIT(54) | BIT(63), true, true },
		{ READ | 0x33, true, false },
	};

	start_host_bank();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t pa = PA + i * PAGE_SIZE;

		assert_done(el2_arm_lpae_map(pa, pa, cases[i].prot, BANK,
					     SMMU));
		g_assert_cmpint(reaches(pa, BANK, false) == pa, ==,
				cases[i].read);
		g_assert_cmpint(reaches(pa, BANK, true) == pa, ==,
				cases[i].write);
	}
}

static void bad_arguments_of_map(void)
{
	static const struct {
		uint64_t iova, pa, prot;
	} cases[] = {
		{ PA, PA, 0 },
		{ PA, PA, ~(RW | GENMASK(47, 12)) },
		{ PA, PA, RW | BIT(12) },
		{ PA, PA, RW | BIT(47) },
		{ PA + 1, PA + 1, RW },
		{ PA | 0x800, PA, RW },
		{ PA, PA | 0x800, RW },
		{ PA | BIT(40), PA | BIT(40), RW },
		{ PA, PA | BIT(40), RW },
		{ PA, PA | BIT(63), RW },
		{ PA | BIT(58), PA, RW },
		{ ~UINT64_C(0xfff), ~UINT64_C(0xfff), RW },
	};

	start_host_bank();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_refused(el2_arm_lpae_map(cases[i].iova, cases[i].pa,
						cases[i].prot, BANK, SMMU),
			       HV_EINVAL);
	}
}

/* G68: only the host's own RAM, and at its own address. */
static void g68_host_bank_maps_nothing_else(void)
{
	vmid_t vm;

	start_host_bank();
	vm = ops_new_vm();
	ops_give_page(vm, GFN, PFN);
	ops_give_page(vm, GFN + 1, PFN + 1);
	assert_done(ops_grant(vm, PFN + 1));
	/* A VM's, also when it is shared. */
	assert_refused(map(PA, PFN, BANK), HV_EPERM);
	assert_refused(map(PA + PAGE_SIZE, PFN + 1, BANK), HV_EPERM);
	/* EL2's, devices, a hole. */
	assert_refused(map(OPS_EL2, OPS_EL2 >> 12, BANK), HV_EPERM);
	assert_refused(map(UART, UART >> 12, BANK), HV_EPERM);
	assert_refused(map(MSI, MSI >> 12, BANK), HV_EPERM);
	assert_refused(map(SMMUMODEL_BASE(0), SMMUMODEL_BASE(0) >> 12, BANK),
		       HV_EPERM);
	assert_refused(map(OPS_HOLE, OPS_HOLE >> 12, BANK), HV_EPERM);
	assert_refused(map(0, 0, BANK), HV_EPERM);
	/* Elsewhere. */
	assert_refused(map(PA, PFN + 2, BANK), HV_EPERM);
	assert_refused(map(IOVA, PFN + 2, BANK), HV_EPERM);
	assert_refused(map((PFN + 2) << 12, PFN + 3, BANK), HV_EPERM);
}

/* What host and EL2 share is EL2's to read undisturbed. */
static void bad_shared_window_in_a_bank(void)
{
	start_host_bank();
	int_state_init(PA);
	assert_refused(map(PA, PFN, BANK), HV_EPERM);
	assert_refused(map(PA + HYPSEC_SHARED_SIZE - PAGE_SIZE,
			   PFN + (HYPSEC_SHARED_SIZE >> 12) - 1, BANK),
		       HV_EPERM);
	assert_done(map(PA - PAGE_SIZE, PFN - 1, BANK));
	assert_done(map(PA + HYPSEC_SHARED_SIZE,
			PFN + (HYPSEC_SHARED_SIZE >> 12), BANK));
	int_state_init(TEST_SHARED_BASE);
}

/* G68: a count stands for a mapping. */
static void g68_mapping_again_counts_nothing(void)
{
	start_host_bank();
	assert_done(map(PA, PFN, BANK));
	assert_refused(map(PA, PFN, BANK), HV_OK);
	assert_refused(el2_arm_lpae_map(PA, PA, READ, BANK, SMMU), HV_EBUSY);
	assert_refused(map(PA, PFN + 1, BANK), HV_EBUSY);
	ops_assert_record(PFN, HOSTVISOR, 1, PFN + SMMU_HOST_OFFSET);
}

static void g68_count_has_a_limit(void)
{
	start_host_bank();
	ops_set_record(PFN, HOSTVISOR, 15, PFN + SMMU_HOST_OFFSET);
	ops_set_record(PFN + 1, HOSTVISOR, 16, PFN + 1 + SMMU_HOST_OFFSET);
	assert_refused(map(PA + PAGE_SIZE, PFN + 1, BANK), HV_EPERM);
	assert_done(map(PA, PFN, BANK));
	ops_assert_record(PFN, HOSTVISOR, 16, PFN + SMMU_HOST_OFFSET);
}

/* I15: what the host's devices use goes to nobody, until they do not. */
static void g68_page_in_use_can_not_be_given_away(void)
{
	uint32_t idx;
	vmid_t vm;

	start_host_bank();
	vm = ops_new_vm();
	assert_done(el2_alloc_smmu_pgd(BANK2, vm, SMMU));
	assert_done(set_boot_info(vm, 0x80000000, PAGE_SIZE, &idx));
	assert_done(map(PA, PFN, BANK));
	assert_refused(prot_and_map_vm_s2pt(vm, IOVA, PA, 3), HV_EPERM);
	assert_refused(prot_and_map_vm_s2pt(vm, GFN >> 9 << 21,
					    PFN >> 9 << 21, 2), HV_EPERM);
	assert_refused(remap_vm_image(vm, PFN, idx), HV_EPERM);
	assert_refused(map(IOVA, PFN, BANK2), HV_EPERM);
	assert_done(el2_arm_lpae_clear(PA, BANK, SMMU));
	ops_give_page(vm, GFN, PFN);
	g_assert_cmphex(reaches(PA, BANK, false), ==, INVALID64);
}

/* --- A VM's banks ------------------------------------------------------ */

static void good_host_page_becomes_the_vms(void)
{
	vmid_t vm = start_vm_bank();

	ops_fill(PFN, SECRET);
	ops_host_touches(PFN);
	g_assert_cmphex(reaches(PA, 0, false), ==, PA);
	assert_done(map(IOVA, PFN, BANK));
	ops_assert_record(PFN, vm, INVALID, GFN);
	/* G34 */
	ops_assert_filled(PFN, 0);
	g_assert_false(ops_host_maps(PFN));
	g_assert_cmphex(reaches(PA, 0, false), ==, INVALID64);
	g_assert_cmphex(reaches(IOVA, BANK, true), ==, PA);
	g_assert_cmphex(phys_of(IOVA | 7, BANK), ==, PA | 7);
	g_assert_cmphex(ops_vm_pfn(vm, GFN), ==, INVALID64);
	assert_refused(map(IOVA, PFN, BANK), HV_OK);
}

/* What the VM has keeps its content and its shares. */
static void good_vms_own_page_stays_as_it_is(void)
{
	vmid_t vm = start_vm_bank();

	ops_give_page(vm, GFN, PFN);
	ops_fill(PFN, SECRET);
	assert_done(ops_grant(vm, PFN));
	assert_done(map(IOVA, PFN, BANK));
	ops_assert_record(PFN, vm, 1, GFN);
	ops_assert_filled(PFN, SECRET);
	g_assert_cmphex(reaches(IOVA, BANK, false), ==, PA);
}

static void good_page_of_a_block_is_mapped(void)
{
	vmid_t vm = start_vm_bank();

	ops_give_block(vm, OPS_GFN, OPS_PFN(3, 0));
	assert_done(map((OPS_GFN + 9) << 12, OPS_PFN(3, 9), BANK));
	assert_refused(map((OPS_GFN + 10) << 12, OPS_PFN(3, 11), BANK),
		       HV_EPERM);
}

/* G16: reserved is not shared; only the VM's own fault makes it private. */
static void g16_reserved_page_is_nobodys_but_the_vms(void)
{
	vmid_t vm = start_vm_bank();
	vmid_t other = ops_new_vm();
	uint32_t idx;

	assert_done(set_boot_info(vm, 0x80000000, PAGE_SIZE, &idx));
	assert_done(map(IOVA, PFN, BANK));
	assert_refused(map_page_host(PA), HV_EPERM);
	assert_refused(ops_grant(vm, PFN), HV_EPERM);
	assert_refused(ops_revoke(vm, PFN), HV_EPERM);
	assert_refused(prot_and_map_vm_s2pt(other, IOVA, PA, 3), HV_EPERM);
	assert_refused(prot_and_map_vm_s2pt(vm, IOVA + PAGE_SIZE, PA, 3),
		       HV_EPERM);
	assert_refused(remap_vm_image(vm, PFN, idx), HV_EPERM);
	assert_done(el2_alloc_smmu_pgd(BANK2, HOSTVISOR, SMMU));
	assert_refused(map(PA, PFN, BANK2), HV_EPERM);
	/* Its device may have written there already. */
	ops_fill(PFN, SECRET);
	ops_give_page(vm, GFN, PFN);
	ops_assert_record(PFN, vm, 0, GFN);
	ops_assert_filled(PFN, SECRET);
	assert_refused(map_page_host(PA), HV_EPERM);
	assert_done(ops_grant(vm, PFN));
	ops_host_touches(PFN);
}

/* G15, G68 */
static void g68_vm_bank_maps_nothing_elses(void)
{
	vmid_t vm = start_vm_bank();
	vmid_t other = ops_new_vm();

	ops_give_page(other, GFN, PFN);
	ops_give_page(vm, GFN, PFN + 1);
	assert_refused(map(IOVA, PFN, BANK), HV_EPERM);
	assert_refused(map(IOVA + PAGE_SIZE, PFN + 1, BANK), HV_EPERM);
	assert_refused(map(OPS_EL2, OPS_EL2 >> 12, BANK), HV_EPERM);
	assert_refused(map(UART, UART >> 12, BANK), HV_EPERM);
	assert_refused(map(MSI, MSI >> 12, BANK), HV_EPERM);
	assert_refused(map(SMMUMODEL_BASE(1), SMMUMODEL_BASE(1) >> 12, BANK),
		       HV_EPERM);
	assert_refused(map(IOVA + PAGE_SIZE, OPS_HOLE >> 12, BANK), HV_EPERM);
	ops_set_record(PFN + 2, HOSTVISOR, 1, PFN + 2 + SMMU_HOST_OFFSET);
	assert_refused(map(IOVA + PAGE_SIZE, PFN + 2, BANK), HV_EPERM);
	/* One page, one place. */
	assert_done(map(IOVA + PAGE_SIZE, PFN + 3, BANK));
	assert_refused(map(IOVA + 2 * PAGE_SIZE, PFN + 3, BANK), HV_EPERM);
	assert_refused(map(IOVA + PAGE_SIZE, PFN + 4, BANK), HV_EBUSY);
}

/* G33: what devices reach is settled when the VM is verified. */
static void g33_bank_of_a_vm_that_is_not_ready(void)
{
	vmid_t vm = start_vm_bank();

	assert_done(map(IOVA, PFN, BANK));
	for (size_t i = 0; i < ARRAY_SIZE(not_ready); i++) {
		ops_set_vm_state(vm, not_ready[i]);
		assert_refused(map(IOVA + PAGE_SIZE, PFN + 1, BANK), HV_EPERM);
		assert_refused(el2_arm_lpae_clear(IOVA, BANK, SMMU), HV_EPERM);
		g_assert_cmphex(phys_of(IOVA, BANK), ==, PA);
	}
}

/* The steps on one page, as a caller that has checked nothing. */
static enum hv_status assign_and_map(vmid_t vm, uint64_t pfn, bool assign)
{
	enum hv_status status;

	acquire_lock_smmu();
	acquire_lock_vm(vm);
	acquire_lock_s2page();
	status = assign ? smmu_assign_page(BANK, SMMU, pfn, GFN) :
			  smmu_map_page(BANK, SMMU, IOVA, pfn << 12 | 0x4ff);
	release_lock_s2page();
	release_lock_vm(vm);
	release_lock_smmu();
	return status;
}

static void g68_steps_refuse_by_themselves(void)
{
	vmid_t vm = start_vm_bank();
	vmid_t other = ops_new_vm();

	ops_give_page(other, GFN, PFN);
	ops_give_page(vm, GFN + 1, PFN + 1);
	for (uint32_t assign = 0; assign < 2; assign++) {
		assert_refused(assign_and_map(vm, PFN, assign), HV_EPERM);
		assert_refused(assign_and_map(vm, PFN + 1, assign), HV_EPERM);
		assert_refused(assign_and_map(vm, OPS_EL2 >> 12, assign),
			       HV_EPERM);
		assert_refused(assign_and_map(vm, UART >> 12, assign),
			       HV_EPERM);
	}
	/* A page of the host's has to become the VM's first. */
	assert_refused(assign_and_map(vm, PFN + 2, false), HV_EPERM);
	ops_give_page(vm, GFN, PFN + 3);
	assert_refused(assign_and_map(vm, PFN + 3, true), HV_OK);
	assert_done(assign_and_map(vm, PFN + 3, false));
	g_assert_cmphex(reaches(IOVA, BANK, false), ==, (PFN + 3) << 12);
}

/* --- A VM and its devices see the same --------------------------------- */

static void g33_fault_gets_the_devices_page(void)
{
	vmid_t vm = start_vm_bank();

	assert_done(map(IOVA, PFN, BANK));
	ops_set_vm_state(vm, VERIFIED);
	assert_refused(prot_and_map_vm_s2pt(vm, IOVA, PA + PAGE_SIZE, 3),
		       HV_EPERM);
	/* A block that would have another page there. */
	assert_refused(prot_and_map_vm_s2pt(vm, OPS_GFN << 12,
					    OPS_PFN(4, 0) << 12, 2), HV_EPERM);
	ops_give_page(vm, GFN, PFN);
	ops_give_page(vm, GFN + 1, PFN + 1);
}

static void g33_block_with_the_devices_page(void)
{
	vmid_t vm = start_vm_bank();

	assert_done(map((OPS_GFN + 5) << 12, OPS_PFN(4, 5), BANK));
	ops_set_vm_state(vm, VERIFIED);
	ops_give_block(vm, OPS_GFN, OPS_PFN(4, 0));
	ops_assert_record(OPS_PFN(4, 5), vm, 0, OPS_GFN + 5);
}

static void g33_image_page_is_the_devices_page(void)
{
	vmid_t vm = start_vm_bank();
	uint32_t idx;

	assert_done(set_boot_info(vm, IOVA, 2 * PAGE_SIZE, &idx));
	assert_done(map(IOVA + PAGE_SIZE, PFN, BANK));
	assert_done(remap_vm_image(vm, PFN + 1, idx));
	assert_refused(remap_vm_image(vm, PFN + 2, idx), HV_EPERM);
	/* The other way round. */
	assert_refused(map(IOVA, PFN + 3, BANK), HV_EPERM);
	assert_done(map(IOVA, PFN + 1, BANK));
}

static void g33_two_banks_have_one_page(void)
{
	vmid_t vm = start_vm_bank();

	assert_done(el2_alloc_smmu_pgd(BANK2, vm, 0));
	assert_done(map(IOVA, PFN, BANK));
	assert_refused(el2_arm_lpae_map(IOVA, PA + PAGE_SIZE, RW, BANK2, 0),
		       HV_EPERM);
	assert_done(el2_arm_lpae_map(IOVA, PA, READ, BANK2, 0));
	ops_give_page(vm, GFN, PFN);
}

static void g33_device_page_is_no_ram_of_the_banks(void)
{
	vmid_t vm = start_vm_bank();

	assert_done(map(UART, PFN, BANK));
	assert_refused(kvm_phys_addr_ioremap(vm, UART, UART, PAGE_SIZE),
		       HV_EPERM);
	assert_done(kvm_phys_addr_ioremap(vm, UART + PAGE_SIZE, UART,
					  PAGE_SIZE));
	assert_refused(map(UART + PAGE_SIZE, PFN + 1, BANK), HV_EPERM);
}

/* --- Table memory ------------------------------------------------------ */

/* G31: no memory for tables, and no page has moved. */
static void g31_map_without_table_memory(void)
{
	vmid_t vm = start_vm_bank();
	uint64_t n = 0;

	/* Two tables each. */
	while (map(n << 30, PFN + n, BANK) == HV_OK) {
		ops_assert_record(PFN + n, vm, INVALID, n << 18);
		n++;
		g_assert_cmpuint(n, <, 1024);
	}
	ops_fill(PFN + n, SECRET);
	assert_refused(map(n << 30, PFN + n, BANK), HV_ENOMEM);
	/* Where the tables are, there is room. */
	assert_done(map(PAGE_SIZE, PFN + n, BANK));
	/* Another bank has its own share. */
	assert_done(el2_alloc_smmu_pgd(BANK2, HOSTVISOR, SMMU));
	destroy_whole(vm);
	assert_done(el2_alloc_smmu_pgd(BANK, HOSTVISOR, SMMU));
	assert_done(map(PA, PFN, BANK));
}

/* --- Unmapping --------------------------------------------------------- */

static void g69_cleared_page_is_reached_no_more(void)
{
	start_host_bank();
	assert_done(map(PA, PFN, BANK));
	assert_done(map(PA + PAGE_SIZE, PFN + 1, BANK));
	assert_done(el2_arm_lpae_clear(PA, BANK, SMMU));
	g_assert_cmphex(reaches(PA, BANK, false), ==, INVALID64);
	g_assert_cmphex(reaches(PA + PAGE_SIZE, BANK, false), ==,
			PA + PAGE_SIZE);
	g_assert_cmpuint(smmumodel_stale(), ==, 0);
	ops_assert_record(PFN, HOSTVISOR, 0, PFN + SMMU_HOST_OFFSET);
	ops_assert_record(PFN + 1, HOSTVISOR, 1, PFN + 1 + SMMU_HOST_OFFSET);
	/* Once more is nothing, also for the count of page 0. */
	assert_refused(el2_arm_lpae_clear(PA, BANK, SMMU), HV_OK);
	assert_done(map(PA, PFN, BANK));
	/* Nor is any count ever less than nothing. */
	ops_set_record(PFN, HOSTVISOR, 0, PFN + SMMU_HOST_OFFSET);
	assert_done(el2_arm_lpae_clear(PA, BANK, SMMU));
	ops_assert_record(PFN, HOSTVISOR, 0, PFN + SMMU_HOST_OFFSET);
}

static void good_cleared_page_of_a_vm_stays_its(void)
{
	vmid_t vm = start_vm_bank();

	assert_done(map(IOVA, PFN, BANK));
	assert_done(el2_arm_lpae_clear(IOVA, BANK, SMMU));
	ops_assert_record(PFN, vm, INVALID, GFN);
	g_assert_cmphex(reaches(IOVA, BANK, false), ==, INVALID64);
	assert_refused(map_page_host(PA), HV_EPERM);
	assert_done(map(IOVA, PFN, BANK));
}

static void bad_addresses_of_clear(void)
{
	start_host_bank();
	assert_done(map(PA, PFN, BANK));
	assert_refused(el2_arm_lpae_clear(PA + 1, BANK, SMMU), HV_EINVAL);
	assert_refused(el2_arm_lpae_clear(PA | BIT(40), BANK, SMMU),
		       HV_EINVAL);
	assert_refused(el2_arm_lpae_clear(PA | BIT(63), BANK, SMMU),
		       HV_EINVAL);
	assert_refused(to_phys(PA | BIT(40), BANK), HV_EINVAL);
	assert_refused(to_phys(~UINT64_C(0), BANK), HV_EINVAL);
}

/* --- Freeing ----------------------------------------------------------- */

/* More pages than one call lets go of. */
#define MANY 700u

static void map_many(void)
{
	start_host_bank();
	for (uint64_t i = 0; i < MANY; i++) {
		assert_done(map(PA + i * PAGE_SIZE, PFN + i, BANK));
	}
}

static void assert_counts(uint32_t count)
{
	for (uint64_t i = 0; i < MANY; i++) {
		ops_assert_record(PFN + i, HOSTVISOR, count,
				  PFN + i + SMMU_HOST_OFFSET);
	}
}

static void g68_freed_bank_counts_nothing(void)
{
	map_many();
	assert_counts(1);
	g_assert_cmpint(el2_free_smmu_pgd(BANK, SMMU), ==, HV_EAGAIN);
	assert_done(el2_free_smmu_pgd(BANK, SMMU));
	assert_counts(0);
	g_assert_cmpuint(owner_of(BANK, SMMU), ==, INVALID);
	/* Its memory is gone too. */
	g_assert_cmphex(get_smmu_cfg_hw_ttbr(BANK, SMMU), ==, 0);
	assert_refused(el2_free_smmu_pgd(BANK, SMMU), HV_OK);
}

/* Holds of s2page so far. */
static unsigned int holds;

static void count_holds(const struct native_event *event)
{
	smmumodel_event(event);
	holds += event->op == NATIVE_LOCK && event->a == RANK_S2PAGE ? 1 : 0;
}

/* G37: few pages, but each in a table of its own, which is looked through. */
static void g37_sparse_bank_is_freed_in_short_holds(void)
{
	unsigned int tables = 0;

	start_host_bank();
	for (paddr_t pa = TEST_RAM_BASE; pa < TEST_EL2_BASE; pa += PMD_SIZE) {
		tables += map(pa, pa >> PAGE_SHIFT, BANK) == HV_OK ? 1 : 0;
	}
	g_assert_cmpuint(tables, >, 4);
	holds = 0;
	native_watch(count_holds);
	assert_done(el2_free_smmu_pgd(BANK, SMMU));
	tlbmodel_start();
	g_assert_cmpuint(holds, >, tables);
}

/* G69: nothing is reached from the first step on, and nothing comes back. */
static void g69_bank_that_is_being_freed(void)
{
	map_many();
	g_assert_cmpint(el2_free_smmu_pgd(BANK, SMMU), ==, HV_EAGAIN);
	for (uint64_t i = 0; i < MANY; i++) {
		g_assert_cmphex(reaches(PA + i * PAGE_SIZE, BANK, false), ==,
				INVALID64);
	}
	g_assert_cmpuint(smmumodel_stale(), ==, 0);
	assert_refused(el2_alloc_smmu_pgd(BANK, HOSTVISOR, SMMU), HV_EBUSY);
	assert_refused(map(PA, PFN, BANK), HV_EBUSY);
	assert_refused(el2_arm_lpae_clear(PA, BANK, SMMU), HV_EBUSY);
	assert_refused(dma_device_set_stream(SMMU, TEST_DMA_STREAM, BANK),
		       HV_EBUSY);
	g_assert_cmphex(phys_of(PA, BANK), ==, 0);
	free_whole(BANK);
	assert_done(el2_alloc_smmu_pgd(BANK, HOSTVISOR, SMMU));
	g_assert_cmphex(phys_of(PA, BANK), ==, 0);
	assert_done(map(PA, PFN, BANK));
	g_assert_cmpint(el2_free_smmu_pgd(BANK, SMMU), ==, HV_OK);
	assert_counts(0);
}

/* The host points a stream at it meanwhile: it faults, then and afterwards. */
static void g69_stream_of_a_bank_that_is_being_freed(void)
{
	paddr_t pa;

	map_many();
	g_assert_cmpint(el2_free_smmu_pgd(BANK, SMMU), ==, HV_EAGAIN);
	acquire_lock_smmu();
	assert_done(smmu_streams_write_smr(SMMU, 0, 0x80000000 |
					   TEST_DMA_STREAM));
	assert_done(smmu_streams_write_s2cr(SMMU, 0, BANK));
	smmu_streams_write_scr0(SMMU, 0);
	release_lock_smmu();
	g_assert_false(smmumodel_dma(SMMU, TEST_DMA_STREAM, PA, false, &pa));
	free_whole(BANK);
	g_assert_false(smmumodel_dma(SMMU, TEST_DMA_STREAM, PA, false, &pa));
	assert_done(el2_alloc_smmu_pgd(BANK, ops_new_vm(), SMMU));
	assert_done(map(IOVA, PFN, BANK));
	g_assert_false(smmumodel_dma(SMMU, TEST_DMA_STREAM, IOVA, false, &pa));
}

/* One call looks at so much; it holds s2page for a part of that only. */
static void g37_free_is_done_in_steps(void)
{
	uint64_t left = 0;

	map_many();
	g_assert_cmpint(el2_free_smmu_pgd(BANK, SMMU), ==, HV_EAGAIN);
	acquire_lock_s2page();
	for (uint64_t i = 0; i < MANY; i++) {
		left += get_pfn_count(PFN + i);
	}
	release_lock_s2page();
	g_assert_cmpuint(left, >=, MANY - MAX_PAGES_PER_CALL);
}

static void g69_vm_bank_is_freed_when_the_vm_is_off(void)
{
	static const uint32_t alive[] = { READY, MAPPED, VERIFIED };
	vmid_t vm = start_vm_bank();

	assert_done(map(IOVA, PFN, BANK));
	for (size_t i = 0; i < ARRAY_SIZE(alive); i++) {
		ops_set_vm_state(vm, alive[i]);
		assert_refused(el2_free_smmu_pgd(BANK, SMMU), HV_EPERM);
	}
	ops_set_vm_state(vm, POWEROFF);
	assert_done(el2_free_smmu_pgd(BANK, SMMU));
	g_assert_cmpuint(owner_of(BANK, SMMU), ==, INVALID);
	ops_assert_record(PFN, vm, INVALID, GFN);
	assert_refused(map_page_host(PA), HV_EPERM);
	/* The next owner finds nothing of it. */
	assert_done(el2_alloc_smmu_pgd(BANK, HOSTVISOR, SMMU));
	g_assert_cmphex(phys_of(IOVA, BANK), ==, 0);
	g_assert_cmphex(reaches(IOVA, BANK, false), ==, INVALID64);
	destroy_whole(vm);
	ops_assert_reclaimed(PFN);
	g_assert_cmpuint(owner_of(BANK, SMMU), ==, HOSTVISOR);
}

/* --- The end of a VM --------------------------------------------------- */

static void g69_destroy_finds_what_banks_name(void)
{
	vmid_t vm = start_vm_bank();

	assert_done(el2_alloc_smmu_pgd(BANK2, vm, 0));
	for (uint64_t i = 0; i < 40; i++) {
		assert_done(map(IOVA + (i << 24), PFN + i, BANK));
		ops_fill(PFN + i, SECRET);
	}
	assert_done(el2_arm_lpae_map(IOVA + PAGE_SIZE, PA - PAGE_SIZE, RW,
				     BANK2, 0));
	destroy_whole(vm);
	for (uint64_t i = 0; i < 40; i++) {
		ops_assert_reclaimed(PFN + i);
	}
	ops_assert_reclaimed(PFN - 1);
	g_assert_cmpuint(owner_of(BANK, SMMU), ==, INVALID);
	g_assert_cmpuint(owner_of(BANK2, 0), ==, INVALID);
	/* The id's next VM has nothing of it. */
	g_assert_cmpuint(ops_new_vm(), ==, vm);
	assert_done(el2_alloc_smmu_pgd(BANK, vm, SMMU));
	g_assert_cmphex(phys_of(IOVA, BANK), ==, 0);
}

/* I27: in steps; its banks are its until the last, and reach nothing. */
static void g69_destroy_in_steps(void)
{
	vmid_t vm = start_vm_bank();

	for (uint64_t i = 0; i < MANY; i++) {
		assert_done(map(IOVA + i * PAGE_SIZE, PFN + MANY - 1 - i,
				BANK));
	}
	g_assert_cmpint(destroy_vm(vm), ==, HV_EAGAIN);
	/* In the order of the bank's table, not of RAM. */
	ops_assert_reclaimed(PFN + MANY - 1);
	ops_assert_record(PFN, vm, INVALID, GFN + MANY - 1);
	g_assert_cmpuint(owner_of(BANK, SMMU), ==, vm);
	for (uint64_t i = 0; i < MANY; i++) {
		g_assert_cmphex(reaches(IOVA + i * PAGE_SIZE, BANK, false), ==,
				INVALID64);
	}
	assert_refused(map(IOVA, PFN, BANK), HV_EPERM);
	assert_refused(el2_alloc_smmu_pgd(BANK2, vm, SMMU), HV_EPERM);
	g_assert_cmphex(phys_of(IOVA, BANK), ==, 0);
	destroy_whole(vm);
	for (uint64_t i = 0; i < MANY; i++) {
		ops_assert_reclaimed(PFN + i);
	}
	g_assert_cmpuint(owner_of(BANK, SMMU), ==, INVALID);
}

/* A bank that is freed while its VM is being destroyed. */
static void g69_free_in_the_middle_of_destroy(void)
{
	vmid_t vm = start_vm_bank();

	assert_done(el2_alloc_smmu_pgd(BANK2, vm, SMMU));
	for (uint64_t i = 0; i < MANY; i++) {
		assert_done(map(IOVA + i * PAGE_SIZE, PFN + i,
				i % 2 == 0 ? BANK : BANK2));
	}
	for (uint64_t i = MANY; i < 2 * MANY; i++) {
		assert_done(map(IOVA + i * PAGE_SIZE, PFN + i, BANK));
	}
	g_assert_cmpint(destroy_vm(vm), ==, HV_EAGAIN);
	assert_done(el2_free_smmu_pgd(BANK, SMMU));
	/* Its table memory is somebody else's now. */
	assert_done(el2_alloc_smmu_pgd(BANK, HOSTVISOR, SMMU));
	assert_done(map(PA - PAGE_SIZE, PFN - 1, BANK));
	destroy_whole(vm);
	for (uint64_t i = 0; i < 2 * MANY; i++) {
		ops_assert_reclaimed(PFN + i);
	}
	ops_assert_record(PFN - 1, HOSTVISOR, 1, PFN - 1 + SMMU_HOST_OFFSET);
	g_assert_cmpuint(owner_of(BANK2, SMMU), ==, INVALID);
	g_assert_cmpuint(owner_of(BANK, SMMU), ==, HOSTVISOR);
}

/* Pages zeroed, and those of them while some CPU holds smmu. */
static unsigned int zeroed, zeroed_with_smmu;
static bool smmu_is_held;

static void watch_zeroing(const struct native_event *event)
{
	if (event->op == NATIVE_LOCK || event->op == NATIVE_UNLOCK) {
		if (event->a == RANK_SMMU) {
			smmu_is_held = event->op == NATIVE_LOCK;
		}
	} else if (event->op == NATIVE_ZERO && event->a < TEST_SPT_BASE) {
		zeroed++;
		zeroed_with_smmu += smmu_is_held ? 1 : 0;
	}
}

/* Who needs an SMMU does not wait for pages to be scrubbed. */
static void g37_smmu_is_free_while_pages_come_back(void)
{
	vmid_t vm = start_vm_bank();

	for (uint64_t i = 0; i < 8; i++) {
		assert_done(map(IOVA + i * PAGE_SIZE, PFN + i, BANK));
	}
	zeroed = zeroed_with_smmu = 0;
	native_watch(watch_zeroing);
	ops_set_vm_state(vm, POWEROFF);
	assert_done(clear_vm_stage2_range(vm, PA, 4 * PAGE_SIZE));
	g_assert_cmpuint(zeroed, ==, 4);
	destroy_whole(vm);
	g_assert_cmpuint(zeroed, ==, 8);
	g_assert_cmpuint(zeroed_with_smmu, ==, 0);
}

static void g69_clear_gives_reserved_pages_back(void)
{
	vmid_t vm = start_vm_bank();

	assert_done(map(IOVA, PFN, BANK));
	assert_done(map(IOVA + PAGE_SIZE, PFN + 1, BANK));
	ops_fill(PFN, SECRET);
	assert_refused(clear_vm_stage2_range(vm, 0, KVM_PHYS_SIZE), HV_EPERM);
	ops_set_vm_state(vm, POWEROFF);
	assert_done(clear_vm_stage2_range(vm, PA, PAGE_SIZE));
	ops_assert_reclaimed(PFN);
	ops_assert_record(PFN + 1, vm, INVALID, GFN + 1);
	/* No device reaches what is left either. */
	g_assert_cmphex(reaches(IOVA + PAGE_SIZE, BANK, false), ==, INVALID64);
	g_assert_cmpuint(owner_of(BANK, SMMU), ==, vm);
	assert_done(clear_vm_stage2_range(vm, 0, KVM_PHYS_SIZE));
	ops_assert_reclaimed(PFN + 1);
	destroy_whole(vm);
	g_assert_cmpuint(owner_of(BANK, SMMU), ==, INVALID);
}

static void good_scrub_stops_banks(void)
{
	vmid_t vm = start_vm_bank();

	assert_done(map(IOVA, PFN, BANK));
	ops_fill(PFN, SECRET);
	mem_handler_scrub_all();
	g_assert_cmphex(reaches(IOVA, BANK, false), ==, INVALID64);
	ops_assert_filled(PFN, 0);
	ops_assert_record(PFN, vm, INVALID, GFN);
	assert_refused(map(IOVA, PFN, BANK), HV_EPERM);
}

/* What a VM's devices hold cannot be saved with it. */
static void bad_save_of_a_vm_with_a_bank(void)
{
	vmid_t vm = start_vm_bank();
	vmid_t other = ops_new_vm();

	ops_give_page(vm, GFN, PFN);
	ops_give_page(other, GFN, PFN + 1);
	assert_done(map(IOVA, PFN, BANK));
	ops_set_vm_state(vm, VERIFIED);
	ops_set_vm_state(other, VERIFIED);
	ops_set_vcpu_state(vm, 0, READY);
	assert_refused(save_encrypt_buf(vm, PA, PA + 16 * PAGE_SIZE,
					PA + 17 * PAGE_SIZE), HV_EPERM);
	assert_refused(save_encrypted_vcpu(vm, 0), HV_EPERM);
	assert_done(save_encrypt_buf(other, PA + PAGE_SIZE,
				     PA + 16 * PAGE_SIZE,
				     PA + 17 * PAGE_SIZE));
}

/* --- Two CPUs ---------------------------------------------------------- */

#define ROUNDS 60u

static void *map_on_cpu_1(void *vmid)
{
	vmid_t vm = *(vmid_t *)vmid;

	machine_become_cpu(1);
	for (uint64_t i = 0; i < ROUNDS; i++) {
		enum hv_status status = map(IOVA + i * PAGE_SIZE, PFN + i,
					    BANK);

		g_assert_true(status == HV_OK || status == HV_EPERM);
		status = el2_alloc_smmu_pgd(BANK2, vm, SMMU);
		g_assert_true(status == HV_OK || status == HV_EPERM ||
			      status == HV_EBUSY);
	}
	return NULL;
}

/* A VM that is destroyed while pages are mapped for it: all or nothing. */
static void g69_map_while_another_cpu_destroys(void)
{
	for (uint32_t round = 0; round < 20; round++) {
		vmid_t vm = start_vm_bank();
		pthread_t thread;

		g_assert_cmpint(pthread_create(&thread, NULL, map_on_cpu_1,
					       &vm), ==, 0);
		destroy_whole(vm);
		g_assert_cmpint(pthread_join(thread, NULL), ==, 0);
		g_assert_cmpuint(owner_of(BANK, SMMU), ==, INVALID);
		g_assert_cmpuint(owner_of(BANK2, SMMU), ==, INVALID);
		for (uint64_t i = 0; i < ROUNDS; i++) {
			ops_assert_reclaimed(PFN + i);
		}
	}
}

int main(int argc, char **argv)
{
	static const struct unit_test tests[] = {
		UNIT_TEST("/smmu-calls/numbers/bad", bad_numbers_are_refused),
		UNIT_TEST("/smmu-calls/numbers/no-smmu",
			  calls_without_an_smmu_are_not_supported),
		UNIT_TEST("/smmu-calls/numbers/identity-bank",
			  bad_identity_bank_is_the_corevisors),
		UNIT_TEST("/smmu-calls/numbers/g69_free-bank",
			  g69_free_bank_does_nothing),
		UNIT_TEST("/smmu-calls/alloc/good", good_banks_are_taken),
		UNIT_TEST("/smmu-calls/alloc/bad_taken", bad_bank_is_taken),
		UNIT_TEST("/smmu-calls/alloc/bad_no-vm", bad_bank_for_no_vm),
		UNIT_TEST("/smmu-calls/alloc/g69_not-ready",
			  g69_bank_for_a_vm_that_is_not_ready),
		UNIT_TEST("/smmu-calls/host/good_mapped-and-counted",
			  good_host_page_is_mapped_and_counted),
		UNIT_TEST("/smmu-calls/host/good_prot",
			  good_prot_is_read_write_or_both),
		UNIT_TEST("/smmu-calls/host/bad_arguments",
			  bad_arguments_of_map),
		UNIT_TEST("/smmu-calls/host/g68_nothing-else",
			  g68_host_bank_maps_nothing_else),
		UNIT_TEST("/smmu-calls/host/bad_shared-window",
			  bad_shared_window_in_a_bank),
		UNIT_TEST("/smmu-calls/host/g68_again",
			  g68_mapping_again_counts_nothing),
		UNIT_TEST("/smmu-calls/host/g68_limit", g68_count_has_a_limit),
		UNIT_TEST("/smmu-calls/host/g68_in-use",
			  g68_page_in_use_can_not_be_given_away),
		UNIT_TEST("/smmu-calls/vm/good_from-the-host",
			  good_host_page_becomes_the_vms),
		UNIT_TEST("/smmu-calls/vm/good_own-page",
			  good_vms_own_page_stays_as_it_is),
		UNIT_TEST("/smmu-calls/vm/good_page-of-a-block",
			  good_page_of_a_block_is_mapped),
		UNIT_TEST("/smmu-calls/vm/g16_reserved",
			  g16_reserved_page_is_nobodys_but_the_vms),
		UNIT_TEST("/smmu-calls/vm/g68_nothing-else",
			  g68_vm_bank_maps_nothing_elses),
		UNIT_TEST("/smmu-calls/vm/g68_steps",
			  g68_steps_refuse_by_themselves),
		UNIT_TEST("/smmu-calls/vm/g33_not-ready",
			  g33_bank_of_a_vm_that_is_not_ready),
		UNIT_TEST("/smmu-calls/agree/g33_fault",
			  g33_fault_gets_the_devices_page),
		UNIT_TEST("/smmu-calls/agree/g33_block",
			  g33_block_with_the_devices_page),
		UNIT_TEST("/smmu-calls/agree/g33_image",
			  g33_image_page_is_the_devices_page),
		UNIT_TEST("/smmu-calls/agree/g33_two-banks",
			  g33_two_banks_have_one_page),
		UNIT_TEST("/smmu-calls/agree/g33_ioremap",
			  g33_device_page_is_no_ram_of_the_banks),
		UNIT_TEST("/smmu-calls/g31_no-table-memory",
			  g31_map_without_table_memory),
		UNIT_TEST("/smmu-calls/clear/g69_reached-no-more",
			  g69_cleared_page_is_reached_no_more),
		UNIT_TEST("/smmu-calls/clear/good_vms-page",
			  good_cleared_page_of_a_vm_stays_its),
		UNIT_TEST("/smmu-calls/clear/bad_addresses",
			  bad_addresses_of_clear),
		UNIT_TEST("/smmu-calls/free/g68_counts",
			  g68_freed_bank_counts_nothing),
	UNIT_TEST("/smmu-calls/free/g37_sparse",
		  g37_sparse_bank_is_freed_in_short_holds),
		UNIT_TEST("/smmu-calls/free/g69_being-freed",
			  g69_bank_that_is_being_freed),
		UNIT_TEST("/smmu-calls/free/g69_stream-being-freed",
			  g69_stream_of_a_bank_that_is_being_freed),
		UNIT_TEST("/smmu-calls/free/g37_steps",
			  g37_free_is_done_in_steps),
		UNIT_TEST("/smmu-calls/free/g69_vm-bank",
			  g69_vm_bank_is_freed_when_the_vm_is_off),
		UNIT_TEST("/smmu-calls/end/g69_destroy",
			  g69_destroy_finds_what_banks_name),
		UNIT_TEST("/smmu-calls/end/g69_destroy-in-steps",
			  g69_destroy_in_steps),
		UNIT_TEST("/smmu-calls/end/g69_free-while-destroyed",
			  g69_free_in_the_middle_of_destroy),
		UNIT_TEST("/smmu-calls/end/g37_smmu-is-free",
			  g37_smmu_is_free_while_pages_come_back),
		UNIT_TEST("/smmu-calls/end/g69_clear",
			  g69_clear_gives_reserved_pages_back),
		UNIT_TEST("/smmu-calls/end/good_scrub", good_scrub_stops_banks),
		UNIT_TEST("/smmu-calls/end/bad_save",
			  bad_save_of_a_vm_with_a_bank),
		UNIT_TEST("/smmu-calls/g69_map-while-another-cpu-destroys",
			  g69_map_while_another_cpu_destroys),
	};

	return unit_main(argc, argv, tests, ARRAY_SIZE(tests));
}
