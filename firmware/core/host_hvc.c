/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's hypercalls: one table, one policy. Layer: TrapDispatcher, on
 * BootOps and MemHandler. Locks: none held across the layers below.
 *
 * Arguments are 64 bits wide and are never cut: a number that does not fit
 * its parameter is one that no VM, image or page has.
 */
#include "core/host_hvc.h"

#include "core/boot_ops.h"
#include "core/boot_vcpu.h"
#include "core/dma_device.h"
#include "core/hv_result.h"
#include "core/image_verify.h"
#include "core/int_state.h"
#include "core/load_vm.h"
#include "core/mem_handler.h"
#include "core/pcpu.h"
#include "core/save_vm.h"
#include "core/smmu_cfg.h"
#include "core/smmu_ops.h"
#include "core/spec_constants.h"
#include "core/violation.h"
#include "hypsec/abi.h"

/* Registers that a call takes at most, from x1 on. */
#define MAX_ARGS 5

/**
 * struct host_call - one hypercall
 * @number:  in x0
 * @name:    for the console
 * @nr_args: how many registers from x1 on it takes
 * @run:     does it; @args are x1 to x5, @value is x0 where success has one
 */
struct host_call {
	uint64_t number;
	const char *name;
	uint32_t nr_args;
	enum hv_status (*run)(const uint64_t args[MAX_ARGS], uint64_t *value);
};

/* An argument for a 32-bit parameter; what does not fit is INVALID. */
static uint32_t narrow(uint64_t arg)
{
	return arg < INVALID ? (uint32_t)arg : INVALID;
}

static enum hv_status call_clear_vm_s2_range(const uint64_t args[MAX_ARGS],
					     uint64_t *value)
{
	(void)value;
	return clear_vm_stage2_range(narrow(args[0]), args[1], args[2]);
}

static enum hv_status call_set_boot_info(const uint64_t args[MAX_ARGS],
					 uint64_t *value)
{
	uint32_t load_idx = 0;
	enum hv_status status;

	status = set_boot_info(narrow(args[0]), args[1], args[2], &load_idx);
	*value = load_idx;
	return status;
}

static enum hv_status call_remap_vm_image(const uint64_t args[MAX_ARGS],
					  uint64_t *value)
{
	(void)value;
	return remap_vm_image(narrow(args[0]), args[1], narrow(args[2]));
}

static enum hv_status call_verify_vm_images(const uint64_t args[MAX_ARGS],
					    uint64_t *value)
{
	(void)value;
	return verify_and_load_images(narrow(args[0]));
}

static enum hv_status call_register_kvm(const uint64_t args[MAX_ARGS],
					uint64_t *value)
{
	uint32_t vmid = HOSTVISOR;
	enum hv_status status = register_kvm(&vmid);

	(void)args;
	*value = vmid;
	return status;
}

static enum hv_status call_phys_addr_ioremap(const uint64_t args[MAX_ARGS],
					     uint64_t *value)
{
	(void)value;
	return kvm_phys_addr_ioremap(narrow(args[0]), args[1], args[2], args[3]);
}

static enum hv_status call_boot_from_saved_vm(const uint64_t args[MAX_ARGS],
					      uint64_t *value)
{
	(void)value;
	return boot_from_inc_exe(narrow(args[0]), args[1]);
}

static enum hv_status call_encrypt_buf(const uint64_t args[MAX_ARGS], uint64_t *value)
{
	(void)value;
	return save_encrypt_buf(narrow(args[0]), args[1], args[2], args[3]);
}

static enum hv_status call_decrypt_buf(const uint64_t args[MAX_ARGS], uint64_t *value)
{
	(void)value;
	return load_decrypt_buf(narrow(args[0]), args[1], args[2]);
}

static enum hv_status call_save_crypt_vcpu(const uint64_t args[MAX_ARGS],
					   uint64_t *value)
{
	(void)value;
	return save_encrypted_vcpu(narrow(args[0]), narrow(args[1]));
}

static enum hv_status call_load_crypt_vcpu(const uint64_t args[MAX_ARGS],
					   uint64_t *value)
{
	(void)value;
	return load_encrypted_vcpu(narrow(args[0]), narrow(args[1]));
}

