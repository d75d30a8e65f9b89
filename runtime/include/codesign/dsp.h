/* SPDX-License-Identifier: Apache-2.0 */
/* The float32 front end. Operation order is part of the contract (docs/numerics.md): no contraction, no libm.
 *
 * Needs binary32 arithmetic with subnormals, a little-endian core, and -ffp-contract=off. Every pointer to memory is the
 * caller's, floats are 4-byte aligned. */
#ifndef CODESIGN_DSP_H
#define CODESIGN_DSP_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Real FFT of n = 2^k points, 16 <= n <= 4096. Twiddles are generated (frontend/fft_tables.py), interleaved (cos, -sin).
 *   twiddles  of the n/2-point complex transform, in the order of use: for length = n/2, n/8, n/32 ... while >= 8, for
 *             p = 1 ... length/4 - 1: exp(-2 pi i m p / length) for m = 1, 2, 3
 *   split     exp(-2 pi i k / n) for k = 0 ... n/4 */
typedef struct cs_fft {
    uint16_t n;
    const float *twiddles;
    const float *split;
} cs_fft;

/* Matrix whose rows are non-zero in one run of columns: row r has length[r] weights from column start[r] on. */
typedef struct cs_banded {
    uint16_t rows;
    uint16_t columns;
    const uint16_t *start;
    const uint16_t *length;
    const float *weights;
} cs_banded;

/* First member of either front end: this one's, and that of dsp_q31.h; all of it for a chain made of the pieces in chain.h. */
typedef struct cs_frame_size {
    uint32_t sample_rate;
    uint16_t n_fft, window, hop, n_mels; /* bands, or bins: at most n_fft/2 + 1; 0 where there are none */
} cs_frame_size;

typedef struct cs_frontend {
    cs_frame_size size;
    const float *analysis_window;        /* [window] */
    const float *synthesis_window;       /* [window] */
    cs_fft fft;
    cs_banded mel;  /* n_mels x n_bins */
    cs_banded bins; /* n_bins x n_mels: band gains to bin gains */
    uint8_t power;  /* 1: bands of |X|^2, 0: bands of |X| */
    uint8_t mask_is_int16;
    float exponent; /* in (0, 1] */
    float feature_scale;
    int32_t feature_zero_point;
    float mask_scale;
    int32_t mask_zero_point;
} cs_frontend;

/* The four stages of a frame. spectrum and work: n_fft + 2 floats each; history and overlap as in cs_layout. */

/* Take in one hop: window, FFT. Leaves n_fft/2 + 1 complex values in `spectrum`. */
void cs_analysis(const cs_frontend *front, int16_t *history, const int16_t *in, float *spectrum, float *work);
/* Mel bands, compression, quantization: n_mels int8 features. */
void cs_features(const cs_frontend *front, const float *spectrum, float *work, int8_t *features);
/* Multiply the spectrum by the mask, n_mels int16 or int8. */
void cs_apply_mask(const cs_frontend *front, const void *mask, float *spectrum, float *work);
/* Inverse FFT, window, overlap-add: one hop of output. Destroys the spectrum. */
void cs_synthesis(const cs_frontend *front, float *spectrum, float *work, float *overlap, int16_t *out);

/* data: n floats in, n/2 + 1 complex values (n + 2 floats) out; work: n + 2 floats. */
void cs_rfft(const cs_fft *fft, float *data, float *work);
/* The inverse, scaled by 1/n: n + 2 floats in, n floats out. */
void cs_irfft(const cs_fft *fft, float *data, float *work);
/* y[r] = sum over row r in ascending order of columns. x and y do not overlap. */
void cs_banded_multiply(const cs_banded *matrix, const float *x, float *y);

#ifdef __cplusplus
}
#endif

#endif
