/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The board's DMA tester, whose channels are the host's until a VM gets them.
 */
#ifndef HOSTVISOR_DMA_H
#define HOSTVISOR_DMA_H

#include "dt.h"

#include "hypsec/dma.h"

/* The SMMU that the tester is behind. */
#define DMA_SMMU	1u
/* No answer of the channel in time: an error beside HYPSEC_DMA_ERROR_*. */
#define DMA_LATE	0x100u

static inline uint64_t dma_base(unsigned int channel)
{
	return board.dma.base + channel * HYPSEC_DMA_CHANNEL_BYTES;
}

static inline uint32_t dma_stream(unsigned int channel)
{
	return HYPSEC_DMA_STREAM_BASE + channel;
}

/**
 * dma_start() - let a channel of the host's begin
 * @channel: idle
 * @desc:    what it shall do; the status is written here
 * @ctrl:    HYPSEC_DMA_CTRL_* beside START
 */
void dma_start(unsigned int channel, struct hypsec_dma_desc *desc,
	       uint32_t ctrl);

/* Waits for its end: HYPSEC_DMA_ERROR_* or DMA_LATE. */
uint32_t dma_wait(unsigned int channel);

/* A channel that no VM of the bundle gets; HYPSEC_DMA_CHANNELS if none. */
unsigned int dma_spare_channel(void);

#endif /* HOSTVISOR_DMA_H */
