/* SPDX-License-Identifier: MIT */
/* What the files of the privileged helper's process share. */
#pragma once

#include "core/helper/helper.h"

/* Commands that only look have a channel of their own, so that no blocked change delays them. */
enum helper_way { HELPER_WAY_CHANGE, HELPER_WAY_LOOK, HELPER_WAYS };

struct helper_service {
	struct sysfs sysfs;
	const struct helper_config *config;
	int channels[HELPER_WAYS]; /* to main */
	int lock_fd;
	pid_t main_pid;
	struct look_cache *looks; /* of all children; NULL: each looks for itself */
};

struct helper_command {
	struct helper_request request;
	struct pci_address addresses[HELPER_MAX_DEVICES]; /* request.n_addresses of them */
	int reply_fd;
};
