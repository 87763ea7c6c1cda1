/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host that calls with arguments out of range: each argument of each call
 * with each value that a careless core would take for something else. A row of
 * the table is a test, once on a board that refuses and once on one that
 * halts; nothing changes in either (G32, G38).
 */
#include "qemu/osdep.h"
#include "hypsec-attack.h"

#define PROGRAM "hypsec-attack-args"

/*
 * What every row starts from. VM 1 has two images, the first with one of its
 * four pages, the second without, and a device page. VM 3 is being destroyed.
 * VM 2 existed. The others never did.
 */
#define VM              1
#define VM_GONE         2
#define VM_DYING        3
#define VM_NEVER        4
#define IMAGE_PAGES     4
#define IMAGE2          (HYPSEC_GPA + 8 * HYPSEC_PAGE)
#define DEVICE_GPA      (HYPSEC_GPA + 16 * HYPSEC_BLOCK)
#define FREE_GPA        (HYPSEC_GPA + 32 * HYPSEC_BLOCK)
#define OTHER_GPA       (HYPSEC_GPA + 64 * HYPSEC_BLOCK)

#define GIVEN           (HYPSEC_FREE + 8 * HYPSEC_BLOCK)
#define DYING           (HYPSEC_FREE + 16 * HYPSEC_BLOCK)
#define FREE            (HYPSEC_FREE + 24 * HYPSEC_BLOCK)
#define FREE_PFN        (FREE / HYPSEC_PAGE)
/* More than one call reclaims. */
#define DYING_PAGES     (2 * HYPSEC_MAX_PAGES_PER_CALL)

typedef struct Call {
    unsigned int nr;
    uint64_t x[4];
} Call;

typedef struct Row {
    const char *name;
    Call call;
    int result;
} Row;

#define CLEAR(vmid, start, size) \
    { HYPSEC_HVC_CLEAR_VM_S2_RANGE, { vmid, start, size } }
#define SET_BOOT_INFO(vmid, gpa, size) \
    { HYPSEC_HVC_SET_BOOT_INFO, { vmid, gpa, size } }
#define REMAP(vmid, pfn, idx) \
    { HYPSEC_HVC_REMAP_VM_IMAGE, { vmid, pfn, idx } }
#define IOREMAP(vmid, gpa, pa, size) \
    { HYPSEC_HVC_PHYS_ADDR_IOREMAP, { vmid, gpa, pa, size } }
#define DESTROY(vmid) \
    { HYPSEC_HVC_DESTROY_VM, { vmid } }

static const struct {
    unsigned int nr;
    const char *name;
    unsigned int args;
} names[] = {
    { HYPSEC_HVC_CLEAR_VM_S2_RANGE, "CLEAR_VM_S2_RANGE", 3 },
    { HYPSEC_HVC_SET_BOOT_INFO, "SET_BOOT_INFO", 3 },
    { HYPSEC_HVC_REMAP_VM_IMAGE, "REMAP_VM_IMAGE", 3 },
    { HYPSEC_HVC_PHYS_ADDR_IOREMAP, "PHYS_ADDR_IOREMAP", 4 },
    { HYPSEC_HVC_DESTROY_VM, "DESTROY_VM", 1 },
};

/* Every VM id that is none, for each call that takes one. */
static const struct {
    const char *name;
    uint64_t vmid;
    int result;
} vmids[] = {
    { "host", 0, HYPSEC_INVALID },
    { "el2", HYPSEC_COREVISOR, HYPSEC_INVALID },
    { "one-more", HYPSEC_COREVISOR + 1, HYPSEC_INVALID },
    { "255", 255, HYPSEC_INVALID },
    { "G32-8-bit-alias", 0x100 + VM, HYPSEC_INVALID },
    { "G32-16-bit-alias", 0x10000 + VM, HYPSEC_INVALID },
    { "31-bit-sign", 0x80000000 + VM, HYPSEC_INVALID },
    { "32-bit-nobody", 0xffffffff, HYPSEC_INVALID },
    { "G32-32-bit-alias", (1ULL << 32) + VM, HYPSEC_INVALID },
    { "G32-63-bit-alias", (1ULL << 63) + VM, HYPSEC_INVALID },
    { "minus-one", UINT64_MAX, HYPSEC_INVALID },
    { "minus-fifteen", (uint64_t)-15, HYPSEC_INVALID },
    { "never-registered", VM_NEVER, HYPSEC_DENIED },
    { "last-never-registered", HYPSEC_MAX_VMS, HYPSEC_DENIED },
    { "destroyed", VM_GONE, HYPSEC_DENIED },
};

