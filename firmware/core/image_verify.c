/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VM's manifest, and whether its images are those that its owner signed.
 * Layer: BootOps, on BootCore and NPTOps. Locks: takes vm[vmid], then s2page
 * or pt.
 *
 * While images are hashed, over many calls, the VM is MAPPED: no call gives it
 * an image, a page, a device, a vCPU or another manifest, and nothing of it
 * runs. The images' pages left the host when it handed them over, so what was
 * hashed is what the VM will find.
 */
#include "core/image_verify.h"

#include <sodium/crypto_generichash_blake2b.h>
#include <sodium/crypto_sign_ed25519.h>
#include <sodium/utils.h>
#include <string.h>

#include "arch/mem.h"
#include "core/boot_ops.h"
#include "core/boot_vcpu.h"
#include "core/keys.h"
#include "core/load_vm.h"
#include "core/locks.h"
#include "core/npt_ops.h"
#include "core/page_manager.h"
#include "core/panic.h"
#include "core/saved_vm.h"
#include "core/spec_constants.h"
#include "core/violation.h"
#include "core/vm_info.h"
#include "hypsec/manifest.h"

_Static_assert(HYPSEC_SIGNATURE_BYTES == crypto_sign_ed25519_BYTES &&
	       KEY_BYTES == crypto_sign_ed25519_PUBLICKEYBYTES,
	       "a manifest's signature is Ed25519");
_Static_assert(HYPSEC_MAX_IMAGES == MAX_LOAD_INFO_NUM, "as in the ABI");

/**
 * struct verification - a VM's manifest and how much of it is verified;
 * protected by vm[vmid]
 * @present:   whether the host has passed a manifest; all below is valid
 * @nr_images: 1 to MAX_LOAD_INFO_NUM
 * @nr_vcpus:  1 to VCPU_PER_VM
 * @entry:     IPA of the first instruction
 * @context:   x0 there
 * @digest:    BLAKE2b-256 of the manifest without its signature
 * @images:    as signed
 * @next:      image that is being hashed
 * @done:      bytes of it that are in @hash
 * @hash:      of those
 */
struct verification {
	bool present;
	uint32_t nr_images;
	uint32_t nr_vcpus;
	uint64_t entry;
	uint64_t context;
	uint8_t digest[HYPSEC_HASH_BYTES];
	struct hypsec_manifest_image images[MAX_LOAD_INFO_NUM];
	uint32_t next;
	uint64_t done;
	crypto_generichash_blake2b_state hash;
};

static struct verification verifications[COREVISOR];

static struct verification *verification_of(vmid_t vmid)
{
	ASSERT(is_vm(vmid) && lock_vm_is_held(vmid));
	return &verifications[vmid];
}

/* A manifest as it was passed, in memory of EL2's. */
struct manifest_copy {
	_Alignas(struct hypsec_manifest) uint8_t
		bytes[HYPSEC_MANIFEST_MAX_BYTES];
	size_t size;
};

static const struct hypsec_manifest *manifest(const struct manifest_copy *copy)
{
	return (const struct hypsec_manifest *)(const void *)copy->bytes;
}

/* The only look at the host's memory. */
static enum hv_status copy_manifest(paddr_t pa, struct manifest_copy *copy)
{
	enum hv_status status = HV_OK;

	acquire_lock_s2page();
	if (get_pfn_owner(pa >> PAGE_SHIFT) == HOSTVISOR) {
		memcpy(copy->bytes, el2_ptr(pa_to_el2_va(pa)), copy->size);
	} else {
		status = refuse(HV_EPERM, "manifest is not in the host's RAM");
	}
	release_lock_s2page();
	return status;
}

/* Whether the owner's key signed the copy, all but its last bytes. */
static bool is_signed(const struct manifest_copy *copy)
{
	size_t body = copy->size - HYPSEC_SIGNATURE_BYTES;

	return crypto_sign_ed25519_verify_detached(copy->bytes + body,
						   copy->bytes, body,
						   keys_trusted()) == 0;
}

