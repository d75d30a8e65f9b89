/* SPDX-License-Identifier: Apache-2.0 */
/* Assembler macros: sums of some rows of weights times all patches, for cs_conv_runs.S, whose registers they use.
 *
 * A sum is there three cycles after its last product: it is stored while the next patch is on its way, at first where another row's last
 * sum, or nothing, will stand. `wide`: int16 weights. */

        .macro  WEIGHTS wide q:vararg
        .irp    vector, \q
        .if     \wide
        vldrh.u16 \vector, [r2], #16
        .else
        vldrb.s16 \vector, [r2], #8
        .endif
        .endr
        .endm

        .macro  TO_RESULTS rows
        movs    r2, #\rows
        b       .Lresults
        .endm

        .macro  ONE_VECTOR wide
        WEIGHTS \wide, q2, q3, q4
        mov     r9, r2
        subs    r7, r7, #4
1:
        vldrh.u16 q0, [r1]
        vmladav.s16 r0, q2, q0
        str     r4, [r7], #4
        vmladav.s16 r2, q3, q0
        add     r1, r1, r6
        vmladav.s16 r4, q4, q0
        str     r0, [r3], #4
        str     r2, [r5], #4
        le      lr, 1b
        str     r4, [r7]
        TO_RESULTS 3
        .endm

        .macro  TWO_VECTORS wide
        WEIGHTS \wide, q2, q3, q4, q5, q6, q7
        mov     r9, r2
        subs    r7, r7, #4
1:
        vldrh.u16 q0, [r1]
        vmladav.s16 r0, q2, q0
        vldrh.u16 q1, [r1, #16]
        vmladava.s16 r0, q3, q1
        str     r4, [r7], #4
        vmladav.s16 r2, q4, q0
        add     r1, r1, r6
        vmladava.s16 r2, q5, q1
        str     r0, [r3], #4
        vmladav.s16 r4, q6, q0
        str     r2, [r5], #4
        vmladava.s16 r4, q7, q1
        le      lr, 1b
        str     r4, [r7]
        TO_RESULTS 3
        .endm

        .macro  THREE_VECTORS wide
        WEIGHTS \wide, q2, q3, q4, q5, q6, q7
        mov     r9, r2
        subs    r5, r5, #4
1:
        vldrh.u16 q0, [r1]
        vmladav.s16 r0, q2, q0
        vldrh.u16 q1, [r1, #16]
        vmladava.s16 r0, q3, q1
        str     r2, [r5], #4
        vmladav.s16 r2, q5, q0
        vldrh.u16 q0, [r1, #32]
        vmladava.s16 r0, q4, q0
        add     r1, r1, r6
        vmladava.s16 r2, q6, q1
        str     r0, [r3], #4
        vmladava.s16 r2, q7, q0
        le      lr, 1b
        str     r2, [r5]
        TO_RESULTS 2
        .endm

        /* A patch's sum to \sum; after its second product `store` of another one's */
        .macro  PATCH vectors sum store:vararg
        vldrh.u16 q0, [r1]
        vmladav.s16 \sum, q2, q0
        vldrh.u16 q1, [r1, #16]
        vmladava.s16 \sum, q3, q1
        vldrh.u16 q0, [r1, #32]
        \store
        vmladava.s16 \sum, q4, q0
        vldrh.u16 q1, [r1, #48]
        vmladava.s16 \sum, q5, q1
        .if     \vectors > 4
        vldrh.u16 q0, [r1, #64]
        vmladava.s16 \sum, q6, q0
        .endif
        .if     \vectors > 5
        vldrh.u16 q1, [r1, #80]
        vmladava.s16 \sum, q7, q1
        .endif
        add     r1, r1, r6
        .endm

        /* Two patches at a time, the last one with what stands after it. */
        .macro  MORE_VECTORS vectors wide
        WEIGHTS \wide, q2, q3, q4, q5
        .if     \vectors > 4
        WEIGHTS \wide, q6
        .endif
        .if     \vectors > 5
        WEIGHTS \wide, q7
        .endif
        mov     r9, r2
        adds    r0, lr, #1
        lsrs    r0, r0, #1
        dls     lr, r0
1:
        PATCH   \vectors r0 str r2, [r3, #-4]
        PATCH   \vectors r2 str r0, [r3], #8
        le      lr, 1b
        str     r2, [r3, #-4]
        TO_RESULTS 1
        .endm
