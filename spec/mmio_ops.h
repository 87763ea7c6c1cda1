/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MmioOpsAux.v, MmioOps.v. Source: facts B.10, C.7. */
#ifndef HYPSEC_SPEC_MMIO_OPS_H
#define HYPSEC_SPEC_MMIO_OPS_H

#include "spec/rdata.h"

/* INVALID in *@ret if no SMMU is at @addr, else its number. */
enum option is_smmu_range_spec(uint64_t addr, const struct rdata *adt,
			       uint32_t *ret);
enum option handle_host_mmio_spec(uint64_t addr, uint32_t index, uint64_t esr,
				  struct rdata *adt);
enum option emulate_mmio_spec(uint64_t addr, uint64_t esr, struct rdata *adt,
			      uint32_t *ret);

#endif /* HYPSEC_SPEC_MMIO_OPS_H */
