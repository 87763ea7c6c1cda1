/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the first C at EL2 to the host's first instruction.
 * Locks: none; one CPU until the host asks for more.
 */
#include <sodium/utils.h>
#include <string.h>

#include "arch/el2.h"
#include "arch/layout.h"
#include "arch/mem.h"
#include "arch/mmu.h"
#include "core/board_dt.h"
#include "core/console.h"
#include "core/dma_identity.h"
#include "core/dma_owner.h"
#include "core/el2_layout.h"
#include "core/keys.h"
#include "core/locks.h"
#include "core/mem_region.h"
#include "core/page_manager.h"
#include "core/panic.h"
#include "core/pcpu.h"
#include "core/platform.h"
#include "core/psci.h"
#include "core/pt_alloc.h"
#include "core/reset_scrub.h"
#include "core/shared_window.h"
#include "core/smmu_cfg.h"
#include "core/smmu_hw.h"
#include "core/smmu_streams.h"
#include "core/spt_ops.h"
#include "core/violation.h"
#include "core/vm_info.h"
#include "core/world.h"
#include "hypsec/boot_block.h"
#include "hypsec/inspect.h"
#include "plat/hypsec-virt/memmap.h"
#include "plat/hypsec-virt/plat.h"

#define MIB(bytes) ((bytes) >> 20)

void boot_main(paddr_t block_pa) NORETURN;
void boot_secondary(uint64_t index) NORETURN;

/* The per-CPU entries follow the description in the inspection page. */
#define INSPECT_CPUS_OFFSET	512
_Static_assert(sizeof(struct hypsec_inspect) <= INSPECT_CPUS_OFFSET &&
	       INSPECT_CPUS_OFFSET + TOTAL_CPU *
	       sizeof(struct hypsec_inspect_cpu) <= PAGE_SIZE,
	       "the inspection page is one page");

/* What the board handed over; its page is wiped. */
static struct hypsec_boot_block boot_block;

static void take_boot_block(paddr_t block_pa)
{
	el2_va_t va = pa_to_el2_va(block_pa);

	memcpy(&boot_block, el2_ptr(va), sizeof(boot_block));
	mem_zero(va, PAGE_SIZE);
	/* The keys leave memory too, not only the cache. */
	mem_clean_poc(va, PAGE_SIZE);
	if (boot_block.version != HYPSEC_BOOT_BLOCK_VERSION ||
	    boot_block.size != sizeof(boot_block)) {
		panic("boot block: version %u of %u bytes is not known",
		      boot_block.version, boot_block.size);
	}
	if (boot_block.on_violation != HYPSEC_ON_VIOLATION_REFUSE &&
	    boot_block.on_violation != HYPSEC_ON_VIOLATION_HALT) {
		panic("boot block: on-violation %u is not known",
		      boot_block.on_violation);
	}
	violation_set_halt(boot_block.on_violation ==
			   HYPSEC_ON_VIOLATION_HALT);
}

static void require(const char *what, const char *error)
{
	if (error != NULL) {
		panic("%s: %s", what, error);
	}
}

/*
 * Nothing of the board's does DMA from here on: what a reset left programmed
 * would reach what EL2 is about to scrub and to keep its secrets in.
 */
static void take_smmus(void)
{
	for (uint32_t i = 0; i < boot_block.nr_smmus; i++) {
		const struct hypsec_boot_smmu *smmu = &boot_block.smmus[i];
		uint32_t banks;

		require("SMMU", smmu_hw_check(smmu->base, smmu->size, &banks));
		if (smmu_cfg_add(smmu->base, smmu->size, banks) != HV_OK) {
			panic("SMMU: %u context banks at 0x%lx", banks,
			      smmu->base);
		}
		smmu_hw_take_over(i);
	}
	if (get_smmu_num() == 0) {
		console_printf("corevisor: no SMMU: DMA is not confined\n");
	}
}

/* The host's devices reach the host's memory, and nothing else. */
static void start_dma(void)
{
	for (uint32_t i = 0; i < get_smmu_num(); i++) {
		acquire_lock_smmu();
		smmu_hw_bank_start(SMMU_IDENTITY_BANK, i, HOSTVISOR);
		release_lock_smmu();
		smmu_streams_init(i);
	}
}

/* The keys have one place; the copy of the block is not it. */
static void take_keys(void)
{
	if (!keys_set(boot_block.trusted_key, boot_block.sealing_key,
		      boot_block.seed)) {
		console_printf("corevisor: no trusted-key: VMs are checked "
			       "against the demo key, which is public\n");
	}
	sodium_memzero(boot_block.sealing_key, sizeof(boot_block.sealing_key));
	sodium_memzero(boot_block.seed, sizeof(boot_block.seed));
}

