/* SPDX-License-Identifier: MIT */
/*
 * The view as a FUSE file system.
 *
 * The low-level API, and nothing cached but the folders at the top that never change: a name is
 * looked up each time, so that a device that left is missed at once, and one that came in its place
 * has an inode of its own. A request that waits, as
 * the kernel does, waits in its thread of libfuse's pool; interrupting its caller has no effect on
 * it, as with a write to sysfs that sleeps uninterruptibly.
 */
#include "tools/simhost/fs/fs.h"
#include "tools/simhost/base/memory.h"
#include "tools/simhost/fs/stream.h"

#include "core/base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* An open file or folder. */
struct handle {
	LIST_ENTRY(handle) link;
	struct node node;
	pthread_mutex_t mutex; /* of what follows */
	char *text;	       /* as it was when read from its beginning */
	size_t len;
	struct listing listing;
	bool listed;		      /* and told: the beginning asked for again means a new look */
	struct stream_reader *reader; /* of dev/uevent; NULL */
};

/* A node of dev/ that somebody gave another owner or mode, as udev does. There to the end: a node
 * that is gone is not met again. */
struct owned {
	LIST_ENTRY(owned) link;
	uint64_t number;
	mode_t mode;
	uid_t uid;
	gid_t gid;
};

static struct fs *fs_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static struct handle *handle_of(const struct fuse_file_info *fi)
{
	/* NOLINTNEXTLINE(performance-no-int-to-ptr): libfuse keeps a handle as a number */
	return (struct handle *)(uintptr_t)fi->fh;
}

/* Called with the mutex held. */
static struct owned *owned_find(const struct fs *fs, uint64_t number)
{
	struct owned *o = LIST_FIRST(&fs->owned);

	while (o && o->number != number)
		o = LIST_NEXT(o, link);
	return o;
}

static void apply_owner(struct fs *fs, struct stat *st)
{
	pthread_mutex_lock(&fs->mutex);
	const struct owned *o = owned_find(fs, st->st_ino);
	if (o) {
		st->st_mode = (st->st_mode & S_IFMT) | o->mode;
		st->st_uid = o->uid;
		st->st_gid = o->gid;
	}
	pthread_mutex_unlock(&fs->mutex);
}

static bool is_node(mode_t mode)
{
	return S_ISCHR(mode) || S_ISBLK(mode);
}

/* *ret_timeout: for how many seconds the kernel may believe it. */
static struct stat stat_of(struct fs *fs, struct node node, double *ret_timeout)
{
	struct view_attributes a;

	view_stat(fs->model, node, &a);
	*ret_timeout = a.fixed ? 3600 : 0;
	struct stat st = {
		.st_ino = node_number(node),
		.st_mode = a.mode,
		.st_nlink = S_ISDIR(a.mode) ? 2 : 1,
		.st_size = a.size,
		.st_rdev = a.rdev,
		.st_uid = fs->uid,
		.st_gid = fs->gid,
		.st_blksize = PAGE,
		.st_atim = fs->time,
		.st_mtim = fs->time,
		.st_ctim = fs->time,
	};
	if (is_node(a.mode))
		apply_owner(fs, &st);
	return st;
}

static void fs_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fs *fs = fs_of(req);
	struct node node;
	int error = view_lookup(fs->model, node_from_number(parent), name, &node);

	if (error) {
		fuse_reply_err(req, -error);
		return;
	}
	struct fuse_entry_param entry = {.ino = node_number(node)};
	entry.attr = stat_of(fs, node, &entry.attr_timeout);
	entry.entry_timeout = entry.attr_timeout;
	fuse_reply_entry(req, &entry);
}

static void fs_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	double timeout;
	struct stat st = stat_of(fs_of(req), node_from_number(ino), &timeout);

	(void)fi;
	fuse_reply_attr(req, &st, timeout);
}

static void fs_own(struct fs *fs, const struct stat *st, const struct stat *attr, int to_set)
{
	pthread_mutex_lock(&fs->mutex);
	struct owned *o = owned_find(fs, st->st_ino);
	if (!o) {
		o = memory_new(sizeof(*o));
		*o = (struct owned){.number = st->st_ino,
			.mode = st->st_mode & 07777,
			.uid = st->st_uid,
			.gid = st->st_gid};
		LIST_INSERT_HEAD(&fs->owned, o, link);
	}
	if (to_set & FUSE_SET_ATTR_MODE)
		o->mode = attr->st_mode & 07777;
	if (to_set & FUSE_SET_ATTR_UID)
		o->uid = attr->st_uid;
	if (to_set & FUSE_SET_ATTR_GID)
		o->gid = attr->st_gid;
	pthread_mutex_unlock(&fs->mutex);
}

