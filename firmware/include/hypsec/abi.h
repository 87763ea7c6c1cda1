/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hypercalls of the corevisor: what a host and a VM may ask of it.
 *
 * HVC #0 at EL1: number in x0, arguments from x1 on, all 64 bits wide; result
 * in x0, every other register is kept. The reference is docs/hypercalls.rst.
 * Assembly can read the numbers; the structures that host and EL2 share are
 * for C only.
 */
#ifndef HYPSEC_ABI_H
#define HYPSEC_ABI_H

/* Raised when a number changes its meaning; additions do not raise it. */
#define HYPSEC_ABI_VERSION		1

/*
 * Results: 0 or more is success. NOT_SUPPORTED, BUSY and AGAIN are answers to
 * an honest host; INVALID, DENIED and NO_MEMORY count as violations, but
 * NO_MEMORY of VCPU_RUN does not: a VM decides how many tables it needs.
 */
#define HYPSEC_OK			0
#define HYPSEC_NOT_SUPPORTED		(-1)	/* no such call */
#define HYPSEC_INVALID			(-2)	/* a malformed argument */
#define HYPSEC_DENIED			(-3)	/* never allowed, or not in this state */
#define HYPSEC_BUSY			(-4)	/* not now, or already there */
#define HYPSEC_AGAIN			(-5)	/* call again to continue */
#define HYPSEC_NO_MEMORY		(-6)	/* ids, image slots, table memory */

/* Calls of the host. Numbers that are missing here are reserved. */
#define HYPSEC_HVC_TIMER_SET_CNTVOFF	7	/* vmid, offset */
#define HYPSEC_HVC_VCPU_RUN		8	/* vmid, vcpuid: HYPSEC_EXIT_* */
#define HYPSEC_HVC_CLEAR_VM_S2_RANGE	9	/* vmid, start PA, size */
#define HYPSEC_HVC_SET_BOOT_INFO	10	/* vmid, load IPA, size */
#define HYPSEC_HVC_REMAP_VM_IMAGE	11	/* vmid, pfn, image */
#define HYPSEC_HVC_VERIFY_VM_IMAGES	12	/* vmid */
#define HYPSEC_HVC_REGISTER_KVM		13
#define HYPSEC_HVC_REGISTER_VCPU	14	/* vmid, vcpuid */
#define HYPSEC_HVC_BOOT_FROM_SAVED_VM	19	/* vmid, PA of the seal */
#define HYPSEC_HVC_ENCRYPT_BUF		20	/* vmid, in PA, out PA, tag PA */
#define HYPSEC_HVC_DECRYPT_BUF		21	/* vmid, PA, tag PA */
#define HYPSEC_HVC_SAVE_CRYPT_VCPU	22	/* vmid, vcpuid */
#define HYPSEC_HVC_SMMU_FREE_PGD	23	/* bank, smmu */
#define HYPSEC_HVC_SMMU_ALLOC_PGD	24	/* bank, vmid, smmu */
#define HYPSEC_HVC_SMMU_LPAE_MAP	25	/* iova, pa, prot, bank, smmu */
#define HYPSEC_HVC_SMMU_LPAE_IOVA_TO_PHYS 26	/* iova, bank, smmu: PA or 0 */
#define HYPSEC_HVC_SMMU_CLEAR		27	/* iova, bank, smmu */
#define HYPSEC_HVC_PHYS_ADDR_IOREMAP	28	/* vmid, gpa, pa, size */
#define HYPSEC_HVC_LOAD_CRYPT_VCPU	29	/* vmid, vcpuid */
#define HYPSEC_HVC_GET_INFO		30	/* HYPSEC_INFO_* */
#define HYPSEC_HVC_SET_MANIFEST		31	/* vmid, PA, size */
#define HYPSEC_HVC_DESTROY_VM		32	/* vmid */
#define HYPSEC_HVC_SMMU_SET_STREAM	33	/* smmu, stream, bank */
#define HYPSEC_HVC_SEAL_VM		34	/* vmid, PA for the seal */

/* What GET_INFO tells. */
#define HYPSEC_INFO_ABI_VERSION		0
#define HYPSEC_INFO_SHARED_BASE		1	/* PA of the shared window */
#define HYPSEC_INFO_SHARED_SIZE		2	/* bytes */
#define HYPSEC_INFO_SMMUS		3	/* how many; 0: no DMA protection */

/* What of prot counts in SMMU_LPAE_MAP; other attributes are EL2's. */
#define HYPSEC_SMMU_READ		(1 << 6)
#define HYPSEC_SMMU_WRITE		(1 << 7)

/* Bank 0 of each SMMU is the corevisor's: host pages at their own address. */
#define HYPSEC_SMMU_IDENTITY_BANK	0

/* Why VCPU_RUN came back. */
#define HYPSEC_EXIT_IRQ			0	/* the host has an interrupt */
#define HYPSEC_EXIT_SERROR		1	/* an SError arrived, and is pending */
#define HYPSEC_EXIT_TRAP		2	/* see struct hypsec_vcpu.esr */

