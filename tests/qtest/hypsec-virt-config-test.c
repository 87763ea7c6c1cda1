/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qtests of what the hypsec-virt machine refuses to start with: each bad
 * configuration gets one error message and exit status 1.
 */
#include "qemu/osdep.h"
#include <libfdt.h>
#include <sys/wait.h>
#include "qemu/bswap.h"
#include "qemu/units.h"
#include "elf.h"
#include "hypsec-test.h"

/* Ends a QEMU that has started although it should not have. */
static const char quit_commands[] =
    "{'execute': 'qmp_capabilities'}\n{'execute': 'quit'}\n";

/*
 * A configuration; @firmware, @kernel and @other (a file that @args has
 * a %s for) name files made by make_files().
 */
typedef struct BadConfig {
    const char *name;
    const char *args;
    const char *firmware;
    const char *kernel;
    const char *other;
    const char *message;
} BadConfig;

static const BadConfig configs[] = {
    { "cpu/32-bit", "-cpu cortex-a15", NULL, NULL, NULL,
      "Invalid CPU model: cortex-a15" },
    { "cpu/other-model", "-cpu neoverse-v1", NULL, NULL, NULL,
      "Invalid CPU model: neoverse-v1" },
    { "cpu/no-such-model", "-cpu nonsense", NULL, NULL, NULL,
      "unable to find CPU model 'nonsense'" },
    { "cpu/without-el2", "-cpu cortex-a72,has_el2=off", NULL, NULL, NULL,
      "needs a CPU with EL2" },
    { "cpu/max-without-el2", "-cpu max,has_el2=off", NULL, NULL, NULL,
      "needs a CPU with EL2" },
    { "smp/nine", "-smp 9", NULL, NULL, NULL, "Invalid SMP CPUs 9" },
    { "smp/none", "-smp 0", NULL, NULL, NULL,
      "CPU topology parameters must be greater than zero" },
    { "smp/threads", "-smp 4,threads=2", NULL, NULL, NULL,
      "without threads or hotplug" },
    { "smp/sockets", "-smp 4,sockets=2", NULL, NULL, NULL,
      "cores of one socket" },
    { "smp/hotplug", "-smp 2,maxcpus=4", NULL, NULL, NULL,
      "without threads or hotplug" },
    { "ram/too-small", "-m 254M", NULL, NULL, NULL, "256 MiB to 64 GiB" },
    { "ram/too-large", "-m 65538M", NULL, NULL, NULL, "256 MiB to 64 GiB" },
    { "ram/odd-size", "-m 257M", NULL, NULL, NULL,
      "not a multiple of 2 MiB" },
    { "ram/hotplug", "-m 1G,slots=2,maxmem=4G", NULL, NULL, NULL,
      "no memory hotplug" },
    { "ram/maxmem", "-m 1G,maxmem=4G", NULL, NULL, NULL,
      "no memory hotplug" },
    { "ram/numa", "-numa node", NULL, NULL, NULL, "NUMA is not supported" },
    { "accel/unavailable", "-accel kvm", NULL, NULL, NULL, "accelerator" },
    { "option/gic-version", "-M gic-version=4", NULL, NULL, NULL,
      "Invalid gic-version value" },
    { "option/gic-version-max", "-M gic-version=max", NULL, NULL, NULL,
      "Invalid gic-version value" },
    { "option/on-violation", "-M on-violation=ignore", "loop", NULL, NULL,
      "Invalid on-violation value" },
    { "option/virtio-mmio", "-M virtio-mmio=maybe", NULL, NULL, NULL,
      "Parameter 'virtio-mmio' expects 'on' or 'off'" },
    { "option/unknown", "-M secure=on", NULL, NULL, NULL,
      "Property 'hypsec-virt-machine.secure' not found" },
    { "el2-mem/zero", "-M el2-mem=0", "loop", NULL, NULL,
      "Invalid el2-mem value" },
    { "el2-mem/odd-size", "-M el2-mem=3M", "loop", NULL, NULL,
      "Invalid el2-mem value" },
    { "el2-mem/not-a-size", "-M el2-mem=lots", "loop", NULL, NULL,
      "el2-mem" },
    { "el2-mem/all-ram", "-M el2-mem=1G", "loop", NULL, NULL,
      "less than 128 MiB" },
    { "el2-mem/nearly-all-ram", "-M el2-mem=900M", "loop", NULL, NULL,
      "less than 128 MiB" },
    { "el2-mem/more-than-ram", "-M el2-mem=8E", "loop", NULL, NULL,
      "less than 128 MiB" },
    { "el2-mem/without-firmware", "-M el2-mem=32M", NULL, NULL, NULL,
      "'el2-mem' is for EL2 firmware" },
    { "on-violation/without-firmware", "-M on-violation=halt", NULL, NULL,
      NULL, "'on-violation' is for EL2 firmware" },
    { "sealing-key/without-firmware",
      "-object secret,id=k,data=x -M sealing-key=k", NULL, NULL, NULL,
      "'sealing-key' is for EL2 firmware" },
    { "trusted-key/without-firmware",
      "-object secret,id=k,data=x -M trusted-key=k", NULL, NULL, NULL,
      "'trusted-key' is for EL2 firmware" },
    { "sealing-key/no-such-secret", "-M sealing-key=k", "loop", NULL, NULL,
      "sealing-key: No secret with id 'k'" },
    { "sealing-key/wrong-size",
      "-object secret,id=k,data=abc -M sealing-key=k", "loop", NULL, NULL,
      "sealing-key: secret 'k' has 3 bytes, not 32" },
    { "trusted-key/wrong-size",
      "-object secret,id=k,data=abc -M trusted-key=k", "loop", NULL, NULL,
      "trusted-key: secret 'k' has 3 bytes, not 32" },
    { "sealing-key/all-zero",
      "-object secret,id=k,format=base64,"
      "data=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= "
      "-M sealing-key=k", "loop", NULL, NULL,
      "sealing-key: secret 'k' is all zero" },
    { "trusted-key/all-zero",
      "-object secret,id=k,format=base64,"
      "data=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= "
      "-M trusted-key=k", "loop", NULL, NULL,
      "trusted-key: secret 'k' is all zero" },
    { "firmware/missing", "", "missing", NULL, NULL,
      "could not load firmware" },
    { "firmware/empty", "", "empty", NULL, NULL, "is empty" },
    { "firmware/folder", "", ".", NULL, NULL, "is not a regular file" },
    { "firmware/too-large", "", "65M", NULL, NULL, "is too large" },
    { "firmware/and-flash-drive",
      "-drive if=pflash,format=raw,file=%s", "loop", NULL, "64M",
      "not from both" },
    { "kernel/missing", "", NULL, "missing", NULL, "could not load kernel" },
    { "kernel/empty", "", NULL, "empty", NULL, "is empty" },
    { "kernel/too-large-for-ram", "-m 256M", NULL, "huge-image", NULL,
      "does not fit into RAM" },
    { "kernel/offset-beyond-ram", "", NULL, "far-image", NULL,
      "does not fit into RAM" },
    { "kernel/odd-offset", "", NULL, "odd-image", NULL, "bad header" },
    { "kernel/broken-gzip", "", NULL, "broken-gzip", NULL,
      "could not decompress" },
    { "kernel/elf-of-another-machine", "", NULL, "x86-elf", NULL,
      "another machine" },
    { "kernel/elf-outside-ram", "", NULL, "far-elf", NULL,
      "does not fit into RAM" },
    { "kernel/elf-endless-segment", "", NULL, "endless-elf", NULL,
      "does not fit into RAM" },
    { "kernel/elf-truncated", "", NULL, "short-elf", NULL,
      "broken ELF file" },
    { "host/kernel-missing", "", "loop", "missing", NULL,
      "could not load kernel" },
    { "host/kernel-empty", "", "loop", "empty", NULL, "is empty" },
    { "host/kernel-folder", "", "loop", ".", NULL, "not a regular file" },
    { "host/kernel-not-an-image", "", "loop", "64M", NULL,
      "is not an arm64 Image" },
    { "host/kernel-tiny", "", "loop", "loop", NULL,
      "is not an arm64 Image" },
    { "host/kernel-elf", "", "loop", "far-elf", NULL,
      "is not an arm64 Image" },
    { "host/kernel-too-large-for-ram", "-m 256M", "loop", "huge-image", NULL,
      "does not fit into RAM" },
    { "host/kernel-in-carveout", "-m 256M -M el2-mem=128M", "loop",
      "128M-image", NULL, "does not fit into RAM" },
    { "host/kernel-endless", "", "loop", "endless-image", NULL,
      "does not fit into RAM" },
    { "host/kernel-offset-beyond-ram", "", "loop", "far-image", NULL,
      "does not fit into RAM" },
    { "host/kernel-odd-offset", "", "loop", "odd-image", NULL,
      "bad header" },
    { "host/kernel-broken-gzip", "", "loop", "broken-gzip", NULL,
      "could not decompress" },
    { "initrd/missing", "-initrd %s", NULL, "image", "missing",
      "could not load initrd" },
    { "initrd/empty", "-initrd %s", NULL, "image", "empty", "is empty" },
    { "initrd/without-kernel", "-initrd %s", NULL, NULL, "loop",
      "-initrd only allowed with -kernel" },
    { "initrd/append-without-kernel", "-append x", "loop", NULL, NULL,
      "-append only allowed with -kernel" },
    { "host/initrd-missing", "-initrd %s", "loop", "image", "missing",
      "could not load initrd" },
    { "host/initrd-empty", "-initrd %s", "loop", "image", "empty",
      "is empty" },
    { "host/initrd-too-large", "-m 256M -M el2-mem=128M -initrd %s", "loop",
      "96M-image", "64M", "is too large" },
    { "host/initrd-no-room", "-m 256M -M el2-mem=128M -initrd %s", "loop",
      "126M-image", "loop", "is too large" },
    { "dtb/missing", "-dtb %s", NULL, NULL, "missing",
      "could not load device tree" },
    { "dtb/empty", "-dtb %s", NULL, NULL, "empty", "is empty" },
    { "dtb/not-a-tree", "-dtb %s", NULL, NULL, "loop", "bad device tree" },
    { "dtb/truncated", "-dtb %s", "loop", NULL, "short-dtb",
      "bad device tree" },
    { "dtb/broken-structure", "-dtb %s", "loop", NULL, "broken-dtb",
      "bad device tree" },
    { "dtb/one-cell", "-dtb %s", "loop", NULL, "one-cell-dtb",
      "#address-cells and #size-cells of 2" },
    { "dtb/too-large", "-dtb %s", "loop", NULL, "64M", "is too large" },
    { "dtb/bigger-than-its-place", "-dtb %s", "loop", NULL, "3M-dtb",
      "more than the" },
    { "smmu/virtio-mmio", "-M virtio-mmio=on", NULL, NULL, NULL,
      "remove virtio-mmio=on or add smmu=off" },
    { "smmu/not-a-bool", "-M smmu=2", NULL, NULL, NULL,
      "Parameter 'smmu' expects 'on' or 'off'" },
    { "smmu/virtio-blk-past-it",
      "-blockdev null-co,node-name=d "
      "-device virtio-blk-pci,drive=d,iommu_platform=off", NULL, NULL, NULL,
      "DMA of this virtio-blk-device would go past the SMMU" },
    { "smmu/virtio-net-past-it", "-device virtio-net-pci,iommu_platform=off",
      NULL, NULL, NULL,
      "DMA of this virtio-net-device would go past the SMMU" },
    { "smmu/virtio-rng-past-it", "-device virtio-rng-pci,iommu_platform=off",
      NULL, NULL, NULL,
      "DMA of this virtio-rng-device would go past the SMMU" },
    { "smmu/virtio-scsi-past-it", "-device virtio-scsi-pci,iommu_platform=off",
      NULL, NULL, NULL,
      "DMA of this virtio-scsi-device would go past the SMMU" },
    { "smmu/virtio-serial-past-it",
      "-device virtio-serial-pci,iommu_platform=off", NULL, NULL, NULL,
      "DMA of this virtio-serial-device would go past the SMMU" },
    { "smmu/virtio-past-it-by-global",
      "-global virtio-pci.iommu_platform=off -device virtio-rng-pci",
      NULL, NULL, NULL, "would go past the SMMU" },
    { "smmu/virtio-blk-iothread",
      "-blockdev null-co,node-name=d -object iothread,id=t "
      "-device virtio-blk-pci,drive=d,iothread=t", NULL, NULL, NULL,
      "which iothreads cannot: remove its iothread" },
    { "smmu/virtio-blk-iothreads",
      "-blockdev null-co,node-name=d -object iothread,id=t -device "
      "'{\"driver\": \"virtio-blk-pci\", \"drive\": \"d\", "
      "\"iothread-vq-mapping\": [{\"iothread\": \"t\"}]}'",
      NULL, NULL, NULL, "which iothreads cannot: remove its iothread" },
    { "smmu/virtio-scsi-iothread",
      "-object iothread,id=t -device virtio-scsi-pci,iothread=t",
      NULL, NULL, NULL, "which iothreads cannot: remove its iothread" },
    { "smmu/virtio-balloon", "-device virtio-balloon-pci", NULL, NULL, NULL,
      "virtio-balloon-device may work past the SMMU" },
    { "smmu/virtio-transitional", "-device virtio-rng-pci-transitional",
      NULL, NULL, NULL, "IOMMU_PLATFORM" },
    { "smmu/virtio-legacy", "-device virtio-rng-pci,disable-legacy=off",
      NULL, NULL, NULL, "IOMMU_PLATFORM" },
    { "smmu/vmcoreinfo", "-device vmcoreinfo", NULL, NULL, NULL,
      "requires fw_cfg with DMA" },
    { "smmu/ramfb", "-device ramfb", NULL, NULL, NULL,
      "expects a dynamic sysbus device type" },
    { "device/memory-hotplug",
      "-object memory-backend-ram,id=m,size=2M -device pc-dimm,memdev=m",
      NULL, NULL, NULL, "pc-dimm" },
};

