/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VMs and their vCPUs.
 */
#ifndef HOSTVISOR_VM_H
#define HOSTVISOR_VM_H

#include "host.h"
#include "sched.h"
#include "vgic.h"
#include "vpl011.h"

#include "hypsec/abi.h"
#include "hypsec/manifest.h"

#define MAX_VMS		HYPSEC_MAX_VMS
#define MAX_VCPUS	HYPSEC_MAX_VCPUS
#define MAX_IMAGES	HYPSEC_MAX_IMAGES
#define VM_RAM_BASE	UINT64_C(0x40000000)
#define VM_ARGS		8

/* An image in the bundle. */
struct image {
	const uint8_t *data;
	uint64_t size;
	uint64_t load_addr;
};

/* How a VM is to end. */
enum vm_expect {
	EXPECT_OFF,
	EXPECT_REFUSED,
	EXPECT_ANY,
};

/* The config file; README.rst says what the keys mean. */
struct vm_config {
	uint64_t memory;
	bool page_wise;
	enum vm_expect expect;
	bool report;
	uint64_t start_ms;
	uint64_t repeat;
	uint64_t vcpus;
	uint64_t load[MAX_IMAGES];
	uint64_t arg[VM_ARGS];
	bool input;
	bool shares;
	uint64_t dma;
	uint64_t dma_at;
	uint64_t dma_size;
};

/* Where a VM stands; the host's own work on it goes from top to bottom. */
enum vm_state {
	VM_WAITING,		/* for its start */
	VM_LOADING,		/* images are copied and given away */
	VM_VERIFYING,
	VM_RUNNING,
	VM_STOPPING,		/* its vCPUs are coming out */
	VM_DESTROYING,
	VM_CHECKING,		/* that its pages are zero */
	VM_DONE,
};

/* Why it stopped. */
enum vm_end {
	END_NONE,
	END_OFF,
	END_RESET,
	END_REFUSED,
	END_ERROR,
	END_TIMEOUT,
};

/* Counted for the summary. */
enum exit_kind {
	EXIT_IRQ,
	EXIT_WFX,
	EXIT_HVC,
	EXIT_MMIO,
	EXIT_MEMORY,
	EXIT_SYSREG,
	EXIT_OTHER,
	NR_EXITS,
};

/**
 * struct vcpu - a virtual CPU
 * @task:    its place in the scheduler
 * @vm:      whose it is
 * @id:      its number
 * @on:      it is powered on; vm->lock
 * @shared:  what host and EL2 exchange
 * @vgic:    its interrupts
 * @answered: what a memory exit was answered with, until it has run again
 * @ended:   it has powered itself off; what it leaves is cleared before it
 *	     comes on again
 * @in_wfi:  it waits for an interrupt; the task's deadline is its timer's
 * @denied:  how often EL2 would not run it, in a row
 * @exits:   counts
 */
struct vcpu {
	struct task task;
	struct vm *vm;
	uint32_t id;
	bool on;
	volatile struct hypsec_vcpu *shared;
	struct vgic_cpu vgic;
	uint64_t answered;
	bool ended;
	bool in_wfi;
	uint32_t denied;
	uint64_t exits[NR_EXITS];
};

/* The memory behind 2 MiB of a VM: one block, or pages, or nothing yet. */
struct vm_block {
	uint64_t pa;
	uint64_t *pages;
};

/* The ring that a VM shares: see the device's description. */
struct ring {
	uint64_t pa;
	uint32_t taken;
	uint32_t echoed;
};

/* A few addresses, the last ones that came; vm->lock. */
#define MAX_KEPT 64u
struct kept {
	uint64_t pa[MAX_KEPT];
	uint32_t count;
};

