#include "reproduce/tiny/policy.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "reproduce/tiny/kernels.h"

namespace bursar::reproduce::tiny {
namespace {

constexpr std::size_t kLanes = 64, kFewLanes = 32;

}  // namespace

TinyPolicy::TinyPolicy(PolicyShape shape, RandomStream random) : shape_(shape), rows_((shape.generable + 3) / 4 * 4) {
  const std::size_t h = shape.hidden;
  at_.input = 0;
  at_.recurrent = at_.input + shape.vocabulary * 3 * h;
  at_.bias = at_.recurrent + 3 * h * h;
  at_.output = at_.bias + 3 * h;
  at_.output_bias = at_.output + rows_ * h;
  at_.total = at_.output_bias + rows_;
  parameters_.assign(at_.total, 0.F);
  const auto fill = [&](std::size_t from, std::size_t to, double scale) {
    for (std::size_t i = from; i < to; ++i) parameters_[i] = static_cast<float>(scale * random.normal());
  };
  const double scale = 1 / std::sqrt(static_cast<double>(h));
  fill(at_.input, at_.recurrent, .3);
  fill(at_.recurrent, at_.bias, scale);
  fill(at_.output, at_.output + shape.generable * h, scale);
}

// Some sequences in lanes, run forward through all steps with everything kept for the way back.
class TinyPolicy::Batch {
 public:
  Batch(const TinyPolicy& policy, std::span<const Sequence* const> sequences)
      : p_(policy),
        sequences_(sequences),
        lanes_(sequences.size() <= kFewLanes ? kFewLanes : kLanes),
        hidden_(policy.shape_.hidden),
        cells_(hidden_ * lanes_) {
    first_output_ = SIZE_MAX;
    for (const Sequence* s : sequences) {
      steps_ = std::max(steps_, s->tokens.size() - 1);
      first_output_ = std::min(first_output_, s->prompt - 1);
    }
  }

  void forward() {
    h_.assign((steps_ + 1) * cells_, 0.F);
    z_.resize(steps_ * cells_), r_.resize(steps_ * cells_), fresh_.resize(steps_ * cells_);
    un_h_.resize(steps_ * cells_);
    logits_.assign(steps_ * p_.rows_ * lanes_, 0.F);
    log_p_.assign(sequences_.size(), 0.0);
    std::vector<float> recurrent(3 * cells_), input(3 * cells_), log_sum(lanes_);
    for (std::size_t t = 0; t < steps_; ++t) {
      gather(t, input);
      std::ranges::fill(recurrent, 0.F);
      multiply_add(recurrent.data(), weights(p_.at_.recurrent), h(t), 3 * hidden_, hidden_, lanes_);
      gru_forward(recurrent.data(), input.data(), h(t), state(t), h(t + 1), cells_);
      std::copy_n(recurrent.data() + 2 * cells_, cells_, un_h_.data() + t * cells_);
      if (t < first_output_) continue;
      float* o = logits(t);
      for (std::size_t g = 0; g < p_.rows_; ++g) std::fill_n(o + g * lanes_, lanes_, weights(p_.at_.output_bias)[g]);
      multiply_add(o, weights(p_.at_.output), h(t + 1), p_.rows_, hidden_, lanes_);
      target_logits(t);
      softmax_columns(o, log_sum.data(), p_.shape_.generable, lanes_);
      for (std::size_t l = 0; l < sequences_.size(); ++l) {
        if (is_output(l, t)) log_p_[l] += target_[l] - log_sum[l];
      }
    }
  }

  void backward(std::vector<float>& gradient) {
    std::vector<float> dh(cells_, 0.F), d_recurrent(3 * cells_), d_input(3 * cells_), columns(cells_);
    std::vector<float> recurrent_t(3 * hidden_ * hidden_), output_t(p_.rows_ * hidden_);
    transpose(recurrent_t.data(), weights(p_.at_.recurrent), 3 * hidden_, hidden_);
    transpose(output_t.data(), weights(p_.at_.output), p_.rows_, hidden_);
    for (std::size_t t = steps_; t-- > 0;) {
      if (t >= first_output_) {
        loss_gradient(t);
        transpose(columns.data(), h(t + 1), hidden_, lanes_);
        multiply_add(gradient.data() + p_.at_.output, logits(t), columns.data(), p_.rows_, lanes_, hidden_);
        multiply_add(dh.data(), output_t.data(), logits(t), hidden_, p_.rows_, lanes_);
        add_rows(gradient.data() + p_.at_.output_bias, logits(t), p_.rows_);
      }
      gru_backward(un_h_.data() + t * cells_, h(t), state(t), dh.data(), d_recurrent.data(), d_input.data(), cells_);
      transpose(columns.data(), h(t), hidden_, lanes_);
      multiply_add(gradient.data() + p_.at_.recurrent, d_recurrent.data(), columns.data(), 3 * hidden_, lanes_,
                   hidden_);
      multiply_add(dh.data(), recurrent_t.data(), d_recurrent.data(), hidden_, 3 * hidden_, lanes_);
      add_rows(gradient.data() + p_.at_.bias, d_input.data(), 3 * hidden_);
      scatter(t, d_input, gradient);
    }
  }

