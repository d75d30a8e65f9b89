/* SPDX-License-Identifier: Apache-2.0 */
/* Layers that work element by element, and reductions. docs/numerics.md defines the arithmetic; all structs are constant,
 * generated data. int8 and int16 values go by void pointers; `wide` says int16. */
#ifndef CODESIGN_NN_ELEMENTS_H
#define CODESIGN_NN_ELEMENTS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One of two operands. Element (i, j, k, l) stands at the sum of the indices times the strides, which are 0 where it
 * repeats. */
typedef struct cs_operand {
    int32_t zero_point;
    int32_t multiplier, shift; /* to the scale that both operands share; not used by products */
    uint32_t stride[4];
    uint8_t wide;
} cs_operand;

typedef struct cs_binary {
    cs_operand left, right;
    uint32_t shape[4]; /* of the output, row-major; 1 in front where there are fewer */
    int32_t multiplier, shift, zero_point, low, high;
    uint8_t left_shift; /* of both operands, bits kept for the rounding in between */
    uint8_t wide;
} cs_binary;

/* y may be an operand that does not repeat. */
void cs_add(const cs_binary *layer, const void *left, const void *right, void *y);
void cs_subtract(const cs_binary *layer, const void *left, const void *right, void *y);
void cs_multiply(const cs_binary *layer, const void *left, const void *right, void *y);
void cs_minimum(const cs_binary *layer, const void *left, const void *right, void *y);
void cs_maximum(const cs_binary *layer, const void *left, const void *right, void *y);

/* Two int16 operands to int16, rounded once. Shape and strides as in cs_binary. */
typedef struct cs_binary16 {
    uint32_t shape[4], left_stride[4], right_stride[4];
    int32_t left, right; /* of a sum: multipliers in 2^-26 steps of the result; of a product: its multiplier in steps of
                          * 2^-(32 + bits), and bits, 6 or 2 */
} cs_binary16;

/* y may be an operand that does not repeat. */
void cs_add_s16(const cs_binary16 *layer, const int16_t *left, const int16_t *right, int16_t *y);
void cs_multiply_s16(const cs_binary16 *layer, const int16_t *left, const int16_t *right, int16_t *y);

/* y = clamp(MBQM(x - zero_point_in) + zero_point). */
typedef struct cs_rescale {
    int32_t multiplier, shift, zero_point_in, zero_point, low, high;
    uint8_t wide_in, wide;
} cs_rescale;

void cs_rescale_elements(const cs_rescale *layer, const void *x, void *y, uint32_t n);

/* As cs_rescale for x above its zero point; below, x less zero_point_in is multiplied by its channel's slope, and by the other
 * multiplier. x is row-major [.., channels, inner]. */
typedef struct cs_slopes {
    cs_rescale above;
    int32_t multiplier, shift;
    const int16_t *slopes;
    uint32_t channels, inner;
} cs_slopes;

void cs_apply_slopes(const cs_slopes *layer, const void *x, void *y, uint32_t n);

/* TFLite's LOGISTIC and TANH of int16, every bit. */
void cs_tflite_logistic_s16(int32_t multiplier, int32_t shift, const int16_t *x, int16_t *y, uint32_t n);
void cs_tflite_tanh_s16(int32_t multiplier, int32_t shift, const int16_t *x, int16_t *y, uint32_t n);
extern const uint16_t cs_tflite_sigmoid_table[256];

/* Mean, or mean of squares, over the middle of x [outer, n, inner]; y [outer, inner]. Sums of squares are shifted right by
 * `down` to 32 bits. */
typedef struct cs_mean {
    uint32_t outer, n, inner;
    int32_t multiplier, shift, zero_point_in, zero_point, low, high;
    uint8_t wide_in, wide, squares, down, twice; /* twice: rounded twice, as TFLite's MEAN */
} cs_mean;

void cs_mean_axes(const cs_mean *layer, const void *x, void *y);

/* y = sqrt(re^2 + im^2) * multiplier / 2^shift; re and im int16 with one scale, y int16. */
void cs_magnitude_s16(int32_t multiplier, int32_t shift, const int16_t *re, const int16_t *im, int16_t *y, uint32_t n);

/* Normalization of each of `rows` runs of n elements: gain * (x - mean) / sqrt(variance + epsilon) + bias. */
typedef struct cs_norm {
    const int32_t *gain; /* n: in 2^-(gain_bits + 7) output steps */
    const int32_t *bias; /* n: in 2^-gain_bits output steps, zero point and rounding folded in */
    uint64_t epsilon;    /* in the unit of n^2 * variance */
    uint32_t rows, n;
    int32_t low, high;
    uint8_t gain_bits, wide_in, wide;
} cs_norm;

void cs_normalize(const cs_norm *layer, const void *x, void *y);

#ifdef __cplusplus
}
#endif

#endif
