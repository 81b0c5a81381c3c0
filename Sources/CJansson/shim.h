#pragma once

#include <jansson.h>

// jansson offers these as macros or inline functions over struct fields, which Swift does not import as such.

static inline json_type cjansson_typeof(const json_t *value) { return json_typeof(value); }
static inline void cjansson_decref(json_t *value) { json_decref(value); }

static inline size_t cjansson_parse_flags(void) {
    return JSON_REJECT_DUPLICATES | JSON_DECODE_ANY;
}

// Compact, keys sorted, 17 significant digits: what is read back is the same double.
static inline size_t cjansson_sorted_flags(void) {
    return JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY;
}

// The same with the members in the order they were given.
static inline size_t cjansson_ordered_flags(void) {
    return JSON_COMPACT | JSON_ENCODE_ANY;
}

// Two spaces a level, members in the order they were given: for files that people read.
static inline size_t cjansson_pretty_flags(void) {
    return JSON_INDENT(2) | JSON_ENCODE_ANY;
}
