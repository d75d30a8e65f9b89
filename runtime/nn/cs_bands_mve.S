/* SPDX-License-Identifier: Apache-2.0 */
/* void cs_bands(const uint32_t *words, const int16_t *x, int16_t *y, uint32_t rows)
 *
 * cs_fully_connected_banded of one position: codesign/positions.h says what it computes. Eight products in an iteration.
 *
 *   r0  words, running    r3  end of y    r4  weights of the run, then its end    r6  sum     r8, r9  multiplier, shift
 *   r1  x                 r5  x of it     r7  head, then elements of the run
 *   r2  y, running
 *
 * Stack: 32 bytes, declared to the stack analysis by the symbol cs_bands.stack_bytes. Leaf function. */
#if defined(__ARM_FEATURE_MVE)

        .syntax unified
        .thumb
#include "vector_ends.h"

        LEAF    cs_bands
        push    {r3-r9, lr}
        .cfi_def_cfa_offset 32
        .cfi_offset lr, -4
        .cfi_offset r9, -8
        .cfi_offset r8, -12
        .cfi_offset r7, -16
        .cfi_offset r6, -20
        .cfi_offset r5, -24
        .cfi_offset r4, -28
        cbz     r3, 4f
        add     r3, r2, r3, lsl #1
1:                                              // the next row
        ldrd    r7, r6, [r0], #8
        ldrd    r8, r9, [r0], #8
        uxth    r5, r7
        mov     r4, r0
        lsrs    r7, r7, #16
        add     r5, r1, r5, lsl #1
        add     r0, r0, r7, lsl #2
        lsls    r7, r7, #1
        wlstp.16 lr, r7, 3f
2:
        vldrh.u16 q0, [r4], #16
        vldrh.u16 q1, [r5], #16
        vmladava.s16 r6, q0, q1
        letp    lr, 2b
3:
        smmul   r6, r6, r8
        asrs    r6, r6, r9
        subs    r6, r6, #1                      // so that int16 ends at -32767
        ssat    r6, #16, r6, asr #1
        adds    r6, r6, #1
        ssat    r6, #16, r6
        strh    r6, [r2], #2
        cmp     r2, r3
        bne     1b
4:
        pop     {r3-r9, pc}
        LEAF_END cs_bands 32

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
