/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A VM's manifest, and whether its images are those that its owner signed.
 * Layer: BootOps.
 */
#ifndef COREVISOR_CORE_IMAGE_VERIFY_H
#define COREVISOR_CORE_IMAGE_VERIFY_H

#include "core/types.h"

enum hv_status WARN_UNUSED set_manifest(uint32_t vmid, uint64_t pa,
					uint64_t size);
enum hv_status WARN_UNUSED verify_image(uint32_t vmid, uint32_t load_idx);
enum hv_status WARN_UNUSED verify_and_load_images(uint32_t vmid);

/* Bytes that one call of verify_image() hashes at most. */
#define VERIFY_BYTES_PER_CALL	UINT64_C(0x10000)

/* Forgets a VM's manifest. Locks: caller holds vm[vmid]. */
void image_verify_forget(vmid_t vmid);

/* Forgets all (tests). Locks: none; no other CPU runs. */
void image_verify_reset(void);

#endif /* COREVISOR_CORE_IMAGE_VERIFY_H */
