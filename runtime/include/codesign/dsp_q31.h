/* SPDX-License-Identifier: Apache-2.0 */
/* The fixed-point front end, for cores without an FPU: 32-bit integers, one exponent a frame. docs/numerics.md defines every
 * operation. The stages are those of dsp.h with other tables; all are exact integer arithmetic, so no compiler flag matters.
 *
 * Every pointer to memory is the caller's, words are 4-byte aligned. */
#ifndef CODESIGN_DSP_Q31_H
#define CODESIGN_DSP_Q31_H

#include "codesign/dsp.h"

#ifdef __cplusplus
extern "C" {
#endif

/* As cs_fft, tables in Q30. */
typedef struct cs_fft_q31 {
    uint16_t n;
    uint8_t log2_n;
    const int32_t *twiddles;
    const int32_t *split;
} cs_fft_q31;

/* As cs_banded. */
typedef struct cs_banded_q31 {
    uint16_t rows;
    uint16_t columns;
    const uint16_t *start;
    const uint16_t *length;
    const int32_t *weights;
} cs_banded_q31;

/* Of a spectrum: all words are below 2^28 after a shift up by `headroom`, and their absolute values then add up to less than
 * 2^bits. */
typedef struct cs_spread_q31 {
    int32_t headroom, bits;
} cs_spread_q31;

typedef struct cs_frontend_q31 {
    cs_frame_size size;
    const int32_t *analysis_window;  /* [window], Q29 */
    const int32_t *synthesis_window; /* [window], Q30 */
    cs_fft_q31 fft;
    cs_banded_q31 mel;  /* n_mels x n_bins, Q29 */
    cs_banded_q31 bins; /* n_bins x n_mels, Q31 */
    uint8_t power;      /* 1: bands of |X|^2, 0: bands of |X| */
    uint8_t mask_is_int16;
    int32_t exponent;           /* Q31 */
    int32_t feature_scale_log2; /* Q24 */
    int32_t feature_zero_point;
    int32_t mask_zero_point;
    int32_t mask_multiplier; /* Q31, in [1/2, 1): gain = (mask - zero point) * multiplier * 2^mask_exponent */
    int16_t mask_exponent;
    uint8_t mask_shift; /* of mask - zero point, to fill a word */
} cs_frontend_q31;

/* spectrum and work: n_fft + 2 words each. */

/* Take in one hop: window, FFT. Leaves n_fft/2 + 1 complex values, X * 2^(12 + gain) / n_fft of samples in [-1, 1), and returns
 * `gain`, 16 to 30: by how much the frame was shifted up to fill a word. */
int32_t cs_analysis_q31(const cs_frontend_q31 *front, int16_t *history, const int16_t *in, int32_t *spectrum, int32_t *work);
/* Mel bands, compression, quantization: n_mels int8 features. */
void cs_features_q31(const cs_frontend_q31 *front, const int32_t *spectrum, int32_t gain, int32_t *work, int8_t *features);
/* Multiply the spectrum by the mask, n_mels int16 or int8. */
cs_spread_q31 cs_apply_mask_q31(const cs_frontend_q31 *front, const void *mask, int32_t *spectrum, int32_t *work);
/* Inverse FFT, window, overlap-add: one hop of output. overlap: PCM in Q12. Destroys the spectrum. */
void cs_synthesis_q31(const cs_frontend_q31 *front, int32_t *spectrum, int32_t gain, cs_spread_q31 spread, int32_t *work,
                      int32_t *overlap, int16_t *out);

/* data: n words of at most 2^28 in, n/2 + 1 complex values (n + 2 words), 1/n of the transform, out; work: n + 2 words. */
void cs_rfft_q31(const cs_fft_q31 *fft, int32_t *data, int32_t *work);
/* The inverse: n + 2 words in, n words, 2^up / (2 n) of the sum over all bins, out. Returns `up`. */
int32_t cs_irfft_q31(const cs_fft_q31 *fft, int32_t *data, cs_spread_q31 spread, int32_t *work);

/* Tables of 2^-7 steps, Q24: sqrt(i / 256) for i = 64 ... 256, log2(1 + i / 128) and 2^(i / 128) for i = 0 ... 128. */
extern const uint32_t cs_sqrt_table[193];
extern const uint32_t cs_log2_table[129];
extern const uint32_t cs_exp2_table[129];

#ifdef __cplusplus
}
#endif

#endif
