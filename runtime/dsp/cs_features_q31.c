/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/dsp_q31.h"
#include "fixed_rules.h"

#define ONE (1 << 24)        /* of the logarithms */
#define SILENCE (-40 * ONE)  /* a band below 2^-40 is silence */
#define LARGEST (10 * ONE)   /* more steps than any feature has */
#define SMALLEST (-2 * ONE)  /* a quarter of a step */

/* |x|^2 of a bin = power * 2^(33 - 2 * shift); power is in [2^27, 2^30] */
typedef struct square {
    uint32_t power;
    int32_t shift;
} square;

static inline square squared(const int32_t *x)
{
    const int32_t shift = cs_leading_zeros(cs_bits(x[0]) | cs_bits(x[1])) - 1;
    const int32_t re = cs_shift_up(x[0], shift), im = cs_shift_up(x[1], shift);
    return (square){((uint32_t)cs_multiply_high(re, re) + (uint32_t)cs_multiply_high(im, im)) >> 1, shift};
}

static inline int32_t magnitude(const int32_t *x)
{
    const square s = squared(x);
    uint32_t power = s.power << 1;
    int32_t shift = s.shift - 1;
    if (power < 1u << 30) {
        if (power == 0) {
            return 0;
        }
        power <<= 2;
        shift++;
    }
    const uint32_t root = cs_chord(cs_sqrt_table + (power >> 24) - 64, (power >> 10) & 0x3fff);
    return (int32_t)((root << 7) >> shift);
}

/* log2 of m * 2^octaves, m > 0, Q24 */
static inline int32_t log2_of(uint32_t m, int32_t octaves)
{
    const int32_t zeros = cs_leading_zeros(m);
    m <<= zeros;
    const uint32_t fraction = cs_chord(cs_log2_table + ((m >> 24) & 0x7f), (m >> 10) & 0x3fff);
    return cs_shift_up(31 - zeros + octaves, 24) + (int32_t)fraction;
}

/* Compression and ONNX QuantizeLinear, of a band given by its logarithm. */
static inline int8_t quantized(const cs_frontend_q31 *front, int32_t band)
{
    band = band < SILENCE ? SILENCE : band;
    int32_t steps = cs_multiply_high(cs_shift_up(band, 1), front->exponent) - front->feature_scale_log2;
    steps = cs_clamp(steps, SMALLEST, LARGEST - 1);
    const int32_t whole = steps >> 24;
    const uint32_t part = (uint32_t)steps & (ONE - 1);
    const uint32_t mantissa = cs_chord(cs_exp2_table + (part >> 17), (part >> 3) & 0x3fff);
    const int32_t rounded = (int32_t)((mantissa + (1u << (23 - whole))) >> (24 - whole));
    return (int8_t)cs_clamp(rounded + front->feature_zero_point, -128, 127); /* nothing is below the zero point */
}

static void magnitude_bands(const cs_frontend_q31 *front, const int32_t *spectrum, int32_t octaves, int32_t *restrict work,
                            int8_t *restrict features)
{
    const uint16_t *start = front->mel.start, *length = front->mel.length;
    const int32_t *w = front->mel.weights;
    int32_t *bin = work;
    for (const int32_t *end = spectrum + front->size.n_fft + 2; spectrum != end; spectrum += 2) {
        *bin++ = magnitude(spectrum);
    }
    for (const int8_t *end = features + front->size.n_mels; features != end;) {
        const int32_t *column = work + *start++;
        const int32_t *row_end = w + *length++;
        int32_t sum = 0;
        while (w != row_end) {
            sum += cs_multiply_high(*column++, *w++);
        }
        *features++ = quantized(front, sum == 0 ? SILENCE : log2_of((uint32_t)sum, octaves));
    }
}

/* As magnitude_bands, with powers and shifts in pairs and the sums in 64 bits, at the smallest shift of their row. */
static void power_bands(const cs_frontend_q31 *front, const int32_t *spectrum, int32_t octaves, int32_t *restrict work,
                        int8_t *restrict features)
{
    const int32_t *w = front->mel.weights;
    const uint32_t words = front->size.n_fft + 2u;
    for (uint32_t i = 0; i < words; i += 2) {
        const square s = squared(spectrum + i);
        work[i] = (int32_t)s.power;
        work[i + 1] = s.shift;
    }
    for (uint32_t r = 0; r < front->size.n_mels; r++) {
        const int32_t *row = work + 2u * front->mel.start[r], *end = row + 2u * front->mel.length[r];
        int32_t least = row[1];
        for (const int32_t *p = row; p != end; p += 2) {
            least = p[1] < least ? p[1] : least;
        }
        uint64_t sum = 0;
        for (; row != end; row += 2) {
            const int32_t down = cs_clamp(2 * (row[1] - least), 0, 31);
            sum += (uint32_t)cs_multiply_high(row[0], *w++) >> down;
        }
        const uint32_t high = (uint32_t)(sum >> 16);
        int32_t band = SILENCE;
        if (high >= 1u << 16) { /* the upper 32 bits of 48 are enough */
            band = log2_of(high, octaves - 2 * least + 16);
        } else if (sum != 0) {
            band = log2_of((uint32_t)sum, octaves - 2 * least);
        }
        features[r] = quantized(front, band);
    }
}

__attribute__((noinline)) void cs_features_q31(const cs_frontend_q31 *front, const int32_t *spectrum, int32_t gain,
                                               int32_t *work, int8_t *features)
{
    const int32_t octaves = front->fft.log2_n - gain;
    if (front->power) {
        power_bands(front, spectrum, 2 * octaves + 12, work, features);
    } else {
        magnitude_bands(front, spectrum, octaves - 9, work, features);
    }
}
