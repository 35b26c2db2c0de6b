/*
 * Preloaded by a test: ends or fails the process at one of its file operations below a directory.
 *
 *   FAULT_DIRECTORY   where operations count
 *   FAULT_SOCKETS     what is sent and received counts, too
 *   FAULT_AT          the number of the operation, from 1
 *   FAULT_ERRNO       fails it with this error; without it, the process is killed before it
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

static int count;

static int is_below(const char *path)
{
	const char *directory = getenv("FAULT_DIRECTORY");

	return directory && path && !strncmp(path, directory, strlen(directory));
}

static int is_open_below(int fd)
{
	char link[64], path[4096];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof(path) - 1);
	if (length <= 0)
		return 0;
	path[length] = 0;
	return is_below(path);
}

/* Whether this operation is to fail. */
static int fault(int counts)
{
	const char *at = getenv("FAULT_AT"), *error = getenv("FAULT_ERRNO");

	if (!counts || !at || ++count != atoi(at))
		return 0;
	fprintf(stderr, "fault fired\n");
	if (!error)
		kill(getpid(), SIGKILL);
	errno = atoi(error);
	return 1;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static int opened(const char *path, int flags, mode_t mode)
{
	if (fault(flags & O_CREAT && is_below(path)))
		return -1;
	return NEXT(open64)(path, flags, mode);
}

static mode_t mode_of(int flags, va_list list)
{
	return flags & O_CREAT ? va_arg(list, mode_t) : 0;
}

int open64(const char *path, int flags, ...)
{
	va_list list;
	mode_t mode;

	va_start(list, flags);
	mode = mode_of(flags, list);
	va_end(list);
	return opened(path, flags, mode);
}

ssize_t write(int fd, const void *bytes, size_t length)
{
	return fault(fd > 2 && is_open_below(fd)) ? -1 : NEXT(write)(fd, bytes, length);
}

int fsync(int fd)
{
	return fault(is_open_below(fd)) ? -1 : NEXT(fsync)(fd);
}

int fchmod(int fd, mode_t mode)
{
	return fault(is_open_below(fd)) ? -1 : NEXT(fchmod)(fd, mode);
}

int rename(const char *from, const char *to)
{
	return fault(is_below(to)) ? -1 : NEXT(rename)(from, to);
}

int unlink(const char *path)
{
	return fault(is_below(path) && !access(path, F_OK)) ? -1 : NEXT(unlink)(path);
}

ssize_t send(int fd, const void *bytes, size_t length, int flags)
{
	return fault(!!getenv("FAULT_SOCKETS")) ? -1 : NEXT(send)(fd, bytes, length, flags);
}

ssize_t recv(int fd, void *bytes, size_t length, int flags)
{
	return fault(!!getenv("FAULT_SOCKETS")) ? -1 : NEXT(recv)(fd, bytes, length, flags);
}