static bool is_image_sound(const struct hypsec_manifest_image *image)
{
	return (image->load_addr & (PAGE_SIZE - 1)) == 0 && image->size > 0 &&
	       image->load_addr < KVM_PHYS_SIZE &&
	       image->size <= KVM_PHYS_SIZE - image->load_addr;
}

/* Whether the instruction at @addr is. */
static bool is_in_image(uint64_t addr,
			const struct hypsec_manifest_image *image)
{
	return addr >= image->load_addr &&
	       image->size >= sizeof(uint32_t) &&
	       addr - image->load_addr <= image->size - sizeof(uint32_t);
}

/* Apart from the signature. */
static enum hv_status check_manifest(const struct manifest_copy *copy)
{
	const struct hypsec_manifest *m = manifest(copy);
	bool entry_found = false;

	if (m->magic != HYPSEC_MANIFEST_MAGIC ||
	    m->version != HYPSEC_MANIFEST_VERSION || m->flags != 0) {
		return refuse(HV_EINVAL, "no manifest of this version");
	}
	if (m->nr_images == 0 || m->nr_images > MAX_LOAD_INFO_NUM ||
	    copy->size != sizeof(*m) + m->nr_images * sizeof(m->images[0]) +
				  HYPSEC_SIGNATURE_BYTES) {
		return refuse(HV_EINVAL, "manifest has another size");
	}
	if (m->nr_vcpus == 0 || m->nr_vcpus > VCPU_PER_VM) {
		return refuse(HV_EINVAL, "manifest has too many or no vCPUs");
	}
	for (uint32_t i = 0; i < m->nr_images; i++) {
		if (!is_image_sound(&m->images[i])) {
			return refuse(HV_EINVAL, "manifest has a bad image");
		}
		entry_found = entry_found ||
			      is_in_image(m->entry, &m->images[i]);
	}
	if (!entry_found || m->entry % sizeof(uint32_t) != 0) {
		return refuse(HV_EINVAL, "entry is in no image");
	}
	return HV_OK;
}

static void record_manifest(vmid_t vmid, const struct manifest_copy *copy)
{
	const struct hypsec_manifest *m = manifest(copy);
	struct verification *v = verification_of(vmid);

	*v = (struct verification){
		.present = true,
		.nr_images = m->nr_images,
		.nr_vcpus = m->nr_vcpus,
		.entry = m->entry,
		.context = m->context,
	};
	memcpy(v->images, m->images, m->nr_images * sizeof(m->images[0]));
	crypto_generichash_blake2b(v->digest, sizeof(v->digest), copy->bytes,
				   copy->size - HYPSEC_SIGNATURE_BYTES, NULL,
				   0);
}

static enum hv_status set_manifest_locked(vmid_t vmid, paddr_t pa,
					  uint64_t size)
{
	struct manifest_copy copy = { .size = size };
	enum hv_status status;

	if (get_vm_state(vmid) != READY) {
		return refuse(HV_EPERM, "the VM is not being set up");
	}
	if (is_inc_exe(vmid)) {
		return refuse(HV_EPERM, "the VM comes from saved state");
	}
	status = copy_manifest(pa, &copy);
	if (status != HV_OK) {
		return status;
	}
	status = check_manifest(&copy);
	if (status != HV_OK) {
		return status;
	}
	if (!is_signed(&copy)) {
		return refuse(HV_EPERM, "manifest is not signed by the owner");
	}
	record_manifest(vmid, &copy);
	return HV_OK;
}

/**
 * set_manifest() - take the manifest that says what a VM must be
 * @vmid: a VM that is READY
 * @pa:   where it is, in one page of the host's
 * @size: its bytes, signature included
 *
 * Not specified: the specification leaves open what verify_image() compares
 * with (G39). The manifest is copied once and checked in the copy. Until the
 * VM is being verified another one may take its place.
 *
 * Locks:   takes vm[vmid], then s2page; caller holds none
 * Returns: HV_OK; HV_EINVAL for a bad id, place or form; HV_EPERM if the VM is
 *	    not READY, the page is not the host's, or the signature is not by
 *	    the key that the board trusts. Nothing has changed on an error
 * Refuses: the above - host can reach this
 */
enum hv_status set_manifest(uint32_t vmid, uint64_t pa, uint64_t size)
{
	enum hv_status status;

