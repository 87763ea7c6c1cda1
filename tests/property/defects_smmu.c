/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Defects of SMMUs and DMA. See defects-test.c. What the hardware holds is that
 * of tests/unit/smmumodel.h, which forgets no translation by itself.
 */
#include "defects.h"

#include "spec/dma.h"
#include "spec/smmu_cfg.h"

/* A bank and a device of the second SMMU; where things go. */
#define SMMU		1u
#define BANK		3u
#define STREAM		FW_DMA_STREAM
#define RW		UINT64_C(0xc0)
#define BANK_PAGE	(SMMU_GLOBAL_BASE + BANK * PAGE_SIZE)
#define REGISTERS	UINT64_C(0xb010000)	/* of the device, in a VM */

static struct iotlb tlb;

/* x0 after a call. */
#define HVC(...)	(CALL(OP_HVC, __VA_ARGS__), run_state()->host_regs[0])

static void start_bank(uint64_t vmid)
{
	tlb.nr = 0;
	CHECK(CALL(OP_REGISTER_KVM, 0) == ANSWER_OK);
	CHECK(HVC(HVC_SMMU_ALLOC_PGD, BANK, vmid, SMMU) == 0);
}

static uint64_t map_iova(uint64_t iova, uint64_t pa)
{
	return HVC(HVC_SMMU_LPAE_MAP, iova, pa, RW, BANK, SMMU);
}

/* The device of STREAM works for the VM, which has its registers. */
static void start_device(void)
{
	CHECK(HVC(HVC_SMMU_SET_STREAM, SMMU, STREAM, BANK) == 0);
	CHECK(CALL(OP_IOREMAP, 1, REGISTERS, FW_DMA_BASE, PAGE_SIZE) ==
	      ANSWER_OK);
}

static void accept_device(void)
{
	CHECK(CALL(OP_PVOP, 1, 0, HVC_KVM_ACCEPT_DEVICE, REGISTERS, 1) ==
	      ANSWER_OK);
	CHECK(run_state()->shadow_ctxts[1][0].ctxt_regs.x[X0] == 0);
}

/* A host that manages the SMMU: STREAM has the first entry. */
static void host_manages(uint64_t s2cr)
{
	CHECK(CALL(OP_SMMU_WRITE, SMMU, SMMU_SMR, 4, SMR_VALID | STREAM) ==
	      ANSWER_OK);
	CHECK(CALL(OP_SMMU_WRITE, SMMU, SMMU_S2CR, 4, s2cr) == ANSWER_OK);
	CHECK(CALL(OP_SMMU_WRITE, SMMU, SMMU_SCR0, 4, 0x200c36) == ANSWER_OK);
}

static uint32_t passes_coq(uint64_t offset, uint64_t data)
{
	uint32_t res = 0;

	CHECK(handle_smmu_global_access_coq(data, offset, SMMU, &coq, &res) ==
	      SOME);
	return res;
}

/* --- G33 ------------------------------------------------------------------ */

/* The host has a device read what a VM keeps to itself. */
static void g33_device_without_consent(void)
{
	uint64_t pfn;

	start_bank(1);
	CHECK(map_iova(GPA, PA) == 0);
	CHECK(CALL(OP_VM_FAULT, 1, GPA, PA, 3) == ANSWER_OK);
	CHECK(CALL(OP_VM_STORE, 1, 0, GFN, 0, SECRET) == ANSWER_OK);
	CHECK(CALL(OP_MAP_PAGE_HOST, FW_DMA_BASE) == ANSWER_OK);
	fork_coq();
	start_device();
	CHECK(maps(run_state(), 0, FW_DMA_BASE / PAGE_SIZE).level == 0);
	CHECK(CALL(OP_MAP_PAGE_HOST, FW_DMA_BASE) == ANSWER_PERM);
	CHECK(CALL(OP_DMA_LOAD, SMMU, STREAM, GPA) == ANSWER_PERM);
	accept_device();
	CHECK(CALL(OP_DMA_LOAD, SMMU, STREAM, GPA) == ANSWER_OK);
	CHECK(CALL(OP_MAP_PAGE_HOST, FW_DMA_BASE) == ANSWER_PERM);
	/* The Coq: host programs the device, and nobody asks the VM. */
	CHECK(map_page_host_coq(FW_DMA_BASE, &coq) == SOME && !coq.halt);
	CHECK(maps(&coq, 0, FW_DMA_BASE / PAGE_SIZE).level == 3);
	CHECK(dev_translates_coq(GPA, BANK, SMMU, &tlb, &coq, &pfn));
	CHECK(pfn == PFN && page_of(&coq, PFN)->owner == 1);
}

