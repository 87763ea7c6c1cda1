/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything at once, for as many seconds as the argument says: every vCPU
 * computes with FP/SIMD registers and checks its part of the memory while its
 * timer interrupts it. All but vCPU 0 switch themselves off after some work,
 * vCPU 0 switches them on again, and it lends a page to the host and takes it
 * back. One wrong value ends the VM.
 */
#include "stress.h"
#include "vm.h"

#define DEFAULT_SECONDS	10u
#define CHUNK_BYTES	(UINT64_C(64) << 10)
#define MAX_CHUNKS	4096u
#define SPINS		UINT64_C(20000)
#define PERIOD_US	1000u
#define UNITS_PER_LIFE	7u
#define WAIT_SECONDS	120u
#define REPORTS		5u

const char vm_name[] = "soak";

/**
 * struct part - what belongs to one vCPU
 * @start:   its memory
 * @chunks:  how many
 * @next:    which one comes next
 * @seeds:   what each was filled with, 0 if never
 * @units:   of work done
 * @lives:   how often it was switched on
 * @ticks:   interrupts of its timer
 */
struct part {
	uint64_t *start;
	unsigned int chunks;
	unsigned int next;
	uint64_t seeds[MAX_CHUNKS];
	uint64_t units;
	unsigned int lives;
	unsigned int ticks;
};

static struct part parts[VM_MAX_VCPUS];
static uint64_t lent[VM_PAGE_SIZE / 8] __attribute__((aligned(4096)));
static unsigned int vcpus, vm_id, shares;

static void on_irq(unsigned int intid)
{
	if (intid != VM_TIMER_PPI) {
		vm_fail("vcpu %u: interrupt %u", vm_vcpu(), intid);
	}
	vm_add(&parts[vm_vcpu()].ticks, 1);
	vm_timer_in(vm_us_to_ticks(PERIOD_US));
}

/* What a chunk holds is checked before it gets something new. */
static void work_on_memory(struct part *part, uint64_t seed)
{
	uint64_t *start = part->start + part->next * CHUNK_BYTES / 8;

	if (part->seeds[part->next]) {
		stress_verify(start, CHUNK_BYTES, part->seeds[part->next]);
	}
	stress_fill(start, CHUNK_BYTES, seed);
	part->seeds[part->next] = seed;
	part->next = (part->next + 1) % part->chunks;
}

static void work(unsigned int vcpu)
{
	struct part *part = &parts[vcpu];
	uint64_t seed = (uint64_t)vm_id << 56 | (uint64_t)vcpu << 48 |
			++part->units;

	stress_fp(seed, SPINS);
	stress_fp_sum();
	work_on_memory(part, seed);
}

static void begin(void)
{
	vm_irq_init_vcpu();
	vm_irq_enable(VM_TIMER_PPI);
	vm_timer_in(vm_us_to_ticks(PERIOD_US));
	vm_irqs_on();
}

static void wait_for_tick(const struct part *part)
{
	struct vm_deadline deadline = vm_deadline(WAIT_SECONDS);
	unsigned int before = vm_load(&part->ticks);

	while (vm_load(&part->ticks) == before) {
		vm_relax(&deadline, "a timer interrupt");
	}
}

static void live(unsigned int vcpu)
{
	struct part *part = &parts[vcpu];
	unsigned int units = ++part->lives % UNITS_PER_LIFE + 1;

	begin();
	while (units--) {
		work(vcpu);
	}
	wait_for_tick(part);
	vm_irqs_off();
	vm_timer_off();
}

static void switch_on_those_off(void)
{
	for (unsigned int vcpu = 1; vcpu < vcpus; vcpu++) {
		if (vm_cpu_state(vcpu) == PSCI_IS_OFF) {
			int64_t result = vm_cpu_on(vcpu, live);

			if (result) {
				vm_fail("CPU_ON of %u: %ld", vcpu, result);
			}
		}
	}
}

/* What the page holds meanwhile is no secret, and may change. */
static void lend_a_page(void)
{
	if (vm_share(lent, sizeof(lent))) {
		vm_fail("EL2 does not share a page");
	}
	if (vm_unshare(lent, sizeof(lent))) {
		vm_fail("EL2 does not take a page back");
	}
	stress_fill(lent, sizeof(lent), ++shares);
	stress_verify(lent, sizeof(lent), shares);
}

static void wait_for_others(void)
{
	struct vm_deadline deadline = vm_deadline(WAIT_SECONDS);

	for (unsigned int vcpu = 1; vcpu < vcpus; vcpu++) {
		while (vm_cpu_state(vcpu) != PSCI_IS_OFF) {
			vm_relax(&deadline, "a vCPU to go off");
		}
	}
}

static void check_all_memory(void)
{
	for (unsigned int vcpu = 0; vcpu < vcpus; vcpu++) {
		struct part *part = &parts[vcpu];

		for (unsigned int n = 0; n < part->chunks; n++) {
			if (part->seeds[n]) {
				stress_verify(part->start +
					      n * CHUNK_BYTES / 8,
					      CHUNK_BYTES, part->seeds[n]);
			}
		}
	}
}

static void divide_memory(uint64_t bytes)
{
	uint64_t *start;
	uint64_t chunks = stress_free_memory(bytes, &start) / CHUNK_BYTES /
			  vcpus;

	if (chunks < 1) {
		vm_fail("%lu MiB are not enough", bytes >> 20);
	}
	for (unsigned int vcpu = 0; vcpu < vcpus; vcpu++) {
		parts[vcpu].start = start + vcpu * chunks * CHUNK_BYTES / 8;
		parts[vcpu].chunks = chunks < MAX_CHUNKS ?
				     (unsigned int)chunks : MAX_CHUNKS;
	}
}

static void report(void)
{
	uint64_t units = 0, lives = 0, ticks = 0;

	for (unsigned int vcpu = 0; vcpu < vcpus; vcpu++) {
		units += parts[vcpu].units;
		lives += parts[vcpu].lives;
		ticks += parts[vcpu].ticks;
	}
	vm_ok("vcpus=%u units=%lu lives=%lu interrupts=%lu shares=%u", vcpus,
	      units, lives, ticks, shares);
}

void vm_main(const struct vm_params *params)
{
	unsigned int seconds = params->argument ? params->argument :
						  DEFAULT_SECONDS;
	uint64_t start = vm_now();
	uint64_t total = vm_frequency() * seconds;

	vm_id = params->id;
	vcpus = vm_count_vcpus();
	divide_memory(params->memory_bytes);
	vm_irq_init(on_irq);
	begin();
	for (unsigned int part = 1; part <= REPORTS; part++) {
		while (vm_now() - start < total * part / REPORTS) {
			switch_on_those_off();
			work(0);
			/* Without the device there is no EL2 either. */
			if (params->has_device) {
				lend_a_page();
			}
		}
		vm_print("soak: %u %% done, %lu units, %u interrupts here",
			 part * 100 / REPORTS, parts[0].units,
			 parts[0].ticks);
	}
	wait_for_tick(&parts[0]);
	vm_irqs_off();
	vm_timer_off();
	wait_for_others();
	check_all_memory();
	report();
}
