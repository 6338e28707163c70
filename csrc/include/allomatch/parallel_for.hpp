// Threads: run a number of independent tasks on a few threads, and stop early when asked to.
//
// Invariants: results do not depend on the number of threads (tasks write to places of their own); an exception of a
// task reaches the caller, never crosses a thread; only the calling thread asks the outside world whether to stop.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

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

// Threads that stay for several calls, of which the calling thread is one: to start a thread takes as long as a short
// search has between two of its steps. The others start when there is work for them, wait awake for a moment after each
// call, and end with the crew. For one calling thread at a time.
class Crew {
  public:
    explicit Crew(unsigned threads) noexcept;
    ~Crew();
    Crew(const Crew&) = delete;
    Crew& operator=(const Crew&) = delete;

    [[nodiscard]] unsigned threads() const noexcept { return threads_; }
    // Whether it is of this process: one that was forked has the crew, and none of its threads.
    [[nodiscard]] bool made_here() const noexcept;
    // Calls body(task) for task in [0, tasks), each once, and returns when all are done. What a task throws arrives
    // here.
    void parallel_for(std::size_t tasks, const Cancel& cancel, const std::function<void(std::size_t)>& body);

  private:
    struct Work;
    void help();

    unsigned threads_;
    int process_;
    std::mutex mutex_;                      // for what follows
    Work* work_ = nullptr;                  // there is some to be taken
    bool over_ = false;                     // no more will come
    std::atomic<std::uint32_t> calls_{0};   // changes whenever one of these does
    std::atomic<unsigned> helping_{0};      // threads besides the calling one that have taken the work
    std::condition_variable nobody_helps_;  // any more
    std::vector<std::jthread> helpers_;
};

// Keeps the crew of one call for the next: to start and to end a thread takes as long as a tenth of a short search. May
// be asked by several threads at once: who finds it taken, or of another size, is given a new one.
class KeptCrew {
  public:
    struct GiveBack {
        KeptCrew* home;
        void operator()(Crew* crew) const noexcept { home->keep(std::unique_ptr<Crew>(crew)); }
    };
    using Lease = std::unique_ptr<Crew, GiveBack>;
    // It comes back when the lease ends, which this must outlive.
    [[nodiscard]] Lease take(unsigned threads);

  private:
    void keep(std::unique_ptr<Crew> crew) noexcept;

    std::mutex mutex_;
    std::unique_ptr<Crew> crew_;
};

// On threads of its own.
void parallel_for(std::size_t tasks, unsigned threads, const Cancel& cancel,
                  const std::function<void(std::size_t)>& body);

}  // namespace allomatch
