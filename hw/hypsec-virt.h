/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hypsec-virt machine: a board for software that runs at EL2.
 *
 * The addresses are those of QEMU's virt machine wherever virt has the
 * device; docs/system/arm/hypsec-virt.rst describes the board to its users.
 *
 * QEMU interface:
 *  + machine properties "gic-version", "el2-mem", "on-violation",
 *    "sealing-key", "trusted-key", "smmu", "virtio-mmio", "dma", "inject",
 *    "dtb-randomness", "pflash0", "pflash1"
 *  + QOM children "cpu[N]", "gic", "gic-v2m", "uart0", "uart1", "rtc",
 *    "gpio", "gpio-key", "gpio-pwr", "smmu0", "smmu1", "pcie", "pvpanic",
 *    "flash0", "flash1", "virtio-mmio[N]", "fw_cfg", "inspect",
 *    "hypsec-dma" and "hypsec-inject" (/machine/dma and /machine/inject are
 *    these two as well)
 */
#ifndef HW_HYPSEC_VIRT_H
#define HW_HYPSEC_VIRT_H

#include "exec/hwaddr.h"
#include "hw/arm/boot.h"
#include "hw/block/flash.h"
#include "hw/boards.h"
#include "hypsec/boot_block.h"
#include "qemu/notify.h"
#include "qom/object.h"

#define TYPE_HYPSEC_VIRT_MACHINE MACHINE_TYPE_NAME("hypsec-virt")
OBJECT_DECLARE_SIMPLE_TYPE(HypsecVirtMachineState, HYPSEC_VIRT_MACHINE)

#define HYPSEC_VIRT_MAX_CPUS 8
#define HYPSEC_VIRT_NUM_SPIS 256
#define HYPSEC_VIRT_NUM_V2M_SPIS 64
#define HYPSEC_VIRT_NUM_VIRTIO_MMIO 32

/* PCIe is behind SMMU 0, platform devices are behind SMMU 1. */
#define HYPSEC_VIRT_NUM_SMMUS 2
#define HYPSEC_VIRT_SMMU_BANKS 8

/* Lines of the PL061. */
#define HYPSEC_VIRT_GPIO_POWEROFF 0
#define HYPSEC_VIRT_GPIO_RESET 1
#define HYPSEC_VIRT_GPIO_POWER_KEY 3

/* Everything on the board is placed in multiples of this. */
#define HYPSEC_VIRT_BLOCK (2 * MiB)

/* The host's device tree has the first block of RAM for itself. */
#define HYPSEC_VIRT_DTB_MAX HYPSEC_VIRT_BLOCK

enum HypsecVirtRegion {
    HYPSEC_VIRT_FLASH0,
    HYPSEC_VIRT_FLASH1,
    HYPSEC_VIRT_GICD,
    HYPSEC_VIRT_GICC,
    HYPSEC_VIRT_GICV2M,
    HYPSEC_VIRT_GICH,
    HYPSEC_VIRT_GICV,
    HYPSEC_VIRT_GICR,
    HYPSEC_VIRT_UART0,
    HYPSEC_VIRT_RTC,
    HYPSEC_VIRT_FW_CFG,
    HYPSEC_VIRT_GPIO,
    HYPSEC_VIRT_UART1,
    HYPSEC_VIRT_SMMU0,
    HYPSEC_VIRT_SMMU1,
    HYPSEC_VIRT_VIRTIO_MMIO,
    HYPSEC_VIRT_PVPANIC,
    HYPSEC_VIRT_DMA,
    HYPSEC_VIRT_INJECT,
    HYPSEC_VIRT_PCIE_MMIO,
    HYPSEC_VIRT_PCIE_PIO,
    HYPSEC_VIRT_PCIE_ECAM,
    HYPSEC_VIRT_MEM,
    HYPSEC_VIRT_NUM_REGIONS,
};

struct HypsecVirtMachineState {
    MachineState parent_obj;

    /* Properties. */
    uint8_t gic_version;
    bool smmu;
    bool virtio_mmio;
    bool dma;
    bool inject;
    bool dtb_randomness;
    uint64_t el2_mem;
    uint32_t on_violation;
    bool has_on_violation;
    char *sealing_key_id;
    char *trusted_key_id;

