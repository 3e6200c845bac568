/* SPDX-License-Identifier: MIT */
/* Writes to a device's own attributes, and how the kernel reads what is written. */
#include "tools/simhost/model/attribute.h"
#include "tools/simhost/base/memory.h"
#include "tools/simhost/model/device.h"
#include "tools/simhost/model/fault.h"

#include "core/base/util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool write_is(const struct write *w, const char *word)
{
	size_t n = strlen(word);

	return strncmp(w->text, word, n) == 0 &&
	       (!w->text[n] || (w->text[n] == '\n' && !w->text[n + 1]));
}

bool write_bool(const struct write *w, bool *ret)
{
	char first = w->text[0], second = first ? w->text[1] : '\0';
	bool o = first == 'o' || first == 'O';
	bool on = (first && strchr("1yYtT", first)) || (o && (second == 'n' || second == 'N'));
	bool off = (first && strchr("0nNfF", first)) || (o && (second == 'f' || second == 'F'));

	if (on || off)
		*ret = on;
	return on || off;
}

bool write_number(const struct write *w, unsigned long max, unsigned long *ret)
{
	char *end;

	if (w->text[0] < '0' || w->text[0] > '9')
		return false;
	errno = 0;
	unsigned long value = strtoul(w->text, &end, 0);
	if (*end == '\n')
		end++;
	if (errno || *end || value > max)
		return false;
	*ret = value;
	return true;
}

/* The new override: NULL when the text clears it. It ends at a newline or NUL, and a text that
 * begins with one of them clears. */
static char *override_of(const struct write *w)
{
	char *text = memory_copy(w->text);

	text[strcspn(text, "\n")] = '\0';
	if (text[0])
		return text;
	free(text);
	return NULL;
}

/* Up to 6.11 the override is guarded by the device's lock. */
static int override_lock(struct model *m, struct device *d)
{
	return model_since(m, 6, 12) ? 0 : device_lock(m, d);
}

int write_override(struct model *m, uint32_t device, const struct write *w)
{
	if (w->len >= PAGE - 1)
		return -EINVAL;
	char *text = override_of(w);
	model_lock(m);
	struct device *d = model_object(m, device, OBJECT_DEVICE);
	int error = d ? fault_strike(m, "driver_override", d) : -ENODEV;
	if (!error)
		error = fault_block(m, "driver_override", d);
	if (!error)
		error = override_lock(m, d);
	if (!error) {
		char *old = d->override;
		d->override = text;
		text = old;
		if (!model_since(m, 6, 12))
			device_unlock(m, d);
	}
	model_unlock(m);
	free(text);
	return error;
}

/* Begins a write that takes the device's lock. On 0 device_unlock and model_unlock are due. */
static int attribute_begin(struct model *m, uint32_t device, const char *what, struct device **ret)
{
	model_lock(m);
	struct device *d = model_object(m, device, OBJECT_DEVICE);
	int error = d ? fault_strike(m, what, d) : -ENODEV;
	if (!error)
		error = device_lock(m, d);
	if (!error) {
		error = fault_block(m, what, d);
		if (error)
			device_unlock(m, d);
	}
	if (error)
		model_unlock(m);
	*ret = d;
	return error;
}

static int attribute_end(struct model *m, struct device *d, int error)
{
	device_unlock(m, d);
	model_unlock(m);
	return error;
}

int write_enable(struct model *m, uint32_t device, const struct write *w)
{
	unsigned long value;
	struct device *d;

	if (!write_number(w, ~0ul, &value))
		return -EINVAL;
	int error = attribute_begin(m, device, "enable", &d);
	if (error)
		return error;
	if (d->driver)
		return attribute_end(m, d, -EBUSY);
	if (!value && device_enable_count(m, d) == 0)
		return attribute_end(m, d, -EIO);
	if (value)
		d->enabled++;
	else if (d->enabled > 0)
		d->enabled--;
	d->was_enabled = true;
	return attribute_end(m, d, 0);
}

int write_reset(struct model *m, uint32_t device, const struct write *w)
{
	unsigned long value;
	struct device *d;

	if (!write_number(w, ~0ul, &value) || value != 1)
		return -EINVAL;
	int error = attribute_begin(m, device, "reset", &d);
	return error ? error : attribute_end(m, d, d->reset && d->reset[0] ? 0 : -ENOTTY);
}

int write_power_control(struct model *m, uint32_t device, const struct write *w)
{
	bool on = write_is(w, "on");
	struct device *d;
	int error = attribute_begin(m, device, "power/control", &d);

	if (error)
		return error;
	if (!on && !write_is(w, "auto"))
		return attribute_end(m, d, -EINVAL);
	free(d->power_control);
	d->power_control = memory_copy(on ? "on" : "auto");
	return attribute_end(m, d, 0);
}

/* Whether the function can do every method of the list. */
static bool has_methods(const struct function *f, const char *list)
{
	CLEANUP(free_cleanup) char *copy = memory_copy(list);
	char *save = NULL;

	for (char *s = strtok_r(copy, " \n", &save); s; s = strtok_r(NULL, " \n", &save)) {
		const char *at = strstr(f->reset, s);
		size_t n = strlen(s);

		if (!at || (at > f->reset && at[-1] != ' ') || (at[n] && at[n] != ' '))
			return false;
	}
	return true;
}

int write_reset_method(struct model *m, uint32_t device, const struct write *w)
{
	int error = 0;

	model_lock(m);
	struct device *d = model_object(m, device, OBJECT_DEVICE);
	bool all = write_is(w, "default");
	if (!d || !d->function->reset)
		error = -ENODEV;
	else if (!all && !has_methods(d->function, w->text))
		error = -EINVAL;
	if (!error) {
		free(d->reset);
		d->reset = memory_copy(all ? d->function->reset : w->text);
		d->reset[strcspn(d->reset, "\n")] = '\0';
	}
	model_unlock(m);
	return error;
}

static bool has_node(const struct model *m, unsigned long node)
{
	for (size_t i = 0; i < m->spec->n_nodes; i++) {
		if ((unsigned long)m->spec->nodes[i].number == node)
			return true;
	}
	return m->spec->n_nodes == 0 && node == 0;
}

int write_numa_node(struct model *m, uint32_t device, const struct write *w)
{
	bool none = write_is(w, "-1");
	unsigned long node = 0;

	if (!none && (!write_number(w, 1023, &node) || !has_node(m, node)))
		return -EINVAL;
	model_lock(m);
	struct device *d = model_object(m, device, OBJECT_DEVICE);
	if (d)
		d->numa = none ? -1 : (int)node;
	model_unlock(m);
	return d ? 0 : -ENODEV;
}

static int write_flag(struct model *m, uint32_t device, const struct write *w, bool msi)
{
	unsigned long value;

	if (!write_number(w, ~0ul, &value))
		return -EINVAL;
	model_lock(m);
	struct device *d = model_object(m, device, OBJECT_DEVICE);
	if (d)
		*(msi ? &d->msi : &d->d3cold) = value != 0;
	model_unlock(m);
	return d ? 0 : -ENODEV;
}

int write_msi_bus(struct model *m, uint32_t device, const struct write *w)
{
	return write_flag(m, device, w, true);
}

int write_d3cold(struct model *m, uint32_t device, const struct write *w)
{
	return write_flag(m, device, w, false);
}
