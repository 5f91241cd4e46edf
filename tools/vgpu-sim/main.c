// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * vgpu-sim: runs scenarios of the scheduler under a virtual clock, and replays decision logs.
 */

#include <getopt.h>
#include <unistd.h>

#include "sim.h"

static const char help[] =
	"Usage: vgpu-sim [OPTION]... SCENARIO...\n"
	"       vgpu-sim [--json] --replay LOG\n"
	"Run the vgpu scheduler on a scenario under a virtual clock.\n"
	"\n"
	"  -j, --json            print JSON\n"
	"  -v, --verbose         a line for each virtual machine\n"
	"  -q, --quiet           print only what is not as expected\n"
	"  -s, --seed N          in place of the scenario's\n"
	"  -d, --decisions N     go on for N decisions in place of the scenario's time\n"
	"  -w, --write LOG       write the decision log of GPU 0\n"
	"  -r, --replay LOG      make the decisions of a log again and compare; with --json, print what each\n"
	"                        virtual GPU had of the compute engine\n"
	"  -t, --trace FILE      with --replay: write there when runs began and what they took, as a trace\n"
	"  -h, --help            this\n"
	"\n"
	"Exit status: 0 if all is as expected, 1 if not, 2 for trouble. Scenarios are described in\n"
	"Documentation/scheduler/simulation.md.\n";

static const struct option options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "seed", required_argument, NULL, 's' },
	{ "decisions", required_argument, NULL, 'd' },
	{ "write", required_argument, NULL, 'w' },
	{ "replay", required_argument, NULL, 'r' },
	{ "trace", required_argument, NULL, 't' },
	{ "help", no_argument, NULL, 'h' },
	{ }
};

struct settings {
	bool json;
	bool verbose;
	bool quiet;
	bool seeded;
	u64 seed;
	u64 decisions;
	const char *log;
	const char *replay;
	const char *trace;
};

static int run_scenario(const char *path, const struct settings *settings)
{
	struct sim sim = { .decisions_wanted = settings->decisions };
	int failed;

	if (sim_scenario_read(&sim.scenario, path)) {
		sim_scenario_free(&sim.scenario);
		return 2;
	}
	if (settings->seeded)
		sim.scenario.seed = settings->seed;
	if (settings->log) {
		sim.record = fopen(settings->log, "wb");
		if (!sim.record) {
			fprintf(stderr, "vgpu-sim: cannot write %s: %s\n", settings->log, strerror(errno));
			return 2;
		}
	}
	sim_run(&sim);
	if (sim.record && fclose(sim.record)) {
		fprintf(stderr, "vgpu-sim: cannot write %s: %s\n", settings->log, strerror(errno));
		return 2;
	}
	if (settings->json)
		sim_report_json(&sim, stdout);
	else if (!settings->quiet)
		sim_report_text(&sim, stdout, settings->verbose);
	failed = sim_check_expects(&sim, stderr);
	sim_free(&sim);
	return failed ? 1 : 0;
}

static int replay_log(const struct settings *settings)
{
	FILE *trace = NULL;
	int status;

	if (settings->trace) {
		trace = fopen(settings->trace, "w");
		if (!trace) {
			fprintf(stderr, "vgpu-sim: cannot write %s: %s\n", settings->trace, strerror(errno));
			return 2;
		}
	}
	status = sim_replay(settings->replay, stdout, settings->json, trace);
	if (trace && fclose(trace)) {
		fprintf(stderr, "vgpu-sim: cannot write %s: %s\n", settings->trace, strerror(errno));
		return 2;
	}
	return status;
}

int main(int argc, char **argv)
{
	struct settings settings = { 0 };
	int option, status, worst = 0;

	while ((option = getopt_long(argc, argv, "jvqs:d:w:r:t:h", options, NULL)) != -1) {
		switch (option) {
		case 'j':
			settings.json = true;
			break;
		case 'v':
			settings.verbose = true;
			break;
		case 'q':
			settings.quiet = true;
			break;
		case 's':
			settings.seed = strtoull(optarg, NULL, 0);
			settings.seeded = true;
			break;
		case 'd':
			settings.decisions = strtoull(optarg, NULL, 0);
			break;
		case 'w':
			settings.log = optarg;
			break;
		case 'r':
			settings.replay = optarg;
			break;
		case 't':
			settings.trace = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		default:
			fputs("Try 'vgpu-sim --help'.\n", stderr);
			return 2;
		}
	}
	if (settings.replay)
		return replay_log(&settings);
	if (optind == argc) {
		fputs("vgpu-sim: no scenario\nTry 'vgpu-sim --help'.\n", stderr);
		return 2;
	}
	for (; optind < argc; optind++) {
		status = run_scenario(argv[optind], &settings);
		worst = max(worst, status);
	}
	return worst;
}
