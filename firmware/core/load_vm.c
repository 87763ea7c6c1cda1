/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VM on its way in: ciphertext becomes pages and vCPUs. Layer: BootOps, on
 * BootCore and MemManager. Locks: takes vm[vmid], then core, then s2page, pt.
 *
 * The VM is READY until every part is there. Whatever the host passes is
 * copied, or has left the host, before it is looked at.
 */
#include "core/load_vm.h"

#include <sodium/utils.h>
#include <string.h>

#include "arch/barrier.h"
#include "arch/mem.h"
#include "arch/sysreg.h"
#include "core/instances.h"
#include "core/locks.h"
#include "core/mem_manager.h"
#include "core/npt_ops.h"
#include "core/page_manager.h"
#include "core/panic.h"
#include "core/phys_page.h"
#include "core/pt_alloc.h"
#include "core/saved_vm.h"
#include "core/violation.h"
#include "core/vm_info.h"

/**
 * is_inc_exe() - whether a VM comes from saved state
 * @vmid: a VM
 *
 * Spec:    BootOps.is_inc_exe_spec
 * Delta:   D-041: caller holds vm[vmid]
 * Locks:   caller holds vm[vmid]
 */
bool is_inc_exe(uint32_t vmid)
{
	return get_vm_inc_exe(vmid) != 0;
}

static bool is_loading(vmid_t vmid)
{
	return get_vm_state(vmid) == READY && is_inc_exe(vmid);
}

/* Copies what the host passes, once. */
static enum hv_status copy_from_host(void *to, paddr_t pa, size_t bytes)
{
	enum hv_status status = HV_OK;

	acquire_lock_s2page();
	if (saved_vm_host_range(pa, bytes)) {
		memcpy(to, el2_ptr(pa_to_el2_va(pa)), bytes);
	} else {
		status = refuse(HV_EPERM, "no place of the host's");
	}
	release_lock_s2page();
	return status;
}

/* Takes a copied seal if this board made it; @saved is new. */
static bool take_seal(struct saved_vm *saved, const struct hypsec_seal *seal)
{
	uint8_t mac[HYPSEC_SEAL_HASH_BYTES];

	saved->seal = *seal;
	saved_vm_start(saved, SAVED_LOADING);
	saved_vm_seal_mac(saved, &saved->seal, mac);
	return sodium_memcmp(mac, seal->mac, sizeof(mac)) == 0;
}

static enum hv_status check_empty(vmid_t vmid)
{
	uint64_t pages;

	if (get_vm_state(vmid) != READY || is_inc_exe(vmid)) {
		return refuse(HV_EPERM, "the VM is not new");
	}
	acquire_lock_s2page();
	pages = page_manager_owned(vmid);
	release_lock_s2page();
	if (pages != 0 || get_vm_next_load_idx(vmid) != 0) {
		return refuse(HV_EPERM, "the VM has images");
	}
	return HV_OK;
}

static enum hv_status check_seal(const struct hypsec_seal *seal)
{
	if (seal->magic != HYPSEC_SEAL_MAGIC ||
	    seal->version != HYPSEC_SEAL_VERSION || seal->nr_vcpus == 0 ||
	    seal->nr_vcpus > VCPU_PER_VM) {
		return refuse(HV_EINVAL, "no seal of this version");
	}
	return HV_OK;
}

static enum hv_status boot_locked(vmid_t vmid, paddr_t pa)
{
	struct saved_vm *saved = saved_vm(vmid);
	struct hypsec_seal seal;
	enum hv_status status = check_empty(vmid);

	if (status != HV_OK) {
		return status;
	}
	status = copy_from_host(&seal, pa, sizeof(seal));
	if (status != HV_OK) {
		return status;
	}
	status = check_seal(&seal);
	if (status != HV_OK) {
		return status;
	}
	if (!take_seal(saved, &seal)) {
		status = refuse(HV_EPERM, "the seal is not of such a board");
	} else if (!instance_may_run(&seal)) {
		status = refuse(HV_EPERM, "the VM has gone on since");
	}
	if (status != HV_OK) {
		saved_vm_forget(vmid);
		return status;
	}
	set_vm_inc_exe(vmid, 1);
	return HV_OK;
}

