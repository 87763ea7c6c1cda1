/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a bad host tries while VMs run: to read and write their pages, and
 * calls that are not for it. Every attempt has to be refused.
 *
 * A page that the VM shares may be read. The host knows of rings, but may hear
 * of one only after it has read it, so a page that could be read is judged at
 * the end of the VM.
 *
 * Where the board has a DMA tester, a channel that is nobody's tries the same
 * by DMA, while the host rewrites what it can of the SMMU before it.
 *
 * And what VMs might do to the host: its FP/SIMD registers keep what is in
 * them, whatever the VMs do with theirs.
 *
 * Locks: the VM's.
 */
#include "dma.h"
#include "vm.h"

#define PERIOD_US	1000u

/* fp.S */
void fp_fill(uint64_t seed);
bool fp_is(uint64_t seed);

static uint64_t attempts;
static uint64_t refusals;
static uint64_t wrongs;

static void expect(const char *what, struct vm *vm, bool was_refused)
{
	attempts++;
	if (was_refused) {
		refusals++;
	} else {
		wrongs++;
		print("attack: vm%u: %s was not refused", vm->number, what);
	}
}

static bool contains(const struct kept *kept, uint64_t pa)
{
	for (uint32_t i = 0; i < kept->count && i < MAX_KEPT; i++) {
		if (kept->pa[i] == pa) {
			return true;
		}
	}
	return false;
}

static void try_memory(struct vm *vm, uint64_t pa)
{
	uint64_t value;

	attempts += 2;
	if (try_read(pa, &value)) {
		keep(&vm->suspects, pa);
		return;
	}
	refusals++;
	if (try_write(pa, ~value)) {
		keep(&vm->suspects, pa);
		return;
	}
	refusals++;
}

static bool refused(uint64_t fn, uint64_t a1, uint64_t a2, uint64_t a3,
		    uint64_t a4)
{
	return hvc_call(fn, a1, a2, a3, a4) < 0;
}

/* Calls that a running VM's host must not get through with. */
static void try_call(struct vm *vm, uint64_t pa, uint64_t which)
{
	uint64_t own = board.dtb.base & ~(PAGE_SIZE - 1);

	switch (which % 8) {
	case 0:
		/* Of the VM's own it is right once that has powered off. */
		expect("CLEAR_VM_S2_RANGE of no VM", vm,
		       refused(HYPSEC_HVC_CLEAR_VM_S2_RANGE, 0, pa, PAGE_SIZE,
			       0));
		break;
	case 1:
		expect("REMAP_VM_IMAGE", vm,
		       refused(HYPSEC_HVC_REMAP_VM_IMAGE, vm->vmid,
			       own / PAGE_SIZE, 0, 0));
		break;
	case 2:
		expect("SET_BOOT_INFO", vm,
		       refused(HYPSEC_HVC_SET_BOOT_INFO, vm->vmid,
			       VM_RAM_BASE, PAGE_SIZE, 0));
		break;
	case 3:
		expect("SET_MANIFEST", vm,
		       refused(HYPSEC_HVC_SET_MANIFEST, vm->vmid, pa,
			       PAGE_SIZE, 0));
		break;
	case 4:
		expect("VERIFY_VM_IMAGES", vm,
		       refused(HYPSEC_HVC_VERIFY_VM_IMAGES, vm->vmid, 0, 0,
			       0));
		break;
	case 5:
		expect("REGISTER_VCPU", vm,
		       refused(HYPSEC_HVC_REGISTER_VCPU, vm->vmid,
			       MAX_VCPUS - 1, 0, 0));
		break;
	case 6:
		expect("PHYS_ADDR_IOREMAP", vm,
		       refused(HYPSEC_HVC_PHYS_ADDR_IOREMAP, vm->vmid,
			       VM_RAM_BASE, board.uart.base, PAGE_SIZE));
		break;
	default:
		expect("VCPU_RUN of no vCPU", vm,
		       refused(HYPSEC_HVC_VCPU_RUN, vm->vmid, MAX_VCPUS, 0,
			       0));
		break;
	}
}

/* Registers of an SMMU, and what would open it. */
#define SMMU_SCR0	0x000u
#define SMMU_SMR(n)	(0x800u + 4 * (n))
#define SMMU_S2CR(n)	(0xc00u + 4 * (n))
#define SMMU_CBAR(n)	(0x1000u + 4 * (n))
#define SMMU_BANK(n)	(0x8000u + 0x1000 * (n))
#define SCR0_CLIENTPD	1u
#define S2CR_BYPASS	0x10000u
#define CBAR_STAGE1	0x10000u
#define NR_STREAMS	32u
#define NR_BANKS	8u

/*
 * Whether it is refused or not, it has no effect on VMs. The host's channel may
 * be cut off, so that its attempts say little: until CLIENTPD is set again.
 */
