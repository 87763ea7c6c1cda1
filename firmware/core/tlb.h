/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Invalidation of stage-2 translations on all CPUs. Layer: AbstractMachine.
 *
 * Both are complete at return: no CPU uses a translation any more that the
 * tables did not hold when the call was made. A CPU that runs another VMID
 * borrows the one to invalidate for the time of the call.
 */
#ifndef COREVISOR_CORE_TLB_H
#define COREVISOR_CORE_TLB_H

#include "core/types.h"

/**
 * tlb_flush_ipa() - forget the translation of one address
 * @vttbr: root and VMID of the table, as get_vm_vttbr() gives it
 * @ipa:   an address that the changed page or block maps
 *
 * Locks: caller holds pt of the table
 */
void tlb_flush_ipa(uint64_t vttbr, ipa_t ipa);

/**
 * tlb_flush_vmid() - forget every translation of one VMID
 * @vttbr: root and VMID of the table
 *
 * Locks: caller holds pt of the table
 */
void tlb_flush_vmid(uint64_t vttbr);

#endif /* COREVISOR_CORE_TLB_H */
