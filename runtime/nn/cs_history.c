/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/layout.h"
#include "move.h"

/* All rows at once: shifted by one frame, each row's oldest frame lands in the newest of the row before, which x overwrites. */
static void append(int8_t *history, const int8_t *x, uint32_t rows, uint32_t frames, uint32_t frame_bytes)
{
    int8_t *newest = history + (frames - 1) * frame_bytes;

    cs_move(history, history + frame_bytes, (rows * frames - 1) * frame_bytes);
    for (; rows > 0; rows--, newest += frames * frame_bytes, x += frame_bytes) {
        cs_move(newest, x, frame_bytes);
    }
}

void cs_history_s8(int8_t *history, const int8_t *x, uint32_t rows, uint32_t frames, uint32_t size)
{
    append(history, x, rows, frames, size);
}

void cs_history_s16(int16_t *history, const int16_t *x, uint32_t rows, uint32_t frames, uint32_t size)
{
    append((int8_t *)history, (const int8_t *)x, rows, frames, 2 * size);
}
