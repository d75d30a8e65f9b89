/* SPDX-License-Identifier: Apache-2.0 */
/* The enhancer, some of whose frames take two and a half hops. */
#ifndef CODESIGN_TEST_SLOW_ENHANCER_H
#define CODESIGN_TEST_SLOW_ENHANCER_H

#include <codesign/enhancer.h>

extern int slow_frames; /* so many of the next frames are slow */

cs_status __real_cs_enhancer_process(void *memory, const int16_t *in, int16_t *out, size_t hops);

#endif
