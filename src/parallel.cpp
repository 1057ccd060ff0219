// SPDX-License-Identifier: MIT
// Whether threads may be started in this process. libgomp keeps its threads for the next parallel region; a
// child made by fork() inherits the belief that they exist, and waits for them forever. So a child of a
// process that had threads (ours or anyone's) when it forked runs everything in the calling thread. exec()
// starts afresh.
#include "parallel.hpp"

#include <pthread.h>
#include <unistd.h>

#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#endif

namespace omnimeans {
namespace {

/// True only where it is certain that the process never had a second thread.
bool surely_one_thread() {
#if __has_include(<sys/single_threaded.h>)
  return __libc_single_threaded != 0;
#else
  return false;
#endif
}

/// The process that may start threads. Known by its number, so that children of which the handlers are not
/// told (clone, _Fork) count as such, too.
class ThreadsOwner {
 public:
  ThreadsOwner() : owner_(getpid()) {
    // Without handlers every child runs in one thread: slower, but right.
    static_cast<void>(
        pthread_atfork([] { instance().before_fork(); }, nullptr, [] { instance().in_child(); }));
  }

  static ThreadsOwner& instance() {
    static ThreadsOwner owner;
    return owner;
  }

  bool is_this_process() const { return owner_.load(std::memory_order_relaxed) == getpid(); }

 private:
  void before_fork() {
    child_may_.store(surely_one_thread() && is_this_process(), std::memory_order_relaxed);
  }
  void in_child() {
    if (child_may_.load(std::memory_order_relaxed)) owner_.store(getpid(), std::memory_order_relaxed);
  }

  std::atomic<pid_t> owner_;
  std::atomic<bool> child_may_{false};
};

// When the library is loaded, not at its first use: that may come after the fork.
[[maybe_unused]] const ThreadsOwner& at_load = ThreadsOwner::instance();

}  // namespace

bool may_start_threads() {
  return ThreadsOwner::instance().is_this_process();
}

}  // namespace omnimeans
