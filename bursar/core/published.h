// One value that many threads read and one replaces whole: a configuration, a catalogue, a set of keys.
//
//   Published<const Config> current(std::make_shared<const Config>(first));
//   const auto config = current.load();   // stays valid and unchanged for as long as it is held
//   current.store(std::make_shared<const Config>(next));
//
// A lock around a pointer's copy, rather than std::atomic<std::shared_ptr>: libstdc++ 12's takes a lock as well, one
// that thread sanitizers cannot see through. Complexity: O(1); an old value ends outside of the lock.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

namespace bursar {

template <class T>
class Published {
 public:
  using Pointer = std::shared_ptr<T>;

  Published() = default;
  explicit Published(Pointer first) : value_(std::move(first)) {}

  [[nodiscard]] Pointer load() const {
    const std::scoped_lock lock(mutex_);
    return value_;
  }
  void store(Pointer next) { (void)exchange(std::move(next)); }
  Pointer exchange(Pointer next) {
    const std::scoped_lock lock(mutex_);
    return std::exchange(value_, std::move(next));
  }

 private:
  mutable std::mutex mutex_;
  Pointer value_;
};

}  // namespace bursar
