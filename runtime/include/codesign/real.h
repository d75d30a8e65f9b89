/* SPDX-License-Identifier: Apache-2.0 */
/* Float blocks: what a network computes in float32 between its features and integers, step by step, by the rules of dsp.h.
 * docs/numerics.md: Float block. */
#ifndef CODESIGN_REAL_H
#define CODESIGN_REAL_H

#include "codesign/chain.h"
#include "codesign/layout.h"

#ifdef __cplusplus
extern "C" {
#endif

/* As cs_rearrange_s16. */
void cs_real_move(const cs_copy *copy, const float *x, float *y);

/* y[i] = a[i * a_step] o b[i * b_step]; a step of 0 is one number for all. y may be a or b. */
void cs_real_add(const float *a, uint32_t a_step, const float *b, uint32_t b_step, uint32_t n, float *y);
void cs_real_subtract(const float *a, uint32_t a_step, const float *b, uint32_t b_step, uint32_t n, float *y);
void cs_real_multiply(const float *a, uint32_t a_step, const float *b, uint32_t b_step, uint32_t n, float *y);
void cs_real_divide(const float *a, uint32_t a_step, const float *b, uint32_t b_step, uint32_t n, float *y);
void cs_real_minimum(const float *a, uint32_t a_step, const float *b, uint32_t b_step, uint32_t n, float *y);
void cs_real_maximum(const float *a, uint32_t a_step, const float *b, uint32_t b_step, uint32_t n, float *y);
/* y[i] = sqrt((a^2 + b^2) + floor) */
void cs_real_magnitude(const float *a, uint32_t a_step, const float *b, uint32_t b_step, float floor, uint32_t n, float *y);

/* y[i] = the angle of b + ja in radians, within +-pi; 0 of 0, -pi of negative real numbers */
void cs_real_phase(const float *a, uint32_t a_step, const float *b, uint32_t b_step, uint32_t n, float *y);

/* y[i] = scale * log2(max(x[i], 2^-126)) */
void cs_real_logarithm(const float *x, float scale, uint32_t n, float *y);
/* y[i] = max(x[i], 2^-126)^exponent, exponent in [-1, 1]; of a positive exponent 0 where x[i] is not above 0. */
void cs_real_power(const float *x, float exponent, uint32_t n, float *y);
/* y[i] = sqrt(max(x[i], 0)) */
void cs_real_root(const float *x, uint32_t n, float *y);

/* As cs_quantize_s8 and cs_quantize_s16; what is no number becomes 0. */
void cs_real_to_s8(const float *x, uint32_t n, float scale, int32_t zero_point, int8_t *q);
void cs_real_to_s16(const float *x, uint32_t n, float scale, int16_t *q);

#ifdef __cplusplus
}
#endif

#endif
