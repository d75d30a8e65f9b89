/* SPDX-License-Identifier: Apache-2.0 */
/* uint32_t cs_window_vectors(const int16_t *pcm, const float *window, float *frame, uint32_t n)
 * uint32_t cs_product_vectors(const float *a, const float *b, float *y, uint32_t n)
 * uint32_t cs_overlap_vectors(const float *overlap, const float *frame, const float *window, int16_t *out, uint32_t n)
 * uint32_t cs_quantize_vectors(const float *x, uint32_t n, uint32_t parts, int16_t *q)
 * void cs_dequantize_vectors(const int16_t *q, uint32_t n, uint32_t scale, int32_t zero_point, float *x)
 *
 * float_vectors.h says what they compute. Four elements in an iteration.
 *
 * Stack: 8 bytes, declared to the stack analysis by symbols. Leaf functions. */
#if defined(__ARM_FEATURE_MVE) && !defined(CODESIGN_NO_FLOAT_VECTORS)

        .syntax unified
        .thumb
#include "float_vectors_mve.h"

        .macro  BEGIN
        push    {r4, lr}
        .cfi_def_cfa_offset 8
        .cfi_offset lr, -4
        .cfi_offset r4, -8
        .endm

        LEAF    cs_window_vectors
        BEGIN
        WATCH   r12
        wlstp.32 lr, r3, 2f
1:
        vldrh.s32 q0, [r0], #8
        vldrw.u32 q1, [r1], #16
        vcvt.f32.s32 q0, q0, #15
        vmul.f32 q0, q0, q1
        vstrw.32 q0, [r2], #16
        letp    lr, 1b
2:
        RETURN_EXACT
        pop     {r4, pc}
        LEAF_END cs_window_vectors 8

        LEAF    cs_product_vectors
        BEGIN
        WATCH   r12
        wlstp.32 lr, r3, 2f
1:
        vldrw.u32 q0, [r0], #16
        vldrw.u32 q1, [r1], #16
        vmul.f32 q0, q0, q1
        vstrw.32 q0, [r2], #16
        letp    lr, 1b
2:
        RETURN_EXACT
        pop     {r4, pc}
        LEAF_END cs_product_vectors 8

        LEAF    cs_overlap_vectors
        BEGIN
        WATCH   r12
        ldr     r4, [sp, #8]
        mov     r12, #0x47000000                // 32768
        wlstp.32 lr, r4, 2f
1:
        vldrw.u32 q0, [r1], #16
        vldrw.u32 q1, [r2], #16
        vmul.f32 q0, q0, q1
        vldrw.u32 q1, [r0], #16
        vadd.f32 q0, q0, q1
        vmul.f32 q0, q0, r12
        vcvtn.s32.f32 q0, q0
        vqmovnb.s32 q0, q0
        vstrh.32 q0, [r3], #8
        letp    lr, 1b
2:
        RETURN_EXACT
        pop     {r4, pc}
        LEAF_END cs_overlap_vectors 8

        /* A flushed operand or product is far below half a step: no bit of a result depends on it. */
        LEAF    cs_quantize_vectors
        BEGIN
        mov     r12, r2
        mov     r2, r3
        lsrs    r1, r1, #2
        movw    r3, #0x8001
        vdup.16 q3, r3
        mov     r3, #131 << 24
        mov     r4, #7 << 24
        vdup.32 q2, r4
        mov     r4, r1
        wls     lr, r1, 2f
1:
        vldrw.u32 q0, [r0], #16
        vmul.f32 q0, q0, r12
        vcvtn.s32.f32 q0, q0
        vshl.i32 q1, q0, #24
        vadd.i32 q1, q1, r3
        vcmp.u32 hi, q2, q1
        vqrshrnb.s32 q0, q0, #8
        vmrs    r1, p0
        vmax.s16 q0, q0, q3
        cbnz    r1, 3f
        vstrh.32 q0, [r2], #8
        le      lr, 1b
2:
        movs    lr, #0
3:
        sub     r0, r4, lr
        lsls    r0, r0, #2
        pop     {r4, pc}
        LEAF_END cs_quantize_vectors 8

        LEAF    cs_dequantize_vectors
        BEGIN
        ldr     r12, [sp, #8]
        negs    r3, r3
        wlstp.32 lr, r1, 2f
1:
        vldrh.s32 q0, [r0], #8
        vadd.i32 q0, q0, r3
        vcvt.f32.s32 q0, q0
        vmul.f32 q0, q0, r2
        vstrw.32 q0, [r12], #16
        letp    lr, 1b
2:
        pop     {r4, pc}
        LEAF_END cs_dequantize_vectors 8

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
