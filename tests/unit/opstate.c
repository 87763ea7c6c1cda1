/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "opstate.h"

#include <string.h>

#include "arch/mem.h"
#include "core/boot_ops.h"
#include "core/dma_owner.h"
#include "core/locks.h"
#include "core/npt_ops.h"
#include "core/page_manager.h"
#include "core/pt_alloc.h"
#include "core/platform.h"
#include "core/shadow_ctxt.h"
#include "core/smmu_cfg.h"
#include "core/smmu_shadow.h"
#include "smmumodel.h"
#include "walker.h"

static const struct machine ops_machine = {
	.ram = { { OPS_RAM, OPS_RAM_BYTES }, { OPS_RAM2, OPS_RAM2_BYTES } },
	.nr_ram = 2,
	.el2 = { OPS_EL2, OPS_RAM2 + OPS_RAM2_BYTES - OPS_EL2 },
	.pool_pages = 64,
	.arena_chunks = 20,
};

struct vm_copy {
	struct vm_info info;
	struct shadow_ctxt ctxts[VCPU_PER_VM];
	uint64_t root;
	uint64_t free_pages;
	uint64_t owned;
};

/* Registers of one SMMU up to its stream table, and of its banks. */
#define GLOBAL_BYTES	0x1000
#define BANKS		0x8000
#define BANK_BYTES	0x40

/* The SMMUs, and whose their banks and the DMA devices are. */
struct dma_copy {
	uint32_t owners[SMMUMODEL_MAX][SMMUMODEL_BANKS];
	uint64_t roots[SMMUMODEL_MAX][SMMUMODEL_BANKS];
	struct smmu_shadow shadows[SMMUMODEL_MAX];
	uint32_t global[SMMUMODEL_MAX][GLOBAL_BYTES / 4];
	uint32_t banks[SMMUMODEL_MAX][SMMUMODEL_BANKS][BANK_BYTES / 4];
	struct dma_owner devices[MAX_DMA_DEVICES];
	unsigned int resets[TEST_DMA_CHANNELS];
};

struct opstate {
	GByteArray *ram[4];
	struct vm_copy vms[COREVISOR];
	struct dma_copy dma;
	uint64_t host_free_pages;
	uint64_t free_chunks;
	size_t events;
};

void ops_start(void)
{
	machine_start(&ops_machine);
}

void ops_start_with_chunks(uint64_t chunks)
{
	struct machine machine = ops_machine;

	machine.ram[0] = ops_machine.ram[1];
	machine.ram[1] = ops_machine.ram[0];
	machine.arena_chunks = chunks;
	machine_start(&machine);
}

vmid_t ops_new_vm(void)
{
	uint32_t vmid = INVALID;

	assert_done(register_kvm(&vmid));
	return vmid;
}

void ops_give_page(vmid_t vmid, uint64_t gfn, uint64_t pfn)
{
	assert_done(prot_and_map_vm_s2pt(vmid, gfn << PAGE_SHIFT,
					 pfn << PAGE_SHIFT, 3));
}

void ops_give_block(vmid_t vmid, uint64_t gfn, uint64_t pfn)
{
	assert_done(prot_and_map_vm_s2pt(vmid, gfn << PAGE_SHIFT,
					 pfn << PAGE_SHIFT, 2));
}

void ops_set_vm_state(vmid_t vmid, uint32_t state)
{
	acquire_lock_vm(vmid);
	set_vm_state(vmid, state);
	release_lock_vm(vmid);
}

void ops_set_vcpu_state(vmid_t vmid, uint32_t vcpuid, uint32_t state)
{
	acquire_lock_vm(vmid);
	set_vcpu_state(vmid, vcpuid, state);
	release_lock_vm(vmid);
}

uint32_t ops_vm_state(vmid_t vmid)
{
	uint32_t state;

	acquire_lock_vm(vmid);
	state = get_vm_state(vmid);
	release_lock_vm(vmid);
	return state;
}

void ops_set_record(uint64_t pfn, uint32_t owner, uint32_t count, uint64_t map)
{
	acquire_lock_s2page();
	set_pfn_owner(pfn, owner);
	set_pfn_count(pfn, count);
	set_pfn_map(pfn, map);
	release_lock_s2page();
}

