/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qtests of the hypsec-virt machine: what is where, what the hand-off says,
 * and that reset, snapshots and migration keep it so. The page that each
 * test cites by section is docs/system/arm/hypsec-virt.rst.
 */
#include "qemu/osdep.h"
#include <libfdt.h>
#include "qemu/bitops.h"
#include "qemu/bswap.h"
#include "qobject/qdict.h"
#include "qobject/qlist.h"
#include "hypsec/boot_block.h"
#include "hypsec/dma.h"
#include "hypsec/inspect.h"
#include "hypsec-test.h"

/* A board of 1 GiB has 24 MiB of carve-out. */
#define CARVEOUT_SIZE (24 * MiB)
#define CARVEOUT_BASE (RAM_BASE + 1 * GiB - CARVEOUT_SIZE)

#define PAGE_BYTES 4096
#define BLOCK_BYTES (2 * MiB)
#define FDT_MAX_BYTES (2 * MiB)

#define GPIO_BASE 0x09030000
#define GPIO_DIR 0x400
#define PVPANIC_BASE 0x0b000000
#define VIRTIO_MMIO_BASE 0x0a000000
#define VIRTIO_MMIO_MAGIC 0x74726976

static QTestState *start_firmware(const char *args)
{
    return qtest_initf("-M hypsec-virt -bios %s %s", hypsec_firmware(), args);
}

static struct hypsec_boot_block read_boot_block(QTestState *qts, uint64_t pa)
{
    struct hypsec_boot_block b;

    qtest_memread(qts, pa, &b, sizeof(b));
    return b;
}

/* The tree at @pa, checked; to be freed. */
static void *read_fdt(QTestState *qts, uint64_t pa)
{
    struct fdt_header header;
    uint32_t size;
    void *fdt;

    qtest_memread(qts, pa, &header, sizeof(header));
    g_assert_cmphex(fdt_magic(&header), ==, FDT_MAGIC);
    size = fdt_totalsize(&header);
    g_assert_cmpuint(size, <=, FDT_MAX_BYTES);
    fdt = g_malloc(size);
    qtest_memread(qts, pa, fdt, size);
    g_assert_cmpint(fdt_check_full(fdt, size), ==, 0);
    return fdt;
}

/* Starts a board with @args and returns its tree at the base of RAM. */
static void *start_and_read_fdt(const char *args)
{
    QTestState *qts = qtest_initf("-M hypsec-virt %s", args);
    void *fdt = read_fdt(qts, RAM_BASE);

    qtest_quit(qts);
    return fdt;
}

static void *start_firmware_and_read_fdt(const char *args)
{
    g_autofree char *all = g_strdup_printf("-bios %s %s", hypsec_firmware(),
                                           args);

    return start_and_read_fdt(all);
}

static int find_node(const void *fdt, const char *path)
{
    int node = fdt_path_offset(fdt, path);

    if (node < 0) {
        g_test_message("no node %s", path);
    }
    g_assert_cmpint(node, >=, 0);
    return node;
}

static const char *get_str(const void *fdt, const char *path,
                           const char *name)
{
    return fdt_getprop(fdt, find_node(fdt, path), name, NULL);
}

/* The @i-th 64-bit number of a property, which must have it. */
static uint64_t get_u64(const void *fdt, const char *path, const char *name,
                        int i)
{
    int len;
    const uint8_t *data = fdt_getprop(fdt, find_node(fdt, path), name, &len);

    g_assert_nonnull(data);
    g_assert_cmpint(len, >=, (i + 1) * 8);
    return ldq_be_p(data + i * 8);
}

static void assert_no_prop(const void *fdt, const char *path,
                           const char *name)
{
    g_assert_null(fdt_getprop(fdt, find_node(fdt, path), name, NULL));
}

/* Each device answers at its address: section "Memory map". */
static void test_map_devices(void)
{
    static const struct {
        const char *name;
        uint64_t addr;
        uint32_t value;
    } regs[] = {
        { "GICD_IIDR", 0x08000008, 0x0000043b },
        { "GICC_IIDR", 0x080100fc, 0x0002043b },
        { "GICv2m MSI_TYPER", 0x08020008, 80 << 16 | 64 },
        { "GICH_VTR", 0x08030004, 0x90000003 },
        { "UART0 PeriphID0", 0x09000fe0, 0x11 },
        { "UART1 PeriphID0", 0x09040fe0, 0x11 },
        { "RTC PeriphID0", 0x09010fe0, 0x31 },
        { "GPIO PeriphID0", 0x09030fe0, 0x61 },
        { "SMMU0 IDR1", 0x09050024, 0x20008008 },
        { "SMMU0 bank 7 ACTLR", 0x0905f004, 0x00000003 },
        { "SMMU1 IDR1", 0x09060024, 0x20008008 },
        { "SMMU1 bank 7 ACTLR", 0x0906f004, 0x00000003 },
        { "DMA channel 0 ID", 0x0b010000, HYPSEC_DMA_ID_VALUE },
        { "DMA channel 7 STREAM", 0x0b01702c, 0x17 },
        { "PCI 00:00.0 id", 0x3f000000, 0x00081b36 },
    };
    QTestState *qts = qtest_init("-M hypsec-virt,dma=on");

    for (int i = 0; i < ARRAY_SIZE(regs); i++) {
        g_test_message("%s", regs[i].name);
        g_assert_cmphex(qtest_readl(qts, regs[i].addr), ==, regs[i].value);
    }
    qtest_quit(qts);
}

/* With GICv3 there are redistributors and no CPU interface in memory. */
static void test_map_gicv3(void)
{
    QTestState *qts = qtest_init("-M hypsec-virt,gic-version=3 -smp 8");

    /* GICD_PIDR2 and GICR_PIDR2 say version 3; CPU 7 is the last. */
    g_assert_cmphex(qtest_readl(qts, 0x0800ffe8) & 0xf0, ==, 0x30);
    g_assert_cmphex(qtest_readl(qts, 0x080affe8) & 0xf0, ==, 0x30);
    g_assert_cmphex(qtest_readq(qts, 0x080a0008) & BIT(4), ==, 0);
    g_assert_cmphex(qtest_readq(qts, 0x080a0008 + 7 * 0x20000) & BIT(4), ==,
                    BIT(4));
    g_assert_cmphex(qtest_readl(qts, 0x080100fc), ==, 0);
    g_assert_cmphex(qtest_readl(qts, 0x08020008), ==, 80 << 16 | 64);
    /* No LPIs, whose tables would be read and written past the SMMUs. */
    g_assert_cmphex(qtest_readl(qts, 0x080a0008) & BIT(0), ==, 0);
    qtest_writel(qts, 0x080a0000, BIT(0));
    g_assert_cmphex(qtest_readl(qts, 0x080a0000) & BIT(0), ==, 0);
    qtest_quit(qts);
}

/* SMMUs are there unless the option says otherwise, DMA channels if it does. */
static void test_map_options(void)
{
    QTestState *qts = qtest_init("-M hypsec-virt");

    g_assert_cmphex(qtest_readl(qts, 0x0b010000), ==, 0);
    qtest_quit(qts);

    qts = qtest_init("-M hypsec-virt,smmu=off");
    g_assert_cmphex(qtest_readl(qts, 0x09050024), ==, 0);
    g_assert_cmphex(qtest_readl(qts, 0x09060024), ==, 0);
    qtest_quit(qts);
}

/* RAM starts at 0x40000000 and ends where -m says. */
static void test_map_ram(void)
{
    QTestState *qts = qtest_init("-M hypsec-virt -m 256M");
    uint64_t end = RAM_BASE + 256 * MiB;

    qtest_writeq(qts, RAM_BASE, 0x1122334455667788);
    qtest_writeq(qts, end - 8, 0x8877665544332211);
    qtest_writeq(qts, end, 0x5a5a5a5a5a5a5a5a);
    g_assert_cmphex(qtest_readq(qts, RAM_BASE), ==, 0x1122334455667788);
    g_assert_cmphex(qtest_readq(qts, end - 8), ==, 0x8877665544332211);
    g_assert_cmphex(qtest_readq(qts, end), ==, 0);
    qtest_quit(qts);
}

