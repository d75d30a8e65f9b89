/* SPDX-License-Identifier: Apache-2.0 */
/* Assembler macro: what a row of three weights adds to four neighbouring sums, r4 to r7, of a depthwise convolution. r8 holds
 * weights 0 and 1, r9 weights 1 and 2; r10, r11 and r12 six elements in pairs, in ascending order. */
        .macro  PRODUCTS
        smlad   r6, r11, r8, r6
        smlatb  r7, r11, r8, r7
        smlad   r4, r10, r8, r4
        smlatb  r5, r10, r8, r5
        smlabt  r4, r11, r9, r4
        smlad   r5, r11, r9, r5
        smlabt  r6, r12, r9, r6
        smlad   r7, r12, r9, r7
        .endm
