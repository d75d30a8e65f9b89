/* SPDX-License-Identifier: Apache-2.0 */
/* x^p by polynomials, the same bits on every machine. */
#ifndef CODESIGN_POWER_H
#define CODESIGN_POWER_H

#include <stdint.h>

/* x[i] = max(x[i], 2^-40)^exponent for i < n; x[i] below 2^127, exponent in (0, 1]. Relative error below 3e-7. */
void cs_power(float *x, uint32_t n, float exponent);

#endif