static enum hv_status call_smmu_free_pgd(const uint64_t args[MAX_ARGS],
					 uint64_t *value)
{
	(void)value;
	return el2_free_smmu_pgd(narrow(args[0]), narrow(args[1]));
}

static enum hv_status call_smmu_alloc_pgd(const uint64_t args[MAX_ARGS],
					  uint64_t *value)
{
	(void)value;
	return el2_alloc_smmu_pgd(narrow(args[0]), narrow(args[1]),
				  narrow(args[2]));
}

static enum hv_status call_smmu_lpae_map(const uint64_t args[MAX_ARGS],
					 uint64_t *value)
{
	(void)value;
	return el2_arm_lpae_map(args[0], args[1], args[2], narrow(args[3]),
				narrow(args[4]));
}

static enum hv_status call_smmu_iova_to_phys(const uint64_t args[MAX_ARGS],
					     uint64_t *value)
{
	return el2_arm_lpae_iova_to_phys(args[0], narrow(args[1]),
					 narrow(args[2]), value);
}

static enum hv_status call_smmu_clear(const uint64_t args[MAX_ARGS],
				      uint64_t *value)
{
	(void)value;
	return el2_arm_lpae_clear(args[0], narrow(args[1]), narrow(args[2]));
}

static enum hv_status call_smmu_set_stream(const uint64_t args[MAX_ARGS],
					   uint64_t *value)
{
	(void)value;
	return dma_device_set_stream(narrow(args[0]), narrow(args[1]),
				     narrow(args[2]));
}

static enum hv_status call_seal_vm(const uint64_t args[MAX_ARGS], uint64_t *value)
{
	(void)value;
	return seal_vm(narrow(args[0]), args[1]);
}

static enum hv_status call_set_manifest(const uint64_t args[MAX_ARGS],
					uint64_t *value)
{
	(void)value;
	return set_manifest(narrow(args[0]), args[1], args[2]);
}

static enum hv_status call_destroy_vm(const uint64_t args[MAX_ARGS], uint64_t *value)
{
	(void)value;
	return destroy_vm(narrow(args[0]));
}

static enum hv_status call_timer_set_cntvoff(const uint64_t args[MAX_ARGS],
					     uint64_t *value)
{
	(void)value;
	return timer_set_vm_cntvoff(narrow(args[0]), args[1]);
}

static enum hv_status call_register_vcpu(const uint64_t args[MAX_ARGS],
					 uint64_t *value)
{
	(void)value;
	return register_vcpu(narrow(args[0]), narrow(args[1]));
}

/* What it does not know, a later firmware may: no violation. */
static enum hv_status call_get_info(const uint64_t args[MAX_ARGS], uint64_t *value)
{
	switch (args[0]) {
	case HYPSEC_INFO_ABI_VERSION:
		*value = HYPSEC_ABI_VERSION;
		return HV_OK;
	case HYPSEC_INFO_SHARED_BASE:
		*value = int_state_base();
		return HV_OK;
	case HYPSEC_INFO_SHARED_SIZE:
		*value = HYPSEC_SHARED_SIZE;
		return HV_OK;
	case HYPSEC_INFO_SMMUS:
		*value = get_smmu_num();
		return HV_OK;
	default:
		return HV_ENOTSUP;
	}
}

