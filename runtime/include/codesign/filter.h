/* SPDX-License-Identifier: Apache-2.0 */
/* The filter path: every sample goes through a filter in the time domain, which the network's gains change hop after hop. It
 * needs no frame to be whole, so the sound is late by what the filter takes and a few samples of a block.
 *
 * Two threads may share a state: one calls cs_filter_samples in small blocks, a less urgent one on the same core
 * cs_filter_next. Floats by the rules of dsp.h; docs/numerics.md defines every operation. */
#ifndef CODESIGN_FILTER_H
#define CODESIGN_FILTER_H

#include <stdint.h>

#include "codesign/dsp_q31.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cs_filter_path {
    uint16_t taps; /* a multiple of 4 */
    uint16_t hop;
    uint16_t lag;   /* samples of a hop before the filter of the hop before it comes in */
    uint16_t fade;  /* samples in which it does */
    uint16_t delay; /* of the signal until the first filter is there, in samples */
    float step;     /* 1 / fade */
    uint32_t fixed_step; /* 1 / fade in Q16, for taps of 16 bits */
} cs_filter_path;

/* All zero is the initial state: the signal is delayed until the first filter is there. After it, 4-byte aligned: three filters
 * [taps], then the latest input [taps - 1 + hop], of float; or int16_t [4], the bits after the point of each filter, and the
 * same of int16_t. */
typedef struct cs_filter_state {
    uint16_t position;      /* samples of this hop that were filtered */
    uint16_t faded;         /* of a fade; `fade` when there is none */
    uint8_t current, old;   /* which of the three filters */
    uint8_t started;        /* nothing yet, in the first hop, after it */
    volatile uint8_t ready; /* a filter that was designed and is not yet used */
    uint32_t held;          /* hops that went on with their filter because the next was not there in time */
} cs_filter_state;

/* n samples in, n samples out, any n that does not reach into another hop; in and out may be the same. The bits do not depend
 * on how a hop is cut into blocks. _s16: with filters and samples of 16 bits. */
void cs_filter_samples(const cs_filter_path *path, cs_filter_state *state, const int16_t *in, int16_t *out, uint32_t n);
void cs_filter_samples_s16(const cs_filter_path *path, cs_filter_state *state, const int16_t *in, int16_t *out, uint32_t n);

/* The next filter [taps]; _s16 and _q31: of 16 bits, made of floats, or of words with `fraction` bits after the point. */
void cs_filter_next(const cs_filter_path *path, cs_filter_state *state, const float *filter);
void cs_filter_next_s16(const cs_filter_path *path, cs_filter_state *state, const float *filter);
void cs_filter_next_q31(const cs_filter_path *path, cs_filter_state *state, const int32_t *filter, int32_t fraction);

/* A filter [taps] late by `delay` samples, of an impulse response [taps - delay at least] that is even about its first sample,
 * times a window: `late` [taps - delay] from its middle on, `early` [delay] from there backwards. Of linear phase where delay
 * is taps / 2, and nearly so where it is less. _q31: the window in Q31; one bit after the point less than the response. */
void cs_filter_linear(uint32_t taps, uint32_t delay, const float *early, const float *late, const float *response,
                      float *filter);
void cs_filter_linear_q31(uint32_t taps, uint32_t delay, const int32_t *early, const int32_t *late, const int32_t *response,
                          int32_t *filter);
/* A filter [taps] of minimum phase, of a real cepstrum [taps at least] to the base 2, which is destroyed. */
void cs_filter_minimum(uint32_t taps, float *cepstrum, float *filter);

/* n_bins real gains as a spectrum [2 * n_bins], whose inverse transform is that response, or of logarithms that cepstrum. */
void cs_gains_spectrum(const float *gains, uint32_t n_bins, float *spectrum);
/* The same of a mask, n_mels int16 or int8; work: [n_mels]. Gains have mask_shift - 4 - mask_exponent bits after the point. */
cs_spread_q31 cs_gains_spectrum_q31(const cs_frontend_q31 *front, const void *mask, int32_t *spectrum, int32_t *work);

#ifdef __cplusplus
}
#endif

#endif
