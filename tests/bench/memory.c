/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A firmware that measures itself: the whole of the corevisor, which boots as
 * it always does and then, in place of entering the host, runs the operations
 * that only a VM can ask for, on this board, and says what each cost.
 *
 * ./hypsec bench memory starts it and reads its lines on EL2's console:
 *
 *	bench: NAME VMS INSTRUCTIONS COUNT
 *
 * INSTRUCTIONS in all for COUNT units, with VMS other VMs present. The cycle
 * counter counts instructions, since the board is started with -icount.
 */
#include "arch/cpu.h"
#include "arch/sysreg.h"
#include "core/boot_ops.h"
#include "core/console.h"
#include "core/el2_layout.h"
#include "core/locks.h"
#include "core/mem_handler.h"
#include "core/mem_manager.h"
#include "core/mem_region.h"
#include "core/memory_ops.h"
#include "core/npt_ops.h"
#include "core/page_manager.h"
#include "core/panic.h"
#include "core/phys_page.h"
#include "core/psci.h"
#include "core/spec_constants.h"

#define MIB		UINT64_C(0x100000)
/* As a part of RAM: behind what the board loads for the host. */
#define FIRST_PART	4
#define VM_BYTES	(64 * MIB)
#define BLOCKS		16u
#define PAGES		((uint64_t)PMD_PAGE_NUM)
#define VM_IPA		UINT64_C(0x40000000)

#define PMCR_E_LC	UINT64_C(0x41)
#define PMCNTEN_CYCLES	UINT64_C(0x80000000)
#define PMCCFILTR_NSH	UINT64_C(0x08000000)
#define MDCR_HPMN	UINT64_C(0x1f)

void __real_el2_enter_host(uint64_t context, uint64_t entry);
void __wrap_el2_enter_host(uint64_t context, uint64_t entry) NORETURN;
enum hv_status __real_el2_layout_compute(const struct board_info *info,
					 paddr_t start, uint64_t device_tables,
					 struct el2_layout *layout);
enum hv_status __wrap_el2_layout_compute(const struct board_info *info,
					 paddr_t start, uint64_t device_tables,
					 struct el2_layout *layout);

static uint64_t el2_bytes_used;
static uint64_t el2_bytes_given;
static paddr_t next_free;
static uint64_t overhead;
static uint32_t vms;

/* Also remembers what the boot found out. */
enum hv_status __wrap_el2_layout_compute(const struct board_info *info,
					 paddr_t start, uint64_t device_tables,
					 struct el2_layout *layout)
{
	enum hv_status status = __real_el2_layout_compute(
		info, start, device_tables, layout);

	el2_bytes_used = layout->end - info->carveout.base;
	el2_bytes_given = info->carveout.size;
	return status;
}

static void start_counter(void)
{
	sysreg_write(mdcr_el2, sysreg_read(mdcr_el2) & MDCR_HPMN);
	sysreg_write(pmccfiltr_el0, PMCCFILTR_NSH);
	sysreg_write(pmcntenset_el0, PMCNTEN_CYCLES);
	sysreg_write(pmcr_el0, PMCR_E_LC);
}

static uint64_t now(void)
{
	__asm__ volatile("isb" ::: "memory");
	return sysreg_read(pmccntr_el0);
}

/* Instructions since @start, without those of the measurement. */
static uint64_t since(uint64_t start)
{
	return now() - start - overhead;
}

static void say(const char *name, uint64_t instructions, uint64_t count)
{
	console_printf("bench: %s %u %lu %lu\n", name, vms, instructions,
		       count);
}

static void must(enum hv_status status)
{
	ASSERT(status == HV_OK);
}

/* RAM of the host's that nothing has touched, block aligned. */
static paddr_t fresh_ram(uint64_t bytes)
{
	paddr_t pa = next_free;

	next_free += bytes;
	ASSERT(mem_region_search(pa) != INVALID &&
	       mem_region_search(next_free - 1) == mem_region_search(pa));
	return pa;
}