/**
 * struct vm - a virtual machine
 * @task:   what the host does for it as a whole
 * @lock:   what is not somebody else's
 * @number, @name, @config, @images: from the bundle
 * @vmid:   EL2's number, 0 for none
 * @state, @end: where it stands, and how it ended
 * @status: what it wrote to its device; @reported if it did
 * @live:   vCPUs that are on
 * @blocks: its memory, @nr_blocks of 2 MiB
 * @pages_given: how many pages it has got
 * @run:    how often it has been started before
 * @resets: how often it asked to be reset
 * @failures: runs that did not end as they should
 * @started_at, @stopped_at: counter values of the run
 * @cursor_image, @cursor_page: how far the loading, or the check, is
 * @not_zero: pages or blocks that did not come back as zeroes
 * @given:  pages that are certainly the VM's alone, unless it shares them
 * @rings:  pages that were rings
 * @suspects: pages that the host could read though they were given
 * @bank:   of the SMMU, through which its devices go; 0 for none
 * @channels: mask of the DMA tester's that it has
 */
struct vm {
	struct task task;
	struct lock lock;
	uint32_t number;
	char name[16];
	char prefix[32];
	struct vm_config config;
	const uint8_t *manifest;
	uint64_t manifest_size;
	struct image images[MAX_IMAGES];
	uint32_t nr_images;
	uint32_t nr_vcpus;
	uint32_t vmid;
	enum vm_state state;
	enum vm_end end;
	uint64_t status;
	bool reported;
	uint32_t live;
	struct vm_block *blocks;
	uint64_t nr_blocks;
	uint64_t pages_given;
	uint64_t run;
	uint64_t resets;
	uint64_t failures;
	uint64_t started_at;
	uint64_t stopped_at;
	uint64_t not_zero;
	uint64_t cursor_image;
	uint64_t cursor_page;
	struct vgic vgic;
	struct vpl011 uart;
	struct ring ring;
	struct kept given;
	struct kept rings;
	struct kept suspects;
	uint32_t bank;
	uint64_t channels;
	struct vcpu vcpus[MAX_VCPUS];
};

extern struct vm *vms[MAX_VMS];
extern unsigned int nr_vms;

/* bundle.c */
void bundle_read(void);

/* vm.c */
void vm_start_all(void);
void vm_stop(struct vm *vm, enum vm_end end);
void vm_vcpu_on(struct vcpu *vcpu);
void vm_vcpu_off(struct vcpu *vcpu);
enum task_next vm_task(struct task *task);

static inline void keep(struct kept *kept, uint64_t pa)
{
	kept->pa[kept->count++ % MAX_KEPT] = pa;
}

/* vm_memory.c */
bool vm_memory_init(struct vm *vm);
uint64_t vm_memory_new_page(struct vm *vm, uint64_t ipa);
void vm_memory_add_page(struct vm *vm, uint64_t ipa, uint64_t pa);
bool vm_memory_serve(struct vm *vm, uint64_t ipa, uint64_t *pa,
		     uint64_t *level);
uint64_t vm_memory_find(struct vm *vm, uint64_t ipa);
bool vm_memory_take_back(struct vm *vm, uint64_t *not_zero);

/* run.c */
enum task_next vcpu_task(struct task *task);

/* vm.c: answers have been taken. */
void vm_answered(struct vcpu *vcpu);

/* exit.c */
bool exit_handle(struct vcpu *vcpu, enum task_next *next);

/* mmio.c */
void mmio_exit(struct vcpu *vcpu, uint64_t esr, uint64_t ipa);

/* psci.c: true if the vCPU goes on. */
bool psci_handle(struct vcpu *vcpu);

/* device.c */
bool device_read(struct vcpu *vcpu, uint32_t offset, uint64_t *value);
bool device_write(struct vcpu *vcpu, uint32_t offset, uint64_t value);

/* dma.c */
bool dma_give(struct vm *vm);
bool dma_came_back(struct vm *vm);
uint64_t dma_victim(const struct vm *vm, unsigned int n);

/* attack.c */
void attack_start(void);
void attack_dma_loop(const struct vm *vm, uint64_t pa);
void attack_dma_looped(struct vm *vm);
void attack_dma_given(struct vm *vm);
void attack_prepare_cpu(void);
void attack_check_cpu(const struct vcpu *vcpu);
uint64_t attack_judge(struct vm *vm);
uint64_t attack_report(void);

#endif /* HOSTVISOR_VM_H */
