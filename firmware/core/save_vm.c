/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VM on its way out: pages and vCPUs become ciphertext. Layer: BootOps, on
 * BootCore and MemManager. Locks: takes vm[vmid], then core, then s2page.
 *
 * The first part that is saved freezes the VM for ever. A page that is saved
 * is not the VM's any more, so that none is saved twice, and the seal is made
 * when none is left.
 */
#include "core/save_vm.h"

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
#include "core/saved_vm.h"
#include "core/violation.h"
#include "core/vm_info.h"

static bool is_frozen(vmid_t vmid)
{
	return get_vm_state(vmid) == POWEROFF &&
	       saved_vm(vmid)->phase == SAVED_SAVING;
}

/*
 * Whether a part of the VM may be saved. With vm held; may take core. The VM
 * is as before: a save that is named is not begun.
 */
static enum hv_status prepare(vmid_t vmid)
{
	struct hypsec_seal *seal = &saved_vm(vmid)->seal;
	enum hv_status status;

	if (is_frozen(vmid)) {
		return HV_OK;
	}
	if (get_vm_state(vmid) != VERIFIED) {
		return refuse(HV_EPERM, "the VM cannot be saved");
	}
	if (get_vm_banks(vmid) != 0) {
		return refuse(HV_EPERM, "the VM has a bank of an SMMU");
	}
	if (vm_has_active_vcpu(vmid)) {
		return refuse(HV_EBUSY, "a vCPU is still running");
	}
	status = instance_keep(seal->instance);
	if (status != HV_OK) {
		return refuse(status, "too many VMs were saved in this boot");
	}
	fresh_name(seal->save_id, sizeof(seal->save_id));
	return HV_OK;
}

/* Nothing came of prepare(): no trace is left, unless the VM is frozen. */
static void give_up(vmid_t vmid)
{
	if (!is_frozen(vmid)) {
		instance_release(saved_vm(vmid)->seal.instance);
	}
}

static uint32_t count_vcpus(vmid_t vmid)
{
	uint32_t n = 0;

	while (n < VCPU_PER_VM && get_vcpu_state(vmid, n) != UNUSED) {
		n++;
	}
	return n;
}

/* After prepare(), with s2page held: from here on the VM never runs. */
static void freeze(vmid_t vmid)
{
	struct saved_vm *saved = saved_vm(vmid);
	struct hypsec_seal *seal = &saved->seal;

	if (is_frozen(vmid)) {
		return;
	}
	set_vm_state(vmid, POWEROFF);
	clear_npt(vmid);
	seal->magic = HYPSEC_SEAL_MAGIC;
	seal->version = HYPSEC_SEAL_VERSION;
	seal->nr_vcpus = count_vcpus(vmid);
	seal->nr_pages = page_manager_owned(vmid);
	barrier_isb();
	seal->virtual_count = sysreg_read(cntpct_el0) - get_vm_cntvoff(vmid);
	saved_vm_start(saved, SAVED_SAVING);
}

/**
 * encrypt_mem_buf() - turn a page of a VM's into ciphertext for the host
 * @vmid:   a VM that is frozen
 * @inbuf:  PA of the page, the VM's; only EL2 can reach it
 * @outbuf: PA of a page of the host's
 * @page:   what belongs to it; the tag is filled in
 *
 * It is encrypted where it lies: what the host can write is written once and
 * never read.
 *
 * Spec:   AbstractMachine.encrypt_mem_buf_spec
 * Delta:  D-041
 * Locks:  caller holds vm[vmid] and s2page; takes pt[HOSTVISOR]
 * Panics: the host maps @inbuf - nobody
 */
void encrypt_mem_buf(uint32_t vmid, uint64_t inbuf, uint64_t outbuf,
		     struct hypsec_sealed_page *page)
{
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

	/* Between hashing and encrypting nobody changes it. */
	ASSERT((walk_s2pt(HOSTVISOR, inbuf) & S2_VALID) == 0);
	seal_encrypt(&saved_vm(vmid)->keys, &data, &page->tag);
	memcpy(el2_ptr(pa_to_el2_va(outbuf)), data.data, PAGE_SIZE);
}

