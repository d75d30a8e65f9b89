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

#endif