/* Opening with O_TRUNC, as a shell's > does, and touching change nothing, as in sysfs. Only the
 * nodes in dev/ can be given away. */
static void fs_setattr(
	fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *fi)
{
	double timeout;
	struct stat st = stat_of(fs_of(req), node_from_number(ino), &timeout);

	if (to_set & (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)) {
		if (!is_node(st.st_mode)) {
			fuse_reply_err(req, EPERM);
			return;
		}
		fs_own(fs_of(req), &st, attr, to_set);
	}
	fs_getattr(req, ino, fi);
}

static void fs_readlink(fuse_req_t req, fuse_ino_t ino)
{
	CLEANUP(free_cleanup) char *text = NULL;
	int error = view_link(fs_of(req)->model, node_from_number(ino), &text);

	if (error)
		fuse_reply_err(req, -error);
	else
		fuse_reply_readlink(req, text);
}

static struct handle *handle_new(struct fs *fs, struct node node)
{
	struct handle *h = memory_new(sizeof(*h));

	h->node = node;
	pthread_mutex_init(&h->mutex, NULL);
	pthread_mutex_lock(&fs->mutex);
	LIST_INSERT_HEAD(&fs->handles, h, link);
	pthread_mutex_unlock(&fs->mutex);
	return h;
}

static void handle_free(struct fs *fs, struct handle *h)
{
	pthread_mutex_lock(&fs->mutex);
	LIST_REMOVE(h, link);
	pthread_mutex_unlock(&fs->mutex);
	pthread_mutex_destroy(&h->mutex);
	listing_clear(&h->listing);
	free(h->text);
	free(h);
}

void fs_init(struct fs *fs, struct model *model, struct stream *stream)
{
	*fs = (struct fs){.model = model, .stream = stream, .uid = geteuid(), .gid = getegid()};
	clock_gettime(CLOCK_REALTIME, &fs->time);
	pthread_mutex_init(&fs->mutex, NULL);
	LIST_INIT(&fs->handles);
	LIST_INIT(&fs->owned);
}

void fs_clear(struct fs *fs)
{
	struct handle *h;
	struct owned *o;

	while ((h = LIST_FIRST(&fs->handles)))
		handle_free(fs, h);
	while ((o = LIST_FIRST(&fs->owned))) {
		LIST_REMOVE(o, link);
		free(o);
	}
	pthread_mutex_destroy(&fs->mutex);
}

/* sysfs asks for the mode's permission even of root. */
static bool may_open(mode_t mode, int flags)
{
	int how = flags & O_ACCMODE;

	return (how == O_WRONLY || mode & 0444) && (how == O_RDONLY || mode & 0222);
}

static void fs_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct node node = node_from_number(ino);
	struct view_attributes a;

	view_stat(fs->model, node, &a);
	if (!may_open(a.mode, fi->flags)) {
		fuse_reply_err(req, EACCES);
		return;
	}
	struct handle *h = handle_new(fs, node);
	h->reader = a.stream ? stream_open(fs->stream) : NULL;
	fi->fh = (uintptr_t)h;
	fi->direct_io = 1;
	fi->nonseekable = a.stream;
	if (fuse_reply_open(req, fi) == 0)
		return;
	if (h->reader)
		stream_close(fs->stream, h->reader);
	handle_free(fs, h);
}

static void fs_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct handle *h = handle_of(fi);

	(void)ino;
	if (h->reader)
		stream_close(fs_of(req)->stream, h->reader);
	handle_free(fs_of(req), h);
	fuse_reply_err(req, 0);
}

/* Makes the content anew. Not under the handle's lock: this is what may wait. */
static int fs_refresh(const struct fs *fs, struct handle *h)
{
	char *text = NULL;
	size_t len;
	int error = view_read(fs->model, h->node, &text, &len);

	if (error)
		return error;
	pthread_mutex_lock(&h->mutex);
	free(h->text);
	h->text = text;
	h->len = len;
	pthread_mutex_unlock(&h->mutex);
	return 0;
}

static bool was_read(struct handle *h)
{
	pthread_mutex_lock(&h->mutex);
	bool was = h->text;
	pthread_mutex_unlock(&h->mutex);
	return was;
}

/* A copy: once the reader has its answer, it may close the file and the handle is freed, before the
 * call that answers has even returned. */
