/* SPDX-License-Identifier: Apache-2.0 */
/* For toolchains that come without a C library: what CMSIS-DSP's headers mention. */
#ifndef CODESIGN_BENCH_MATH_H
#define CODESIGN_BENCH_MATH_H

double sin(double x);
double cos(double x);
double log(double x);
float fabsf(float x);
float sqrtf(float x);
float sinf(float x);
float cosf(float x);
float expf(float x);
float logf(float x);
float powf(float x, float y);
float atan2f(float y, float x);
float floorf(float x);

#endif
