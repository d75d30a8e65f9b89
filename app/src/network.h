/* SPDX-License-Identifier: Apache-2.0 */
/* The network that runs: the one that the firmware was built with, or with CONFIG_CODESIGN_MODEL_SLOTS the newest of its
 * partitions. */
#ifndef CODESIGN_APP_NETWORK_H
#define CODESIGN_APP_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codesign_model.h"

#ifdef CONFIG_CODESIGN_MODEL_SLOTS

#include "codesign/model_image.h"

/* Look for the newest network that can run. Whether there is one. */
bool network_find(void);

/* Its table: of one that was found. */
extern const cs_model_table *network;

#define NETWORK_MEMORY_BYTES CONFIG_CODESIGN_MODEL_MEMORY

static inline int network_init(void *memory, size_t size)
{
	return network->init(memory, size);
}

static inline int network_process(void *memory, const int16_t *in, int16_t *out)
{
	return network->process(memory, in, out);
}

static inline uint32_t network_frames(const void *memory)
{
	return network != NULL ? network->frames(memory) : 0;
}

static inline uint32_t network_skipped(const void *memory)
{
	return network != NULL ? network->skipped(memory) : 0;
}

#ifdef CODESIGN_MODEL_LAG
#undef codesign_play
#undef codesign_update
#undef codesign_held
#define codesign_play   network->play
#define codesign_update network->update
#define codesign_held(memory) (network != NULL ? network->held(memory) : 0)
#endif

/* The image of a partition may lack what the firmware's own model has. */
#undef codesign_set_strength
#define codesign_set_strength(memory, percent) (network_has(set_strength) ? network->set_strength(memory, percent) : (void)0)
#undef codesign_set_program
#define codesign_set_program(memory, program) \
	(network_has(set_program) && program < network->programs ? network->set_program(memory, program) : (void)0)
#define network_has(function) (network != NULL && network->function != NULL)

#else

#define NETWORK_MEMORY_BYTES CODESIGN_MODEL_MEMORY_BYTES

static inline bool network_find(void)
{
	return true;
}

static inline int network_init(void *memory, size_t size)
{
	return (int)cs_enhancer_init(&CODESIGN_MODEL, memory, size);
}

static inline int network_process(void *memory, const int16_t *in, int16_t *out)
{
	return (int)cs_enhancer_process(memory, in, out, 1);
}

static inline uint32_t network_frames(const void *memory)
{
	return cs_enhancer_frames(memory);
}

static inline uint32_t network_skipped(const void *memory)
{
	return cs_enhancer_skipped(memory);
}

#endif

#endif