void ops_assert_record(uint64_t pfn, uint32_t owner, uint32_t count,
		       uint64_t map)
{
	acquire_lock_s2page();
	g_assert_cmphex(get_pfn_owner(pfn), ==, owner);
	g_assert_cmphex(get_pfn_count(pfn), ==, count);
	g_assert_cmphex(get_pfn_map(pfn), ==, map);
	release_lock_s2page();
}

void ops_assert_reclaimed(uint64_t pfn)
{
	ops_assert_record(pfn, HOSTVISOR, 0, pfn + SMMU_HOST_OFFSET);
	ops_assert_filled(pfn, 0);
	g_assert_false(ops_host_maps(pfn));
}

uint64_t ops_vm_pfn(vmid_t vmid, uint64_t gfn)
{
	struct leaf leaf;

	if (pt_pool_root(vmid) == 0 ||
	    !walker_lookup(pt_pool_root(vmid), gfn << PAGE_SHIFT, &leaf)) {
		return INVALID64;
	}
	return (leaf.pa + ((gfn << PAGE_SHIFT) - leaf.ia)) >> PAGE_SHIFT;
}

bool ops_host_maps(uint64_t pfn)
{
	struct leaf leaf;

	return walker_lookup(machine_root(), pfn << PAGE_SHIFT, &leaf);
}

void ops_host_touches(uint64_t pfn)
{
	assert_done(map_page_host(pfn << PAGE_SHIFT));
	g_assert_true(ops_host_maps(pfn));
}

static uint8_t *page(uint64_t pfn)
{
	return el2_ptr(pa_to_el2_va(pfn << PAGE_SHIFT));
}

void ops_fill(uint64_t pfn, uint8_t byte)
{
	memset(page(pfn), byte, PAGE_SIZE);
}

void ops_assert_filled(uint64_t pfn, uint8_t byte)
{
	const uint8_t *bytes = page(pfn);

	for (size_t i = 0; i < PAGE_SIZE; i++) {
		g_assert_cmphex(bytes[i], ==, byte);
	}
}

enum hv_status ops_assign(vmid_t vmid, uint64_t gfn, uint64_t pfn)
{
	enum hv_status status;

	acquire_lock_s2page();
	status = assign_pfn_to_vm(vmid, gfn, pfn);
	release_lock_s2page();
	return status;
}

enum hv_status ops_grant(vmid_t vmid, uint64_t pfn)
{
	enum hv_status status;

	acquire_lock_s2page();
	status = grant_vm_page(vmid, pfn);
	release_lock_s2page();
	return status;
}

enum hv_status ops_revoke(vmid_t vmid, uint64_t pfn)
{
	enum hv_status status;

	acquire_lock_s2page();
	status = revoke_vm_page(vmid, pfn);
	/* Once for many pages, as its caller does. */
	if (status == HV_OK && get_pfn_count(pfn) == 0) {
		icache_invalidate_all();
	}
	release_lock_s2page();
	return status;
}

void ops_clear(vmid_t vmid, uint64_t pfn)
{
	bool is_cleared;

	acquire_lock_s2page();
	is_cleared = is_vm(vmid) && get_pfn_owner(pfn) == vmid;
	/* The table first and the caches last, as its callers do. */
	if (is_cleared) {
		clear_npt(vmid);
	}
	clear_vm_page(vmid, pfn);
	if (is_cleared) {
		icache_invalidate_all();
	}
	release_lock_s2page();
}

static void copy_vm(vmid_t vmid, struct vm_copy *copy)
{
	acquire_lock_vm(vmid);
	/* With all padding, which is zero. */
	memcpy(&copy->info, &vm_infos[vmid], sizeof(copy->info));
	memcpy(copy->ctxts, shadow_ctxts[vmid], sizeof(copy->ctxts));
	acquire_lock_s2page();
	copy->root = pt_pool_root(vmid);
	copy->free_pages = pt_pool_free_pages(vmid);
	copy->owned = page_manager_owned(vmid);
	release_lock_s2page();
	release_lock_vm(vmid);
}

