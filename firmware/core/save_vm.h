/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VM on its way out: pages and vCPUs become ciphertext. Layer: BootOps.
 */
#ifndef COREVISOR_CORE_SAVE_VM_H
#define COREVISOR_CORE_SAVE_VM_H

#include "core/types.h"
#include "hypsec/sealed.h"

enum hv_status WARN_UNUSED save_encrypt_buf(uint32_t vmid, uint64_t inbuf,
					    uint64_t outbuf, uint64_t tag);
enum hv_status WARN_UNUSED save_encrypted_vcpu(uint32_t vmid,
					       uint32_t vcpuid);
enum hv_status WARN_UNUSED seal_vm(uint32_t vmid, uint64_t pa);

void encrypt_mem_buf(uint32_t vmid, uint64_t inbuf, uint64_t outbuf,
		     struct hypsec_sealed_page *page);

struct sealed_vcpu;
void encrypt_gp_regs(uint32_t vmid, uint32_t vcpuid,
		     struct sealed_vcpu *sealed);
void encrypt_sys_regs(uint32_t vmid, uint32_t vcpuid,
		      struct sealed_vcpu *sealed);

#endif /* COREVISOR_CORE_SAVE_VM_H */
