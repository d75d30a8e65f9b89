/* x^p of positive normal floats: exp2(p * log2(x)) by polynomials, the same bits on every machine. */
#ifndef CODESIGN_POWER_H
#define CODESIGN_POWER_H

float cs_power(float x, float exponent);

#endif
