// Threads: run a number of independent tasks on a few threads, and stop early when asked to.
//
// Invariants: results do not depend on the number of threads (tasks write to places of their own); an exception of a
// task reaches the caller, never crosses a thread; only the calling thread asks the outside world whether to stop.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <thread>

namespace allomatch {

// Says whether a long call should stop. `poll` is asked at most every 20 ms, by the thread that made the call.
class Cancel {
  public:
    Cancel() = default;
    explicit Cancel(std::function<bool()> poll) : poll_(std::move(poll)) {}
    // To be called often (a few thousand times a second is plenty), by any thread. Throws Interrupted.
    void check() const;
    // For worker threads: looks at the flag only.
    [[nodiscard]] bool stopped() const noexcept { return stopped_.load(std::memory_order_relaxed); }

  private:
    std::function<bool()> poll_;
    std::thread::id asking_ = std::this_thread::get_id();
    mutable std::atomic<bool> stopped_{false};
    mutable std::atomic<long long> next_poll_{0};
};

// 0 means all cores.
[[nodiscard]] unsigned thread_count(unsigned wanted) noexcept;

// Calls body(task) for task in [0, tasks), each once, on `threads` threads.
void parallel_for(std::size_t tasks, unsigned threads, const Cancel& cancel,
                  const std::function<void(std::size_t)>& body);

}  // namespace allomatch