/* A board of 64 GiB starts whatever the host has, and has that RAM. */
static void test_map_ram_64g(void)
{
    QTestState *qts = start_firmware("-m 64G -smp 8");
    uint64_t base = RAM_BASE + 64 * GiB - 528 * MiB;

    g_assert_cmphex(read_boot_block(qts, base).magic, ==,
                    cpu_to_le64(HYPSEC_BOOT_BLOCK_MAGIC));
    g_assert_cmphex(read_boot_block(qts, base).carveout_size, ==,
                    cpu_to_le64(528 * MiB));
    qtest_quit(qts);
}

/* virtio-mmio is there by option only. */
static void test_map_virtio_mmio(void)
{
    QTestState *qts = qtest_init("-M hypsec-virt");

    g_assert_cmphex(qtest_readl(qts, VIRTIO_MMIO_BASE), ==, 0);
    qtest_quit(qts);

    qts = qtest_init("-M hypsec-virt,virtio-mmio=on,smmu=off");
    for (int i = 0; i < 32; i++) {
        g_assert_cmphex(qtest_readl(qts, VIRTIO_MMIO_BASE + i * 0x200), ==,
                        VIRTIO_MMIO_MAGIC);
    }
    qtest_quit(qts);
}

static uint32_t read_fw_cfg(QTestState *qts, uint16_t key)
{
    uint32_t value = 0;

    qtest_writew(qts, 0x09020008, bswap16(key));
    for (int i = 0; i < 4; i++) {
        value |= qtest_readb(qts, 0x09020000) << (8 * i);
    }
    return value;
}

/* fw_cfg has the traditional interface and no DMA. */
static void test_map_fw_cfg(void)
{
    QTestState *qts = qtest_init("-M hypsec-virt -smp 3");

    g_assert_cmphex(read_fw_cfg(qts, 0), ==, 0x554d4551); /* "QEMU" */
    g_assert_cmphex(read_fw_cfg(qts, 1), ==, 0x1);
    g_assert_cmphex(read_fw_cfg(qts, 5) & 0xffff, ==, 3);
    qtest_quit(qts);
}

static bool is_pending(QTestState *qts, int spi)
{
    int intid = spi + 32;

    return qtest_readl(qts, 0x08000200 + intid / 32 * 4) & BIT(intid % 32);
}

/* Makes each device raise its interrupt and looks for it at the GIC. */
static void check_interrupts(const char *args)
{
    QTestState *qts = qtest_init(args);
    static const int spis[] = { 1, 2, 7, 8, 48, 111 };

    for (int i = 0; i < ARRAY_SIZE(spis); i++) {
        g_assert_false(is_pending(qts, spis[i]));
    }
    /* UARTs: what is sent is done, and the mask lets that through. */
    qtest_writel(qts, 0x09000038, BIT(5));
    qtest_writel(qts, 0x09000000, 'x');
    qtest_writel(qts, 0x09040038, BIT(5));
    qtest_writel(qts, 0x09040000, 'x');
    /* RTC: an alarm at the present second. */
    qtest_writel(qts, 0x09010010, 1);
    qtest_writel(qts, 0x09010004, qtest_readl(qts, 0x09010000));
    /* GPIO: the power key, by level. */
    qtest_writel(qts, GPIO_BASE + 0x404, BIT(3));
    qtest_writel(qts, GPIO_BASE + 0x40c, BIT(3));
    qtest_writel(qts, GPIO_BASE + 0x410, BIT(3));
    qtest_qmp_assert_success(qts, "{'execute': 'system_powerdown'}");
    qtest_qmp_eventwait(qts, "POWERDOWN");
    /* GICv2m: the first and the last message, by edge. */
    qtest_writel(qts, 0x08000c00 + (32 + 48) / 16 * 4, BIT(1));
    qtest_writel(qts, 0x08000c00 + (32 + 111) / 16 * 4, BIT(31));
    qtest_writel(qts, 0x08020040, 32 + 48);
    qtest_writel(qts, 0x08020040, 32 + 111);

    for (int i = 0; i < ARRAY_SIZE(spis); i++) {
        g_test_message("SPI %d", spis[i]);
        g_assert_true(is_pending(qts, spis[i]));
    }
    qtest_quit(qts);
}

/* Interrupts arrive where the map says: section "Memory map". */
static void test_interrupts_gicv2(void)
{
    check_interrupts("-M hypsec-virt");
}

/* The same with the other GIC. */
static void test_interrupts_gicv3(void)
{
    check_interrupts("-M hypsec-virt,gic-version=3");
}

/* system_powerdown presses the power key for 100 ms: section "Power". */
static void test_power_key(void)
{
    QTestState *qts = qtest_init("-M hypsec-virt");
    uint64_t key = GPIO_BASE + (BIT(3) << 2);

    g_assert_cmphex(qtest_readl(qts, key), ==, 0);
    qtest_qmp_assert_success(qts, "{'execute': 'system_powerdown'}");
    qtest_qmp_eventwait(qts, "POWERDOWN");
    g_assert_cmphex(qtest_readl(qts, key), ==, BIT(3));
    qtest_clock_step(qts, 101 * 1000 * 1000);
    g_assert_cmphex(qtest_readl(qts, key), ==, 0);
    qtest_quit(qts);
}

/* GPIO line 0 switches the board off. */
static void test_power_off_line(void)
{
    QTestState *qts = qtest_init("-M hypsec-virt -no-shutdown");

    qtest_writel(qts, GPIO_BASE + GPIO_DIR, BIT(0));
    qtest_writel(qts, GPIO_BASE + (BIT(0) << 2), BIT(0));
    qtest_qmp_eventwait(qts, "SHUTDOWN");
    qtest_quit(qts);
}

/* GPIO line 1 resets the board. */
static void test_power_reset_line(void)
{
    QTestState *qts = qtest_init("-M hypsec-virt");

    qtest_writel(qts, GPIO_BASE + GPIO_DIR, BIT(1));
    qtest_writel(qts, GPIO_BASE + (BIT(1) << 2), BIT(1));
    qtest_qmp_eventwait(qts, "RESET");
    g_assert_cmphex(qtest_readl(qts, GPIO_BASE + GPIO_DIR), ==, 0);
    qtest_quit(qts);
}

/* A write to pvpanic is an event on QMP. */
static void test_power_pvpanic(void)
{
    QTestState *qts = qtest_init("-M hypsec-virt -action panic=none");

    g_assert_cmphex(qtest_readb(qts, PVPANIC_BASE), ==, 0x3);
    qtest_writeb(qts, PVPANIC_BASE, 0x1);
    qtest_qmp_eventwait(qts, "GUEST_PANICKED");
    qtest_quit(qts);
}

/* /memory is all RAM, the carve-out included: section "Device tree". */
static void test_fdt_memory(void)
{
    g_autofree void *fdt = start_firmware_and_read_fdt("-m 2G");

    g_assert_cmphex(get_u64(fdt, "/memory@40000000", "reg", 0), ==, RAM_BASE);
    g_assert_cmphex(get_u64(fdt, "/memory@40000000", "reg", 1), ==, 2 * GiB);
}

/* With firmware the carve-out is reserved and not mapped. */
static void test_fdt_carveout(void)
{
    static const char node[] = "/reserved-memory/el2@7e800000";
    g_autofree void *fdt = start_firmware_and_read_fdt("");

    g_assert_cmphex(get_u64(fdt, node, "reg", 0), ==, CARVEOUT_BASE);
    g_assert_cmphex(get_u64(fdt, node, "reg", 1), ==, CARVEOUT_SIZE);
    g_assert_cmpstr(get_str(fdt, node, "compatible"), ==,
                    "hypsec,el2-carveout");
    g_assert_nonnull(fdt_getprop(fdt, find_node(fdt, node), "no-map", NULL));
}

/* Without firmware there is no carve-out, and RAM is as it was. */
static void test_fdt_no_carveout(void)
{
    g_autofree void *fdt = start_and_read_fdt("");
    QTestState *qts;

    g_assert_cmpint(fdt_path_offset(fdt, "/reserved-memory"), <, 0);
    assert_no_prop(fdt, "/chosen", "hypsec,kernel");

    qts = qtest_init("-M hypsec-virt");
    g_assert_cmphex(qtest_readq(qts, CARVEOUT_BASE), ==, 0);
    qtest_quit(qts);
}

static const char * const el2_only[] = {
    "/flash@0", "/pl011@9040000", "/smmu@9050000", "/smmu@9060000",
    "/pvpanic@b000000",
};

