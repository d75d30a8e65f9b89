/* SPDX-License-Identifier: Apache-2.0 */
/* The registers of a codec, by Zephyr's codec API: the device behind the devicetree alias `codesign-codec`. */
#ifndef CODESIGN_APP_CODEC_H
#define CODESIGN_APP_CODEC_H

#include <zephyr/drivers/i2s.h>

/* Set it up for frames as the I2S has them, once. 0 or a negative errno. */
int codec_open(const struct i2s_config *i2s);

/* Let it play, once its clocks run. */
void codec_start(void);

#endif
