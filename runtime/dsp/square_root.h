/* SPDX-License-Identifier: Apache-2.0 */
/* The correctly rounded square root, without a libm: __builtin_sqrtf calls sqrtf unless a flag says that nobody reads errno. */
#ifndef CODESIGN_SQUARE_ROOT_H
#define CODESIGN_SQUARE_ROOT_H

#include <stdint.h>

#if defined(__clang__) && defined(__has_builtin)
#if __has_builtin(__builtin_elementwise_sqrt)
#define CS_COMPILER_HAS_SQUARE_ROOT 1 /* the instruction, and clang schedules and unrolls around it */
#endif
#endif

/* Of the float x >= 0 (or NaN) with these bits, bit by bit: for cores without an instruction. */
static inline uint32_t cs_square_root_bits(uint32_t bits)
{
    if (bits == 0 || bits >= 0x7f800000u) { /* zero, infinity, NaN */
        return bits;
    }
    int32_t exponent = (int32_t)(bits >> 23) - 127;
    if (bits < 0x00800000u) { /* subnormal */
        for (exponent = -126; bits < 0x00800000u; exponent--) {
            bits <<= 1;
        }
    }
    uint32_t rest = ((bits & 0x007fffffu) | 0x00800000u) << (exponent & 1) << 7, remainder = 0, root = 0;
    for (int i = 0; i < 25; i++, rest <<= 2) { /* 24 bits, and one to round by; no root lies in the middle of two floats */
        remainder = (remainder << 2) | (rest >> 30);
        root <<= 1;
        if (remainder > 2 * root) {
            remainder -= 2 * root + 1;
            root++;
        }
    }
    return ((uint32_t)((exponent >> 1) + 126) << 23) + ((root + 1) >> 1);
}

/* Of x >= 0. */
static inline float cs_square_root(float x)
{
#if !(defined(__arm__) && defined(__ARM_FP) && (__ARM_FP & 4)) && !defined(__aarch64__) && !defined(__SSE__)
    uint32_t bits;
    __builtin_memcpy(&bits, &x, sizeof bits);
    bits = cs_square_root_bits(bits);
    __builtin_memcpy(&x, &bits, sizeof x);
    return x;
#elif defined(CS_COMPILER_HAS_SQUARE_ROOT)
    return __builtin_elementwise_sqrt(x);
#else
    float root;
#if defined(__arm__)
    __asm__("vsqrt.f32 %0, %1" : "=t"(root) : "t"(x));
#elif defined(__aarch64__)
    __asm__("fsqrt %s0, %s1" : "=w"(root) : "w"(x));
#elif defined(__AVX__)
    __asm__("vsqrtss %1, %1, %0" : "=x"(root) : "x"(x));
#else
    __asm__("sqrtss %1, %0" : "=x"(root) : "x"(x));
#endif
    return root;
#endif
}

#endif