static enum hv_status check_page(vmid_t vmid, paddr_t inbuf, paddr_t outbuf,
				 paddr_t tag)
{
	if (get_pfn_owner(inbuf >> PAGE_SHIFT) != vmid ||
	    get_pfn_count(inbuf >> PAGE_SHIFT) > MAX_SHARE_COUNT) {
		return refuse(HV_EPERM, "page is not the VM's");
	}
	if (!saved_vm_host_range(outbuf, PAGE_SIZE) ||
	    !saved_vm_host_range(tag, sizeof(struct hypsec_sealed_page))) {
		return refuse(HV_EPERM, "no place for the ciphertext");
	}
	return HV_OK;
}

/* With s2page held. */
static void save_page(vmid_t vmid, paddr_t inbuf, paddr_t outbuf, paddr_t tag)
{
	struct saved_vm *saved = saved_vm(vmid);
	pfn_t pfn = inbuf >> PAGE_SHIFT;
	struct hypsec_sealed_page page = {
		.index = saved->next,
		.gfn = get_pfn_map(pfn),
		.shares = get_pfn_count(pfn),
	};

	/* A share's content is what the host left; it leaves nothing more. */
	clear_pfn_host(pfn);
	encrypt_mem_buf(vmid, inbuf, outbuf, &page);
	memcpy(el2_ptr(pa_to_el2_va(tag)), &page, sizeof(page));
	saved_vm_add_page(saved, &page.tag);
	clear_vm_page(vmid, pfn);
	icache_invalidate_all();
}

/**
 * save_encrypt_buf() - save a page of a VM, which loses it
 * @vmid:   a VM that is VERIFIED, or frozen by an earlier save of a part
 * @inbuf:  PA of the page, the VM's
 * @outbuf: PA of a page of the host's, for the ciphertext
 * @tag:    PA, aligned to 8 bytes and in one page of the host's, for a struct
 *	    hypsec_sealed_page
 *
 * The page is the host's again, zeroed.
 *
 * Spec:    BootOps.save_encrypt_buf_spec
 * Delta:   D-001. D-041: the VM is frozen by the first save and loses each
 *	    page with it
 * Locks:   takes vm[vmid], then core; s2page and pt; caller holds none
 * Returns: HV_OK; HV_EINVAL for a bad id or address; HV_EPERM if the VM cannot
 *	    be saved, the page is not its own or the others are not the host's;
 *	    HV_EBUSY if a vCPU is ACTIVE; HV_ENOMEM if too many VMs were saved
 *	    in this boot. Nothing has changed on an error
 * Refuses: the above - host can reach this
 */
enum hv_status save_encrypt_buf(uint32_t vmid, uint64_t inbuf, uint64_t outbuf,
				uint64_t tag)
{
	enum hv_status status;

	if (!is_vm(vmid)) {
		return refuse(HV_EINVAL, "no such VM id");
	}
	if (((inbuf | outbuf) & (PAGE_SIZE - 1)) != 0 ||
	    tag % sizeof(uint64_t) != 0 || inbuf >= KVM_PHYS_SIZE ||
	    outbuf >= KVM_PHYS_SIZE || tag >= KVM_PHYS_SIZE) {
		return refuse(HV_EINVAL, "address is misaligned or too large");
	}
	acquire_lock_vm(vmid);
	status = prepare(vmid);
	if (status == HV_OK) {
		acquire_lock_s2page();
		status = check_page(vmid, inbuf, outbuf, tag);
		if (status == HV_OK) {
			freeze(vmid);
			save_page(vmid, inbuf, outbuf, tag);
		}
		release_lock_s2page();
		if (status != HV_OK) {
			give_up(vmid);
		}
	}
	release_lock_vm(vmid);
	return status;
}

/* A part of a vCPU, encrypted where it lies. */
static void encrypt_part(vmid_t vmid, uint32_t vcpuid, enum sealed_kind kind,
			 struct seal_data data, struct hypsec_seal_tag *tag)
{
	const struct sealed_bound bound = { .kind = kind, .number = vcpuid };