static void make_sized_file(const char *name, uint64_t size)
{
    const char *path = hypsec_tmp_file(name, "\1", 1);

    g_assert_cmpint(truncate(path, size), ==, 0);
}

static void make_elf(const char *name, uint16_t machine, uint64_t paddr,
                     uint64_t memsz, size_t file_bytes)
{
    struct {
        Elf64_Ehdr eh;
        Elf64_Phdr ph;
    } elf = {
        .eh = {
            .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1 },
            .e_type = cpu_to_le16(ET_EXEC),
            .e_machine = cpu_to_le16(machine),
            .e_version = cpu_to_le32(1),
            .e_entry = cpu_to_le64(paddr),
            .e_phoff = cpu_to_le64(sizeof(Elf64_Ehdr)),
            .e_ehsize = cpu_to_le16(sizeof(Elf64_Ehdr)),
            .e_phentsize = cpu_to_le16(sizeof(Elf64_Phdr)),
            .e_phnum = cpu_to_le16(1),
        },
        .ph = {
            .p_type = cpu_to_le32(PT_LOAD),
            .p_paddr = cpu_to_le64(paddr),
            .p_vaddr = cpu_to_le64(paddr),
            .p_filesz = cpu_to_le64(sizeof(Elf64_Ehdr)),
            .p_memsz = cpu_to_le64(memsz),
        },
    };

    hypsec_tmp_file(name, &elf, file_bytes);
}

