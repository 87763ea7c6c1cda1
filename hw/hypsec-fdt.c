/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device tree of the hypsec-virt machine.
 *
 * Nodes describe what the board has, whatever runs on it; only which of them
 * are enabled depends on whether EL2 firmware owns the board. The loading of
 * images (arm_load_dtb()) adds memory, PSCI, initrd and command line.
 */
#include "qemu/osdep.h"
#include <libfdt.h>
#include "qemu/bitops.h"
#include "qemu/bswap.h"
#include "qemu/error-report.h"
#include "qemu/guest-random.h"
#include "qemu/units.h"
#include "qapi/error.h"
#include "cpu.h"
#include "hw/arm/bsa.h"
#include "hw/arm/fdt.h"
#include "hw/core/cpu.h"
#include "hw/pci/pci.h"
#include "hw/pci/pcie_host.h"
#include "standard-headers/linux/input.h"
#include "system/device_tree.h"
#include "target/arm/cpu-features.h"
#include "target/arm/multiprocessing.h"
#include "hypsec-dma.h"
#include "hypsec-virt.h"

#define UART_CLOCK_HZ 24000000

/* Room that whoever edits the tree in place finds at its end. */
#define FDT_SLACK (64 * KiB)

#define EL2_CARVEOUT_COMPAT "hypsec,el2-carveout"

/* Phandles that more than one node refers to. */
typedef struct FdtPhandles {
    uint32_t clock;
    uint32_t gic;
    uint32_t v2m;
    uint32_t smmu[HYPSEC_VIRT_NUM_SMMUS];
} FdtPhandles;

/* Adds /NAME@BASE with @compat (of @compat_len bytes) and "reg". */
static char *fdt_add_device(void *fdt, const char *name,
                            enum HypsecVirtRegion region,
                            const char *compat, int compat_len)
{
    const MemMapEntry *map = &hypsec_virt_memmap[region];
    char *node = g_strdup_printf("/%s@%" PRIx64, name, map->base);

    qemu_fdt_add_subnode(fdt, node);
    qemu_fdt_setprop(fdt, node, "compatible", compat, compat_len);
    qemu_fdt_setprop_sized_cells(fdt, node, "reg",
                                 2, map->base, 2, map->size);
    return node;
}

static void fdt_set_spi(void *fdt, const char *node, int spi)
{
    qemu_fdt_setprop_cells(fdt, node, "interrupts", GIC_FDT_IRQ_TYPE_SPI, spi,
                           GIC_FDT_IRQ_FLAGS_LEVEL_HI);
}

/* A device that EL2 keeps for itself when there is firmware. */
static void fdt_set_el2_only(const HypsecVirtMachineState *s,
                             const char *node)
{
    if (s->firmware) {
        qemu_fdt_setprop_string(MACHINE(s)->fdt, node, "status", "disabled");
    }
}

/* The flags cell of a private interrupt; GICv2 also wants a mask of CPUs. */
static uint32_t fdt_ppi_flags(const HypsecVirtMachineState *s)
{
    uint32_t flags = GIC_FDT_IRQ_FLAGS_LEVEL_HI;

    if (s->gic_version == 2) {
        flags = deposit32(flags, GIC_FDT_IRQ_PPI_CPU_START,
                          GIC_FDT_IRQ_PPI_CPU_WIDTH,
                          MAKE_64BIT_MASK(0, MACHINE(s)->smp.cpus));
    }
    return flags;
}

