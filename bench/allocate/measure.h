// One solve in a process of its own: its time, its answer and how much memory it added. Nothing that a peer prints or
// leaks touches the next run, and a peer that does not end is ended.
#pragma once

#include <functional>
#include <span>

namespace bursar::bench {

struct Answer {
  double value = 0;
  double bound = 0;
  double seconds = 0;    // processor time of the solver alone, without building its model
  double added_mib = 0;  // peak resident memory over what the process began with
  int stop = 0;          // StopReason for ours; 0 proven optimal and 1 not, for peers
  bool ended = false;    // false: killed after limit_s, or crashed
};

Answer run_apart(const std::function<Answer()>& solve, double limit_s);

// Processor time of this process: all solvers run on one thread, and so a busy machine does not lengthen their times.
[[nodiscard]] double now_s();

// Seconds to read both arrays once from memory, the least of five passes: the floor under any solver.
double read_once_s(std::span<const double> a, std::span<const double> b);

}  // namespace bursar::bench
