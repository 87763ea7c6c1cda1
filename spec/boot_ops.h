/* SPDX-License-Identifier: GPL-2.0-or-later */
/* BootCore.v, BootOps.v (what makes a VM). Source: facts B.4, E.2. */
#ifndef HYPSEC_SPEC_BOOT_OPS_H
#define HYPSEC_SPEC_BOOT_OPS_H

#include "spec/rdata.h"

enum option gen_vmid_spec(struct rdata *adt, uint32_t *vmid);
enum option register_kvm_spec(struct rdata *adt, uint32_t *vmid);
enum option set_boot_info_spec(uint32_t vmid, uint64_t load_addr,
			       uint64_t size, struct rdata *adt,
			       uint32_t *load_idx);
enum option remap_vm_image_spec(uint32_t vmid, uint64_t pfn,
				uint32_t load_idx, struct rdata *adt);
enum option register_vcpu_spec(uint32_t vmid, uint32_t vcpuid,
			       struct rdata *adt);
enum option set_vcpu_active_spec(uint32_t vmid, uint32_t vcpuid,
				 struct rdata *adt);
enum option set_vcpu_inactive_spec(uint32_t vmid, uint32_t vcpuid,
				   struct rdata *adt);

/* Not in the Coq (G41): with the vm lock, a vCPU that is off is to start. */
enum option boot_vcpu_set_entry_spec(uint32_t vmid, uint32_t vcpuid,
				     uint64_t entry, uint64_t context,
				     struct rdata *adt);

#endif /* HYPSEC_SPEC_BOOT_OPS_H */
