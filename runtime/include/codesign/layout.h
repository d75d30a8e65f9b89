/* SPDX-License-Identifier: Apache-2.0 */
/* Elements moved from place to place: transposition, slices, concatenation, padding. docs/numerics.md: Rearrange. */
#ifndef CODESIGN_LAYOUT_H
#define CODESIGN_LAYOUT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CS_COPY_LOOPS 4

/* For all i_k < sizes[k]: y[to_offset + sum of i_k * to[k]] = x[from_offset + sum of i_k * from[k]]. The last loop is the
 * innermost; loops that are not needed have the size 1 and stand first. */
typedef struct cs_copy {
    int32_t from_offset, to_offset;
    uint32_t sizes[CS_COPY_LOOPS];
    int32_t from[CS_COPY_LOOPS], to[CS_COPY_LOOPS];
} cs_copy;

/* y = clamp(MBQM(x - source_zero_point, multiplier, shift) + zero_point, low, high); wide: int16, else int8. */
typedef struct cs_scale {
    int32_t multiplier, shift, source_zero_point, zero_point, low, high;
    uint8_t x_wide, y_wide;
} cs_scale;

void cs_rearrange_s8(const cs_copy *copy, const int8_t *x, int8_t *y);
void cs_rearrange_s16(const cs_copy *copy, const int16_t *x, int16_t *y);
void cs_rearrange_scaled(const cs_copy *copy, const cs_scale *scale, const void *x, void *y);

/* Bytes from place to place, upwards: `to` may be below `from` in the same memory. For cores with the DSP or vector
 * extension. */
void cs_move_up(void *to, const void *from, uint32_t bytes);

/* A history of `frames` frames of `rows` rows, [rows, frames, size]: each row forgets its oldest frame, and the newest of x,
 * [rows, size], goes to its end. */
void cs_history_s8(int8_t *history, const int8_t *x, uint32_t rows, uint32_t frames, uint32_t size);
void cs_history_s16(int16_t *history, const int16_t *x, uint32_t rows, uint32_t frames, uint32_t size);

/* The same in a ring whose oldest frame is at `place`, where the newest takes its room; `place` moves on. */
void cs_ring_s16(int16_t *history, int16_t *place, const int16_t *x, uint32_t rows, uint32_t frames, uint32_t size);

#ifdef __cplusplus
}
#endif

#endif