	data.bound = &bound;
	data.bound_bytes = sizeof(bound);
	seal_encrypt(&saved_vm(vmid)->keys, &data, tag);
}

/**
 * encrypt_gp_regs() - encrypt a vCPU's general-purpose registers
 * @vmid:   a VM that is frozen
 * @vcpuid: a vCPU of it
 * @sealed: the part for them is filled in
 *
 * Spec:  AbstractMachine.encrypt_gp_regs_spec
 * Delta: D-041: x0 to x30, SP_EL0, PC, PSTATE and the FP registers
 * Locks: caller holds vm[vmid]
 */
void encrypt_gp_regs(uint32_t vmid, uint32_t vcpuid, struct sealed_vcpu *sealed)
{
	const struct shadow_ctxt *ctxt = shadow_ctxt_get(vmid, vcpuid);

	memcpy(sealed->gp.regs, ctxt->regs, sizeof(sealed->gp.regs));
	sealed->gp.fp = ctxt->fp;
	encrypt_part(vmid, vcpuid, SEALED_GP,
		     (struct seal_data){ .data = &sealed->gp,
					 .bytes = sizeof(sealed->gp) },
		     &sealed->gp_tag);
}

/**
 * encrypt_sys_regs() - encrypt a vCPU's system registers and PSCI state
 * @vmid:   a VM that is frozen
 * @vcpuid: a vCPU of it
 * @sealed: the part for them is filled in
 *
 * Spec:  AbstractMachine.encrypt_sys_regs_spec
 * Delta: D-041: all that encrypt_gp_regs() does not have
 * Locks: caller holds vm[vmid]
 */
void encrypt_sys_regs(uint32_t vmid, uint32_t vcpuid,
		      struct sealed_vcpu *sealed)
{
	const struct shadow_ctxt *ctxt = shadow_ctxt_get(vmid, vcpuid);

	memcpy(sealed->sys.regs, ctxt->regs + SEALED_SYS_FIRST,
	       sizeof(sealed->sys.regs));
	sealed->sys.power = get_vcpu_power(vmid, vcpuid);
	sealed->sys.entry = get_vcpu_entry(vmid, vcpuid);
	sealed->sys.context = get_vcpu_context(vmid, vcpuid);
	encrypt_part(vmid, vcpuid, SEALED_SYS,
		     (struct seal_data){ .data = &sealed->sys,
					 .bytes = sizeof(sealed->sys) },
		     &sealed->sys_tag);
}

static void give_vcpu(vmid_t vmid, uint32_t vcpuid,
		      const struct sealed_vcpu *sealed)
{
	volatile struct hypsec_vcpu *shared =
		shadow_ctxt_get(vmid, vcpuid)->shared;
	const uint8_t *bytes = (const uint8_t *)sealed;

	for (size_t i = 0; i < sizeof(*sealed); i++) {
		shared->sealed[i] = bytes[i];
	}
	shared->sealed_size = sizeof(*sealed);
}

static enum hv_status save_vcpu_locked(vmid_t vmid, uint32_t vcpuid)
{
	/* No byte of it is other than set: padding leaves EL2 too. */
	struct sealed_vcpu sealed;
	enum hv_status status;

	if (get_vcpu_state(vmid, vcpuid) == UNUSED) {
		return refuse(HV_EPERM, "there is no such vCPU");
	}
	status = prepare(vmid);
	if (status != HV_OK) {
		return status;
	}
	acquire_lock_s2page();
	freeze(vmid);
	release_lock_s2page();
	memset(&sealed, 0, sizeof(sealed));
	encrypt_gp_regs(vmid, vcpuid, &sealed);
	encrypt_sys_regs(vmid, vcpuid, &sealed);
	give_vcpu(vmid, vcpuid, &sealed);
	saved_vm_add_vcpu(saved_vm(vmid), vcpuid, &sealed);
	return HV_OK;
}

