/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The EL2 boot block: what the board hands to the firmware at every reset.
 *
 * Shared by the board (hw/) and the firmware. The board writes one block at
 * the first byte of the EL2 carve-out and enters the firmware with its
 * physical address in x0; the firmware copies what it needs and wipes the
 * page before the host runs. All fields are little-endian.
 */
#ifndef HYPSEC_BOOT_BLOCK_H
#define HYPSEC_BOOT_BLOCK_H

/* "HPSECBB1" read as a little-endian 64-bit number. */
#define HYPSEC_BOOT_BLOCK_MAGIC		0x3142424345535048
#define HYPSEC_BOOT_BLOCK_VERSION	2

/* The block is the first page of the carve-out, inspect.h the second. */
#define HYPSEC_BOOT_BLOCK_OFFSET	0x0000
#define HYPSEC_INSPECT_OFFSET		0x1000

#define HYPSEC_ON_VIOLATION_REFUSE	0
#define HYPSEC_ON_VIOLATION_HALT	1

#define HYPSEC_KEY_BYTES		32
#define HYPSEC_MAX_SMMUS		2

/* Byte offsets, for the assembly that runs before there is a stack. */
#define HYPSEC_BOOT_BLOCK_MAGIC_OFF	0
#define HYPSEC_BOOT_BLOCK_BASE_OFF	16
#define HYPSEC_BOOT_BLOCK_SIZE_OFF	24
#define HYPSEC_BOOT_BLOCK_DTB_OFF	32

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

/* One SMMU of the board: PA and bytes of its registers. */
struct hypsec_boot_smmu {
	uint64_t base;
	uint64_t size;
};

/**
 * struct hypsec_boot_block - one board's secrets and choices for one boot
 * @magic:	HYPSEC_BOOT_BLOCK_MAGIC
 * @version:	HYPSEC_BOOT_BLOCK_VERSION
 * @size:	bytes of this structure
 * @carveout_base: PA of the carve-out in bytes, 2 MiB aligned
 * @carveout_size: bytes, a multiple of 2 MiB; the carve-out ends where RAM
 *		ends
 * @dtb_base:	PA of the host's device tree in bytes
 * @dtb_size:	bytes that the device tree may grow to in place
 * @on_violation: HYPSEC_ON_VIOLATION_*
 * @nr_smmus:	SMMUs that the board has, at most HYPSEC_MAX_SMMUS; no DMA of
 *		the board goes past them. 0: DMA is not confined
 * @sealing_key: key from which per-VM sealing keys are derived
 * @trusted_key: Ed25519 public key that VM manifests are checked against; all
 *		zero means the firmware's built-in key
 * @seed:	fresh random bytes, different at every reset
 * @smmus:	the SMMUs: PCIe is behind the first, platform devices behind the
 *		second
 * @nr_dma_channels: channels of hypsec-dma that the board has: none, or
 *		HYPSEC_DMA_CHANNELS
 */
struct hypsec_boot_block {
	uint64_t magic;
	uint32_t version;
	uint32_t size;
	uint64_t carveout_base;
	uint64_t carveout_size;
	uint64_t dtb_base;
	uint64_t dtb_size;
	uint32_t on_violation;
	uint32_t nr_smmus;
	uint8_t sealing_key[HYPSEC_KEY_BYTES];
	uint8_t trusted_key[HYPSEC_KEY_BYTES];
	uint8_t seed[HYPSEC_KEY_BYTES];
	struct hypsec_boot_smmu smmus[HYPSEC_MAX_SMMUS];
	uint64_t nr_dma_channels;
};

_Static_assert(offsetof(struct hypsec_boot_block, magic) ==
		       HYPSEC_BOOT_BLOCK_MAGIC_OFF &&
	       offsetof(struct hypsec_boot_block, carveout_base) ==
		       HYPSEC_BOOT_BLOCK_BASE_OFF &&
	       offsetof(struct hypsec_boot_block, carveout_size) ==
		       HYPSEC_BOOT_BLOCK_SIZE_OFF &&
	       offsetof(struct hypsec_boot_block, dtb_base) ==
		       HYPSEC_BOOT_BLOCK_DTB_OFF,
	       "offsets for assembly");
#endif /* __ASSEMBLER__ */

#endif /* HYPSEC_BOOT_BLOCK_H */
