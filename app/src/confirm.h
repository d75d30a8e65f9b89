/* SPDX-License-Identifier: Apache-2.0 */
/* The word to MCUboot that the image which runs shall stay: docs/update.md. */
#ifndef CODESIGN_APP_CONFIRM_H
#define CODESIGN_APP_CONFIRM_H

#ifdef CONFIG_CODESIGN_CONFIRM
/* So much sound was enhanced that the image is known to work. Writes one word of flash, in another thread, and only once. */
void confirm_image(void);
#else
static inline void confirm_image(void)
{
}
#endif

#endif
