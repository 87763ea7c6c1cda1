/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The calls that a sequence consists of, for the firmware and for the
 * specification alike. Neither side's headers are used here.
 */
#ifndef HYPSEC_TESTS_PROPERTY_CALLS_H
#define HYPSEC_TESTS_PROPERTY_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_ARGS	6
#define MAX_CALLS	400

enum op {
	OP_HOST_FAULT,		/* hpfar esr far: an abort of the host's */
	OP_MAP_PAGE_HOST,	/* addr */
	OP_HOST_LOAD,		/* addr reg */
	OP_HOST_STORE,		/* addr reg value */
	OP_HVC,			/* x0 x1 x2 x3 x4 x5 */
	OP_VM_LOAD,		/* vmid vcpuid gfn reg */
	OP_VM_STORE,		/* vmid vcpuid gfn reg value */
	OP_PVOP,		/* vmid vcpuid x0 x2 x3 */
	OP_VM_FAULT,		/* vmid addr pte level */
	OP_REGISTER_KVM,
	OP_SET_BOOT_INFO,	/* vmid addr size */
	OP_REMAP_VM_IMAGE,	/* vmid pfn idx */
	OP_IOREMAP,		/* vmid gpa pa size */
	OP_CLEAR_RANGE,		/* vmid start size */
	OP_DESTROY_VM,		/* vmid */
	OP_SET_VM_STATE,	/* vmid state */
	OP_SET_VCPU_STATE,	/* vmid vcpuid state */
	OP_GRANT,		/* vmid gpa size */
	OP_REVOKE,		/* vmid gpa size */
	OP_GRANT_PAGE,		/* vmid pfn */
	OP_REVOKE_PAGE,		/* vmid pfn */
	OP_ASSIGN,		/* vmid gfn pfn */
	OP_MAP_PFN,		/* vmid addr pte level */
	OP_CLEAR_PAGE,		/* vmid pfn */
	OP_CLEAR_PFN_HOST,	/* pfn */
	OP_CLEAR_BLOCK_HOST,	/* pfn */
	OP_PLANT,		/* pfn owner count map: set a page record */
	OP_WALK,		/* vmid addr */
	OP_GET_PFN,		/* pfn */
	OP_REGISTER_VCPU,	/* vmid vcpuid */
	OP_START_VCPU,		/* vmid vcpuid entry context */
	OP_HOST_SET,		/* reg value: the host's, see struct view */
	OP_WINDOW,		/* vmid vcpuid field value: the host writes */
	OP_VM_SET,		/* reg value: the next VM that runs does it */
	OP_VM_EXIT,		/* ec esr far hpfar: and stops by that */
	OP_VCPU_RUN,		/* x1 x2 */
	OP_SET_MANIFEST,	/* vmid vcpus entry context flaw: of what it has */
	OP_DMA_LOAD,		/* smmu stream iova */
	OP_DMA_STORE,		/* smmu stream iova value */
	OP_SMMU_READ,		/* smmu offset bytes: the host's access */
	OP_SMMU_WRITE,		/* smmu offset bytes value */
	OP_SMMU_FAULT,		/* smmu offset value: hardware records it */
	NR_OPS,
};

struct call {
	enum op op;
	uint64_t arg[MAX_ARGS];
};

/* What is wrong with a manifest. */
enum flaw {
	FLAW_NONE,
	FLAW_MAGIC,
	FLAW_SIGNATURE,
	FLAW_PLACE,		/* it lies in EL2's memory */
	FLAW_LOAD_ADDR,		/* of image 0: the next page */
	FLAW_SIZE,		/* of the last image: one more */
	FLAW_HASH,		/* of the last image */
	FLAW_IMAGES,		/* one image less */
	NR_FLAWS,
};

/* Fields of the window by number: the registers, and then these. */
enum window_field {
	WINDOW_NEW_PTE = 31,
	WINDOW_NEW_LEVEL,
	WINDOW_ANSWER,
	WINDOW_HCR,
	/* What EL2 writes the host can write too. */
	WINDOW_ESR,
	WINDOW_FAULT_IPA,
	WINDOW_DEADLINE,
	NR_WINDOW_FIELDS,
};

/*
 * Registers by number: the indices of contexts, and FP from VIEW_FP on: Q0's
 * low half, its high half, and so on, FPSR and FPCR.
 */
#define NR_INDICES	76
#define VIEW_FP		NR_INDICES
#define VIEW_FPSR	(VIEW_FP + 64)
#define VIEW_FPCR	(VIEW_FP + 65)
#define NR_VIEW		(VIEW_FP + 66)

/**
 * struct view - what a VM finds when it is entered
 * @reg: by number; 0 for what is not a register of a world's
 * @has_fp: whether the FP registers are known
 */
struct view {
	uint64_t reg[NR_VIEW];
	bool has_fp;
};

/* Whether a world can set a register without a trap. */
bool is_world_register(uint64_t reg);

/* What the next VM that runs does, in its order; then it is interrupted. */
#define MAX_SCRIPT	24
struct script {
	uint32_t nr;
	struct call calls[MAX_SCRIPT];
	/* A VM is entered once more than it stops. */
	uint32_t nr_entered;
	struct view entered[MAX_SCRIPT + 1];
};

/**
 * struct sequence - what a run starts from and what it does
 * @chunks: of the arena that VM tables come from
 * @nr:     calls
 */
struct sequence {
	uint32_t chunks;
	uint32_t nr;
	struct call calls[MAX_CALLS];
};

/**
 * enum answer - how a call ends, in the order of the specification's option
 */
enum answer {
	ANSWER_OK,
	ANSWER_AGAIN,
	ANSWER_INVAL,
	ANSWER_PERM,
	ANSWER_BUSY,
	ANSWER_NOMEM,
	ANSWER_NOTSUP,
	ANSWER_PANIC,
};

const char *answer_name(enum answer answer);

/* How many arguments an operation has. */
unsigned int call_args(enum op op);

/* One line of text, without its end; and back, false if it is no call. */
void call_print(const struct call *call, char *text, size_t bytes);
bool call_parse(const char *text, struct call *call);

#endif /* HYPSEC_TESTS_PROPERTY_CALLS_H */
