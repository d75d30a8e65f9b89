/* SPDX-License-Identifier: Apache-2.0 */
/* The Hearing Access Service over the air. */
#ifndef HAS_H
#define HAS_H

/* Start Bluetooth, register the presets and advertise. 0 or a negative errno. */
int has_start(void);

#endif
