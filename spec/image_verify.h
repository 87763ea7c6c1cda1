/* SPDX-License-Identifier: GPL-2.0-or-later */
/* BootOps.v, verification of a VM. Source: facts B.4, B.12, G39; the manifest:
 * docs/hypercalls.rst, SET_MANIFEST. */
#ifndef HYPSEC_SPEC_IMAGE_VERIFY_H
#define HYPSEC_SPEC_IMAGE_VERIFY_H

#include "spec/rdata.h"

/* Not in the Coq, where nobody says what is authentic. */
enum option set_manifest_spec(uint32_t vmid, const struct manifest *manifest,
			      uint64_t pfn, struct rdata *adt);

enum option verify_image_spec(uint32_t vmid, uint32_t load_idx,
			      struct rdata *adt);
enum option verify_and_load_images_spec(uint32_t vmid, struct rdata *adt);

/*
 * The hash of an image as it lies in the VM; pages that are not there are zero.
 * *@clean: what follows it in its last page is zero.
 */
uint64_t image_hash(uint32_t vmid, uint64_t load_addr, uint64_t size,
		    const struct rdata *adt, bool *clean);

#endif /* HYPSEC_SPEC_IMAGE_VERIFY_H */
