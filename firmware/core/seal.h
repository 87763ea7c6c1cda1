/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Authenticated encryption of what leaves EL2. Layer: AbstractMachine.
 *
 * All data is in memory of EL2's or of a VM's that nobody else can write
 * meanwhile. Locks: none.
 */
#ifndef COREVISOR_CORE_SEAL_H
#define COREVISOR_CORE_SEAL_H

#include "core/types.h"
#include "hypsec/sealed.h"

#define SEAL_KEY_BYTES	32u

/**
 * struct seal_keys - of one save of one VM
 * @box:   encrypts
 * @nonce: makes nonces
 * @mac:   authenticates the seal
 */
struct seal_keys {
	uint8_t box[SEAL_KEY_BYTES];
	uint8_t nonce[SEAL_KEY_BYTES];
	uint8_t mac[SEAL_KEY_BYTES];
};

/**
 * seal_derive() - the keys of a save
 * @keys:     filled in
 * @manifest: hash of the VM's manifest
 * @save_id:  name of the save
 * @machine:  hash of what the VM's registers mean
 *
 * They depend on the board's sealing key and trusted key too: another board
 * opens the save if it has both.
 */
void seal_derive(struct seal_keys *keys,
		 const uint8_t manifest[HYPSEC_SEAL_HASH_BYTES],
		 const uint8_t save_id[HYPSEC_SEAL_HASH_BYTES],
		 const uint8_t machine[HYPSEC_SEAL_HASH_BYTES]);

/* Data, and what it is bound to without being encrypted with it. */
struct seal_data {
	void *data;
	size_t bytes;
	const void *bound;
	size_t bound_bytes;
};

/**
 * seal_encrypt() - encrypt in place
 * @keys: of the save
 * @data: what, and what it belongs to
 * @tag:  filled in
 *
 * The nonce is a keyed hash of all of it, since there is no source of random
 * numbers: it repeats only with the whole.
 */
void seal_encrypt(const struct seal_keys *keys, const struct seal_data *data,
		  struct hypsec_seal_tag *tag);

/* Whether it is what seal_encrypt() made, for the same it is bound to. */
bool seal_is_authentic(const struct seal_keys *keys,
		       const struct seal_data *data,
		       const struct hypsec_seal_tag *tag);

/**
 * seal_decrypt() - decrypt in place
 * @keys: of the save
 * @data: what, and what it belongs to
 * @tag:  of seal_encrypt()
 *
 * Returns: whether it is authentic; if not, the data is zero
 */
bool WARN_UNUSED
seal_decrypt(const struct seal_keys *keys, const struct seal_data *data,
	     const struct hypsec_seal_tag *tag);

#endif /* COREVISOR_CORE_SEAL_H */
