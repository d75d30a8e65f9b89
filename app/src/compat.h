/* SPDX-License-Identifier: Apache-2.0 */
/* What changed its name or shape between Zephyr 3.3 and today. */
#ifndef CODESIGN_APP_COMPAT_H
#define CODESIGN_APP_COMPAT_H

#include <zephyr/kernel.h>

#if __has_include(<zephyr/version.h>)
#include <zephyr/version.h>
#else
#include <version.h>
#endif

/* The argument was the address of the pointer before 3.5. */
static inline void slab_free(struct k_mem_slab *slab, void *block)
{
#if KERNEL_VERSION_MAJOR > 3 || (KERNEL_VERSION_MAJOR == 3 && KERNEL_VERSION_MINOR >= 5)
	k_mem_slab_free(slab, block);
#else
	k_mem_slab_free(slab, &block);
#endif
}

/* What is called at the start was given a device before 3.4. */
#if KERNEL_VERSION_MAJOR > 3 || (KERNEL_VERSION_MAJOR == 3 && KERNEL_VERSION_MINOR >= 4)
#define START_ARGUMENTS void
#else
#define START_ARGUMENTS const struct device *device
#endif

/* What a fault leaves on the stack was renamed in 3.7. */
#if KERNEL_VERSION_MAJOR > 3 || (KERNEL_VERSION_MAJOR == 3 && KERNEL_VERSION_MINOR >= 7)
typedef struct arch_esf fault_frame;
#else
typedef z_arch_esf_t fault_frame;
#endif

static inline uint32_t fault_pc(const fault_frame *frame)
{
#ifdef CONFIG_CPU_CORTEX_M
	return frame != NULL ? frame->basic.pc : 0;
#else
	ARG_UNUSED(frame);
	return 0;
#endif
}

#endif
