/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The manifest of a VM: what its owner signs and EL2 verifies.
 *
 * A manifest is struct hypsec_manifest with as many images as it says,
 * followed at once by the 64-byte Ed25519 signature of those bytes. All fields
 * are little-endian. The host passes it with SET_MANIFEST; it lies in one page.
 */
#ifndef HYPSEC_MANIFEST_H
#define HYPSEC_MANIFEST_H

#include <stddef.h>
#include <stdint.h>

#include "hypsec/abi.h"

/* "HPSECMF1" read as a little-endian 64-bit number. */
#define HYPSEC_MANIFEST_MAGIC		UINT64_C(0x31464d4345535048)
#define HYPSEC_MANIFEST_VERSION		1
#define HYPSEC_HASH_BYTES		32	/* BLAKE2b-256 */
#define HYPSEC_SIGNATURE_BYTES		64

/**
 * struct hypsec_manifest_image - one boot image
 * @load_addr: IPA of its first byte, page aligned
 * @size:      bytes; what follows in its last page is zero
 * @hash:      BLAKE2b-256 of the @size bytes
 */
struct hypsec_manifest_image {
	uint64_t load_addr;
	uint64_t size;
	uint8_t hash[HYPSEC_HASH_BYTES];
};

/**
 * struct hypsec_manifest - a VM as its owner wants it
 * @magic:     HYPSEC_MANIFEST_MAGIC
 * @version:   HYPSEC_MANIFEST_VERSION
 * @nr_images: 1 to HYPSEC_MAX_IMAGES
 * @nr_vcpus:  1 to HYPSEC_MAX_VCPUS; ids 0 to @nr_vcpus - 1
 * @flags:     0
 * @entry:     IPA of vCPU 0's first instruction, inside an image
 * @context:   x0 there
 * @images:    @nr_images of them, in the order of SET_BOOT_INFO
 */
struct hypsec_manifest {
	uint64_t magic;
	uint32_t version;
	uint32_t nr_images;
	uint32_t nr_vcpus;
	uint32_t flags;
	uint64_t entry;
	uint64_t context;
	struct hypsec_manifest_image images[];
};

_Static_assert(offsetof(struct hypsec_manifest, images) == 40 &&
	       sizeof(struct hypsec_manifest_image) == 48,
	       "the layout is the ABI");

/* Bytes of the largest manifest with its signature. */
#define HYPSEC_MANIFEST_MAX_BYTES					\
	(sizeof(struct hypsec_manifest) +				\
	 HYPSEC_MAX_IMAGES * sizeof(struct hypsec_manifest_image) +	\
	 HYPSEC_SIGNATURE_BYTES)

#endif /* HYPSEC_MANIFEST_H */