/**
 * save_encrypted_vcpu() - save a vCPU
 * @vmid:   a VM that is VERIFIED, or frozen by an earlier save of a part
 * @vcpuid: a vCPU of it
 *
 * The ciphertext goes to the vCPU's structure in the shared window. Saving it
 * again gives the same.
 *
 * Spec:    BootOps.save_encrypted_vcpu_spec
 * Delta:   D-001. D-041: the VM is frozen by the first save
 * Locks:   takes vm[vmid], then core; s2page; caller holds none
 * Returns: HV_OK; HV_EINVAL for a bad id; HV_EPERM if the VM cannot be saved
 *	    or has no such vCPU; HV_EBUSY if a vCPU is ACTIVE; HV_ENOMEM if too
 *	    many VMs were saved in this boot. Nothing has changed on an error
 * Refuses: the above - host can reach this
 */
enum hv_status save_encrypted_vcpu(uint32_t vmid, uint32_t vcpuid)
{
	enum hv_status status;

	if (!is_vm(vmid) || vcpuid >= VCPU_PER_VM) {
		return refuse(HV_EINVAL, "no such VM or vCPU");
	}
	acquire_lock_vm(vmid);
	status = save_vcpu_locked(vmid, vcpuid);
	release_lock_vm(vmid);
	return status;
}

static enum hv_status check_complete(vmid_t vmid)
{
	const struct saved_vm *saved = saved_vm(vmid);

	if (!is_frozen(vmid)) {
		return refuse(HV_EPERM, "the VM is not being saved");
	}
	if (saved->next != saved->seal.nr_pages) {
		return refuse(HV_EPERM, "a page is not saved");
	}
	if (saved->vcpus != (UINT32_C(1) << saved->seal.nr_vcpus) - 1) {
		return refuse(HV_EPERM, "a vCPU is not saved");
	}
	return HV_OK;
}

/* Whether the host has a place for the seal; asked before it is made. */
static bool has_place(paddr_t pa)
{
	bool has;

	acquire_lock_s2page();
	has = saved_vm_host_range(pa, sizeof(struct hypsec_seal));
	release_lock_s2page();
	return has;
}

/* If the page is not the host's any more, the host has lost the seal. */
static void give_seal(paddr_t pa, const struct hypsec_seal *seal)
{
	acquire_lock_s2page();
	if (saved_vm_host_range(pa, sizeof(*seal))) {
		memcpy(el2_ptr(pa_to_el2_va(pa)), seal, sizeof(*seal));
	}
	release_lock_s2page();
}

static enum hv_status seal_locked(vmid_t vmid, paddr_t pa)
{
	struct saved_vm *saved = saved_vm(vmid);
	struct hypsec_seal *seal = &saved->seal;
	enum hv_status status = check_complete(vmid);

	if (status != HV_OK) {
		return status;
	}
	if (!has_place(pa)) {
		return refuse(HV_EPERM, "no place for the seal");
	}
	instance_saved(seal);
	saved_vm_hash_tags(saved, seal->tags);
	saved_vm_seal_mac(saved, seal, seal->mac);
	saved->phase = SAVED_DONE;
	give_seal(pa, seal);
	return HV_OK;
}

/**
 * seal_vm() - end a save with the seal that makes one VM of its parts
 * @vmid: a VM of which every page and vCPU is saved
 * @pa:   PA, aligned to 8 bytes and in one page of the host's, for a struct
 *	  hypsec_seal
 *
 * Not specified. From now on this save may be restored, and no older one of
 * this VM.
 *
 * Locks:   takes vm[vmid], then core, then s2page; caller holds none
 * Returns: HV_OK; HV_EINVAL for a bad id or address; HV_EPERM if the VM is not
 *	    being saved, a page or vCPU is missing, or the place is not the
 *	    host's. Nothing has changed on an error
 * Refuses: the above - host can reach this
 */
enum hv_status seal_vm(uint32_t vmid, uint64_t pa)
{
	enum hv_status status;

	if (!is_vm(vmid)) {
		return refuse(HV_EINVAL, "no such VM id");
	}
	if (pa >= KVM_PHYS_SIZE || pa % sizeof(uint64_t) != 0) {
		return refuse(HV_EINVAL, "address is misaligned or too large");
	}
	acquire_lock_vm(vmid);
	status = seal_locked(vmid, pa);
	release_lock_vm(vmid);
	return status;
}
