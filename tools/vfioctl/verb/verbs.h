/* SPDX-License-Identifier: MIT */
/*
 * The verbs of vfioctl.
 *
 * Each file of this folder has one verb, or two that are alike; they are declared here rather than
 * in headers of one line, for verbs.c alone names them. This folder includes session/, print/ and,
 * for one verb, capture/.
 */
#pragma once

#include "tools/vfioctl/session/verb.h"

/* Every verb, in the order help shows them; NULL ends. */
extern const struct verb *const verbs[];

extern const struct verb verb_list;
extern const struct verb verb_info;
extern const struct verb verb_validate;
extern const struct verb verb_groups;
extern const struct verb verb_bind;
extern const struct verb verb_unbind;
extern const struct verb verb_paths;
extern const struct verb verb_doctor;
extern const struct verb verb_health;
extern const struct verb verb_capture;
extern const struct verb verb_version;
extern const struct verb verb_help;
