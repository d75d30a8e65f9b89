/* SPDX-License-Identifier: Apache-2.0 */
/* Both directions of the I2S, however its driver takes them: as one, or each by itself. */
#ifndef CODESIGN_APP_I2S_STREAMS_H
#define CODESIGN_APP_I2S_STREAMS_H

#include <zephyr/drivers/i2s.h>
#include <zephyr/sys/util.h>

static inline int streams_configure(const struct device *i2s, enum i2s_dir direction, const struct i2s_config *config)
{
	if (direction != I2S_DIR_BOTH || !IS_ENABLED(CONFIG_CODESIGN_I2S_EACH_DIRECTION)) {
		return i2s_configure(i2s, direction, config);
	}
	const int err = i2s_configure(i2s, I2S_DIR_TX, config);

	return err == 0 ? i2s_configure(i2s, I2S_DIR_RX, config) : err;
}

/* The receiver goes first: it has the transmitter's clocks, so that both begin and end with one frame. */
static inline int streams_trigger(const struct device *i2s, enum i2s_dir direction, enum i2s_trigger_cmd command)
{
	if (direction != I2S_DIR_BOTH || !IS_ENABLED(CONFIG_CODESIGN_I2S_EACH_DIRECTION)) {
		return i2s_trigger(i2s, direction, command);
	}
	const int receiver = i2s_trigger(i2s, I2S_DIR_RX, command);
	const int sender = i2s_trigger(i2s, I2S_DIR_TX, command);

	return receiver != 0 ? receiver : sender;
}

#endif