static void fdt_add_root(HypsecVirtMachineState *s, FdtPhandles *ph)
{
    static const char compat[] = "hypsec,hypsec-virt\0linux,dummy-virt";
    MachineState *ms = MACHINE(s);
    void *fdt = create_device_tree(&s->fdt_size);

    ms->fdt = fdt;
    ph->clock = qemu_fdt_alloc_phandle(fdt);
    ph->gic = qemu_fdt_alloc_phandle(fdt);
    ph->v2m = qemu_fdt_alloc_phandle(fdt);
    for (int i = 0; i < HYPSEC_VIRT_NUM_SMMUS; i++) {
        ph->smmu[i] = qemu_fdt_alloc_phandle(fdt);
    }

    qemu_fdt_setprop(fdt, "/", "compatible", compat, sizeof(compat));
    qemu_fdt_setprop_string(fdt, "/", "model", "hypsec-virt");
    qemu_fdt_setprop_cell(fdt, "/", "#address-cells", 2);
    qemu_fdt_setprop_cell(fdt, "/", "#size-cells", 2);
    qemu_fdt_setprop_cell(fdt, "/", "interrupt-parent", ph->gic);
    qemu_fdt_setprop(fdt, "/", "dma-coherent", NULL, 0);
    qemu_fdt_add_subnode(fdt, "/aliases");
    qemu_fdt_add_subnode(fdt, "/chosen");

    qemu_fdt_add_subnode(fdt, "/apb-pclk");
    qemu_fdt_setprop_string(fdt, "/apb-pclk", "compatible", "fixed-clock");
    qemu_fdt_setprop_cell(fdt, "/apb-pclk", "#clock-cells", 0);
    qemu_fdt_setprop_cell(fdt, "/apb-pclk", "clock-frequency", UART_CLOCK_HZ);
    qemu_fdt_setprop_string(fdt, "/apb-pclk", "clock-output-names",
                            "clk24mhz");
    qemu_fdt_setprop_cell(fdt, "/apb-pclk", "phandle", ph->clock);
}

static void fdt_add_seeds(void *fdt)
{
    struct {
        uint64_t kaslr;
        uint8_t rng[32];
    } seed;

    qemu_guest_getrandom_nofail(&seed, sizeof(seed));
    qemu_fdt_setprop_u64(fdt, "/chosen", "kaslr-seed", seed.kaslr);
    qemu_fdt_setprop(fdt, "/chosen", "rng-seed", seed.rng, sizeof(seed.rng));
}

static void fdt_add_cpus(const HypsecVirtMachineState *s)
{
    MachineState *ms = MACHINE(s);
    void *fdt = ms->fdt;

    qemu_fdt_add_subnode(fdt, "/cpus");
    qemu_fdt_setprop_cell(fdt, "/cpus", "#address-cells", 1);
    qemu_fdt_setprop_cell(fdt, "/cpus", "#size-cells", 0);
    qemu_fdt_add_subnode(fdt, "/cpus/cpu-map");
    qemu_fdt_add_subnode(fdt, "/cpus/cpu-map/socket0");
    qemu_fdt_add_subnode(fdt, "/cpus/cpu-map/socket0/cluster0");

    for (int i = ms->smp.cpus - 1; i >= 0; i--) {
        ARMCPU *cpu = ARM_CPU(qemu_get_cpu(i));
        g_autofree char *node = g_strdup_printf("/cpus/cpu@%x", i);
        g_autofree char *core =
            g_strdup_printf("/cpus/cpu-map/socket0/cluster0/core%d", i);

        qemu_fdt_add_subnode(fdt, node);
        qemu_fdt_setprop_string(fdt, node, "device_type", "cpu");
        qemu_fdt_setprop_string(fdt, node, "compatible", cpu->dtb_compatible);
        qemu_fdt_setprop_string(fdt, node, "enable-method", "psci");
        qemu_fdt_setprop_cell(fdt, node, "reg", arm_cpu_mp_affinity(cpu));
        qemu_fdt_setprop_cell(fdt, node, "phandle",
                              qemu_fdt_alloc_phandle(fdt));

        qemu_fdt_add_subnode(fdt, core);
        qemu_fdt_setprop_phandle(fdt, core, "cpu", node);
    }
}

