/* SPDX-License-Identifier: Apache-2.0 */
/* What compilers call by themselves, for images without a C library. */
#include <stdint.h>
#include <string.h>

/* Words at a time where both sides are aligned, which buffers of the enhancer are. `volatile` in the byte loops would
 * be one way to keep the compiler from turning them into calls of themselves; the empty asm is another, at no cost. */
#define NOT_A_LIBRARY_CALL() __asm__ volatile("")

/* Cores that load and store words at any address take them as they come. */
#if defined(__ARM_FEATURE_UNALIGNED)
#define WORDS_FIT(d, s) 1
typedef uint32_t __attribute__((may_alias, aligned(1))) any_word;
#else
#define WORDS_FIT(d, s) ((((uintptr_t)(d) | (uintptr_t)(s)) & 3u) == 0)
typedef uint32_t __attribute__((may_alias)) any_word;
#endif

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    uint8_t *d = to;
    const uint8_t *s = from;
    if (WORDS_FIT(d, s)) {
        for (; n >= 16; n -= 16, d += 16, s += 16) {
            const uint32_t a = ((const any_word *)s)[0], b = ((const any_word *)s)[1];
            const uint32_t e = ((const any_word *)s)[2], f = ((const any_word *)s)[3];

            ((any_word *)d)[0] = a;
            ((any_word *)d)[1] = b;
            ((any_word *)d)[2] = e;
            ((any_word *)d)[3] = f;
            NOT_A_LIBRARY_CALL();
        }
        for (; n >= 4; n -= 4, d += 4, s += 4) {
            *(any_word *)d = *(const any_word *)s;
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
