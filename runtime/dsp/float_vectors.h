/* SPDX-License-Identifier: Apache-2.0 */
/* What the front end computes in vectors of floats where a core has them. They flush subnormals; each function that says so
 * returns 0 where that may have changed a bit, and its caller computes the same in scalars. Factors are the bits of floats, in
 * core registers whatever the ABI. A core with integer vectors alone is compiled with CODESIGN_NO_FLOAT_VECTORS. */
#ifndef CODESIGN_FLOAT_VECTORS_H
#define CODESIGN_FLOAT_VECTORS_H

#include <stdint.h>

#if defined(__ARM_FEATURE_MVE) && defined(__ARM_FP) && (__ARM_FP & 4) && !defined(CODESIGN_NO_FLOAT_VECTORS)

#define CS_FLOAT_VECTORS 1

/* Stages of cs_complex_fft. x and y from the butterfly with p = 1 on, `butterflies`, an odd number above 1, with twiddles
 * each. */
uint32_t cs_fft_first_vectors(const float *x, float *y, uint32_t quarter, const float *w, uint32_t butterflies);

/* quarter and step in bytes; groups: those with twiddles. */
uint32_t cs_fft_next_vectors(const float *x, float *y, uint32_t quarter, uint32_t step, const float *w, uint32_t groups);
uint32_t cs_fft_last_vectors(const float *x, float *y, uint32_t points);

/* Two bins up and two bins down a turn, at most `turns`; how many were computed, all others are as they were. */
uint32_t cs_split_vectors(const float *up, const float *down, float *x_up, float *x_down, const float *w, uint32_t turns);
uint32_t cs_merge_vectors(const float *up, const float *down, float *z_up, float *z_down, const float *w, uint32_t turns,
                          uint32_t scale);

/* pcm * 2^-15 * window; a * b; overlap + frame * window as PCM. */
uint32_t cs_window_vectors(const int16_t *pcm, const float *window, float *frame, uint32_t n);
uint32_t cs_product_vectors(const float *a, const float *b, float *y, uint32_t n);
uint32_t cs_overlap_vectors(const float *overlap, const float *frame, const float *window, int16_t *out, uint32_t n);

/* Up to n elements of x times `parts`, in 1/256 of a step, rounded to steps; how many before the first four of which one is
 * near to half a step. */
uint32_t cs_quantize_vectors(const float *x, uint32_t n, uint32_t parts, int16_t *q);

/* (q - zero_point) * scale of a scale that is no subnormal. */
void cs_dequantize_vectors(const int16_t *q, uint32_t n, uint32_t scale, int32_t zero_point, float *x);

#else

#define CS_FLOAT_VECTORS 0

#endif

#endif
