/* SPDX-License-Identifier: MIT */
/* Text that came from outside: sysfs names, process names, requests. */
#pragma once

/* Makes any bytes valid UTF-8 without control characters, in place: whatever is not becomes '?'.
 * Truncation in the middle of a character is mended the same way. */
void text_clean(char *text);