/* One VM keeps the registers of a device that another is given. */
static void g33_registers_of_anothers_device(void)
{
	start_bank(1);
	CHECK(CALL(OP_REGISTER_KVM, 0) == ANSWER_OK);
	fork_coq();
	CHECK(CALL(OP_IOREMAP, 2, REGISTERS, FW_DMA_BASE, PAGE_SIZE) ==
	      ANSWER_PERM);
	start_device();
	CHECK(CALL(OP_IOREMAP, 2, REGISTERS, FW_DMA_BASE, PAGE_SIZE) ==
	      ANSWER_PERM);
	CHECK(kvm_phys_addr_ioremap_coq(2, REGISTERS, FW_DMA_BASE, PAGE_SIZE,
					&coq) == SOME && !coq.halt);
	CHECK(kvm_phys_addr_ioremap_coq(1, REGISTERS, FW_DMA_BASE, PAGE_SIZE,
					&coq) == SOME && !coq.halt);
	CHECK(maps(&coq, 1, REGISTERS / PAGE_SIZE).pfn ==
	      maps(&coq, 2, REGISTERS / PAGE_SIZE).pfn);
}

/* A device sees another page than its VM, and the VM does not know. */
static void g33_another_page_for_the_device(void)
{
	uint64_t pfn;

	start_bank(1);
	CHECK(map_iova(GPA, PA) == 0);
	fork_coq();
	CHECK(CALL(OP_VM_FAULT, 1, GPA, PA + PAGE_SIZE, 3) == ANSWER_PERM);
	CHECK(CALL(OP_VM_FAULT, 1, GPA, PA, 3) == ANSWER_OK);
	CHECK(prot_and_map_vm_s2pt_coq(1, GPA, PA + PAGE_SIZE, 3, &coq) ==
	      SOME && !coq.halt);
	CHECK(dev_translates_coq(GPA, BANK, SMMU, &tlb, &coq, &pfn));
	CHECK(maps(&coq, 1, GFN).pfn != pfn);
}

/* --- G66 ------------------------------------------------------------------ */

/* sCR0: all that is looked at is SMCFCFG, which reads as 1. */
static void g66_clientpd(void)
{
	fork_coq();
	CHECK(CALL(OP_SMMU_WRITE, SMMU, SMMU_SCR0, 4, SCR0_RESET) ==
	      ANSWER_OK);
	CHECK((fw_smmu_reg(SMMU, SMMU_SCR0, 4) & SCR0_CLIENTPD) == 0);
	CHECK(CALL(OP_DMA_STORE, SMMU, STREAM, fw_el2.base, SECRET) ==
	      ANSWER_PERM);
	/* The host finds what it wrote. */
	CHECK(CALL(OP_SMMU_READ, SMMU, SMMU_SCR0, 4) == ANSWER_OK);
	CHECK((run_state()->host_regs[6] & SCR0_CLIENTPD) != 0);
	CHECK(passes_coq(SMMU_SCR0, SCR0_RESET) == 1);
	/* What Linux writes when it ends stops the machine. */
	CHECK(CALL(OP_SMMU_WRITE, SMMU, SMMU_SCR0, 4, 1) == ANSWER_OK);
	CHECK(passes_coq(SMMU_SCR0, 1) == 0);
}

static void g66_unmatched_streams(void)
{
	fork_coq();
	host_manages(S2CR_RESET);
	CHECK(CALL(OP_SMMU_WRITE, SMMU, SMMU_SCR0, 4, SCR0_SMCFCFG) ==
	      ANSWER_OK);
	CHECK((fw_smmu_reg(SMMU, SMMU_SCR0, 4) & SCR0_USFCFG) != 0);
	CHECK(CALL(OP_DMA_LOAD, SMMU, STREAM + 1, PA) == ANSWER_PERM);
	CHECK(passes_coq(SMMU_SCR0, SCR0_SMCFCFG) == 1);
}

/* "Bypass" is the identity table. */
static void g66_bypass(void)
{
	fork_coq();
	host_manages(S2CR_BYPASS << 16);
	CHECK(fw_stream_bank(SMMU, STREAM) == SMMU_IDENTITY_BANK);
	CHECK(CALL(OP_DMA_LOAD, SMMU, STREAM, PA) == ANSWER_OK);
	CHECK(CALL(OP_DMA_LOAD, SMMU, STREAM, fw_el2.base) == ANSWER_PERM);
	CHECK(passes_coq(SMMU_S2CR, S2CR_BYPASS << 16) == 1);
}