static char *take_piece(struct handle *h, size_t offset, size_t size, size_t *ret_n)
{
	pthread_mutex_lock(&h->mutex);
	size_t from = offset < h->len ? offset : h->len;
	size_t n = h->len - from < size ? h->len - from : size;
	char *piece = memory_new(n);
	if (n > 0)
		memcpy(piece, h->text + from, n);
	pthread_mutex_unlock(&h->mutex);
	*ret_n = n;
	return piece;
}

static void fs_read(
	fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	struct handle *h = handle_of(fi);
	struct fs *fs = fs_of(req);

	(void)ino;
	if (h->reader) {
		stream_read(fs->stream, h->reader, req, size, fi->flags & O_NONBLOCK);
		return;
	}
	int error = offset == 0 || !was_read(h) ? fs_refresh(fs, h) : 0;
	if (error) {
		fuse_reply_err(req, -error);
		return;
	}
	size_t n;
	CLEANUP(free_cleanup) char *piece = take_piece(h, (size_t)offset, size, &n);
	fuse_reply_buf(req, piece, n);
}

static void fs_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t offset,
	struct fuse_file_info *fi)
{
	ssize_t n = view_write(fs_of(req)->model, handle_of(fi)->node, buf, size);

	(void)ino;
	(void)offset;
	if (n < 0)
		fuse_reply_err(req, (int)-n);
	else
		fuse_reply_write(req, (size_t)n);
}

static void fs_poll(
	fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct fuse_pollhandle *handle)
{
	struct handle *h = handle_of(fi);

	(void)ino;
	if (h->reader) {
		stream_poll(fs_of(req)->stream, h->reader, req, handle);
		return;
	}
	if (handle)
		fuse_pollhandle_destroy(handle);
	fuse_reply_err(req, ENOSYS);
}

static void fs_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);
	struct handle *h = handle_new(fs, node_from_number(ino));
	int error = view_list(fs->model, h->node, &h->listing);

	fi->fh = (uintptr_t)h;
	if (error)
		fuse_reply_err(req, -error);
	if (error || fuse_reply_open(req, fi) != 0)
		handle_free(fs, h);
}

static void fs_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	handle_free(fs_of(req), handle_of(fi));
	fuse_reply_err(req, 0);
}

/* Adds as many names as there is room for. The inode numbers are for d_type's sake: a lookup tells
 * the true one. Returns the bytes used. */
static size_t add_names(
	fuse_req_t req, const struct listing *listing, char *buf, size_t size, size_t first)
{
	size_t used = 0;

	for (size_t i = first; i < listing->count + 2; i++) {
		const char *name = i == 0 ? "." : i == 1 ? ".." : listing->entries[i - 2].name;
		struct stat st = {
			.st_ino = i + 1, .st_mode = i < 2 ? S_IFDIR : listing->entries[i - 2].type};
		size_t n = fuse_add_direntry(req, buf + used, size - used, name, &st, (off_t)i + 1);

		if (n > size - used)
			break;
		used += n;
	}
	return used;
}

static void fs_readdir(
	fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	struct handle *h = handle_of(fi);
	CLEANUP(free_cleanup) char *buf = memory_new(size);

	(void)ino;
	pthread_mutex_lock(&h->mutex);
	if (offset == 0 && h->listed) {
		listing_clear(&h->listing);
		(void)view_list(fs_of(req)->model, h->node, &h->listing);
	}
	h->listed = true;
	size_t used = add_names(req, &h->listing, buf, size, (size_t)offset);
	pthread_mutex_unlock(&h->mutex);
	fuse_reply_buf(req, buf, used);
}

/* What O_CREAT on a name that is not there gets in sysfs. */
static void fs_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	(void)parent;
	(void)name;
	(void)mode;
	(void)rdev;
	fuse_reply_err(req, EACCES);
}

static void fs_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	(void)parent;
	(void)name;
	fuse_reply_err(req, EPERM);
}

const struct fuse_lowlevel_ops fs_operations = {
	.lookup = fs_lookup,
	.getattr = fs_getattr,
	.setattr = fs_setattr,
	.readlink = fs_readlink,
	.open = fs_open,
	.release = fs_release,
	.read = fs_read,
	.write = fs_write,
	.poll = fs_poll,
	.opendir = fs_opendir,
	.releasedir = fs_releasedir,
	.readdir = fs_readdir,
	.mknod = fs_mknod,
	.unlink = fs_unlink,
	.rmdir = fs_unlink,
};