static void fdt_add_timer(const HypsecVirtMachineState *s)
{
    static const char compat[] = "arm,armv8-timer\0arm,armv7-timer";
    /* In the order of the binding; the last only on cores with VHE. */
    static const int intid[] = {
        ARCH_TIMER_S_EL1_IRQ, ARCH_TIMER_NS_EL1_IRQ, ARCH_TIMER_VIRT_IRQ,
        ARCH_TIMER_NS_EL2_IRQ, ARCH_TIMER_NS_EL2_VIRT_IRQ,
    };
    void *fdt = MACHINE(s)->fdt;
    uint32_t cells[ARRAY_SIZE(intid) * 3];
    int n = ARRAY_SIZE(intid);

    if (!cpu_isar_feature(aa64_vh, ARM_CPU(first_cpu))) {
        n--;
    }
    for (int i = 0; i < n; i++) {
        cells[i * 3] = cpu_to_be32(GIC_FDT_IRQ_TYPE_PPI);
        cells[i * 3 + 1] = cpu_to_be32(INTID_TO_PPI(intid[i]));
        cells[i * 3 + 2] = cpu_to_be32(fdt_ppi_flags(s));
    }

    qemu_fdt_add_subnode(fdt, "/timer");
    qemu_fdt_setprop(fdt, "/timer", "compatible", compat, sizeof(compat));
    qemu_fdt_setprop(fdt, "/timer", "always-on", NULL, 0);
    qemu_fdt_setprop(fdt, "/timer", "interrupts", cells,
                     n * 3 * sizeof(cells[0]));
}

static void fdt_add_pmu(const HypsecVirtMachineState *s)
{
    static const char compat[] = "arm,armv8-pmuv3";
    void *fdt = MACHINE(s)->fdt;

    if (!arm_feature(&ARM_CPU(first_cpu)->env, ARM_FEATURE_PMU)) {
        return;
    }
    qemu_fdt_add_subnode(fdt, "/pmu");
    qemu_fdt_setprop(fdt, "/pmu", "compatible", compat, sizeof(compat));
    qemu_fdt_setprop_cells(fdt, "/pmu", "interrupts", GIC_FDT_IRQ_TYPE_PPI,
                           INTID_TO_PPI(VIRTUAL_PMU_IRQ), fdt_ppi_flags(s));
}

static void fdt_add_gic(const HypsecVirtMachineState *s, const FdtPhandles *ph)
{
    static const char v2[] = "arm,cortex-a15-gic", v3[] = "arm,gic-v3";
    static const char v2m[] = "arm,gic-v2m-frame";
    const MemMapEntry *map = hypsec_virt_memmap;
    void *fdt = MACHINE(s)->fdt;
    g_autofree char *node = NULL, *frame = NULL;

    if (s->gic_version == 2) {
        node = fdt_add_device(fdt, "intc", HYPSEC_VIRT_GICD, v2, sizeof(v2));
        qemu_fdt_setprop_sized_cells(
            fdt, node, "reg",
            2, map[HYPSEC_VIRT_GICD].base, 2, map[HYPSEC_VIRT_GICD].size,
            2, map[HYPSEC_VIRT_GICC].base, 2, map[HYPSEC_VIRT_GICC].size,
            2, map[HYPSEC_VIRT_GICH].base, 2, map[HYPSEC_VIRT_GICH].size,
            2, map[HYPSEC_VIRT_GICV].base, 2, map[HYPSEC_VIRT_GICV].size);
    } else {
        node = fdt_add_device(fdt, "intc", HYPSEC_VIRT_GICD, v3, sizeof(v3));
        qemu_fdt_setprop_cell(fdt, node, "#redistributor-regions", 1);
        qemu_fdt_setprop_sized_cells(
            fdt, node, "reg",
            2, map[HYPSEC_VIRT_GICD].base, 2, map[HYPSEC_VIRT_GICD].size,
            2, map[HYPSEC_VIRT_GICR].base, 2, map[HYPSEC_VIRT_GICR].size);
    }
    qemu_fdt_setprop_cell(fdt, node, "#interrupt-cells", 3);
    qemu_fdt_setprop(fdt, node, "interrupt-controller", NULL, 0);
    qemu_fdt_setprop_cells(fdt, node, "interrupts", GIC_FDT_IRQ_TYPE_PPI,
                           INTID_TO_PPI(ARCH_GIC_MAINT_IRQ),
                           GIC_FDT_IRQ_FLAGS_LEVEL_HI);
    qemu_fdt_setprop_cell(fdt, node, "#address-cells", 2);
    qemu_fdt_setprop_cell(fdt, node, "#size-cells", 2);
    qemu_fdt_setprop(fdt, node, "ranges", NULL, 0);
    qemu_fdt_setprop_cell(fdt, node, "phandle", ph->gic);

    frame = g_strdup_printf("%s/v2m@%" PRIx64, node,
                            map[HYPSEC_VIRT_GICV2M].base);
    qemu_fdt_add_subnode(fdt, frame);
    qemu_fdt_setprop(fdt, frame, "compatible", v2m, sizeof(v2m));
    qemu_fdt_setprop(fdt, frame, "msi-controller", NULL, 0);
    qemu_fdt_setprop_sized_cells(
        fdt, frame, "reg",
        2, map[HYPSEC_VIRT_GICV2M].base, 2, map[HYPSEC_VIRT_GICV2M].size);
    qemu_fdt_setprop_cell(fdt, frame, "phandle", ph->v2m);
}