/* A stream of the host's in a VM's bank, or a VM's in the host's. */
static void g66_foreign_bank(void)
{
	start_bank(1);
	CHECK(map_iova(GPA, PA) == 0);
	fork_coq();
	CHECK(CALL(OP_SMMU_WRITE, SMMU, SMMU_S2CR, 4, BANK) == ANSWER_PERM);
	CHECK(passes_coq(SMMU_S2CR, BANK) == 1);
	start_device();
	CHECK(CALL(OP_SMMU_WRITE, SMMU, SMMU_SMR, 4, SMR_VALID | STREAM) ==
	      ANSWER_PERM);
	CHECK(CALL(OP_SMMU_WRITE, SMMU, SMMU_SMR, 4,
		   SMR_VALID | 0x7fff0000) == ANSWER_PERM);
	CHECK(passes_coq(SMMU_SMR, SMR_VALID | STREAM) == 1);
}

/* A stage that is off is no stage. */
static void g66_stage_off(void)
{
	start_bank(HOSTVISOR);
	fork_coq();
	CHECK(CALL(OP_SMMU_WRITE, SMMU, BANK_PAGE + SMMU_CB_SCTLR, 4, 0) ==
	      ANSWER_OK);
	CHECK((fw_smmu_reg(SMMU, BANK_PAGE + SMMU_CB_SCTLR, 4) &
	       CB_SCTLR_M) != 0);
	host_manages(BANK);
	CHECK(CALL(OP_DMA_LOAD, SMMU, STREAM, fw_el2.base) == ANSWER_PERM);
	CHECK(handle_smmu_cb_access_coq(BANK_PAGE + SMMU_CB_SCTLR) == 1);
	CHECK(CALL(OP_SMMU_WRITE, SMMU, BANK_PAGE + SMMU_CB_TCR, 4, 0) ==
	      ANSWER_OK);
	CHECK(fw_smmu_reg(SMMU, BANK_PAGE + SMMU_CB_TCR, 4) == CB_TCR_S2);
	CHECK(handle_smmu_cb_access_coq(BANK_PAGE + SMMU_CB_TCR) == 1);
}

/* The C: the host's store at an offset in the SMMU that is not the IPA's. */
static void store_c(uint64_t offset, uint64_t far, uint64_t sas,
		    uint64_t value)
{
	uint64_t base = coq.board.smmus[SMMU].base;
	uint32_t ret;

	coq.far_el2 = far;
	coq.host_regs[5] = value;
	CHECK(emulate_mmio_c(base + offset / PAGE_SIZE * PAGE_SIZE,
			     0x93050047 | sas << ESR_SAS_SHIFT, &coq, &ret) ==
	      SOME && ret == SMMU);
}

static void g66_root_in_halves(void)
{
	uint64_t root = BANK_PAGE + SMMU_CB_TTBR0, held;

	start_bank(HOSTVISOR);
	fork_coq();
	held = fw_smmu_reg(SMMU, root, 8);
	CHECK(CALL(OP_SMMU_WRITE, SMMU, root, 4, PA) == ANSWER_OK);
	CHECK(CALL(OP_SMMU_WRITE, SMMU, root + 4, 4, 0) == ANSWER_OK);
	CHECK(CALL(OP_SMMU_WRITE, SMMU, root, 8, PA) == ANSWER_OK);
	CHECK(fw_smmu_reg(SMMU, root, 8) == held && held != PA);
	store_c(root, root, 2, PA);
	CHECK(coq.mmio.write && coq.mmio.bytes == 4 && coq.mmio.value == PA);
}

/* Bits 15:12 of the C's offset are those of the host's virtual address. */
static void g66_offset_of_the_virtual_address(void)
{
	uint64_t base, hpfar;

	start_bank(HOSTVISOR);
	fork_coq();
	base = coq.board.smmus[SMMU].base;
	hpfar = (base + BANK_PAGE) / PAGE_SIZE << 4;
	CHECK(CALL(OP_HOST_STORE, PA, 5, S2CR_BYPASS << 16) == ANSWER_OK);
	/* A register of the bank, by a VA that ends as an S2CR does. */
	CHECK(CALL(OP_HOST_FAULT, hpfar, 0x93850047, SMMU_S2CR) ==
	      ANSWER_PERM);
	store_c(BANK_PAGE, SMMU_S2CR, 2, S2CR_BYPASS << 16);
	CHECK(coq.mmio.addr == base + SMMU_S2CR);
}

