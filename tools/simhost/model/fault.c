/* SPDX-License-Identifier: MIT */
/* Faults on demand. */
#include "tools/simhost/model/fault.h"
#include "tools/simhost/base/memory.h"
#include "tools/simhost/model/device.h"
#include "tools/simhost/model/module.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool fault_concerns(const struct model_fault *f, const char *what, const struct device *d)
{
	return strcmp(f->what, what) == 0 &&
	       (f->any || (d && pci_address_equal(f->address, d->function->address)));
}

static void fault_drop(struct model *m, size_t i)
{
	free(m->faults[i].what);
	memmove(&m->faults[i], &m->faults[i + 1], (m->n_faults - i - 1) * sizeof(*m->faults));
	m->n_faults--;
}

/* Every fault that the write concerns counts it, and the first one due strikes. */
int fault_strike(struct model *m, const char *what, const struct device *d)
{
	int error = 0;

	for (size_t i = 0; i < m->n_faults; i++) {
		struct model_fault *f = &m->faults[i];

		if (f->block || f->probe || !fault_concerns(f, what, d) || --f->countdown > 0)
			continue;
		error = error ? error : -f->error;
		fault_drop(m, i--);
	}
	return error;
}

struct block {
	const struct model *model;
	const char *what;
};

static bool is_blocked(const struct device *d, void *arg)
{
	const struct block *b = arg;

	for (size_t i = 0; i < b->model->n_faults; i++) {
		const struct model_fault *f = &b->model->faults[i];
		if (f->block && fault_concerns(f, b->what, d))
			return true;
	}
	return false;
}

int fault_block(struct model *m, const char *what, struct device *d)
{
	return device_wait(m, d, is_blocked, &(struct block){.model = m, .what = what});
}

int fault_probe(const struct model *m, const struct driver *drv, const struct device *d)
{
	for (size_t i = 0; i < m->n_faults; i++) {
		if (m->faults[i].probe && fault_concerns(&m->faults[i], drv->name, d))
			return m->faults[i].error;
	}
	return 0;
}

int model_add_fault(struct model *m, const struct model_fault *fault)
{
	model_lock(m);
	int error = fault->probe && !driver_any(m, fault->what) ? -ENOENT : 0;
	if (!error) {
		m->faults = memory_room(m->faults, m->n_faults, sizeof(*m->faults));
		m->faults[m->n_faults] = *fault;
		m->faults[m->n_faults++].what = memory_copy(fault->what);
	}
	model_unlock(m);
	return error;
}

static bool same_fault(const struct model_fault *a, const struct model_fault *b)
{
	return a->block == b->block && a->probe == b->probe && a->any == b->any &&
	       pci_address_equal(a->address, b->address) && strcmp(a->what, b->what) == 0;
}

int model_lift_fault(struct model *m, const struct model_fault *fault)
{
	int error = -ENOENT;

	model_lock(m);
	for (size_t i = 0; i < m->n_faults; i++) {
		if (!same_fault(&m->faults[i], fault))
			continue;
		fault_drop(m, i--);
		error = 0;
	}
	model_wake(m);
	model_unlock(m);
	return error;
}

void faults_free(struct model *m)
{
	while (m->n_faults > 0)
		fault_drop(m, m->n_faults - 1);
	free(m->faults);
	m->faults = NULL;
}
