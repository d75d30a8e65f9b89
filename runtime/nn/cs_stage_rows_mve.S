/* SPDX-License-Identifier: Apache-2.0 */
/* void cs_stage_rows(const int16_t *x, int16_t *to, uint32_t count, uint32_t pitch, uint32_t channels, uint32_t apart)
 * void cs_stage_zeros(int16_t *to, uint32_t count)
 *
 * conv_runs.h says what they compute. Eight elements in an iteration.
 *
 *   r0  x of a channel      r3  pitch, then bytes of eight places     r5      to, running      q0  elements
 *   r1  to of a channel     r4  x, running                            r6, r7  channels left, apart
 *   r2  count               lr  elements left                         q1  where eight stand
 *
 * Stack: 24 bytes, declared to the stack analysis by symbols. Leaf functions. */
#if defined(__ARM_FEATURE_MVE)

#define STACK 24 /* bytes */

        .syntax unified
        .thumb
#include "vector_ends.h"

        LEAF    cs_stage_rows
        push    {r3-r7, lr}
        .cfi_def_cfa_offset STACK
        .cfi_offset lr, -4
        .cfi_offset r7, -8
        .cfi_offset r6, -12
        .cfi_offset r5, -16
        .cfi_offset r4, -20
        ldrd    r6, r7, [sp, #STACK]
        movs    r4, #0
        vidup.u16 q1, r4, #1
        vmul.i16 q1, q1, r3
        lsls    r3, r3, #4
1:                                              // the next channel
        mov     r4, r0
        mov     r5, r1
        add     r0, r0, r7
        dlstp.16 lr, r2
2:
        vldrh.u16 q0, [r4], #16
        vstrh.16 q0, [r5, q1, uxtw #1]
        add     r5, r5, r3
        letp    lr, 2b
        adds    r1, r1, #2
        subs    r6, r6, #1
        bne     1b
        pop     {r3-r7, pc}
        LEAF_END cs_stage_rows STACK

        LEAF    cs_stage_zeros
        push    {r4, lr}
        .cfi_def_cfa_offset 8
        .cfi_offset lr, -4
        .cfi_offset r4, -8
        vmov.i32 q0, #0
        wlstp.16 lr, r1, 4f
3:
        vstrh.16 q0, [r0], #16
        letp    lr, 3b
4:
        pop     {r4, pc}
        LEAF_END cs_stage_zeros 8

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
