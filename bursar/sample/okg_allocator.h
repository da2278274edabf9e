// Which question of a batch gets the next sample: the optimistic knowledge gradient on majority votes.
//
//   auto okg = OkgAllocator::make({.questions = 198, .options = 4});
//   while (spent < budget) {
//     const auto q = okg->next();
//     if (!q) break;                                     // all are retired
//     auto ok = okg->observe(*q, ask_model(*q));         // the option that the sample chose
//   }
//   okg->leader(q);                                      // the answer to report
//
// The belief of question q is Dirichlet(1 + votes); it is worth h(alpha + e_top) - h(alpha), how much surer of its
// leader it would be if the next sample agreed. Every question is first sampled `warm_up` times, the lowest first:
// without, some are asked twice before others once. Ties go to the lowest question.
// next(): O(log questions) amortised; a belief not seen before costs an integral (dirichlet_argmax.h).
// Source: systems/pets (OKG; the exact integral and the warm-up are [derived]).
#pragma once

#include <boost/json/object.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <queue>
#include <vector>

#include "bursar/core/result.h"
#include "bursar/sample/dirichlet_argmax.h"

namespace bursar::sample {

struct OkgOptions {
  std::size_t questions = 0;  // >= 1
  std::size_t options = 4;    // of each, 2 … 64; open answers: at most so many distinct ones
  std::size_t warm_up = 1;    // samples of every question before gains count
  double step = 1;            // the weight that the next sample is thought to have, > 0
};

class OkgAllocator {
 public:
  // Errors: kInvalidArgument naming the option that is out of range.
  [[nodiscard]] static Result<OkgAllocator> make(const OkgOptions& options);
  [[nodiscard]] static Result<OkgAllocator> restore(const boost::json::object& saved);
  [[nodiscard]] boost::json::object save() const;

  [[nodiscard]] std::optional<std::size_t> next();
  [[nodiscard]] std::vector<std::size_t> next_batch(std::size_t most);  // distinct questions, the best first

  // A vote; `weight` > 0, its confidence. kInvalidArgument for an unknown question or option or a retired question.
  [[nodiscard]] Result<void> observe(std::size_t question, std::size_t option, double weight = 1);
  // A sample that gave no vote: an empty answer, or one distinct answer too many. It counts for the warm-up only.
  [[nodiscard]] Result<void> observe_nothing(std::size_t question);
  [[nodiscard]] Result<void> retire(std::size_t question);  // its pool is empty; it is not asked again

  [[nodiscard]] double gain(std::size_t question) const { return gains_[question]; }
  [[nodiscard]] double certainty(std::size_t question);  // h: how sure it is of its leader
  [[nodiscard]] std::uint64_t samples(std::size_t question) const { return samples_[question]; }
  [[nodiscard]] std::size_t leader(std::size_t question) const;  // most votes; of equals the first to be voted for
  [[nodiscard]] std::size_t questions() const { return samples_.size(); }

 private:
  explicit OkgAllocator(const OkgOptions& options);

  struct Bid {
    double gain;
    std::size_t question;
    std::uint64_t version;
    bool operator<(const Bid& other) const {
      return gain != other.gain ? gain < other.gain : question > other.question;
    }
  };
  [[nodiscard]] Result<void> known(std::size_t question) const;
  void bid(std::size_t question);
  [[nodiscard]] std::span<const double> alpha(std::size_t question) const {
    return std::span(alpha_).subspan(question * options_.options, options_.options);
  }

  OkgOptions options_;
  ArgmaxGains table_;
  std::vector<double> alpha_;  // [questions x options]
  std::vector<std::uint64_t> samples_, versions_, first_vote_;
  std::vector<double> gains_;
  std::vector<bool> retired_;
  std::uint64_t votes_ = 0;
  std::priority_queue<Bid> bids_;  // those of another version than their question are stale
};

}  // namespace bursar::sample
