/* SPDX-License-Identifier: MIT */
/* The model's life, its lock and its tables. */
#include "tools/simhost/model/model.h"
#include "tools/simhost/base/memory.h"
#include "tools/simhost/model/boot.h"
#include "tools/simhost/model/child.h"
#include "tools/simhost/model/control.h"
#include "tools/simhost/model/device.h"
#include "tools/simhost/model/fault.h"
#include "tools/simhost/model/hold.h"
#include "tools/simhost/model/member.h"
#include "tools/simhost/model/module.h"

#include "core/base/util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void model_lock(struct model *m)
{
	pthread_mutex_lock(&m->mutex);
}

void model_unlock(struct model *m)
{
	pthread_mutex_unlock(&m->mutex);
}

bool model_wait(struct model *m)
{
	if (!m->stopping)
		pthread_cond_wait(&m->changed, &m->mutex);
	return !m->stopping;
}

void model_wake(struct model *m)
{
	pthread_cond_broadcast(&m->changed);
}

void model_stop(struct model *m)
{
	model_lock(m);
	m->stopping = true;
	model_wake(m);
	model_unlock(m);
}

void model_listen(struct model *m, model_event_fn *fn, void *arg)
{
	model_lock(m);
	m->on_event = fn;
	m->event_arg = arg;
	model_unlock(m);
}

void object_add(struct model *m, struct object *object, enum object_type type)
{
	object->id = ++m->last_id;
	object->type = type;
	table_put(&m->objects, object->id, object);
}

void object_drop(struct model *m, struct object *object)
{
	table_drop(&m->objects, object->id);
}

void *model_object(const struct model *m, uint32_t id, enum object_type type)
{
	struct object *object = table_get(&m->objects, id);

	return object && object->type == type ? object : NULL;
}

void array_drop(void *array, size_t *count, const void *element)
{
	void **items = array;

	for (size_t i = 0; i < *count; i++) {
		if (items[i] != element)
			continue;
		memmove(&items[i], &items[i + 1], (*count - i - 1) * sizeof(*items));
		(*count)--;
		return;
	}
}

int scan_begin(struct model *m)
{
	while (m->scanning) {
		if (!model_wait(m))
			return -EIO;
	}
	m->scanning = true;
	return 0;
}

void scan_end(struct model *m)
{
	m->scanning = false;
	model_wake(m);
}

bool model_since(const struct model *m, unsigned major, unsigned minor)
{
	return m->spec->version >= major * 1000 + minor;
}

/* A number above those that the host file gives, for groups that it leaves to us. */
static int first_free_group(const struct spec *spec)
{
	const struct function *f;
	int max = -1;

	TAILQ_FOREACH (f, &spec->functions, link)
		max = f->group > max ? f->group : max;
	return max + 1;
}

/* Nobody is there yet who could end what a command waits for. */
bool model_run_commands(struct model *m, const char *name, char **ret_error)
{
	m->stopping = true;
	for (size_t i = 0; i < m->spec->n_commands; i++) {
		const struct spec_command *c = &m->spec->commands[i];
		CLEANUP(free_cleanup) char *why = NULL;
		int error = control_run(m, c->text, &why);

		if (!error)
			continue;
		*ret_error = error == -EIO ? memory_print("%s:%u: %s would wait for ever", name,
						     c->line, c->text)
					   : memory_print("%s:%u: %s", name, c->line, why);
		return false;
	}
	m->stopping = false;
	return true;
}

struct model *model_new(struct spec *spec, const char *name, char **ret_error)
{
	struct model *m = memory_new(sizeof(*m));

	pthread_mutex_init(&m->mutex, NULL);
	pthread_cond_init(&m->changed, NULL);
	m->spec = spec;
	m->first_group = m->next_group = first_free_group(spec);
	m->last_id = 1;
	boot_begin(m);
	model_lock(m);
	drivers_new(m);
	members_new(m);
	children_new(m);
	scan(m);
	m->booted = true;
	model_unlock(m);
	model_add_process(m, 1, "systemd");
	if (model_run_commands(m, name, ret_error))
		return m;
	model_free(m);
	return NULL;
}

void mounts_free(struct model *m)
{
	for (size_t i = 0; i < m->n_mounts; i++) {
		free(m->mounts[i].disk);
		free(m->mounts[i].where);
		free(m->mounts[i].type);
	}
	free(m->mounts);
	m->mounts = NULL;
	m->n_mounts = 0;
}

void model_free(struct model *m)
{
	if (!m)
		return;
	model_lock(m);
	holds_free(m);
	faults_free(m);
	m->on_event = NULL;
	while (m->n_roots > 0)
		(void)device_remove(m, m->roots[m->n_roots - 1]);
	children_free(m);
	drivers_free(m);
	free(m->members);
	mounts_free(m);
	free(m->roots);
	free(m->group_list);
	free(m->vfios);
	table_clear(&m->objects);
	table_clear(&m->devices);
	table_clear(&m->groups);
	numbers_clear(&m->vfio_numbers);
	numbers_clear(&m->minors);
	spec_free(m->spec);
	model_unlock(m);
	pthread_cond_destroy(&m->changed);
	pthread_mutex_destroy(&m->mutex);
	free(m);
}
