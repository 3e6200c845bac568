/* SPDX-License-Identifier: MIT */
/* Names that a host file cannot give, for the view makes them itself. */
#pragma once

#include "tools/simhost/spec/names.h"

extern const struct spec_names view_names;
