/* SPDX-License-Identifier: MIT */
/* Inside of the hand's process: its parts are the service (hand_serve.c), the judge, the writes. */
#pragma once

#include "core/hand.h"
#include "core/sysfs.h"

struct hand_service {
	struct sysfs sysfs;
	const struct hand_config *config;
	int channel; /* to main */
	int lock_fd;
	bool is_real;
};

/* Whether the command may change the device itself: it then needs the device's lock. */
bool hand_changes_device(uint32_t op);

/* Whether the hand does it at all, looked up by itself. 0, or the errno it refuses with. */
int hand_judge(const struct hand_service *service, const struct hand_request *request);

/* The writes, one file each, and the one read that can block as long. All return 0 or errno. */
int hand_write_override(const struct hand_service *service, const struct hand_request *request);
int hand_write_unbind(const struct hand_service *service, const struct hand_request *request);
int hand_write_bind(const struct hand_service *service, const struct hand_request *request);
int hand_write_probe(const struct hand_service *service, const struct hand_request *request);
int hand_write_load(const struct hand_service *service, const char *name);
int hand_write_override_get(
	const struct hand_service *service, struct pci_address address, char *text, size_t size);