/**
 * boot_from_inc_exe() - begin to restore a saved VM
 * @vmid: a VM that is READY and has neither images nor pages
 * @pa:	  PA, aligned to 8 bytes and in one page of the host's, of the seal
 *
 * From now on it takes saved pages and vCPUs and no images.
 *
 * Spec:    BootOps.boot_from_inc_exe_spec
 * Delta:   D-001. D-041: by the seal of the save
 * Locks:   takes vm[vmid], then core; s2page; caller holds none
 * Returns: HV_OK; HV_EINVAL for a bad id or address or no seal; HV_EPERM if
 *	    the VM is not new, the place is not the host's, the seal is not of
 *	    a board with the same keys and the same CPU, or the VM has gone on
 *	    since. Nothing has changed on an error
 * Refuses: the above - host can reach this
 */
enum hv_status boot_from_inc_exe(uint32_t vmid, uint64_t pa)
{
	enum hv_status status;

	if (!is_vm(vmid)) {
		return refuse(HV_EINVAL, "no such VM id");
	}
	if (pa >= KVM_PHYS_SIZE || pa % sizeof(uint64_t) != 0) {
		return refuse(HV_EINVAL, "address is misaligned or too large");
	}
	acquire_lock_vm(vmid);
	status = boot_locked(vmid, pa);
	release_lock_vm(vmid);
	return status;
}

/**
 * decrypt_mem_buf() - turn ciphertext into a page of a VM's
 * @vmid:  a VM that is being restored
 * @inbuf: PA of the page, the VM's and mapped nowhere
 * @page:  what belongs to it, in memory of EL2's
 *
 * Spec:    AbstractMachine.decrypt_mem_buf_spec
 * Delta:   D-041
 * Locks:   caller holds vm[vmid] and s2page
 * Returns: whether it is authentic; if not, it is as it was - or zero, if
 *	    something else than a CPU changed it meanwhile
 */
bool decrypt_mem_buf(uint32_t vmid, uint64_t inbuf,
		     const struct hypsec_sealed_page *page)
{
	const struct seal_keys *keys = &saved_vm(vmid)->keys;
	const struct sealed_bound bound = {
		.kind = SEALED_PAGE,
		.number = page->index,
		.gfn = page->gfn,
		.shares = page->shares,
	};
	const struct seal_data data = {
		.data = el2_ptr(pa_to_el2_va(inbuf)),
		.bytes = PAGE_SIZE,
		.bound = &bound,
		.bound_bytes = sizeof(bound),
	};

	return seal_is_authentic(keys, &data, &page->tag) &&
	       seal_decrypt(keys, &data, &page->tag);
}

static enum hv_status check_page(vmid_t vmid, pfn_t pfn,
				 const struct hypsec_sealed_page *page)
{
	ipa_t ipa = page->gfn << PAGE_SHIFT;

	if (page->gfn >= KVM_PFN_SPACE || page->shares > MAX_SHARE_COUNT ||
	    page->reserved != 0) {
		return refuse(HV_EINVAL, "no such page was saved");
	}
	if (page->index != saved_vm(vmid)->next ||
	    page->index >= saved_vm(vmid)->seal.nr_pages) {
		return refuse(HV_EPERM, "another page is next");
	}
	if (!mem_is_host_page(pfn)) {
		return refuse(HV_EPERM, "page is not the host's alone");
	}
	if (!npt_range_is_unmapped(vmid, ipa, 1)) {
		return refuse(HV_EBUSY, "already mapped");
	}
	if (npt_missing_tables(vmid, ipa, 1, 3) > pt_pool_free_pages(vmid)) {
		return refuse(HV_ENOMEM, "no memory for tables");
	}
	return mem_banks_agree(vmid, page->gfn, pfn);
}

