/* SPDX-License-Identifier: Apache-2.0 */
/* int32_t cs_sums16_vectors(const int16_t *x, uint32_t n, uint64_t *squares)
 *
 * sums16.h says what it computes. Stack: 8 bytes, declared to the stack analysis by its symbol. Leaf function. */
#if defined(__ARM_FEATURE_MVE)

        .syntax unified
        .thumb
#include "vector_ends.h"

        LEAF    cs_sums16_vectors
        push    {r4, lr}
        .cfi_def_cfa_offset 8
        .cfi_offset lr, -4
        .cfi_offset r4, -8
        mov     r3, r0
        movs    r4, #0
        movs    r0, #0
        mov     r12, #0
        wlstp.16 lr, r1, 2f
        mov     r1, #0
1:
        vldrh.u16 q0, [r3], #16
        vaddva.s16 r0, q0
        vmlaldava.s16 r4, r1, q0, q0
        letp    lr, 1b
        mov     r12, r1
2:
        strd    r4, r12, [r2]
        pop     {r4, pc}
        LEAF_END cs_sums16_vectors 8

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
