/* SPDX-License-Identifier: Apache-2.0 */
/* The sample rate that an nRF's PDM and, beside it, its I2S make: two that differ lose or repeat samples.
 *
 * nRF5340 product specification, "PDM", register PDMCLKCTRL, as Zephyr's driver sets it: the ratio of 64 first. Other parts and
 * other devices have no such check here; on an nRF52 the two have different dividers of one clock, and never agree at 16 kHz.
 */
#ifndef CODESIGN_APP_PDM_RATE_H
#define CODESIGN_APP_PDM_RATE_H

#include "i2s_rate.h"

#define PDM_NODE DT_ALIAS(codesign_dmic)
#if DT_NODE_HAS_COMPAT(PDM_NODE, nordic_nrf_pdm) && defined(I2S_RATE_KNOWN)
#define PDM_RATE_KNOWN 1

#define PDM_SOURCE_HZ    UTIL_CAT(I2S_SOURCE_, DT_STRING_TOKEN(PDM_NODE, clock_source))
#define PDM_WANTED_HZ    (64ull * CODESIGN_MODEL_SAMPLE_RATE)
#ifdef CONFIG_SOC_SERIES_NRF52X
#define PDM_DIVIDER      31 /* 1.032 MHz, the nearest of its list to 64 times 16 kHz */
#else
#define PDM_DIVIDER      ((1 << 20) / ((PDM_WANTED_HZ << 20) / (PDM_SOURCE_HZ + PDM_WANTED_HZ / 2)))
#endif
#define PDM_CLOCK_HZ     (PDM_SOURCE_HZ / PDM_DIVIDER)
#define PDM_RATE_HZ_TIMES(n) (PDM_SOURCE_HZ * (n) / PDM_DIVIDER / 64)

/* The I2S's, which takes the smallest ratio first: exact where any is. */
#define I2S_DIVIDER(ratio) ((I2S_SOURCE_HZ + I2S_RATE_WITH(1, ratio) / 2) / I2S_RATE_WITH(1, ratio))
#define I2S_RATIO          (32 * sizeof(audio_slot) / 2)
#define I2S_RATE_HZ_TIMES(n) (I2S_SOURCE_HZ * (n) / MAX(I2S_DIVIDER(I2S_RATIO), 1) / I2S_RATIO)

#endif

#endif
