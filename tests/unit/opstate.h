/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For tests of operations on pages and VMs: a machine with two ranges of RAM,
 * a copy of everything that an operation could change, and short forms for
 * what those tests do and look at.
 */
#ifndef HYPSEC_TESTS_UNIT_OPSTATE_H
#define HYPSEC_TESTS_UNIT_OPSTATE_H

#include "core/mem_manager.h"
#include "core/memory_ops.h"
#include "core/vm_info.h"
#include "harness.h"

/* RAM: six 2 MiB blocks, a hole, two blocks, and EL2's 4 MiB behind them. */
#define OPS_RAM		UINT64_C(0x40000000)
#define OPS_RAM_BYTES	(12 * MIB)
#define OPS_RAM2	UINT64_C(0x48000000)
#define OPS_RAM2_BYTES	(8 * MIB)
#define OPS_EL2		(OPS_RAM2 + 4 * MIB)
#define OPS_HOLE	UINT64_C(0x44000000)

/* Page frame number of page @n of block @b. */
#define OPS_PFN(b, n)	((OPS_RAM >> 12) + (b) * 512 + (n))

/* A guest frame, with IPA bits that tell it from every PA. */
#define OPS_GFN		UINT64_C(0x8000000)

/* Starts the machine. */
void ops_start(void);

/*
 * The same with so many chunks of table memory for VMs, and with its ranges of
 * RAM registered in the other order.
 */
void ops_start_with_chunks(uint64_t chunks);

/* A new VM. */
vmid_t ops_new_vm(void);

/* Gives a host page, or a block, to a VM where nothing is mapped. */
void ops_give_page(vmid_t vmid, uint64_t gfn, uint64_t pfn);
void ops_give_block(vmid_t vmid, uint64_t gfn, uint64_t pfn);

/* Sets a VM's or a vCPU's state, with the lock. */
void ops_set_vm_state(vmid_t vmid, uint32_t state);
void ops_set_vcpu_state(vmid_t vmid, uint32_t vcpuid, uint32_t state);
uint32_t ops_vm_state(vmid_t vmid);

/* Sets all of a page's record, with the lock. */
void ops_set_record(uint64_t pfn, uint32_t owner, uint32_t count, uint64_t map);

/* Fails unless a page's record is this. */
void ops_assert_record(uint64_t pfn, uint32_t owner, uint32_t count,
		       uint64_t map);

/* A host page again, as it was at boot, and zero. */
void ops_assert_reclaimed(uint64_t pfn);

/* Where a VM maps a frame: the pfn, or INVALID64. By the walker. */
uint64_t ops_vm_pfn(vmid_t vmid, uint64_t gfn);

/* Whether the host's table maps a page. By the walker. */
bool ops_host_maps(uint64_t pfn);

/* Lets the host fault on a page; it must get it. */
void ops_host_touches(uint64_t pfn);

/* Fills a page with @byte, or fails unless it is full of it. */
void ops_fill(uint64_t pfn, uint8_t byte);
void ops_assert_filled(uint64_t pfn, uint8_t byte);

/* mem_manager.h and its like with s2page held. */
enum hv_status ops_assign(vmid_t vmid, uint64_t gfn, uint64_t pfn);
enum hv_status ops_grant(vmid_t vmid, uint64_t pfn);
enum hv_status ops_revoke(vmid_t vmid, uint64_t pfn);
void ops_clear(vmid_t vmid, uint64_t pfn);

/**
 * struct opstate - all that an operation could change
 *
 * RAM with EL2's records and tables, what host and EL2 share, what EL2 knows of
 * VMs, their registers, their pools, the SMMUs with their tables, DMA devices,
 * and how much maintenance there has been.
 */
struct opstate;

struct opstate *opstate_take(void);

/* Frees @before and fails the test if anything differs from it. */
void opstate_assert_same(struct opstate *before);

/* @call gives @status and changes nothing. */
#define assert_refused(call, status)					\
	do {								\
		struct opstate *before_ = opstate_take();		\
		g_assert_cmpint(call, ==, status);			\
		opstate_assert_same(before_);				\
	} while (0)

#define assert_done(call) g_assert_cmpint(call, ==, HV_OK)

#endif /* HYPSEC_TESTS_UNIT_OPSTATE_H */
