/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of bytes on a serial line that text shares: docs/console.md, "Audio over the console". Plain C, no Zephyr.
 *
 * A frame is FRAME_HEAD bytes, its payload and a check value, all little-endian, stuffed so that it holds no zero byte
 * (COBS: Cheshire and Baker, "Consistent Overhead Byte Stuffing", 1999), with a zero before and after. Text never holds one.
 */
#ifndef CODESIGN_APP_FRAME_H
#define CODESIGN_APP_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_BEGIN 'B' /* to the board: start anew */
#define FRAME_DATA  'D' /* to the board: one hop in; from it: the hop out, with counts */
#define FRAME_END   'E' /* to the board: stop and say what was counted */
#define FRAME_AGAIN 'N' /* from the board: what came was damaged; the sequence number says what is waited for */

struct frame {
	uint8_t kind;
	uint32_t session;  /* chosen by the other side at its beginning: what belongs to an earlier one is told apart */
	uint32_t sequence; /* of a hop, from 0 */
	size_t size;       /* of the payload */
	const uint8_t *payload;
};

#define FRAME_HEAD         11u /* kind, size in 16 bits, session, sequence */
#define FRAME_BYTES(size)  (FRAME_HEAD + (size) + 4u)
#define FRAME_STUFFED(raw) ((raw) + (raw) / 254u + 1u)

/* Read what stood between two zeros, in place. Whether it is a whole frame. */
bool frame_read(uint8_t *bytes, size_t size, struct frame *frame);

/* Write a frame with `put`, a byte at a time. `head` is room for FRAME_HEAD bytes right in front of the payload, and the four
 * bytes after it are room for the check value. */
void frame_write(const struct frame *frame, uint8_t *head, void (*put)(uint8_t byte));

#endif
