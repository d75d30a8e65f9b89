/* SPDX-License-Identifier: Apache-2.0 */
/* void cs_add_run(const int32_t *multipliers, const int16_t *a, const int16_t *b, int16_t *y, uint32_t n)
 * void cs_multiply_run(const int32_t *multiplier, const int16_t *a, const int16_t *b, int16_t *y, uint32_t n, uint32_t same)
 * void cs_multiply_same(const int32_t *multiplier, const int16_t *a, const int16_t *b, int16_t *y, uint32_t n, uint32_t runs,
 *                       uint32_t next)
 *
 * cs_add_s16.c and cs_multiply_s16.c say what they compute; `same`: one element of b for all. Eight elements in an iteration, even and
 * odd ones apart.
 *
 *   r1, r2, r3  a, b, y, running    q6  left multiplier, or the multiplier   q7   -32767
 *   r4  elements left               q5  right multiplier                     q4   b
 *
 * Stack: 80 bytes, declared to the stack analysis by symbols. Leaf functions. */
#if defined(__ARM_FEATURE_MVE)

#define SUM_BITS 10    /* CS_SUM_BITS */
#define PRODUCT_BITS 6 /* CS_PRODUCT_BITS */

        .syntax unified
        .thumb
#include "vector_ends.h"

        /* Sums of eight in q0 and q1; with `next` those of the eight before become results. */
        .macro  ADD is_rest next
        .set    rest, \is_rest
        LOAD    q2, [r1], #16
        .if     \next
        NARROW
        .endif
        LOAD    q4, [r2], #16
        vshllb.s16 q0, q4, #16
        vshllb.s16 q1, q2, #16
        vmulh.s32 q0, q0, q5
        vshllt.s16 q4, q4, #16
        vmulh.s32 q1, q1, q6
        vshllt.s16 q2, q2, #16
        vmulh.s32 q4, q4, q5
        .if     \next
        vmax.s16 q3, q3, q7
        .endif
        vmulh.s32 q2, q2, q6
        vadd.i32 q0, q1, q0
        .if     \next
        vstrh.16 q3, [r3], #16
        .endif
        vadd.i32 q1, q2, q4
        .endm

        .macro  NARROW
        vqrshrnb.s32 q3, q0, #SUM_BITS
        vqrshrnt.s32 q3, q1, #SUM_BITS
        .endm

        .macro  MULTIPLY is_rest same
        .set    rest, \is_rest
        LOAD    q0, [r1], #16
        .if     \same
        vmullb.s16 q2, q0, q4
        vmullt.s16 q0, q0, q4
        .else
        LOAD    q1, [r2], #16
        vmullb.s16 q2, q0, q1
        vmullt.s16 q0, q0, q1
        .endif
        vmulh.s32 q2, q2, q6
        vmulh.s32 q0, q0, q6
        vqrshrnb.s32 q2, q2, #PRODUCT_BITS
        vqrshrnt.s32 q2, q0, #PRODUCT_BITS
        vmax.s16 q2, q2, q7
        STORE   q2, [r3], #16
        .endm

        .macro  BEGIN
        PUSH_R4_R6_LR
        vpush   {d8-d15}
        .cfi_def_cfa_offset 80
        movw    r4, #0x8001
        vdup.16 q7, r4
        ldr     r4, [r0]
        vdup.32 q6, r4
        ldr     r4, [sp, #80]
        .endm

        LEAF    cs_add_run
        BEGIN
        ldr     r0, [r0, #4]
        vdup.32 q5, r0
        lsrs    lr, r4, #3
        beq     3f
        ADD     0 0
        sub     lr, lr, #1
        wls     lr, lr, 2f
1:
        ADD     0 1
        le      lr, 1b
2:
        NARROW
        vmax.s16 q3, q3, q7
        vstrh.16 q3, [r3], #16
3:
        ands    r4, r4, #7
        beq     4f
        vctp.16 r4
        ADD     1 0
        NARROW
        vmax.s16 q3, q3, q7
        STORE   q3, [r3]
4:
        vpop    {d8-d15}
        pop     {r4-r6, pc}
        LEAF_END cs_add_run 80

        LEAF    cs_multiply_run
        BEGIN
        ldr     r0, [sp, #84]
        cbnz    r0, .Lsame
        EIGHTS  MULTIPLY r4 0
.Lend:
        vpop    {d8-d15}
        pop     {r4-r6, pc}
.Lsame:
        ldrsh   r0, [r2]
        vdup.16 q4, r0
        EIGHTS  MULTIPLY r4 1
        b       .Lend
        LEAF_END cs_multiply_run 80

        /* r0 elements of a run, r5 runs left, r6 bytes from b to the next */
        LEAF    cs_multiply_same
        BEGIN
        ldrd    r5, r6, [sp, #84]
        mov     r0, r4
4:                                              // the next run
        ldrsh   r4, [r2]
        adds    r2, r2, r6
        vdup.16 q4, r4
        mov     r4, r0
        EIGHTS  MULTIPLY r4 1
        cbz     r4, 5f
        rsb     r4, r4, #8                      // the rest has moved on by eight
        sub     r1, r1, r4, lsl #1
        sub     r3, r3, r4, lsl #1
5:
        subs    r5, r5, #1
        bne     4b
        vpop    {d8-d15}
        pop     {r4-r6, pc}
        LEAF_END cs_multiply_same 80

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