static void rewrite_smmu(uint64_t which)
{
	uint64_t base = board.smmu[DMA_SMMU].base;
	uint32_t n = (uint32_t)(which >> 8);

	if (board.smmu[DMA_SMMU].size == 0) {
		return;
	}
	switch (which % 6) {
	case 0:
		try_write32(base + SMMU_SCR0, SCR0_CLIENTPD);
		break;
	case 1:
		try_write32(base + SMMU_SCR0, 0);
		break;
	case 2:
		try_write32(base + SMMU_S2CR(n % NR_STREAMS), S2CR_BYPASS);
		break;
	case 3:
		try_write32(base + SMMU_CBAR(n % NR_BANKS), CBAR_STAGE1);
		break;
	case 4:
		/* SCTLR, TTBR0, TCR and the rest of the first ones. */
		try_write32(base + SMMU_BANK(n % NR_BANKS) +
			    (n >> 3) % 16 * 4, 0);
		break;
	default:
		try_write32(base + SMMU_SMR(n % NR_STREAMS),
			    BIT(31) | dma_stream(dma_spare_channel()));
		break;
	}
}

static struct hypsec_dma_desc host_desc, loop_desc[HYPSEC_DMA_CHANNELS];
static uint64_t host_words[2];

static bool is_fault(uint32_t error)
{
	return error != HYPSEC_DMA_ERROR_NONE && error != DMA_LATE;
}

/* One transfer by a channel of the host's: HYPSEC_DMA_ERROR_*, DMA_LATE. */
static uint32_t host_dma(unsigned int channel, uint32_t op, uint64_t src,
			 uint64_t dst)
{
	host_desc = (struct hypsec_dma_desc){
		.op = op, .src = src, .dst = dst, .length = sizeof(uint64_t),
		.value = UINT64_C(0xa77ac4a77ac4),
	};
	dma_start(channel, &host_desc, 0);
	return dma_wait(channel);
}

/* A page that may be shared with the host is none that it may do DMA to. */
static void try_dma(struct vm *vm, uint64_t pa)
{
	unsigned int channel = dma_spare_channel();
	uint64_t own = (uintptr_t)&host_words[0];

	if (channel == HYPSEC_DMA_CHANNELS) {
		return;
	}
	expect("DMA from its memory", vm,
	       is_fault(host_dma(channel, HYPSEC_DMA_OP_COPY, pa, own)));
	expect("DMA to its memory", vm,
	       is_fault(host_dma(channel, HYPSEC_DMA_OP_WRITE, 0, pa)));
}

/* What would be refused to every host, is only news where DMA works. */
static void check_dma_works(void)
{
	unsigned int channel = dma_spare_channel();

	if (channel == HYPSEC_DMA_CHANNELS) {
		return;
	}
	host_words[0] = UINT64_C(0x600d600d);
	if (host_dma(channel, HYPSEC_DMA_OP_COPY, (uintptr_t)&host_words[0],
		     (uintptr_t)&host_words[1]) != HYPSEC_DMA_ERROR_NONE ||
	    *(volatile uint64_t *)&host_words[1] != host_words[0]) {
		print("attack: the host's own DMA does not work");
		wrongs++;
	}
}

/**
 * attack_dma_loop() - the channels that a VM will get write to its page
 * @vm: the VM
 * @pa: the page, still the host's
 */
void attack_dma_loop(const struct vm *vm, uint64_t pa)
{
	for (unsigned int i = 0; options.attack && i < HYPSEC_DMA_CHANNELS;
	     i++) {
		if ((vm->config.dma & BIT(i)) != 0) {
			loop_desc[i] = (struct hypsec_dma_desc){
				.op = HYPSEC_DMA_OP_WRITE, .dst = pa,
				.length = PAGE_SIZE, .value = ~UINT64_C(0),
			};
			dma_start(i, &loop_desc[i], HYPSEC_DMA_CTRL_LOOP);
		}
	}
}

/**
 * attack_dma_looped() - the page is the VM's: none of them writes any more
 * @vm: the VM
 */
void attack_dma_looped(struct vm *vm)
{
	for (unsigned int i = 0; options.attack && i < HYPSEC_DMA_CHANNELS;
	     i++) {
		if ((vm->config.dma & BIT(i)) != 0) {
			expect("DMA that goes on", vm, is_fault(dma_wait(i)));
		}
	}
}

