// What a decision costs: a workflow's next batch, the next question of a batch, a split of rollouts; beside the sheets'
// formulations in Python and NumPy.
//
//   bursar_plan_decisions_bench [--repeats 5]
//
// Times are processor time of this thread, medians of the repeats. Ends with the bars and exits 1 where one is short.
// The executor's overhead is bursar_plan_bench's.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <unistd.h>
#include <vector>

#include "bursar/allocate/direction_split.h"
#include "bursar/core/random.h"
#include "bursar/plan/workflow/portfolio_planner.h"
#include "bursar/sample/okg_allocator.h"
#include "bursar/sample/rollout_split.h"

namespace bursar::bench {
namespace {

double now_s() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
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

// Absent: 0.
double numpy_us(const std::string& words) {
  double us = 0;
  if (FILE* python = popen(("/usr/bin/python3 " BURSAR_NUMPY_PLAN " " + words + " 2>/dev/null").c_str(), "r")) {
    if (std::fscanf(python, "%lf", &us) != 1) us = 0;
    pclose(python);
  }
  return us;
}

bool bar(const char* name, double value, const char* unit, bool at_most, double limit) {
  const bool ok = at_most ? value <= limit : value >= limit;
  std::printf("bar %s: %.4g %s (needs %s %g) %s\n", name, value, unit, at_most ? "<=" : ">=", limit,
              ok ? "ok" : "short");
  return ok;
}

// --- A workflow of ten subtasks of which four are ready: as many candidates as there can be.

plan::Workflow ten_subtasks(std::size_t models) {
  RandomStream random(1);
  std::vector<plan::Subtask> tasks;
  for (std::size_t v = 0; v < 10; ++v) {
    plan::Subtask task{.id = std::to_string(v)};
    for (std::size_t parent = 0; parent < v && v >= 4; ++parent) {
      if (random.bernoulli(.3)) task.parents.push_back(parent);
    }
    if (v >= 4 && task.parents.empty()) task.parents.push_back(v - 4);
    const double z = random.normal(), seconds = std::exp(1.75 - .75 * z + .33 * random.normal());
    for (std::size_t m = 0; m < models; ++m) {
      const double size = std::pow(2, static_cast<double>(m));
      task.options.push_back({.model = "model-" + std::to_string(m),
                              .p = 1 / (1 + std::exp(-.13 - .9 * z - .8 * static_cast<double>(m))),
                              .latency = {.mean_ms = 1000 * seconds * size, .cv = .4},
                              .cost = {.usd = 1e-4 * seconds * size}});
    }
    tasks.push_back(std::move(task));
  }
  return must(plan::Workflow::make(std::move(tasks)));
}

plan::RunState fresh_state(const plan::Workflow& workflow) {
  return {.usd = .6 * plan::budget_scale_usd(workflow), .ms = .7 * plan::deadline_scale_ms(workflow)};
}

struct Decided {
  double ms = 0, runs = 0, pairs = 0;
};

Decided decide(const plan::Workflow& workflow, const plan::PlannerOptions& options, int repeats) {
  std::vector<double> seconds;
  Decided out;
  for (int r = 0; r < repeats; ++r) {
    auto planner = must(plan::PortfolioPlanner::make(workflow, options));
    plan::RunState state = fresh_state(workflow);
    state.events = static_cast<std::uint64_t>(r);
    const double begin = now_s();
    const auto decision = must(planner.decide(state));
    seconds.push_back(now_s() - begin);
    out.runs = static_cast<double>(decision.runs);
    out.pairs = static_cast<double>(decision.pairs);
  }
  out.ms = median(seconds) * 1e3;
  return out;
}

void print(const char* what, const Decided& decided) {
  std::printf("  %-44s %9.2f ms  %8.0f simulated runs of %6.0f pairs  %6.3f us a run\n", what, decided.ms, decided.runs,
              decided.pairs, decided.ms / decided.runs * 1e3);
}

double python_run_us(const plan::Workflow& workflow) {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("bursar-plan-bench-" + std::to_string(getpid()))).string();
  {
    std::ofstream file(path);
    const plan::RunState state = fresh_state(workflow);
    file << state.usd << ' ' << state.ms << '\n';
    for (const plan::Subtask& task : workflow.subtasks()) {
      const plan::Option& option = task.options.front();
      const plan::LogNormal log = plan::log_normal_of(option.latency);
      file << option.p << ' ' << log.mu << ' ' << log.sigma << ' ' << option.latency.mean_ms << ' ' << option.cost.usd;
      for (const std::size_t parent : task.parents) file << ' ' << parent;
      file << '\n';
    }
  }
  const double us = numpy_us("mcpp " + path);
  std::filesystem::remove(path);
  return us;
}

bool workflows(int repeats) {
  std::printf("workflow of 10 subtasks, 4 of them ready, 1, 2, 4 or 8 samples\n");
  const plan::Workflow one = ten_subtasks(1), three = ten_subtasks(3);
  plan::PlannerOptions published;
  published.search = plan::PlannerOptions::Search::kPublished;
  const Decided racing = decide(one, {}, repeats), racing_three = decide(three, {}, repeats);
  const Decided plain = decide(one, published, repeats);
  print("racing", racing);
  print("racing, three models", racing_three);
  print("published search, 64 runs a pair", plain);
  print("published search, three models", decide(three, published, repeats));
  const double python = python_run_us(one);
  if (python > 0)
    std::printf("  %-44s %9.0f ms  by %.0f us a run, times the runs of the published search\n",
                "the same search in Python", python * plain.pairs * 64 / 1e3, python);
  else
    std::printf("  the same search in Python: skipped, /usr/bin/python3 has no numpy (Debian: python3-numpy)\n");
  bool ok = bar("workflow_decision", std::max(racing.ms, racing_three.ms), "ms", true, 50);
  ok &= bar("racing_over_published", plain.ms / racing.ms, "x", false, 2);
  if (python > 0) ok &= bar("over_python", python * plain.pairs * 64 / 1e3 / racing.ms, "x", false, 100);
  return ok;
}

// --- The next question of 10^4

bool questions(int repeats) {
  constexpr std::size_t kQuestions = 10'000, kSteps = 100'000;
  std::vector<double> seconds;
  for (int r = 0; r < repeats; ++r) {
    auto okg = must(sample::OkgAllocator::make({.questions = kQuestions, .options = 4}));
    RandomStream random(static_cast<std::uint64_t>(r));
    std::vector<std::size_t> votes(kSteps);
    for (std::size_t& vote : votes) vote = random.bernoulli(.6) ? 0 : random.uniform_int(std::uint64_t{4});
    const double begin = now_s();
    for (const std::size_t vote : votes) {
      if (!okg.observe(*okg.next(), vote)) std::exit(2);
    }
    seconds.push_back(now_s() - begin);
  }
  const double us = median(seconds) / static_cast<double>(kSteps) * 1e6, numpy = numpy_us("okg 10000");
  std::printf("next of %zu questions and its vote, over the first %zu steps: %.2f us; in NumPy %.0f us\n", kQuestions,
              kSteps, us, numpy);
  bool ok = bar("okg_step", us, "us", true, 20);
  if (numpy > 0) ok &= bar("okg_over_numpy", numpy / us, "x", false, 10);
  return ok;
}

// --- A split over 256 candidates

bool splits(int repeats) {
  constexpr std::size_t kCandidates = 256, kTimes = 50;
  RandomStream random(1);
  std::printf("split of 256 rollouts over %zu candidates in 16 directions\n", kCandidates);
  double given = 0, of_64 = 0;
  for (const std::size_t dimensions : {std::size_t{64}, std::size_t{512}}) {
    std::vector<float> centres(16 * dimensions), vectors(kCandidates * dimensions);
    for (float& x : centres) x = static_cast<float>(4 * random.normal());
    std::vector<sample::RolloutCandidate> candidates(kCandidates);
    std::vector<double> scores(kCandidates), similarity(kCandidates * kCandidates);
    for (std::size_t i = 0; i < kCandidates; ++i) {
      const std::size_t centre = random.uniform_int(std::uint64_t{16});
      double length = 0;
      for (std::size_t d = 0; d < dimensions; ++d) {
        vectors[i * dimensions + d] = centres[centre * dimensions + d] + static_cast<float>(random.normal());
        length += vectors[i * dimensions + d] * vectors[i * dimensions + d];
      }
      for (std::size_t d = 0; d < dimensions; ++d) vectors[i * dimensions + d] /= static_cast<float>(std::sqrt(length));
      scores[i] = random.uniform01();
      candidates[i] = {.score = scores[i], .embedding = std::span(vectors).subspan(i * dimensions, dimensions)};
    }
    std::vector<double> whole, split;
    for (std::size_t i = 0; i < kCandidates; ++i) {
      for (std::size_t j = 0; j < kCandidates; ++j) {
        double dot = 0;
        for (std::size_t d = 0; d < dimensions; ++d)
          dot += static_cast<double>(vectors[i * dimensions + d]) * vectors[j * dimensions + d];
        similarity[i * kCandidates + j] = std::clamp(dot, -1.0, 1.0);
      }
    }
    for (int r = 0; r < repeats; ++r) {
      double begin = now_s();
      for (std::size_t t = 0; t < kTimes; ++t) (void)must(sample::split_rollouts(candidates, 256));
      whole.push_back((now_s() - begin) / kTimes);
      begin = now_s();
      for (std::size_t t = 0; t < kTimes; ++t)
        (void)must(allocate::split_over_directions({.scores = scores, .similarity = similarity}, 256));
      split.push_back((now_s() - begin) / kTimes);
    }
    given = median(split) * 1e3;
    if (dimensions == 64) of_64 = median(whole) * 1e3;
    std::printf("  embeddings of %4zu numbers: %.3f ms with their cosines, %.3f ms with cosines given\n", dimensions,
                median(whole) * 1e3, given);
  }
  const double numpy = numpy_us("dora 256") / 1e3;
  std::printf("  in NumPy, cosines given: %.3f ms\n", numpy);
  bool ok = bar("dora_split", given, "ms", true, 1);
  ok &= bar("dora_split_with_cosines", of_64, "ms of 64 numbers", true, 1);
  if (numpy > 0) ok &= bar("dora_over_numpy", numpy / given, "x", false, 1);
  return ok;
}

int run(int argc, char** argv) {
  int repeats = 5;
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::strcmp(argv[i], "--repeats") == 0)
      std::from_chars(argv[i + 1], argv[i + 1] + std::strlen(argv[i + 1]), repeats);
  }
  bool ok = workflows(std::max(repeats, 1));
  ok &= questions(std::max(repeats, 1));
  ok &= splits(std::max(repeats, 1));
  return ok ? 0 : 1;
}

}  // namespace
}  // namespace bursar::bench

int main(int argc, char** argv) { return bursar::bench::run(argc, argv); }
