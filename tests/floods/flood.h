/* SPDX-License-Identifier: MIT */
/* Floods: what an enemy sends by the thousand, as data. */
#pragma once

#include "tests/contract/bytes.h"

#include <stddef.h>
#include <stdint.h>

enum flood_door { FLOOD_REST, FLOOD_IPC, FLOOD_TCP };

struct flood {
	const char *name;
	const char *what; /* a line for --help and the reader of the table */
	enum flood_door door;
	unsigned members;    /* connections held at once */
	unsigned per_second; /* or: connections made and closed, none held */
	void (*first)(enum flood_door door, struct bytes *out); /* said once a connection */
	void (*again)(enum flood_door door, struct bytes *out); /* and this again and again, */
	size_t most;	  /* until so many bytes are said; 0: as long as the flood lasts */
	size_t piece;	  /* bytes a send at most; 0: any */
	unsigned drip_ms; /* a byte of it at a time, each after so long; 0: as fast as taken */
	bool deaf;	  /* nothing is ever read */
};

/* What a flood did, so that one that could not flood is told from one that did no harm. */
struct flood_done {
	uint64_t connections;
	uint64_t refused; /* could not be made */
	uint64_t sent;	  /* bytes */
	uint64_t received;
};

/* The end of the list has no name. */
extern const struct flood floods[];

/* NULL when there is none of that name. */
const struct flood *flood_find(const char *name);
