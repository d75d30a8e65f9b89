/* SPDX-License-Identifier: Apache-2.0 */
/* Patches of int16, two elements a word, for cores with the DSP extension; CS_PATCH_WORDS is 0 for others. */
#ifndef CODESIGN_NN_CONV_PATCH_WORDS_H
#define CODESIGN_NN_CONV_PATCH_WORDS_H

#include "codesign/conv.h"
#include "conv_multiply.h"

#if defined(__ARM_FEATURE_DSP) && !defined(__ARM_FEATURE_MVE)
#define CS_PATCH_WORDS 1

static inline uint32_t cs_two_elements(const int16_t *at)
{
    uint32_t word;

    __builtin_memcpy(&word, at, 4); /* such cores load words from any address */
    return word;
}

static inline void cs_store_patches(int16_t *patch, uint32_t a, uint32_t b)
{
    const uint32_t words[2] = {a, b};

    __builtin_memcpy(__builtin_assume_aligned(patch, 4), words, 8);
}

/* Two columns that are neighbours in the source. */
static __attribute__((noinline)) void cs_patch_neighbours(const int16_t *from, uint32_t step, uint32_t count, int16_t *patch,
                                                          uint32_t pair)
{
    for (; count >= 2; count -= 2, patch += pair, from += 2 * step) {
        cs_store_patches(patch, cs_two_elements(from), cs_two_elements(from + step));
    }
    if (count > 0) {
        const uint32_t a = cs_two_elements(from);

        __builtin_memcpy(__builtin_assume_aligned(patch, 4), &a, 4);
    }
}

/* Elements f and f + 1 of two rows, x and y, as columns of the patches f and f + 1. */
static inline void cs_store_columns(int16_t *patch, uint32_t x, uint32_t y)
{
    uint32_t a, b;

    __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(a) : "r"(x), "r"(y));
    __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(b) : "r"(y), "r"(x));
    cs_store_patches(patch, a, b);
}

/* Two columns of two rows, step 1. */
static __attribute__((noinline)) void cs_patch_rows(const int16_t *one, const int16_t *other, uint32_t count, int16_t *patch,
                                                    uint32_t pair)
{
    for (; count >= 4; count -= 4, patch += 2 * pair, one += 4, other += 4) { /* loads first: none waits */
        const uint32_t x = cs_two_elements(one), y = cs_two_elements(other);
        const uint32_t next_x = cs_two_elements(one + 2), next_y = cs_two_elements(other + 2);

        cs_store_columns(patch, x, y);
        cs_store_columns(patch + pair, next_x, next_y);
    }
    for (; count >= 2; count -= 2, patch += pair, one += 2, other += 2) {
        cs_store_columns(patch, cs_two_elements(one), cs_two_elements(other));
    }
    if (count > 0) {
        patch[0] = *one;
        patch[1] = *other;
    }
}

/* Five neighbours of each of two rows: ten columns. */
static __attribute__((noinline)) void cs_patch_fives(const int16_t *x, const int16_t *y, uint32_t step, uint32_t count,
                                                     int16_t *patch, uint32_t pair)
{
    for (; count >= 2; count -= 2, patch += pair, x += 2 * step, y += 2 * step) {
        const int16_t *p = x + step, *q = y + step;
        const uint32_t a = (uint16_t)x[4] | (uint32_t)*y << 16, b = (uint16_t)p[4] | (uint32_t)*q << 16;

        cs_store_patches(patch, cs_two_elements(x), cs_two_elements(p));
        cs_store_patches(patch + 4, cs_two_elements(x + 2), cs_two_elements(p + 2));
        cs_store_patches(patch + 8, a, b);
        cs_store_patches(patch + 12, cs_two_elements(y + 1), cs_two_elements(q + 1));
        cs_store_patches(patch + 16, cs_two_elements(y + 3), cs_two_elements(q + 3));
    }
    if (count > 0) {
        for (uint32_t i = 0; i < 5; i++) {
            patch[CS_PATCH_COLUMN(i)] = x[i];
            patch[CS_PATCH_COLUMN(5 + i)] = y[i];
        }
    }
}

/* A pair of patches of cs_patch_threes: elements f - 1 and f of both rows, f and f + 1, f + 1 and f + 2. */
static inline void cs_store_threes(int16_t *patch, uint32_t x0, uint32_t x1, uint32_t x2, uint32_t y0, uint32_t y1, uint32_t y2)
{
    uint32_t a, b;

    __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(a) : "r"(x2), "r"(y0));
    __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(b) : "r"(y0), "r"(x2));
    cs_store_patches(patch, x0, x1);
    cs_store_patches(patch + 4, a, b);
    cs_store_patches(patch + 8, y1, y2);
}

/* All patches of two rows of `size` (not 0) elements with a zero before and after, three neighbours of each: six columns. */
static __attribute__((noinline)) void cs_patch_threes(const int16_t *x, const int16_t *y, uint32_t size, int16_t *patch,
                                                      uint32_t pair)
{
    uint32_t x0 = (uint32_t)*x << 16, y0 = (uint32_t)*y << 16;

    for (; size > 2; size -= 2, patch += pair, x += 2, y += 2) {
        const uint32_t x2 = cs_two_elements(x + 1), y2 = cs_two_elements(y + 1);

        cs_store_threes(patch, x0, cs_two_elements(x), x2, y0, cs_two_elements(y), y2);
        x0 = x2;
        y0 = y2;
    }
    const uint32_t x2 = size == 2 ? (uint16_t)x[1] : 0u, y2 = size == 2 ? (uint16_t)y[1] : 0u;

    cs_store_threes(patch, x0, (uint16_t)x[0] | x2 << 16, x2, y0, (uint16_t)y[0] | y2 << 16, y2);
}

/* Whether all patches of (t, f) on are those of cs_patch_threes. */
static inline int cs_patches_are_threes(const cs_conv *layer, int32_t row, uint32_t f, uint32_t count, int wide)
{
    const cs_conv_axis *time = &layer->time, *frequency = &layer->frequency;

    return wide && time->taps == 1 && (uint32_t)row < time->source && frequency->taps == 3 && frequency->step == 1 &&
           frequency->dilation == 1 && frequency->origin == -1 && f == 0 && count == frequency->source &&
           layer->inputs % 2 == 0;
}

#else
#define CS_PATCH_WORDS 0
#endif

#endif
