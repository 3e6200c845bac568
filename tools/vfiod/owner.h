/* SPDX-License-Identifier: MIT */
/* Whose a folder is. */
#pragma once

/* 0 when the folder is that of the user who runs this process, or root's. Else -1, and a sentence
 * went to stderr: whoever has the folder reads and replaces what is written there. */
int owner_check(const char *path);