static void make_trees(void)
{
    g_autofree uint8_t *fdt = g_malloc0(3 * MiB);
    uint32_t size;

    g_assert_cmpint(fdt_create_empty_tree(fdt, 4096), ==, 0);
    fdt_setprop_u32(fdt, 0, "#address-cells", 1);
    fdt_setprop_u32(fdt, 0, "#size-cells", 1);
    size = fdt_totalsize(fdt);
    hypsec_tmp_file("one-cell-dtb", fdt, size);
    fdt_setprop_u32(fdt, 0, "#address-cells", 2);
    fdt_setprop_u32(fdt, 0, "#size-cells", 2);
    hypsec_tmp_file("short-dtb", fdt, size / 2);

    /* A property whose length leads out of the file. */
    stl_be_p(fdt + fdt_off_dt_struct(fdt) + 12, 0x7fffffff);
    hypsec_tmp_file("broken-dtb", fdt, size);

    g_assert_cmpint(fdt_create_empty_tree(fdt, 3 * MiB), ==, 0);
    fdt_setprop_u32(fdt, 0, "#address-cells", 2);
    fdt_setprop_u32(fdt, 0, "#size-cells", 2);
    g_assert_cmpint(fdt_setprop(fdt, 0, "big", fdt, 2 * MiB), ==, 0);
    hypsec_tmp_file("3M-dtb", fdt, 3 * MiB);
}