/* Good arguments with the VM id left out. */
static const Row calls[] = {
    { "clear", CLEAR(0, 0, HYPSEC_IPA_END) },
    { "set-boot-info", SET_BOOT_INFO(0, OTHER_GPA, HYPSEC_PAGE) },
    { "remap", REMAP(0, FREE_PFN, 0) },
    { "ioremap", IOREMAP(0, FREE_GPA, HYPSEC_UART0, HYPSEC_PAGE) },
    { "destroy", DESTROY(0) },
};

static const Row rows[] = {
    { "set-boot-info/address/off-by-a-byte",
      SET_BOOT_INFO(VM, OTHER_GPA + 1, HYPSEC_PAGE), HYPSEC_INVALID },
    { "set-boot-info/address/off-by-half-a-page",
      SET_BOOT_INFO(VM, OTHER_GPA + 0x800, 0x800), HYPSEC_INVALID },
    { "set-boot-info/address/end-of-ipa",
      SET_BOOT_INFO(VM, HYPSEC_IPA_END, HYPSEC_PAGE), HYPSEC_INVALID },
    { "set-boot-info/address/beyond-ipa",
      SET_BOOT_INFO(VM, HYPSEC_IPA_END + OTHER_GPA, HYPSEC_PAGE),
      HYPSEC_INVALID },
    { "set-boot-info/address/attribute-bits",
      SET_BOOT_INFO(VM, (1ULL << 58) + OTHER_GPA, HYPSEC_PAGE),
      HYPSEC_INVALID },
    { "set-boot-info/address/last-page-of-64-bits",
      SET_BOOT_INFO(VM, -HYPSEC_PAGE, HYPSEC_PAGE), HYPSEC_INVALID },
    { "set-boot-info/size/none",
      SET_BOOT_INFO(VM, OTHER_GPA, 0), HYPSEC_INVALID },
    { "set-boot-info/size/a-byte-too-long",
      SET_BOOT_INFO(VM, HYPSEC_IPA_END - HYPSEC_PAGE, HYPSEC_PAGE + 1),
      HYPSEC_INVALID },
    { "set-boot-info/size/all",
      SET_BOOT_INFO(VM, OTHER_GPA, HYPSEC_IPA_END), HYPSEC_INVALID },
    { "set-boot-info/size/G40-rounds-up-to-none",
      SET_BOOT_INFO(VM, OTHER_GPA, UINT64_MAX), HYPSEC_INVALID },
    { "set-boot-info/size/G40-rounds-up-to-none-by-a-page",
      SET_BOOT_INFO(VM, OTHER_GPA, -HYPSEC_PAGE + 1), HYPSEC_INVALID },
    { "set-boot-info/size/G40-sum-is-zero",
      SET_BOOT_INFO(VM, OTHER_GPA, -OTHER_GPA), HYPSEC_INVALID },
    { "set-boot-info/size/G40-sum-wraps",
      SET_BOOT_INFO(VM, OTHER_GPA, -OTHER_GPA + HYPSEC_PAGE),
      HYPSEC_INVALID },
    { "set-boot-info/size/negative",
      SET_BOOT_INFO(VM, OTHER_GPA, 1ULL << 63), HYPSEC_INVALID },
    { "set-boot-info/overlap/G40-same",
      SET_BOOT_INFO(VM, HYPSEC_GPA, IMAGE_PAGES * HYPSEC_PAGE),
      HYPSEC_INVALID },
    { "set-boot-info/overlap/G40-inside",
      SET_BOOT_INFO(VM, HYPSEC_GPA + HYPSEC_PAGE, 1), HYPSEC_INVALID },
    { "set-boot-info/overlap/G40-first-page",
      SET_BOOT_INFO(VM, HYPSEC_GPA - HYPSEC_PAGE, HYPSEC_PAGE + 1),
      HYPSEC_INVALID },
    { "set-boot-info/overlap/G40-last-page-by-its-last-byte",
      SET_BOOT_INFO(VM, HYPSEC_GPA + (IMAGE_PAGES - 1) * HYPSEC_PAGE,
                    HYPSEC_PAGE), HYPSEC_INVALID },
    { "set-boot-info/overlap/G40-around",
      SET_BOOT_INFO(VM, HYPSEC_GPA - HYPSEC_BLOCK, 2 * HYPSEC_BLOCK),
      HYPSEC_INVALID },
    { "set-boot-info/overlap/G40-everything",
      SET_BOOT_INFO(VM, 0, HYPSEC_IPA_END), HYPSEC_INVALID },
    { "set-boot-info/overlap/G40-second-image",
      SET_BOOT_INFO(VM, IMAGE2 - HYPSEC_PAGE, 2 * HYPSEC_PAGE),
      HYPSEC_INVALID },
    { "set-boot-info/state/powered-off",
      SET_BOOT_INFO(VM_DYING, OTHER_GPA, HYPSEC_PAGE), HYPSEC_DENIED },

    { "remap/pfn/end-of-pa",
      REMAP(VM, HYPSEC_PFN_END, 0), HYPSEC_INVALID },
    { "remap/pfn/G32-end-of-pa-alias",
      REMAP(VM, HYPSEC_PFN_END + FREE_PFN, 0), HYPSEC_INVALID },
    { "remap/pfn/G32-32-bit-alias",
      REMAP(VM, (1ULL << 32) + FREE_PFN, 0), HYPSEC_INVALID },
    { "remap/pfn/G32-36-bit-alias",
      REMAP(VM, (1ULL << 36) + FREE_PFN, 0), HYPSEC_INVALID },
    /* G27: times 4096 it sets bits of the descriptor and nothing else. */
    { "remap/pfn/G27-attribute-bits",
      REMAP(VM, (1ULL << 42) + FREE_PFN, 0), HYPSEC_INVALID },
    { "remap/pfn/G27-wraps-when-shifted",
      REMAP(VM, (1ULL << 52) + FREE_PFN, 0), HYPSEC_INVALID },
    { "remap/pfn/address-for-a-number",
      REMAP(VM, FREE, 0), HYPSEC_INVALID },
    { "remap/pfn/minus-one", REMAP(VM, UINT64_MAX, 0), HYPSEC_INVALID },
    { "remap/pfn/last-below-the-end",
      REMAP(VM, HYPSEC_PFN_END - 1, 0), HYPSEC_DENIED },
    { "remap/pfn/G30-page-zero", REMAP(VM, 0, 0), HYPSEC_DENIED },
    { "remap/pfn/before-ram",
      REMAP(VM, HYPSEC_RAM / HYPSEC_PAGE - 1, 0), HYPSEC_DENIED },
    { "remap/pfn/after-ram",
      REMAP(VM, HYPSEC_RAM_END / HYPSEC_PAGE, 0), HYPSEC_DENIED },
    { "remap/pfn/hosts-uart",
      REMAP(VM, HYPSEC_UART0 / HYPSEC_PAGE, 0), HYPSEC_DENIED },
    { "remap/pfn/el2s-uart",
      REMAP(VM, HYPSEC_UART1 / HYPSEC_PAGE, 0), HYPSEC_DENIED },
    { "remap/pfn/el2s-first-page",
      REMAP(VM, HYPSEC_CARVEOUT / HYPSEC_PAGE, 0), HYPSEC_DENIED },
    { "remap/pfn/el2s-last-page",
      REMAP(VM, HYPSEC_RAM_END / HYPSEC_PAGE - 1, 0), HYPSEC_DENIED },
    { "remap/pfn/twice",
      REMAP(VM, GIVEN / HYPSEC_PAGE, 0), HYPSEC_DENIED },
    { "remap/pfn/of-a-vm-that-is-powered-off",
      REMAP(VM, DYING / HYPSEC_PAGE + DYING_PAGES - 1, 0), HYPSEC_DENIED },
    { "remap/index/not-registered", REMAP(VM, FREE_PFN, 2), HYPSEC_INVALID },
    { "remap/index/last",
      REMAP(VM, FREE_PFN, HYPSEC_MAX_IMAGES - 1), HYPSEC_INVALID },
    { "remap/index/one-too-many",
      REMAP(VM, FREE_PFN, HYPSEC_MAX_IMAGES), HYPSEC_INVALID },
    { "remap/index/G32-8-bit-alias",
      REMAP(VM, FREE_PFN, 0x100), HYPSEC_INVALID },
    { "remap/index/G32-32-bit-alias",
      REMAP(VM, FREE_PFN, 1ULL << 32), HYPSEC_INVALID },
    { "remap/index/G32-63-bit-alias",
      REMAP(VM, FREE_PFN, 1ULL << 63), HYPSEC_INVALID },
    { "remap/index/minus-one",
      REMAP(VM, FREE_PFN, UINT64_MAX), HYPSEC_INVALID },
    { "remap/state/powered-off",
      REMAP(VM_DYING, FREE_PFN, 0), HYPSEC_DENIED },

    { "ioremap/gpa/off-by-a-byte",
      IOREMAP(VM, FREE_GPA + 1, HYPSEC_UART0, HYPSEC_PAGE), HYPSEC_INVALID },
    { "ioremap/gpa/off-by-half-a-page",
      IOREMAP(VM, FREE_GPA + 0x800, HYPSEC_UART0, HYPSEC_PAGE),
      HYPSEC_INVALID },
    { "ioremap/gpa/end-of-ipa",
      IOREMAP(VM, HYPSEC_IPA_END, HYPSEC_UART0, HYPSEC_PAGE),
      HYPSEC_INVALID },
    { "ioremap/gpa/beyond-ipa",
      IOREMAP(VM, HYPSEC_IPA_END + FREE_GPA, HYPSEC_UART0, HYPSEC_PAGE),
      HYPSEC_INVALID },
    { "ioremap/gpa/ends-beyond-ipa",
      IOREMAP(VM, HYPSEC_IPA_END - HYPSEC_PAGE, HYPSEC_PCIE,
              2 * HYPSEC_PAGE), HYPSEC_INVALID },
    { "ioremap/gpa/wraps",
      IOREMAP(VM, -HYPSEC_PAGE, HYPSEC_PCIE, 2 * HYPSEC_PAGE),
      HYPSEC_INVALID },
    { "ioremap/gpa/G32-32-bit-alias",
      IOREMAP(VM, (1ULL << 44) + FREE_GPA, HYPSEC_UART0, HYPSEC_PAGE),
      HYPSEC_INVALID },
    { "ioremap/gpa/already-an-image",
      IOREMAP(VM, HYPSEC_GPA, HYPSEC_UART0, HYPSEC_PAGE), HYPSEC_BUSY },
    { "ioremap/gpa/already-a-device",
      IOREMAP(VM, DEVICE_GPA, HYPSEC_PCIE, HYPSEC_PAGE), HYPSEC_BUSY },
    { "ioremap/gpa/ends-on-a-device",
      IOREMAP(VM, DEVICE_GPA - 3 * HYPSEC_PAGE, HYPSEC_PCIE,
              4 * HYPSEC_PAGE), HYPSEC_BUSY },
    { "ioremap/gpa/begins-on-an-image",
      IOREMAP(VM, HYPSEC_GPA, HYPSEC_PCIE, 3 * HYPSEC_PAGE), HYPSEC_BUSY },

    { "ioremap/pa/off-by-a-byte",
      IOREMAP(VM, FREE_GPA, HYPSEC_UART0 + 1, HYPSEC_PAGE), HYPSEC_INVALID },
    { "ioremap/pa/off-by-half-a-page",
      IOREMAP(VM, FREE_GPA, HYPSEC_UART0 + 0x800, HYPSEC_PAGE),
      HYPSEC_INVALID },
    { "ioremap/pa/G26-bit-40",
      IOREMAP(VM, FREE_GPA, (1ULL << 40) + HYPSEC_UART0, HYPSEC_PAGE),
      HYPSEC_INVALID },
    { "ioremap/pa/G26-bit-47",
      IOREMAP(VM, FREE_GPA, (1ULL << 47) + HYPSEC_UART0, HYPSEC_PAGE),
      HYPSEC_INVALID },
    { "ioremap/pa/G26-ignored-bit-over-a-device",
      IOREMAP(VM, FREE_GPA, (1ULL << 58) + HYPSEC_UART0, HYPSEC_PAGE),
      HYPSEC_INVALID },
    { "ioremap/pa/G26-ignored-bit-over-ram",
      IOREMAP(VM, FREE_GPA, (1ULL << 58) + FREE, HYPSEC_PAGE),
      HYPSEC_INVALID },
    { "ioremap/pa/G26-ignored-bit-over-el2",
      IOREMAP(VM, FREE_GPA, (1ULL << 55) + HYPSEC_CARVEOUT, HYPSEC_PAGE),
      HYPSEC_INVALID },
    { "ioremap/pa/G26-bit-63",
      IOREMAP(VM, FREE_GPA, (1ULL << 63) + HYPSEC_UART0, HYPSEC_PAGE),
      HYPSEC_INVALID },
    { "ioremap/pa/wraps",
      IOREMAP(VM, FREE_GPA, -HYPSEC_PAGE, 2 * HYPSEC_PAGE), HYPSEC_INVALID },
    { "ioremap/pa/G26-ram",
      IOREMAP(VM, FREE_GPA, FREE, HYPSEC_PAGE), HYPSEC_DENIED },
    { "ioremap/pa/G26-ram-of-a-vm",
      IOREMAP(VM, FREE_GPA, GIVEN, HYPSEC_PAGE), HYPSEC_DENIED },
    { "ioremap/pa/G26-el2s-first-page",
      IOREMAP(VM, FREE_GPA, HYPSEC_CARVEOUT, HYPSEC_PAGE), HYPSEC_DENIED },
    { "ioremap/pa/G26-el2s-last-page",
      IOREMAP(VM, FREE_GPA, HYPSEC_RAM_END - HYPSEC_PAGE, HYPSEC_PAGE),
      HYPSEC_DENIED },
    { "ioremap/pa/G26-el2s-uart",
      IOREMAP(VM, FREE_GPA, HYPSEC_UART1, HYPSEC_PAGE), HYPSEC_DENIED },
    { "ioremap/pa/G26-flash",
      IOREMAP(VM, FREE_GPA, 0, HYPSEC_PAGE), HYPSEC_DENIED },
    { "ioremap/pa/G26-smmu",
      IOREMAP(VM, FREE_GPA, 0x09050000, HYPSEC_PAGE), HYPSEC_DENIED },
    { "ioremap/pa/G26-second-smmu",
      IOREMAP(VM, FREE_GPA, 0x09060000, HYPSEC_PAGE), HYPSEC_DENIED },
    { "ioremap/pa/G26-pvpanic",
      IOREMAP(VM, FREE_GPA, 0x0b000000, HYPSEC_PAGE), HYPSEC_DENIED },
    { "ioremap/pa/G26-injector",
      IOREMAP(VM, FREE_GPA, HYPSEC_INJECT_BASE, HYPSEC_PAGE),
      HYPSEC_DENIED },
    { "ioremap/pa/G26-nothing-there",
      IOREMAP(VM, FREE_GPA, 0x0c000000, HYPSEC_PAGE), HYPSEC_DENIED },
    { "ioremap/pa/after-ram",
      IOREMAP(VM, FREE_GPA, HYPSEC_RAM_END, HYPSEC_PAGE), HYPSEC_DENIED },
    { "ioremap/pa/last-of-40-bits",
      IOREMAP(VM, FREE_GPA, HYPSEC_IPA_END - HYPSEC_PAGE, HYPSEC_PAGE),
      HYPSEC_DENIED },
    { "ioremap/pa/G26-ends-behind-a-window",
      IOREMAP(VM, FREE_GPA, HYPSEC_UART0, 2 * HYPSEC_PAGE), HYPSEC_DENIED },
    { "ioremap/pa/G26-begins-before-a-window",
      IOREMAP(VM, FREE_GPA, HYPSEC_UART0 - HYPSEC_PAGE, 2 * HYPSEC_PAGE),
      HYPSEC_DENIED },
    { "ioremap/pa/G26-el2s-uart-between-two-windows",
      IOREMAP(VM, FREE_GPA, 0x09030000, 0x20 * HYPSEC_PAGE), HYPSEC_DENIED },
    { "ioremap/pa/G26-ends-in-ram",
      IOREMAP(VM, FREE_GPA, HYPSEC_RAM - HYPSEC_PAGE, 2 * HYPSEC_PAGE),
      HYPSEC_DENIED },
    { "ioremap/pa/G26-begins-in-the-window-after-a-gap",
      IOREMAP(VM, FREE_GPA, 0x0a003000, 2 * HYPSEC_PAGE), HYPSEC_DENIED },

    { "ioremap/size/none",
      IOREMAP(VM, FREE_GPA, HYPSEC_UART0, 0), HYPSEC_INVALID },
    { "ioremap/size/a-byte",
      IOREMAP(VM, FREE_GPA, HYPSEC_UART0, 1), HYPSEC_INVALID },
    { "ioremap/size/a-byte-more",
      IOREMAP(VM, FREE_GPA, HYPSEC_PCIE, HYPSEC_PAGE + 1), HYPSEC_INVALID },
    { "ioremap/size/more-than-a-call-does",
      IOREMAP(VM, FREE_GPA, HYPSEC_PCIE,
              (HYPSEC_MAX_PAGES_PER_CALL + 1) * HYPSEC_PAGE),
      HYPSEC_INVALID },
    { "ioremap/size/G32-32-bit-alias",
      IOREMAP(VM, FREE_GPA, HYPSEC_UART0, (1ULL << 32) + HYPSEC_PAGE),
      HYPSEC_INVALID },
    { "ioremap/size/G32-44-bit-alias",
      IOREMAP(VM, FREE_GPA, HYPSEC_UART0, (1ULL << 44) + HYPSEC_PAGE),
      HYPSEC_INVALID },
    { "ioremap/size/minus-a-page",
      IOREMAP(VM, FREE_GPA, HYPSEC_UART0, -HYPSEC_PAGE), HYPSEC_INVALID },
    { "ioremap/size/sum-wraps-to-zero",
      IOREMAP(VM, FREE_GPA, HYPSEC_UART0, -FREE_GPA), HYPSEC_INVALID },
    { "ioremap/size/negative",
      IOREMAP(VM, FREE_GPA, HYPSEC_UART0, 1ULL << 63), HYPSEC_INVALID },
    { "ioremap/state/powered-off",
      IOREMAP(VM_DYING, FREE_GPA, HYPSEC_UART0, HYPSEC_PAGE),
      HYPSEC_DENIED },

    { "clear/state/G20-ready",
      CLEAR(VM, 0, HYPSEC_IPA_END), HYPSEC_DENIED },
    { "clear/state/G20-ready-its-page",
      CLEAR(VM, GIVEN, HYPSEC_PAGE), HYPSEC_DENIED },
    { "clear/start/off-by-a-byte",
      CLEAR(VM_DYING, 1, HYPSEC_IPA_END - HYPSEC_PAGE), HYPSEC_INVALID },
    { "clear/start/end-of-pa",
      CLEAR(VM_DYING, HYPSEC_IPA_END, HYPSEC_PAGE), HYPSEC_INVALID },
    { "clear/start/wraps",
      CLEAR(VM_DYING, -HYPSEC_PAGE, 2 * HYPSEC_PAGE), HYPSEC_INVALID },
    { "clear/start/G32-32-bit-alias",
      CLEAR(VM_DYING, (1ULL << 44) + DYING, HYPSEC_PAGE), HYPSEC_INVALID },
    { "clear/size/off-by-a-byte",
      CLEAR(VM_DYING, DYING, HYPSEC_PAGE + 1), HYPSEC_INVALID },
    { "clear/size/one-page-too-long",
      CLEAR(VM_DYING, HYPSEC_PAGE, HYPSEC_IPA_END), HYPSEC_INVALID },
    { "clear/size/more-than-all",
      CLEAR(VM_DYING, 0, HYPSEC_IPA_END + HYPSEC_PAGE), HYPSEC_INVALID },
    { "clear/size/minus-a-page",
      CLEAR(VM_DYING, DYING, -HYPSEC_PAGE), HYPSEC_INVALID },
    { "clear/size/sum-wraps-to-zero",
      CLEAR(VM_DYING, DYING, -DYING), HYPSEC_INVALID },
};

