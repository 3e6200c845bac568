/* SPDX-License-Identifier: MIT */
/* Where a vfiod that is not root's has its files: daemon and clients must agree. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The folder of its sockets, $XDG_RUNTIME_DIR/vfiod, or else $HOME/.cache/vfiod. A variable that
 * is no absolute path counts as unset. False when neither is set, or the path is too long for the
 * buffer: there is no other place that nobody else could have made first. Reads the environment. */
bool user_folder_of_sockets(char *buffer, size_t size);

/* The same for its state: $XDG_STATE_HOME/vfiod, or else $HOME/.local/state/vfiod. */
bool user_folder_of_state(char *buffer, size_t size);
