/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of fw.h share.
 */
#ifndef HYPSEC_TESTS_PROPERTY_FW_MACHINE_H
#define HYPSEC_TESTS_PROPERTY_FW_MACHINE_H

#include "core/pcpu.h"
#include "core/trap_frame.h"
#include "core/types.h"
#include "fw.h"

#define FW_MAX_TOUCHED	4096

/**
 * struct fw_machine - the machine beside what the firmware holds
 * @frame:    the host's registers, and why it trapped
 * @counters: of CPU 0
 * @records:  PA of the page records
 * @touched, @nr_touched: pages written in this step
 * @tables_touched: a table entry was among them
 */
struct fw_machine {
	struct trap_frame frame;
	struct hypsec_inspect_cpu counters[TOTAL_CPU];
	paddr_t records;
	uint64_t touched[FW_MAX_TOUCHED];
	uint64_t nr_touched;
	bool tables_touched;
};

extern struct fw_machine fw_machine;

/* EL1's and EL2's registers of a CPU whose host has just started. */
void fw_start_worlds(uint32_t chunks);

/*
 * fw_smmu.c: @n SMMUs are taken over; the identity table is built, with page
 * records all of which are the host's; and devices of the host's reach it.
 */
void fw_start_smmus(uint32_t n);
void fw_start_identity(paddr_t records, uint64_t n);
void fw_start_streams(void);

/* A step begins: in it no device was reset, and no register accessed. */
void fw_forget_devices(void);

/* The test itself cannot go on. */
void NORETURN fw_broken(const char *what);

/* The board trusts the owner of the VMs. */
void fw_start_keys(void);

enum answer fw_answer_of(enum hv_status status);

/* The words of a page of RAM. */
uint64_t *fw_page_words(uint64_t pfn);

/* Notes that a page was written. */
void fw_touch(uint64_t pfn);

/* A world's store, which fills the page, and its load; devices: nothing. */
void fw_store_page(uint64_t pfn, uint64_t value);
uint64_t fw_load_page(uint64_t pfn);

#endif /* HYPSEC_TESTS_PROPERTY_FW_MACHINE_H */
