/* SPDX-License-Identifier: Apache-2.0 */
/* The filter path: every sample goes through a filter in the time domain, which the network's gains change hop after hop. It needs
 * no frame to be whole, so the sound is late by half of the filter and a few samples of a block.
 *
 * Two threads may share a state: one calls cs_filter_samples in small blocks, a less urgent one on the same core
 * cs_filter_design. Floats by the rules of dsp.h; docs/numerics.md defines every operation. */
#ifndef CODESIGN_FILTER_H
#define CODESIGN_FILTER_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cs_filter_path {
    uint16_t taps; /* a multiple of 4 */
    uint16_t hop;
    uint16_t lag;  /* samples of a hop before the filter of the hop before it comes in */
    uint16_t fade; /* samples in which it does */
    float step;    /* 1 / fade */
    const float *taper; /* [taps / 2]: one half of a window, from its middle on */
} cs_filter_path;

/* All zero is the initial state: the signal is delayed by taps / 2 samples until the first filter is there. After it, 4-byte
 * aligned: three filters [taps], then the latest input [taps - 1 + hop]. */
typedef struct cs_filter_state {
    uint16_t position;      /* samples of this hop that were filtered */
    uint16_t faded;         /* of a fade; `fade` when there is none */
    uint8_t current, old;   /* which of the three filters */
    uint8_t started;        /* nothing yet, in the first hop, after it */
    volatile uint8_t ready; /* a filter that was designed and is not yet used */
    uint32_t held;          /* hops that went on with their filter because the next was not there in time */
} cs_filter_state;

/* n samples in, n samples out, any n that does not reach into another hop; in and out may be the same. The bits do not depend on
 * how a hop is cut into blocks. */
void cs_filter_samples(const cs_filter_path *path, cs_filter_state *state, const int16_t *in, int16_t *out, uint32_t n);
/* The next filter, of an impulse response [taps / 2 at least] that is even about its first sample. */
void cs_filter_design(const cs_filter_path *path, cs_filter_state *state, const float *response);
/* n_bins real gains as a spectrum [2 * n_bins], whose inverse transform is that response. */
void cs_gains_spectrum(const float *gains, uint32_t n_bins, float *spectrum);

#ifdef __cplusplus
}
#endif

#endif
