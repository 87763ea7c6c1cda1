/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host writes into the window while EL2 reads it (G44, I30): another CPU of
 * the host's, a thread, changes every field all the time between answers that
 * are right and answers that are not. Whatever mixture EL2 finds, a VM maps
 * pages of its own only, takes into a register one of the values that were
 * there, and shows nothing that was not asked for.
 */
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#include "fw.h"
#include "spec/rdata.h"

#define VM	1u
#define VCPU	3u
#define ROUNDS	20000
#define GOOD	UINT64_C(0x40020)	/* pages of the host's from here on */
#define VALUE_A	UINT64_C(0xaaaaaaaaaaaaaaaa)
#define VALUE_B	UINT64_C(0x5555555555555555)

static atomic_bool stop;
static _Atomic uint64_t good_pa;
static bool failed;

#define CHECK(condition) \
	do { \
		if (!(condition)) { \
			printf("# line %d: %s\n", __LINE__, #condition); \
			failed = true; \
		} \
	} while (0)

static void *host_cpu(void *unused)
{
	(void)unused;
	for (uint64_t n = 0; !atomic_load(&stop); n++) {
		uint64_t wrong[] = {
			fw_el2.base, atomic_load(&good_pa) | 1,
			UINT64_MAX, FW_SMMU_BASE,
		};

		/* Each at a pace of its own. */
		fw_set_window(VM, VCPU, WINDOW_NEW_PTE, n % 3 == 0 ?
			      wrong[n / 3 % 4] : atomic_load(&good_pa));
		fw_set_window(VM, VCPU, WINDOW_NEW_LEVEL, n % 5 == 0 ? 2 : 3);
		fw_set_window(VM, VCPU, WINDOW_ANSWER, n % 7 == 0);
		fw_set_window(VM, VCPU, 5, n % 2 == 0 ? VALUE_A : VALUE_B);
		fw_set_window(VM, VCPU, WINDOW_HCR, n);
		fw_set_window(VM, VCPU, WINDOW_ESR, n);
		fw_set_window(VM, VCPU, WINDOW_FAULT_IPA, n << 12);
	}
	return NULL;
}

static struct script script;

static uint64_t call(enum op op, uint64_t a, uint64_t b, uint64_t c,
		     uint64_t d)
{
	struct call one = { op, { a, b, c, d } };
	struct fw_result result;

	fw_do(&one, &script, &result);
	if (result.wrong != NULL || result.answer == ANSWER_PANIC) {
		printf("# %s\n", result.wrong != NULL ? result.wrong :
				 result.message);
		failed = true;
	}
	return op == OP_VCPU_RUN ? result.value[0] : result.answer;
}

/* The vCPU runs and traps. */
static uint64_t run(uint64_t esr, uint64_t ipa)
{
	script.nr = 1;
	script.calls[0] = (struct call){
		OP_VM_EXIT, { ARM_EXCEPTION_TRAP, esr, ipa, ipa >> 12 << 4 },
	};
	return call(OP_VCPU_RUN, VM, VCPU, 0, 0);
}

static void start(void)
{
	fw_start(FW_MAX_CHUNKS);
	CHECK(call(OP_REGISTER_KVM, 0, 0, 0, 0) == ANSWER_OK);
	CHECK(call(OP_REGISTER_VCPU, VM, VCPU, 0, 0) == ANSWER_OK);
	CHECK(call(OP_SET_VM_STATE, VM, VERIFIED, 0, 0) == ANSWER_OK);
	CHECK(call(OP_START_VCPU, VM, VCPU, 0x40200000, 0) == ANSWER_OK);
}

/* I6 for one page. */
static bool is_own(uint64_t gfn)
{
	uint64_t pfn;

	return !fw_translate(VM, gfn, &pfn) ||
	       (fw_get_page(pfn).owner == VM && fw_get_page(pfn).gfn == gfn);
}

static void page_under_change(void)
{
	uint64_t gfn = 0x80000, good = GOOD, pfn;
	unsigned int mapped = 0, refused = 0;

	for (int i = 0; i < ROUNDS; i++) {
		uint64_t x0;

		atomic_store(&good_pa, good * PAGE_SIZE);
		x0 = run(ESR_ELx_EC_DABT_LOW << ESR_ELx_EC_SHIFT | ESR_IL | 6,
			 gfn * PAGE_SIZE);
		if ((int64_t)x0 < 0) {
			/* The other CPU may not be there just now. */
			refused++;
			sched_yield();
		}
		CHECK(x0 == ARM_EXCEPTION_TRAP ||
		      x0 == call_result(NONE_INVAL) || x0 == call_result(NONE_PERM));
		for (uint64_t k = 0; k < 4; k++) {
			CHECK(is_own(0x80000 + (gfn - k) % 0x400));
		}
		if (fw_translate(VM, gfn, &pfn)) {
			CHECK(pfn == good);
			mapped++;
			gfn++;
			good++;
			if (mapped == 500) {
				break;
			}
		}
	}
	printf("# %u pages mapped, %u answers refused\n", mapped, refused);
	CHECK(mapped > 0);
}

static void register_under_change(void)
{
	unsigned int a = 0, b = 0;

	for (int i = 0; i < ROUNDS; i++) {
		uint64_t before = fw_get_reg(VM, VCPU, 5), now;

		CHECK(run(ESR_ELx_EC_DABT_LOW << ESR_ELx_EC_SHIFT | ESR_IL |
			  0x1850006, 0x9000000) == ARM_EXCEPTION_TRAP);
		/* Four bytes of one value or the other, or an abort. */
		script.nr = 0;
		CHECK(call(OP_VCPU_RUN, VM, VCPU, 0, 0) ==
		      ARM_EXCEPTION_INTERRUPT);
		now = fw_get_reg(VM, VCPU, 5);
		a += now == (uint32_t)VALUE_A;
		b += now == (uint32_t)VALUE_B;
		CHECK(now == (uint32_t)VALUE_A || now == (uint32_t)VALUE_B ||
		      now == before);
	}
	printf("# %u of one value, %u of the other\n", a, b);
	CHECK(a + b > 0);
}

static bool under_change(void (*test)(void))
{
	pthread_t thread;

	start();
	atomic_store(&good_pa, GOOD * PAGE_SIZE);
	atomic_store(&stop, false);
	failed = failed ||
		 pthread_create(&thread, NULL, host_cpu, NULL) != 0;
	test();
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	return !failed;
}

int main(void)
{
	bool first, second;

	printf("1..2\n");
	first = under_change(page_under_change);
	printf("%sok 1 - a page that is offered\n", first ? "" : "not ");
	failed = false;
	second = under_change(register_under_change);
	printf("%sok 2 - a register that is given\n", second ? "" : "not ");
	return first && second ? 0 : 1;
}