static void make_scene(HypsecBoard *board)
{
    g_assert_cmpuint(hypsec_vm(board), ==, VM);
    g_assert_cmpuint(hypsec_vm(board), ==, VM_GONE);
    g_assert_cmpuint(hypsec_vm_dying(board, HYPSEC_GPA, DYING, DYING_PAGES),
                     ==, VM_DYING);
    hypsec_vm_image(board, VM, HYPSEC_GPA,
                    (IMAGE_PAGES - 1) * HYPSEC_PAGE + 1);
    hypsec_vm_image(board, VM, IMAGE2, HYPSEC_PAGE);
    hypsec_fill(board, GIVEN);
    hypsec_vm_give(board, VM, 0, GIVEN);
    hypsec_vm_ioremap(board, VM, DEVICE_GPA, HYPSEC_UART0, HYPSEC_PAGE);
    hypsec_vm_destroy(board, VM_GONE);
}

static void prepare(HypsecBoard *board, HypsecAttempt *attempt,
                    const void *data)
{
    const Row *row = data;

    hypsec_attempt_call(attempt, row->call.nr, row->call.x[0], row->call.x[1], row->call.x[2],
                        row->call.x[3]);
}

/* Nothing of it was lost, and no call is refused that was not before. */
static void finish(HypsecBoard *board, const void *data)
{
    hypsec_assert_vm_page(board, GIVEN, VM, HYPSEC_GPA);
    hypsec_assert_filled(board, GIVEN);
    hypsec_vm_give(board, VM, 0, FREE);
    hypsec_assert_vm_page(board, FREE, VM, HYPSEC_GPA + HYPSEC_PAGE);
    g_assert_cmpuint(hypsec_vm_image(board, VM, OTHER_GPA, HYPSEC_PAGE), ==,
                     2);
    hypsec_vm_ioremap(board, VM, FREE_GPA, HYPSEC_UART0, HYPSEC_PAGE);
    hypsec_vm_destroy(board, VM_DYING);
    hypsec_assert_host_page(board, DYING + (DYING_PAGES - 1) * HYPSEC_PAGE);
    hypsec_check_tables(board);
}