/* Behind the last bank the C takes what is there for an owner. */
static void g66_bank_out_of_range(void)
{
	start_bank(HOSTVISOR);
	fork_coq();
	CHECK(CALL(OP_SMMU_WRITE, 0, SMMU_CBAR + 4 * (8 + BANK), 4, 0x10000) ==
	      ANSWER_PERM);
	CHECK(CALL(OP_SMMU_WRITE, 0, SMMU_CBFRSYNRA, 4, 0) == ANSWER_PERM);
	CHECK(smmu_cfg_vmid_c(8 + BANK, 0, &coq) == HOSTVISOR);
	CHECK(smmu_cfg_vmid_c(0x100, 0, &coq) == INVALID);
}

/* What a driver is told that there is: no stage 1, and EL2's entries not. */
static void g66_what_the_host_is_shown(void)
{
	fork_coq();
	CHECK(CALL(OP_SMMU_READ, SMMU, SMMU_IDR0, 4) == ANSWER_OK);
	CHECK(run_state()->host_regs[6] == 0x2e015e18);
	CHECK(fw_smmu_reg(SMMU, SMMU_IDR0, 4) == 0x7e015e20);
	CHECK(CALL(OP_SMMU_READ, SMMU, SMMU_IDR0 + 4, 4) == ANSWER_OK);
	CHECK(run_state()->host_regs[6] == 0x20088008);
	CHECK(CALL(OP_SMMU_READ, SMMU, SMMU_IDR0 + 8, 4) == ANSWER_OK);
	CHECK(CALL(OP_SMMU_READ, SMMU, SMMU_IDR7, 4) == ANSWER_OK);
	/* Both sources let it read as it is, and program what is not there. */
	CHECK(CALL(OP_SMMU_WRITE, SMMU, SMMU_SMR + 4 * SMMU_HOST_STREAMS, 4,
		   0) == ANSWER_PERM);
	CHECK(passes_coq(SMMU_SMR + 4 * SMMU_HOST_STREAMS, 0) == 1);
}

/* The host names a VM's TLB entries, or all, and invalidates its own. */
static void g66_tlb_of_others(void)
{
	uint64_t base, tag = BANK << 4;

	start_bank(HOSTVISOR);
	CHECK(HVC(HVC_SMMU_ALLOC_PGD, BANK + 1, 1, SMMU) == 0);
	fork_coq();
	base = coq.board.smmus[SMMU].base;
	CHECK(CALL(OP_SMMU_WRITE, SMMU, SMMU_TLBIVMID, 4,
		   (BANK + 1) << 4 | 1) == ANSWER_OK);
	CHECK(fw_bus().addr == base + SMMU_TLBIVMID && fw_bus().value == tag);
	CHECK(CALL(OP_SMMU_WRITE, SMMU, SMMU_TLBIALLNSNH, 4, UINT32_MAX) ==
	      ANSWER_OK);
	CHECK(fw_bus().addr == base + SMMU_TLBIVMID && fw_bus().value == tag);
	CHECK(passes_coq(SMMU_TLBIVMID, (BANK + 1) << 4 | 1) == 1);
}

/* --- G67 ------------------------------------------------------------------ */

static void g67_four_bytes_are_written(void)
{
	uint64_t fsr = BANK_PAGE + SMMU_CB_FSR;
	uint32_t ret;

	start_bank(HOSTVISOR);
	CHECK(CALL(OP_SMMU_FAULT, SMMU, fsr, 2) == ANSWER_OK);
	fork_coq();
	CHECK(CALL(OP_SMMU_WRITE, SMMU, fsr, 4, 2) == ANSWER_OK);
	CHECK(fw_smmu_reg(SMMU, fsr, 4) == 0);
	coq.far_el2 = SMMU_CB_FSR;
	coq.host_regs[5] = 2;
	CHECK(emulate_mmio_coq(coq.board.smmus[SMMU].base + BANK_PAGE,
			       0x93850047, &coq, &ret) == SOME);
	CHECK(coq.mmio.write && coq.mmio.bytes == 4 && coq.mmio.value == 0);
}

/* --- G68 ------------------------------------------------------------------ */

static void g68_device_as_memory(void)
{
	uint64_t pfn;

	start_bank(1);
	fork_coq();
	CHECK(map_iova(GPA, FW_SMMU_BASE) == call_result(NONE_PERM));
	CHECK(smmu_lpae_map_c(GPA, FW_SMMU_BASE, RW, BANK, SMMU, &coq) ==
	      SOME);
	CHECK(dev_translates_coq(GPA, BANK, SMMU, &tlb, &coq, &pfn));
	CHECK(pfn == FW_SMMU_BASE / PAGE_SIZE);
}