/* What was not authentic is the host's again, as it was. */
static void give_back(pfn_t pfn)
{
	set_pfn_owner(pfn, HOSTVISOR);
	set_pfn_count(pfn, 0);
	set_pfn_map(pfn, pfn + SMMU_HOST_OFFSET);
}

/* With s2page held. */
static enum hv_status load_page(vmid_t vmid, pfn_t pfn,
				const struct hypsec_sealed_page *page)
{
	enum hv_status status = check_page(vmid, pfn, page);

	if (status != HV_OK) {
		return status;
	}
	status = assign_pfn_to_vm(vmid, page->gfn, pfn);
	ASSERT(status == HV_OK);
	if (!decrypt_mem_buf(vmid, pfn << PAGE_SHIFT, page)) {
		give_back(pfn);
		return refuse(HV_EPERM, "the page is not of this save");
	}
	page_clean(pfn, 1);
	icache_invalidate_all();
	status = map_pfn_vm(vmid, page->gfn << PAGE_SHIFT, pfn << PAGE_SHIFT,
			    3);
	ASSERT(status == HV_OK);
	set_pfn_count(pfn, page->shares);
	saved_vm_add_page(saved_vm(vmid), &page->tag);
	return HV_OK;
}

static enum hv_status load_page_locked(vmid_t vmid, pfn_t pfn, paddr_t tag)
{
	struct hypsec_sealed_page page;
	enum hv_status status;

	if (!is_loading(vmid)) {
		return refuse(HV_EPERM, "the VM is not being restored");
	}
	status = copy_from_host(&page, tag, sizeof(page));
	if (status == HV_OK) {
		acquire_lock_s2page();
		status = load_page(vmid, pfn, &page);
		release_lock_s2page();
	}
	return status;
}

/**
 * load_decrypt_buf() - restore a page of a VM
 * @vmid: a VM that is being restored
 * @buf:  PA of a page of the host's alone, with the ciphertext
 * @tag:  PA, aligned to 8 bytes and in one page of the host's, of the struct
 *	  hypsec_sealed_page
 *
 * The page becomes the VM's, at the place that it had. Pages come in the order
 * in which they were saved.
 *
 * Spec:    BootOps.load_decrypt_buf_spec
 * Delta:   D-001. D-041: mapped at once, and not before it is authentic; only
 *	    a page that no DMA of the host's uses (G64)
 * Locks:   takes vm[vmid], then s2page and pt; caller holds none
 * Returns: HV_OK; HV_EINVAL for a bad id, address or description; HV_EPERM if
 *	    the VM is not being restored, another page is next, or this one is
 *	    not the host's alone or not of this save; HV_ENOMEM without memory
 *	    for tables; HV_EBUSY if its place is taken. Nothing has changed on
 *	    an error
 * Refuses: the above - host can reach this
 */
enum hv_status load_decrypt_buf(uint32_t vmid, uint64_t buf, uint64_t tag)
{
	enum hv_status status;

	if (!is_vm(vmid)) {
		return refuse(HV_EINVAL, "no such VM id");
	}
	if ((buf & (PAGE_SIZE - 1)) != 0 || tag % sizeof(uint64_t) != 0 ||
	    buf >= KVM_PHYS_SIZE || tag >= KVM_PHYS_SIZE) {
		return refuse(HV_EINVAL, "address is misaligned or too large");
	}
	acquire_lock_vm(vmid);
	status = load_page_locked(vmid, buf >> PAGE_SHIFT, tag);
	release_lock_vm(vmid);
	return status;
}

