// SPDX-License-Identifier: MIT
// Copyright (c) vgpu authors
/* Teams and their threads: numbers, data shared inside a team, barriers, sections, single, critical. */
#include "offload.h"

#define TEAMS 6
#define WIDTH 64

static int teams_run;

static void rows(int device, const int *in, int *out)
{
#pragma omp target teams num_teams(TEAMS) thread_limit(128) if(device) map(to: in[0:TEAMS * WIDTH]) map(from: out[0:TEAMS * WIDTH])
	{
		int team;

#pragma omp distribute
		for (team = 0; team < TEAMS; team++) {
			int shared[WIDTH], total = 0, i;

#pragma omp parallel shared(shared, total)
			{
#pragma omp for
				for (i = 0; i < WIDTH; i++)
					shared[i] = in[team * WIDTH + i];
#pragma omp for reduction(+: total)
				for (i = 0; i < WIDTH; i++)
					total += shared[WIDTH - 1 - i];
#pragma omp for
				for (i = 0; i < WIDTH; i++)
					out[team * WIDTH + i] = total * shared[(i + 1) % WIDTH] + team;
			}
		}
	}
}

static void constructs(int device, int *out)
{
	int counted = 0, singles = 0, ordered = 0, first = 0, second = 0, numbers = 0, size = 0;

#pragma omp target if(device) map(tofrom: counted, singles, ordered, first, second, numbers, size)
	{
#pragma omp parallel
		{
			int i;

#pragma omp critical
			counted++;
#pragma omp single
			singles++;
#pragma omp barrier
#pragma omp atomic
			numbers += omp_get_thread_num();
#pragma omp master
			size = omp_get_num_threads();
#pragma omp for ordered
			for (i = 0; i < 30; i++) {
#pragma omp ordered
				ordered = ordered * 3 + i;
			}
#pragma omp sections
			{
#pragma omp section
				first = 11;
#pragma omp section
				second = 12;
			}
		}
	}
	must("critical counts the threads", counted == size && size > 0);
	must("numbers of the threads", numbers == size * (size - 1) / 2);
	out[0] = singles;
	out[1] = ordered;
	out[2] = first;
	out[3] = second;
}

int main(void)
{
	static int in[TEAMS * WIDTH], out[2][TEAMS * WIDTH], small[2][4];
	int i, teams = 0;

	offload_needs_device();
	for (i = 0; i < TEAMS * WIDTH; i++)
		in[i] = i * 37 % 101;
	rows(1, in, out[0]);
	rows(0, in, out[1]);
	same_ints("rows by teams", out[0], out[1], TEAMS * WIDTH);
	constructs(1, small[0]);
	constructs(0, small[1]);
	same_ints("constructs", small[0], small[1], 4);
#pragma omp target teams num_teams(TEAMS) thread_limit(1) map(tofrom: teams_run, teams)
#pragma omp parallel
	{
#pragma omp atomic
		teams_run++;
		if (omp_get_team_num() == 0)
			teams = omp_get_num_teams();
	}
	must("as many teams as were asked for", teams == TEAMS && teams_run == TEAMS);
	return offload_end();
}
