/* What compilers call by themselves, for images without a C library. */
#include <stdint.h>
#include <string.h>

/* A word at a time where both sides are aligned, which buffers of the enhancer are. `volatile` in the byte loops would
 * be one way to keep the compiler from turning them into calls of themselves; the empty asm is another, at no cost. */
#define NOT_A_LIBRARY_CALL() __asm__ volatile("")

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    uint8_t *d = to;
    const uint8_t *s = from;
    if ((((uintptr_t)d | (uintptr_t)s) & 3u) == 0) {
        for (; n >= 4; n -= 4, d += 4, s += 4) {
            *(uint32_t *)d = *(const uint32_t *)s;
            NOT_A_LIBRARY_CALL();
        }
    }
    while (n-- > 0) {
        *d++ = *s++;
        NOT_A_LIBRARY_CALL();
    }
    return to;
}

void *memmove(void *to, const void *from, size_t n)
{
    uint8_t *d = to;
    const uint8_t *s = from;
    if ((uintptr_t)d <= (uintptr_t)s) {
        return memcpy(to, from, n);
    }
    while (n-- > 0) {
        d[n] = s[n];
        NOT_A_LIBRARY_CALL();
    }
    return to;
}

void *memset(void *to, int value, size_t n)
{
    uint8_t *d = to;
    const uint32_t word = (uint8_t)value * 0x01010101u;
    for (; n > 0 && ((uintptr_t)d & 3u) != 0; n--) {
        *d++ = (uint8_t)value;
        NOT_A_LIBRARY_CALL();
    }
    for (; n >= 4; n -= 4, d += 4) {
        *(uint32_t *)d = word;
        NOT_A_LIBRARY_CALL();
    }
    while (n-- > 0) {
        *d++ = (uint8_t)value;
        NOT_A_LIBRARY_CALL();
    }
    return to;
}

/* Names that the Arm run-time ABI (RTABI32 4.3.4) gives them; clang calls these. */
void __aeabi_memcpy(void *to, const void *from, size_t n);
void __aeabi_memmove(void *to, const void *from, size_t n);
void __aeabi_memset(void *to, size_t n, int value);
void __aeabi_memclr(void *to, size_t n);

void __aeabi_memcpy(void *to, const void *from, size_t n)
{
    memcpy(to, from, n);
}

void __aeabi_memmove(void *to, const void *from, size_t n)
{
    memmove(to, from, n);
}

void __aeabi_memset(void *to, size_t n, int value)
{
    memset(to, value, n);
}

void __aeabi_memclr(void *to, size_t n)
{
    memset(to, 0, n);
}

#define ALIAS(name, of) __attribute__((alias(#of))) __typeof__(of) name
ALIAS(__aeabi_memcpy4, __aeabi_memcpy);
ALIAS(__aeabi_memcpy8, __aeabi_memcpy);
ALIAS(__aeabi_memmove4, __aeabi_memmove);
ALIAS(__aeabi_memmove8, __aeabi_memmove);
ALIAS(__aeabi_memset4, __aeabi_memset);
ALIAS(__aeabi_memset8, __aeabi_memset);
ALIAS(__aeabi_memclr4, __aeabi_memclr);
ALIAS(__aeabi_memclr8, __aeabi_memclr);

#if defined(__arm__) && !defined(__ARM_FP)
/* Correctly rounded, of x >= 0, bit by bit. Cores with an FPU have an instruction; the others' front end is Q31, unless someone
 * wants floats there too. */
float sqrtf(float x);

float sqrtf(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (bits == 0 || bits >= 0x7f800000u) { /* zero, infinity; there are no negative squares */
        return x;
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
    bits = ((uint32_t)((exponent >> 1) + 126) << 23) + ((root + 1) >> 1);
    memcpy(&x, &bits, sizeof x);
    return x;
}
#endif