  [[nodiscard]] const std::vector<double>& log_p() const { return log_p_; }

 private:
  [[nodiscard]] const float* weights(std::size_t offset) const { return p_.parameters_.data() + offset; }
  float* h(std::size_t t) { return h_.data() + t * cells_; }
  float* logits(std::size_t t) { return logits_.data() + t * p_.rows_ * lanes_; }
  GruState state(std::size_t t) {
    return {.z = z_.data() + t * cells_, .r = r_.data() + t * cells_, .fresh = fresh_.data() + t * cells_};
  }
  // Step t reads token t and predicts token t + 1.
  [[nodiscard]] bool is_output(std::size_t lane, std::size_t t) const {
    return t + 1 < sequences_[lane]->tokens.size() && t + 1 >= sequences_[lane]->prompt;
  }
  [[nodiscard]] std::size_t token(std::size_t lane, std::size_t t) const {
    const bool inside = lane < sequences_.size() && t < sequences_[lane]->tokens.size();
    return inside ? sequences_[lane]->tokens[t] : 0;  // what follows an end changes nothing: it has no loss
  }

  void gather(std::size_t t, std::vector<float>& input) const {
    const float* bias = weights(p_.at_.bias);
    for (std::size_t l = 0; l < lanes_; ++l) {
      const float* row = weights(p_.at_.input) + token(l, t) * 3 * hidden_;
      for (std::size_t u = 0; u < 3 * hidden_; ++u) input[u * lanes_ + l] = row[u] + bias[u];
    }
  }
  void scatter(std::size_t t, const std::vector<float>& d_input, std::vector<float>& gradient) const {
    for (std::size_t l = 0; l < sequences_.size(); ++l) {
      if (t + 1 >= sequences_[l]->tokens.size()) continue;
      float* row = gradient.data() + p_.at_.input + token(l, t) * 3 * hidden_;
      for (std::size_t u = 0; u < 3 * hidden_; ++u) row[u] += d_input[u * lanes_ + l];
    }
  }
  void add_rows(float* out, const float* values, std::size_t rows) const {
    for (std::size_t r = 0; r < rows; ++r)
      out[r] += std::accumulate(values + r * lanes_, values + (r + 1) * lanes_, 0.F);
  }
  void target_logits(std::size_t t) {
    target_.assign(lanes_, 0.F);
    for (std::size_t l = 0; l < sequences_.size(); ++l) {
      if (is_output(l, t)) target_[l] = logits(t)[token(l, t + 1) * lanes_ + l];
    }
  }
  // Turns probabilities into d(-weight log p(target)) / dlogits; nothing where there is no loss.
  void loss_gradient(std::size_t t) {
    float* o = logits(t);
    std::vector<float> weight(lanes_, 0.F);
    for (std::size_t l = 0; l < sequences_.size(); ++l) {
      if (!is_output(l, t)) continue;
      weight[l] = sequences_[l]->weight;
      o[token(l, t + 1) * lanes_ + l] -= 1.F;
    }
    for (std::size_t g = 0; g < p_.rows_; ++g) {
      for (std::size_t l = 0; l < lanes_; ++l) o[g * lanes_ + l] *= g < p_.shape_.generable ? weight[l] : 0.F;
    }
  }

  const TinyPolicy& p_;
  std::span<const Sequence* const> sequences_;
  std::size_t lanes_, hidden_, cells_, steps_ = 0, first_output_ = 0;
  std::vector<float> h_, z_, r_, fresh_, un_h_, logits_, target_;
  std::vector<double> log_p_;
};

namespace {

// Calls `use` with lanes of sequences of similar length and the index of each.
template <class Use>
void in_lanes(std::span<const Sequence> sequences, Use&& use) {
  std::vector<std::size_t> order(sequences.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return sequences[i].tokens.size(); });
  std::vector<const Sequence*> lanes;
  for (std::size_t from = 0; from < order.size(); from += kLanes) {
    const auto chunk = std::span(order).subspan(from, std::min(kLanes, order.size() - from));
    lanes.clear();
    for (const std::size_t i : chunk) lanes.push_back(&sequences[i]);
    use(std::span<const Sequence* const>(lanes), chunk);
  }
}

}  // namespace

