// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "settings.h"

#define COMMON_OPTIONS	4
#define FIRST_OPTION	256				/* getopt's value of a verb's first option */
#define FIRST_SETTING	(FIRST_OPTION + ADMIN_MAX_OPTIONS)	/* and first setting */

/* In the order in which help lists them. */
const struct admin_object * const admin_objects[] = {
	&admin_gpu, &admin_pool, &admin_vm, &admin_sched, &admin_limit, &admin_quarantine, &admin_config, &admin_stats,
	&admin_top, &admin_events, &admin_version, &admin_doctor, NULL,
};

/**
 * admin_error() - say on stderr what went wrong
 * @format: as printf() takes it, without a newline
 */
void admin_error(const char *format, ...)
{
	va_list args;

	fputs("vgpu-admin: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

static void print_common(void)
{
	puts("  -j, --json            print JSON\n"
	     "  -p, --pretty          indent JSON\n"
	     "  -n, --dry-run         of a verb that changes something: say what, and change nothing\n"
	     "  -h, --help            this text");
}

static void help(void)
{
	int i;

	puts("Usage: vgpu-admin [-j] [-p] OBJECT [VERB] [ARGUMENT]...\n\nShow and change virtual GPUs.\n\nObjects:");
	for (i = 0; admin_objects[i]; i++)
		printf("  %-20s  %s\n", admin_objects[i]->name, admin_objects[i]->help);
	puts("\nWithout a verb, show is meant. vgpu-admin OBJECT --help tells the verbs of an object.\n\nOptions:");
	print_common();
}

static void help_options(const struct admin_verb *verb)
{
	const struct admin_option *option;
	const struct setting *setting;
	char text[64], range[128];

	for (option = verb->options; option && option->name; option++) {
		snprintf(text, sizeof(text), "--%s %s", option->name, option->what ? option->what : "");
		printf("    %-22s  %s\n", text, option->help);
	}
	for (setting = verb->settings; setting && setting->key; setting++) {
		snprintf(text, sizeof(text), "--%s %s", setting->option, setting->what);
		setting_range(setting, range, sizeof(range));
		printf("    %-22s  %s: %s\n", text, setting->help, range);
	}
}

static void help_object(const struct admin_object *object)
{
	const struct admin_verb *verb;
	char text[64];

	printf("Usage: vgpu-admin %s [VERB] [ARGUMENT]...\n\n%s: %s\n\nVerbs:\n", object->name, object->name,
	       object->help);
	for (verb = object->verbs; verb->name; verb++) {
		snprintf(text, sizeof(text), "%s %s", verb->name, verb->names ? verb->names : "");
		printf("  %-24s  %s\n", text, verb->help);
		help_options(verb);
	}
	puts("\nOptions:");
	print_common();
}

static const struct admin_object *find_object(const char *word)
{
	int i;

	for (i = 0; admin_objects[i]; i++)
		if (!strcmp(admin_objects[i]->name, word))
			return admin_objects[i];
	return NULL;
}

static const struct admin_verb *find_verb(const struct admin_object *object, const char *word)
{
	const struct admin_verb *verb;

	for (verb = object->verbs; verb->name; verb++)
		if (!strcmp(verb->name, word))
			return verb;
	return NULL;
}

static enum admin_exit unknown_object(const char *word)
{
	int i;

	fprintf(stderr, "vgpu-admin: no object '%s'; there are:", word);
	for (i = 0; admin_objects[i]; i++)
		fprintf(stderr, " %s", admin_objects[i]->name);
	fputc('\n', stderr);
	return ADMIN_USAGE;
}

static enum admin_exit unknown_verb(const struct admin_object *object, const char *word)
{
	const struct admin_verb *verb;

	fprintf(stderr, "vgpu-admin: %s has no verb '%s'; it has:", object->name, word);
	for (verb = object->verbs; verb->name; verb++)
		fprintf(stderr, " %s", verb->name);
	fputc('\n', stderr);
	return ADMIN_USAGE;
}

static void fill_options(const struct admin_verb *verb, struct option *options)
{
	const struct admin_option *option;
	const struct setting *setting;
	int i;

	*options++ = (struct option){ "json", no_argument, NULL, 'j' };
	*options++ = (struct option){ "pretty", no_argument, NULL, 'p' };
	*options++ = (struct option){ "help", no_argument, NULL, 'h' };
	if (verb->changes)
		*options++ = (struct option){ "dry-run", no_argument, NULL, 'n' };
	for (i = 0, option = verb->options; option && option->name; i++, option++)
		*options++ = (struct option){ option->name, option->what ? required_argument : no_argument, NULL,
					      FIRST_OPTION + i };
	for (i = 0, setting = verb->settings; setting && setting->key; i++, setting++)
		*options++ = (struct option){ setting->option, required_argument, NULL, FIRST_SETTING + i };
	*options = (struct option){ 0 };
}

static enum admin_exit check_names(const struct admin_object *object, const struct admin_verb *verb,
				   const struct admin_args *args)
{
	if (args->num_names < verb->min_names) {
		admin_error("%s %s: %s is missing", object->name, verb->name, verb->names);
		return ADMIN_USAGE;
	}
	if (args->num_names > verb->max_names) {
		admin_error("%s %s: '%s' is one argument too many", object->name, verb->name,
			    args->names[verb->max_names]);
		return ADMIN_USAGE;
	}
	return ADMIN_OK;
}

static bool once(const struct admin_object *object, const struct admin_verb *verb, const char *name,
		 const char **value)
{
	if (*value) {
		admin_error("%s %s: --%s is given twice", object->name, verb->name, name);
		return false;
	}
	*value = optarg ? optarg : "";
	return true;
}

/* Options may stand before and behind the words. Returns -1 when the verb is to be run. */
static int parse(int argc, char **argv, const struct admin_object *object, const struct admin_verb *verb,
		 struct admin_args *args)
{
	struct option options[COMMON_OPTIONS + 2 * ADMIN_MAX_OPTIONS + 1];
	const char *short_options = verb->changes ? ":jphn" : ":jph";
	char short_option[] = "-?";
	int c;

	fill_options(verb, options);
	optind = 0;
	opterr = 0;
	while ((c = getopt_long(argc, argv, short_options, options, NULL)) != -1) {
		switch (c) {
		case 'j':
			args->json = true;
			break;
		case 'p':
			args->pretty = true;
			break;
		case 'n':
			args->dry_run = true;
			break;
		case 'h':
			help_object(object);
			return ADMIN_OK;
		case ':':
			admin_error("%s %s: %s needs a value", object->name, verb->name, argv[optind - 1]);
			return ADMIN_USAGE;
		case '?':
			if (optopt >= FIRST_OPTION) {
				admin_error("%s %s: %s takes no value", object->name, verb->name, argv[optind - 1]);
				return ADMIN_USAGE;
			}
			short_option[1] = optopt;
			admin_error("%s %s has no option '%s'; see: vgpu-admin %s --help", object->name, verb->name,
				    optopt ? short_option : argv[optind - 1], object->name);
			return ADMIN_USAGE;
		default:
			if (c >= FIRST_SETTING ?
			    !once(object, verb, verb->settings[c - FIRST_SETTING].option,
				  &args->setting[c - FIRST_SETTING]) :
			    !once(object, verb, verb->options[c - FIRST_OPTION].name, &args->value[c - FIRST_OPTION]))
				return ADMIN_USAGE;
		}
	}
	args->names = argv + optind;
	args->num_names = argc - optind;
	return check_names(object, verb, args) == ADMIN_OK ? -1 : ADMIN_USAGE;
}

/* What is no UTF-8 cannot be kept as text. */
static void make_text(char *text)
{
	json_t *kept = json_string(text);

	for (; !kept && *text; text++)
		if (*text & 0x80)
			*text = '?';
	json_decref(kept);
}

/* The words as typed, for the history. */
static char *join(int argc, char **argv)
{
	size_t len = 1;
	char *text;
	int i;

	for (i = 1; i < argc; i++)
		len += strlen(argv[i]) + 1;
	text = calloc(1, len);
	for (i = 1; i < argc; i++) {
		if (i > 1)
			strcat(text, " ");
		strcat(text, argv[i]);
	}
	make_text(text);
	return text;
}

int main(int argc, char **argv)
{
	const struct admin_object *object;
	const struct admin_verb *verb;
	struct admin_args args = { 0 };
	int i, words, status;
	char *command;

	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		if (!strcmp(argv[i], "-j") || !strcmp(argv[i], "--json")) {
			args.json = true;
		} else if (!strcmp(argv[i], "-p") || !strcmp(argv[i], "--pretty")) {
			args.pretty = true;
		} else if (!strcmp(argv[i], "-jp") || !strcmp(argv[i], "-pj")) {
			args.json = true;
			args.pretty = true;
		} else if (!strcmp(argv[i], "-h") || !strcmp(argv[i], "--help")) {
			help();
			return ADMIN_OK;
		} else {
			admin_error("no option '%s' before the object; see: vgpu-admin --help", argv[i]);
			return ADMIN_USAGE;
		}
	}
	if (i == argc) {
		admin_error("which object? see: vgpu-admin --help");
		return ADMIN_USAGE;
	}
	if (!strcmp(argv[i], "complete"))
		return complete(argv + i + 1, argc - i - 1);
	object = find_object(argv[i]);
	if (!object)
		return unknown_object(argv[i]);
	command = join(argc, argv);
	args.command = command;
	words = i + 1;
	verb = object->verbs;
	if (words < argc && argv[words][0] != '-') {
		verb = find_verb(object, argv[words]);
		if (!verb) {
			free(command);
			return unknown_verb(object, argv[words]);
		}
		words++;
	}
	/* getopt passes over one word, as it would over the program's name. */
	status = parse(argc - words + 1, argv + words - 1, object, verb, &args);
	if (status < 0)
		status = verb->run(&args);
	free(command);
	if (status == ADMIN_OK && (fflush(stdout) || ferror(stdout))) {
		admin_error("cannot write the answer: %m");
		status = ADMIN_FAILED;
	}
	return status;
}
