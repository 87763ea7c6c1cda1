/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What devices reach, whose they are, and what the SMMUs' registers hold for
 * it. dev_load_ref and dev_store_ref are of the Coq (facts B.13); the rest is
 * not (docs/dma.rst).
 */
#ifndef HYPSEC_SPEC_DMA_H
#define HYPSEC_SPEC_DMA_H

#include "spec/rdata.h"

/* Whose is the DMA device with registers at @pa? INVALID: none is there. */
uint32_t dma_owner_of(uint64_t pa, const struct rdata *adt);

/* The number of the device with a stream, MAX_DMA_DEVICES if there is none. */
uint32_t dma_device_of(uint32_t index, uint64_t stream,
		       const struct rdata *adt);

/* No bank of the VM's has another page than @pfn at @gfn. */
bool dma_agrees(uint32_t vmid, uint64_t gfn, uint64_t pfn,
		const struct rdata *adt);

/* The identity table: may a device of the host's read, or write, a page? */
bool dma_identity_allows(uint64_t pfn, bool write, const struct rdata *adt);

/* A bank's table or the identity table; false: the transaction faults. */
bool dma_bank_translates(uint32_t cbndx, uint32_t index, uint64_t iova,
			 bool write, const struct rdata *adt, uint64_t *pa);

/* The bank that a stream uses, or SMMU_STREAM_FAULT. */
uint32_t dma_stream_bank(uint32_t index, uint32_t stream,
			 const struct rdata *adt);

/* Whether a valid entry of the host's matches a stream; of @smr, one does. */
bool dma_host_entry_matches(uint32_t index, uint32_t stream,
			    const struct rdata *adt);
bool smr_matches(uint32_t smr, uint32_t stream);

/* What the hardware must hold (I19). */
uint32_t smmu_hw_scr0(uint32_t index, const struct rdata *adt);
uint32_t smmu_hw_sctlr(uint32_t cbndx, uint32_t index,
		       const struct rdata *adt);
uint32_t smmu_hw_vmid(uint32_t cbndx, uint32_t index,
		      const struct rdata *adt);

/*
 * A device's load into, or store from, a register of the world that runs,
 * through a bank of that world's.
 */
enum option dev_load_ref_spec(uint64_t gfn, uint32_t reg, uint32_t cbndx,
			      uint32_t index, struct rdata *adt);
enum option dev_store_ref_spec(uint64_t gfn, uint32_t reg, uint32_t cbndx,
			       uint32_t index, struct rdata *adt);

/* The same by a stream; NONE_PERM is a fault. */
enum option dma_load(uint32_t index, uint32_t stream, uint64_t iova,
		     struct rdata *adt, uint64_t *value);
enum option dma_store(uint32_t index, uint32_t stream, uint64_t iova,
		      uint64_t value, struct rdata *adt);

/* The host's SMMU_SET_STREAM, a VM's ACCEPT_DEVICE. */
enum option dma_device_set_stream_spec(uint32_t index, uint64_t stream,
				       uint32_t cbndx, struct rdata *adt);
enum option dma_device_accept_spec(uint32_t vmid, uint64_t gpa, uint64_t size,
				   struct rdata *adt);

/* Nothing of a VM's does DMA; with smmu and vm. */
enum option dma_device_stop_vm_spec(uint32_t vmid, struct rdata *adt);

/* A bank is given up: no stream selects it, its registers are as at reset. */
void dma_leave_bank(uint32_t cbndx, uint32_t index, struct rdata *adt);

#endif /* HYPSEC_SPEC_DMA_H */
