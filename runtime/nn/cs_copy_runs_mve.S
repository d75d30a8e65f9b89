/* SPDX-License-Identifier: Apache-2.0 */
/* void cs_scaled_runs(const int32_t *scale, const int16_t *x, int16_t *y, uint32_t to, uint32_t n, uint32_t runs, int32_t next_x,
 *                     int32_t next_y)
 * void cs_strided_run(const int16_t *x, uint32_t from, int16_t *y, uint32_t to, uint32_t n)
 *
 * cs_rearrange.c says what they compute; x and y are `from` and `to` elements apart, less than 2^13. Eight elements in an iteration.
 *
 *   r1, r2  x, y, running      r5  bytes of eight y, or of x   q5, q6  multiplier, where x stand; where y stand   q7  -32767
 *   r4  elements left          r6  bytes of eight y            r0  shift
 *   scaled: r3, r6  x, y of the run      r12  to
 *
 * Stack: 80 bytes, declared to the stack analysis by symbols. Leaf functions. */
#if defined(__ARM_FEATURE_MVE)

        .syntax unified
        .thumb
#include "vector_ends.h"

        .macro  SCALE is_rest apart
        .set    rest, \is_rest
        LOAD    q0, [r1], #16
        vshllb.s16 q2, q0, #16
        vmulh.s32 q2, q2, q5
        vshllt.s16 q0, q0, #16
        vrshl.s32 q2, r0
        vmulh.s32 q0, q0, q5
        vqmovnb.s32 q2, q2
        vrshl.s32 q0, r0
        vqmovnt.s32 q2, q0
        vmax.s16 q2, q2, q7
        .if     \apart
        STORE   q2, [r2, q6, uxtw #1]
        add     r2, r2, r5
        .else
        STORE   q2, [r2], #16
        .endif
        .endm

        .macro  STRIDED is_rest
        .set    rest, \is_rest
        LOAD    q0, [r1, q5, uxtw #1]
        add     r1, r1, r5
        STORE   q0, [r2, q6, uxtw #1]
        add     r2, r2, r6
        .endm

        .macro  BEGIN
        PUSH_R4_R6_LR
        vpush   {d8-d15}
        .cfi_def_cfa_offset 80
        movs    r4, #0
        vidup.u16 q6, r4, #1
        ldr     r4, [sp, #80]
        .endm

        LEAF    cs_scaled_runs
        BEGIN
        vmul.i16 q6, q6, r3
        lsls    r5, r3, #4
        movw    r6, #0x8001
        vdup.16 q7, r6
        ldr     r6, [r0]
        vdup.32 q5, r6
        ldr     r0, [r0, #4]
        mov     r12, r3
        mov     r3, r1
        mov     r6, r2
.Lrun:                                          // the next run
        ldr     r4, [sp, #80]
        mov     r1, r3
        mov     r2, r6
        cmp     r12, #1
        bne     4f
        EIGHTS  SCALE r4 0
        b       5f
4:
        EIGHTS  SCALE r4 1
5:
        ldrd    r1, r2, [sp, #84]               // runs left, bytes of x from one to the next
        ldr     r4, [sp, #92]                   // of y
        add     r3, r3, r2
        add     r6, r6, r4
        subs    r1, r1, #1
        str     r1, [sp, #84]
        bne     .Lrun
        vpop    {d8-d15}
        pop     {r4-r6, pc}
        LEAF_END cs_scaled_runs 80

        LEAF    cs_strided_run
        BEGIN
        vmul.i16 q5, q6, r1
        vmul.i16 q6, q6, r3
        lsls    r5, r1, #4
        lsls    r6, r3, #4
        mov     r1, r0
        EIGHTS  STRIDED r4
        vpop    {d8-d15}
        pop     {r4-r6, pc}
        LEAF_END cs_strided_run 80

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
