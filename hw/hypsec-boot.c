/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hand-off of the hypsec-virt machine: what is where when the first
 * instruction runs, and again after every reset.
 *
 * With firmware (-bios, or a drive for the first flash) the CPUs start at
 * EL2 at address 0; kernel, initrd and device tree lie in RAM for the
 * firmware to start as its host, and the top of RAM is EL2's, with the boot
 * block in its first page. Without firmware QEMU's own loader starts the
 * kernel at EL2.
 */
#include "qemu/osdep.h"
#include "qemu/cutils.h"
#include "qemu/datadir.h"
#include "qemu/error-report.h"
#include "qemu/guest-random.h"
#include "qemu/units.h"
#include "qapi/error.h"
#include "cpu.h"
#include "crypto/secret.h"
#include "exec/address-spaces.h"
#include "hw/arm/boot.h"
#include "hw/loader.h"
#include "migration/vmstate.h"
#include "system/block-backend.h"
#include "system/reset.h"
#include "system/runstate.h"
#include "system/system.h"
#include "target/arm/internals.h"
#include "hypsec-dma.h"
#include "hypsec-image.h"
#include "hypsec-virt.h"
#include "trace.h"

#define EL2_MEM_MIN_BYTES (2 * MiB)
#define HOST_MIN_BYTES (128 * MiB)
#define RAM_MIN_BYTES (256 * MiB)
#define RAM_MAX_BYTES (64 * GiB)

#define DTB_FILE_MAX_BYTES (16 * MiB)
#define BOOT_BLOCK_PAGE 4096

/* The end of what the host may be loaded into. */
static hwaddr boot_host_end(const HypsecVirtMachineState *s)
{
    return s->firmware ? s->carveout_base :
           hypsec_virt_memmap[HYPSEC_VIRT_MEM].base + MACHINE(s)->ram_size;
}

/* Loads the host's kernel; @end becomes the first address behind it. */
static bool boot_load_kernel(HypsecVirtMachineState *s, hwaddr *end,
                             Error **errp)
{
    ERRP_GUARD();
    const char *name = MACHINE(s)->kernel_filename;
    hwaddr base = hypsec_virt_memmap[HYPSEC_VIRT_MEM].base +
                  HYPSEC_VIRT_DTB_MAX;
    uint64_t room = boot_host_end(s) - base;
    g_auto(HypsecFile) file = {};
    HypsecImageLayout layout;

    if (!hypsec_kernel_read(&file, name, room, errp)) {
        return false;
    }
    if (!hypsec_image_is_arm64(&file)) {
        error_setg(errp, "kernel '%s' is not an arm64 Image", name);
        error_append_hint(errp, "With firmware the kernel must be a Linux "
                          "Image, plain or compressed by gzip.\n");
        return false;
    }
    if (!hypsec_image_layout(&file, name, room, &layout, errp)) {
        return false;
    }
    s->kernel_base = base + layout.text_offset;
    s->kernel_size = file.size;
    *end = s->kernel_base + layout.span;
    rom_add_blob_fixed_as("kernel", file.data, file.size, s->kernel_base,
                          &address_space_memory);
    trace_hypsec_boot_image("kernel", s->kernel_base, file.size, layout.span);
    return true;
}

static bool boot_load_initrd(HypsecVirtMachineState *s, hwaddr kernel_end,
                             Error **errp)
{
    const char *name = MACHINE(s)->initrd_filename;
    hwaddr base = QEMU_ALIGN_UP(kernel_end, HYPSEC_VIRT_BLOCK);
    hwaddr end = boot_host_end(s);
    g_auto(HypsecFile) file = {};

    if (!hypsec_file_read(&file, "initrd", name, base < end ? end - base : 0,
                          errp)) {
        return false;
    }
    s->bootinfo.initrd_start = base;
    s->bootinfo.initrd_size = file.size;
    rom_add_blob_fixed_as("initrd", file.data, file.size, base,
                          &address_space_memory);
    trace_hypsec_boot_image("initrd", base, file.size, file.size);
    return true;
}

