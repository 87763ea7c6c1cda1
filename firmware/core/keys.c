/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The board's keys, and libsodium's place in the firmware.
 * Layer: AbstractMachine. Locks: none; the keys never change after boot.
 *
 * Cryptography itself is libsodium's. It is built without a source of random
 * numbers, since there is none at EL2: nothing that needs one is linked.
 */
#include "core/keys.h"

#include <sodium/utils.h>
#include <string.h>

#include "core/demo_key.h"
#include "core/panic.h"

static uint8_t trusted_key[KEY_BYTES];
static uint8_t sealing_key[KEY_BYTES];
static uint8_t boot_seed[KEY_BYTES];

bool keys_set(const uint8_t trusted[KEY_BYTES],
	      const uint8_t sealing[KEY_BYTES], const uint8_t seed[KEY_BYTES])
{
	static const uint8_t demo_key[KEY_BYTES] = HYPSEC_DEMO_PUBLIC_KEY;
	bool given = sodium_is_zero(trusted, KEY_BYTES) == 0;

	memcpy(trusted_key, given ? trusted : demo_key, KEY_BYTES);
	memcpy(sealing_key, sealing, KEY_BYTES);
	memcpy(boot_seed, seed, KEY_BYTES);
	return given;
}

const uint8_t *keys_trusted(void)
{
	return trusted_key;
}

const uint8_t *keys_sealing(void)
{
	return sealing_key;
}

const uint8_t *keys_seed(void)
{
	return boot_seed;
}

void sodium_misuse(void)
{
	panic("libsodium: an argument is out of its range");
}
