/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * EL2's own translation tables (stage 1). Runs once, with the MMU off, at the
 * image's physical address: every address in this file is physical, and no
 * initialised pointer may be followed. After that the tables never change.
 *
 * W^X: text is read-only and the only thing executable; everything else is
 * execute-never. The pages below each stack are not mapped.
 */
#include "arch/mmu.h"

#include "arch/layout.h"
#include "core/spec_constants.h"
#include "core/types.h"
#include "hypsec/boot_block.h"
#include "hypsec/dma.h"
#include "plat/hypsec-virt/memmap.h"

/* Stage-1 descriptors of the EL2 regime (Arm ARM D8.3). */
#define DESC_VALID		BIT(0)
#define DESC_TABLE		BIT(1)
#define DESC_ATTR_DEVICE	(UINT64_C(0) << 2)
#define DESC_ATTR_NORMAL	(UINT64_C(1) << 2)
#define DESC_AP_RES1		BIT(6)
#define DESC_AP_RO		BIT(7)
#define DESC_SH_INNER		(UINT64_C(3) << 8)
#define DESC_AF			BIT(10)
#define DESC_XN			BIT(54)

#define DESC_MEMORY	(DESC_VALID | DESC_ATTR_NORMAL | DESC_AP_RES1 | \
			 DESC_SH_INNER | DESC_AF)
#define BLOCK_RW	(DESC_MEMORY | DESC_XN)
#define PAGE_RW		(DESC_MEMORY | DESC_TABLE | DESC_XN)
#define PAGE_RO		(DESC_MEMORY | DESC_TABLE | DESC_XN | DESC_AP_RO)
#define PAGE_RX		(DESC_MEMORY | DESC_TABLE | DESC_AP_RO)
#define PAGE_DEVICE	(DESC_VALID | DESC_TABLE | DESC_ATTR_DEVICE | \
			 DESC_AP_RES1 | DESC_AF | DESC_XN)

#define ENTRIES 512

typedef uint64_t table_t[ENTRIES] __attribute__((aligned(4096)));
#define TABLE	__attribute__((section(".bss.tables")))

TABLE table_t el2_root_table;
TABLE static table_t image_l2, image_l3;
TABLE static table_t idmap_l2, idmap_l3;
/* The GiB below RAM: the SMMUs and the DMA masters. */
TABLE static table_t device_l2, device_l3[HYPSEC_MAX_SMMUS + 1];
/* The GiB with the image and a last one that is not all RAM. */
TABLE static table_t linear_l2[2];

/* From the linker script. */
extern char _start[], __text_end[], __rodata_end[], __image_end[];
extern char __idmap_start[], __stacks_start[], __stacks_end[];

static uint64_t table_desc(const table_t *table)
{
	return (uint64_t)table | DESC_VALID | DESC_TABLE;
}

static uint64_t page_attributes(const char *page)
{
	if (page < __text_end) {
		return PAGE_RX;
	}
	if (page < __rodata_end) {
		return PAGE_RO;
	}
	if (page >= __stacks_start && page < __stacks_end &&
	    (uint64_t)(page - __stacks_start) % STACK_STRIDE <
		    STACK_GUARD_BYTES) {
		return 0;
	}
	return PAGE_RW;
}

static void map_image(void)
{
	for (const char *page = _start; page < __image_end; page += PAGE_SIZE) {
		uint64_t attributes = page_attributes(page);

		if (attributes != 0) {
			image_l3[(page - _start) >> PAGE_SHIFT] =
				(uint64_t)page | attributes;
		}
	}
	image_l3[(DEVICE_WINDOW_OFFSET >> PAGE_SHIFT) + DEVICE_UART1] =
		UART1_BASE | PAGE_DEVICE;
	image_l3[(DEVICE_WINDOW_OFFSET >> PAGE_SHIFT) + DEVICE_PVPANIC] =
		PVPANIC_BASE | PAGE_DEVICE;
	image_l2[0] = table_desc(&image_l3);
	el2_root_table[IMAGE_VA >> PUD_SHIFT] = table_desc(&image_l2);
}

