/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values for the arguments of calls.
 */
#ifndef HYPSEC_TESTS_PROPERTY_VALUES_H
#define HYPSEC_TESTS_PROPERTY_VALUES_H

#include "generate.h"

/* One of an array's elements. */
#define PICK(bytes, array) \
	((array)[pick(bytes, sizeof(array) / sizeof((array)[0]))])

/* The next byte, one below @limit, the next eight. */
uint8_t byte(struct bytes *bytes);
uint32_t pick(struct bytes *bytes, uint32_t limit);
uint64_t word(struct bytes *bytes);

/* A number that only an attacker passes. */
uint64_t hostile(struct bytes *bytes);

/* A VM that lives, if one does; and any VM, mostly one that lives. */
uint32_t live_vm(struct bytes *bytes, const struct rdata *adt);
uint32_t some_vm(struct bytes *bytes, const struct rdata *adt);

/* A page that a VM owns, mapped or not; NULL if it has none. */
const struct s2page *some_owned(struct bytes *bytes, uint32_t vmid,
				const struct rdata *adt);
/* A page that is shared, reserved or used by a device; NULL for none. */
const struct s2page *some_counted(struct bytes *bytes,
				  const struct rdata *adt);

uint64_t pfn_of(const struct s2page *page, const struct rdata *adt);

/* A pfn; one that is block aligned, mostly. */
uint64_t some_pfn(struct bytes *bytes, const struct rdata *adt);
uint64_t block_pfn(struct bytes *bytes, const struct rdata *adt);

/* A gfn; one that the VM maps, or next to it, mostly. */
uint64_t new_gfn(struct bytes *bytes);
uint64_t some_gfn(struct bytes *bytes, uint32_t vmid,
		  const struct rdata *adt);

/* An address in a page, a size in bytes, a count of shares, a device. */
uint64_t addr_in(uint64_t gfn, struct bytes *bytes);
uint64_t some_size(struct bytes *bytes);
uint64_t some_count(struct bytes *bytes);
uint64_t device_pa(struct bytes *bytes);

#endif /* HYPSEC_TESTS_PROPERTY_VALUES_H */