	if (!is_vm(vmid)) {
		return refuse(HV_EINVAL, "no such VM id");
	}
	if (size < sizeof(struct hypsec_manifest) + HYPSEC_SIGNATURE_BYTES ||
	    size > HYPSEC_MANIFEST_MAX_BYTES) {
		return refuse(HV_EINVAL, "manifest has another size");
	}
	if (pa >= KVM_PHYS_SIZE ||
	    (pa & (PAGE_SIZE - 1)) + size > PAGE_SIZE) {
		return refuse(HV_EINVAL, "manifest is not in one page");
	}
	acquire_lock_vm(vmid);
	status = set_manifest_locked(vmid, pa, size);
	release_lock_vm(vmid);
	return status;
}

/* Whether the host has loaded what the manifest names, hashes apart. */
static enum hv_status check_images(vmid_t vmid, const struct verification *v)
{
	if (get_vm_next_load_idx(vmid) != v->nr_images) {
		return refuse(HV_EPERM, "another number of images is signed");
	}
	for (uint32_t i = 0; i < v->nr_images; i++) {
		uint64_t size = get_vm_load_size(vmid, i);

		if (get_vm_load_addr(vmid, i) != v->images[i].load_addr ||
		    size != v->images[i].size) {
			return refuse(HV_EPERM, "another image is signed");
		}
		if (get_vm_mapped_pages(vmid, i) !=
		    (size + PAGE_SIZE - 1) >> PAGE_SHIFT) {
			return refuse(HV_EPERM, "image is not complete");
		}
	}
	return HV_OK;
}

/* What the VM keeps in its RAM goes to no device. */
static enum hv_status check_devices(vmid_t vmid)
{
	if (get_vm_devices_end(vmid) > MAX_MMIO_ADDR) {
		return refuse(HV_EPERM, "a device lies where the VM has RAM");
	}
	return HV_OK;
}

static void start_image(struct verification *v, uint32_t load_idx)
{
	v->next = load_idx;
	v->done = 0;
	crypto_generichash_blake2b_init(&v->hash, NULL, 0, HYPSEC_HASH_BYTES);
}

/* Everything but the contents; from here on nothing can be added. */
static enum hv_status start_verification(vmid_t vmid, struct verification *v)
{
	enum hv_status status;

	if (!v->present) {
		return refuse(HV_EPERM, "the VM has no manifest");
	}
	status = check_images(vmid, v);
	if (status == HV_OK && !vm_has_vcpus(vmid, v->nr_vcpus)) {
		status = refuse(HV_EPERM, "other vCPUs are signed");
	}
	if (status == HV_OK) {
		status = check_devices(vmid);
	}
	if (status == HV_OK) {
		set_vm_state(vmid, MAPPED);
		start_image(v, 0);
	}
	return status;
}

/* One page of an image; false if what follows the image in it is not zero. */
static bool hash_page(struct verification *v, const uint8_t *page,
		      uint64_t bytes)
{
	crypto_generichash_blake2b_update(&v->hash, page, bytes);
	v->done += bytes;
	return sodium_is_zero(page + bytes, PAGE_SIZE - bytes) == 1;
}

static bool is_hash_right(struct verification *v)
{
	uint8_t hash[HYPSEC_HASH_BYTES];

	crypto_generichash_blake2b_final(&v->hash, hash, sizeof(hash));
	return sodium_memcmp(hash, v->images[v->next].hash, sizeof(hash)) == 0;
}

/**
 * verify_image() - hash the next part of a boot image
 * @vmid:     a VM that is MAPPED, with all pages of all images
 * @load_idx: the image; those before it are verified
 *
 * Spec:    AbstractMachine.verify_image_spec
 * Delta:   D-040: by the image's number, against the hash in the manifest, in
 *	    steps of VERIFY_BYTES_PER_CALL
 * Locks:   caller holds vm[vmid]; takes pt[vmid]
 * Returns: HV_OK if the image is the signed one; HV_EAGAIN if a call must go
 *	    on; HV_EPERM if it is another
 * Refuses: the last - host can reach this
 * Panics:  a page is not mapped, images out of order - nobody
 */
