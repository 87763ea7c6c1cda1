/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VM that its owner signed: keys, manifests and images for tests.
 */
#ifndef HYPSEC_TESTS_UNIT_SIGNEDVM_H
#define HYPSEC_TESTS_UNIT_SIGNEDVM_H

#include "hypsec/manifest.h"
#include "opstate.h"

/* The seed of a private key. */
struct owner {
	uint8_t seed[32];
};

/* Whom the board trusts, somebody else, and the demo key of the tree. */
extern const struct owner the_owner, stranger, everybody;
/* The board's sealing key, and its seed of this boot. */
extern const uint8_t board_secret[32], board_seed[32];

/* The manifest to be signed, with room for an image too many. */
struct plain_manifest {
	struct hypsec_manifest head;
	struct hypsec_manifest_image images[MAX_LOAD_INFO_NUM + 1];
};

/* A signed manifest. */
struct signed_manifest {
	uint8_t bytes[sizeof(struct plain_manifest) + HYPSEC_SIGNATURE_BYTES];
	size_t size;
};

struct signed_manifest sign_manifest(const struct plain_manifest *plain,
				     const struct owner *owner);

/* The VM of these tests: two images, three pages and one, two vCPUs. */
#define CODE		UINT64_C(0x40080000)
#define CODE_BYTES	(2 * PAGE_SIZE + 100)
#define CODE_PAGES	3
#define CODE_PFN	OPS_PFN(2, 10)
#define TREE		UINT64_C(0x48000000)
#define TREE_BYTES	PAGE_SIZE
#define TREE_PFN	OPS_PFN(2, 20)
#define ENTRY		(CODE + 8)
#define CONTEXT		TREE
#define NR_VCPUS	2
#define MANIFEST_PFN	OPS_PFN(1, 0)

/* Its manifest. */
struct plain_manifest vm_manifest(void);

/* The machine with the owner's key. */
void signed_start(void);

/* The hash of so many bytes from a page on. */
void hash_pages(uint64_t pfn, uint64_t bytes, uint8_t *hash);

/* A host page's content: @bytes of a pattern, then zeros. */
void fill_image_page(uint64_t pfn, uint64_t bytes, uint8_t seed);

/* Writes a manifest to MANIFEST_PFN, and passes what is there. */
void write_manifest(const struct signed_manifest *m);
enum hv_status pass_manifest(vmid_t vm, const struct signed_manifest *m);

/* The same; it is refused, and nothing else has changed. */
#define assert_manifest_refused(vm, m, status)				\
	do {								\
		write_manifest(m);					\
		assert_refused(set_manifest(vm,				\
					    MANIFEST_PFN << PAGE_SHIFT,	\
					    (m)->size), status);	\
	} while (0)

/* Steps of a VM's way: a new one with all but the named step. */
vmid_t vm_with_images(void);
void register_vcpus(vmid_t vm, uint32_t n);
vmid_t vm_to_verify(void);

/* Calls verify_and_load_images() until it does not say HV_EAGAIN. */
enum hv_status verify_all(vmid_t vm);

/* A VM that is VERIFIED. */
vmid_t verified_vm(void);

#endif /* HYPSEC_TESTS_UNIT_SIGNEDVM_H */