static void fdt_add_uart(const HypsecVirtMachineState *s,
                         const FdtPhandles *ph, enum HypsecVirtRegion region)
{
    static const char compat[] = "arm,pl011\0arm,primecell";
    static const char clocks[] = "uartclk\0apb_pclk";
    void *fdt = MACHINE(s)->fdt;
    g_autofree char *node = fdt_add_device(fdt, "pl011", region, compat,
                                           sizeof(compat));

    fdt_set_spi(fdt, node, hypsec_virt_irqmap[region]);
    qemu_fdt_setprop_cells(fdt, node, "clocks", ph->clock, ph->clock);
    qemu_fdt_setprop(fdt, node, "clock-names", clocks, sizeof(clocks));

    if (region == HYPSEC_VIRT_UART0) {
        qemu_fdt_setprop_string(fdt, "/chosen", "stdout-path", node);
        qemu_fdt_setprop_string(fdt, "/aliases", "serial0", node);
    } else {
        fdt_set_el2_only(s, node);
        if (!s->firmware) {
            qemu_fdt_setprop_string(fdt, "/aliases", "serial1", node);
        }
    }
}

static void fdt_add_rtc(const HypsecVirtMachineState *s, const FdtPhandles *ph)
{
    static const char compat[] = "arm,pl031\0arm,primecell";
    void *fdt = MACHINE(s)->fdt;
    g_autofree char *node = fdt_add_device(fdt, "pl031", HYPSEC_VIRT_RTC,
                                           compat, sizeof(compat));

    fdt_set_spi(fdt, node, hypsec_virt_irqmap[HYPSEC_VIRT_RTC]);
    qemu_fdt_setprop_cell(fdt, node, "clocks", ph->clock);
    qemu_fdt_setprop_string(fdt, node, "clock-names", "apb_pclk");
}

/* An output line of the PL061; PSCI does the same, so off by default. */
static void fdt_add_gpio_pwr(void *fdt, const char *name, uint32_t gpio,
                             int line)
{
    g_autofree char *node = g_strdup_printf("/%s", name);

    qemu_fdt_add_subnode(fdt, node);
    qemu_fdt_setprop_string(fdt, node, "compatible", name);
    qemu_fdt_setprop_cells(fdt, node, "gpios", gpio, line, 0);
    qemu_fdt_setprop_string(fdt, node, "status", "disabled");
}

static void fdt_add_gpio(const HypsecVirtMachineState *s,
                         const FdtPhandles *ph)
{
    static const char compat[] = "arm,pl061\0arm,primecell";
    static const char key[] = "/gpio-keys/poweroff";
    void *fdt = MACHINE(s)->fdt;
    uint32_t gpio = qemu_fdt_alloc_phandle(fdt);
    g_autofree char *node = fdt_add_device(fdt, "pl061", HYPSEC_VIRT_GPIO,
                                           compat, sizeof(compat));

    fdt_set_spi(fdt, node, hypsec_virt_irqmap[HYPSEC_VIRT_GPIO]);
    qemu_fdt_setprop_cell(fdt, node, "#gpio-cells", 2);
    qemu_fdt_setprop(fdt, node, "gpio-controller", NULL, 0);
    qemu_fdt_setprop_cell(fdt, node, "clocks", ph->clock);
    qemu_fdt_setprop_string(fdt, node, "clock-names", "apb_pclk");
    qemu_fdt_setprop_cell(fdt, node, "phandle", gpio);

    qemu_fdt_add_subnode(fdt, "/gpio-keys");
    qemu_fdt_setprop_string(fdt, "/gpio-keys", "compatible", "gpio-keys");
    qemu_fdt_add_subnode(fdt, key);
    qemu_fdt_setprop_string(fdt, key, "label", "GPIO Key Poweroff");
    qemu_fdt_setprop_cell(fdt, key, "linux,code", KEY_POWER);
    qemu_fdt_setprop_cells(fdt, key, "gpios", gpio,
                           HYPSEC_VIRT_GPIO_POWER_KEY, 0);

    fdt_add_gpio_pwr(fdt, "gpio-poweroff", gpio, HYPSEC_VIRT_GPIO_POWEROFF);
    fdt_add_gpio_pwr(fdt, "gpio-restart", gpio, HYPSEC_VIRT_GPIO_RESET);
}