enum hv_status verify_image(uint32_t vmid, uint32_t load_idx)
{
	struct verification *v = verification_of(vmid);
	const struct hypsec_manifest_image *image = &v->images[load_idx];
	uint64_t end = v->done + VERIFY_BYTES_PER_CALL;

	ASSERT(load_idx == v->next && load_idx < v->nr_images);
	while (v->done < image->size && v->done < end) {
		uint64_t left = image->size - v->done;
		paddr_t pa = walk_s2pt(vmid, image->load_addr + v->done) &
			     S2_OA_MASK;

		ASSERT(pa != 0);
		if (!hash_page(v, el2_ptr(pa_to_el2_va(pa)),
			       left < PAGE_SIZE ? left : PAGE_SIZE)) {
			return refuse(HV_EPERM, "image ends with other bytes");
		}
	}
	if (v->done < image->size) {
		return HV_EAGAIN;
	}
	return is_hash_right(v) ?
		       HV_OK : refuse(HV_EPERM, "image is not the signed one");
}

/* A step of the VM's verification; HV_OK after the last. */
static enum hv_status verify_next(vmid_t vmid, struct verification *v)
{
	enum hv_status status = verify_image(vmid, v->next);

	if (status == HV_OK && v->next + 1 < v->nr_images) {
		start_image(v, v->next + 1);
		return HV_EAGAIN;
	}
	return status;
}

static enum hv_status verify_locked(vmid_t vmid)
{
	struct verification *v = verification_of(vmid);
	enum hv_status status = HV_OK;

	if (get_vm_state(vmid) == READY && is_inc_exe(vmid)) {
		status = check_devices(vmid);
		return status == HV_OK ? load_finish(vmid) : status;
	}
	if (get_vm_state(vmid) == READY) {
		status = start_verification(vmid, v);
	} else if (get_vm_state(vmid) != MAPPED) {
		status = refuse(HV_EPERM, "the VM is not being set up");
	}
	if (status != HV_OK) {
		return status;
	}
	status = verify_next(vmid, v);
	if (status == HV_OK) {
		set_vm_state(vmid, VERIFIED);
		saved_vm_born(vmid, v->digest);
		boot_vcpu_set_entry(vmid, 0, v->entry, v->context);
	} else if (status == HV_EPERM) {
		set_vm_state(vmid, POWEROFF);
	}
	return status;
}

/**
 * verify_and_load_images() - verify a VM, so that it can run
 * @vmid: a VM that is READY, or MAPPED by an earlier call
 *
 * The first call compares what the host set up with the manifest; if that
 * differs nothing has changed. From then on the VM is MAPPED, until either all
 * images have the signed contents and it is VERIFIED, with vCPU 0 ready to
 * start at the signed entry, or one has not and it is POWEROFF: it never runs,
 * and can only be destroyed. For a VM that comes from saved state this is
 * load_finish().
 *
 * Spec:    BootOps.verify_and_load_images_spec
 * Delta:   D-001. D-016: images lie in their places already. D-040: compared
 *	    with a signed manifest, vCPUs included, in steps; contents that
 *	    differ power the VM off. D-042: no device where the VM has RAM
 * Locks:   takes vm[vmid], then core or pt[vmid]; caller holds none
 * Returns: HV_OK, the VM is VERIFIED; HV_EAGAIN if a call must go on;
 *	    HV_EINVAL for a bad id; HV_EPERM if the VM is neither READY nor
 *	    MAPPED, has no manifest, or is not what that says; for a VM from
 *	    saved state as load_finish()
 * Refuses: the last two - host can reach this
 */
enum hv_status verify_and_load_images(uint32_t vmid)
{
	enum hv_status status;

	if (!is_vm(vmid)) {
		return refuse(HV_EINVAL, "no such VM id");
	}
	acquire_lock_vm(vmid);
	status = verify_locked(vmid);
	release_lock_vm(vmid);
	return status;
}

void image_verify_forget(vmid_t vmid)
{
	memset(verification_of(vmid), 0, sizeof(struct verification));
}

void image_verify_reset(void)
{
	memset(verifications, 0, sizeof(verifications));
}