/* The host's own pages: at their own address, and counted while mapped. */
static void g68_hosts_page(void)
{
	start_bank(HOSTVISOR);
	fork_coq();
	CHECK(map_iova(PA, PA) == 0);
	CHECK(map_iova(PA, PA) == 0);
	CHECK(page_of(run_state(), PFN)->count == 1);
	CHECK(CALL(OP_VM_FAULT, 1, GPA, PA, 3) == ANSWER_PERM);
	CHECK(map_iova(PA + PAGE_SIZE, PA) == call_result(NONE_PERM));
	CHECK(HVC(HVC_SMMU_CLEAR, PA, BANK, SMMU) == 0);
	CHECK(HVC(HVC_SMMU_CLEAR, PA, BANK, SMMU) == 0);
	CHECK(page_of(run_state(), PFN)->count == 0);
	CHECK(CALL(OP_VM_FAULT, 1, GPA, PA, 3) == ANSWER_OK);
	/* The Coq: at no IOVA; the C: not mapped, but counted for ever. */
	CHECK(smmu_lpae_map_c(PA, PA, RW, BANK, SMMU, &coq) == SOME);
	CHECK(npt_get(&coq.spts[SMMU][BANK], PFN).level == 0);
	CHECK(unmap_smmu_page_coq(BANK, SMMU, PA, &coq) == SOME);
	CHECK(page_of(&coq, PFN)->count == 1);
	CHECK(smmu_lpae_map_coq(PA, PA, RW, BANK, SMMU, &coq) == SOME &&
	      coq.halt);
}

/* What is not mapped is nowhere, not at its offset in page 0. */
static void g68_address_of_nothing(void)
{
	start_bank(HOSTVISOR);
	CHECK(map_iova(PA, PA) == 0);
	CHECK(HVC(HVC_SMMU_LPAE_IOVA_TO_PHYS, PA + 8, BANK, SMMU) == PA + 8);
	CHECK(HVC(HVC_SMMU_LPAE_IOVA_TO_PHYS, PA + PAGE_SIZE + 8, BANK,
		  SMMU) == 0);
}

/* --- G69 ------------------------------------------------------------------ */

static void g69_unmapped_is_gone(void)
{
	uint64_t pfn;

	start_bank(HOSTVISOR);
	CHECK(map_iova(PA, PA) == 0);
	host_manages(BANK);
	fork_coq();
	CHECK(CALL(OP_DMA_STORE, SMMU, STREAM, PA, 1) == ANSWER_OK);
	CHECK(dev_translates_coq(PA, BANK, SMMU, &tlb, &coq, &pfn));
	CHECK(HVC(HVC_SMMU_CLEAR, PA, BANK, SMMU) == 0);
	CHECK(CALL(OP_DMA_STORE, SMMU, STREAM, PA, 2) == ANSWER_PERM);
	CHECK(CALL(OP_VM_FAULT, 1, GPA, PA, 3) == ANSWER_OK);
	CHECK(CALL(OP_DMA_STORE, SMMU, STREAM, PA, 2) == ANSWER_PERM);
	CHECK(unmap_smmu_page_coq(BANK, SMMU, PA, &coq) == SOME);
	CHECK(prot_and_map_vm_s2pt_coq(1, GPA, PA, 3, &coq) == SOME);
	CHECK(page_of(&coq, PFN)->owner != HOSTVISOR || coq.halt ||
	      page_of(&coq, PFN)->count > 0);
	CHECK(dev_translates_coq(PA, BANK, SMMU, &tlb, &coq, &pfn));
}

/* A bank that is nobody's: its table, and who may use it. */
static void g69_free_bank(void)
{
	start_bank(1);
	CHECK(map_iova(GPA, PA) == 0);
	CHECK(HVC(HVC_SMMU_FREE_PGD, BANK, SMMU) == call_result(NONE_PERM));
	start_device();
	CHECK(CALL(OP_SET_VM_STATE, 1, POWEROFF) == ANSWER_OK);
	fork_coq();
	CHECK(HVC(HVC_SMMU_FREE_PGD, BANK, SMMU) == 0);
	/* Nor is there anything that the VM could agree to. */
	CHECK(CALL(OP_PVOP, 1, 0, HVC_KVM_ACCEPT_DEVICE, REGISTERS, 1) ==
	      ANSWER_OK);
	CHECK(run_state()->shadow_ctxts[1][0].ctxt_regs.x[X0] ==
	      call_result(NONE_PERM));
	CHECK(fw_stream_bank(SMMU, STREAM) == FW_STREAM_FAULT);
	CHECK(npt_get(&run_state()->spts[SMMU][BANK], GFN).level == 0);
	CHECK(map_iova(GPA, PA) == call_result(NONE_PERM));
	CHECK(el2_free_smmu_pgd_coq(BANK, SMMU, &coq) == SOME && !coq.halt);
	CHECK(npt_get(&coq.spts[SMMU][BANK], GFN).pfn == PFN);
}