/* Fresh RAM that the host has mapped by blocks. */
static paddr_t host_blocks(uint64_t bytes)
{
	paddr_t pa = fresh_ram(bytes);

	for (uint64_t offset = 0; offset < bytes; offset += PMD_SIZE) {
		must(map_page_host(pa + offset));
		ASSERT(get_level_s2pt(HOSTVISOR, pa + offset) == 2);
	}
	return pa;
}

static vmid_t new_vm(void)
{
	uint32_t vmid;

	must(register_kvm(&vmid));
	return vmid;
}

/* Gives @pages pages from @pa on to the VM; the instructions of that. */
static uint64_t map_pages(vmid_t vmid, ipa_t ipa, paddr_t pa, uint64_t pages)
{
	uint64_t start = now();

	for (uint64_t i = 0; i < pages; i++) {
		must(prot_and_map_vm_s2pt(vmid, ipa + i * PAGE_SIZE,
					  pa + i * PAGE_SIZE, 3));
	}
	return since(start);
}

static uint64_t map_blocks(vmid_t vmid, ipa_t ipa, paddr_t pa, uint64_t blocks)
{
	uint64_t start = now();

	for (uint64_t i = 0; i < blocks; i++) {
		must(prot_and_map_vm_s2pt(vmid, ipa + i * PMD_SIZE,
					  pa + i * PMD_SIZE, 2));
	}
	return since(start);
}

/* Answers to a VM's faults, out of blocks that the host has mapped. */
static void bench_faults(vmid_t vmid)
{
	paddr_t pa = host_blocks(BLOCKS * PMD_SIZE);
	uint64_t first = 0, others = 0;

	for (uint64_t i = 0; i < BLOCKS; i++) {
		ipa_t ipa = VM_IPA + i * PMD_SIZE;

		first += map_pages(vmid, ipa, pa + i * PMD_SIZE, 1);
		others += map_pages(vmid, ipa + PAGE_SIZE,
				    pa + i * PMD_SIZE + PAGE_SIZE, PAGES - 1);
	}
	say("vm-fault-page-first", first, BLOCKS);
	say("vm-fault-page", others, BLOCKS * (PAGES - 1));
	say("vm-fault-block",
	    map_blocks(vmid, VM_IPA + BLOCKS * PMD_SIZE,
		       host_blocks(BLOCKS * PMD_SIZE), BLOCKS), BLOCKS);
}

/* The first block of bench_faults() is shared and taken back. */
static void bench_shares(vmid_t vmid)
{
	paddr_t pa = walk_s2pt(vmid, VM_IPA) & S2_OA_MASK;
	uint64_t bytes = PAGES * PAGE_SIZE;
	uint64_t start = now();

	for (ipa_t ipa = VM_IPA; ipa < VM_IPA + bytes; ipa += PAGE_SIZE) {
		must(grant_stage2_sg_gpa(vmid, ipa, PAGE_SIZE));
	}
	say("grant-page", since(start), PAGES);
	start = now();
	must(grant_stage2_sg_gpa(vmid, VM_IPA, bytes));
	say("grant-range", since(start), PAGES);
	start = now();
	for (uint64_t i = 0; i < PAGES; i++) {
		must(map_page_host(pa + i * PAGE_SIZE));
	}
	say("host-maps-share", since(start), PAGES);
	start = now();
	must(revoke_stage2_sg_gpa(vmid, VM_IPA, bytes));
	say("revoke-range", since(start), PAGES);
	start = now();
	for (ipa_t ipa = VM_IPA; ipa < VM_IPA + bytes; ipa += PAGE_SIZE) {
		must(revoke_stage2_sg_gpa(vmid, ipa, PAGE_SIZE));
	}
	say("revoke-page-mapped", since(start), PAGES);
}

