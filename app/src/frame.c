/* SPDX-License-Identifier: Apache-2.0 */
#include "frame.h"

#include "check.h"

static uint32_t get(const uint8_t *bytes, int count)
{
	uint32_t value = 0;

	for (int n = 0; n < count; n++) {
		value |= (uint32_t)bytes[n] << 8 * n;
	}
	return value;
}

static void set(uint8_t *bytes, int count, uint32_t value)
{
	for (int n = 0; n < count; n++) {
		bytes[n] = (uint8_t)(value >> 8 * n);
	}
}

/* Take the stuffing out, in place. The size of what is left, 0 where it was no stuffing. */
static size_t unstuffed(uint8_t *bytes, size_t size)
{
	size_t from = 0, to = 0;

	while (from < size) {
		const size_t run = bytes[from++];

		if (run == 0 || run - 1 > size - from) {
			return 0;
		}
		for (size_t n = 1; n < run; n++) {
			bytes[to++] = bytes[from++];
		}
		if (run < 255 && from < size) {
			bytes[to++] = 0;
		}
	}
	return to;
}

bool frame_read(uint8_t *bytes, size_t size, struct frame *frame)
{
	const size_t raw = unstuffed(bytes, size);

	if (raw < FRAME_BYTES(0) || get(bytes + raw - 4, 4) != check_value(0, bytes, raw - 4)) {
		return false;
	}
	*frame = (struct frame){
		.kind = bytes[0],
		.size = get(bytes + 1, 2),
		.session = get(bytes + 3, 4),
		.sequence = get(bytes + 7, 4),
		.payload = bytes + FRAME_HEAD,
	};
	return raw == FRAME_BYTES(frame->size);
}

static void stuff(const uint8_t *bytes, size_t size, void (*put)(uint8_t byte))
{
	size_t from = 0;

	put(0);
	for (;;) {
		size_t run = 0;

		while (from + run < size && run < 254 && bytes[from + run] != 0) {
			run++;
		}
		put((uint8_t)(run + 1));
		for (size_t n = 0; n < run; n++) {
			put(bytes[from + n]);
		}
		from += run;
		if (from >= size) {
			break;
		}
		if (run < 254) {
			from++; /* the zero that the end of a run stands for */
		}
	}
	put(0);
}

void frame_write(const struct frame *frame, uint8_t *head, void (*put)(uint8_t byte))
{
	const size_t checked = FRAME_HEAD + frame->size;

	head[0] = frame->kind;
	set(head + 1, 2, (uint32_t)frame->size);
	set(head + 3, 4, frame->session);
	set(head + 7, 4, frame->sequence);
	set(head + checked, 4, check_value(0, head, checked));
	stuff(head, FRAME_BYTES(frame->size), put);
}
