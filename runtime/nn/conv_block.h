/* SPDX-License-Identifier: Apache-2.0 */
/* Assembler macro: two columns of four rows times a pair of patches, 16 products in 11 instructions, of which the eight SMLAD are
 * the limit. cs_conv_multiply.S and cs_conv_rows.S unroll it.
 *
 *   r0  rows, running           r4, r5    row 0 of patch a, of patch b      r2, r3   x of a, of b
 *   r1  patches, running        r6-r11    rows 1, 2, 3                      r12, lr  weights of two rows */
#define BLOCK_BYTES 44 /* code of one block */
#define BLOCKS 16      /* unrolled */

        .macro  BLOCK
        ldrd    r12, lr, [r0], #8
        ldrd    r2, r3, [r1], #8
        smlad   r4, r12, r2, r4
        smlad   r5, r12, r3, r5
        smlad   r6, lr, r2, r6
        smlad   r7, lr, r3, r7
        ldrd    r12, lr, [r0], #8
        smlad   r8, r12, r2, r8
        smlad   r9, r12, r3, r9
        smlad   r10, lr, r2, r10
        smlad   r11, lr, r3, r11
        .endm
