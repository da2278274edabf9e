#include "bursar/cli/plan/run_file.h"

#include <filesystem>
#include <iterator>

#include "bursar/core/json.h"

namespace bursar::cli {
namespace {

constexpr std::size_t kMostLine = 64 << 20;

}  // namespace

Result<RunFile> RunFile::open(const std::string& path, const boost::json::object& request) {
  RunFile out;
  out.path_ = path;
  if (path.empty()) return out;
  std::string text;
  if (std::ifstream in(path, std::ios::binary); in) text.assign(std::istreambuf_iterator<char>(in), {});
  text.resize(text.rfind('\n') + 1);  // npos + 1 is 0
  if (auto ok = out.read(text, request); !ok) return tl::unexpected(with_context(path, ok.error()));
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) std::filesystem::resize_file(path, text.size(), ignored);
  out.file_.open(path, std::ios::binary | std::ios::app);
  if (!out.file_) return fail(ErrorCode::kUnavailable, path + ": cannot be written");
  using std::filesystem::perms;
  std::filesystem::permissions(path, perms::owner_read | perms::owner_write, ignored);
  if (text.empty()) {
    if (auto ok = out.add({{"request", request}}); !ok) return tl::unexpected(ok.error());
  }
  return out;
}

Result<void> RunFile::read(std::string_view text, const boost::json::object& request) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    auto line = parse_json(text.substr(0, end), {.max_bytes = kMostLine});
    text.remove_prefix(end + 1);
    const std::string where = "line " + std::to_string(number) + ": ";
    if (!line || !line->is_object()) return fail(ErrorCode::kCorrupt, where + "is no JSON object");
    boost::json::object& entry = line->get_object();
    if (number == 1) {
      const auto* was = entry.if_contains("request");
      if (was == nullptr || !was->is_object() || to_json(was->get_object()) != to_json(request)) {
        return invalid_argument(where + "is of another workflow, budget or seed; take another file for this run");
      }
    } else if (const auto* result = entry.if_contains("result"); result != nullptr && result->is_object()) {
      result_ = result->get_object();
    } else if (entry.contains("step") || entry.contains("seen")) {
      journal_.push_back(std::move(entry));
    } else {
      return fail(ErrorCode::kCorrupt, where + "is neither a step, an observation nor a result");
    }
  }
  return {};
}

Result<void> RunFile::add(const boost::json::object& entry) {
  if (path_.empty()) return {};
  file_ << to_json(entry) << '\n';
  if (!file_.flush()) return fail(ErrorCode::kUnavailable, path_ + ": cannot be written");
  return {};
}

}  // namespace bursar::cli
