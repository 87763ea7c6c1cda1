/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The board's keys, and libsodium's place in the firmware.
 * Layer: AbstractMachine.
 */
#ifndef COREVISOR_CORE_KEYS_H
#define COREVISOR_CORE_KEYS_H

#include "core/types.h"

#define KEY_BYTES	32u

/**
 * keys_set() - take the board's keys at boot
 * @trusted: Ed25519 public key of manifests; all zero: the built-in key, whose
 *	     private half everybody has
 * @sealing: secret, of which every sealing key is derived
 * @seed:    of this boot alone; makes names that do not come again
 *
 * Returns: false if @trusted is zero
 * Locks:   none; boot CPU only, before any other runs
 */
bool keys_set(const uint8_t trusted[KEY_BYTES],
	      const uint8_t sealing[KEY_BYTES], const uint8_t seed[KEY_BYTES]);

/* The key that manifests are checked against. Locks: none. */
const uint8_t *keys_trusted(void);

/* The board's secret. Locks: none. */
const uint8_t *keys_sealing(void);

/* This boot's seed. Locks: none. */
const uint8_t *keys_seed(void);

/* What libsodium calls for an impossible argument. Panics: always - nobody */
void sodium_misuse(void) NORETURN;

#endif /* COREVISOR_CORE_KEYS_H */