/* Decrypts a part of a vCPU where it lies, if it is authentic. */
static bool decrypt_part(vmid_t vmid, uint32_t vcpuid, enum sealed_kind kind,
			 struct seal_data data,
			 const struct hypsec_seal_tag *tag)
{
	const struct seal_keys *keys = &saved_vm(vmid)->keys;
	const struct sealed_bound bound = { .kind = kind, .number = vcpuid };

	data.bound = &bound;
	data.bound_bytes = sizeof(bound);
	return seal_is_authentic(keys, &data, tag) &&
	       seal_decrypt(keys, &data, tag);
}

/**
 * decrypt_gp_regs() - decrypt a vCPU's general-purpose registers
 * @vmid:   a VM that is being restored
 * @vcpuid: a vCPU of it
 * @sealed: their part is decrypted in place
 *
 * Spec:    AbstractMachine.decrypt_gp_regs_spec
 * Delta:   D-041: nothing is set before all of the vCPU is authentic (G64)
 * Locks:   caller holds vm[vmid]
 * Returns: whether it is authentic
 */
bool decrypt_gp_regs(uint32_t vmid, uint32_t vcpuid, struct sealed_vcpu *sealed)
{
	return decrypt_part(vmid, vcpuid, SEALED_GP,
			    (struct seal_data){ .data = &sealed->gp,
						.bytes = sizeof(sealed->gp) },
			    &sealed->gp_tag);
}

/**
 * decrypt_sys_regs() - decrypt a vCPU's system registers and PSCI state
 * @vmid:   a VM that is being restored
 * @vcpuid: a vCPU of it
 * @sealed: their part is decrypted in place
 *
 * Spec:    AbstractMachine.decrypt_sys_regs_spec
 * Delta:   D-041: nothing is set before all of the vCPU is authentic (G64)
 * Locks:   caller holds vm[vmid]
 * Returns: whether it is authentic
 */
bool decrypt_sys_regs(uint32_t vmid, uint32_t vcpuid,
		      struct sealed_vcpu *sealed)
{
	return decrypt_part(vmid, vcpuid, SEALED_SYS,
			    (struct seal_data){ .data = &sealed->sys,
						.bytes = sizeof(sealed->sys) },
			    &sealed->sys_tag);
}

/* Reads the host's copy, once; false if it has another size. */
static bool take_vcpu(vmid_t vmid, uint32_t vcpuid, struct sealed_vcpu *sealed)
{
	const volatile struct hypsec_vcpu *shared =
		shadow_ctxt_get(vmid, vcpuid)->shared;
	uint8_t *bytes = (uint8_t *)sealed;

	if (shared->sealed_size != sizeof(*sealed)) {
		return false;
	}
	for (size_t i = 0; i < sizeof(*sealed); i++) {
		bytes[i] = shared->sealed[i];
	}
	return true;
}

static void set_vcpu(vmid_t vmid, uint32_t vcpuid,
		     const struct sealed_vcpu *sealed)
{
	struct shadow_ctxt *ctxt = shadow_ctxt_get(vmid, vcpuid);

	memcpy(ctxt->regs, sealed->gp.regs, sizeof(sealed->gp.regs));
	memcpy(ctxt->regs + SEALED_SYS_FIRST, sealed->sys.regs,
	       sizeof(sealed->sys.regs));
	ctxt->fp = sealed->gp.fp;
	set_vcpu_entry(vmid, vcpuid, sealed->sys.entry, sealed->sys.context);
	set_vcpu_power(vmid, vcpuid, (uint32_t)sealed->sys.power);
}

static enum hv_status check_vcpu(vmid_t vmid, uint32_t vcpuid)
{
	const struct saved_vm *saved = saved_vm(vmid);

	if (!is_loading(vmid)) {
		return refuse(HV_EPERM, "the VM is not being restored");
	}
	if (get_vcpu_state(vmid, vcpuid) != READY ||
	    vcpuid >= saved->seal.nr_vcpus) {
		return refuse(HV_EPERM, "there is no such vCPU");
	}
	if ((saved->vcpus & (UINT32_C(1) << vcpuid)) != 0) {
		return refuse(HV_EBUSY, "the vCPU is restored already");
	}
	return HV_OK;
}

