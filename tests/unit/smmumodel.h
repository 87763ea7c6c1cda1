/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SMMUs of the host build: registers, stream table and a TLB that forgets
 * nothing by itself.
 *
 * The TLB is assumed to hold every translation that a table ever had while a
 * bank translated by it: what leaves a table is stale until the change is
 * visible (DSB), a TLBI for it was written, and the sync of that kind has
 * answered. tlbmodel.h passes the events on, so that every test is watched.
 * Errors, which tlbmodel_error() reports too, are:
 *
 *  - a page whose owner changes while a table or a TLB leads to it for anybody
 *    but the new owner, seen when s2page is released; likewise a page mapped
 *    for a bank of another owner, or what is not RAM (but for the page where
 *    devices signal);
 *  - a page zeroed, or mapped for a VM, while another's bank leads to it;
 *  - spt released with stale translations;
 *  - a table changed without s2page and spt; linked before it is visible; a
 *    valid entry replaced by what translates otherwise;
 *  - registers after the takeover: a stream that bypasses or leads to a bank
 *    that does not translate, a bank started with stale translations, without
 *    a table, as another kind than stage 2 or with another's TLB tag, a bank
 *    changed or stopped while in use, sCR0 that lets streams pass.
 */
#ifndef HYPSEC_TESTS_UNIT_SMMUMODEL_H
#define HYPSEC_TESTS_UNIT_SMMUMODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/native.h"
#include "core/types.h"

#define SMMUMODEL_MAX		2u
#define SMMUMODEL_BYTES		UINT64_C(0x10000)
#define SMMUMODEL_BASE(index)	(UINT64_C(0x09050000) + (index) * SMMUMODEL_BYTES)
#define SMMUMODEL_BANKS		8u
#define SMMUMODEL_STREAMS	32u

/* Resets @n SMMUs and makes them the machine's devices. */
void smmumodel_start(unsigned int n);

/* The same, and registers them with the firmware, which takes them over. */
void smmumodel_start_board(unsigned int n);

/* As the boot does: the identity bank translates, devices use it. */
void smmumodel_start_dma(void);

/* The page records, whose changes are checked; none before the call. */
void smmumodel_watch_records(paddr_t records, uint64_t count);

/* Begins anew with the tables as they are in memory. tlbmodel_start() does. */
void smmumodel_resync(void);

/* One event of the machine. */
void smmumodel_event(const struct native_event *event);

/* Fails if devices of anybody but @vmid reach memory. */
void smmumodel_expect_private(paddr_t pa, uint64_t bytes, uint32_t vmid);

/* The first error since the start; NULL if there is none. */
const char *smmumodel_error(void);

/* Forgets it: for tests that break the rules. */
void smmumodel_forget_error(void);

/* A register, and to set one as the hardware could have it. */
uint64_t smmumodel_peek(unsigned int index, uint64_t offset);
void smmumodel_poke(unsigned int index, uint64_t offset, uint64_t value);

/* Loads of a status register that find a sync unfinished; 0 at first. */
void smmumodel_set_polls(uint32_t polls);

/* Translations that are stale. */
unsigned int smmumodel_stale(void);

/**
 * smmumodel_dma() - where a device's access goes
 * @index:  SMMU
 * @stream: stream id
 * @iova:   address
 * @write:  a write
 * @pa:     where it goes
 *
 * Goes by the TLB where it may hold a stale entry. Returns: false for a fault
 */
bool smmumodel_dma(unsigned int index, uint32_t stream, uint64_t iova,
		   bool write, paddr_t *pa);

/* The same for a bank, whatever leads to it. */
bool smmumodel_translate(unsigned int index, uint32_t cbndx, uint64_t iova,
			 bool write, paddr_t *pa);

#endif /* HYPSEC_TESTS_UNIT_SMMUMODEL_H */
