/* SPDX-License-Identifier: Apache-2.0 */
/* The program of the enhancement that `memory` holds; -EINVAL where the chain has no such one, -ENOTSUP where it has none. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <errno.h>
#include <stdint.h>

#include "network.h"

static inline int program_set(void *memory, int program)
{
#ifdef CODESIGN_MODEL_PROGRAMS
	if (program < 0 || program >= CODESIGN_MODEL_PROGRAMS) {
		return -EINVAL;
	}
	codesign_set_program(memory, (uint32_t)program);
	return 0;
#else
	(void)memory;
	(void)program;
	return -ENOTSUP;
#endif
}

#endif
