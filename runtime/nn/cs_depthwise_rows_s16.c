/* SPDX-License-Identifier: Apache-2.0 */
/* A depthwise convolution of three by three taps over rows of a history. Empty without the DSP or vector
 * extension. */
#include "codesign/conv.h"

#if defined(__ARM_FEATURE_DSP) || defined(__ARM_FEATURE_MVE)

/* Assembly: cs_depthwise_channels.S and cs_depthwise_vectors.S say what it computes. */
void cs_depthwise_channels(const uint32_t *words, const int16_t *row_0, const int16_t *row_1, const int16_t *row_2,
                           uint32_t channels, uint32_t apart, uint32_t size, int16_t *y);

void cs_depthwise_rows_s16(const cs_depthwise_rows *layer, const int16_t *x, uint32_t place, int16_t *y)
{
    const uint32_t frames = layer->frames, size = layer->size;
    const int16_t *rows[3];
    uint32_t at = place + layer->first;

    for (uint32_t k = 0; k < 3; k++, at += layer->dilation) {
        at -= at >= frames ? frames : 0;
        rows[k] = x + at * size;
    }
    cs_depthwise_channels(layer->words, rows[0], rows[1], rows[2], layer->channels, 2 * frames * size, size, y);
}

#else

typedef int cs_depthwise_rows_s16_needs_the_dsp_extension; /* ISO C wants one declaration a file */

#endif
