// SPDX-License-Identifier: GPL-2.0-only
/* Copyright (c) vgpu authors */
/*
 * toml++ behind C: the one library for TOML that Debian 12 has and that keeps to the whole standard.
 */

#include <cstdio>
#include <sstream>
#include <toml++/toml.h>
#include "toml.h"

static json_t *convert(const toml::node &node)
{
	if (const toml::table *table = node.as_table()) {
		json_t *object = json_object();

		for (auto &&[key, value] : *table)
			json_object_set_new(object, std::string(key.str()).c_str(), convert(value));
		return object;
	}
	if (const toml::array *array = node.as_array()) {
		json_t *list = json_array();

		for (auto &&value : *array)
			json_array_append_new(list, convert(value));
		return list;
	}
	if (const toml::value<std::string> *text = node.as_string())
		return json_stringn(text->get().data(), text->get().size());
	if (const toml::value<int64_t> *number = node.as_integer())
		return json_integer(number->get());
	if (const toml::value<bool> *truth = node.as_boolean())
		return json_boolean(truth->get());
	std::ostringstream other;

	node.visit([&other](auto &&value) {
		if constexpr (toml::is_value<decltype(value)>)
			other << value.get();
	});
	return json_string(other.str().c_str());
}

extern "C" json_t *toml_read(const char *text, char *why, size_t len)
{
	try {
		return convert(toml::parse(std::string_view(text)));
	} catch (const toml::parse_error &error) {
		std::snprintf(why, len, "line %u, column %u: %.*s", static_cast<unsigned int>(error.source().begin.line),
			      static_cast<unsigned int>(error.source().begin.column),
			      static_cast<int>(error.description().size()), error.description().data());
		return nullptr;
	}
}
