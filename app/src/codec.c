/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <zephyr/audio/codec.h>
#include <zephyr/device.h>

#include "audio.h"
#include "codec.h"
#include "compat.h"

/* What an nRF's I2S puts on MCK: its driver takes the smallest ratio, the two slots of a frame. */
#define MCLK_HZ (CONFIG_CODESIGN_CODEC_MCLK_HZ > 0 ? CONFIG_CODESIGN_CODEC_MCLK_HZ : 16 * sizeof(audio_slot) * CODESIGN_MODEL_SAMPLE_RATE)

static const struct device *const codec = DEVICE_DT_GET(DT_ALIAS(codesign_codec));

int codec_open(const struct i2s_config *i2s)
{
	struct audio_codec_cfg config = {
		.mclk_freq = MCLK_HZ,
		.dai_type = AUDIO_DAI_TYPE_I2S,
		.dai_cfg = {.i2s = *i2s},
#if KERNEL_VERSION_MAJOR >= 4
		.dai_route = IS_ENABLED(CONFIG_CODESIGN_INPUT_DMIC) ? AUDIO_ROUTE_PLAYBACK : AUDIO_ROUTE_PLAYBACK_CAPTURE,
#endif
	};

	/* From the codec's end: whoever does not make the clocks here makes them there. */
	config.dai_cfg.i2s.options ^= I2S_OPT_BIT_CLK_SLAVE | I2S_OPT_FRAME_CLK_SLAVE;
	config.dai_cfg.i2s.channels = 2;
	return device_is_ready(codec) ? audio_codec_configure(codec, &config) : -ENODEV;
}

void codec_start(void)
{
	audio_codec_start_output(codec);
}
