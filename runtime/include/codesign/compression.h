/* SPDX-License-Identifier: Apache-2.0 */
/* Wide dynamic range compression in bands, in float32 by the rules of dsp.h: the power of a band, its level with attack and
 * release, a gain by a table, gains of all bins. docs/numerics.md defines every operation. Levels are in octaves of power,
 * gains in octaves of amplitude. */
#ifndef CODESIGN_COMPRESSION_H
#define CODESIGN_COMPRESSION_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cs_compressor {
    uint16_t n_bins;
    uint8_t bands;  /* at least 1 */
    uint8_t levels; /* at least 2 */
    uint16_t fade;  /* hops that a change from one table to another takes */
    const uint16_t *first; /* [bands]: the first bin at or above the centre */
    const float *lines;    /* [bands - 1][2]: slope and start of the upper band's share over bins, of power and of gain */
    const float *grid;     /* [levels] of level, ascending from 0 */
    const float *gains;    /* tables [bands][levels], one after the other */
    float scale, offset;   /* level = log2(power * scale) + offset */
    float attack, release; /* of the way to a higher and to a lower level, a hop */
} cs_compressor;

/* All zero is the initial state, with the first table. After it: float level[bands], float gain[bands]. */
typedef struct cs_compressor_state {
    uint8_t from, to; /* tables: the same unless one gives way to the other */
    uint16_t faded;   /* hops of that */
} cs_compressor_state;

/* The power of each band of a spectrum, times the squares of n_bins gains unless they are NULL. */
void cs_band_powers(const cs_compressor *compressor, const float *spectrum, const float *gains, cs_compressor_state *state);
/* After it: the level of each band follows its power, and its gain the level, by the table `wanted`, which comes in
 * smoothly. */
void cs_compress(const cs_compressor *compressor, uint32_t wanted, cs_compressor_state *state);
/* The gains of all bins, n_bins factors. */
void cs_spread_gains(const cs_compressor *compressor, const cs_compressor_state *state, float *gains);
/* gains[i] = gains[i] * others[i] */
void cs_multiply_gains(float *gains, const float *others, uint32_t n);

/* The input's share, 0 ... 1, in gains of bins, in a complex mask (parts `step` floats apart), and in an enhanced spectrum,
 * whose place the mixture takes in `spectrum`. */
void cs_mix_gains(float *gains, uint32_t n_bins, float share);
void cs_mix_mask(float *re, float *im, uint32_t step, uint32_t n_bins, float share);
void cs_mix_spectrum(float *spectrum, const float *re, const float *im, uint32_t step, uint32_t n_bins, float share);

#ifdef __cplusplus
}
#endif

#endif