/* What belongs to EL2 is disabled in the host's tree. */
static void test_fdt_el2_only_disabled(void)
{
    g_autofree void *fdt = start_firmware_and_read_fdt("");

    for (int i = 0; i < ARRAY_SIZE(el2_only); i++) {
        g_test_message("%s", el2_only[i]);
        g_assert_cmpstr(get_str(fdt, el2_only[i], "status"), ==, "disabled");
    }
    assert_no_prop(fdt, "/aliases", "serial1");
}

/* Without firmware everything is the kernel's. */
static void test_fdt_el2_only_enabled(void)
{
    g_autofree void *fdt = start_and_read_fdt("");

    for (int i = 0; i < ARRAY_SIZE(el2_only); i++) {
        g_test_message("%s", el2_only[i]);
        assert_no_prop(fdt, el2_only[i], "status");
    }
    g_assert_cmpstr(get_str(fdt, "/aliases", "serial1"), ==,
                    "/pl011@9040000");
}

/* PSCI is called by SMC, with and without firmware. */
static void test_fdt_psci(void)
{
    g_autofree void *with = start_firmware_and_read_fdt("");
    g_autofree void *without = start_and_read_fdt("");

    g_assert_cmpstr(get_str(with, "/psci", "method"), ==, "smc");
    g_assert_cmpstr(get_str(without, "/psci", "method"), ==, "smc");
}

/* Each CPU has its node, and there is none more. */
static void test_fdt_cpus(void)
{
    g_autofree void *fdt = start_firmware_and_read_fdt("-smp 8 -cpu max");

    for (int i = 0; i < 8; i++) {
        g_autofree char *path = g_strdup_printf("/cpus/cpu@%d", i);
        const uint8_t *reg = fdt_getprop(fdt, find_node(fdt, path), "reg",
                                         NULL);

        g_assert_cmphex(ldl_be_p(reg), ==, i);
        g_assert_cmpstr(get_str(fdt, path, "enable-method"), ==, "psci");
    }
    g_assert_cmpint(fdt_path_offset(fdt, "/cpus/cpu@8"), <, 0);
}

/* The timer node has the EL2 virtual timer where the core has VHE. */
static void test_fdt_timer(void)
{
    g_autofree void *a72 = start_and_read_fdt("-cpu cortex-a72");
    g_autofree void *a76 = start_and_read_fdt("-cpu cortex-a76");
    int len;

    fdt_getprop(a72, find_node(a72, "/timer"), "interrupts", &len);
    g_assert_cmpint(len, ==, 4 * 12);
    fdt_getprop(a76, find_node(a76, "/timer"), "interrupts", &len);
    g_assert_cmpint(len, ==, 5 * 12);
}

/* The interrupt controller's node is that of the option. */
static void test_fdt_gic(void)
{
    static const char node[] = "/intc@8000000";
    g_autofree void *v2 = start_and_read_fdt("");
    g_autofree void *v3 = start_and_read_fdt("-M gic-version=3");

    g_assert_cmpstr(get_str(v2, node, "compatible"), ==,
                    "arm,cortex-a15-gic");
    g_assert_cmphex(get_u64(v2, node, "reg", 4), ==, 0x08030000);
    g_assert_cmphex(get_u64(v2, node, "reg", 6), ==, 0x08040000);
    g_assert_cmpstr(get_str(v3, node, "compatible"), ==, "arm,gic-v3");
    g_assert_cmphex(get_u64(v3, node, "reg", 2), ==, 0x080a0000);
    find_node(v3, "/intc@8000000/v2m@8020000");
}

/* Every device of the map has a node with its address. */
static void test_fdt_devices(void)
{
    static const struct {
        const char *path;
        uint64_t base;
        uint64_t size;
    } nodes[] = {
        { "/pl011@9000000", 0x09000000, 0x1000 },
        { "/pl011@9040000", 0x09040000, 0x1000 },
        { "/pl031@9010000", 0x09010000, 0x1000 },
        { "/pl061@9030000", 0x09030000, 0x1000 },
        { "/fw-cfg@9020000", 0x09020000, 0x18 },
        { "/pvpanic@b000000", 0x0b000000, 0x2 },
        { "/flash@0", 0x00000000, 0x04000000 },
        { "/pcie@10000000", 0x3f000000, 0x01000000 },
        { "/virtio_mmio@a000000", 0x0a000000, 0x200 },
        { "/virtio_mmio@a003e00", 0x0a003e00, 0x200 },
    };
    g_autofree void *fdt = start_and_read_fdt("-M virtio-mmio=on,smmu=off");

    for (int i = 0; i < ARRAY_SIZE(nodes); i++) {
        g_assert_cmphex(get_u64(fdt, nodes[i].path, "reg", 0), ==,
                        nodes[i].base);
        g_assert_cmphex(get_u64(fdt, nodes[i].path, "reg", 1), ==,
                        nodes[i].size);
    }
    g_assert_cmpstr(get_str(fdt, "/chosen", "stdout-path"), ==,
                    "/pl011@9000000");
}

/* The @i-th 32-bit number of a property. */
static uint32_t get_u32(const void *fdt, const char *path, const char *name,
                        int i)
{
    uint64_t pair = get_u64(fdt, path, name, i / 2);

    return i % 2 ? pair : pair >> 32;
}

static int prop_cells(const void *fdt, const char *path, const char *name)
{
    int len;

    g_assert_nonnull(fdt_getprop(fdt, find_node(fdt, path), name, &len));
    return len / 4;
}

static uint32_t get_cell(const void *fdt, const char *path, const char *name)
{
    g_assert_cmpint(prop_cells(fdt, path, name), ==, 1);
    return ldl_be_p(fdt_getprop(fdt, find_node(fdt, path), name, NULL));
}

/* The SMMUs' nodes, as Linux's binding wants them. */
static void test_fdt_smmus(void)
{
    static const char * const node[] = { "/smmu@9050000", "/smmu@9060000" };
    static const int spi[] = { 176, 185 };
    g_autofree void *fdt = start_and_read_fdt("");

    for (int i = 0; i < ARRAY_SIZE(node); i++) {
        g_assert_cmphex(get_u64(fdt, node[i], "reg", 0), ==,
                        0x09050000 + i * 0x10000);
        g_assert_cmphex(get_u64(fdt, node[i], "reg", 1), ==, 0x10000);
        g_assert_cmpstr(get_str(fdt, node[i], "compatible"), ==,
                        "arm,mmu-500");
        g_assert_cmpuint(get_cell(fdt, node[i], "#global-interrupts"), ==, 1);
        g_assert_cmpuint(get_cell(fdt, node[i], "#iommu-cells"), ==, 1);
        g_assert_cmpint(prop_cells(fdt, node[i], "dma-coherent"), ==, 0);
        g_assert_cmpint(prop_cells(fdt, node[i], "interrupts"), ==, 9 * 3);
        for (int n = 0; n < 26; n += 3) {
            g_assert_cmpuint(get_u32(fdt, node[i], "interrupts", n), ==, 0);
            g_assert_cmpuint(get_u32(fdt, node[i], "interrupts", n + 1), ==,
                             spi[i] + n / 3);
        }
    }
}

/* Without firmware the tree says who is behind which SMMU. */
static void test_fdt_masters(void)
{
    static const char pcie[] = "/pcie@10000000", dma[] = "/dma@b010000";
    g_autofree void *fdt = start_and_read_fdt("-M dma=on");
    uint32_t smmu0 = get_cell(fdt, "/smmu@9050000", "phandle");
    uint32_t smmu1 = get_cell(fdt, "/smmu@9060000", "phandle");

    g_assert_cmpuint(smmu0, !=, smmu1);
    g_assert_cmpint(prop_cells(fdt, pcie, "iommu-map"), ==, 4);
    g_assert_cmphex(get_u64(fdt, pcie, "iommu-map", 0), ==, smmu0);
    g_assert_cmphex(get_u64(fdt, pcie, "iommu-map", 1), ==, 0x10000);

    g_assert_cmpstr(get_str(fdt, dma, "compatible"), ==, "hypsec,dma");
    g_assert_cmphex(get_u64(fdt, dma, "reg", 0), ==, 0x0b010000);
    g_assert_cmphex(get_u64(fdt, dma, "reg", 1), ==, 0x8000);
    g_assert_cmpuint(get_u32(fdt, dma, "interrupts", 1), ==, 194);
    g_assert_cmpint(prop_cells(fdt, dma, "iommus"), ==, 16);
    for (uint64_t n = 0; n < 8; n++) {
        g_assert_cmphex(get_u64(fdt, dma, "iommus", n), ==,
                        (uint64_t)smmu1 << 32 | (0x10 + n));
    }
}

