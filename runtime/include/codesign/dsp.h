/* The float32 front end. Operation order is part of the contract (docs/numerics.md): no contraction, no libm. */
#ifndef CODESIGN_DSP_H
#define CODESIGN_DSP_H

#include <stdint.h>

/* Real FFT of n = 2^k points, 16 <= n <= 4096. Twiddles are generated, interleaved (cos, -sin). */
typedef struct cs_fft {
    uint16_t n;
    const float *twiddles; /* of the n/2-point complex transform */
    const float *split;    /* of the split into the real transform, n/4 + 1 pairs */
} cs_fft;

/* Matrix whose rows are non-zero in one run of columns: row r has length[r] weights from column start[r] on. */
typedef struct cs_banded {
    uint16_t rows;
    uint16_t columns;
    const uint16_t *start;
    const uint16_t *length;
    const float *weights;
} cs_banded;

typedef struct cs_frontend {
    uint32_t sample_rate;
    uint16_t n_fft, window, hop, n_mels;
    const float *analysis_window;  /* [window] */
    const float *synthesis_window; /* [window] */
    cs_fft fft;
    cs_banded mel;  /* n_mels x n_bins */
    cs_banded bins; /* n_bins x n_mels: band gains to bin gains */
    uint8_t power;  /* 1: bands of |X|^2, 0: bands of |X| */
    uint8_t mask_is_int16;
    float exponent;
    float feature_scale;
    int32_t feature_zero_point;
    float mask_scale;
    int32_t mask_zero_point;
} cs_frontend;

/* data: n floats in, n/2 + 1 complex values (n + 2 floats) out; work: n + 2 floats. */
void cs_rfft(const cs_fft *fft, float *data, float *work);
/* The inverse, scaled by 1/n: n + 2 floats in, n floats out. */
void cs_irfft(const cs_fft *fft, float *data, float *work);

#endif
