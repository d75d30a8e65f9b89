/* SPDX-License-Identifier: Apache-2.0 */
/* The pieces that a generated chain is made of, in float32 by the rules of dsp.h: framing, features, what the network gives,
 * and transforms of lengths that are no power of two. A model calls those that it needs; the linker leaves the others out.
 *
 * docs/numerics.md defines every operation. Every pointer to memory is the caller's, floats are 4-byte aligned. */
#ifndef CODESIGN_CHAIN_H
#define CODESIGN_CHAIN_H

#include "codesign/dsp.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Real FFT of n = 2^a 3^b 5^c points, even, no power of two, 16 <= n <= 4096. `fft` as in dsp.h, but its twiddles are, for each
 * stage of `length` points and radix r, for p = 1 ... length/r - 1: exp(-2 pi i m p / length) for m = 1 ... r - 1. */
typedef struct cs_mixed_fft {
    cs_fft fft;
    uint8_t stages;
    uint8_t radices[8]; /* of the n/2-point complex transform: 4s, a 2, 3s, 5s */
} cs_mixed_fft;

/* As cs_rfft and cs_irfft. */
void cs_rfft_mixed(const cs_mixed_fft *fft, float *data, float *work);
void cs_irfft_mixed(const cs_mixed_fft *fft, float *data, float *work);

/* One hop of PCM: `frame` becomes window samples times `window` [window], then zeros up to n_fft. history: [window - hop]. */
void cs_take_frame(const cs_frame_size *size, const float *window, int16_t *history, const int16_t *in, float *frame);
/* One hop of output from a frame times `window`, added to what came before. overlap: [window - hop]. */
void cs_overlap_add(const cs_frame_size *size, const float *frame, const float *window, float *overlap, int16_t *out);

/* |X|^2 and |X| of n_bins complex values. */
void cs_powers(const float *spectrum, uint32_t n_bins, float *y);
void cs_magnitudes(const float *spectrum, uint32_t n_bins, float *y);
/* x[i] = max(x[i], floor) */
void cs_floor(float *x, uint32_t n, float floor);
/* x[i] = max(x[i], 2^-40)^exponent; x[i] below 2^127, exponent in (0, 1]. Relative error below 3e-7. */
void cs_power(float *x, uint32_t n, float exponent);
/* x[i] = scale * log2(max(x[i] + offset, floor)); floor a normal number. */
void cs_logarithm(float *x, uint32_t n, float offset, float floor, float scale);
/* y[i] = (x[i] - mean) * factor, of one mean and factor (step 0) or one each (step 1); y may be x. */
void cs_standardize(const float *x, uint32_t n, const float *mean, uint32_t mean_step, const float *factor,
                  uint32_t factor_step, float *y);

/* Normalization by a running mean of what went before and x itself, keep * old + take * x. scale is 0 where each value has a
 * mean of its own, and 1/n where all have one, of the mean over all. */
typedef struct cs_running {
    float keep, take, scale, floor;
} cs_running;

/* y[i] = x[i] - mean; y may be x. mean: [n], or [1] of all. */
void cs_running_mean(const cs_running *running, const float *x, uint32_t n, float *mean, float *y);
/* After it: x[i] = x[i] / sqrt(max(square, floor)), square being the running mean of x[i]^2. */
void cs_running_deviation(const cs_running *running, float *x, uint32_t n, float *square);
/* y = x / sqrt(max(size, floor)) of complex bins whose parts lie `step` floats apart, size being the running mean of |x|. */
void cs_running_unit(const cs_running *running, const float *re, const float *im, uint32_t step, uint32_t n_bins, float *size,
                     float *y_re, float *y_im);

/* Integers of -127 ... 127, and of -32767 ... 32767: x / scale to the nearest, ties to even, plus the zero point. */
void cs_quantize_s8(const float *x, uint32_t n, float scale, int32_t zero_point, int8_t *q);
void cs_quantize_s16(const float *x, uint32_t n, float scale, int16_t *q);
void cs_dequantize_s8(const int8_t *q, uint32_t n, float scale, int32_t zero_point, float *x);
void cs_dequantize_s16(const int16_t *q, uint32_t n, float scale, int32_t zero_point, float *x);

/* Gains to low ... high. */
void cs_limit_gains(float *gains, uint32_t n, float low, float high);
/* The spectrum times real gains, one a bin. */
void cs_apply_gains(float *spectrum, const float *gains, uint32_t n_bins);
/* The spectrum times complex values, whose parts lie `step` floats apart: 2 where re and im alternate, 1 in planes. */
void cs_apply_complex_mask(float *spectrum, const float *re, const float *im, uint32_t step, uint32_t n_bins);
/* Alternating re and im into n_bins of re and n_bins of im, and back. */
void cs_to_planes(const float *spectrum, uint32_t n_bins, float *planes);
void cs_from_planes(const float *planes, uint32_t n_bins, float *spectrum);

#ifdef __cplusplus
}
#endif

#endif
