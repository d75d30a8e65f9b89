/* SPDX-License-Identifier: Apache-2.0 */
/* Assembler macros: vectors of floats round as scalars do but flush subnormals to zero, and tell so: operands that were flushed
 * set IDC of FPSCR, results UFC. A function clears both at first; where both are clear after its last operation, its bits are
 * those of scalars, and it returns 1, otherwise 0. */
#include "../nn/vector_ends.h"

#define FLUSHED 0x88 /* IDC and UFC */

        .arch_extension mve.fp

        .macro  WATCH with
        vmrs    \with, fpscr
        bic     \with, \with, #FLUSHED
        vmsr    fpscr, \with
        .endm

        .macro  RETURN_EXACT
        vmrs    r0, fpscr
        tst     r0, #FLUSHED
        ite     eq
        moveq   r0, #1
        movne   r0, #0
        .endm
