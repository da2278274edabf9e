// The allocation solvers beside CBC and GLPK in one run: time, proven gap and memory on the published problem classes.
//
//   bursar_allocate_bench [--peer-seconds 60] [--largest 10000000] [--repeats 5] [--no-peers]
//
// Each solve is a process of its own on one thread; times are processor time, the median of the repeats; peers run
// once. Ends with the bars and exits 1 where one is short.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "bench/allocate/instances.h"
#include "bench/allocate/measure.h"
#include "bench/allocate/peers.h"
#include "bursar/allocate/knapsack.h"
#include "bursar/allocate/marginal_greedy.h"
#include "bursar/allocate/multiple_choice.h"
#include "bursar/core/random.h"

namespace bursar::bench {
namespace {

using allocate::ChoiceMethod;
using allocate::relative_gap;

struct Settings {
  double peer_seconds = 60;
  std::size_t largest = 10'000'000;
  int repeats = 5;
  bool peers = true;
};

struct Bars {
  double million_s = 0;
  double million_gap = 0;
  double million_memory = 0;  // peak over input bytes, input included
  double read_ratio = 0;
  double cbc_speedup = 1e300;
  int cbc_ended = 0;
  int cbc_better = 0;
  double batch_ms = 0;
};

void print_row(const std::string& problem, const std::string& solver, const Answer& a, const std::string& note) {
  if (!a.ended) {
    std::printf("  %-34s %-12s did not end %s\n", problem.c_str(), solver.c_str(), note.c_str());
    return;
  }
  const std::string gap =
      std::isfinite(a.bound) ? allocate::to_text(std::round(relative_gap(a.value, a.bound) * 1e14) / 1e14) : "none";
  std::printf("  %-34s %-12s %11.6f s  value %-16.12g gap %-12s +%8.1f MiB  %s\n", problem.c_str(), solver.c_str(),
              a.seconds, a.value, gap.c_str(), a.added_mib, note.c_str());
  std::fflush(stdout);
}

Answer median(const std::function<Answer()>& solve, int repeats) {
  std::vector<Answer> answers;
  answers.reserve(static_cast<std::size_t>(repeats));
  for (int k = 0; k < repeats; ++k) answers.push_back(run_apart(solve, 600));
  std::ranges::sort(answers, {}, &Answer::seconds);
  return answers[answers.size() / 2];
}

Answer solve_choice(const ChoiceInstance& p, ChoiceMethod method) {
  const double begin = now_s();
  const auto r =
      allocate::multiple_choice({.value = p.value, .cost = p.cost, .width = p.width}, p.budget, {.method = method});
  Answer a{.seconds = now_s() - begin};
  if (r) a.value = r->value, a.bound = r->bound, a.stop = static_cast<int>(r->stop);
  return a;
}

std::string stopped(const Answer& a) {
  return std::string(allocate::name_of(static_cast<allocate::StopReason>(a.stop)));
}

void beside_cbc(const Answer& ours, const Answer& cbc, double limit_s, Bars& bars) {
  if (!cbc.ended || cbc.stop != 0 || cbc.seconds >= limit_s) return;
  ++bars.cbc_ended;
  bars.cbc_speedup = std::min(bars.cbc_speedup, cbc.seconds / ours.seconds);
  const double slack = 1e-9 * std::abs(cbc.value);
  if (ours.value < cbc.value - slack ||
      relative_gap(ours.value, ours.bound) > relative_gap(cbc.value, cbc.bound) + 1e-9)
    ++bars.cbc_better;
}

void choice_rows(const Settings& s, Bars& bars) {
  std::printf("multiple choice, 10 options an item (coefficients to 1000, budget half way)\n");
  for (std::size_t items = 1000; items <= s.largest; items *= 10) {
    for (const char* kind : {"uncorrelated", "weakly", "strongly", "subset_sum", "real"}) {
      const ChoiceInstance p = choice_instance(kind, items, 10, 1);
      const std::string name = std::string(kind) + " 10^" + std::to_string(std::lround(std::log10(items))) + " x 10";
      const double reading = read_once_s(p.value, p.cost);
      const auto ratio = [&](const Answer& a) {
        return "  " + std::to_string(a.seconds / reading).substr(0, 5) + " x reading once";
      };
      const Answer core = median([&] { return solve_choice(p, ChoiceMethod::kCore); }, s.repeats);
      const Answer quick = median([&] { return solve_choice(p, ChoiceMethod::kLagrangian); }, s.repeats);
      print_row(name, "core", core, stopped(core) + ratio(core));
      print_row(name, "lagrangian", quick, stopped(quick) + ratio(quick));
      if (items == 1'000'000) {
        bars.million_s = std::max(bars.million_s, core.seconds);
        bars.million_gap = std::max({bars.million_gap, relative_gap(core.value, core.bound), core.ended ? 0.0 : 1.0});
        bars.million_memory = std::max(bars.million_memory, 1 + core.added_mib * (1 << 20) / p.bytes());
        bars.read_ratio = std::max(bars.read_ratio, quick.seconds / reading);
      }
      if (!s.peers || items > 10'000) continue;
      const double limit = s.peer_seconds;
      if (have_cbc()) {
        const Answer cbc =
            run_apart([&] { return solve_by_cbc(p.value, p.cost, p.width, p.budget, limit); }, limit * 1.5 + 5);
        print_row(name, "CBC", cbc, cbc.stop == 0 ? "optimal" : "time limit");
        beside_cbc(core, cbc, limit, bars);
      }
      if (have_glpk() && items <= 1000) {
        const Answer glpk = run_apart(
            [&] { return solve_by_glpk(p.value, p.cost, p.width, p.budget, std::min(limit, 20.0)); }, limit + 5);
        print_row(name, "GLPK", glpk, glpk.stop == 0 ? "optimal" : "time limit");
      }
    }
  }
}

void knapsack_rows(const Settings& s) {
  std::printf("0/1 knapsack, 1000 items (Pisinger's classes, coefficients to 10^4, budget a third of the total)\n");
  for (const std::string& kind : knapsack_kinds()) {
    const KnapsackInstance p = knapsack_instance(kind, 1000, 10'000, 1);
    const auto ours = median(
        [&] {
          const double begin = now_s();
          const auto r = allocate::knapsack({.value = p.value, .cost = p.cost}, p.budget);
          Answer a{.seconds = now_s() - begin};
          if (r) a.value = r->value, a.bound = r->bound, a.stop = static_cast<int>(r->stop);
          return a;
        },
        s.repeats);
    print_row(kind, "knapsack", ours, stopped(ours));
    if (!s.peers) continue;
    const double limit = std::min(s.peer_seconds, 20.0);
    if (have_cbc()) {
      const Answer cbc = run_apart([&] { return solve_by_cbc(p.value, p.cost, 0, p.budget, limit); }, limit * 1.5 + 5);
      print_row(kind, "CBC", cbc, cbc.stop == 0 ? "optimal" : "time limit");
    }
    if (have_glpk()) {
      const Answer glpk =
          run_apart([&] { return solve_by_glpk(p.value, p.cost, 0, p.budget, std::min(limit, 5.0)); }, limit + 5);
      print_row(kind, "GLPK", glpk, glpk.stop == 0 ? "optimal" : "time limit");
    }
  }
}

// Gains of rollouts (systems/knapsack-rl): p (1-p)^2 [p^n (1-p) + (1-p)^n p], kept as running products.
struct RolloutGains {
  std::vector<double> success, failure, rate;

  explicit RolloutGains(const std::vector<double>& p) {
    for (const double x : p) {
      const double weight = x * (1 - x) * (1 - x);
      success.push_back(weight * x * x * (1 - x));
      failure.push_back(weight * (1 - x) * (1 - x) * x);
      rate.push_back(x);
    }
  }
  double operator()(std::size_t i, std::int64_t) {
    const double gain = success[i] + failure[i];
    success[i] *= rate[i];
    failure[i] *= 1 - rate[i];
    return gain;
  }
};

void batch_row(const Settings& s, Bars& bars) {
  RandomStream random(7);
  std::vector<double> p;
  p.reserve(512);
  for (int i = 0; i < 512; ++i) p.push_back(random.uniform(.01, .99));
  std::vector<double> times;
  double gained = 0;
  for (int k = 0; k < 20 * s.repeats; ++k) {
    const double begin = now_s();
    const auto split =
        allocate::marginal_greedy({.items = p.size(), .budget = 8192, .floor = 2, .ceiling = 128}, RolloutGains(p));
    times.push_back(now_s() - begin);
    gained = split ? split->gained : -1;
  }
  std::ranges::sort(times);
  bars.batch_ms = times[times.size() / 2] * 1e3;
  std::printf("512 prompts, 8192 rollouts: %.3f ms median of %zu, %.3f ms at worst, gain %.9g (exact)\n", bars.batch_ms,
              times.size(), times.back() * 1e3, gained);
}

bool bar(const char* name, double value, const char* unit, const char* sign, double limit) {
  const bool ok = std::strcmp(sign, "<=") == 0 ? value <= limit : value >= limit;
  std::printf("bar %s: %.6g %s (needs %s %g) %s\n", name, value, unit, sign, limit, ok ? "ok" : "short");
  return ok;
}

bool report(const Settings& s, const Bars& b) {
  bool ok = true;
  if (s.largest >= 1'000'000) {
    std::printf("note: the quick answer of 10^6 x 10 takes at most %.1f x one pass of reading the data\n",
                b.read_ratio);
    ok &= bar("million_items_time", b.million_s, "s", "<=", 0.5);
    ok &= bar("million_items_gap", b.million_gap, "of the bound", "<=", 1e-6);
    ok &= bar("million_items_memory", b.million_memory, "x the input", "<=", 2);
  }
  if (s.peers && have_cbc() && b.cbc_ended > 0) {
    std::printf("note: CBC ended with proof on %d of the multiple choice instances\n", b.cbc_ended);
    ok &= bar("faster_than_cbc", b.cbc_speedup, "x at least", ">=", 100);
    ok &= bar("cbc_with_a_better_gap", b.cbc_better, "instances", "<=", 0);
  }
  return bar("batch_of_rollouts", b.batch_ms, "ms", "<=", 1) && ok;
}

bool read_number(const char* text, double& out) {
  const char* end = text + std::strlen(text);
  return std::from_chars(text, end, out).ptr == end;
}

int run(int argc, char** argv) {
  Settings s;
  for (int k = 1; k < argc; ++k) {
    const std::string flag = argv[k];
    double number = 0;
    if (flag == "--no-peers") {
      s.peers = false;
    } else if (k + 1 < argc && read_number(argv[k + 1], number) && number > 0) {
      ++k;
      if (flag == "--peer-seconds") s.peer_seconds = number;
      if (flag == "--largest") s.largest = static_cast<std::size_t>(number);
      if (flag == "--repeats") s.repeats = static_cast<int>(number);
    } else {
      std::fprintf(stderr,
                   "usage: bursar_allocate_bench [--peer-seconds S] [--largest ITEMS] [--repeats N] [--no-peers]\n");
      return 2;
    }
  }
  std::printf("repeats: %d; peers: CBC %s, GLPK %s, %g s each\n", s.repeats, have_cbc() ? "linked" : "absent",
              have_glpk() ? "linked" : "absent", s.peer_seconds);
  Bars bars;
  batch_row(s, bars);
  choice_rows(s, bars);
  knapsack_rows(s);
  return report(s, bars) ? 0 : 1;
}

}  // namespace
}  // namespace bursar::bench

int main(int argc, char** argv) { return bursar::bench::run(argc, argv); }
