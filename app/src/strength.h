/* SPDX-License-Identifier: Apache-2.0 */
/* The strength of the enhancement that `memory` holds, 0 to 100 percent; -EINVAL beyond, -ENOTSUP where the chain has none. */
#ifndef STRENGTH_H
#define STRENGTH_H

#include <errno.h>
#include <stdint.h>
#include <zephyr/toolchain.h>

#include "network.h"

static inline int strength_set(void *memory, int percent)
{
#ifdef CODESIGN_MODEL_STRENGTH
	if (percent < 0 || percent > 100) {
		return -EINVAL;
	}
	codesign_set_strength(memory, (uint32_t)percent);
	return 0;
#else
	(void)memory;
	(void)percent;
	return -ENOTSUP;
#endif
}

#ifndef CODESIGN_MODEL_STRENGTH
BUILD_ASSERT(CONFIG_CODESIGN_STRENGTH < 0,
	     "CONFIG_CODESIGN_STRENGTH is of a model whose chain has a strength or an attenuation_limit");
#endif

/* What the configuration says of the start. */
static inline int strength_start(void *memory)
{
#if CONFIG_CODESIGN_STRENGTH >= 0
	return strength_set(memory, CONFIG_CODESIGN_STRENGTH);
#else
	(void)memory;
	return 0;
#endif
}

#endif