static void fdt_add_flash(const HypsecVirtMachineState *s)
{
    static const char compat[] = "cfi-flash";
    const MemMapEntry *map = hypsec_virt_memmap;
    void *fdt = MACHINE(s)->fdt;
    g_autofree char *node = fdt_add_device(fdt, "flash", HYPSEC_VIRT_FLASH0,
                                           compat, sizeof(compat));

    qemu_fdt_setprop_sized_cells(
        fdt, node, "reg",
        2, map[HYPSEC_VIRT_FLASH0].base, 2, map[HYPSEC_VIRT_FLASH0].size,
        2, map[HYPSEC_VIRT_FLASH1].base, 2, map[HYPSEC_VIRT_FLASH1].size);
    qemu_fdt_setprop_cell(fdt, node, "bank-width", 4);
    fdt_set_el2_only(s, node);
}

static void fdt_add_fw_cfg(const HypsecVirtMachineState *s)
{
    static const char compat[] = "qemu,fw-cfg-mmio";
    void *fdt = MACHINE(s)->fdt;
    g_autofree char *node = fdt_add_device(fdt, "fw-cfg", HYPSEC_VIRT_FW_CFG,
                                           compat, sizeof(compat));

    qemu_fdt_setprop(fdt, node, "dma-coherent", NULL, 0);
}

static void fdt_add_pvpanic(const HypsecVirtMachineState *s)
{
    static const char compat[] = "qemu,pvpanic-mmio";
    g_autofree char *node = fdt_add_device(MACHINE(s)->fdt, "pvpanic",
                                           HYPSEC_VIRT_PVPANIC, compat,
                                           sizeof(compat));

    fdt_set_el2_only(s, node);
}

static void fdt_add_virtio_mmio(const HypsecVirtMachineState *s)
{
    const MemMapEntry *map = &hypsec_virt_memmap[HYPSEC_VIRT_VIRTIO_MMIO];
    int spi = hypsec_virt_irqmap[HYPSEC_VIRT_VIRTIO_MMIO];
    void *fdt = MACHINE(s)->fdt;

    /* The lowest address last: new nodes come first in their parent. */
    for (int i = HYPSEC_VIRT_NUM_VIRTIO_MMIO - 1; i >= 0; i--) {
        hwaddr base = map->base + i * map->size;
        g_autofree char *node = g_strdup_printf("/virtio_mmio@%" PRIx64, base);

        qemu_fdt_add_subnode(fdt, node);
        qemu_fdt_setprop_string(fdt, node, "compatible", "virtio,mmio");
        qemu_fdt_setprop_sized_cells(fdt, node, "reg", 2, base, 2, map->size);
        qemu_fdt_setprop_cells(fdt, node, "interrupts", GIC_FDT_IRQ_TYPE_SPI,
                               spi + i, GIC_FDT_IRQ_FLAGS_EDGE_LO_HI);
        qemu_fdt_setprop(fdt, node, "dma-coherent", NULL, 0);
    }
}

/* Whether the tree says what is behind an SMMU: EL2 may keep them to itself. */
static bool fdt_has_iommus(const HypsecVirtMachineState *s)
{
    return s->smmu && !s->firmware;
}