    /* Devices. */
    DeviceState *gic;
    DeviceState *gpio_key;
    DeviceState *smmus[HYPSEC_VIRT_NUM_SMMUS];
    DeviceState *dma_master;
    DeviceState *pvpanic;
    DeviceState *injector;
    PFlashCFI01 *flash[2];
    Notifier powerdown;

    /* The hand-off: see hypsec-boot.c. */
    bool firmware;
    struct arm_boot_info bootinfo;
    int fdt_size;
    uint64_t kernel_base;
    uint64_t kernel_size;
    uint64_t carveout_base;
    uint64_t carveout_size;
    uint32_t nr_smmus;
    uint64_t nr_dma_channels;
    uint8_t sealing_key[HYPSEC_KEY_BYTES];
    uint8_t trusted_key[HYPSEC_KEY_BYTES];
    uint8_t *own_sealing_key;
};

/* Base and size of each region; the size of RAM is MachineState::ram_size. */
extern const MemMapEntry hypsec_virt_memmap[HYPSEC_VIRT_NUM_REGIONS];

/*
 * The shared peripheral interrupt of each region that has one; PCIe, SMMUs
 * and virtio-mmio use this one and those that follow.
 */
extern const int hypsec_virt_irqmap[HYPSEC_VIRT_NUM_REGIONS];

/**
 * hypsec_fdt_create() - generate the device tree of a board
 * @s: the machine, its CPUs and devices realized, @s->firmware decided
 * @errp: set when the tree has no room for the command line
 *
 * What the loading of images adds (memory, PSCI, initrd, command line) is
 * not in it yet. With firmware, the devices that belong to EL2 are disabled,
 * and nothing is said to be behind one of them.
 * Sets MachineState::fdt and @s->fdt_size.
 *
 * Returns: true on success.
 */
bool hypsec_fdt_create(HypsecVirtMachineState *s, Error **errp);

/**
 * hypsec_fdt_take() - take the user's device tree instead of ours
 * @s: the machine
 * @blob: a flattened device tree, of which nothing is believed
 * @size: bytes of @blob
 * @errp: set when @blob is not a sound tree with two address and two size
 *        cells at its root, or too large
 *
 * What an earlier hand-off left in it (a tree that QEMU dumped) is removed.
 * Sets MachineState::fdt and @s->fdt_size.
 *
 * Returns: true on success.
 */
bool hypsec_fdt_take(HypsecVirtMachineState *s, const void *blob, size_t size,
                     Error **errp);

/**
 * hypsec_fdt_add_hand_off() - tell EL2 and the host what lies where
 * @info: the machine's bootinfo, its hand-off decided
 * @fdt: the tree to add to
 *
 * Adds the reserved carve-out and the places of kernel and initrd; for
 * arm_boot_info::modify_dtb. Ends QEMU with a message when @fdt (which may
 * be the user's) cannot take them.
 */
void hypsec_fdt_add_hand_off(const struct arm_boot_info *info, void *fdt);

/**
 * hypsec_boot_check() - refuse what cannot be a hand-off
 * @s: the machine, its flash created and given its drives
 * @errp: set when options contradict each other or do not fit into RAM
 *
 * Decides @s->firmware, the carve-out, the keys, and what firmware is told of
 * DMA; has no other effect.
 *
 * Returns: true when the options make sense.
 */
bool hypsec_boot_check(HypsecVirtMachineState *s, Error **errp);

/**
 * hypsec_boot_init() - load the images and arrange for every reset
 * @s: the machine, everything realized and RAM mapped
 * @errp: set when an image is missing, unsuitable or does not fit
 *
 * Kernel, initrd and device tree become ROM blobs, which every reset writes
 * again; with firmware, so is the boot block.
 *
 * Returns: true on success.
 */
bool hypsec_boot_init(HypsecVirtMachineState *s, Error **errp);

/**
 * hypsec_inspect_create() - add the object "inspect" to a machine
 * @machine: the machine
 * @carveout_base: PA of the EL2 carve-out in bytes, 0 when there is none
 * @carveout_size: its size in bytes
 */
void hypsec_inspect_create(Object *machine, hwaddr carveout_base,
                           uint64_t carveout_size);

#endif /* HW_HYPSEC_VIRT_H */
