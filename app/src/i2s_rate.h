/* SPDX-License-Identifier: Apache-2.0 */
/* The sample rate that an nRF's I2S makes: source / divider / ratio, where the ratio is a multiple of a frame's two slots.
 *
 * nRF5340 and nRF52840 product specifications, "I2S", registers CONFIG.MCKFREQ and CONFIG.RATIO. The nRF5340 divides by any
 * whole number, the nRF52840 by those that its driver lists. Other devices have no such check here.
 */
#ifndef CODESIGN_APP_I2S_RATE_H
#define CODESIGN_APP_I2S_RATE_H

#include <zephyr/devicetree.h>
#include <zephyr/sys/sys_io.h>
#include <zephyr/sys/util.h>

#include "audio.h"

#define I2S_NODE DT_ALIAS(codesign_i2s)
#if DT_NODE_HAS_COMPAT(I2S_NODE, nordic_nrf_i2s) && !defined(CONFIG_CODESIGN_I2S_CODEC_IS_MASTER)
#define I2S_RATE_KNOWN 1

#define I2S_SOURCE_PCLK32M      32000000ull
#define I2S_SOURCE_PCLK32M_HFXO 32000000ull
#define I2S_SOURCE_ACLK         ((uint64_t)DT_PROP_OR(DT_NODELABEL(clock), hfclkaudio_frequency, 0))
#define I2S_SOURCE_HZ           UTIL_CAT(I2S_SOURCE_, DT_STRING_TOKEN(I2S_NODE, clock_source))

#define I2S_RATE_WITH(divider, ratio) ((uint64_t)CODESIGN_MODEL_SAMPLE_RATE * (divider) * (ratio))
#define I2S_OFF(wanted)               ((wanted) > I2S_SOURCE_HZ ? (wanted) - I2S_SOURCE_HZ : I2S_SOURCE_HZ - (wanted))
/* The nearest divider is 0 where the ratio is too large for the source; a source is never near to 0. */
#define I2S_NEAR(divider, ratio)                                                                                                 \
	((ratio) % (16 * sizeof(audio_slot)) == 0 &&                                                                             \
	 I2S_OFF(I2S_RATE_WITH(divider, ratio)) * 1000000 <= CONFIG_CODESIGN_RATE_ERROR_PPM * I2S_RATE_WITH(divider, ratio))

#ifdef CONFIG_SOC_SERIES_NRF52X
#define I2S_NEAR_WITH(ratio)                                                                                                     \
	(I2S_NEAR(8, ratio) || I2S_NEAR(10, ratio) || I2S_NEAR(11, ratio) || I2S_NEAR(15, ratio) || I2S_NEAR(16, ratio) ||       \
	 I2S_NEAR(21, ratio) || I2S_NEAR(23, ratio) || I2S_NEAR(30, ratio) || I2S_NEAR(31, ratio) || I2S_NEAR(32, ratio) ||      \
	 I2S_NEAR(42, ratio) || I2S_NEAR(63, ratio) || I2S_NEAR(125, ratio))
#else
#define I2S_NEAR_WITH(ratio)                                                                                                     \
	I2S_NEAR((I2S_SOURCE_HZ + I2S_RATE_WITH(1, ratio) / 2) / I2S_RATE_WITH(1, ratio), ratio)
#endif

#define I2S_RATE_CAN_BE_MADE                                                                                                     \
	(I2S_NEAR_WITH(32) || I2S_NEAR_WITH(48) || I2S_NEAR_WITH(64) || I2S_NEAR_WITH(96) || I2S_NEAR_WITH(128) ||               \
	 I2S_NEAR_WITH(192) || I2S_NEAR_WITH(256) || I2S_NEAR_WITH(384) || I2S_NEAR_WITH(512))

/* What the registers say, in mHz; 0 before the driver has set them. */
static inline uint32_t i2s_rate_mhz(void)
{
	static const uint16_t ratios[] = {32, 48, 64, 96, 128, 192, 256, 384, 512};
	const uint32_t frequency = sys_read32(DT_REG_ADDR(I2S_NODE) + 0x514);
	const uint32_t ratio = sys_read32(DT_REG_ADDR(I2S_NODE) + 0x518);

	if (frequency == 0 || ratio >= ARRAY_SIZE(ratios)) {
		return 0;
	}
	return (uint32_t)(I2S_SOURCE_HZ * 1000 / ((1ull << 32) / frequency * ratios[ratio]));
}

#endif

#endif