/* Calls of a VM, which EL2 answers without the host; x1 is not used. */
#define HYPSEC_PVOP_SET_DESC_PFN	0x81000	/* x2 gpa, x3 size: share */
#define HYPSEC_PVOP_UNSET_DESC_PFN	0x82000	/* x2 gpa, x3 size: unshare */
#define HYPSEC_PVOP_ACCEPT_DEVICE	0x84000	/* x2 gpa, x3 size: let it do DMA */

/* Limits. */
#define HYPSEC_MAX_VMS			15	/* ids 1 to 15 */
#define HYPSEC_MAX_VCPUS		8	/* of one VM, ids 0 to 7 */
#define HYPSEC_MAX_IMAGES		5	/* boot images of one VM */
#define HYPSEC_MAX_SHARES		100	/* of one page */
#define HYPSEC_MAX_PAGES_PER_CALL	512	/* of 4 KiB, per call */

/*
 * The shared window: RAM of the host's that it can never give away. EL2 tells
 * where it is in /hypervisor of the host's device tree (reg) and by GET_INFO.
 * The structure of vCPU v of VM m is page m * HYPSEC_MAX_VCPUS + v.
 */
#define HYPSEC_SHARED_STRIDE		4096
#define HYPSEC_SHARED_SIZE		(16 * 8 * 4096)
#define HYPSEC_SHARED_COMPATIBLE	"hypsec,corevisor"

/* hypsec_vcpu.answer, read after an abort. */
#define HYPSEC_ANSWER_DONE		0	/* emulated, or a page is given */
#define HYPSEC_ANSWER_ABORT		1	/* nothing is there: external abort */

#define HYPSEC_NO_DEADLINE		0xffffffffffffffff
#define HYPSEC_VGIC_LRS			16
#define HYPSEC_SEALED_BYTES		2048

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

/**
 * struct hypsec_vgic - a VM's GICv3 interrupts, the host's to manage
 * @hcr:   ICH_HCR_EL2: UIE, LRENPIE and NPIE are taken, EOIcount is given
 * @misr:  ICH_MISR_EL2 at exit
 * @elrsr: ICH_ELRSR_EL2 at exit
 * @nr_lrs: how many list registers there are; 0 on a GICv2 board
 * @lr:    ICH_LR<n>_EL2, taken at entry, given at exit
 */
struct hypsec_vgic {
	uint64_t hcr;
	uint64_t misr;
	uint64_t elrsr;
	uint64_t nr_lrs;
	uint64_t lr[HYPSEC_VGIC_LRS];
};

/**
 * struct hypsec_vcpu - what host and EL2 tell each other about one vCPU
 * @version:   HYPSEC_ABI_VERSION
 * @size:      bytes of this structure
 *
 * Written by EL2 at each exit; a field that the exit does not release is zero,
 * and so is a register that an exit before it released. What the host itself
 * wrote to other registers stays:
 *
 * @esr:       ESR_EL2 of a HYPSEC_EXIT_TRAP without what the host need not
 *	       know: EC always; WFx: TI; HVC, SMC: the immediate; MMIO: ISV,
 *	       SAS, SSE, SRT, SF, WnR; memory: WnR; MSR, MRS: the whole ISS
 * @fault_ipa: abort: IPA in bytes; MMIO: of the access, memory: of its page
 * @deadline:  WFI: CNTPCT_EL0 at which the VM's virtual timer wants to fire;
 *	       HYPSEC_NO_DEADLINE if it never does
 * @regs:      x0 to x30 that the exit releases
 *
 * Written by the host before it runs the vCPU again, read once:
 *
 * @regs:      the register that the exit asks for: x0 after a call, SRT after
 *	       an MMIO read or MRS
 * @new_pte:   memory abort: PA of the page or block to map, 0 for none
 * @new_level: 2 for a 2 MiB block, anything else for a page
 * @answer:    abort: HYPSEC_ANSWER_*
 * @hcr:       HCR_EL2.VI and VF, a virtual interrupt without a GIC
 * @vgic:      GICv3 boards
 *
 * @sealed_size: bytes of @sealed that are used
 * @sealed:    the vCPU's registers as ciphertext
 */
struct hypsec_vcpu {
	uint32_t version;
	uint32_t size;
	uint64_t esr;
	uint64_t fault_ipa;
	uint64_t deadline;
	uint64_t regs[31];
	uint64_t new_pte;
	uint64_t new_level;
	uint64_t answer;
	uint64_t hcr;
	struct hypsec_vgic vgic;
	uint64_t sealed_size;
	uint8_t sealed[HYPSEC_SEALED_BYTES];
};

_Static_assert(sizeof(struct hypsec_vcpu) <= HYPSEC_SHARED_STRIDE,
	       "one page per vCPU");
_Static_assert(offsetof(struct hypsec_vcpu, regs) == 32 &&
	       offsetof(struct hypsec_vcpu, new_pte) == 280 &&
	       offsetof(struct hypsec_vcpu, vgic) == 312 &&
	       offsetof(struct hypsec_vcpu, sealed) == 480,
	       "the layout is the ABI");
#endif /* __ASSEMBLER__ */

#endif /* HYPSEC_ABI_H */
