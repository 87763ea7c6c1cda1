/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A model of what the TLBs of all CPUs may still hold. It watches the native
 * machine's events and finds the first one after which the architecture no
 * longer promises that every CPU sees what the tables say. Written from the
 * Arm ARM (D8.14, D8.16, D8.17) and not from the firmware.
 *
 * Every valid entry that changes leaves a stale translation. It is gone after
 * these steps of one CPU, in this order:
 *
 *	DSB; TLBI IPAS2E1IS for an IPA in it; DSB; TLBI VMALLE1IS; DSB
 *	DSB; TLBI VMALLS12E1IS; DSB
 *
 * where the first DSB is by the CPU that changed the entry, the others are no
 * DSB ISHST, and TLBI acts on the VMID in VTTBR_EL2. Errors are:
 *
 *  - a valid entry replaced by another, or made while the old translation of
 *    its address is stale (break-before-make);
 *  - a table linked that was never zeroed, is linked elsewhere, or whose
 *    content is not yet visible; a linked table zeroed;
 *  - a linked table changed without s2page and its owner's pt held;
 *  - pt released with stale translations of that VMID, or with entries that
 *    other CPUs may not see yet;
 *  - memory zeroed, cleaned or mapped for another VMID while a translation to
 *    it is stale; under a lock also: zeroed while a table maps it, cleaned
 *    while the host's table maps it;
 *  - TLBI after a change of VTTBR_EL2 without ISB; VTTBR_EL2 changed while
 *    EL1's walks are on; the last lock released with either not as before;
 *  - the last lock released with pages zeroed or cleaned and the instruction
 *    caches not invalidated since.
 */
#ifndef HYPSEC_TESTS_UNIT_TLBMODEL_H
#define HYPSEC_TESTS_UNIT_TLBMODEL_H

/*
 * Forgets everything and watches from now on, with the tables as they are in
 * memory and no lock held. machine_start() does this.
 */
void tlbmodel_start(void);

/* Watches no longer: for tests that break the rules. */
void tlbmodel_stop(void);

/* The first error since the start, as a sentence; NULL if there is none. */
const char *tlbmodel_error(void);

/* Fails the test if there is an error. Every unit test ends with this. */
void tlbmodel_check_events(void);

/* Stale translations that are left, for tests of the model. */
unsigned int tlbmodel_stale(void);

#endif /* HYPSEC_TESTS_UNIT_TLBMODEL_H */
