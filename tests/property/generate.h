/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls out of bytes: the same for random bytes and for libFuzzer's.
 */
#ifndef HYPSEC_TESTS_PROPERTY_GENERATE_H
#define HYPSEC_TESTS_PROPERTY_GENERATE_H

#include "calls.h"
#include "spec/rdata.h"

/* Bytes to decide by; 0 once they are used up. */
struct bytes {
	const uint8_t *next;
	const uint8_t *end;
};

/*
 * What the sequences are about from now on: memory and DMA at first, or vCPUs.
 */
void generate_about_vcpus(bool vcpus);

/* generate_vcpu.c: arguments of its calls, and what would let a vCPU run. */
void vcpu_arguments(struct bytes *bytes, const struct rdata *adt,
		    struct call *call);
bool vcpu_next_step(struct bytes *bytes, const struct rdata *adt,
		    struct call *call);

/* generate_dma.c: likewise; and what lets a VM have a device. */
void smmu_call(struct bytes *bytes, const struct rdata *adt, uint64_t *arg);
void dma_arguments(struct bytes *bytes, const struct rdata *adt,
		   struct call *call);
bool dma_next_step(struct bytes *bytes, const struct rdata *adt,
		   struct call *call);

/* Size of the arena for a sequence. */
uint32_t generate_chunks(struct bytes *bytes);

/* A call that fits the state, mostly; false at the end of the bytes. */
bool generate_call(struct bytes *bytes, const struct rdata *adt,
		   struct call *call);

#endif /* HYPSEC_TESTS_PROPERTY_GENERATE_H */
