#include "reproduce/tiny/task.h"

#include <algorithm>
#include <numeric>

namespace bursar::reproduce::tiny {

TinyTask::TinyTask(TaskShape shape, RandomStream random) : shape_(shape) {
  for (std::size_t f = 0; f < shape.functions; ++f) {
    std::vector<std::size_t> identity(shape.values), once(shape.values);
    std::iota(identity.begin(), identity.end(), std::size_t{0});
    once = identity;
    random.shuffle(std::span(once));
    power_.push_back(identity);
    for (std::size_t k = 1; k <= shape.most_steps; ++k) {
      std::vector<std::size_t> next(shape.values);
      for (std::size_t x = 0; x < shape.values; ++x) next[x] = once[power_.back()[x]];
      power_.push_back(std::move(next));
    }
  }
}

PolicyShape TinyTask::policy_shape() const {
  const std::size_t generable = first_mark() + 3;
  return {.vocabulary = generable + shape_.functions + 1 + shape_.budgets, .generable = generable};
}

Prompt TinyTask::draw(std::size_t least_steps, std::size_t most_steps, RandomStream& random) const {
  return {.function = random.uniform_int(std::uint64_t{shape_.functions}),
          .steps = least_steps + random.uniform_int(std::uint64_t{most_steps - least_steps + 1}),
          .start = random.uniform_int(std::uint64_t{shape_.values})};
}

std::size_t TinyTask::apply(std::size_t function, std::size_t times, std::size_t value) const {
  return power_[function * (shape_.most_steps + 1) + times][value];
}

std::size_t TinyTask::wrong_value(std::size_t right, RandomStream& random) const {
  return (right + 1 + random.uniform_int(std::uint64_t{shape_.values - 1})) % shape_.values;
}

Sequence TinyTask::ask(const Prompt& prompt) const {
  const std::size_t functions = first_mark() + 3;
  Sequence s;
  for (const std::size_t token : {functions + prompt.function, shape_.values + prompt.steps, prompt.start,
                                  functions + shape_.functions, functions + shape_.functions + 1 + prompt.budget}) {
    s.tokens.push_back(static_cast<Token>(token));
  }
  s.prompt = s.tokens.size();
  return s;
}

void TinyTask::finish(Sequence& s, std::size_t value) const {
  s.tokens.push_back(static_cast<Token>(first_mark() + 1));
  s.tokens.push_back(static_cast<Token>(value));
  s.tokens.push_back(end());
}

Sequence TinyTask::chain(const Prompt& prompt, const ChainStyle& style, RandomStream& random) const {
  Sequence s = ask(prompt);
  std::size_t value = prompt.start;
  for (std::size_t left = prompt.steps; left > 0;) {
    while (random.bernoulli(style.filler)) s.tokens.push_back(static_cast<Token>(first_mark()));
    const double u = random.uniform01() * (style.size_1 + style.size_2 + style.size_4);
    const std::size_t size = std::min<std::size_t>(left, u < style.size_1                  ? 1
                                                         : u < style.size_1 + style.size_2 ? 2
                                                                                           : 4);
    value = apply(prompt.function, size, value);
    if (random.bernoulli(style.error)) value = wrong_value(value, random);
    left -= size;
    s.tokens.push_back(static_cast<Token>(shape_.values + left));
    s.tokens.push_back(static_cast<Token>(value));
  }
  finish(s, value);
  return s;
}

Sequence TinyTask::direct(const Prompt& prompt, double right, RandomStream& random) const {
  Sequence s = ask(prompt);
  const std::size_t value = apply(prompt.function, prompt.steps, prompt.start);
  finish(s, random.bernoulli(right) ? value : wrong_value(value, random));
  return s;
}

Sequence TinyTask::corrupted(const Prompt& prompt, RandomStream& random) const {
  Sequence s = ask(prompt);
  const std::size_t at = random.uniform_int(std::uint64_t{prompt.steps});
  std::size_t value = prompt.start;
  for (std::size_t step = 0; step < prompt.steps; ++step) {
    value = apply(prompt.function, 1, value);
    if (step == at) value = wrong_value(value, random);
    s.tokens.push_back(static_cast<Token>(shape_.values + prompt.steps - step - 1));
    s.tokens.push_back(static_cast<Token>(value));
  }
  finish(s, value);
  return s;
}

std::optional<std::size_t> TinyTask::answer(const Sequence& s) const {
  for (std::size_t i = s.prompt; i + 1 < s.tokens.size(); ++i) {
    if (s.tokens[i] == first_mark() + 1) return s.tokens[i + 1];
  }
  return std::nullopt;
}

bool TinyTask::is_right(const Prompt& prompt, const Sequence& s) const {
  return answer(s) == apply(prompt.function, prompt.steps, prompt.start);
}

}  // namespace bursar::reproduce::tiny
