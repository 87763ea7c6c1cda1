/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the Coq or the C is wrong or weak. The tests are named after the
 * defects of facts section G; corrected.py sees that none is forgotten.
 */
#include "defects.h"

#include "spec/page_manager.h"

struct rdata coq;
static bool failed;

void fail_at(const char *file, int line, const char *text)
{
	printf("# %s:%d: %s\n", file, line, text);
	failed = true;
}

enum answer call_with(struct call call)
{
	struct run_result result = { .steps = 0 };

	if (!run_call(&call, 0, &result)) {
		printf("# firmware and specification differ: %s\n",
		       result.message);
		failed = true;
	}
	return result.answer;
}

void fork_coq(void)
{
	rdata_copy(&coq, run_state());
}

const struct s2page *page_of(const struct rdata *adt, uint64_t pfn)
{
	return &adt->s2page[get_s2_page_index_spec(pfn * PAGE_SIZE, adt)];
}

uint64_t content_of(const struct rdata *adt, uint64_t pfn)
{
	return adt->flatmem[get_s2_page_index_spec(pfn * PAGE_SIZE, adt)];
}

struct npt_entry maps(const struct rdata *adt, uint32_t vmid, uint64_t gfn)
{
	return npt_get(&adt->npts[vmid], gfn);
}

void start_with_page(void)
{
	CHECK(CALL(OP_REGISTER_KVM, 0) == ANSWER_OK);
	CHECK(CALL(OP_VM_FAULT, 1, GPA, PA, 3) == ANSWER_OK);
}

int main(void)
{
	const struct defect_test *const all[] = {
		defects_faults, defects_memory, defects_smmu, defects_vms,
		defects_vcpus,
	};
	unsigned int n = 0;
	bool any = false;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		for (const struct defect_test *t = all[i]; t->name != NULL;
		     t++) {
			failed = false;
			run_start(t->chunks);
			t->run();
			printf("%sok %u - %s\n", failed ? "not " : "", ++n,
			       t->name);
			any = any || failed;
			/* The firmware has panicked and holds a lock. */
			if (failed && fw_check_step() != NULL) {
				printf("Bail out! %s\n", fw_check_step());
				return 1;
			}
		}
	}
	printf("1..%u\n", n);
	return any ? 1 : 0;
}
