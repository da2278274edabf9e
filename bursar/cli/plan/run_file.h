// The file of a workflow's run: what was asked for, and what has happened since, a line each.
//
//   auto state = RunFile::open("essay.run", request);        // kInvalidArgument: it is another run's
//   state->journal();                                          // of before
//   auto ok = state->add(entry);                               // on disk when it returns
//
// A last line that was not written to its end is forgotten: what it told is asked anew.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fstream>
#include <optional>
#include <string>

#include "bursar/core/result.h"

namespace bursar::cli {

class RunFile {
 public:
  // Empty path: nothing is kept. Errors: kUnavailable, kCorrupt naming the line.
  [[nodiscard]] static Result<RunFile> open(const std::string& path, const boost::json::object& request);

  [[nodiscard]] const boost::json::array& journal() const { return journal_; }
  [[nodiscard]] const std::optional<boost::json::object>& result() const { return result_; }  // it has ended before
  [[nodiscard]] Result<void> add(const boost::json::object& entry);  // a step, an observation, or the result

 private:
  Result<void> read(std::string_view text, const boost::json::object& request);

  std::string path_;
  std::ofstream file_;
  boost::json::array journal_;
  std::optional<boost::json::object> result_;
};

}  // namespace bursar::cli
