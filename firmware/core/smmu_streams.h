/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which bank each stream uses: what the host wants (its shadow registers) and
 * what EL2 allows, made into the hardware's stream table. Layer: MmioCore.
 * Locks: the caller of all functions holds smmu.
 */
#ifndef COREVISOR_CORE_SMMU_STREAMS_H
#define COREVISOR_CORE_SMMU_STREAMS_H

#include "core/types.h"

/**
 * smmu_streams_init() - the state of a host that knows no SMMU
 * @index: an SMMU that smmu_hw_take_over() has stopped
 *
 * Locks: none; boot CPU only
 */
void smmu_streams_init(uint32_t index);

/**
 * smmu_streams_write_scr0() - the host writes sCR0
 * @index: which SMMU
 * @value: what it writes
 *
 * CLIENTPD decides whose entries are in force: the host's are, if it is 0.
 */
void smmu_streams_write_scr0(uint32_t index, uint32_t value);

/**
 * smmu_streams_write_smr() - the host writes an SMR that it sees
 * @index: which SMMU
 * @n:	   the entry, below smmu_shadow.streams
 * @value: what it writes
 *
 * Returns: HV_EPERM if a valid entry would match a stream of a VM's
 */
enum hv_status WARN_UNUSED smmu_streams_write_smr(uint32_t index, uint32_t n,
						  uint32_t value);

/* The same for S2CR: HV_EPERM if the bank is not the host's. */
enum hv_status WARN_UNUSED smmu_streams_write_s2cr(uint32_t index, uint32_t n,
						   uint32_t value);

/**
 * smmu_streams_can_set() - may EL2 decide about a stream?
 * @index:  which SMMU
 * @stream: a stream id
 *
 * Returns: HV_EINVAL if it is no platform device's behind this SMMU; HV_EBUSY
 * if a valid entry of the host's matches it, in force or not
 */
enum hv_status WARN_UNUSED smmu_streams_can_set(uint32_t index,
						uint32_t stream);

/**
 * smmu_streams_set() - decide about a stream of a platform device
 * @index:  which SMMU
 * @stream: the id; smmu_streams_can_set() said HV_OK under this hold of smmu
 * @owner:  HOSTVISOR, or the VM that owns the device
 * @cbndx:  its bank, or SMMU_STREAM_FAULT
 *
 * In force at return, after a transaction under way through the old bank. For
 * a stream of the host's it holds until an entry of the host's own, in force,
 * matches the stream.
 * Locks: takes spt
 */
void smmu_streams_set(uint32_t index, uint32_t stream, vmid_t owner,
		      uint32_t cbndx);

/**
 * smmu_streams_leave_bank() - no stream selects a bank any more
 * @index: which SMMU
 * @cbndx: the bank; what selected it faults
 *
 * What the host reads back of the bank, and of entries that selected it, is as
 * after a reset. The bank still has its owner.
 * Locks: takes spt
 */
void smmu_streams_leave_bank(uint32_t index, uint32_t cbndx);

#endif /* COREVISOR_CORE_SMMU_STREAMS_H */
