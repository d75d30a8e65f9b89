/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "check.h"
#include "model_slots.h"

_Static_assert(sizeof(cs_model_image) == CS_MODEL_IMAGE_HEAD, "the header is as long as it says");

const char *const model_states[] = {
	[MODEL_RUNS] = "good",     [MODEL_EMPTY] = "empty", [MODEL_DAMAGED] = "damaged", [MODEL_LAYOUT] = "layout",
	[MODEL_PLACE] = "address", [MODEL_SHAPE] = "shape", [MODEL_SIZE] = "memory",
};

const cs_model_image *model_header(const struct model_slots *slots, int slot)
{
	return (const cs_model_image *)(const void *)slots->at[slot];
}

/* Of a header that may still be in memory; its body lies in the partition. */
static enum model_state state_of(const struct model_slots *slots, int slot, const cs_model_image *image)
{
	if (image->magic != CS_MODEL_IMAGE_MAGIC) {
		return image->magic == UINT32_MAX ? MODEL_EMPTY : MODEL_DAMAGED;
	}
	if (image->layout != CS_MODEL_IMAGE_LAYOUT) {
		return MODEL_LAYOUT;
	}
	if (image->check != check_value(0, image, offsetof(cs_model_image, check))) {
		return MODEL_DAMAGED;
	}
	const uint32_t first = slots->address[slot] + CS_MODEL_IMAGE_HEAD;

	if (image->address != slots->address[slot] || image->body > slots->size - CS_MODEL_IMAGE_HEAD || image->table < first ||
	    image->table % 4 != 0 || image->body < sizeof(cs_model_table) ||
	    image->table - first > image->body - sizeof(cs_model_table)) {
		return MODEL_PLACE;
	}
	if (memcmp(&image->shape, &slots->shape, sizeof(image->shape)) != 0) {
		return MODEL_SHAPE;
	}
	if (image->memory > slots->memory || image->stack > slots->stack) {
		return MODEL_SIZE;
	}
	return image->body_check == check_value(0, slots->at[slot] + CS_MODEL_IMAGE_HEAD, image->body) ? MODEL_RUNS
												       : MODEL_DAMAGED;
}

enum model_state model_state(const struct model_slots *slots, int slot)
{
	return state_of(slots, slot, model_header(slots, slot));
}

int model_newest(const struct model_slots *slots)
{
	int newest = NO_SLOT;

	for (int slot = 0; slot < MODEL_SLOTS; slot++) {
		/* Generations wrap: the distance tells. */
		if (model_state(slots, slot) == MODEL_RUNS &&
		    (newest == NO_SLOT ||
		     (int32_t)(model_header(slots, slot)->generation - model_header(slots, newest)->generation) > 0)) {
			newest = slot;
		}
	}
	return newest;
}

int model_update_begin(const struct model_slots *slots, struct model_update *update)
{
	const int slot = model_newest(slots) == 0 ? 1 : 0;
	const int err = slots->erase(slot);

	*update = (struct model_update){.slot = err == 0 ? slot : NO_SLOT};
	return err;
}

int model_update_write(const struct model_slots *slots, struct model_update *update, uint32_t offset, const uint8_t *data,
		       size_t size)
{
	if (update->slot == NO_SLOT) {
		return -ENOENT;
	}
	if (offset % MODEL_WRITE != 0 || size % MODEL_WRITE != 0 || size == 0) {
		return -EINVAL;
	}
	if (offset + size == update->next) {
		return 0; /* once more: the answer was lost */
	}
	if (offset != update->next) {
		return -EINVAL;
	}
	if (size > slots->size - offset) {
		return -ENOSPC;
	}
	size_t kept = 0;

	if (offset < CS_MODEL_IMAGE_HEAD) { /* the header waits for the end */
		kept = CS_MODEL_IMAGE_HEAD - offset < size ? CS_MODEL_IMAGE_HEAD - offset : size;
		memcpy((uint8_t *)update->header + offset, data, kept);
	}
	if (kept < size) {
		const int err = slots->write(update->slot, offset + (uint32_t)kept, data + kept, size - kept);

		if (err != 0) {
			update->slot = NO_SLOT; /* what is there now is not known */
			return err;
		}
	}
	update->next += (uint32_t)size;
	return 0;
}

int model_update_finish(const struct model_slots *slots, struct model_update *update)
{
	cs_model_image *image = (cs_model_image *)(void *)update->header;
	const int slot = update->slot, newest = model_newest(slots);

	update->slot = NO_SLOT;
	if (slot == NO_SLOT || slot == newest) {
		return -ENOENT;
	}
	enum model_state state = state_of(slots, slot, image);

	if (state != MODEL_RUNS) {
		return (int)state;
	}
	image->generation = newest == NO_SLOT ? 1 : model_header(slots, newest)->generation + 1;
	image->check = check_value(0, image, offsetof(cs_model_image, check));

	const int err = slots->write(slot, 0, image, sizeof(*image));

	if (err != 0) {
		return err;
	}
	state = model_state(slots, slot);
	return state == MODEL_RUNS ? 0 : (int)state;
}
