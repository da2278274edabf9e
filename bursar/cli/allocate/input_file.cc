#include "bursar/cli/allocate/input_file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

#include "bursar/allocate/format/json_problem.h"
#include "bursar/allocate/format/npy.h"

namespace bursar::cli {
namespace {

using allocate::ByteSource;
using allocate::ReadLimits;
using allocate::StatedProblem;

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ > STDERR_FILENO) ::close(number_);
  }
  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};

tl::unexpected<Error> outside(const std::string& what) {
  return fail(ErrorCode::kUnavailable, what + ": " + std::strerror(errno));
}

Result<ByteSource> open_source(const std::string& path) {
  const int number = path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (number < 0) return outside("cannot be opened");
  auto file = std::make_shared<Descriptor>(number);
  ByteSource source;
  struct stat info{};
  if (::fstat(number, &info) == 0 && S_ISREG(info.st_mode)) source.size = static_cast<std::uint64_t>(info.st_size);
  if (S_ISDIR(info.st_mode)) return fail(ErrorCode::kUnavailable, "is a folder");
  ::posix_fadvise(number, 0, 0, POSIX_FADV_SEQUENTIAL);
  source.read = [file](std::span<char> to) -> Result<std::size_t> {
    while (true) {
      const ssize_t got = ::read(file->number(), to.data(), to.size());
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR) return outside("cannot be read");
    }
  };
  return source;
}

ReadLimits limits_of(const ByteSource& source, const ReadProgress& progress) {
  return {.go_on = [size = source.size, progress](std::uint64_t bytes, std::uint64_t options) {
    const double share = size && *size != 0 ? static_cast<double>(bytes) / static_cast<double>(*size) : -1.0;
    return progress(share, options);
  }};
}

Result<std::string> read_text(const ByteSource& source, std::uint64_t most) {
  constexpr std::size_t kPiece = 1 << 20;
  std::string text;
  while (true) {
    const std::size_t before = text.size();
    text.resize(before + kPiece);
    auto got = allocate::read_full(source, std::span(text).subspan(before));
    if (!got) return tl::unexpected(got.error());
    text.resize(before + *got);
    if (text.size() > most)
      return invalid_argument("is longer than " + std::to_string(most) +
                              " bytes; a table of that size belongs into CSV or NPY");
    if (*got < kPiece) return text;
  }
}

Result<allocate::NumberArray> read_array(const std::string& path, const ReadProgress& progress) {
  auto source = open_source(path);
  auto array = source ? allocate::read_npy(*source, limits_of(*source, progress))
                      : Result<allocate::NumberArray>(tl::unexpected(source.error()));
  return array.map_error([&](Error e) { return with_context(path, std::move(e)); });
}

Result<StatedProblem> read_arrays(const ProblemFile& file, const ReadProgress& progress) {
  auto value = read_array(file.path, progress);
  if (!value) return tl::unexpected(value.error());
  std::vector<allocate::NumberArray> costs;
  for (const std::string& path : file.costs) {
    auto cost = read_array(path, progress);
    if (!cost) return tl::unexpected(cost.error());
    costs.push_back(std::move(*cost));
  }
  if (costs.empty()) return invalid_argument(file.path + ": holds values; give the costs by --costs FILE.npy");
  return allocate::problem_from_arrays(std::move(*value), std::move(costs));
}

}  // namespace

Result<Form> form_of(const std::string& path, const std::string& said) {
  const std::string end = said.empty() ? path.substr(std::min(path.size(), path.rfind('.') + 1)) : said;
  if (end == "csv") return Form::kCsv;
  if (end == "json") return Form::kJson;
  if (end == "npy") return Form::kNpy;
  if (end == "gz" || end == "zst" || end == "xz" || end == "bz2")
    return invalid_argument(path + ": is compressed; unpack it into standard input, as in `zcat " + path +
                            " | bursar allocate - --format csv …`");
  return invalid_argument(
      (said.empty() ? path + ": its form cannot be told from its name" : "--format is '" + said + "'") +
      "; say --format csv, json or npy");
}

Result<StatedProblem> read_problem(const ProblemFile& file, const ReadProgress& progress) {
  const auto form = form_of(file.path, file.form);
  if (!form) return tl::unexpected(form.error());
  if (*form == Form::kNpy) return read_arrays(file, progress);
  if (*form == Form::kJson && !file.costs.empty()) return invalid_argument("--costs is for csv and npy");
  auto source = open_source(file.path);
  Result<StatedProblem> stated = source.map([](const ByteSource&) { return StatedProblem{}; });
  if (source && *form == Form::kJson) {
    const ReadLimits limits;
    auto text = read_text(*source, limits.max_bytes);
    stated = text ? allocate::read_problem_json(*text, limits) : tl::unexpected(text.error());
  } else if (source) {
    allocate::CsvColumns columns = file.columns;
    columns.costs = file.costs;
    stated = allocate::read_problem_csv(*source, columns, limits_of(*source, progress));
  }
  return stated.map_error([&](Error e) { return with_context(file.path, std::move(e)); });
}

Result<std::vector<allocate::NamedAmount>> read_caps(const std::string& path) {
  auto source = open_source(path);
  auto caps = source ? allocate::read_caps_csv(*source)
                     : Result<std::vector<allocate::NamedAmount>>(tl::unexpected(source.error()));
  return caps.map_error([&](Error e) { return with_context(path, std::move(e)); });
}

Result<void> write_file(const std::string& path, const std::function<Result<void>(const Writer&)>& fill) {
  const bool standard = path == "-";
  struct stat info{};
  // Only a plain file may be replaced; a pipe or a device is written to.
  const bool replace = !standard && (::stat(path.c_str(), &info) != 0 || S_ISREG(info.st_mode));
  const std::string target = replace ? path + ".part." + std::to_string(::getpid()) : path;
  const int number = standard ? STDOUT_FILENO : ::open(target.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (number < 0) return outside(path + ": cannot be written");
  const Descriptor file(number);
  auto done = fill([&](std::string_view piece) -> Result<void> {
    while (!piece.empty()) {
      const ssize_t put = ::write(file.number(), piece.data(), piece.size());
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return outside(path + ": cannot be written");
      piece.remove_prefix(static_cast<std::size_t>(put));
    }
    return {};
  });
  if (replace && done && ::rename(target.c_str(), path.c_str()) != 0) done = outside(path + ": cannot be written");
  if (replace && !done) ::unlink(target.c_str());
  return done;
}

}  // namespace bursar::cli