std::vector<double> TinyPolicy::log_probabilities(std::span<const Sequence> sequences) const {
  std::vector<double> out(sequences.size());
  in_lanes(sequences, [&](std::span<const Sequence* const> lanes, std::span<const std::size_t> index) {
    Batch batch(*this, lanes);
    batch.forward();
    for (std::size_t l = 0; l < index.size(); ++l) out[index[l]] = batch.log_p()[l];
  });
  return out;
}

std::size_t TinyPolicy::accumulate(std::span<const Sequence> sequences, std::vector<float>& gradient) const {
  in_lanes(sequences, [&](std::span<const Sequence* const> lanes, std::span<const std::size_t>) {
    Batch batch(*this, lanes);
    batch.forward();
    batch.backward(gradient);
  });
  std::size_t tokens = 0;
  for (const Sequence& s : sequences) tokens += s.tokens.size() - s.prompt;
  return tokens;
}

void TinyPolicy::generate(std::vector<Sequence>& prompts, Token end, std::size_t most, RandomStream& random) const {
  const std::size_t hidden = shape_.hidden;
  for (std::size_t from = 0; from < prompts.size(); from += kLanes) {
    const std::size_t count = std::min(kLanes, prompts.size() - from);
    const std::size_t cells = hidden * kLanes;
    std::vector<float> h(cells, 0.F), next(cells), recurrent(3 * cells), input(3 * cells), kept(3 * cells);
    std::vector<float> logits(rows_ * kLanes), log_sum(kLanes);
    std::vector<bool> done(count, false);
    for (std::size_t t = 0; std::ranges::find(done, false) != done.end(); ++t) {
      for (std::size_t l = 0; l < kLanes; ++l) {
        const bool inside = l < count && t < prompts[from + l].tokens.size();
        const std::size_t token = inside ? prompts[from + l].tokens[t] : 0;
        const float* row = parameters_.data() + at_.input + token * 3 * hidden;
        for (std::size_t u = 0; u < 3 * hidden; ++u) input[u * kLanes + l] = row[u] + parameters_[at_.bias + u];
      }
      std::ranges::fill(recurrent, 0.F);
      multiply_add(recurrent.data(), parameters_.data() + at_.recurrent, h.data(), 3 * hidden, hidden, kLanes);
      gru_forward(recurrent.data(), input.data(), h.data(),
                  {.z = kept.data(), .r = kept.data() + cells, .fresh = kept.data() + 2 * cells}, next.data(), cells);
      std::swap(h, next);
      for (std::size_t g = 0; g < rows_; ++g) {
        std::fill_n(logits.data() + g * kLanes, kLanes, parameters_[at_.output_bias + g]);
      }
      multiply_add(logits.data(), parameters_.data() + at_.output, h.data(), rows_, hidden, kLanes);
      softmax_columns(logits.data(), log_sum.data(), shape_.generable, kLanes);
      for (std::size_t l = 0; l < count; ++l) {
        Sequence& s = prompts[from + l];
        if (done[l] || t + 1 < s.tokens.size()) continue;
        double u = random.uniform01();
        std::size_t g = 0;
        while (g + 1 < shape_.generable && u >= logits[g * kLanes + l]) u -= logits[g++ * kLanes + l];
        s.tokens.push_back(static_cast<Token>(g));
        done[l] = s.tokens.back() == end || s.tokens.size() - s.prompt >= most;
      }
    }
  }
}

void Adam::descend(std::vector<float>& parameters, std::vector<float>& gradient, double scale, double rate) {
  double norm = 0;
  for (const float g : gradient) norm += double{g} * g;
  norm = std::sqrt(norm) * scale;
  const auto factor = static_cast<float>(scale * std::min(1.0, 1 / std::max(norm, 1e-30)));
  ++step_;
  const auto fix_m = static_cast<float>(1 / (1 - std::pow(.9, step_)));
  const auto fix_v = static_cast<float>(1 / (1 - std::pow(.99, step_)));
  const auto step = static_cast<float>(rate);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const float g = gradient[i] * factor;
    m_[i] = .9F * m_[i] + .1F * g;
    v_[i] = .99F * v_[i] + .01F * g * g;
    parameters[i] -= step * m_[i] * fix_m / (std::sqrt(v_[i] * fix_v) + 1e-8F);
    gradient[i] = 0;
  }
}

}  // namespace bursar::reproduce::tiny
