/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "walker.h"

#include <glib.h>

#include "arch/mem.h"

/* Bits of a table descriptor that must be zero here. */
#define TABLE_MUST_BE_ZERO	(~UINT64_C(0x0000fffffffff003))
/* The same of a leaf: not the software bits, not XN, and bit 11. */
#define LEAF_MUST_BE_ZERO	UINT64_C(0xf80f000000000800)

static uint64_t load(uint64_t table, uint64_t index)
{
	const uint64_t *entries = el2_ptr(pa_to_el2_va(table));

	g_assert_cmphex(table & 0xfff, ==, 0);
	return entries[index];
}

static bool leaf_at(uint64_t desc, unsigned int level, uint64_t ia,
		    struct leaf *leaf)
{
	uint64_t bytes = level == 2 ? 0x200000 : 0x1000;
	uint64_t oa = 0x0000ffffffffffff & ~(bytes - 1);

	g_assert_cmphex(desc & LEAF_MUST_BE_ZERO, ==, 0);
	/* A block's low output address bits are RES0. */
	g_assert_cmphex(desc & ~oa & 0x0000fffffffff000, ==, 0);
	*leaf = (struct leaf){
		.ia = ia & ~(bytes - 1),
		.pa = desc & oa,
		.bytes = bytes,
		.level = level,
		.attributes = desc & ~oa,
	};
	return true;
}

/* The table that @desc links, or 0. */
static uint64_t next_table(uint64_t desc)
{
	g_assert_cmphex(desc & TABLE_MUST_BE_ZERO, ==, 0);
	return desc & 0x0000fffffffff000;
}

bool walker_lookup(uint64_t root, uint64_t ia, struct leaf *leaf)
{
	uint64_t desc = load(root + (ia >> 39) * 4096, ia >> 30 & 511);

	if ((desc & 1) == 0) {
		return false;
	}
	/* No level-1 blocks are ever made. */
	g_assert_cmphex(desc & 3, ==, 3);
	desc = load(next_table(desc), ia >> 21 & 511);
	if ((desc & 1) == 0) {
		return false;
	}
	if ((desc & 2) == 0) {
		return leaf_at(desc, 2, ia, leaf);
	}
	desc = load(next_table(desc), ia >> 12 & 511);
	if ((desc & 1) == 0) {
		return false;
	}
	/* 0b01 is reserved at level 3. */
	g_assert_cmphex(desc & 3, ==, 3);
	return leaf_at(desc, 3, ia, leaf);
}

unsigned int walker_each(uint64_t root,
			 void (*fn)(const struct leaf *leaf, void *data),
			 void *data)
{
	unsigned int leaves = 0;
	uint64_t ia = 0;

	while (ia < UINT64_C(1) << 40) {
		struct leaf leaf;
		uint64_t l1 = load(root + (ia >> 39) * 4096, ia >> 30 & 511);
		uint64_t l2 = (l1 & 1) == 0 ? 0 :
			      load(next_table(l1), ia >> 21 & 511);

		if (walker_lookup(root, ia, &leaf)) {
			fn(&leaf, data);
			leaves++;
		}
		/* On by what one entry at the level reached covers. */
		if ((l1 & 1) == 0) {
			ia += UINT64_C(1) << 30;
		} else if ((l2 & 3) != 3) {
			ia += UINT64_C(1) << 21;
		} else {
			ia += UINT64_C(1) << 12;
		}
	}
	return leaves;
}
