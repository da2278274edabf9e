// Rules on the arguments of a call: path globs on string arguments, which no way of writing a path gets around.
//
//   // allow, arguments: {path: "/srv/docs/**"}
//   arguments_fit(rule, R"({"path":"/srv/docs/a/b.txt"})");            // true
//   arguments_fit(rule, R"({"path":"/srv/docs/../../etc/passwd"})");   // false
//
// In a pattern '*' stands for any characters and '?' for one within a segment, '**' for any characters across segments;
// everything else is itself, byte by byte, case and the leading '/' too. A pattern with "://" is one of URLs: scheme
// and host are compared like a segment, and the host of a value may have nothing in it but letters, digits, '.', '-',
// ':' and brackets (no user name, no query that ends like the host). Such patterns are for allow rules only. Such
// patterns are for allow rules only.
//
// A value is plain if it has no segment that is empty, "." or "..", no backslash, no control character, none of these
// (or a further '%') percent-encoded, and at most 4096 bytes. What is not plain fits no pattern.
//
// Which way is safe depends on what the rule does:
//                                         allow            deny
//   argument missing                      does not fit     does not fit (nothing is named that could be protected)
//   argument is no string (list, null)    does not fit     fits
//   a string that is not plain            does not fit     fits
//   anything percent-encoded              by the pattern   fits (the server may decode it)
//   a plain string                        by the pattern   by the pattern
// So a strange spelling never opens an allow rule and never slips past a deny rule. All named arguments must fit. To
// protect a place, allow what is meant, rather than deny what is not: a server may know a file by several names (links,
// other case, other Unicode forms) that no gateway can know.
#pragma once

#include <string_view>

#include "bursar/broker/config/config.h"

namespace bursar::broker {

// `arguments` is the raw JSON object of the call, validated and without duplicate members; empty where there is none.
[[nodiscard]] bool arguments_fit(const PolicyRule& rule, std::string_view arguments);

[[nodiscard]] bool is_plain_path(std::string_view value);
// O(pattern x value) at worst, no recursion, no allocation.
[[nodiscard]] bool path_fits(std::string_view pattern, std::string_view value);

// What is wrong with a pattern of the configuration; empty where nothing is.
[[nodiscard]] std::string_view wrong_with_path_pattern(Effect effect, std::string_view pattern);

}  // namespace bursar::broker
