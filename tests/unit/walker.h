/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stage-2 table walker as the hardware does it, written from the Arm ARM
 * (D8.2, D8.3) and not from the firmware: 4 KiB granule, 40-bit IPA, start
 * level 1 with two concatenated tables.
 */
#ifndef HYPSEC_TESTS_UNIT_WALKER_H
#define HYPSEC_TESTS_UNIT_WALKER_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct leaf - one valid block or page
 * @ia:    first input address
 * @pa:    first output address
 * @bytes: size
 * @level: 2 or 3
 * @attributes: descriptor without output address
 */
struct leaf {
	uint64_t ia;
	uint64_t pa;
	uint64_t bytes;
	unsigned int level;
	uint64_t attributes;
};

/* The leaf for @ia, which is below 2^40; false if there is none. */
bool walker_lookup(uint64_t root, uint64_t ia, struct leaf *leaf);

/* Calls @fn for every leaf, in order; returns their number. */
unsigned int walker_each(uint64_t root,
			 void (*fn)(const struct leaf *leaf, void *data),
			 void *data);

#endif /* HYPSEC_TESTS_UNIT_WALKER_H */