static void fdt_add_smmu(const HypsecVirtMachineState *s,
                         const FdtPhandles *ph, int i)
{
    static const char compat[] = "arm,mmu-500";
    enum HypsecVirtRegion region = HYPSEC_VIRT_SMMU0 + i;
    uint32_t cells[1 + HYPSEC_VIRT_SMMU_BANKS][3];
    void *fdt = MACHINE(s)->fdt;
    g_autofree char *node = fdt_add_device(fdt, "smmu", region, compat,
                                           sizeof(compat));

    for (int n = 0; n < ARRAY_SIZE(cells); n++) {
        cells[n][0] = cpu_to_be32(GIC_FDT_IRQ_TYPE_SPI);
        cells[n][1] = cpu_to_be32(hypsec_virt_irqmap[region] + n);
        cells[n][2] = cpu_to_be32(GIC_FDT_IRQ_FLAGS_LEVEL_HI);
    }
    qemu_fdt_setprop_cell(fdt, node, "#global-interrupts", 1);
    qemu_fdt_setprop(fdt, node, "interrupts", cells, sizeof(cells));
    qemu_fdt_setprop_cell(fdt, node, "#iommu-cells", 1);
    qemu_fdt_setprop(fdt, node, "dma-coherent", NULL, 0);
    qemu_fdt_setprop_cell(fdt, node, "phandle", ph->smmu[i]);
    fdt_set_el2_only(s, node);
}

static void fdt_add_dma(const HypsecVirtMachineState *s,
                        const FdtPhandles *ph)
{
    static const char compat[] = "hypsec,dma";
    void *fdt = MACHINE(s)->fdt;
    uint32_t iommus[HYPSEC_DMA_CHANNELS][2];
    g_autofree char *node = fdt_add_device(fdt, "dma", HYPSEC_VIRT_DMA,
                                           compat, sizeof(compat));

    fdt_set_spi(fdt, node, hypsec_virt_irqmap[HYPSEC_VIRT_DMA]);
    qemu_fdt_setprop(fdt, node, "dma-coherent", NULL, 0);
    if (fdt_has_iommus(s)) {
        for (int i = 0; i < HYPSEC_DMA_CHANNELS; i++) {
            iommus[i][0] = cpu_to_be32(ph->smmu[1]);
            iommus[i][1] = cpu_to_be32(HYPSEC_DMA_STREAM_BASE + i);
        }
        qemu_fdt_setprop(fdt, node, "iommus", iommus, sizeof(iommus));
    }
}

/* INTx: pin P of the device in slot S is interrupt (P + S) modulo 4. */
static void fdt_set_pcie_intx(void *fdt, const char *node, uint32_t gic)
{
    uint32_t map[PCI_NUM_PINS * PCI_NUM_PINS][10] = {};
    int spi = hypsec_virt_irqmap[HYPSEC_VIRT_PCIE_MMIO];

    for (int i = 0; i < ARRAY_SIZE(map); i++) {
        int slot = i / PCI_NUM_PINS;
        int pin = i % PCI_NUM_PINS;

        map[i][0] = cpu_to_be32(PCI_DEVFN(slot, 0) << 8);
        map[i][3] = cpu_to_be32(pin + 1);
        map[i][4] = cpu_to_be32(gic);
        map[i][7] = cpu_to_be32(GIC_FDT_IRQ_TYPE_SPI);
        map[i][8] = cpu_to_be32(spi + (pin + slot) % PCI_NUM_PINS);
        map[i][9] = cpu_to_be32(GIC_FDT_IRQ_FLAGS_LEVEL_HI);
    }
    qemu_fdt_setprop_cell(fdt, node, "#interrupt-cells", 1);
    qemu_fdt_setprop(fdt, node, "interrupt-map", map, sizeof(map));
    qemu_fdt_setprop_cells(fdt, node, "interrupt-map-mask",
                           PCI_DEVFN(PCI_NUM_PINS - 1, 0) << 8, 0, 0, 0x7);
}