static bool boot_load_firmware(HypsecVirtMachineState *s, Error **errp)
{
    const char *name = MACHINE(s)->firmware;
    MemoryRegion *flash = pflash_cfi01_get_memory(s->flash[0]);
    g_autofree char *path = NULL;

    if (!name) {
        return true;
    }
    path = qemu_find_file(QEMU_FILE_TYPE_BIOS, name);
    if (!path || load_image_mr(path, flash) <= 0) {
        error_setg(errp, "could not load firmware '%s'", name);
        return false;
    }
    return true;
}

/*
 * Without firmware the kernel goes to QEMU's own loader, which takes ELF
 * files, uImages and raw code as well. It believes their headers, so look at
 * these first.
 */
static bool boot_check_direct_images(HypsecVirtMachineState *s, Error **errp)
{
    MachineState *ms = MACHINE(s);
    const char *name = ms->kernel_filename;
    g_auto(HypsecFile) file = {};
    HypsecImageLayout layout;

    if (!name) {
        return true;
    }
    if (!hypsec_kernel_read(&file, name, ms->ram_size, errp)) {
        return false;
    }
    if (hypsec_image_is_arm64(&file) &&
        !hypsec_image_layout(&file, name, ms->ram_size - HYPSEC_VIRT_BLOCK,
                             &layout, errp)) {
        return false;
    }
    return hypsec_elf_check(&file, name,
                            hypsec_virt_memmap[HYPSEC_VIRT_MEM].base,
                            ms->ram_size, errp) &&
           (!ms->initrd_filename ||
            hypsec_file_check("initrd", ms->initrd_filename, ms->ram_size,
                              errp));
}

QEMU_BUILD_BUG_ON(HYPSEC_VIRT_NUM_SMMUS > HYPSEC_MAX_SMMUS);

static void boot_write_block(void *opaque)
{
    HypsecVirtMachineState *s = opaque;
    union {
        struct hypsec_boot_block block;
        uint8_t page[BOOT_BLOCK_PAGE];
    } u = {};
    struct hypsec_boot_block *b = &u.block;

    /* Incoming migration brings the RAM of a board that has started. */
    if (runstate_check(RUN_STATE_INMIGRATE)) {
        return;
    }

    b->magic = cpu_to_le64(HYPSEC_BOOT_BLOCK_MAGIC);
    b->version = cpu_to_le32(HYPSEC_BOOT_BLOCK_VERSION);
    b->size = cpu_to_le32(sizeof(*b));
    b->carveout_base = cpu_to_le64(s->carveout_base);
    b->carveout_size = cpu_to_le64(s->carveout_size);
    b->dtb_base = cpu_to_le64(s->bootinfo.dtb_start);
    b->dtb_size = cpu_to_le64(s->fdt_size);
    b->on_violation = cpu_to_le32(s->on_violation);
    memcpy(b->sealing_key, s->sealing_key, sizeof(b->sealing_key));
    memcpy(b->trusted_key, s->trusted_key, sizeof(b->trusted_key));
    qemu_guest_getrandom_nofail(b->seed, sizeof(b->seed));
    b->nr_smmus = cpu_to_le32(s->nr_smmus);
    for (int i = 0; i < s->nr_smmus; i++) {
        const MemMapEntry *map = &hypsec_virt_memmap[HYPSEC_VIRT_SMMU0 + i];

        b->smmus[i].base = cpu_to_le64(map->base);
        b->smmus[i].size = cpu_to_le64(map->size);
    }
    b->nr_dma_channels = cpu_to_le64(s->nr_dma_channels);

    address_space_write(&address_space_memory,
                        s->carveout_base + HYPSEC_BOOT_BLOCK_OFFSET,
                        MEMTXATTRS_UNSPECIFIED, u.page, sizeof(u.page));
    trace_hypsec_boot_block(s->carveout_base, s->carveout_size);
}