static void make_files(void)
{
    uint32_t loop = cpu_to_le32(INSN_LOOP);

    hypsec_tmp_file("loop", &loop, sizeof(loop));
    hypsec_tmp_file("empty", "", 0);
    hypsec_tmp_file("broken-gzip", "\x1f\x8b\x08\0\0\0\0\0\0\0nonsense", 18);
    make_sized_file("64M", 64 * MiB);
    make_sized_file("65M", 65 * MiB);
    hypsec_image("image", 0, 64 * KiB, NULL, 0);
    hypsec_image("huge-image", 0, 300 * MiB, NULL, 0);
    hypsec_image("96M-image", 0, 96 * MiB, NULL, 0);
    hypsec_image("126M-image", 0, 126 * MiB, NULL, 0);
    hypsec_image("128M-image", 0, 128 * MiB, NULL, 0);
    hypsec_image("endless-image", 4096, UINT64_MAX - 4095, NULL, 0);
    hypsec_image("far-image", UINT64_MAX - 4095, 64 * KiB, NULL, 0);
    hypsec_image("odd-image", 3, 64 * KiB, NULL, 0);
    make_elf("x86-elf", EM_X86_64, RAM_BASE, 4096, sizeof(Elf64_Ehdr) +
             sizeof(Elf64_Phdr));
    make_elf("far-elf", EM_AARCH64, RAM_BASE + 2 * GiB, 4096,
             sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr));
    make_elf("endless-elf", EM_AARCH64, RAM_BASE, UINT64_MAX - 4096,
             sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr));
    make_elf("short-elf", EM_AARCH64, RAM_BASE, 4096, sizeof(Elf64_Ehdr) + 8);
    make_trees();
}

