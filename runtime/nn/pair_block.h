/* SPDX-License-Identifier: Apache-2.0 */
/* Assembler macros: four columns of two rows A, B times two positions p, q, 16 products in 12 instructions, of which the eight SMLAD are
 * the limit. No load's result is used right after it. Packing: pair_words of packing_pairs.py.
 *
 *   r0  weights, running      r3, r4    sums A, B of p     r8-r11        weights
 *   r1  x of p   r2  of q     r5, r6    sums A, B of q     r7, r12, lr   x */

/* Sums go on. */
        .macro  PAIR_BLOCK quad
        ldrd    r7, r12, [r1, #8 * \quad]
        ldr     lr, [r2, #8 * \quad]
        ldm     r0!, {r8-r11}
        smlad   r3, r8, r7, r3
        smlad   r4, r10, r7, r4
        ldr     r7, [r2, #8 * \quad + 4]
        smlad   r5, r8, lr, r5
        smlad   r6, r10, lr, r6
        smlad   r3, r9, r12, r3
        smlad   r4, r11, r12, r4
        smlad   r5, r9, r7, r5
        smlad   r6, r11, r7, r6
        .endm

/* The first four columns: sums start. */
        .macro  FIRST_PAIR_BLOCK
        ldrd    r7, r12, [r1]
        ldr     lr, [r2]
        ldm     r0!, {r8-r11}
        smuad   r3, r8, r7
        smuad   r4, r10, r7
        ldr     r7, [r2, #4]
        smuad   r5, r8, lr
        smuad   r6, r10, lr
        smlad   r3, r9, r12, r3
        smlad   r4, r11, r12, r4
        smlad   r5, r9, r7, r5
        smlad   r6, r11, r7, r6
        .endm
