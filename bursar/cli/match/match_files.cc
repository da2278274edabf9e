#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <unistd.h>

#include "bursar/cli/match/match_verbs.h"
#include "bursar/core/json.h"

namespace bursar::cli {
namespace {
constexpr std::size_t kMostBytes = std::size_t{64} << 20;
}  // namespace

Result<Source> open_source(const std::string& path, std::istream& standard) {
  if (path == "-") return Source{.own = nullptr, .stream = &standard};
  std::error_code error;
  auto file = std::make_unique<std::ifstream>(path, std::ios::binary);
  if (!*file || std::filesystem::is_directory(path, error))
    return fail(ErrorCode::kUnavailable, path + ": cannot be read");
  Source out{.own = std::move(file), .stream = nullptr};
  out.stream = out.own.get();
  return out;
}

Result<std::string> read_whole(const std::string& path, std::istream& standard) {
  const auto source = open_source(path, standard);
  if (!source) return tl::unexpected(source.error());
  std::string text;
  for (std::string piece(1 << 16, '\0'); *source->stream;) {
    source->stream->read(piece.data(), static_cast<std::streamsize>(piece.size()));
    text.append(piece, 0, static_cast<std::size_t>(source->stream->gcount()));
    if (text.size() > kMostBytes) return fail(ErrorCode::kExhausted, path + ": is longer than 64 MiB");
  }
  return text;
}

Result<boost::json::value> read_document(const std::string& path, std::istream& standard) {
  return read_whole(path, standard)
      .and_then([](const std::string& text) { return parse_json(text, {.max_bytes = kMostBytes}); })
      .map_error(
          [&](Error e) { return e.message.starts_with(path) ? std::move(e) : with_context(path, std::move(e)); });
}

Result<void> write_text(const std::string& path, const std::string& text) {
  const std::string part = path + ".part." + std::to_string(::getpid());
  {
    std::ofstream file(part, std::ios::binary);
    file << text;
    file.flush();
    if (!file) return fail(ErrorCode::kUnavailable, path + ": cannot be written");
  }
  std::error_code error;
  std::filesystem::rename(part, path, error);
  if (error) return fail(ErrorCode::kUnavailable, path + ": cannot be written");
  return {};
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

std::string number_text(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", x);
  return text;
}

}  // namespace bursar::cli