/* The firmware's entry: x0 of the first CPU names the boot block. */
static void boot_reset_cpu(void *opaque)
{
    ARMCPU *cpu = opaque;
    HypsecVirtMachineState *s = HYPSEC_VIRT_MACHINE(current_machine);

    cpu_reset(CPU(cpu));
    if (CPU(cpu) == first_cpu) {
        cpu->env.xregs[0] = s->carveout_base + HYPSEC_BOOT_BLOCK_OFFSET;
        trace_hypsec_boot_cpu_reset(CPU(cpu)->cpu_index, cpu->env.xregs[0]);
    }
    arm_rebuild_hflags(&cpu->env);
}

static void boot_init_cpus(HypsecVirtMachineState *s)
{
    CPUState *cs;

    CPU_FOREACH(cs) {
        object_property_set_int(OBJECT(cs), "psci-conduit",
                                QEMU_PSCI_CONDUIT_SMC, &error_abort);
        object_property_set_bool(OBJECT(cs), "start-powered-off",
                                 cs != first_cpu, &error_abort);
        qemu_register_reset(boot_reset_cpu, ARM_CPU(cs));
    }
}

static int boot_pre_load(void *opaque)
{
    HypsecVirtMachineState *s = opaque;

    g_free(s->own_sealing_key);
    s->own_sealing_key = g_memdup2(s->sealing_key, sizeof(s->sealing_key));
    return 0;
}

/* A key that this QEMU was given must be the one of the board that comes. */
static int boot_post_load(void *opaque, int version_id)
{
    HypsecVirtMachineState *s = opaque;
    g_autofree uint8_t *own = g_steal_pointer(&s->own_sealing_key);

    if (s->sealing_key_id &&
        memcmp(own, s->sealing_key, sizeof(s->sealing_key))) {
        memcpy(s->sealing_key, own, sizeof(s->sealing_key));
        error_report("the sealing key of the incoming board is another one");
        return -EINVAL;
    }
    return 0;
}

static const VMStateDescription vmstate_hypsec_boot = {
    .name = "hypsec-boot",
    .version_id = 2,
    .minimum_version_id = 2,
    .pre_load = boot_pre_load,
    .post_load = boot_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT64_EQUAL(carveout_base, HypsecVirtMachineState,
                             "RAM size or el2-mem differ"),
        VMSTATE_UINT64_EQUAL(carveout_size, HypsecVirtMachineState,
                             "el2-mem differs"),
        VMSTATE_UINT32_EQUAL(on_violation, HypsecVirtMachineState,
                             "on-violation differs"),
        VMSTATE_UINT32_EQUAL(nr_smmus, HypsecVirtMachineState,
                             "smmu differs"),
        VMSTATE_UINT64_EQUAL(nr_dma_channels, HypsecVirtMachineState,
                             "dma differs"),
        VMSTATE_UINT8_ARRAY(sealing_key, HypsecVirtMachineState,
                            HYPSEC_KEY_BYTES),
        VMSTATE_UINT8_ARRAY(trusted_key, HypsecVirtMachineState,
                            HYPSEC_KEY_BYTES),
        VMSTATE_END_OF_LIST()
    }
};

static bool boot_init_firmware(HypsecVirtMachineState *s, Error **errp)
{
    MachineState *ms = MACHINE(s);
    hwaddr end;

    if (!boot_load_firmware(s, errp)) {
        return false;
    }
    if (ms->kernel_filename) {
        if (!boot_load_kernel(s, &end, errp) ||
            (ms->initrd_filename && !boot_load_initrd(s, end, errp))) {
            return false;
        }
    }
    s->bootinfo.dtb_start = s->bootinfo.loader_start;
    boot_init_cpus(s);
    qemu_register_reset_nosnapshotload(boot_write_block, s);
    vmstate_register(NULL, 0, &vmstate_hypsec_boot, s);
    return true;
}