/* The tree, if the block's range for it is memory that EL2 maps. */
static void *device_tree(void)
{
	if (boot_block.dtb_base % sizeof(uint64_t) != 0 ||
	    boot_block.dtb_base < RAM_BASE ||
	    boot_block.dtb_base > boot_block.carveout_base ||
	    boot_block.dtb_size >
		    boot_block.carveout_base - boot_block.dtb_base) {
		panic("boot block: device tree is not in the host's RAM");
	}
	return el2_ptr(pa_to_el2_va(boot_block.dtb_base));
}

static void parse_board(const void *fdt, struct board_info *info)
{
	info->dtb.base = boot_block.dtb_base;
	info->carveout.base = boot_block.carveout_base;
	info->carveout.size = boot_block.carveout_size;
	require("device tree", board_dt_parse(fdt, boot_block.dtb_size, info));
	for (uint32_t i = 0; i < info->nr_memory; i++) {
		if (info->memory[i].base < RAM_BASE ||
		    info->memory[i].base + info->memory[i].size >
			    boot_block.carveout_base +
				    boot_block.carveout_size) {
			panic("device tree: RAM outside the board's");
		}
		if (mem_region_add(info->memory[i].base,
				   info->memory[i].size) != HV_OK) {
			panic("device tree: RAM range %u is malformed", i);
		}
	}
	if (info->kernel.size != 0) {
		const void *header =
			el2_ptr(pa_to_el2_va(info->kernel.base));

		require("hypsec,kernel", board_dt_check_kernel(header, info));
	}
}

/* Gives the carve-out's pages to EL2 in the fresh records. */
static void init_page_records(const struct board_info *info,
			      const struct el2_layout *layout)
{
	mem_zero(pa_to_el2_va(layout->records.base), layout->records.size);
	page_manager_init(layout->records.base, mem_region_pages());
	acquire_lock_s2page();
	dma_identity_init(layout->identity_root, layout->identity_pool.base,
			  layout->identity_pool.size);
	page_manager_reserve(info->carveout.base >> PAGE_SHIFT,
			     info->carveout.size >> PAGE_SHIFT);
	release_lock_s2page();
}

static struct hypsec_inspect *inspect_page(void)
{
	return el2_ptr(pa_to_el2_va(boot_block.carveout_base +
				    HYPSEC_INSPECT_OFFSET));
}

/* The image is mapped as one piece. */
static paddr_t image_pa_of(const void *object)
{
	return el2_image_pa() + ((uintptr_t)object - IMAGE_VA);
}

/* What has been published from version 3 on. */
static void publish_arrays(struct hypsec_inspect *page)
{
	const struct dma_device *devices;

	page->pool_count = PT_OWNERS;
	page->owned_base = image_pa_of(page_manager_owned_array());
	page->vcpu_offset = offsetof(struct vm_info, vcpu);
	page->vcpu_stride = sizeof(struct vcpu_info);
	page->vcpu_count = VCPU_PER_VM;
	page->corevisor = COREVISOR;
	page->smmu_base = image_pa_of(smmu_cfg_array(&page->smmu_stride,
						     &page->smmu_owner_offset));
	page->smmu_count = get_smmu_num();
	page->device_count = platform_dma_devices(&devices);
	page->device_base = image_pa_of(devices);
	page->device_stride = sizeof(*devices);
	page->device_owner_base = image_pa_of(dma_owner_array());
	page->device_owner_stride = sizeof(struct dma_owner);
	page->pcpu_base = image_pa_of(pcpu_boot());
	page->pcpu_stride = sizeof(struct pcpu);
	page->pcpu_held_offset = offsetof(struct pcpu, held);
}

static void publish(const struct el2_layout *layout)
{
	struct hypsec_inspect *page = inspect_page();

	page->version = HYPSEC_INSPECT_VERSION;
	page->size = sizeof(*page);
	page->nr_cpus = pcpu_count();
	page->cpu_base = boot_block.carveout_base + HYPSEC_INSPECT_OFFSET +
			 INSPECT_CPUS_OFFSET;
	page->cpu_stride = sizeof(struct hypsec_inspect_cpu);
	page->page_record_bytes = PAGE_RECORD_BYTES;
	page->image_pa = el2_image_pa();
	page->image_va = IMAGE_VA;
	page->image_bytes = el2_image_bytes();
	page->linear_base = LINEAR_BASE;
	page->page_base = layout->records.base;
	page->page_first_pfn = mem_region_get(0)->base >> PAGE_SHIFT;
	page->page_count = mem_region_pages();
	page->host_root = layout->root;
	page->pool_base = image_pa_of(pt_pool_array(&page->pool_stride));
	page->vm_base = image_pa_of(vm_info_array(&page->vm_stride));
	page->vm_count = COREVISOR;
	publish_arrays(page);
	__atomic_store_n(&page->magic, HYPSEC_INSPECT_MAGIC, __ATOMIC_RELEASE);
	platform_set_inspect(page);
}

