/*
 * A C program that drives the plugin through zkey's interface for KMS plugins, with structures of
 * its own. It is run by a test, natively also under valgrind.
 *
 *   host PLUGIN DIRECTORY certificate FILE      up to a client certificate in FILE
 *   host PLUGIN DIRECTORY keys SERVER CA        connects to SERVER and works with keys
 *   host PLUGIN DIRECTORY configure OPTION...   with options such as i=ECC:secp521r1 or 259, and
 *                                               apqns=CARD.DOMAIN
 *   host PLUGIN DIRECTORY reencipher MODE REGISTER
 *   host PLUGIN DIRECTORY gone -                works while the server goes, after a line was read
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct apqn { unsigned short card, domain; };
struct kms_option { int option; const char *argument; };
struct property { const char *name, *value; };
struct util_opt {
	struct option option;
	char *argument, *desc;
	int flags;
	char *command;
};

typedef int (*list_callback)(const char *id, const char *label, const char *type, size_t bits,
			     const struct property *props, size_t num_props, const char *addl,
			     size_t addl_len, void *data);

struct functions {
	unsigned int api_version;
	int (*bind)(const char *);
	void *(*initialize)(const char *, bool);
	int (*terminate)(void *);
	const char *(*get_last_error)(void *);
	bool (*supports_key_type)(void *, const char *);
	int (*display_info)(void *);
	const struct util_opt *(*get_command_options)(const char *, int);
	int (*configure)(void *, const struct apqn *, size_t, const struct kms_option *, size_t);
	int (*deconfigure)(void *);
	int (*login)(void *);
	int (*reencipher)(void *, int, int, const struct kms_option *, size_t);
	int (*generate_key)(void *, const char *, size_t, int, const struct property *, size_t,
			    const struct kms_option *, size_t, unsigned char *, size_t *, char *,
			    size_t, char *, size_t);
	int (*set_key_properties)(void *, const char *, const struct property *, size_t);
	int (*get_key_properties)(void *, const char *, struct property **, size_t *);
	int (*remove_key)(void *, const char *, const struct kms_option *, size_t);
	int (*list_keys)(void *, const char *, const struct property *, size_t,
			 const struct kms_option *, size_t, list_callback, void *);
	int (*import_key)(void *, const char *, unsigned char *, size_t *);
	int (*import_key2)(void *, const char *, const char *, unsigned char *, size_t *);
};

static const struct functions *kms;
static void *handle;

#define CHECK(condition)                                                                          \
	do {                                                                                      \
		if (!(condition)) {                                                               \
			const char *text = handle ? kms->get_last_error(handle) : NULL;           \
			fprintf(stderr, "line %d: %s (%s)\n", __LINE__, #condition,               \
				text ? text : "no error text");                                   \
			exit(1);                                                                  \
		}                                                                                 \
	} while (0)

static int threads(void)
{
	DIR *directory = opendir("/proc/self/task");
	struct dirent *entry;
	int count = 0;

	while ((entry = readdir(directory)))
		count += entry->d_name[0] != '.';
	closedir(directory);
	return count;
}

static int descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

/* What belongs to the process as a whole, and not to a library. */
struct process {
	struct {
		void (*handler)(int);
		int flags, blocked;
	} signals[64];
	char directory[4096];
	char environment[65536];
	char locale[256];
	int threads;
};

static void look(struct process *process)
{
	struct sigaction action;
	size_t used = 0;
	sigset_t blocked;
	char **one;
	int signal;

	memset(process, 0, sizeof(*process));
	sigprocmask(SIG_BLOCK, NULL, &blocked);
	for (signal = 1; signal < 64; signal++) {
		/* The C library keeps some for itself. */
		if (sigaction(signal, NULL, &action))
			continue;
		process->signals[signal].handler = action.sa_handler;
		process->signals[signal].flags = action.sa_flags;
		process->signals[signal].blocked = sigismember(&blocked, signal);
	}
	CHECK(getcwd(process->directory, sizeof(process->directory)));
	for (one = environ; *one; one++)
		used += snprintf(process->environment + used, sizeof(process->environment) - used,
				 "%s\n", *one);
	CHECK(used < sizeof(process->environment));
	snprintf(process->locale, sizeof(process->locale), "%s", setlocale(LC_ALL, NULL));
	/* An emulator of the processor has one of its own. */
	process->threads = threads();
}

static void options(void)
{
	static const char *const commands[] = { "configure", "reencipher", "generate", "remove",
						"list", "list-import" };
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		const struct util_opt *one = kms->get_command_options(commands[i], 40);
		int count = 0;

		for (; one && one->desc; one++, count++)
			CHECK(one->flags == 4 || one->option.name);
		CHECK(count <= 40);
	}
	CHECK(!kms->get_command_options("something else", 40));
}