/* Our tree, or the user's once it has been checked. */
static bool boot_init_fdt(HypsecVirtMachineState *s, Error **errp)
{
    ERRP_GUARD();
    MachineState *ms = MACHINE(s);
    g_auto(HypsecFile) file = {};

    if (!ms->dtb) {
        return hypsec_fdt_create(s, errp);
    }
    if (!hypsec_file_read(&file, "device tree", ms->dtb, DTB_FILE_MAX_BYTES,
                          errp) ||
        !hypsec_fdt_take(s, file.data, file.size, errp)) {
        error_prepend(errp, "-dtb %s: ", ms->dtb);
        return false;
    }
    return true;
}

static void *boot_get_fdt(const struct arm_boot_info *info, int *size)
{
    const HypsecVirtMachineState *s =
        container_of(info, HypsecVirtMachineState, bootinfo);

    *size = s->fdt_size;
    return MACHINE(s)->fdt;
}

static bool boot_load_fdt(HypsecVirtMachineState *s, Error **errp)
{
    struct arm_boot_info *info = &s->bootinfo;
    int size;

    /* The user's tree has been taken: no second look at the file. */
    info->dtb_filename = NULL;

    /* An ELF kernel at the base of RAM leaves no place for the tree. */
    if (!info->dtb_start) {
        warn_report("no device tree is loaded: the kernel lies at the base "
                    "of RAM");
        return true;
    }
    size = arm_load_dtb(info->dtb_start, info, info->dtb_limit,
                        &address_space_memory, MACHINE(s),
                        ARM_CPU(first_cpu));
    if (size < 0 || info->dtb_start + size > info->loader_start +
                                             info->ram_size) {
        error_setg(errp, "could not load the device tree");
        return false;
    }
    if (size == 0) {
        warn_report("no device tree is loaded: no room below the kernel");
    }
    trace_hypsec_boot_dtb(info->dtb_start, size);
    return true;
}

bool hypsec_boot_init(HypsecVirtMachineState *s, Error **errp)
{
    MachineState *ms = MACHINE(s);
    struct arm_boot_info *info = &s->bootinfo;

    if (!boot_init_fdt(s, errp)) {
        return false;
    }
    info->ram_size = ms->ram_size;
    info->loader_start = hypsec_virt_memmap[HYPSEC_VIRT_MEM].base;
    info->board_id = -1;
    info->psci_conduit = QEMU_PSCI_CONDUIT_SMC;
    info->get_dtb = boot_get_fdt;
    info->modify_dtb = hypsec_fdt_add_hand_off;
    info->skip_dtb_autoload = true;

    if (s->firmware) {
        if (!boot_init_firmware(s, errp)) {
            return false;
        }
    } else {
        if (!boot_check_direct_images(s, errp)) {
            return false;
        }
        arm_load_kernel(ARM_CPU(first_cpu), ms, info);
    }
    return boot_load_fdt(s, errp);
}

static bool boot_check_ram(HypsecVirtMachineState *s, Error **errp)
{
    MachineState *ms = MACHINE(s);
    g_autofree char *size = size_to_str(ms->ram_size);

    if (ms->ram_size < RAM_MIN_BYTES || ms->ram_size > RAM_MAX_BYTES) {
        error_setg(errp, "%s of RAM: this machine has 256 MiB to 64 GiB",
                   size);
        return false;
    }
    if (!QEMU_IS_ALIGNED(ms->ram_size, HYPSEC_VIRT_BLOCK)) {
        error_setg(errp, "%" PRIu64 " bytes of RAM: not a multiple of 2 MiB",
                   ms->ram_size);
        return false;
    }
    if (ms->ram_slots || ms->maxram_size != ms->ram_size) {
        error_setg(errp, "this machine has no memory hotplug: remove 'slots' "
                   "and 'maxmem' from -m");
        return false;
    }
    return true;
}

