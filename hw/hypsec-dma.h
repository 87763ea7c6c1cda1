/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hypsec-dma: a DMA master of eight channels, for tests of what confines DMA.
 *
 * The manual is docs/system/arm/hypsec-dma.rst, registers and descriptors are
 * in firmware/include/hypsec/dma.h. All state is protected by the BQL.
 *
 * QEMU interface:
 *  + links "channel-mr[0]" to "channel-mr[7]": what a channel sees as memory;
 *    system memory where there is none
 *  + sysbus MMIO region 0: a page of registers per channel
 *  + sysbus IRQ 0: all channels
 */
#ifndef HW_HYPSEC_DMA_H
#define HW_HYPSEC_DMA_H

#include "exec/memory.h"
#include "hw/sysbus.h"
#include "hypsec/dma.h"
#include "qemu/timer.h"
#include "qom/object.h"

#define TYPE_HYPSEC_DMA "hypsec-dma"
OBJECT_DECLARE_SIMPLE_TYPE(HypsecDmaState, HYPSEC_DMA)

/* Virtual time from one event of a channel to its next, in ns. */
#define HYPSEC_DMA_EVENT_NS 1000
/* Bytes that one event reads, writes or copies at most. */
#define HYPSEC_DMA_BURST_BYTES 4096

enum HypsecDmaPhase {
    HYPSEC_DMA_IDLE,
    HYPSEC_DMA_FETCH,  /* the next event reads a descriptor */
    HYPSEC_DMA_MOVE,   /* the next event moves data of @cur */
    HYPSEC_DMA_NUM_PHASES,
};

typedef struct HypsecDmaChannel {
    HypsecDmaState *dma;
    unsigned int index;

    /* Property. */
    MemoryRegion *mr;

    /* Registers. */
    uint32_t ctrl;
    uint32_t status;
    uint32_t error;
    uint32_t count;
    uint32_t at;
    uint32_t completed;
    uint64_t desc;
    uint64_t fault;

    /* The descriptor being done, and how far it is. */
    uint32_t phase;
    bool stop;
    uint32_t op;
    uint64_t src;
    uint64_t dst;
    uint64_t length;
    uint64_t value;
    uint64_t moved;

    QEMUTimer timer;
    AddressSpace as;
} HypsecDmaChannel;

struct HypsecDmaState {
    SysBusDevice parent_obj;

    HypsecDmaChannel channel[HYPSEC_DMA_CHANNELS];

    /* A channel's event is under way: who comes here is a channel. */
    bool in_event;

    MemoryRegion regs;
    qemu_irq irq;

    /* hypsec_dma_screen() */
    MemoryRegion screen;
    MemoryRegion *behind;
};

/**
 * hypsec_dma_screen() - keep the channels from a device's registers
 * @s: realized
 * @behind: the registers
 *
 * Events of channels are in callbacks of timers of the virtual clock: there,
 * what stops the clock waits for itself.
 *
 * Returns: a region to map in front of @behind, for one such device
 */
MemoryRegion *hypsec_dma_screen(HypsecDmaState *s, MemoryRegion *behind);

#endif /* HW_HYPSEC_DMA_H */
