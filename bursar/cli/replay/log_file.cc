#include "bursar/cli/replay/log_file.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <ostream>
#include <sys/stat.h>
#include <unistd.h>

namespace bursar::cli {
namespace {

constexpr std::size_t kMostPolicyBytes = 16 << 20;

volatile std::sig_atomic_t noted = 0;
void (*before)(int) = SIG_DFL;

void on_interrupt(int) {
  noted = 1;
  std::signal(SIGINT, SIG_DFL);
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ > 2) ::close(number_);
  }
  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};

tl::unexpected<Error> outside(const std::string& what) {
  return fail(ErrorCode::kUnavailable, what + ": " + std::strerror(errno));
}

Result<allocate::ByteSource> open_source(const std::string& path) {
  const int number = path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (number < 0) return outside("cannot be opened");
  auto file = std::make_shared<Descriptor>(number);
  struct stat info{};
  if (::fstat(number, &info) == 0 && S_ISDIR(info.st_mode)) return fail(ErrorCode::kUnavailable, "is a folder");
  ::posix_fadvise(number, 0, 0, POSIX_FADV_SEQUENTIAL);
  return allocate::ByteSource{.read = [file](std::span<char> to) -> Result<std::size_t> {
    while (true) {
      const ssize_t got = ::read(file->number(), to.data(), to.size());
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR) return outside("cannot be read");
    }
  }};
}

}  // namespace

Result<NamedBudget> parse_budgets(const std::vector<std::string>& words) {
  NamedBudget budget;
  if (words.empty())
    return invalid_argument("there is no budget; give --budget NUMBER, or --budget NAME=NUMBER for each resource");
  for (const std::string& word : words) {
    const std::size_t equals = word.rfind('=');
    const std::string name = equals == std::string::npos ? "" : word.substr(0, equals);
    const std::string_view number = std::string_view(word).substr(equals == std::string::npos ? 0 : equals + 1);
    double amount = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), amount);
    if (error != std::errc{} || end != number.data() + number.size() || !std::isfinite(amount) || amount <= 0 ||
        (name.empty() && words.size() > 1)) {
      return invalid_argument("--budget is '" + word + "'; it must be " +
                              (words.size() > 1 ? "NAME=NUMBER" : "NUMBER or NAME=NUMBER") + ", and above 0");
    }
    if (std::ranges::find(budget.names, name) != budget.names.end()) {
      return invalid_argument("--budget names '" + name + "' twice");
    }
    budget.names.push_back(name);
    budget.amounts.push_back(amount);
  }
  return budget;
}

Result<std::unique_ptr<admit::LogReader>> open_log_file(const LogFile& file, const NamedBudget& budget) {
  const auto named = [&](Error error) { return tl::unexpected(with_context(file.path, std::move(error))); };
  auto source = open_source(file.path);
  if (!source) return named(source.error());
  admit::LogOptions options = file.options;
  // A budget without a name is the log's only resource, whatever it is called there.
  if (!budget.names[0].empty()) options.resources = budget.names;
  auto reader = admit::open_log(std::move(*source), options);
  if (!reader) return named(reader.error());
  const auto resources = (*reader)->resources();
  if (resources.size() != budget.amounts.size()) {
    std::string names;
    for (const std::string& name : resources) names += (names.empty() ? "" : ", ") + name;
    return named(Error{.code = ErrorCode::kInvalidArgument,
                       .message = "the log has the resources " + names + "; give --budget NAME=NUMBER for each"});
  }
  return reader;
}

Result<std::uint64_t> read_log(admit::LogReader& reader,
                               const std::function<Result<void>(const admit::LoggedRequest&)>& each,
                               const std::function<bool(std::uint64_t requests)>& go_on) {
  admit::LoggedRequest request;
  std::uint64_t requests = 0;
  while (true) {
    auto more = reader.next(request);
    if (!more) return tl::unexpected(more.error());
    if (!*more) return requests;
    if (auto ok = each(request); !ok) return tl::unexpected(ok.error());
    if (++requests % 4096 == 0 && (interrupted() || !go_on(requests)))
      return fail(ErrorCode::kCancelled, "interrupted");
  }
}

Result<admit::PolicyFile> policy_of(const std::string& words) {
  if (!words.starts_with('@')) {
    auto parsed = parse_policy_words(words);
    if (!parsed) return tl::unexpected(parsed.error());
    return admit::PolicyFile{.words = std::move(*parsed)};
  }
  const std::string path = words.substr(1);
  auto source = open_source(path);
  if (!source) return tl::unexpected(with_context(path, source.error()));
  std::string text(kMostPolicyBytes + 1, '\0');
  auto got = allocate::read_full(*source, text);
  if (!got) return tl::unexpected(with_context(path, got.error()));
  text.resize(*got);
  auto file = admit::parse_policy_file(text);
  if (!file) return tl::unexpected(with_context(path, file.error()));
  return file;
}

Result<void> write_text(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text << std::flush;
  if (file) return {};
  return outside(path + " cannot be written");
}

int complain(ReplayOutput output, std::string_view program, const Error& error) {
  std::string text = error.message;
  std::ranges::replace_if(text, [](char c) { return static_cast<unsigned char>(c) < ' '; }, '?');
  output.err << "bursar " << program << ": " << text << '\n';
  if (error.code == ErrorCode::kCancelled) return kReplayInterrupted;
  return error.code == ErrorCode::kUnavailable ? kReplayUnavailable : kReplayWrong;
}

std::string short_number(double x) {
  char text[64];
  std::snprintf(text, sizeof text, "%.6g", x);
  return text;
}

void catch_interrupts() {
  noted = 0;
  before = std::signal(SIGINT, &on_interrupt);
}
bool interrupted() { return noted != 0; }
void release_interrupts() { std::signal(SIGINT, before); }

}  // namespace bursar::cli