/* Decides whether there is firmware, and refuses what then has no meaning. */
static bool boot_check_firmware(HypsecVirtMachineState *s, Error **errp)
{
    const char *bios = MACHINE(s)->firmware;
    bool drive = pflash_cfi01_get_blk(s->flash[0]) != NULL;
    const char *needs = s->el2_mem ? "el2-mem" :
                        s->has_on_violation ? "on-violation" :
                        s->sealing_key_id ? "sealing-key" :
                        s->trusted_key_id ? "trusted-key" : NULL;
    g_autofree char *path = NULL;

    s->firmware = bios || drive;
    if (bios && drive) {
        error_setg(errp, "the first flash has its contents from -bios or "
                   "from a drive (pflash0), not from both");
        return false;
    }
    if (!s->firmware && needs) {
        error_setg(errp, "'%s' is for EL2 firmware: it needs -bios", needs);
        return false;
    }
    if (!bios) {
        return true;
    }
    path = qemu_find_file(QEMU_FILE_TYPE_BIOS, bios);
    return hypsec_file_check("firmware", path ?: bios,
                             hypsec_virt_memmap[HYPSEC_VIRT_FLASH0].size,
                             errp);
}

static bool boot_check_carveout(HypsecVirtMachineState *s, Error **errp)
{
    uint64_t ram = MACHINE(s)->ram_size;
    uint64_t size = s->el2_mem ?: ROUND_UP(16 * MiB + ram / 128,
                                           HYPSEC_VIRT_BLOCK);

    if (size < EL2_MEM_MIN_BYTES || !QEMU_IS_ALIGNED(size, HYPSEC_VIRT_BLOCK)) {
        error_setg(errp, "el2-mem must be a multiple of 2 MiB");
        return false;
    }
    if (size > ram - HOST_MIN_BYTES) {
        error_setg(errp, "el2-mem leaves less than 128 MiB of RAM to the "
                   "host");
        return false;
    }
    s->carveout_size = size;
    s->carveout_base = hypsec_virt_memmap[HYPSEC_VIRT_MEM].base + ram - size;
    return true;
}

static bool boot_check_key(const char *what, const char *id, uint8_t *key,
                           Error **errp)
{
    ERRP_GUARD();
    g_autofree uint8_t *data = NULL;
    size_t size;

    if (qcrypto_secret_lookup(id, &data, &size, errp) < 0) {
        error_prepend(errp, "%s: ", what);
        return false;
    }
    if (size != HYPSEC_KEY_BYTES) {
        error_setg(errp, "%s: secret '%s' has %zu bytes, not %d", what, id,
                   size, HYPSEC_KEY_BYTES);
        return false;
    }
    /* A truncated file, or none: everybody knows that secret. */
    if (buffer_is_zero(data, size)) {
        error_setg(errp, "%s: secret '%s' is all zero", what, id);
        return false;
    }
    memcpy(key, data, size);
    return true;
}

static bool boot_check_keys(HypsecVirtMachineState *s, Error **errp)
{
    if (!s->sealing_key_id) {
        qemu_guest_getrandom_nofail(s->sealing_key, sizeof(s->sealing_key));
    } else if (!boot_check_key("sealing-key", s->sealing_key_id,
                               s->sealing_key, errp)) {
        return false;
    }
    return !s->trusted_key_id ||
           boot_check_key("trusted-key", s->trusted_key_id, s->trusted_key,
                          errp);
}

bool hypsec_boot_check(HypsecVirtMachineState *s, Error **errp)
{
    s->nr_smmus = s->smmu ? HYPSEC_VIRT_NUM_SMMUS : 0;
    s->nr_dma_channels = s->dma ? HYPSEC_DMA_CHANNELS : 0;
    if (!boot_check_ram(s, errp) || !boot_check_firmware(s, errp)) {
        return false;
    }
    return !s->firmware ||
           (boot_check_carveout(s, errp) && boot_check_keys(s, errp));
}