/* With firmware it does not: to the host no master is behind anything. */
static void test_fdt_masters_firmware(void)
{
    g_autofree void *fdt = start_firmware_and_read_fdt("-M dma=on");

    assert_no_prop(fdt, "/pcie@10000000", "iommu-map");
    assert_no_prop(fdt, "/dma@b010000", "iommus");
    assert_no_prop(fdt, "/dma@b010000", "status");
}

/* Without SMMUs there is no trace of them, and without channels of those. */
static void test_fdt_no_smmus(void)
{
    g_autofree void *fdt = start_and_read_fdt("-M smmu=off,dma=on");
    g_autofree void *plain = start_and_read_fdt("");

    g_assert_cmpint(fdt_path_offset(fdt, "/smmu@9050000"), <, 0);
    g_assert_cmpint(fdt_path_offset(fdt, "/smmu@9060000"), <, 0);
    assert_no_prop(fdt, "/pcie@10000000", "iommu-map");
    assert_no_prop(fdt, "/dma@b010000", "iommus");
    g_assert_cmpint(fdt_path_offset(plain, "/dma@b010000"), <, 0);
}

/* The seeds differ from run to run, and reset renews the generator's. */
static void test_fdt_seeds(void)
{
    QTestState *qts = start_firmware("");
    g_autofree void *first = read_fdt(qts, RAM_BASE);
    g_autofree void *second = NULL;
    int node = find_node(first, "/chosen");
    int len;

    qtest_system_reset(qts);
    second = read_fdt(qts, RAM_BASE);
    g_assert_nonnull(fdt_getprop(first, node, "kaslr-seed", NULL));
    g_assert_nonnull(fdt_getprop(first, node, "rng-seed", &len));
    g_assert_cmpint(len, ==, 32);
    g_assert_cmpint(memcmp(fdt_getprop(first, node, "rng-seed", NULL),
                           fdt_getprop(second, node, "rng-seed", NULL), len),
                    !=, 0);
    qtest_quit(qts);
}

/* dtb-randomness=off keeps the tree the same from run to run. */
static void test_fdt_no_seeds(void)
{
    g_autofree void *a = start_firmware_and_read_fdt("-M dtb-randomness=off");
    g_autofree void *b = start_firmware_and_read_fdt("-M dtb-randomness=off");

    assert_no_prop(a, "/chosen", "kaslr-seed");
    assert_no_prop(a, "/chosen", "rng-seed");
    g_assert_cmpuint(fdt_totalsize(a), ==, fdt_totalsize(b));
    g_assert_cmpint(memcmp(a, b, fdt_totalsize(a)), ==, 0);
}

/* The tree is small, with room for about 64 KiB of edits in place. */
static void test_fdt_slack(void)
{
    QTestState *qts =
        start_firmware("-smp 8 -M virtio-mmio=on,smmu=off,dma=on");
    g_autofree void *fdt = read_fdt(qts, RAM_BASE);
    struct hypsec_boot_block b = read_boot_block(qts, CARVEOUT_BASE);
    size_t total = fdt_totalsize(fdt);

    g_assert_cmpuint(total, <, 128 * 1024);
    g_assert_cmpuint(le64_to_cpu(b.dtb_size), ==, total);
    g_assert_cmpint(fdt_pack(fdt), ==, 0);
    g_assert_cmpuint(total - fdt_totalsize(fdt), >=, 60 * 1024);
    qtest_quit(qts);
}

static void *make_user_fdt(int cells)
{
    void *fdt = g_malloc0(8192);

    g_assert_cmpint(fdt_create_empty_tree(fdt, 8192), ==, 0);
    fdt_setprop_u32(fdt, 0, "#address-cells", cells);
    fdt_setprop_u32(fdt, 0, "#size-cells", cells);
    fdt_setprop_string(fdt, 0, "user-was-here", "yes");
    g_assert_cmpint(fdt_add_subnode(fdt, 0, "memory@80000000"), >, 0);
    return fdt;
}

/* A user's tree is kept, but memory, PSCI and carve-out are the board's. */
static void test_fdt_user_tree(void)
{
    g_autofree void *user = make_user_fdt(2);
    g_autofree char *args =
        g_strdup_printf("-dtb %s", hypsec_tmp_file("user.dtb", user,
                                                   fdt_totalsize(user)));
    g_autofree void *fdt = start_firmware_and_read_fdt(args);

    g_assert_cmpstr(get_str(fdt, "/", "user-was-here"), ==, "yes");
    g_assert_cmpint(fdt_path_offset(fdt, "/memory@80000000"), <, 0);
    g_assert_cmphex(get_u64(fdt, "/memory@40000000", "reg", 1), ==, 1 * GiB);
    g_assert_cmpstr(get_str(fdt, "/psci", "method"), ==, "smc");
    find_node(fdt, "/reserved-memory/el2@7e800000");
}

/* A tree that an earlier board dumped says nothing of that board. */
static void test_fdt_dumped_tree(void)
{
    const char *image = hypsec_image("kernel", 0, 0x10000, NULL, 0);
    g_autofree char *first =
        g_strdup_printf("-m 2G -kernel %s -initrd %s", image, image);
    g_autofree void *dumped = start_firmware_and_read_fdt(first);
    g_autofree char *args =
        g_strdup_printf("-dtb %s", hypsec_tmp_file("dumped.dtb", dumped,
                                                   fdt_totalsize(dumped)));
    g_autofree void *fdt = start_firmware_and_read_fdt(args);

    assert_no_prop(fdt, "/chosen", "hypsec,kernel");
    assert_no_prop(fdt, "/chosen", "linux,initrd-start");
    g_assert_cmphex(get_u64(fdt, "/memory@40000000", "reg", 1), ==, 1 * GiB);
    g_assert_cmphex(get_u64(fdt, "/reserved-memory/el2@7e800000", "reg", 0),
                    ==, CARVEOUT_BASE);
    g_assert_cmpint(fdt_path_offset(fdt, "/reserved-memory/el2@be000000"), <,
                    0);
}

/* Kernel and initrd lie where /chosen says: section "Boot". */
static void test_hand_off_images(void)
{
    const char *kernel = hypsec_image("kernel", 0x80000, 3 * MiB, NULL, 0);
    const char *initrd = hypsec_tmp_file("initrd", "initrd!", 7);
    g_autofree char *args =
        g_strdup_printf("-kernel %s -initrd %s -append hello=1", kernel,
                        initrd);
    QTestState *qts = start_firmware(args);
    g_autofree void *fdt = read_fdt(qts, RAM_BASE);
    /* 0x40280000 plus 3 MiB, up to a multiple of 2 MiB. */
    uint64_t initrd_pa = RAM_BASE + 6 * MiB;
    char text[7];

    g_assert_cmphex(get_u64(fdt, "/chosen", "hypsec,kernel", 0), ==,
                    RAM_BASE + 0x280000);
    g_assert_cmphex(get_u64(fdt, "/chosen", "hypsec,kernel", 1), ==, 68);
    g_assert_cmphex(qtest_readl(qts, RAM_BASE + 0x280000 + 64), ==,
                    INSN_LOOP);
    g_assert_cmphex(get_u64(fdt, "/chosen", "hypsec,initrd", 0), ==,
                    initrd_pa);
    g_assert_cmphex(get_u64(fdt, "/chosen", "hypsec,initrd", 1), ==, 7);
    g_assert_cmphex(get_u64(fdt, "/chosen", "linux,initrd-start", 0), ==,
                    initrd_pa);
    g_assert_cmphex(get_u64(fdt, "/chosen", "linux,initrd-end", 0), ==,
                    initrd_pa + 7);
    qtest_memread(qts, initrd_pa, text, sizeof(text));
    g_assert_cmpint(memcmp(text, "initrd!", 7), ==, 0);
    g_assert_cmpstr(get_str(fdt, "/chosen", "bootargs"), ==, "hello=1");
    qtest_quit(qts);
}

