/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Authenticated encryption of what leaves EL2. Layer: AbstractMachine.
 * Locks: none.
 */
#include "core/seal.h"

#include <sodium/crypto_aead_xchacha20poly1305.h>
#include <sodium/crypto_generichash_blake2b.h>
#include <sodium/utils.h>
#include <string.h>

#include "core/keys.h"

#define hash_init	crypto_generichash_blake2b_init
#define hash_update	crypto_generichash_blake2b_update
#define hash_final	crypto_generichash_blake2b_final
typedef crypto_generichash_blake2b_state hash_state;

_Static_assert(HYPSEC_SEAL_NONCE_BYTES ==
		       crypto_aead_xchacha20poly1305_ietf_NPUBBYTES &&
	       HYPSEC_SEAL_MAC_BYTES ==
		       crypto_aead_xchacha20poly1305_ietf_ABYTES &&
	       SEAL_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
	       "the cipher is XChaCha20-Poly1305");

/* One of several keys that @master stands for. */
static void derive_one(uint8_t key[SEAL_KEY_BYTES],
		       const uint8_t master[SEAL_KEY_BYTES], uint8_t purpose)
{
	crypto_generichash_blake2b(key, SEAL_KEY_BYTES, &purpose,
				   sizeof(purpose), master, SEAL_KEY_BYTES);
}

void seal_derive(struct seal_keys *keys,
		 const uint8_t manifest[HYPSEC_SEAL_HASH_BYTES],
		 const uint8_t save_id[HYPSEC_SEAL_HASH_BYTES],
		 const uint8_t machine[HYPSEC_SEAL_HASH_BYTES])
{
	static const uint8_t label[] = "hypsec-virt saved VM 1";
	uint8_t master[SEAL_KEY_BYTES];
	hash_state hash;

	hash_init(&hash, keys_sealing(), KEY_BYTES, sizeof(master));
	hash_update(&hash, label, sizeof(label));
	hash_update(&hash, keys_trusted(), KEY_BYTES);
	hash_update(&hash, manifest, HYPSEC_SEAL_HASH_BYTES);
	hash_update(&hash, save_id, HYPSEC_SEAL_HASH_BYTES);
	hash_update(&hash, machine, HYPSEC_SEAL_HASH_BYTES);
	hash_final(&hash, master, sizeof(master));
	derive_one(keys->box, master, 1);
	derive_one(keys->nonce, master, 2);
	derive_one(keys->mac, master, 3);
	sodium_memzero(&hash, sizeof(hash));
	sodium_memzero(master, sizeof(master));
}

void seal_encrypt(const struct seal_keys *keys, const struct seal_data *data,
		  struct hypsec_seal_tag *tag)
{
	uint64_t bound_bytes = data->bound_bytes;
	hash_state hash;

	hash_init(&hash, keys->nonce, sizeof(keys->nonce), sizeof(tag->nonce));
	hash_update(&hash, (const uint8_t *)&bound_bytes, sizeof(bound_bytes));
	hash_update(&hash, data->bound, data->bound_bytes);
	hash_update(&hash, data->data, data->bytes);
	hash_final(&hash, tag->nonce, sizeof(tag->nonce));
	sodium_memzero(&hash, sizeof(hash));
	crypto_aead_xchacha20poly1305_ietf_encrypt_detached(
		data->data, tag->mac, NULL, data->data, data->bytes,
		data->bound, data->bound_bytes, NULL, tag->nonce, keys->box);
}

static bool open_into(void *to, const struct seal_keys *keys,
		      const struct seal_data *data,
		      const struct hypsec_seal_tag *tag)
{
	return crypto_aead_xchacha20poly1305_ietf_decrypt_detached(
		       to, NULL, data->data, data->bytes, tag->mac,
		       data->bound, data->bound_bytes, tag->nonce,
		       keys->box) == 0;
}

bool seal_is_authentic(const struct seal_keys *keys,
		       const struct seal_data *data,
		       const struct hypsec_seal_tag *tag)
{
	return open_into(NULL, keys, data, tag);
}

bool seal_decrypt(const struct seal_keys *keys, const struct seal_data *data,
		  const struct hypsec_seal_tag *tag)
{
	return open_into(data->data, keys, data, tag);
}
