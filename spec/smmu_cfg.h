/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AbstractMachine.v: the SMMUs. Source: facts B.10, B.11; S3 names them.
 */
#ifndef HYPSEC_SPEC_SMMU_CFG_H
#define HYPSEC_SPEC_SMMU_CFG_H

#include "spec/rdata.h"

enum option get_smmu_num_spec(const struct rdata *adt, uint32_t *num);
enum option get_smmu_base_spec(uint32_t index, const struct rdata *adt,
			       uint64_t *base);
enum option get_smmu_size_spec(uint32_t index, const struct rdata *adt,
			       uint64_t *bytes);
enum option get_smmu_num_context_banks_spec(uint32_t index,
					    const struct rdata *adt,
					    uint32_t *banks);
enum option get_smmu_cfg_vmid_spec(uint32_t cbndx, uint32_t index,
				   const struct rdata *adt, uint32_t *vmid);
enum option set_smmu_cfg_vmid_spec(uint32_t cbndx, uint32_t index,
				   uint32_t vmid, struct rdata *adt);
enum option get_smmu_cfg_hw_ttbr_spec(uint32_t cbndx, uint32_t index,
				      const struct rdata *adt,
				      uint64_t *hw_ttbr);

enum option readl_relaxed_spec(uint64_t addr, struct rdata *adt,
			       uint64_t *value);
enum option readq_relaxed_spec(uint64_t addr, struct rdata *adt,
			       uint64_t *value);
enum option writel_relaxed_spec(uint64_t value, uint64_t addr,
				struct rdata *adt);
enum option writeq_relaxed_spec(uint64_t value, uint64_t addr,
				struct rdata *adt);

#endif /* HYPSEC_SPEC_SMMU_CFG_H */