/* Without a kernel, firmware starts and is told of none. */
static void test_hand_off_no_kernel(void)
{
    g_autofree void *fdt = start_firmware_and_read_fdt("");

    assert_no_prop(fdt, "/chosen", "hypsec,kernel");
    assert_no_prop(fdt, "/chosen", "hypsec,initrd");
    assert_no_prop(fdt, "/chosen", "linux,initrd-start");
}

/* A drive for the first flash is firmware like -bios. */
static void test_hand_off_flash_drive(void)
{
    g_autofree uint32_t *flash = g_malloc0(64 * MiB);
    QTestState *qts;

    flash[0] = cpu_to_le32(INSN_LOOP);
    qts = qtest_initf("-M hypsec-virt -drive if=pflash,format=raw,file=%s",
                      hypsec_tmp_file("flash.raw", flash, 64 * MiB));
    g_assert_cmphex(qtest_readl(qts, 0), ==, INSN_LOOP);
    g_assert_cmphex(read_boot_block(qts, CARVEOUT_BASE).magic, ==,
                    cpu_to_le64(HYPSEC_BOOT_BLOCK_MAGIC));
    qtest_quit(qts);
}

/* A gzip file of one stored block, without a checksum that QEMU reads. */
static const char *make_gzip(const char *image)
{
    static const uint8_t header[10] = { 0x1f, 0x8b, 8 };
    g_autofree char *data = NULL;
    g_autoptr(GByteArray) gz = g_byte_array_new();
    uint8_t block[5] = { 1 };
    gsize size;

    g_assert_true(g_file_get_contents(image, &data, &size, NULL));
    stw_le_p(block + 1, size);
    stw_le_p(block + 3, ~size);
    g_byte_array_append(gz, header, sizeof(header));
    g_byte_array_append(gz, block, sizeof(block));
    g_byte_array_append(gz, (uint8_t *)data, size);
    g_byte_array_append(gz, (uint8_t *)"\0\0\0\0\0\0\0\0", 8);
    return hypsec_tmp_file("kernel.gz", gz->data, gz->len);
}

/* A kernel may be compressed by gzip. */
static void test_hand_off_gzip(void)
{
    const char *kernel = hypsec_image("kernel", 0, 0x10000, NULL, 0);
    g_autofree char *args = g_strdup_printf("-kernel %s", make_gzip(kernel));
    QTestState *qts = start_firmware(args);
    g_autofree void *fdt = read_fdt(qts, RAM_BASE);

    g_assert_cmphex(get_u64(fdt, "/chosen", "hypsec,kernel", 1), ==, 68);
    g_assert_cmphex(qtest_readl(qts, RAM_BASE + 2 * MiB + 64), ==, INSN_LOOP);
    qtest_quit(qts);
}

/* The boot block says what the board is: boot_block.h. */
static void test_boot_block_contents(void)
{
    QTestState *qts = start_firmware("");
    struct hypsec_boot_block b = read_boot_block(qts, CARVEOUT_BASE);
    static const uint8_t zero[HYPSEC_KEY_BYTES];

    g_assert_cmphex(le64_to_cpu(b.magic), ==, HYPSEC_BOOT_BLOCK_MAGIC);
    g_assert_cmpuint(le32_to_cpu(b.version), ==, HYPSEC_BOOT_BLOCK_VERSION);
    g_assert_cmpuint(le32_to_cpu(b.size), ==, sizeof(b));
    g_assert_cmphex(le64_to_cpu(b.carveout_base), ==, CARVEOUT_BASE);
    g_assert_cmphex(le64_to_cpu(b.carveout_size), ==, CARVEOUT_SIZE);
    g_assert_cmphex(le64_to_cpu(b.dtb_base), ==, RAM_BASE);
    g_assert_cmpuint(le32_to_cpu(b.on_violation), ==,
                     HYPSEC_ON_VIOLATION_REFUSE);
    g_assert_cmpuint(le32_to_cpu(b.nr_smmus), ==, 2);
    g_assert_cmphex(le64_to_cpu(b.smmus[0].base), ==, 0x09050000);
    g_assert_cmphex(le64_to_cpu(b.smmus[0].size), ==, 0x10000);
    g_assert_cmphex(le64_to_cpu(b.smmus[1].base), ==, 0x09060000);
    g_assert_cmphex(le64_to_cpu(b.smmus[1].size), ==, 0x10000);
    g_assert_cmpuint(le64_to_cpu(b.nr_dma_channels), ==, 0);
    g_assert_cmpint(memcmp(b.trusted_key, zero, sizeof(zero)), ==, 0);
    g_assert_cmpint(memcmp(b.sealing_key, zero, sizeof(zero)), !=, 0);
    g_assert_cmpint(memcmp(b.seed, zero, sizeof(zero)), !=, 0);
    qtest_quit(qts);
}

/* The carve-out's default size grows with RAM: section "Machine options". */
static void test_boot_block_default_size(void)
{
    static const struct {
        const char *ram;
        uint64_t mib;
    } sizes[] = {
        { "-m 256M", 18 }, { "-m 258M", 20 }, { "-m 1G", 24 },
        { "-m 8G", 80 },
    };

    for (int i = 0; i < ARRAY_SIZE(sizes); i++) {
        QTestState *qts = start_firmware(sizes[i].ram);

        g_assert_cmpuint(hypsec_get_uint(qts, "/machine", "el2-mem"), ==,
                         sizes[i].mib * MiB);
        qtest_quit(qts);
    }
}

/* el2-mem and on-violation reach the firmware. */
static void test_boot_block_options(void)
{
    QTestState *qts = start_firmware("-M el2-mem=64M,on-violation=halt");
    struct hypsec_boot_block b =
        read_boot_block(qts, RAM_BASE + 1 * GiB - 64 * MiB);

    g_assert_cmphex(le64_to_cpu(b.carveout_size), ==, 64 * MiB);
    g_assert_cmpuint(le32_to_cpu(b.on_violation), ==,
                     HYPSEC_ON_VIOLATION_HALT);
    qtest_quit(qts);
}

/* So do the board's SMMUs and DMA channels, the former not from the tree. */
static void test_boot_block_dma(void)
{
    QTestState *qts = start_firmware("-M smmu=off,dma=on");
    struct hypsec_boot_block b = read_boot_block(qts, CARVEOUT_BASE);

    g_assert_cmpuint(le32_to_cpu(b.nr_smmus), ==, 0);
    for (int i = 0; i < HYPSEC_MAX_SMMUS; i++) {
        g_assert_cmphex(b.smmus[i].base, ==, 0);
        g_assert_cmphex(b.smmus[i].size, ==, 0);
    }
    g_assert_cmpuint(le64_to_cpu(b.nr_dma_channels), ==, 8);
    qtest_quit(qts);
}

