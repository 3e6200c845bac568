/* SPDX-License-Identifier: MIT */
/* What happens to a request: judged, routed, made a message. Internal to rest/. */
#pragma once

#include <h2o.h>

/* Registers the one handler, which answers every request. */
void rest_handler_register(h2o_pathconf_t *path);