static void fdt_add_pcie(const HypsecVirtMachineState *s,
                         const FdtPhandles *ph)
{
    static const char compat[] = "pci-host-ecam-generic";
    const MemMapEntry *ecam = &hypsec_virt_memmap[HYPSEC_VIRT_PCIE_ECAM];
    const MemMapEntry *mmio = &hypsec_virt_memmap[HYPSEC_VIRT_PCIE_MMIO];
    const MemMapEntry *pio = &hypsec_virt_memmap[HYPSEC_VIRT_PCIE_PIO];
    void *fdt = MACHINE(s)->fdt;
    g_autofree char *node = fdt_add_device(fdt, "pcie", HYPSEC_VIRT_PCIE_MMIO,
                                           compat, sizeof(compat));

    qemu_fdt_setprop_sized_cells(fdt, node, "reg",
                                 2, ecam->base, 2, ecam->size);
    qemu_fdt_setprop_string(fdt, node, "device_type", "pci");
    qemu_fdt_setprop_cell(fdt, node, "#address-cells", 3);
    qemu_fdt_setprop_cell(fdt, node, "#size-cells", 2);
    qemu_fdt_setprop_cell(fdt, node, "linux,pci-domain", 0);
    qemu_fdt_setprop_cells(fdt, node, "bus-range", 0,
                           ecam->size / PCIE_MMCFG_SIZE_MIN - 1);
    qemu_fdt_setprop(fdt, node, "dma-coherent", NULL, 0);
    qemu_fdt_setprop_cells(fdt, node, "msi-map", 0, ph->v2m, 0, 0x10000);
    if (fdt_has_iommus(s)) {
        qemu_fdt_setprop_cells(fdt, node, "iommu-map", 0, ph->smmu[0], 0,
                               0x10000);
    }
    qemu_fdt_setprop_sized_cells(
        fdt, node, "ranges",
        1, FDT_PCI_RANGE_IOPORT, 2, 0, 2, pio->base, 2, pio->size,
        1, FDT_PCI_RANGE_MMIO, 2, mmio->base, 2, mmio->base, 2, mmio->size);
    fdt_set_pcie_intx(fdt, node, ph->gic);
}

/*
 * Replace the tree by a copy without padding but with room for edits, so
 * that nobody has to move a mebibyte of zeroes.
 */
static bool fdt_set_slack(HypsecVirtMachineState *s, Error **errp)
{
    MachineState *ms = MACHINE(s);
    size_t slack = FDT_SLACK;
    size_t size;
    int ret;
    void *fdt;

    if (ms->kernel_cmdline) {
        slack += strlen(ms->kernel_cmdline);
    }
    ret = fdt_pack(ms->fdt);
    if (ret) {
        error_setg(errp, "bad device tree: %s", fdt_strerror(ret));
        return false;
    }
    size = QEMU_ALIGN_UP(fdt_totalsize(ms->fdt) + slack, 8);
    if (size > HYPSEC_VIRT_DTB_MAX) {
        error_setg(errp, "the device tree with its command line takes %zu "
                   "bytes, more than the %" PRIu64 " that it has on this "
                   "machine", size, (uint64_t)HYPSEC_VIRT_DTB_MAX);
        return false;
    }
    fdt = g_malloc0(size);
    ret = fdt_open_into(ms->fdt, fdt, size);
    if (ret) {
        error_setg(errp, "bad device tree: %s", fdt_strerror(ret));
        g_free(fdt);
        return false;
    }
    g_free(ms->fdt);
    ms->fdt = fdt;
    s->fdt_size = size;
    return true;
}

bool hypsec_fdt_create(HypsecVirtMachineState *s, Error **errp)
{
    FdtPhandles ph;

    fdt_add_root(s, &ph);
    if (s->dtb_randomness) {
        fdt_add_seeds(MACHINE(s)->fdt);
    }
    fdt_add_cpus(s);
    fdt_add_timer(s);
    fdt_add_pmu(s);
    fdt_add_gic(s, &ph);
    if (s->virtio_mmio) {
        fdt_add_virtio_mmio(s);
    }
    fdt_add_flash(s);
    fdt_add_pvpanic(s);
    fdt_add_fw_cfg(s);
    if (s->dma) {
        fdt_add_dma(s, &ph);
    }
    fdt_add_pcie(s, &ph);
    for (int i = HYPSEC_VIRT_NUM_SMMUS - 1; s->smmu && i >= 0; i--) {
        fdt_add_smmu(s, &ph, i);
    }
    fdt_add_gpio(s, &ph);
    fdt_add_rtc(s, &ph);
    fdt_add_uart(s, &ph, HYPSEC_VIRT_UART1);
    fdt_add_uart(s, &ph, HYPSEC_VIRT_UART0);
    return fdt_set_slack(s, errp);
}

