/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * BootOps.v, verification of a VM. Source: facts B.4, B.12 and G39.
 *
 * The Coq calls verify_image of which nothing is known, on what lies in EL2's
 * window, and moves 2 MiB blocks around the images into the VM first.
 * Corrected, G39: the images lie in their places in the VM already, out of the
 * host's reach; a manifest that the VM's owner has signed says what they are,
 * where they are, where the VM starts and how many vCPUs it has.
 */
#include "spec/image_verify.h"

#include "spec/abstract_machine.h"
#include "spec/boot_ops.h"
#include "spec/locks.h"
#include "spec/npt.h"
#include "spec/page_manager.h"

static uint64_t pages_of(uint64_t size)
{
	return (size + PAGE_SIZE - 1) / PAGE_SIZE;
}

/* The word that fills the page at a gfn. */
static uint64_t word_at(uint32_t vmid, uint64_t gfn, const struct rdata *adt)
{
	struct npt_entry entry = npt_get(&adt->npts[vmid], gfn);
	uint64_t i = entry.level == 0 ? INVALID64 :
		     get_s2_page_index_spec(entry.pfn * PAGE_SIZE, adt);

	return i == INVALID64 ? 0 : adt->flatmem[i];
}

/* Any function that tells different contents apart will do. */
static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 29;
}

uint64_t image_hash(uint32_t vmid, uint64_t load_addr, uint64_t size,
		    const struct rdata *adt, bool *clean)
{
	uint64_t hash = mix(0, size), last = size % PAGE_SIZE;

	*clean = true;
	for (uint64_t i = 0; i < pages_of(size); i++) {
		uint64_t word = word_at(vmid, load_addr / PAGE_SIZE + i, adt);

		if (i == size / PAGE_SIZE) {
			/* A page of which @last bytes belong to the image. */
			*clean = word == 0 ||
				 (last > PAGE_SIZE - 8 &&
				  word >> (8 - (PAGE_SIZE - last)) * 8 == 0);
			word &= last < 8 ? (UINT64_C(1) << last * 8) - 1 :
					   UINT64_MAX;
		}
		hash = mix(hash, word);
	}
	return hash;
}

/* Whether the instruction at @addr is, all of it. */
static bool is_in_image(uint64_t addr, const struct signed_image *image)
{
	return addr >= image->load_addr && image->load_size >= 4 &&
	       addr - image->load_addr <= image->load_size - 4;
}

static enum option check_form(const struct manifest *m)
{
	bool found = false;

	RELY(m->well_formed);
	RELY(m->nr_images > 0 && m->nr_images <= MAX_LOAD_INFO_NUM);
	RELY(m->nr_vcpus > 0 && m->nr_vcpus <= VCPU_PER_VM);
	for (uint32_t i = 0; i < m->nr_images; i++) {
		const struct signed_image *image = &m->images[i];

		RELY(is_aligned(image->load_addr, PAGE_SIZE) &&
		     image->load_size > 0);
		RELY(is_range(image->load_addr, image->load_size,
			      KVM_PHYS_SIZE));
		found = found || is_in_image(m->entry, image);
	}
	RELY(found && is_aligned(m->entry, 4));
	return SOME;
}

/* @pfn: where the host has put it; it is looked at once. */
enum option set_manifest_spec(uint32_t vmid, const struct manifest *manifest,
			      uint64_t pfn, struct rdata *adt)
{
	uint32_t state, owner;

	if (adt->halt) {
		return SOME;
	}
	RELY_CALLER(is_vm(vmid));
	WHEN(acquire_lock_vm_spec(vmid, adt));
	WHEN(get_vm_state_spec(vmid, adt, &state));
	RELY_OR(state == READY, NONE_PERM);
	WHEN(acquire_lock_s2page_spec(adt));
	WHEN(get_pfn_owner_spec(pfn, adt, &owner));
	RELY_OR(owner == HOSTVISOR, NONE_PERM);
	WHEN(release_lock_s2page_spec(adt));
	WHEN(check_form(manifest));
	RELY_OR(manifest->by_owner, NONE_PERM);
	adt->vms[vmid].manifest = *manifest;
	adt->vms[vmid].manifest.present = true;
	return release_lock_vm_spec(vmid, adt);
}

/* Everything but the contents. */
static enum option check_setup(const struct vm *vm)
{
	const struct manifest *m = &vm->manifest;

	RELY_OR(m->present && vm->next_load_idx == m->nr_images, NONE_PERM);
	for (uint32_t i = 0; i < m->nr_images; i++) {
		const struct load_info *image = &vm->load[i];

		RELY_OR(image->load_addr == m->images[i].load_addr &&
			image->load_size == m->images[i].load_size, NONE_PERM);
		/* G40: all of it is there. */
		RELY_OR(image->mapped_pages == pages_of(image->load_size),
			NONE_PERM);
	}
	for (uint32_t i = 0; i < VCPU_PER_VM; i++) {
		RELY_OR(vm->vcpu[i] == (i < m->nr_vcpus ? READY : UNUSED),
			NONE_PERM);
	}
	/* G26: what the VM keeps in its RAM goes to no device. */
	RELY_OR(vm->devices_end <= MAX_MMIO_ADDR, NONE_PERM);
	return SOME;
}

/* G37: AGAIN after MAX_VERIFY_BYTES, until the image has been seen whole. */
enum option verify_image_spec(uint32_t vmid, uint32_t load_idx,
			      struct rdata *adt)
{
	struct manifest *m = &adt->vms[vmid].manifest;
	const struct signed_image *image = &m->images[load_idx];
	uint64_t hash;
	bool clean;

	m->verified += MAX_VERIFY_BYTES;
	hash = image_hash(vmid, image->load_addr, image->load_size, adt,
			  &clean);
	if (m->verified < image->load_size) {
		return AGAIN;
	}
	return clean && hash == image->hash ? SOME : NONE_PERM;
}

/*
 * B.4, E.3: READY -> VERIFIED, by way of MAPPED while it is not finished. G65:
 * each image by its own number. What is wrong before the first look at the
 * contents changes nothing; wrong contents end the VM, where the Coq stops the
 * machine.
 */
enum option verify_and_load_images_spec(uint32_t vmid, struct rdata *adt)
{
	struct manifest *m;
	enum option done;
	uint32_t state;

	if (adt->halt) {
		return SOME;
	}
	RELY_CALLER(is_vm(vmid));
	m = &adt->vms[vmid].manifest;
	WHEN(acquire_lock_vm_spec(vmid, adt));
	WHEN(get_vm_state_spec(vmid, adt, &state));
	if (state == READY) {
		WHEN(check_setup(&adt->vms[vmid]));
		WHEN(set_vm_state_spec(vmid, MAPPED, adt));
		m->next = 0;
		m->verified = 0;
	} else if (state != MAPPED) {
		return panic_spec(adt);
	}
	done = verify_image_spec(vmid, m->next, adt);
	if (done == SOME && m->next + 1 < m->nr_images) {
		m->next++;
		m->verified = 0;
		done = AGAIN;
	} else if (done == SOME) {
		WHEN(set_vm_state_spec(vmid, VERIFIED, adt));
		WHEN(boot_vcpu_set_entry_spec(vmid, 0, m->entry, m->context,
					      adt));
	} else if (done == NONE_PERM) {
		WHEN(set_vm_state_spec(vmid, POWEROFF, adt));
		done = ENDED;
	}
	WHEN(release_lock_vm_spec(vmid, adt));
	return done;
}
