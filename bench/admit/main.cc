// Decisions a second on one core, the cost of a snapshot, and a replay of 10^7 rows beside nothing but parsing them.
//
//   bursar_admit_bench [--rows 10000000] [--repeats 5]
//
// Times are processor time of this thread, the median of the repeats. Ends with the bars and exits 1 where one is
// short.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

#include "bursar/admit/policies.h"
#include "bursar/admit/replay.h"
#include "bursar/core/json.h"
#include "bursar/core/random.h"

namespace bursar::bench {
namespace {

constexpr std::size_t kResources = 4, kOptions = 3, kRequests = 1 << 16;  // drawn once, and gone round

double now_s() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

double peak_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

double median(std::vector<double> x) {
  std::ranges::sort(x);
  return x[x.size() / 2];
}

template <class T>
T must(Result<T> result) {
  if (result) return std::move(*result);
  std::fprintf(stderr, "%s\n", result.error().message.c_str());
  std::exit(2);
}

std::unique_ptr<Policy> policy(const std::string& words, double requests, std::size_t resources = kResources) {
  auto parsed = must(parse_policy_words(words));
  std::vector<double> budget;
  for (std::size_t j = 0; j < resources; ++j) budget.push_back((.15 + .05 * static_cast<double>(j)) * requests);
  const PolicyEntry* entry = must(policy_named(admit::policies(), parsed.name));
  return must(make_policy(
      *entry, {.budget = budget, .horizon = static_cast<std::uint64_t>(requests), .parameters = parsed.parameters}));
}

struct Table {
  std::vector<double> rewards, costs;
};

Table drawn() {
  RandomStream random(1);
  Table table;
  for (std::size_t i = 0; i < kRequests * kOptions; ++i) table.rewards.push_back(random.uniform01());
  for (std::size_t i = 0; i < kRequests * kOptions * kResources; ++i) {
    const double size = random.uniform01();
    table.costs.push_back(random.bernoulli(.6) ? size : 0);
  }
  return table;
}

// Nanoseconds of decide and observe together.
double decision_ns(const std::string& words, const Table& table, int repeats) {
  constexpr std::size_t kDecisions = 2'000'000;
  std::vector<double> seconds;
  for (int r = 0; r < repeats; ++r) {
    auto p = policy(words, static_cast<double>(kDecisions));
    const double begin = now_s();
    for (std::size_t n = 0; n < kDecisions; ++n) {
      const std::size_t t = n % kRequests;
      const auto d =
          p->decide({.rewards = std::span(table.rewards).subspan(t * kOptions, kOptions),
                     .costs = std::span(table.costs).subspan(t * kOptions * kResources, kOptions * kResources)});
      if (d->option && !p->observe(d->id, {})) std::exit(2);
    }
    seconds.push_back(now_s() - begin);
  }
  return median(seconds) / static_cast<double>(kDecisions) * 1e9;
}

double numpy_ns() {
  double ns = 0;
  if (FILE* python = popen("/usr/bin/python3 " BURSAR_NUMPY_RULE " 100000 2>/dev/null", "r")) {
    if (std::fscanf(python, "%lf", &ns) != 1) ns = 0;
    pclose(python);
  }
  return ns;
}

struct Snapshot {
  double bytes = 0, save_us = 0, restore_us = 0;
};

Snapshot snapshot(std::size_t open, const Table& table) {
  auto p = policy("dual-mirror-descent", 1e6);
  for (std::size_t held = 0, t = 0; held < open; ++t) {
    const auto d =
        p->decide({.rewards = std::span(table.rewards).subspan(t * kOptions, kOptions),
                   .costs = std::span(table.costs).subspan(t * kOptions * kResources, kOptions * kResources)});
    held += d->option ? 1 : 0;
  }
  Snapshot out;
  const int times = open > 100 ? 20 : 2000;
  std::string text;
  double begin = now_s();
  for (int i = 0; i < times; ++i) text = to_json(p->save());
  out.save_us = (now_s() - begin) / times * 1e6;
  out.bytes = static_cast<double>(text.size());
  begin = now_s();
  for (int i = 0; i < times; ++i)
    (void)must(restore_policy(admit::policies(), must(parse_json(text, {.max_bytes = 1 << 28}))));
  out.restore_us = (now_s() - begin) / times * 1e6;
  return out;
}

// Requests of `options` rows each, over `resources`.
std::string write_log(std::size_t rows, std::size_t options, std::size_t resources) {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("bursar-admit-bench-" + std::to_string(getpid()) + ".csv")).string();
  std::ofstream file(path, std::ios::binary);
  file << (options > 1 ? "request,reward" : "reward");
  for (std::size_t j = 0; j < resources; ++j) file << ",cost.r" << j;
  file << '\n';
  RandomStream random(2);
  std::string row;
  char number[32];
  for (std::size_t t = 0; t < rows; ++t) {
    row.clear();
    if (options > 1) row += std::to_string(t / options) + ',';
    for (std::size_t j = 0; j <= resources; ++j) {
      row.append(number, static_cast<std::size_t>(std::snprintf(number, sizeof number, "%.4f", random.uniform01())));
      row += j == resources ? '\n' : ',';
    }
    file << row;
  }
  if (!file.flush()) {
    std::fprintf(stderr, "%s cannot be written\n", path.c_str());
    std::exit(2);
  }
  return path;
}

allocate::ByteSource open_file(const std::string& path) {
  auto file = std::shared_ptr<FILE>(std::fopen(path.c_str(), "rb"), [](FILE* f) {
    if (f != nullptr) std::fclose(f);
  });
  if (!file) std::exit(2);
  std::setvbuf(file.get(), nullptr, _IONBF, 0);
  return {.read = [file](std::span<char> to) -> Result<std::size_t> {
    return std::fread(to.data(), 1, to.size(), file.get());
  }};
}

double read_through(const std::string& path) {
  std::vector<char> piece(1 << 20);
  const auto source = open_file(path);
  const double begin = now_s();
  while (must(source.read(piece)) > 0) {
  }
  return now_s() - begin;
}

double walk(const std::string& path, const std::function<void(const admit::LoggedRequest&)>& each) {
  auto reader = must(admit::open_log(open_file(path), {}));
  admit::LoggedRequest request;
  const double begin = now_s();
  while (must(reader->next(request))) {
    if (each) each(request);
  }
  return now_s() - begin;
}

struct Replay {
  double read_s = 0, parse_s = 0, replay_s = 0, bounded_s = 0, added_mib = 0;
};

Replay replay(std::size_t rows, std::size_t options, std::size_t resources, int repeats) {
  const std::string path = write_log(rows, options, resources);
  const double before = peak_mib(), requests = static_cast<double>(rows / options);
  const std::vector<double> budget(resources, .2 * requests);
  std::vector<double> read, parse, play, both;
  for (int r = 0; r < repeats; ++r) {
    read.push_back(read_through(path));
    parse.push_back(walk(path, nullptr));
    const auto fresh = [&] {
      return must(admit::ReplayRun::make("dmd", {.name = "dual-mirror-descent"}, admit::policies(),
                                         {.budget = budget, .horizon = rows / options}));
    };
    auto run = fresh();
    play.push_back(walk(path, [&](const admit::LoggedRequest& request) {
      if (!run.step(request)) std::exit(2);
    }));
    admit::ReservoirSample sample(resources, admit::AuctionGoal::kUtility);
    const double begin = now_s();
    walk(path, [&](const admit::LoggedRequest& request) { sample.add(request); });
    const auto dual = must(sample.prices(budget));
    admit::Hindsight hindsight(dual.prices, admit::AuctionGoal::kUtility);
    auto again = fresh();
    walk(path, [&](const admit::LoggedRequest& request) {
      hindsight.add(request);
      if (!again.step(request)) std::exit(2);
    });
    both.push_back(now_s() - begin);
  }
  std::filesystem::remove(path);
  return {median(read), median(parse), median(play), median(both), peak_mib() - before};
}

Replay print_replay(std::size_t rows, std::size_t options, std::size_t resources, int repeats) {
  const Replay r = replay(rows, options, resources, repeats);
  const double n = static_cast<double>(rows) / 1e6;
  std::printf("replay of %zu rows, %zu to a request, %zu resources (million rows a second)\n", rows, options,
              resources);
  std::printf("  reading bytes                  %7.3f s  %7.2f\n", r.read_s, n / r.read_s);
  std::printf("  reading and parsing            %7.3f s  %7.2f\n", r.parse_s, n / r.parse_s);
  std::printf("  one pass, one policy           %7.3f s  %7.2f\n", r.replay_s, n / r.replay_s);
  std::printf("  two passes with the bound      %7.3f s  %7.2f\n", r.bounded_s, n / r.bounded_s);
  return r;
}

bool bar(const char* name, double value, const char* unit, bool at_most, double limit) {
  const bool ok = at_most ? value <= limit : value >= limit;
  std::printf("bar %s: %.4g %s (needs %s %g) %s\n", name, value, unit, at_most ? "<=" : ">=", limit,
              ok ? "ok" : "short");
  return ok;
}

std::size_t option(int argc, char** argv, const char* name, std::size_t preset) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::strcmp(argv[i], name) == 0) std::from_chars(argv[i + 1], argv[i + 1] + std::strlen(argv[i + 1]), preset);
  }
  return preset;
}