/* A bank with many pages is given up in steps, and maps none from the first. */
static void g37_g69_bank_in_steps(void)
{
	uint64_t first = UINT64_C(0x40700), steps = 0, done;

	start_bank(HOSTVISOR);
	for (uint64_t i = 0; i < 600; i++) {
		CHECK(map_iova((first + i) * PAGE_SIZE,
			       (first + i) * PAGE_SIZE) == 0);
	}
	host_manages(BANK);
	CHECK(CALL(OP_DMA_LOAD, SMMU, STREAM, (first + 599) * PAGE_SIZE) ==
	      ANSWER_OK);
	/* What went wrong before is told until the bank is free. */
	CHECK(CALL(OP_SMMU_FAULT, SMMU, BANK_PAGE + SMMU_CB_FSR, 2) ==
	      ANSWER_OK);
	CHECK(CALL(OP_SMMU_FAULT, SMMU, BANK_PAGE + SMMU_CB_FAR, PA) ==
	      ANSWER_OK);
	fork_coq();
	while ((done = HVC(HVC_SMMU_FREE_PGD, BANK, SMMU)) != 0) {
		CHECK(done == call_result(AGAIN) && ++steps < 10);
		CHECK(CALL(OP_DMA_LOAD, SMMU, STREAM,
			   (first + 599) * PAGE_SIZE) == ANSWER_PERM);
		CHECK(page_of(run_state(), first + 599)->count == 1);
		CHECK(map_iova(PA, PA) == call_result(NONE_BUSY));
		CHECK(HVC(HVC_SMMU_CLEAR, (first + 599) * PAGE_SIZE, BANK,
			  SMMU) == call_result(NONE_BUSY));
		CHECK(HVC(HVC_SMMU_LPAE_IOVA_TO_PHYS,
			  (first + 599) * PAGE_SIZE, BANK, SMMU) == 0);
		CHECK(HVC(HVC_SMMU_ALLOC_PGD, BANK, HOSTVISOR, SMMU) ==
		      call_result(NONE_BUSY));
		CHECK(CALL(OP_SMMU_WRITE, SMMU, SMMU_S2CR, 4, BANK) ==
		      ANSWER_OK);
		if (steps == 10) {
			return;
		}
	}
	CHECK(steps > 0);
	CHECK(page_of(run_state(), first + 599)->count == 0);
	CHECK(fw_stream_bank(SMMU, STREAM) == FW_STREAM_FAULT);
	/* The Coq: as long as it takes; and the count is there for ever. */
	coq.vms[HOSTVISOR].state = POWEROFF;
	CHECK(el2_free_smmu_pgd_coq(BANK, SMMU, &coq) == SOME);
	CHECK(page_of(&coq, first + 599)->count == 1);
}

/* Where a VM's device has faulted is not for the bank's next owner. */
static void g69_faults_of_the_last_owner(void)
{
	uint64_t far = BANK_PAGE + SMMU_CB_FAR;

	start_bank(1);
	CHECK(CALL(OP_SMMU_FAULT, SMMU, far, SECRET) == ANSWER_OK);
	CHECK(CALL(OP_SMMU_READ, SMMU, far, 8) == ANSWER_PERM);
	CHECK(CALL(OP_SMMU_READ, SMMU, far, 4) == ANSWER_OK);
	CHECK(run_state()->host_regs[6] == 0);
	CHECK(CALL(OP_SET_VM_STATE, 1, POWEROFF) == ANSWER_OK);
	CHECK(HVC(HVC_SMMU_FREE_PGD, BANK, SMMU) == 0);
	CHECK(HVC(HVC_SMMU_ALLOC_PGD, BANK, HOSTVISOR, SMMU) == 0);
	CHECK(CALL(OP_SMMU_READ, SMMU, far, 8) == ANSWER_OK);
	CHECK(run_state()->host_regs[6] == 0);
}

static void g69_bank_of_a_running_vm(void)
{
	CHECK(CALL(OP_REGISTER_KVM, 0) == ANSWER_OK);
	CHECK(CALL(OP_SET_VM_STATE, 1, VERIFIED) == ANSWER_OK);
	fork_coq();
	CHECK(HVC(HVC_SMMU_ALLOC_PGD, BANK, 1, SMMU) ==
	      call_result(NONE_PERM));
	CHECK(el2_alloc_smmu_pgd_coq(BANK, 1, SMMU, &coq) == SOME && coq.halt);
	coq.halt = false;
	CHECK(el2_alloc_smmu_pgd_c(BANK, 1, SMMU, &coq) == SOME);
	CHECK(coq.smmus[SMMU].bank[BANK].vmid == 1);
}

