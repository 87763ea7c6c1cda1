/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VM on its way in: ciphertext becomes pages and vCPUs. Layer: BootOps.
 */
#ifndef COREVISOR_CORE_LOAD_VM_H
#define COREVISOR_CORE_LOAD_VM_H

#include "core/types.h"
#include "hypsec/sealed.h"

enum hv_status WARN_UNUSED boot_from_inc_exe(uint32_t vmid, uint64_t pa);
bool is_inc_exe(uint32_t vmid);
enum hv_status WARN_UNUSED load_decrypt_buf(uint32_t vmid, uint64_t buf,
					    uint64_t tag);
enum hv_status WARN_UNUSED load_encrypted_vcpu(uint32_t vmid,
					       uint32_t vcpuid);

/**
 * load_finish() - have a VM that is complete again go on
 * @vmid: a VM that comes from saved state
 *
 * Locks:   caller holds vm[vmid]; takes core
 * Returns: HV_OK, the VM is VERIFIED; HV_EPERM if a page or vCPU is missing or
 *	    of another save, or the VM went on elsewhere meanwhile; HV_ENOMEM
 *	    if too many VMs were restored in this boot. Nothing has changed on
 *	    an error
 * Refuses: the above - host can reach this
 */
enum hv_status WARN_UNUSED load_finish(vmid_t vmid);

bool decrypt_mem_buf(uint32_t vmid, uint64_t inbuf,
		     const struct hypsec_sealed_page *page);

struct sealed_vcpu;
bool decrypt_gp_regs(uint32_t vmid, uint32_t vcpuid,
		     struct sealed_vcpu *sealed);
bool decrypt_sys_regs(uint32_t vmid, uint32_t vcpuid,
		      struct sealed_vcpu *sealed);

#endif /* COREVISOR_CORE_LOAD_VM_H */