/*
 * The pages that are not zero, each behind its address: most of RAM is never
 * touched, and a whole copy of it would make it exist.
 */
static GByteArray *copy_ram(paddr_t base, uint64_t bytes)
{
	static const uint8_t zero[PAGE_SIZE];
	const uint8_t *page = el2_ptr(pa_to_el2_va(base));
	GByteArray *copy = g_byte_array_new();

	for (paddr_t pa = base; pa < base + bytes; pa += PAGE_SIZE) {
		if (memcmp(page, zero, PAGE_SIZE) != 0) {
			g_byte_array_append(copy, (const guint8 *)&pa,
					    sizeof(pa));
			g_byte_array_append(copy, page, PAGE_SIZE);
		}
		page += PAGE_SIZE;
	}
	return copy;
}

static void copy_smmu(uint32_t index, struct dma_copy *copy)
{
	memcpy(&copy->shadows[index], smmu_shadow(index),
	       sizeof(copy->shadows[index]));
	for (uint32_t i = 0; i < GLOBAL_BYTES / 4; i++) {
		copy->global[index][i] =
			(uint32_t)smmumodel_peek(index, i * 4);
	}
	for (uint32_t n = 0; n < SMMUMODEL_BANKS; n++) {
		copy->owners[index][n] = get_smmu_cfg_vmid(n, index);
		copy->roots[index][n] = get_smmu_cfg_hw_ttbr(n, index);
		for (uint32_t i = 0; i < BANK_BYTES / 4; i++) {
			copy->banks[index][n][i] = (uint32_t)smmumodel_peek(
				index, BANKS + n * PAGE_SIZE + i * 4);
		}
	}
}

static void copy_dma(struct dma_copy *copy)
{
	acquire_lock_smmu();
	for (uint32_t i = 0; i < get_smmu_num(); i++) {
		copy_smmu(i, copy);
	}
	for (uint32_t i = 0; i < MAX_DMA_DEVICES; i++) {
		copy->devices[i] = dma_owner_get(i);
	}
	release_lock_smmu();
	memcpy(copy->resets, test_resets, sizeof(copy->resets));
}

struct opstate *opstate_take(void)
{
	struct opstate *state = g_new0(struct opstate, 1);

	state->ram[0] = copy_ram(OPS_RAM, OPS_RAM_BYTES);
	state->ram[1] = copy_ram(OPS_RAM2, OPS_RAM2_BYTES);
	state->ram[2] = copy_ram(TEST_SHARED_BASE, HYPSEC_SHARED_SIZE);
	state->ram[3] = copy_ram(TEST_SPT_BASE, machine_spt_bytes());
	copy_dma(&state->dma);
	for (vmid_t vmid = 1; vmid < COREVISOR; vmid++) {
		copy_vm(vmid, &state->vms[vmid]);
	}
	acquire_lock_s2page();
	state->host_free_pages = pt_pool_free_pages(HOSTVISOR);
	state->free_chunks = pt_arena_free_chunks();
	release_lock_s2page();
	native_events(&state->events);
	return state;
}

void opstate_assert_same(struct opstate *before)
{
	struct opstate *now = opstate_take();

	for (size_t i = 0; i < ARRAY_SIZE(now->ram); i++) {
		g_assert_cmpmem(now->ram[i]->data, now->ram[i]->len,
				before->ram[i]->data, before->ram[i]->len);
	}
	g_assert_cmpmem(now->vms, sizeof(now->vms), before->vms,
			sizeof(before->vms));
	g_assert_cmpmem(&now->dma, sizeof(now->dma), &before->dma,
			sizeof(before->dma));
	g_assert_cmpuint(now->host_free_pages, ==, before->host_free_pages);
	g_assert_cmpuint(now->free_chunks, ==, before->free_chunks);
	/* Not even maintenance: nothing was attempted and taken back. */
	g_assert_cmpuint(now->events, ==, before->events);
	for (size_t i = 0; i < ARRAY_SIZE(now->ram); i++) {
		g_byte_array_unref(before->ram[i]);
		g_byte_array_unref(now->ram[i]);
	}
	g_free(before);
	g_free(now);
}