int run(int argc, char** argv) {
  const std::size_t rows = option(argc, argv, "--rows", 10'000'000);
  const int repeats = static_cast<int>(option(argc, argv, "--repeats", 5));
  const Table table = drawn();
  std::printf("decisions, %zu resources x %zu options, decide and observe together\n", kResources, kOptions);
  double slowest = 0, ours = 0;
  for (const char* words :
       {"dual-mirror-descent", "dual-mirror-descent:mirror=euclidean", "dual-mirror-descent:pace=receding", "greedy"}) {
    const double ns = decision_ns(words, table, repeats);
    slowest = std::max(slowest, ns);
    if (ours == 0) ours = ns;
    std::printf("  %-40s %8.1f ns  %6.2f million a second\n", words, ns, 1e3 / ns);
  }
  const double numpy = numpy_ns();
  if (numpy > 0) {
    std::printf("  %-40s %8.1f ns  %6.3f million a second\n", "the same rule in NumPy", numpy, 1e3 / numpy);
  } else {
    std::printf(
        "  the same rule in NumPy                   skipped: /usr/bin/python3 has no numpy (Debian: python3-numpy)\n");
  }
  for (const std::size_t open : {std::size_t{0}, std::size_t{1000}}) {
    const Snapshot s = snapshot(open, table);
    std::printf("snapshot with %zu open decisions: %.0f bytes, save %.1f us, restore %.1f us\n", open, s.bytes,
                s.save_us, s.restore_us);
  }
  const Replay r = print_replay(rows, kOptions, kResources, std::min(repeats, 3));
  (void)print_replay(rows, 1, 2, std::min(repeats, 3));
  bool ok = bar("decision", slowest, "ns", true, 200);
  if (numpy > 0) ok &= bar("over_numpy", numpy / ours, "x", false, 10);
  ok &= bar("replay_over_parsing", r.replay_s / r.parse_s, "x", true, 1.5);
  ok &= bar("replay_memory", r.added_mib, "MiB", true, 64);
  return ok ? 0 : 1;
}

}  // namespace
}  // namespace bursar::bench

int main(int argc, char** argv) { return bursar::bench::run(argc, argv); }