static void certificate(const char *file)
{
	const struct apqn apqn = { 3, 0x39 };
	const struct kms_option unknown = { 9999, NULL }, empty = { 'r', "/dev/null" };
	const struct kms_option list[] = {
		{ 'i', "ECC:prime256v1" }, { 'C', file }, { 's', "CN=client" },
	};

	CHECK(kms->configure(handle, NULL, 0, &unknown, 1) == -EINVAL);
	CHECK(kms->get_last_error(handle));
	CHECK(kms->supports_key_type(handle, "EP11-AES"));
	CHECK(kms->configure(handle, &apqn, 1, NULL, 0) == -EAGAIN);
	CHECK(!kms->get_last_error(handle));
	CHECK(kms->supports_key_type(handle, "cca-aesdata"));
	CHECK(!kms->supports_key_type(handle, "EP11-AES"));
	CHECK(kms->configure(handle, NULL, 0, list, 3) == -EAGAIN);
	CHECK(kms->configure(handle, NULL, 0, &empty, 1) == -EINVAL);
}

struct key { char id[257], label[271]; unsigned char blob[336]; size_t length; };

static void generate(int mode, const struct property *props, size_t count, struct key *key)
{
	const struct kms_option label = { 'B', "left:right" };

	key->length = 64;
	CHECK(!kms->generate_key(handle, "CCA-AESDATA", 256, mode, props, count, &label, 1,
				 key->blob, &key->length, key->id, 257, key->label, 257));
	CHECK(key->length == 64);
}

static const char *value_of(const struct property *props, size_t count, const char *name)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!strcmp(props[i].name, name))
			return props[i].value;
	return NULL;
}

/* What zkey does while it imports: the plugin is called from within its callback. */
static int imported(const char *id, const char *label, const char *type, size_t bits,
		    const struct property *props, size_t num_props, const char *addl,
		    size_t addl_len, void *data)
{
	const struct property name = { "zkey-name-here", "disk" };
	unsigned char blob[672];
	size_t length = sizeof(blob);
	int *count = data;

	(void)type;
	(void)addl;
	(void)addl_len;
	CHECK(label && bits == 256 && value_of(props, num_props, "zkey-name"));
	CHECK(!kms->import_key2(handle, id, NULL, blob, &length) && length == 64);
	CHECK(!kms->set_key_properties(handle, id, &name, 1));
	CHECK(kms->supports_key_type(handle, "CCA-AESDATA"));
	return ++*count == 2 ? -ECANCELED : 0;
}

static int counted(const char *id, const char *label, const char *type, size_t bits,
		   const struct property *props, size_t num_props, const char *addl,
		   size_t addl_len, void *data)
{
	(void)id, (void)label, (void)type, (void)bits, (void)props, (void)num_props;
	(void)addl, (void)addl_len;
	++*(int *)data;
	return 0;
}

static void properties(const char *id, const char *other)
{
	struct property *props = NULL;
	size_t count = 0, i;

	CHECK(!kms->get_key_properties(handle, id, &props, &count));
	CHECK(!strcmp(value_of(props, count, "xts-key2-id"), other));
	CHECK(!strcmp(value_of(props, count, "volumes"), ""));
	/* Freed as zkey does it. */
	for (i = 0; i < count; i++) {
		free((void *)props[i].name);
		free((void *)props[i].value);
	}
	free(props);
	props = NULL;
	count = 0;
	CHECK(kms->get_key_properties(handle, "missing", &props, &count) < 0);
	CHECK(!props && !count && kms->get_last_error(handle));
}

static void keys(const char *server, const char *ca)
{
	const struct kms_option connection[] = { { 'S', server }, { 'b', ca }, { 'p', "used" } };
	const struct kms_option nobody[] = { { 'S', server }, { 'b', "/dev/null" } };
	const struct kms_option destroyed = { 's', "DESTROYED" };
	struct property first[] = { { "zkey-name", "disk" }, { "volumes", "" },
				    { "xts-key", "XTS-KEY-1" } };
	struct property second[] = { { "zkey-name", "disk" }, { "xts-key", "XTS-KEY-2" },
				     { "xts-key1-id", NULL } };
	struct property back[] = { { "xts-key2-id", NULL }, { "xts-key2-label", NULL } };
	const struct property gone = { "volumes", NULL };
	struct key one, two;
	unsigned char blob[672];
	size_t length = sizeof(blob);
	int count = 0;

	CHECK(kms->list_keys(handle, NULL, NULL, 0, NULL, 0, counted, &count) == -EINVAL);
	/* Without its CA certificate, the server is not trusted; with none at all, nobody is. */
	CHECK(kms->configure(handle, NULL, 0, connection, 1) == -EINVAL);
	CHECK(kms->configure(handle, NULL, 0, nobody, 2) < 0 && kms->get_last_error(handle));
	CHECK(!kms->configure(handle, NULL, 0, connection, 3));
	CHECK(!kms->display_info(handle));
	CHECK(!kms->login(handle));
	generate(1, first, 3, &one);
	second[2].value = one.id;
	generate(2, second, 3, &two);
	back[0].value = two.id;
	back[1].value = two.label;
	CHECK(!kms->set_key_properties(handle, one.id, back, 2));
	CHECK(!strcmp(one.label, "left") && !strcmp(two.label, "right"));
	properties(one.id, two.id);
	CHECK(!kms->set_key_properties(handle, one.id, &gone, 1));
	CHECK(kms->list_keys(handle, "*", NULL, 0, NULL, 0, imported, &count) == -ECANCELED);
	CHECK(count == 2);
	count = 0;
	CHECK(!kms->list_keys(handle, "lef*", NULL, 0, NULL, 0, counted, &count) && count == 1);
	CHECK(!kms->import_key2(handle, one.id, "(any)", blob, &length) && length == 64);
	length = 10;
	CHECK(kms->import_key2(handle, one.id, NULL, blob, &length) < 0);
	CHECK(!kms->reencipher(handle, 1, 1, NULL, 0) || kms->get_last_error(handle));
	CHECK(!kms->remove_key(handle, one.id, NULL, 0));
	CHECK(!kms->remove_key(handle, one.id, &destroyed, 1));
	CHECK(!kms->remove_key(handle, two.id, &destroyed, 1));
	count = 0;
	CHECK(!kms->list_keys(handle, NULL, NULL, 0, NULL, 0, counted, &count) && !count);
	CHECK(!kms->deconfigure(handle));
}

