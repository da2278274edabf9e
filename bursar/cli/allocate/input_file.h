// Files as the readers of bursar/allocate/format take them, and a problem from whichever form it has.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "bursar/allocate/format/csv_problem.h"

namespace bursar::cli {

enum class Form : std::uint8_t { kCsv, kJson, kNpy };
// By the end of the name; "-" (standard input) needs its form said. kInvalidArgument lists the forms.
[[nodiscard]] Result<Form> form_of(const std::string& path, const std::string& said);

struct ProblemFile {
  std::string path;                // "-": standard input
  std::string form;                // empty: by the name
  std::vector<std::string> costs;  // NPY: files of costs, one a resource; CSV: columns
  allocate::CsvColumns columns;
};

// What the reading has done; false ends it. share: of the file, negative where its length is unknown.
using ReadProgress = std::function<bool(double share, std::uint64_t options)>;

// Errors: kUnavailable for files that cannot be opened or read; otherwise the reader's, with the file's name.
[[nodiscard]] Result<allocate::StatedProblem> read_problem(const ProblemFile& file, const ReadProgress& progress);
[[nodiscard]] Result<std::vector<allocate::NamedAmount>> read_caps(const std::string& path);

// Writes by `fill` to a file beside `path` that takes its place when all is written; "-" is standard output.
using Writer = std::function<Result<void>(std::string_view piece)>;
[[nodiscard]] Result<void> write_file(const std::string& path, const std::function<Result<void>(const Writer&)>& fill);

}  // namespace bursar::cli