static const struct host_call host_calls[] = {
	{ HYPSEC_HVC_TIMER_SET_CNTVOFF, "TIMER_SET_CNTVOFF", 2,
	  call_timer_set_cntvoff },
	{ HYPSEC_HVC_CLEAR_VM_S2_RANGE, "CLEAR_VM_S2_RANGE", 3,
	  call_clear_vm_s2_range },
	{ HYPSEC_HVC_SET_BOOT_INFO, "SET_BOOT_INFO", 3, call_set_boot_info },
	{ HYPSEC_HVC_REMAP_VM_IMAGE, "REMAP_VM_IMAGE", 3,
	  call_remap_vm_image },
	{ HYPSEC_HVC_VERIFY_VM_IMAGES, "VERIFY_VM_IMAGES", 1,
	  call_verify_vm_images },
	{ HYPSEC_HVC_REGISTER_KVM, "REGISTER_KVM", 0, call_register_kvm },
	{ HYPSEC_HVC_REGISTER_VCPU, "REGISTER_VCPU", 2, call_register_vcpu },
	{ HYPSEC_HVC_BOOT_FROM_SAVED_VM, "BOOT_FROM_SAVED_VM", 2,
	  call_boot_from_saved_vm },
	{ HYPSEC_HVC_ENCRYPT_BUF, "ENCRYPT_BUF", 4, call_encrypt_buf },
	{ HYPSEC_HVC_DECRYPT_BUF, "DECRYPT_BUF", 3, call_decrypt_buf },
	{ HYPSEC_HVC_SAVE_CRYPT_VCPU, "SAVE_CRYPT_VCPU", 2,
	  call_save_crypt_vcpu },
	{ HYPSEC_HVC_SMMU_FREE_PGD, "SMMU_FREE_PGD", 2, call_smmu_free_pgd },
	{ HYPSEC_HVC_SMMU_ALLOC_PGD, "SMMU_ALLOC_PGD", 3,
	  call_smmu_alloc_pgd },
	{ HYPSEC_HVC_SMMU_LPAE_MAP, "SMMU_LPAE_MAP", 5, call_smmu_lpae_map },
	{ HYPSEC_HVC_SMMU_LPAE_IOVA_TO_PHYS, "SMMU_LPAE_IOVA_TO_PHYS", 3,
	  call_smmu_iova_to_phys },
	{ HYPSEC_HVC_SMMU_CLEAR, "SMMU_CLEAR", 3, call_smmu_clear },
	{ HYPSEC_HVC_PHYS_ADDR_IOREMAP, "PHYS_ADDR_IOREMAP", 4,
	  call_phys_addr_ioremap },
	{ HYPSEC_HVC_LOAD_CRYPT_VCPU, "LOAD_CRYPT_VCPU", 2,
	  call_load_crypt_vcpu },
	{ HYPSEC_HVC_GET_INFO, "GET_INFO", 1, call_get_info },
	{ HYPSEC_HVC_SET_MANIFEST, "SET_MANIFEST", 3, call_set_manifest },
	{ HYPSEC_HVC_DESTROY_VM, "DESTROY_VM", 1, call_destroy_vm },
	{ HYPSEC_HVC_SMMU_SET_STREAM, "SMMU_SET_STREAM", 3,
	  call_smmu_set_stream },
	{ HYPSEC_HVC_SEAL_VM, "SEAL_VM", 2, call_seal_vm },
};

static const struct host_call *find_call(uint64_t number)
{
	for (size_t i = 0; i < ARRAY_SIZE(host_calls); i++) {
		if (host_calls[i].number == number) {
			return &host_calls[i];
		}
	}
	return NULL;
}

/**
 * host_hvc_dispatcher() - answer a hypercall of the host
 * @frame: the HVC; x0 becomes the result, nothing else changes
 *
 * Spec:    TrapDispatcher.host_hvc_dispatcher_spec
 * Delta:   D-001: a refusal is a result, and a violation by the policy; D-021:
 *	    an unknown number is answered instead of ignored
 * Locks:   what the calls take; caller holds none
 * Refuses: what the calls refuse, unknown numbers - host can reach this
 */
void host_hvc_dispatcher(struct trap_frame *frame)
{
	const struct host_call *call = NULL;
	enum hv_status status = HV_ENOTSUP;
	uint64_t value = 0;

	this_cpu()->counters->hypercalls++;
	/* The calling convention knows HVC #0 only. */
	if (EXTRACT(ESR_ELX_IMM16, frame->esr) == 0) {
		call = find_call(frame->regs[0]);
	}
	if (call != NULL) {
		status = call->run(&frame->regs[1], &value);
		if (hv_is_violation(status)) {
			violation_call(call->name, &frame->regs[1],
				       call->nr_args);
		}
	}
	frame->regs[0] = status == HV_OK ? value : hv_result(status);
}