static void map_idmap(void)
{
	uint64_t pa = (uint64_t)__idmap_start;

	idmap_l3[(pa >> PAGE_SHIFT) % ENTRIES] = pa | PAGE_RX;
	idmap_l2[(pa >> PMD_SHIFT) % ENTRIES] = table_desc(&idmap_l3);
	el2_root_table[pa >> PUD_SHIFT] = table_desc(&idmap_l2);
}

/*
 * Maps registers below RAM, aligned to their size of at most 2 MiB; those of
 * one 2 MiB share a table. Returns whether they are so.
 */
static bool map_device(const table_t *unused, paddr_t base, uint64_t size)
{
	uint64_t *entry = &device_l2[(base >> PMD_SHIFT) % ENTRIES];
	uint64_t *l3;

	if (size == 0 || size > PMD_SIZE || (size & (size - 1)) != 0 ||
	    (base & (size - 1)) != 0 || base >= MAX_MMIO_ADDR) {
		return false;
	}
	if (*entry == 0) {
		*entry = table_desc(unused);
	}
	l3 = (uint64_t *)(*entry & S2_OA_MASK);
	for (paddr_t pa = base; pa < base + size; pa += PAGE_SIZE) {
		l3[(pa >> PAGE_SHIFT) % ENTRIES] = pa | PAGE_DEVICE;
	}
	return true;
}

/* The SMMUs, and the DMA masters, which EL2 resets. */
static bool map_devices(const struct hypsec_boot_block *block)
{
	bool ok = block->nr_smmus <= HYPSEC_MAX_SMMUS;

	if (block->version != HYPSEC_BOOT_BLOCK_VERSION) {
		/* The rest may be anything; boot_main() says so. */
		return true;
	}
	for (uint32_t i = 0; ok && i < block->nr_smmus; i++) {
		ok = map_device(&device_l3[i], block->smmus[i].base,
				block->smmus[i].size);
	}
	if (block->nr_dma_channels != 0) {
		ok = ok && map_device(&device_l3[HYPSEC_MAX_SMMUS], DMA_BASE,
				      HYPSEC_DMA_CHANNELS *
					      HYPSEC_DMA_CHANNEL_BYTES);
	}
	el2_root_table[LINEAR_BASE >> PUD_SHIFT] = table_desc(&device_l2);
	return ok;
}

/* Maps [base, end) of one GiB by 2 MiB blocks, without the image. */
static void map_linear_blocks(table_t *l2, paddr_t base, paddr_t end,
			      paddr_t image)
{
	for (paddr_t pa = base; pa < end; pa += PMD_SIZE) {
		if (pa != image) {
			(*l2)[(pa >> PMD_SHIFT) % ENTRIES] = pa | BLOCK_RW;
		}
	}
}

static void map_linear(paddr_t ram_end, paddr_t image)
{
	unsigned int next = 0;

	for (paddr_t base = RAM_BASE; base < ram_end; base += PUD_SIZE) {
		paddr_t end = base + PUD_SIZE;
		uint64_t *entry = &el2_root_table[(base + LINEAR_BASE) >>
						  PUD_SHIFT];

		if (end <= ram_end && (image < base || image >= end)) {
			*entry = base | BLOCK_RW;
			continue;
		}
		if (end > ram_end) {
			end = ram_end;
		}
		map_linear_blocks(&linear_l2[next], base, end, image);
		*entry = table_desc(&linear_l2[next]);
		next++;
	}
}

int el2_tables_init(const struct hypsec_boot_block *block)
{
	paddr_t base = block->carveout_base;
	uint64_t size = block->carveout_size;

	if (((base | size) & (PMD_SIZE - 1)) != 0 || base < RAM_BASE ||
	    base >= EL2_LINEAR_END || size > EL2_LINEAR_END - base) {
		return -1;
	}
	map_image();
	map_idmap();
	map_linear(base + size, base + CARVEOUT_IMAGE_OFFSET);
	return map_devices(block) ? 0 : -1;
}
