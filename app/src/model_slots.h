/* SPDX-License-Identifier: Apache-2.0 */
/* Two partitions for networks, of which the newest whole one runs; the other takes the next. Plain C, no Zephyr:
 * docs/update.md.
 *
 * An image's header is written last and in one piece. Whatever happens before, its partition holds no image, and the other one
 * runs.
 */
#ifndef CODESIGN_APP_MODEL_SLOTS_H
#define CODESIGN_APP_MODEL_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codesign/model_image.h"

#define MODEL_SLOTS 2
#define NO_SLOT     (-1)

/* Where the partitions are, how they are written, and what the firmware can run. The functions return 0 or a negative errno;
 * writing goes from erased to written only, in multiples of MODEL_WRITE bytes. */
struct model_slots {
	const uint8_t *at[MODEL_SLOTS]; /* as the core reads them */
	uint32_t address[MODEL_SLOTS];
	uint32_t size;
	int (*erase)(int slot);
	int (*write)(int slot, uint32_t offset, const void *data, size_t size);
	cs_model_shape shape;
	uint32_t memory, stack;
};

#define MODEL_WRITE 4u

enum model_state {
	MODEL_RUNS,
	MODEL_EMPTY,   /* erased, or an update that was cut off */
	MODEL_DAMAGED, /* a check value is wrong */
	MODEL_LAYOUT,  /* of another version of the header */
	MODEL_PLACE,   /* linked for another address, or longer than its partition */
	MODEL_SHAPE,   /* for another core, rate, hop or chain */
	MODEL_SIZE,    /* needs more memory or stack than the firmware has for it */
};

extern const char *const model_states[];

/* What is in a partition, and whether it can be run. */
enum model_state model_state(const struct model_slots *slots, int slot);

const cs_model_image *model_header(const struct model_slots *slots, int slot);

/* The partition whose image runs: of those that can the newest. NO_SLOT where none can. */
int model_newest(const struct model_slots *slots);

/* An update under way: into the partition that does not run. */
struct model_update {
	int slot;
	uint32_t next; /* the offset that is waited for */
	uint32_t header[CS_MODEL_IMAGE_HEAD / 4];
};

/* Erase the partition that does not run. */
int model_update_begin(const struct model_slots *slots, struct model_update *update);

/* The next bytes: in order, a multiple of MODEL_WRITE. -EINVAL where they are not, -ENOSPC where they do not fit, -ENOENT
 * without a beginning; what came last may come again. */
int model_update_write(const struct model_slots *slots, struct model_update *update, uint32_t offset, const uint8_t *data, size_t size);

/* Check what was written, and let it be the newest. 0, or what keeps it from running as a model_state; a negative errno. */
int model_update_finish(const struct model_slots *slots, struct model_update *update);

#endif
