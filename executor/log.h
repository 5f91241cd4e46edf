/* SPDX-License-Identifier: GPL-2.0-only */
/* Copyright (c) vgpu authors */
/*
 * Log lines on standard error: text for people, or one JSON object a line.
 */
#ifndef EXECUTOR_LOG_H
#define EXECUTOR_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

void log_setup(const char *gpu, bool json, enum log_level level);
void log_set_session(const uint8_t uuid[16], uint32_t session);
void log_set_pid(pid_t pid);
void log_limit(unsigned int per_second);

__attribute__((format(printf, 2, 3))) void log_at(enum log_level level, const char *format, ...);

#define log_error(...)		log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...)	log_at(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)		log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)		log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)

void uuid_format(const uint8_t uuid[16], char text[37]);

#endif /* EXECUTOR_LOG_H */
