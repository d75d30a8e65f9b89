/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to the enhanced signal last, in integers: how much of the input stays in it, a limit of its RMS, and one that no
 * sample exceeds. docs/numerics.md defines every operation; the bits do not depend on how a signal is cut into blocks. */
#ifndef CODESIGN_OUTPUT_H
#define CODESIGN_OUTPUT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CS_SHARE_ONE 32768

/* The input, `delay` samples late as the enhanced signal is, takes a share of the output. */
typedef struct cs_mix {
    uint16_t delay;
    uint16_t least;    /* the share at full strength: the limit of attenuation */
    uint8_t strength;  /* percent, after a reset */
    uint16_t step;     /* of a change of the share, a sample */
} cs_mix;

/* After it: int16 [delay + the longest block]. */
typedef struct cs_mix_state {
    uint16_t share;
    volatile uint16_t target;
} cs_mix_state;

void cs_mix_reset(const cs_mix *mix, cs_mix_state *state);
/* 0 ... 100 %: 0 is the delayed input. The share goes there in `step`s; another thread may call this. */
void cs_mix_strength(const cs_mix *mix, cs_mix_state *state, uint32_t percent);
/* n samples of input, before they are enhanced. */
void cs_mix_take(const cs_mix *mix, cs_mix_state *state, const int16_t *in, uint32_t n);
/* The same n samples of enhanced output become the mixture. */
void cs_mix_add(const cs_mix *mix, cs_mix_state *state, int16_t *out, uint32_t n);

/* One hop of a change of the share, where spectra are mixed: a state alone, and `step` a hop. The share, 0 ... 1. */
float cs_mix_share(const cs_mix *mix, cs_mix_state *state);

/* No output sample is above `level` or below its negative. The gain goes down as fast as `attack` lets the envelope rise and up
 * again as `release` lets it fall, each of 2^32 a sample; what is faster than the envelope is cut at the level. */
typedef struct cs_limiter {
    uint16_t level;
    uint16_t step; /* of a change from one level to another, a sample */
    uint32_t attack, release;
} cs_limiter;

/* envelope: of 2^15 an LSB, 0 at first; y: n samples, changed in place. */
void cs_limit_output(const cs_limiter *limiter, uint32_t *envelope, int16_t *y, uint32_t n);

/* The RMS of the signal, over about the attack time, is not above `level` for long: it holds its largest value and lets go of
 * it as `release` says, and the gain is the level over it. */
typedef struct cs_rms_state {
    uint32_t mean, held; /* of twice the squares; 0 at first */
} cs_rms_state;

void cs_limit_rms(const cs_limiter *limiter, cs_rms_state *state, int16_t *y, uint32_t n);

/* Of an enhancer with several programs; `wanted` is written by whoever chooses one, the levels are what the limiters are at. */
typedef struct cs_program_state {
    volatile uint8_t wanted;
    uint16_t level, rms_level;
} cs_program_state;

/* *level goes one step to that of `limiter`, which is then at *level. Whether there is more to go. */
int cs_move_level(uint16_t *level, cs_limiter *limiter);

#ifdef __cplusplus
}
#endif

#endif