static enum hv_status load_vcpu_locked(vmid_t vmid, uint32_t vcpuid)
{
	struct sealed_vcpu sealed;
	enum hv_status status = check_vcpu(vmid, vcpuid);

	if (status != HV_OK) {
		return status;
	}
	if (!take_vcpu(vmid, vcpuid, &sealed)) {
		return refuse(HV_EINVAL, "no vCPU was saved so");
	}
	if (decrypt_gp_regs(vmid, vcpuid, &sealed) &&
	    decrypt_sys_regs(vmid, vcpuid, &sealed)) {
		set_vcpu(vmid, vcpuid, &sealed);
		saved_vm_add_vcpu(saved_vm(vmid), vcpuid, &sealed);
	} else {
		status = refuse(HV_EPERM, "the vCPU is not of this save");
	}
	sodium_memzero(&sealed, sizeof(sealed));
	return status;
}

/**
 * load_encrypted_vcpu() - restore a vCPU
 * @vmid:   a VM that is being restored
 * @vcpuid: a vCPU of it that is registered
 *
 * The ciphertext is in the vCPU's structure in the shared window, as it was
 * saved.
 *
 * Spec:    BootOps.load_encrypted_vcpu_spec
 * Delta:   D-001. D-041: into the VM's registers, not the host's (G64)
 * Locks:   takes vm[vmid]; caller holds none
 * Returns: HV_OK; HV_EINVAL for a bad id or size; HV_EPERM if the VM is not
 *	    being restored, has no such vCPU, or the ciphertext is not of this
 *	    save and vCPU; HV_EBUSY if it is restored already. Nothing has
 *	    changed on an error
 * Refuses: the above - host can reach this
 */
enum hv_status load_encrypted_vcpu(uint32_t vmid, uint32_t vcpuid)
{
	enum hv_status status;

	if (!is_vm(vmid) || vcpuid >= VCPU_PER_VM) {
		return refuse(HV_EINVAL, "no such VM or vCPU");
	}
	acquire_lock_vm(vmid);
	status = load_vcpu_locked(vmid, vcpuid);
	release_lock_vm(vmid);
	return status;
}

/* Whether what was loaded is what was saved, no less and no other. */
static enum hv_status check_complete(vmid_t vmid)
{
	const struct saved_vm *saved = saved_vm(vmid);
	uint8_t tags[HYPSEC_SEAL_HASH_BYTES];

	if (saved->next != saved->seal.nr_pages) {
		return refuse(HV_EPERM, "a page is missing");
	}
	if (saved->vcpus != (UINT32_C(1) << saved->seal.nr_vcpus) - 1 ||
	    !vm_has_vcpus(vmid, saved->seal.nr_vcpus)) {
		return refuse(HV_EPERM, "a vCPU is missing, or was not saved");
	}
	saved_vm_hash_tags(saved, tags);
	if (sodium_memcmp(tags, saved->seal.tags, sizeof(tags)) != 0) {
		return refuse(HV_EPERM, "parts of two saves");
	}
	return HV_OK;
}

enum hv_status load_finish(vmid_t vmid)
{
	struct saved_vm *saved = saved_vm(vmid);
	enum hv_status status = check_complete(vmid);

	if (status != HV_OK) {
		return status;
	}
	status = instance_run(&saved->seal);
	if (status != HV_OK) {
		return refuse(status, status == HV_EPERM ?
				      "the VM has gone on since" :
				      "too many VMs were restored in this "
				      "boot");
	}
	/* The VM's time has stood still. */
	barrier_isb();
	set_vm_cntvoff(vmid,
		       sysreg_read(cntpct_el0) - saved->seal.virtual_count);
	saved->phase = SAVED_NOT;
	set_vm_state(vmid, VERIFIED);
	return HV_OK;
}