/* Pages that only a bank has named come back with the VM's others. */
static void g69_reserved_pages_come_back(void)
{
	start_bank(1);
	CHECK(map_iova(GPA, PA) == 0);
	CHECK(page_of(run_state(), PFN)->count == INVALID);
	CHECK(CALL(OP_SET_VM_STATE, 1, POWEROFF) == ANSWER_OK);
	fork_coq();
	CHECK(CALL(OP_CLEAR_RANGE, 1, 0, KVM_PHYS_SIZE) == ANSWER_OK);
	CHECK(page_of(run_state(), PFN)->owner == HOSTVISOR);
	CHECK(npt_get(&run_state()->spts[SMMU][BANK], GFN).level == 0);
	CHECK(clear_vm_stage2_range_coq(1, 0, KVM_PHYS_SIZE, &coq) == SOME);
	/* The Coq gives the page back as well, and a device still has it. */
	CHECK(page_of(&coq, PFN)->owner == HOSTVISOR);
	CHECK(npt_get(&coq.spts[SMMU][BANK], GFN).pfn == PFN);
}

static void g34_page_for_a_device_is_scrubbed(void)
{
	start_bank(1);
	CHECK(CALL(OP_HOST_STORE, PA, 0, SECRET) == ANSWER_OK);
	fork_coq();
	CHECK(map_iova(GPA, PA) == 0);
	CHECK(content_of(run_state(), PFN) == 0);
	CHECK(smmu_lpae_map_coq(GPA, PA, RW, BANK, SMMU, &coq) == SOME);
	CHECK(content_of(&coq, PFN) == SECRET);
}

/* --- G70, G71 ------------------------------------------------------------- */

/* What the SMMUs let pass when nobody has told EL2 of them. */
static void g70_from_the_first_instruction(void)
{
	uint32_t num = 0;

	fork_coq();
	CHECK(get_smmu_num_spec(&coq, &num) == SOME && num == SMMU_NUM);
	for (uint32_t i = 0; i < SMMU_NUM; i++) {
		uint32_t stream = i == FW_DMA_SMMU ? STREAM : 5;

		CHECK(CALL(OP_DMA_LOAD, i, stream, PA) == ANSWER_OK);
		CHECK(CALL(OP_DMA_LOAD, i, stream, fw_el2.base) ==
		      ANSWER_PERM);
		CHECK(CALL(OP_DMA_LOAD, i, stream, fw_shared.base) ==
		      ANSWER_PERM);
		CHECK(CALL(OP_DMA_STORE, i, stream, FW_DOORBELL, 0) ==
		      ANSWER_OK);
		CHECK(CALL(OP_DMA_LOAD, i, stream, FW_DOORBELL) ==
		      ANSWER_PERM);
	}
	CHECK(CALL(OP_DMA_LOAD, FW_DMA_SMMU, 5, PA) == ANSWER_PERM);
	/* In the sources this stays until the host's driver changes it. */
	CHECK((SCR0_RESET & SCR0_CLIENTPD) != 0);
}

/* What leaves the host leaves the host's devices. */
static void g70_pages_leave_the_hosts_devices(void)
{
	CHECK(CALL(OP_REGISTER_KVM, 0) == ANSWER_OK);
	CHECK(CALL(OP_DMA_STORE, 0, 5, PA, 1) == ANSWER_OK);
	CHECK(CALL(OP_VM_FAULT, 1, GPA, PA, 3) == ANSWER_OK);
	CHECK(CALL(OP_DMA_STORE, 0, 5, PA, 2) == ANSWER_PERM);
	CHECK(CALL(OP_GRANT, 1, GPA, PAGE_SIZE) == ANSWER_OK);
	CHECK(CALL(OP_DMA_STORE, 0, 5, PA, 2) == ANSWER_PERM);
	CHECK(CALL(OP_DESTROY_VM, 1) == ANSWER_OK);
	CHECK(CALL(OP_DMA_LOAD, 0, 5, PA) == ANSWER_OK);
}

static void load_coq(uint64_t esr, uint64_t word)
{
	uint32_t ret;

	coq.far_el2 = 0;
	coq.doracle = (struct oracle){ &word, 1, 0 };
	CHECK(emulate_mmio_coq(FW_SMMU_BASE, esr, &coq, &ret) == SOME);
	CHECK(ret == 0);
}

#define HPFAR	(FW_SMMU_BASE / PAGE_SIZE << 4)