static void add_cpu(uint64_t mpidr)
{
	uint8_t *page = (uint8_t *)inspect_page();
	size_t offset = INSPECT_CPUS_OFFSET +
			pcpu_count() * sizeof(struct hypsec_inspect_cpu);

	if (pcpu_add(mpidr, (struct hypsec_inspect_cpu *)(page + offset)) !=
	    HV_OK) {
		panic("device tree: cpu 0x%lx is malformed or there twice",
		      mpidr);
	}
}

/* The CPU that runs this is number 0, the others follow the tree's order. */
static void add_cpus(const struct board_info *info)
{
	uint64_t self = el2_mpidr();
	bool found = false;

	for (uint32_t i = 0; i < info->nr_cpus; i++) {
		found = found || info->mpidr[i] == self;
	}
	if (!found) {
		panic("device tree: no node for the boot cpu 0x%lx", self);
	}
	add_cpu(self);
	for (uint32_t i = 0; i < info->nr_cpus; i++) {
		if (info->mpidr[i] != self) {
			add_cpu(info->mpidr[i]);
		}
	}
}

static void init_memory(const struct board_info *info,
			struct el2_layout *layout)
{
	uint64_t scrubbed;

	if (el2_layout_compute(info,
			       info->carveout.base + CARVEOUT_POOL_OFFSET,
			       platform_partial_blocks(), layout) != HV_OK) {
		panic("el2-mem is too small: %lu MiB given, %lu MiB needed",
		      MIB(info->carveout.size),
		      MIB(layout->end - info->carveout.base + PMD_SIZE - 1));
	}
	scrubbed = reset_scrub(inspect_page(), info, layout);
	if (scrubbed != 0) {
		console_printf("corevisor: scrubbed %lu pages of the last "
			       "boot\n", scrubbed);
	}
	mem_zero(pa_to_el2_va(boot_block.carveout_base +
			      HYPSEC_INSPECT_OFFSET), PAGE_SIZE);
	init_page_records(info, layout);
	acquire_lock_pt(HOSTVISOR);
	pt_pool_init(HOSTVISOR, layout->root, layout->pool.base,
		     layout->pool.size);
	release_lock_pt(HOSTVISOR);
	pt_arena_init(layout->arena.base, layout->arena.size);
	spt_init_pool(layout->spt.base, layout->spt.size);
	shared_window_init(info->shared.base);
}

static void enter_host(struct pcpu *cpu) NORETURN;

static void enter_host(struct pcpu *cpu)
{
	el2_read_features(&cpu->features);
	el2_host_traps_init(pt_pool_root(HOSTVISOR));
	world_init();
	psci_cpu_entered(cpu);
	el2_enter_host(cpu->context, cpu->entry);
}

/**
 * boot_main() - the boot CPU, MMU on, on its own stack
 * @block_pa: PA of the boot block
 *
 * Panics: on a board or device tree that does not fit; no host has run
 */
void boot_main(paddr_t block_pa)
{
	struct pcpu *cpu = pcpu_boot();
	struct el2_layout layout;
	struct board_info info = { .nr_memory = 0 };
	void *fdt;

	el2_cpu_attach(cpu);
	pl011_init();
	take_boot_block(block_pa);
	platform_set_dma_channels(boot_block.nr_dma_channels);
	take_smmus();
	take_keys();
	fdt = device_tree();
	parse_board(fdt, &info);
	init_memory(&info, &layout);
	start_dma();
	add_cpus(&info);
	publish(&layout);
	psci_init(el2_secondary_pa());
	console_printf("corevisor: %lu MiB RAM, %u CPUs, %u SMMUs, EL2 memory "
		       "0x%lx (%lu MiB)\n",
		       MIB(mem_region_pages() << PAGE_SHIFT), pcpu_count(),
		       get_smmu_num(), info.carveout.base,
		       MIB(info.carveout.size));
	if (info.kernel.size == 0) {
		console_printf("corevisor: no host kernel was loaded (-kernel), "
			       "nothing to run\n");
		cpu_park();
	}
	require("device tree", board_dt_edit_for_host(fdt, &info));
	/* The host reads it before its caches are on. */
	mem_clean_poc(pa_to_el2_va(info.dtb.base), info.dtb.size);
	console_printf("corevisor: host kernel at 0x%lx, entering EL1\n",
		       info.kernel.base);
	cpu->entry = info.kernel.base;
	cpu->context = info.dtb.base;
	enter_host(cpu);
}

/**
 * boot_secondary() - a CPU that the host has turned on
 * @index: its number, as psci.c gave it to the firmware below
 */
void boot_secondary(uint64_t index)
{
	struct pcpu *cpu = pcpu_get((uint32_t)index);

	el2_cpu_attach(cpu);
	enter_host(cpu);
}