/* What EL2's console says: the call and what was asked of it. */
static char *told(const Row *row)
{
    for (int i = 0; i < ARRAY_SIZE(names); i++) {
        if (names[i].nr == row->call.nr) {
            GString *s = g_string_new(names[i].name);

            for (unsigned int j = 0; j < names[i].args; j++) {
                g_string_append_printf(s, "%s0x%" PRIx64, j ? ", " : "(",
                                       row->call.x[j]);
            }
            return g_string_free(g_string_append_c(s, ')'), false);
        }
    }
    g_assert_not_reached();
}

static void add_row(const Row *row)
{
    HypsecAttack *attack = g_new0(HypsecAttack, 1);

    *attack = (HypsecAttack){
        .path = row->name, .scene = make_scene, .prepare = prepare,
        .finish = finish, .data = row, .result = row->result,
        .told = told(row),
    };
    hypsec_add_attack(PROGRAM, attack);
}

int main(int argc, char **argv)
{
    if (!hypsec_lib_init(&argc, &argv)) {
        return 1;
    }
    for (int i = 0; i < ARRAY_SIZE(calls); i++) {
        for (int j = 0; j < ARRAY_SIZE(vmids); j++) {
            Row *row = g_new0(Row, 1);

            *row = calls[i];
            row->name = g_strdup_printf("%s/vmid/%s", calls[i].name,
                                        vmids[j].name);
            row->call.x[0] = vmids[j].vmid;
            row->result = vmids[j].result;
            add_row(row);
        }
    }
    for (int i = 0; i < ARRAY_SIZE(rows); i++) {
        add_row(&rows[i]);
    }
    return hypsec_lib_run();
}