/* Keys come from secret objects. */
static void test_boot_block_keys(void)
{
    static const char s[] = "0123456789abcdefghijklmnopqrstuv";
    static const char t[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ543210";
    g_autofree char *args =
        g_strdup_printf("-object secret,id=s,file=%s "
                        "-object secret,id=t,file=%s "
                        "-M sealing-key=s,trusted-key=t",
                        hypsec_tmp_file("sealing", s, 32),
                        hypsec_tmp_file("trusted", t, 32));
    QTestState *qts = start_firmware(args);
    struct hypsec_boot_block b = read_boot_block(qts, CARVEOUT_BASE);

    g_assert_cmpint(memcmp(b.sealing_key, s, 32), ==, 0);
    g_assert_cmpint(memcmp(b.trusted_key, t, 32), ==, 0);
    qtest_quit(qts);
}

/* Over a reset the keys stay and the seed is new. */
static void test_boot_block_reset(void)
{
    QTestState *qts = start_firmware("");
    struct hypsec_boot_block a = read_boot_block(qts, CARVEOUT_BASE);
    struct hypsec_boot_block b;

    qtest_memset(qts, CARVEOUT_BASE, 0, PAGE_BYTES);
    qtest_system_reset(qts);
    b = read_boot_block(qts, CARVEOUT_BASE);
    g_assert_cmphex(b.magic, ==, a.magic);
    g_assert_cmpint(memcmp(a.sealing_key, b.sealing_key, 32), ==, 0);
    g_assert_cmpint(memcmp(a.seed, b.seed, 32), !=, 0);
    qtest_quit(qts);
}

/* -seed makes even the secrets of a board repeat: section "Options". */
static void test_boot_block_repeats(void)
{
    QTestState *qts = start_firmware("-seed 1");
    struct hypsec_boot_block a = read_boot_block(qts, CARVEOUT_BASE);
    struct hypsec_boot_block b;

    qtest_quit(qts);
    qts = start_firmware("-seed 1");
    b = read_boot_block(qts, CARVEOUT_BASE);
    g_assert_cmpint(memcmp(&a, &b, sizeof(a)), ==, 0);
    qtest_quit(qts);
}

/* Every reset brings back what was loaded, and nothing else. */
static void test_reset_restores(void)
{
    const char *image = hypsec_image("kernel", 0, 0x10000, NULL, 0);
    g_autofree char *args = g_strdup_printf("-kernel %s -initrd %s", image,
                                            image);
    uint64_t kernel = RAM_BASE + 2 * MiB;
    uint64_t initrd = RAM_BASE + 4 * MiB;
    QTestState *qts = start_firmware(args);

    qtest_memset(qts, RAM_BASE, 0xa5, 8 * MiB);
    qtest_system_reset(qts);
    g_free(read_fdt(qts, RAM_BASE));
    g_assert_cmphex(qtest_readl(qts, kernel + 64), ==, INSN_LOOP);
    g_assert_cmphex(qtest_readl(qts, initrd + 64), ==, INSN_LOOP);
    g_assert_cmphex(qtest_readl(qts, 0), ==, INSN_LOOP);
    g_assert_cmphex(qtest_readl(qts, RAM_BASE + 7 * MiB), ==, 0xa5a5a5a5);
    qtest_quit(qts);
}

/* What a guest programs into the flash is gone after a reset. */
static void test_reset_restores_firmware(void)
{
    QTestState *qts = start_firmware("");

    qtest_writel(qts, 0, 0x00400040); /* program ... */
    qtest_writel(qts, 0, 0);
    qtest_writel(qts, 0, 0x00ff00ff); /* read array */
    g_assert_cmphex(qtest_readl(qts, 0), ==, 0);
    qtest_writel(qts, 0, 0x00900090); /* and no more an array */
    qtest_system_reset(qts);
    g_assert_cmphex(qtest_readl(qts, 0), ==, INSN_LOOP);
    qtest_quit(qts);
}

static void assert_registers(QTestState *qts, int cpu, uint64_t pc,
                             uint64_t x0)
{
    g_autofree char *all = qtest_hmp(qts, "info registers -a");
    g_autofree char *head = g_strdup_printf("CPU#%d", cpu);
    g_autofree char *values =
        g_strdup_printf(" PC=%016" PRIx64 " X00=%016" PRIx64
                        " X01=0000000000000000", pc, x0);
    const char *regs = strstr(all, head);

    g_assert_nonnull(regs);
    g_test_message("%.100s", regs);
    g_assert_cmpint(strncmp(strstr(regs, " PC="), values, strlen(values)), ==,
                    0);
    g_assert_nonnull(strstr(regs, "EL2h"));
}

/* Firmware starts at 0 with the boot block in x0, at every reset. */
static void test_start_registers(void)
{
    QTestState *qts = start_firmware("-smp 2");

    assert_registers(qts, 0, 0, CARVEOUT_BASE);
    assert_registers(qts, 1, 0, 0);
    qtest_system_reset(qts);
    assert_registers(qts, 0, 0, CARVEOUT_BASE);
    qtest_quit(qts);
}

/* Leaves x0 to x3, CurrentEL and MPIDR at REPORT_BASE. */
static const uint32_t report_code[] = {
    0xd2a88009, /* mov x9, #0x44000000 */
    0xa9000520, /* stp x0, x1, [x9] */
    0xa9010d22, /* stp x2, x3, [x9, #16] */
    0xd5384244, /* mrs x4, CurrentEL */
    0xd53800a5, /* mrs x5, mpidr_el1 */
    0xa9021524, /* stp x4, x5, [x9, #32] */
    0xd2800026, /* mov x6, #1 */
    0xf9001926, /* str x6, [x9, #48] */
    0x14000000, /* b . */
};

/* PSCI CPU_ON of CPU 1, which reports x0, CurrentEL and MPIDR. */
static const uint32_t cpu_on_code[] = {
    0xd2b88000, /* mov x0, #0xc4000000 */
    0xf2800060, /* movk x0, #0x3 */
    0xd2800021, /* mov x1, #1 */
    0x100000c2, /* adr x2, .+24 */
    0xd2800b43, /* mov x3, #0x5a */
    0xd4000003, /* smc #0 */
    0xd2a88009, /* mov x9, #0x44000000 */
    0xf9001d20, /* str x0, [x9, #56] */
    0x14000000, /* b . */
    0xd2a88009, /* mov x9, #0x44000000 */
    0xd5384244, /* mrs x4, CurrentEL */
    0xd53800a5, /* mrs x5, mpidr_el1 */
    0xa9007d20, /* stp x0, xzr, [x9] */
    0xa9021524, /* stp x4, x5, [x9, #32] */
    0xd2800026, /* mov x6, #1 */
    0xf9001926, /* str x6, [x9, #48] */
    0x14000000, /* b . */
};

/* PSCI SYSTEM_RESET. */
static const uint32_t reset_code[] = {
    0xd2b08000, /* mov x0, #0x84000000 */
    0xf2800120, /* movk x0, #0x9 */
    0xd4000003, /* smc #0 */
    0x14000000, /* b . */
};

static QTestState *run_firmware(const uint32_t *code, size_t size,
                                const char *args)
{
    return qtest_initf("-accel tcg -M hypsec-virt -bios %s %s",
                       hypsec_tmp_file("code.bin", code, size), args);
}

/* The first instruction runs at EL2 on CPU 0. */
static void test_start_firmware_el2(void)
{
    QTestState *qts = run_firmware(report_code, sizeof(report_code), "");

    hypsec_wait_report(qts);
    g_assert_cmphex(qtest_readq(qts, REPORT_BASE), ==, CARVEOUT_BASE);
    g_assert_cmphex(qtest_readq(qts, REPORT_BASE + 8), ==, 0);
    g_assert_cmphex(qtest_readq(qts, REPORT_BASE + 32), ==, 2 << 2);
    g_assert_cmphex(qtest_readq(qts, REPORT_BASE + 40) & 0xffffff, ==, 0);
    qtest_quit(qts);
}

/* Without firmware a kernel starts at EL2 with its device tree in x0. */
static void test_start_kernel_el2(void)
{
    const char *kernel = hypsec_image("kernel", 0, 0x10000, report_code,
                                      sizeof(report_code));
    QTestState *qts = qtest_initf("-accel tcg -M hypsec-virt -kernel %s",
                                  kernel);

    hypsec_wait_report(qts);
    g_assert_cmphex(qtest_readq(qts, REPORT_BASE + 32), ==, 2 << 2);
    g_free(read_fdt(qts, qtest_readq(qts, REPORT_BASE)));
    qtest_quit(qts);
}

/* PSCI CPU_ON starts a CPU at EL2 with the caller's context in x0. */
static void test_start_cpu_on(void)
{
    QTestState *qts = run_firmware(cpu_on_code, sizeof(cpu_on_code),
                                   "-smp 8");

    hypsec_wait_report(qts);
    g_assert_cmphex(qtest_readq(qts, REPORT_BASE), ==, 0x5a);
    g_assert_cmphex(qtest_readq(qts, REPORT_BASE + 32), ==, 2 << 2);
    g_assert_cmphex(qtest_readq(qts, REPORT_BASE + 40) & 0xffffff, ==, 1);
    qtest_quit(qts);
}

/* PSCI SYSTEM_RESET resets the board. */
static void test_start_system_reset(void)
{
    QTestState *qts = run_firmware(reset_code, sizeof(reset_code), "");

    qtest_qmp_eventwait(qts, "RESET");
    qtest_qmp_eventwait(qts, "RESET");
    qtest_quit(qts);
}

static const char * const inspect_props[] = {
    "cpus", "panicked", "refusals", "host-s2-faults", "hypercalls", "smcs",
};

static void assert_inspect_unknown(QTestState *qts)
{
    g_autofree char *status = hypsec_get_string(qts, "/machine/inspect",
                                                "status");

    g_assert_cmpstr(status, ==, "unknown");
    for (int i = 0; i < ARRAY_SIZE(inspect_props); i++) {
        g_autofree char *value = hypsec_get_string(qts, "/machine/inspect",
                                                   inspect_props[i]);

        g_assert_cmpstr(value, ==, "unknown");
    }
}

static void assert_inspect(QTestState *qts, const char *name,
                           const char *want)
{
    g_autofree char *value = hypsec_get_string(qts, "/machine/inspect", name);

    g_assert_cmpstr(value, ==, want);
}

/* A sound page of 8 CPUs, whose array is at the end of the carve-out. */
static struct hypsec_inspect make_inspect(QTestState *qts)
{
    uint64_t stride = sizeof(struct hypsec_inspect_cpu) + 8;
    uint64_t base = CARVEOUT_BASE + CARVEOUT_SIZE - 8 * stride;

    for (int i = 0; i < 8; i++) {
        struct hypsec_inspect_cpu cpu = {
            .refusals = cpu_to_le64(1),
            .host_s2_faults = cpu_to_le64(10 * i),
            .hypercalls = cpu_to_le64(100),
            .smcs = cpu_to_le64(1ULL << 40),
        };

        qtest_memwrite(qts, base + i * stride, &cpu, sizeof(cpu));
    }
    return (struct hypsec_inspect) {
        .magic = cpu_to_le64(HYPSEC_INSPECT_MAGIC),
        .version = cpu_to_le32(HYPSEC_INSPECT_VERSION),
        .size = cpu_to_le32(sizeof(struct hypsec_inspect)),
        .nr_cpus = cpu_to_le32(8),
        .cpu_base = cpu_to_le64(base),
        .cpu_stride = cpu_to_le32(stride),
    };
}

static void write_inspect(QTestState *qts, const struct hypsec_inspect *page)
{
    qtest_memwrite(qts, CARVEOUT_BASE + HYPSEC_INSPECT_OFFSET, page,
                   sizeof(*page));
}

/* Without firmware there is nothing to inspect. */
static void test_inspect_no_firmware(void)
{
    QTestState *qts = qtest_init("-M hypsec-virt");

    assert_inspect_unknown(qts);
    qtest_quit(qts);
}

/* Firmware that publishes nothing is unknown. */
static void test_inspect_empty(void)
{
    QTestState *qts = start_firmware("");

    assert_inspect_unknown(qts);
    qtest_quit(qts);
}

/* The properties are sums over the CPUs. */
static void test_inspect_sums(void)
{
    QTestState *qts = start_firmware("");
    struct hypsec_inspect page = make_inspect(qts);

    write_inspect(qts, &page);
    assert_inspect(qts, "status", "ok");
    assert_inspect(qts, "cpus", "8");
    assert_inspect(qts, "panicked", "0");
    assert_inspect(qts, "refusals", "8");
    assert_inspect(qts, "host-s2-faults", "280");
    assert_inspect(qts, "hypercalls", "800");
    assert_inspect(qts, "smcs", "8796093022208");
    qtest_quit(qts);
}

/* A page with one field that cannot be is unknown as a whole. */
static void test_inspect_bad_fields(void)
{
    QTestState *qts = start_firmware("");
    struct hypsec_inspect good = make_inspect(qts);
    struct hypsec_inspect bad[] = {
        good, good, good, good, good, good, good, good, good, good, good,
        good,
    };
    int n = 0;

    bad[n++].magic ^= 1;
    bad[n++].version = 0;
    bad[n++].size = cpu_to_le32(sizeof(good) - 1);
    bad[n++].panicked = cpu_to_le32(2);
    bad[n++].nr_cpus = 0;
    bad[n++].nr_cpus = cpu_to_le32(9);
    bad[n++].nr_cpus = cpu_to_le32(UINT32_MAX);
    bad[n++].cpu_base = cpu_to_le64(CARVEOUT_BASE - 8);
    bad[n++].cpu_base = cpu_to_le64(UINT64_MAX - 7);
    bad[n++].cpu_base = cpu_to_le64(le64_to_cpu(good.cpu_base) + 8);
    bad[n++].cpu_stride = cpu_to_le32(8);
    bad[n++].cpu_stride = cpu_to_le32(UINT32_MAX - 7);
    g_assert_cmpint(n, ==, ARRAY_SIZE(bad));

    for (int i = 0; i < n; i++) {
        g_test_message("bad page %d", i);
        write_inspect(qts, &bad[i]);
        assert_inspect_unknown(qts);
    }
    qtest_quit(qts);
}

/* Whatever the page holds, the properties can be read. */
static void test_inspect_garbage(void)
{
    QTestState *qts = start_firmware("");

    for (int i = 0; i < 200; i++) {
        struct hypsec_inspect page = make_inspect(qts);
        uint32_t *words = (uint32_t *)&page;
        g_autofree char *status = NULL;

        for (int j = 2; j < sizeof(page) / 4; j++) {
            if (g_test_rand_int() & 1) {
                words[j] = g_test_rand_int();
            }
        }
        write_inspect(qts, &page);
        for (int j = 0; j < ARRAY_SIZE(inspect_props); j++) {
            g_free(hypsec_get_string(qts, "/machine/inspect",
                                     inspect_props[j]));
        }
    }
    qtest_quit(qts);
}

static void wait_job(QTestState *qts, const char *id)
{
    for (;;) {
        QDict *ret = qtest_qmp(qts, "{'execute': 'query-jobs'}");
        const QListEntry *entry = qlist_first(qdict_get_qlist(ret, "return"));
        bool done = !strcmp(qdict_get_str(qobject_to(QDict, entry->value),
                                          "status"), "concluded");

        qobject_unref(ret);
        if (done) {
            break;
        }
        g_usleep(1000);
    }
    qtest_qmp_assert_success(qts, "{'execute': 'job-dismiss', 'arguments': "
                             "{'id': %s}}", id);
}

/* Gives a running QEMU a disk that snapshots can be kept in. */
static void add_snapshot_disk(QTestState *qts)
{
    const char *path = hypsec_tmp_file("disk.qcow2", "", 0);

    qtest_qmp_assert_success(qts, "{'execute': 'blockdev-add', 'arguments': "
                             "{'driver': 'file', 'node-name': 'file', "
                             "'filename': %s}}", path);
    qtest_qmp_assert_success(qts, "{'execute': 'blockdev-create', "
                             "'arguments': {'job-id': 'create', 'options': "
                             "{'driver': 'qcow2', 'file': 'file', "
                             "'size': 1048576}}}");
    wait_job(qts, "create");
    qtest_qmp_assert_success(qts, "{'execute': 'blockdev-del', 'arguments': "
                             "{'node-name': 'file'}}");
    qtest_qmp_assert_success(qts, "{'execute': 'blockdev-add', 'arguments': "
                             "{'driver': 'qcow2', 'node-name': 'disk', "
                             "'file': {'driver': 'file', 'filename': %s}}}",
                             path);
}

static void hmp_quiet(QTestState *qts, const char *command)
{
    g_autofree char *out = qtest_hmp(qts, "%s", command);

    g_assert_cmpstr(out, ==, "");
}

/* A snapshot brings back RAM, also where reset writes: "Snapshots". */
static void test_snapshot_ram(void)
{
    const char *image = hypsec_image("kernel", 0, 0x10000, NULL, 0);
    g_autofree char *args = g_strdup_printf("-smp 2 -kernel %s", image);
    QTestState *qts = start_firmware(args);
    static const uint64_t pages[] = {
        RAM_BASE, RAM_BASE + 2 * MiB, RAM_BASE + 64 * MiB, CARVEOUT_BASE,
        CARVEOUT_BASE + HYPSEC_INSPECT_OFFSET,
    };

    add_snapshot_disk(qts);
    for (int i = 0; i < ARRAY_SIZE(pages); i++) {
        qtest_memset(qts, pages[i], 0x11 + i, PAGE_BYTES);
    }
    hmp_quiet(qts, "savevm one");
    qtest_system_reset(qts);
    hmp_quiet(qts, "loadvm one");
    for (int i = 0; i < ARRAY_SIZE(pages); i++) {
        g_assert_cmphex(qtest_readb(qts, pages[i]), ==, 0x11 + i);
        g_assert_cmphex(qtest_readb(qts, pages[i] + PAGE_BYTES - 1), ==,
                        0x11 + i);
    }
    qtest_quit(qts);
}

/* Devices and keys come back, and a later reset writes the same key. */
static void test_snapshot_state(void)
{
    QTestState *qts = start_firmware("-M gic-version=3");
    struct hypsec_boot_block a = read_boot_block(qts, CARVEOUT_BASE);
    struct hypsec_boot_block b;

    add_snapshot_disk(qts);
    qtest_writel(qts, GPIO_BASE + GPIO_DIR, BIT(5));
    hmp_quiet(qts, "savevm one");
    qtest_writel(qts, GPIO_BASE + GPIO_DIR, 0);
    hmp_quiet(qts, "loadvm one");
    g_assert_cmphex(qtest_readl(qts, GPIO_BASE + GPIO_DIR), ==, BIT(5));
    assert_registers(qts, 0, 0, CARVEOUT_BASE);
    qtest_system_reset(qts);
    b = read_boot_block(qts, CARVEOUT_BASE);
    g_assert_cmpint(memcmp(a.sealing_key, b.sealing_key, 32), ==, 0);
    qtest_quit(qts);
}

static const char *migrate_to_file(QTestState *qts)
{
    const char *path = hypsec_tmp_file("state", "", 0);
    g_autofree char *uri = g_strdup_printf("file:%s", path);

    qtest_qmp_assert_success(qts, "{'execute': 'migrate', 'arguments': "
                             "{'uri': %s}}", uri);
    g_assert_true(hypsec_wait_migration(qts));
    return path;
}

static bool migrate_from_file(QTestState *qts, const char *path)
{
    g_autofree char *uri = g_strdup_printf("file:%s", path);

    qtest_qmp_assert_success(qts, "{'execute': 'migrate-incoming', "
                             "'arguments': {'uri': %s, "
                             "'exit-on-error': false}}", uri);
    return hypsec_wait_migration(qts);
}

/* A board moves to another QEMU through a file; its key moves with it. */
static void test_migration_file(void)
{
    QTestState *qts = start_firmware("-only-migratable");
    struct hypsec_boot_block a = read_boot_block(qts, CARVEOUT_BASE);
    struct hypsec_boot_block b;
    const char *path;

    qtest_memset(qts, CARVEOUT_BASE, 0x77, PAGE_BYTES);
    qtest_memset(qts, RAM_BASE, 0x66, PAGE_BYTES);
    path = migrate_to_file(qts);
    qtest_quit(qts);

    qts = start_firmware("-only-migratable -incoming defer");
    g_assert_true(migrate_from_file(qts, path));
    g_assert_cmphex(qtest_readl(qts, CARVEOUT_BASE), ==, 0x77777777);
    g_assert_cmphex(qtest_readl(qts, RAM_BASE), ==, 0x66666666);
    qtest_system_reset(qts);
    b = read_boot_block(qts, CARVEOUT_BASE);
    g_assert_cmpint(memcmp(a.sealing_key, b.sealing_key, 32), ==, 0);
    qtest_quit(qts);
}

/* A board with another carve-out does not take the state. */
static void test_migration_mismatch(void)
{
    QTestState *qts = start_firmware("");
    const char *path = migrate_to_file(qts);

    qtest_quit(qts);
    qts = start_firmware("-M el2-mem=64M -incoming defer");
    g_assert_false(migrate_from_file(qts, path));
    qtest_quit(qts);
}

/*
 * Nor does one with SMMUs take the state of one without: firmware that knows
 * of none would leave them as reset does, open.
 */
static void test_migration_other_smmu(void)
{
    QTestState *qts = start_firmware("-M smmu=off");
    const char *path = migrate_to_file(qts);

    qtest_quit(qts);
    qts = start_firmware("-incoming defer");
    g_assert_false(migrate_from_file(qts, path));
    qtest_quit(qts);
}

/* Nor does one that was given another sealing key. */
static void test_migration_other_key(void)
{
    const char *key = hypsec_tmp_file("key",
                                      "0123456789abcdef0123456789abcdef", 32);
    g_autofree char *args =
        g_strdup_printf("-object secret,id=k,file=%s -M sealing-key=k "
                        "-incoming defer", key);
    QTestState *qts = start_firmware("");
    const char *path = migrate_to_file(qts);

    qtest_quit(qts);
    qts = start_firmware(args);
    g_assert_false(migrate_from_file(qts, path));
    qtest_quit(qts);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*fn)(void);
    } tests[] = {
        { "memory-map/devices-answer", test_map_devices },
        { "memory-map/gicv3-frames", test_map_gicv3 },
        { "memory-map/smmu-and-dma-by-option", test_map_options },
        { "memory-map/ram-ends", test_map_ram },
        { "memory-map/ram-64g-starts", test_map_ram_64g },
        { "memory-map/virtio-mmio-by-option", test_map_virtio_mmio },
        { "memory-map/fw-cfg-without-dma", test_map_fw_cfg },
        { "interrupts/gicv2", test_interrupts_gicv2 },
        { "interrupts/gicv3", test_interrupts_gicv3 },
        { "power/powerdown-presses-key", test_power_key },
        { "power/gpio-line-powers-off", test_power_off_line },
        { "power/gpio-line-resets", test_power_reset_line },
        { "power/pvpanic-is-an-event", test_power_pvpanic },
        { "fdt/memory-is-all-ram", test_fdt_memory },
        { "fdt/carveout-reserved", test_fdt_carveout },
        { "fdt/no-carveout-without-firmware", test_fdt_no_carveout },
        { "fdt/el2-only-disabled", test_fdt_el2_only_disabled },
        { "fdt/el2-only-enabled-without-firmware",
          test_fdt_el2_only_enabled },
        { "fdt/psci-by-smc", test_fdt_psci },
        { "fdt/cpus", test_fdt_cpus },
        { "fdt/timer-of-the-core", test_fdt_timer },
        { "fdt/gic-of-the-option", test_fdt_gic },
        { "fdt/devices", test_fdt_devices },
        { "fdt/smmus", test_fdt_smmus },
        { "fdt/masters-behind-smmus", test_fdt_masters },
        { "fdt/masters-with-firmware", test_fdt_masters_firmware },
        { "fdt/no-smmus-by-option", test_fdt_no_smmus },
        { "fdt/seeds-renewed-by-reset", test_fdt_seeds },
        { "fdt/no-seeds-by-option", test_fdt_no_seeds },
        { "fdt/packed-with-slack", test_fdt_slack },
        { "fdt/user-tree-completed", test_fdt_user_tree },
        { "fdt/dumped-tree-cleaned", test_fdt_dumped_tree },
        { "hand-off/images", test_hand_off_images },
        { "hand-off/no-kernel", test_hand_off_no_kernel },
        { "hand-off/flash-drive", test_hand_off_flash_drive },
        { "hand-off/gzip-kernel", test_hand_off_gzip },
        { "boot-block/contents", test_boot_block_contents },
        { "boot-block/default-size", test_boot_block_default_size },
        { "boot-block/options", test_boot_block_options },
        { "boot-block/smmus-and-dma", test_boot_block_dma },
        { "boot-block/keys-from-secrets", test_boot_block_keys },
        { "boot-block/written-by-reset", test_boot_block_reset },
        { "boot-block/repeats-with-seed", test_boot_block_repeats },
        { "reset/restores-images", test_reset_restores },
        { "reset/restores-firmware", test_reset_restores_firmware },
        { "start/registers", test_start_registers },
        { "start/firmware-at-el2", test_start_firmware_el2 },
        { "start/kernel-at-el2", test_start_kernel_el2 },
        { "start/psci-cpu-on", test_start_cpu_on },
        { "start/psci-system-reset", test_start_system_reset },
        { "inspect/unknown-without-firmware", test_inspect_no_firmware },
        { "inspect/unknown-when-empty", test_inspect_empty },
        { "inspect/sums", test_inspect_sums },
        { "inspect/bad-fields", test_inspect_bad_fields },
        { "inspect/garbage", test_inspect_garbage },
        { "snapshot/ram", test_snapshot_ram },
        { "snapshot/state", test_snapshot_state },
        { "migration/through-a-file", test_migration_file },
        { "migration/mismatch-refused", test_migration_mismatch },
        { "migration/other-smmu-refused", test_migration_other_smmu },
        { "migration/other-key-refused", test_migration_other_key },
    };

    g_test_init(&argc, &argv, NULL);
    for (int i = 0; i < ARRAY_SIZE(tests); i++) {
        g_autofree char *path = g_strdup_printf("hypsec-virt/%s",
                                                tests[i].path);

        qtest_add_func(path, tests[i].fn);
    }
    return hypsec_test_run();
}
