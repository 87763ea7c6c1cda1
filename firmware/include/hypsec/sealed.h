/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A saved VM, as the host keeps it: one seal, and for every page and vCPU a
 * ciphertext with what is needed to open it. The reference is
 * docs/sealing.rst. All fields are little-endian.
 */
#ifndef HYPSEC_SEALED_H
#define HYPSEC_SEALED_H

#include <stddef.h>
#include <stdint.h>

#include "hypsec/abi.h"

/* "HPSECSV1" read as a little-endian 64-bit number. */
#define HYPSEC_SEAL_MAGIC		UINT64_C(0x3156534345535048)
#define HYPSEC_SEAL_VERSION		1

#define HYPSEC_SEAL_NONCE_BYTES		24
#define HYPSEC_SEAL_MAC_BYTES		16
#define HYPSEC_SEAL_HASH_BYTES		32
#define HYPSEC_SEAL_INSTANCE_BYTES	16

/**
 * struct hypsec_seal_tag - what XChaCha20-Poly1305 adds to a ciphertext
 * @nonce: of this ciphertext
 * @mac:   over it and what it belongs to
 */
struct hypsec_seal_tag {
	uint8_t nonce[HYPSEC_SEAL_NONCE_BYTES];
	uint8_t mac[HYPSEC_SEAL_MAC_BYTES];
};

/**
 * struct hypsec_sealed_page - beside the 4096 bytes of a page's ciphertext
 * @index:    the order of saving, from 0; pages are restored in it
 * @gfn:      IPA of the page / 4096
 * @shares:   how often the VM shares it with the host
 * @reserved: 0
 * @tag:      authenticates the page and the above
 */
struct hypsec_sealed_page {
	uint64_t index;
	uint64_t gfn;
	uint32_t shares;
	uint32_t reserved;
	struct hypsec_seal_tag tag;
};

/**
 * struct hypsec_seal - what makes pages and vCPUs one VM
 * @magic:	   HYPSEC_SEAL_MAGIC
 * @version:	   HYPSEC_SEAL_VERSION
 * @nr_vcpus:	   1 to HYPSEC_MAX_VCPUS; ids 0 to @nr_vcpus - 1
 * @nr_pages:	   how many
 * @generation:	   how often this VM has been saved
 * @virtual_count: the VM's CNTVCT_EL0 when it was frozen
 * @manifest:	   BLAKE2b-256 of the manifest that it was verified by
 * @instance:	   tells it from other VMs of the same manifest
 * @save_id:	   tells this save from all others
 * @tags:	   keyed hash of the tags of all pages and vCPUs
 * @mac:	   keyed hash of all the above
 */
struct hypsec_seal {
	uint64_t magic;
	uint32_t version;
	uint32_t nr_vcpus;
	uint64_t nr_pages;
	uint64_t generation;
	uint64_t virtual_count;
	uint8_t manifest[HYPSEC_SEAL_HASH_BYTES];
	uint8_t instance[HYPSEC_SEAL_INSTANCE_BYTES];
	uint8_t save_id[HYPSEC_SEAL_HASH_BYTES];
	uint8_t tags[HYPSEC_SEAL_HASH_BYTES];
	uint8_t mac[HYPSEC_SEAL_HASH_BYTES];
};

_Static_assert(sizeof(struct hypsec_sealed_page) == 64 &&
	       offsetof(struct hypsec_sealed_page, tag) == 24,
	       "the layout is the ABI");
_Static_assert(sizeof(struct hypsec_seal) == 184 &&
	       offsetof(struct hypsec_seal, manifest) == 40 &&
	       offsetof(struct hypsec_seal, mac) == 152,
	       "the layout is the ABI");

#endif /* HYPSEC_SEALED_H */
