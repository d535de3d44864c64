// @ts-check
// Plain JavaScript: the set-up builds the guest image with it before anything is installed.

/**
 * Kernel options of a machine that QEMU emulates. Linux measures the frequencies of TSC and local APIC at boot, against a
 * timer that runs on while the emulated processor waits for the host's. With eight machines that boot at once on two cores,
 * a TSC of 2,596 MHz was taken for one of 79 to 931 MHz in 8 of 145 boots (time ran up to 33 times too fast, and limits were
 * over at once), and for one of 224 GHz in 1 of 593 (86 times too slow: the machine seemed to hang). ACPI's clock and the
 * PIT have the same frequency everywhere, and cost nothing that could be measured. So has the HPET, but that is reached
 * through memory, and QEMU 7.2 once crashed on a write to emulated memory within the first hundred boots with it.
 */
export const EMULATED_CLOCK = 'clocksource=acpi_pm nolapic_timer hpet=disable tsc=reliable';
