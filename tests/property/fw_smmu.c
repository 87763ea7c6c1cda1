/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The firmware's SMMUs: the model of tests/unit/smmumodel.h is the hardware,
 * and what is said of them here comes from its registers and from raw memory.
 */
#include "fw_machine.h"

#include <string.h>

#include "arch/native.h"
#include "core/dma_identity.h"
#include "core/dma_owner.h"
#include "core/locks.h"
#include "core/platform.h"
#include "core/pt_alloc.h"
#include "core/smmu_cfg.h"
#include "core/smmu_ops.h"
#include "core/spt_ops.h"
#include "smmumodel.h"

/* Chunks of the arena: one for itself, one for each bank, and these. */
#define SPT_MORE_CHUNKS	2
#define SPT_BANKS	(SMMU_NUM * (SMMU_NUM_CTXT_BANKS - 1))
#define SPT_BYTES	((1 + SPT_BANKS + SPT_MORE_CHUNKS) * PT_CHUNK_BYTES)
#define IDENTITY_PAGES	UINT64_C(16)

const struct fw_range fw_spt = {
	0xf100000000, SPT_BYTES + PT_ROOT_BYTES + IDENTITY_PAGES * PAGE_SIZE
};

/* The model's bus, and what has gone over it in this step. */
static const struct native_bus *model_bus;
static struct fw_bus bus_seen;

static void see(paddr_t pa, unsigned int bytes, uint64_t value, bool write)
{
	bus_seen.writes += write ? 1 : 0;
	bus_seen.accesses++;
	bus_seen.addr = pa;
	bus_seen.value = value;
	bus_seen.bytes = bytes;
	bus_seen.write = write;
}

static uint64_t bus_read(paddr_t pa, unsigned int bytes)
{
	uint64_t value = model_bus->read(pa, bytes);

	see(pa, bytes, value, false);
	return value;
}

static void bus_write(paddr_t pa, unsigned int bytes, uint64_t value)
{
	see(pa, bytes, value, true);
	model_bus->write(pa, bytes, value);
}

static const struct native_bus bus = { bus_read, bus_write };

struct fw_bus fw_bus(void)
{
	return bus_seen;
}

static struct dma_device devices[FW_DMA_DEVICES];
static uint64_t resets[FW_DMA_DEVICES];

static void reset_device(paddr_t base)
{
	resets[(base - FW_DMA_BASE) / PAGE_SIZE]++;
	native_record(NATIVE_DEVICE_RESET, base, 0);
}

static void start_devices(uint32_t n)
{
	for (uint32_t i = 0; i < FW_DMA_DEVICES; i++) {
		devices[i] = (struct dma_device){
			.base = FW_DMA_BASE + i * PAGE_SIZE,
			.bytes = PAGE_SIZE,
			.smmu = FW_DMA_SMMU,
			.stream = FW_DMA_STREAM + i,
			.reset = reset_device,
		};
		resets[i] = 0;
	}
	dma_owner_reset();
	smmu_ops_reset();
	native_set_dma_devices(devices, n);
}

void fw_start_smmus(uint32_t n)
{
	smmumodel_start_board(n);
	model_bus = native_set_bus(&bus);
	start_devices(n == 0 ? 0 : FW_DMA_DEVICES);
	if (n > 0) {
		spt_init_pool(fw_spt.base, SPT_BYTES);
	}
}

void fw_start_identity(paddr_t records, uint64_t n)
{
	paddr_t root = fw_spt.base + SPT_BYTES;

	smmumodel_watch_records(records, n);
	dma_identity_init(root, root + PT_ROOT_BYTES,
			  IDENTITY_PAGES * PAGE_SIZE);
}

void fw_start_streams(void)
{
	smmumodel_start_dma();
}

uint32_t fw_nr_smmus(void)
{
	return get_smmu_num();
}

struct fw_range fw_smmu(uint32_t index)
{
	return (struct fw_range){ get_smmu_base(index), get_smmu_size(index) };
}

uint32_t fw_smmu_banks(uint32_t index)
{
	return get_smmu_num_context_banks(index);
}

uint64_t fw_spt_free(void)
{
	uint64_t pages;

	/* Of a bank without a pool: what is left for all. */
	acquire_lock_s2page();
	pages = pt_pool_free_pages(pt_spt(SMMU_NUM_CTXT_BANKS - 1,
					  SMMU_NUM - 1));
	release_lock_s2page();
	return pages / PT_CHUNK_PAGES;
}

uint64_t fw_spt_pool_free(uint32_t index, uint32_t cbndx)
{
	uint64_t pages;

	acquire_lock_s2page();
	pages = pt_pool_free_pages(pt_spt(cbndx, index));
	release_lock_s2page();
	return pages;
}

uint64_t fw_smmu_reg(uint32_t index, uint64_t offset, uint32_t bytes)
{
	uint64_t value = smmumodel_peek(index, offset) & UINT32_MAX;

	if (bytes == 8) {
		value |= smmumodel_peek(index, offset + 4) << 32;
	}
	return value;
}

void fw_smmu_poke(uint32_t index, uint64_t offset, uint64_t value)
{
	smmumodel_poke(index, offset, value);
}

uint32_t fw_bank_owner(uint32_t index, uint32_t cbndx)
{
	uint32_t owner;

	acquire_lock_smmu();
	owner = get_smmu_cfg_vmid(cbndx, index);
	release_lock_smmu();
	return owner;
}

uint32_t fw_dma_owner(uint32_t device)
{
	uint32_t owner;

	acquire_lock_smmu();
	owner = dma_device_owner(devices[device].base);
	release_lock_smmu();
	return owner;
}

void fw_forget_devices(void)
{
	memset(resets, 0, sizeof(resets));
	bus_seen = (struct fw_bus){ .writes = 0 };
}

uint64_t fw_dma_resets(uint32_t device)
{
	return resets[device];
}

/*
 * By the registers: an entry that matches, and what it says. The model's TLB is
 * left out, smmumodel_dma() has that.
 */
uint32_t fw_stream_bank(uint32_t index, uint32_t stream)
{
	uint32_t matches = 0, s2cr = 0;

	for (uint32_t n = 0; n < SMMUMODEL_STREAMS; n++) {
		uint32_t smr = (uint32_t)smmumodel_peek(index, 0x800 + 4 * n);

		if (smr >> 31 != 0 &&
		    ((smr ^ stream) & ~(smr >> 16) & 0x7fff) == 0) {
			matches++;
			s2cr = (uint32_t)smmumodel_peek(index, 0xc00 + 4 * n);
		}
	}
	if (matches != 1 || (s2cr >> 16 & 3) >= 2) {
		return FW_STREAM_FAULT;
	}
	return (s2cr >> 16 & 3) == 1 ? FW_STREAM_BYPASS : s2cr & 0xff;
}

bool fw_dma(uint32_t index, uint32_t stream, uint64_t iova, bool write,
	    uint64_t *pa)
{
	paddr_t where = 0;
	bool done = smmumodel_dma(index, stream, iova, write, &where);

	*pa = where;
	return done;
}

void fw_read_bank(uint32_t index, uint32_t cbndx, struct fw_table *table)
{
	uint64_t page = 0x8000 + 0x1000 * (uint64_t)cbndx;

	fw_read_root(fw_smmu_reg(index, page + 0x20, 8) &
		     UINT64_C(0x0000fffffffff000), table);
	/* One table for all SMMUs. */
	table->live = table->live &&
		      (fw_smmu_reg(index, page, 4) & 1) != 0;
}
