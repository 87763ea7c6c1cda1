/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hypsec-dma, a DMA master for tests: registers and descriptors.
 *
 * A channel has one page of registers and one stream id of its own, so that
 * an SMMU tells channels apart. It fetches descriptors one after the other,
 * does what each says, and writes its status back; all of it by DMA, so an
 * SMMU can refuse every part. Everything is little-endian. The reference is
 * docs/system/arm/hypsec-dma.rst.
 */
#ifndef HYPSEC_DMA_H
#define HYPSEC_DMA_H

#define HYPSEC_DMA_CHANNELS		8
#define HYPSEC_DMA_CHANNEL_BYTES	0x1000
#define HYPSEC_DMA_STREAM_BASE		0x10	/* of channel 0 */

/* On the hypsec-virt board, with -M hypsec-virt,dma=on. */
#define HYPSEC_DMA_BASE			0x0b010000
#define HYPSEC_DMA_SPI			194	/* of all channels */

/*
 * Registers of a channel: 32 bits; those named 64 are read and written as a
 * whole or by halves. DESC and COUNT cannot be written while BUSY.
 */
#define HYPSEC_DMA_ID			0x000	/* RO: HYPSEC_DMA_ID_VALUE */
#define HYPSEC_DMA_CTRL			0x004	/* HYPSEC_DMA_CTRL_* */
#define HYPSEC_DMA_STATUS		0x008	/* HYPSEC_DMA_STATUS_* */
#define HYPSEC_DMA_ERROR		0x00c	/* RO: HYPSEC_DMA_ERROR_* */
#define HYPSEC_DMA_DESC			0x010	/* 64: first descriptor */
#define HYPSEC_DMA_COUNT		0x018	/* descriptors, 1 to 65535 */
#define HYPSEC_DMA_INDEX		0x01c	/* RO: descriptor being done */
#define HYPSEC_DMA_FAULT		0x020	/* RO, 64: address of the error */
#define HYPSEC_DMA_DONE			0x028	/* RO: descriptors completed */
#define HYPSEC_DMA_STREAM		0x02c	/* RO: stream id */

#define HYPSEC_DMA_ID_VALUE		0x48534431

/* CTRL; START, STOP and RESET read as 0; of them, the last one counts. */
#define HYPSEC_DMA_CTRL_START		0x01	/* ignored while BUSY */
#define HYPSEC_DMA_CTRL_STOP		0x02	/* at the next burst */
#define HYPSEC_DMA_CTRL_RESET		0x04	/* all registers, at once */
#define HYPSEC_DMA_CTRL_IRQ		0x08	/* interrupt on DONE or ERROR */
#define HYPSEC_DMA_CTRL_LOOP		0x10	/* begin again after the last */

/* STATUS: DONE and ERROR are cleared by writing 1. */
#define HYPSEC_DMA_STATUS_BUSY		0x01
#define HYPSEC_DMA_STATUS_DONE		0x02
#define HYPSEC_DMA_STATUS_ERROR		0x04

/*
 * ERROR, and status of a descriptor. FAULT is the address that failed; that of
 * the descriptor for INVALID, and of what was to be written for STATUS.
 */
#define HYPSEC_DMA_ERROR_NONE		0
#define HYPSEC_DMA_ERROR_FETCH		1	/* descriptor not readable */
#define HYPSEC_DMA_ERROR_INVALID	2	/* descriptor makes no sense */
#define HYPSEC_DMA_ERROR_READ		3
#define HYPSEC_DMA_ERROR_WRITE		4
#define HYPSEC_DMA_ERROR_STATUS		5	/* status not writable */

/* Operations. */
#define HYPSEC_DMA_OP_READ		1	/* src; XOR of its words in value */
#define HYPSEC_DMA_OP_WRITE		2	/* value, again and again, to dst */
#define HYPSEC_DMA_OP_COPY		3	/* src to dst */

/* Of one descriptor; addresses and lengths are multiples of 8. */
#define HYPSEC_DMA_MAX_BYTES		0x1000000

/* Written to a descriptor's status, with an error in bits 7 to 0. */
#define HYPSEC_DMA_DESC_DONE		0x80000000

#ifndef __ASSEMBLER__
#include <stdint.h>

/**
 * struct hypsec_dma_desc - one descriptor, 8-byte aligned
 * @op:     HYPSEC_DMA_OP_*
 * @status: written at the end: HYPSEC_DMA_DESC_DONE and HYPSEC_DMA_ERROR_*
 * @src:    address to read from
 * @dst:    address to write to
 * @length: bytes, 8 to HYPSEC_DMA_MAX_BYTES
 * @value:  pattern to write; HYPSEC_DMA_OP_READ writes it before @status
 * @fault:  as register FAULT, 0 without an error; written before @status
 */
struct hypsec_dma_desc {
	uint32_t op;
	uint32_t status;
	uint64_t src;
	uint64_t dst;
	uint64_t length;
	uint64_t value;
	uint64_t fault;
};
#endif /* __ASSEMBLER__ */

#endif /* HYPSEC_DMA_H */