/* Its channels' registers, streams and bank. */
static void try_device(struct vm *vm, uint64_t which)
{
	uint64_t own = board.dtb.base & ~(PAGE_SIZE - 1);
	unsigned int channel = (unsigned int)(which >> 8) %
			       HYPSEC_DMA_CHANNELS;
	uint64_t value;

	while ((vm->channels & BIT(channel)) == 0) {
		channel = (channel + 1) % HYPSEC_DMA_CHANNELS;
	}
	switch (which % 8) {
	case 0:
		expect("reading its channel", vm,
		       !try_read(dma_base(channel) + HYPSEC_DMA_DESC, &value));
		break;
	case 1:
		expect("starting its channel", vm,
		       !try_write32(dma_base(channel) + HYPSEC_DMA_CTRL,
				    HYPSEC_DMA_CTRL_START));
		break;
	case 2:
		expect("SMMU_SET_STREAM to the host", vm,
		       refused(HYPSEC_HVC_SMMU_SET_STREAM, DMA_SMMU,
			       dma_stream(channel),
			       HYPSEC_SMMU_IDENTITY_BANK, 0));
		break;
	case 3:
		expect("SMMU_SET_STREAM", vm,
		       refused(HYPSEC_HVC_SMMU_SET_STREAM, DMA_SMMU,
			       dma_stream(channel), vm->bank, 0));
		break;
	case 4:
		expect("SMMU_FREE_PGD", vm,
		       refused(HYPSEC_HVC_SMMU_FREE_PGD, vm->bank, DMA_SMMU,
			       0, 0));
		break;
	case 5:
		expect("SMMU_ALLOC_PGD", vm,
		       refused(HYPSEC_HVC_SMMU_ALLOC_PGD, vm->bank, 0,
			       DMA_SMMU, 0));
		break;
	case 6:
		expect("SMMU_LPAE_MAP", vm,
		       hvc_call5(HYPSEC_HVC_SMMU_LPAE_MAP,
				 vm->config.dma_at + vm->config.dma_size, own,
				 HYPSEC_SMMU_READ, vm->bank, DMA_SMMU) < 0);
		break;
	default:
		expect("SMMU_CLEAR", vm,
		       refused(HYPSEC_HVC_SMMU_CLEAR, vm->config.dma_at,
			       vm->bank, DMA_SMMU, 0));
		break;
	}
}

/**
 * attack_dma_given() - the VM has its channels: the host has none of them
 * @vm: not verified yet, so that its bank is the host's to fill
 */
void attack_dma_given(struct vm *vm)
{
	for (uint64_t which = 0; options.attack && which < 6; which++) {
		try_device(vm, which);
	}
}

static uint64_t random(void)
{
	static uint64_t state = UINT64_C(0x9e3779b97f4a7c15);

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static void attack_vm(struct vm *vm)
{
	uint32_t count;
	uint64_t pa;

	lock_acquire(&vm->lock);
	count = vm->given.count < MAX_KEPT ? vm->given.count : MAX_KEPT;
	if (vm->state == VM_RUNNING && count > 0) {
		pa = vm->given.pa[random() % count] + random() % 512 * 8;
		if (vm->ring.pa != (pa & ~(PAGE_SIZE - 1))) {
			try_memory(vm, pa);
		}
		try_call(vm, pa & ~(PAGE_SIZE - 1), random() >> 32);
		rewrite_smmu(random() >> 32);
		try_dma(vm, pa & ~UINT64_C(7));
		if (vm->channels != 0) {
			try_device(vm, random() >> 32);
		}
	}
	lock_release(&vm->lock);
}

static enum task_next attack_task(struct task *task)
{
	static unsigned int next;

	attack_vm(vms[next]);
	next = (next + 1) % nr_vms;
	task->deadline = counter() + us_to_ticks(PERIOD_US);
	return TASK_WAIT;
}

static uint64_t fp_seed(void)
{
	return UINT64_C(0x486f7374) << 32 | (this_cpu()->index + 1) << 8;
}

/* This CPU's registers get their pattern. */
void attack_prepare_cpu(void)
{
	fp_fill(fp_seed());
}

/* A vCPU was on this CPU. */
void attack_check_cpu(const struct vcpu *vcpu)
{
	if (options.attack && !fp_is(fp_seed())) {
		print("attack: vm%u: vcpu %u changed the host's FP registers",
		      vcpu->vm->number, vcpu->id);
		__atomic_add_fetch(&wrongs, 1, __ATOMIC_RELAXED);
		fp_fill(fp_seed());
	}
}

/**
 * attack_start() - let the attacker run beside the VMs
 */
void attack_start(void)
{
	static struct task task = { .run = attack_task };

	if (options.attack) {
		check_dma_works();
		sched_start(&task);
	}
}

/**
 * attack_judge() - which of the pages that could be read were not shared?
 * @vm: has ended
 *
 * Returns: their number
 */
uint64_t attack_judge(struct vm *vm)
{
	uint64_t leaks = 0;

	for (uint32_t i = 0; i < vm->suspects.count && i < MAX_KEPT; i++) {
		uint64_t page = vm->suspects.pa[i] & ~(PAGE_SIZE - 1);

		leaks += !vm->config.shares && !contains(&vm->rings, page);
	}
	wrongs += leaks;
	return leaks;
}

/**
 * attack_report() - say how it went
 *
 * Returns: how many attempts were not refused
 */
uint64_t attack_report(void)
{
	if (options.attack) {
		print("attack: %lu attempts, %lu refused, %lu succeeded",
		      attempts, refusals, wrongs);
	}
	return wrongs;
}
