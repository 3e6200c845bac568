/* SPDX-License-Identifier: MIT */
/* Is there an order of changes that explains where the devices are? */
#include "tests/sweep/puzzle.h"

#include "core/base/util.h"

static bool can_be_last(const struct puzzle *p, const struct puzzle_change *change)
{
	for (unsigned d = 0; d < p->n_devices; d++) {
		if (change->set & 1u << d && !(p->free & 1u << d) &&
			p->on_vfio[d] != change->to_vfio)
			return false;
	}
	for (unsigned i = 0; i < p->n_left; i++) {
		if (p->left[i]->begun > change->ended)
			return false;
	}
	return true;
}

static bool take_last(struct puzzle *p)
{
	for (unsigned i = 0; i < p->n_left; i++) {
		if (can_be_last(p, p->left[i])) {
			p->free |= p->left[i]->set;
			p->left[i] = p->left[--p->n_left];
			return true;
		}
	}
	return false;
}

/* Takes away a change that can have been the last, which never makes it harder to take another. */
bool puzzle_solve(struct puzzle *p, const bool *before, struct why *why)
{
	while (take_last(p))
		;
	if (p->n_left > 0)
		return why_not(why,
			"no order of the changes leaves the devices as they are: %u remain, a %s of set %x among them; explained is set %x",
			p->n_left, p->left[0]->to_vfio ? "bind" : "unbind", p->left[0]->set,
			p->free);
	for (unsigned d = 0; d < p->n_devices; d++) {
		if (!(p->free & 1u << d) && p->on_vfio[d] != before[d])
			return why_not(
				why, "no change that succeeded touched device %u, and it moved", d);
	}
	return true;
}

bool puzzle_can_tell(struct why *why)
{
	const struct puzzle_change bind = {true, 3, 10, 20}, unbind = {false, 3, 30, 40};
	const struct puzzle_change meanwhile = {false, 3, 15, 40};
	const bool none[2] = {0}, both[2] = {true, true}, half[2] = {true};
	const struct {
		const struct puzzle_change *left[2];
		const bool *on_vfio;
		bool is_solved;
	} tries[] = {
		{{&bind}, both, true},
		{{&bind}, half, false},
		{{&bind}, none, false},
		{{&bind, &unbind}, none, true},
		{{&bind, &unbind}, both, false},
		{{&bind, &meanwhile}, none, true},
		{{&bind, &meanwhile}, both, true},
		{{&bind, &meanwhile}, half, false},
		{{0}, none, true},
		{{0}, half, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(tries); i++) {
		struct puzzle p = {.n_devices = 2, .on_vfio = tries[i].on_vfio};
		struct why ignored;

		while (p.n_left < 2 && tries[i].left[p.n_left]) {
			p.left[p.n_left] = tries[i].left[p.n_left];
			p.n_left++;
		}
		if (puzzle_solve(&p, none, &ignored) != tries[i].is_solved)
			return why_not(why, "the check is wrong about its own try %zu", i);
	}
	return true;
}