static void bench_pages(void)
{
	paddr_t pa = host_blocks(BLOCKS * PMD_SIZE);
	uint64_t start, first = 0, others = 0;

	for (uint64_t i = 0; i < BLOCKS; i++) {
		pfn_t pfn = (pa + i * PMD_SIZE) >> PAGE_SHIFT;

		acquire_lock_s2page();
		start = now();
		clear_pfn_host(pfn);
		first += since(start);
		start = now();
		for (uint64_t page = 1; page < PAGES; page++) {
			clear_pfn_host(pfn + page);
		}
		others += since(start);
		release_lock_s2page();
	}
	say("split-block", first, BLOCKS);
	say("unmap-host-page", others, BLOCKS * (PAGES - 1));
	acquire_lock_s2page();
	start = now();
	for (uint64_t page = 0; page < PAGES; page++) {
		clear_phys_page((pa >> PAGE_SHIFT) + page);
	}
	others = since(start);
	release_lock_s2page();
	say("scrub-page", others, PAGES);
}

/* Destroys a VM in steps, as the host does. */
static void bench_destroy(const char *total, const char *longest, vmid_t vmid,
			  uint64_t pages)
{
	uint64_t sum = 0, most = 0;
	enum hv_status status;

	do {
		uint64_t start = now();
		uint64_t spent;

		status = destroy_vm(vmid);
		spent = since(start);
		sum += spent;
		most = spent > most ? spent : most;
	} while (status == HV_EAGAIN);
	must(status);
	say(total, sum, pages);
	say(longest, most, 1);
}

static void bench_destroys(void)
{
	vmid_t vmid = new_vm();

	map_pages(vmid, VM_IPA, fresh_ram(VM_BYTES), VM_BYTES / PAGE_SIZE);
	bench_destroy("destroy-pages", "destroy-pages-call", vmid,
		      VM_BYTES / PAGE_SIZE);
	vmid = new_vm();
	map_blocks(vmid, VM_IPA, fresh_ram(VM_BYTES), VM_BYTES / PMD_SIZE);
	bench_destroy("destroy-blocks", "destroy-blocks-call", vmid,
		      VM_BYTES / PAGE_SIZE);
}

/* A VM with a block and a page; both host mappings were blocks. */
static vmid_t small_vm(paddr_t *page)
{
	paddr_t pa = host_blocks(2 * PMD_SIZE);
	vmid_t vmid = new_vm();

	map_blocks(vmid, VM_IPA, pa, 1);
	map_pages(vmid, VM_IPA + PMD_SIZE, pa + PMD_SIZE, 1);
	*page = pa + PMD_SIZE;
	return vmid;
}

/* One VM measured beside 0 to 14 others, which all have memory. */
static void bench_vms(void)
{
	ipa_t pages = VM_IPA + PMD_SIZE;
	uint64_t start;

	for (vms = 0; vms < COREVISOR - 1; vms++) {
		paddr_t pa;
		vmid_t vmid = small_vm(&pa);

		say("vms-fault",
		    map_pages(vmid, pages + PAGE_SIZE, pa + PAGE_SIZE,
			      PAGES - 1), PAGES - 1);
		start = now();
		must(grant_stage2_sg_gpa(vmid, pages, PMD_SIZE));
		must(revoke_stage2_sg_gpa(vmid, pages, PMD_SIZE));
		say("vms-share", since(start), PAGES);
		bench_destroy("vms-destroy", "vms-destroy-call", vmid,
			      2 * PAGES);
		small_vm(&pa);
	}
}

/* The way into the host ends here. */
void __wrap_el2_enter_host(uint64_t context, uint64_t entry)
{
	uint64_t start;
	vmid_t vmid;

	(void)context;
	(void)entry;
	start_counter();
	start = now();
	overhead = now() - start;
	next_free = (mem_region_get(0)->base +
		     mem_region_get(0)->size / FIRST_PART) & ~(PMD_SIZE - 1);
	say("el2-bytes", el2_bytes_used, el2_bytes_given);

	vmid = new_vm();
	bench_faults(vmid);
	bench_shares(vmid);
	bench_destroy("destroy-mixed", "destroy-mixed-call", vmid,
		      2 * BLOCKS * PAGES);
	bench_pages();
	bench_destroys();
	bench_vms();
	console_printf("bench: done 0 0 0\n");
	cpu_smc(PSCI_SYSTEM_OFF, 0, 0, 0);
	panic("the machine is still on");
}