/*
 * No valid syndrome; a table walk; cache maintenance; a fetch: each looks like
 * a load of x1.
 */
static void g71_no_load(void)
{
	static const uint64_t esrs[] = {
		0x92818004, 0x93818084, 0x93818104, 0x83818004,
	};

	for (size_t i = 0; i < sizeof(esrs) / sizeof(esrs[0]); i++) {
		CHECK(CALL(OP_HOST_STORE, PA, 1, SECRET) == ANSWER_OK);
		fork_coq();
		CHECK(CALL(OP_HOST_FAULT, HPFAR, esrs[i], 0) == ANSWER_PERM);
		CHECK(run_state()->host_regs[1] == SECRET);
		load_coq(esrs[i], 0x1234);
		CHECK(coq.host_regs[1] == 0x1234 && coq.nr_mmio == 1);
	}
}

/* A syndrome does not say which byte of the register comes first. */
static void g71_big_endian(void)
{
	CHECK(CALL(OP_HOST_SET, SCTLR_EL1, SCTLR_RESET | SCTLR_EE) ==
	      ANSWER_OK);
	CHECK(CALL(OP_HOST_STORE, PA, 1, SECRET) == ANSWER_OK);
	fork_coq();
	CHECK(CALL(OP_HOST_FAULT, HPFAR, 0x93818004, 0) == ANSWER_PERM);
	CHECK(run_state()->host_regs[1] == SECRET);
	load_coq(0x93818004, 0x1234);
	CHECK(coq.host_regs[1] == 0x1234);
}

/*
 * Here the Coq is right: its register 31 reads as 0 and takes nothing. In the
 * C it is an element of the array, which a load fills and a store gives away.
 */
static void g71_register_31(void)
{
	/* So that no other register is taken for it. */
	for (uint32_t reg = 0; reg < 30; reg++) {
		CHECK(CALL(OP_HOST_STORE, PA, reg, SECRET) == ANSWER_OK);
	}
	CHECK(CALL(OP_HOST_FAULT, HPFAR, 0x939f8004, SMMU_IDR0) == ANSWER_OK);
	for (uint32_t reg = 0; reg < 30; reg++) {
		CHECK(run_state()->host_regs[reg] == SECRET);
	}
	CHECK(CALL(OP_HOST_FAULT, HPFAR, 0x939f8044, SMMU_SACR) == ANSWER_OK);
	CHECK(run_state()->smmus[0].sacr == 0);
}

const struct defect_test defects_smmu[] = {
	{ "G33 device without consent", g33_device_without_consent, 4 },
	{ "G33 another's device", g33_registers_of_anothers_device, 4 },
	{ "G33 another page", g33_another_page_for_the_device, 4 },
	{ "G34 page for a device", g34_page_for_a_device_is_scrubbed, 4 },
	{ "G66 CLIENTPD", g66_clientpd, 4 },
	{ "G66 unmatched streams", g66_unmatched_streams, 4 },
	{ "G66 bypass", g66_bypass, 4 },
	{ "G66 foreign bank", g66_foreign_bank, 4 },
	{ "G66 stage off", g66_stage_off, 4 },
	{ "G66 root in halves", g66_root_in_halves, 4 },
	{ "G66 virtual address", g66_offset_of_the_virtual_address, 4 },
	{ "G66 bank out of range", g66_bank_out_of_range, 4 },
	{ "G66 what is shown", g66_what_the_host_is_shown, 4 },
	{ "G66 TLB of others", g66_tlb_of_others, 4 },
	{ "G67 four bytes are written", g67_four_bytes_are_written, 4 },
	{ "G68 device as memory", g68_device_as_memory, 4 },
	{ "G68 the host's page", g68_hosts_page, 4 },
	{ "G68 address of nothing", g68_address_of_nothing, 4 },
	{ "G69 unmapped is gone", g69_unmapped_is_gone, 4 },
	{ "G69 free bank", g69_free_bank, 4 },
	{ "G37, G69 bank in steps", g37_g69_bank_in_steps, 4 },
	{ "G69 faults of the last owner", g69_faults_of_the_last_owner, 4 },
	{ "G69 bank of a running VM", g69_bank_of_a_running_vm, 4 },
	{ "G69 reserved pages", g69_reserved_pages_come_back, 4 },
	{ "G70 first instruction", g70_from_the_first_instruction, 4 },
	{ "G70 pages leave devices", g70_pages_leave_the_hosts_devices, 4 },
	{ "G71 no load", g71_no_load, 4 },
	{ "G71 big-endian host", g71_big_endian, 4 },
	{ "G71 register 31", g71_register_31, 4 },
	{ NULL, NULL, 0 },
};
