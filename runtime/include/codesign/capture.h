/* SPDX-License-Identifier: Apache-2.0 */
/* What lies between a device and the network, in integers: a beamformer of two microphones, and a sample rate two or three
 * times the network's. docs/numerics.md defines every operation; the bits do not depend on how a signal is cut into blocks. */
#ifndef CODESIGN_CAPTURE_H
#define CODESIGN_CAPTURE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CS_BEAM_TAPS 16
#define CS_PHASE_TAPS 24 /* of the resampler, for each sample of the faster rate */
#define CS_CAPTURE_RUN 16 /* samples that are done together */

typedef struct cs_beam {
    const int16_t *taps; /* [CS_BEAM_TAPS][2], oldest first: of both microphones; 4-byte aligned */
    uint32_t leak;       /* of 2^32: what the sum loses a sample; 0: there is no sum */
    uint8_t shift;       /* of a sum of products, to 8 bits after the point; with a sum over time 1 at least */
} cs_beam;

/* Zero at first. */
typedef struct cs_beam_state {
    int32_t level;
    int16_t frames[2 * (CS_BEAM_TAPS - 1 + CS_CAPTURE_RUN)];
} cs_beam_state;

/* n frames of two interleaved samples to n samples; out may begin where in does. */
void cs_beam_form(const cs_beam *beam, cs_beam_state *state, const int16_t *in, int16_t *out, uint32_t n);

typedef struct cs_resampler {
    const int16_t *taps;   /* [ratio * CS_PHASE_TAPS]: symmetric, 4-byte aligned */
    const int16_t *phases; /* [ratio][CS_PHASE_TAPS]: of each sample of the faster rate, oldest first; 4-byte aligned */
    uint8_t ratio;
} cs_resampler;

/* Zero at first. Slow is of the network's rate: what came down, or goes up. */
#define CS_RESAMPLER_FAST(ratio) (((ratio) * (CS_PHASE_TAPS - 1)) + (ratio) * CS_CAPTURE_RUN)
#define CS_RESAMPLER_SLOW        (CS_PHASE_TAPS + CS_CAPTURE_RUN) /* the last is read, never used */

/* ratio * n samples to n; past: int16 [CS_RESAMPLER_FAST(ratio)]; out may begin where in does. */
void cs_resample_down(const cs_resampler *resampler, int16_t *past, const int16_t *in, int16_t *out, uint32_t n);

/* n samples to ratio * n, which must not overlap; past: int16 [CS_RESAMPLER_SLOW]. */
void cs_resample_up(const cs_resampler *resampler, int16_t *past, const int16_t *in, int16_t *out, uint32_t n);

/* n samples to n frames of the same sample twice, in place: out is int16 [2 * n]. */
void cs_to_both(int16_t *out, uint32_t n);

#ifdef __cplusplus
}
#endif

#endif