/* Nobody has told the process what to do about SIGPIPE, so one would end it. */
static void gone(void)
{
	int count = 0, i;

	CHECK(!kms->list_keys(handle, NULL, NULL, 0, NULL, 0, counted, &count));
	printf("connected\n");
	fflush(stdout);
	CHECK(getchar() == '\n');
	for (i = 0; i < 3; i++) {
		CHECK(kms->list_keys(handle, NULL, NULL, 0, NULL, 0, counted, &count) < 0);
		CHECK(kms->get_last_error(handle));
	}
}

static int report(int code)
{
	const char *text = kms->get_last_error(handle);

	CHECK(code <= 0 && !code == !text);
	if (text)
		fprintf(stderr, "%s\n", text);
	return code ? 1 : 0;
}

static int configure(int count, char **arguments)
{
	struct kms_option list[32];
	struct apqn apqn;
	size_t num_apqns = 0, num = 0;
	int i;

	CHECK(count <= 32);
	for (i = 0; i < count; i++) {
		char *value = strchr(arguments[i], '=');

		if (value)
			*value++ = 0;
		if (!strcmp(arguments[i], "apqns")) {
			num_apqns = 1;
			CHECK(sscanf(value, "%hx.%hx", &apqn.card, &apqn.domain) == 2);
			continue;
		}
		list[num].option = atoi(arguments[i]);
		if (!list[num].option)
			list[num].option = arguments[i][0];
		list[num++].argument = value;
	}
	i = kms->configure(handle, num_apqns ? &apqn : NULL, num_apqns, list, num);
	/* Accepted, but not complete. */
	return report(i == -EAGAIN ? 0 : i);
}

int main(int argc, char **argv)
{
	const struct functions *(*get)(void);
	unsigned long (*errors)(void);
	static struct process before, after;
	mode_t mask = umask(077);
	void *library;
	int open_files;
	int code = 0;

	if (argc < 5 || sizeof(struct util_opt) != 64 || sizeof(struct functions) != 152)
		return 2;
	look(&before);
	library = dlopen(argv[1], RTLD_GLOBAL | RTLD_NOW);
	if (!library) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	/* Nothing but the one symbol is there for everybody. */
	CHECK(dlsym(RTLD_DEFAULT, "kms_get_functions"));
	CHECK(!dlsym(RTLD_DEFAULT, "rust_eh_personality"));
	get = (const struct functions *(*)(void))dlsym(library, "kms_get_functions");
	errors = (unsigned long (*)(void))dlsym(RTLD_DEFAULT, "ERR_peek_error");
	kms = get();
	CHECK(kms && kms->api_version == 2 && !kms->import_key);
	options();
	CHECK(!kms->bind(argv[2]));
	CHECK(!kms->initialize("/nowhere at all", false));
	open_files = descriptors();
	handle = kms->initialize(argv[2], false);
	CHECK(handle);
	if (!strcmp(argv[3], "certificate"))
		certificate(argv[4]);
	else if (!strcmp(argv[3], "configure"))
		code = configure(argc - 4, argv + 4);
	else if (!strcmp(argv[3], "reencipher"))
		code = report(kms->reencipher(handle, atoi(argv[4]), atoi(argv[5]), NULL, 0));
	else if (!strcmp(argv[3], "gone"))
		gone();
	else
		keys(argv[4], argv[5]);
	/* zkey uses OpenSSL, too, and would take these errors for its own. */
	CHECK(errors && !errors());
	CHECK(!kms->terminate(handle));
	handle = NULL;
	CHECK(!errors());
	look(&after);
	CHECK(!memcmp(&before, &after, sizeof(before)));
	CHECK(umask(mask) == 077);
	CHECK(descriptors() == open_files);
	dlclose(library);
	printf("done\n");
	return code;
}