/* The option for a file of make_files(), which may not exist. */
static char *file_option(const char *option, const char *name)
{
    g_autofree char *path = NULL;

    if (!name) {
        return g_strdup("");
    }
    path = hypsec_tmp_path(name);
    return g_strdup_printf("%s %s", option, path);
}

/* Runs a QEMU that ends at once; @err is what it says. Returns its status. */
static int run_qemu(const char *args, char **err)
{
    const char *accel = strstr(args, "-accel") ? "" : "-accel qtest";
    g_autofree char *script = NULL;
    char *argv[] = { (char *)"/bin/sh", (char *)"-c", NULL, NULL };
    int status;

    script = g_strdup_printf("exec %s -M hypsec-virt -display none "
                             "-serial none -S -qmp stdio %s %s < %s",
                             getenv("QTEST_QEMU_BINARY"), accel, args,
                             hypsec_tmp_file("quit", quit_commands,
                                             strlen(quit_commands)));
    argv[2] = script;
    g_assert_true(g_spawn_sync(NULL, argv, NULL, G_SPAWN_STDOUT_TO_DEV_NULL,
                               NULL, NULL, NULL, err, &status, NULL));
    g_test_message("%s: %s", script, *err);
    g_assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* Runs QEMU with @config; it must end with status 1 and the message. */
static void test_bad_config(const void *data)
{
    const BadConfig *config = data;
    g_autofree char *firmware = file_option("-bios", config->firmware);
    g_autofree char *kernel = file_option("-kernel", config->kernel);
    g_autofree char *other = hypsec_tmp_path(config->other ?: "");
    g_auto(GStrv) parts = g_strsplit(config->args, "%s", -1);
    g_autofree char *args = g_strjoinv(other, parts);
    g_autofree char *all = g_strjoin(" ", firmware, kernel, args, NULL);
    g_autofree char *err = NULL;

    g_assert_cmpint(run_qemu(all, &err), ==, 1);
    g_assert_nonnull(strstr(err, config->message));
}

/* A board without SMMUs says so, once; all that it refuses else works then. */
static void test_smmu_off(void)
{
    static const char warning[] = "smmu=off: DMA is not confined";
    g_autofree char *on = NULL;
    g_autofree char *off = NULL;
    const char *at;

    g_assert_cmpint(run_qemu("-M dma=on", &on), ==, 0);
    g_assert_cmpstr(on, ==, "");
    g_assert_cmpint(run_qemu("-M smmu=off,virtio-mmio=on,dma=on "
                             "-device virtio-balloon-pci "
                             "-object iothread,id=t "
                             "-device virtio-scsi-pci,iothread=t "
                             "-device virtio-rng-device "
                             "-device virtio-rng-pci,iommu_platform=off "
                             "-device virtio-rng-pci-transitional,"
                             "iommu_platform=off", &off), ==, 0);
    at = strstr(off, warning);
    g_assert_nonnull(at);
    g_assert_null(strstr(at + 1, warning));
}

/* What a bad configuration differs from does start. */
static void test_good_config(void)
{
    g_autofree char *firmware = file_option("-bios", "loop");
    g_autofree char *kernel = file_option("-kernel", "image");
    g_autofree char *initrd = file_option("-initrd", "loop");
    QTestState *qts = qtest_initf("-M hypsec-virt,el2-mem=128M -m 256M "
                                  "-smp 8 %s %s %s", firmware, kernel,
                                  initrd);

    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    make_files();
    for (int i = 0; i < ARRAY_SIZE(configs); i++) {
        g_autofree char *path =
            g_strdup_printf("hypsec-virt-config/bad/%s", configs[i].name);

        qtest_add_data_func(path, &configs[i], test_bad_config);
    }
    qtest_add_func("hypsec-virt-config/good", test_good_config);
    qtest_add_func("hypsec-virt-config/smmu-off", test_smmu_off);
    return hypsec_test_run();
}