/* Remove what only the hand-off of this run may say. */
static void fdt_forget_hand_off(void *fdt)
{
    static const char * const chosen_props[] = {
        "hypsec,kernel", "hypsec,initrd",
        "linux,initrd-start", "linux,initrd-end",
    };
    int chosen = fdt_path_offset(fdt, "/chosen");
    int node;

    for (int i = 0; chosen >= 0 && i < ARRAY_SIZE(chosen_props); i++) {
        fdt_nop_property(fdt, chosen, chosen_props[i]);
    }
    do {
        node = fdt_node_offset_by_compatible(fdt, -1, EL2_CARVEOUT_COMPAT);
    } while (node > 0 && fdt_nop_node(fdt, node) == 0);
}

bool hypsec_fdt_take(HypsecVirtMachineState *s, const void *blob, size_t size,
                     Error **errp)
{
    MachineState *ms = MACHINE(s);
    int ret = fdt_check_full(blob, size);

    if (ret) {
        error_setg(errp, "bad device tree: %s", fdt_strerror(ret));
        return false;
    }
    if (fdt_address_cells(blob, 0) != 2 || fdt_size_cells(blob, 0) != 2) {
        error_setg(errp, "bad device tree: this machine needs "
                   "#address-cells and #size-cells of 2 at the root");
        return false;
    }

    /* Twice the size: fdt_open_into() may convert an older version. */
    s->fdt_size = 2 * fdt_totalsize(blob) + FDT_SLACK;
    ms->fdt = g_malloc0(s->fdt_size);
    ret = fdt_open_into(blob, ms->fdt, s->fdt_size);
    if (ret) {
        error_setg(errp, "bad device tree: %s", fdt_strerror(ret));
        return false;
    }
    fdt_forget_hand_off(ms->fdt);
    return fdt_set_slack(s, errp);
}

static void fdt_add_carveout(const HypsecVirtMachineState *s, void *fdt)
{
    static const char parent[] = "/reserved-memory";
    g_autofree char *node = g_strdup_printf("%s/el2@%" PRIx64, parent,
                                            s->carveout_base);
    int offset = fdt_path_offset(fdt, parent);

    if (offset < 0) {
        qemu_fdt_add_subnode(fdt, parent);
        qemu_fdt_setprop_cell(fdt, parent, "#address-cells", 2);
        qemu_fdt_setprop_cell(fdt, parent, "#size-cells", 2);
        qemu_fdt_setprop(fdt, parent, "ranges", NULL, 0);
    } else if (fdt_address_cells(fdt, offset) != 2 ||
               fdt_size_cells(fdt, offset) != 2) {
        error_report("bad device tree: this machine needs #address-cells "
                     "and #size-cells of 2 in %s", parent);
        exit(1);
    }
    qemu_fdt_add_subnode(fdt, node);
    qemu_fdt_setprop_string(fdt, node, "compatible", EL2_CARVEOUT_COMPAT);
    qemu_fdt_setprop_sized_cells(fdt, node, "reg", 2, s->carveout_base,
                                 2, s->carveout_size);
    qemu_fdt_setprop(fdt, node, "no-map", NULL, 0);
}

void hypsec_fdt_add_hand_off(const struct arm_boot_info *info, void *fdt)
{
    const HypsecVirtMachineState *s =
        container_of(info, HypsecVirtMachineState, bootinfo);

    if (!s->firmware) {
        return;
    }
    fdt_add_carveout(s, fdt);
    if (s->kernel_size) {
        qemu_fdt_setprop_sized_cells(fdt, "/chosen", "hypsec,kernel",
                                     2, s->kernel_base, 2, s->kernel_size);
    }
    if (info->initrd_size) {
        qemu_fdt_setprop_sized_cells(fdt, "/chosen", "hypsec,initrd",
                                     2, info->initrd_start,
                                     2, info->initrd_size);
    }
}
