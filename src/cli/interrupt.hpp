// SPDX-License-Identifier: MIT
// Ctrl-C during a fit: the first one ends it after the iteration at hand, the second one kills the program as
// usual. While files are written it waits for them.
#pragma once

#include <array>
#include <csignal>

namespace omnimeans::cli {

/// While one lives, SIGINT sets a flag instead of ending the program. A SIGINT that is ignored (nohup, a
/// background job of a script) stays ignored. One at a time.
class InterruptWatch {
 public:
  InterruptWatch();
  ~InterruptWatch();
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;

  bool interrupted() const noexcept;

 private:
  struct sigaction before_ {};
  sigset_t mask_before_{};
};

/// While one lives, files are being written, and what would end the program waits until they are in place or
/// gone: the first SIGHUP, SIGINT, SIGPIPE or SIGTERM, whichever thread gets it; the same once more ends it.
/// A file that grows beyond its limit (SIGXFSZ) is an error of write(). To be made before io::OutputFiles, so
/// that temporary files are gone when it lets go. One at a time, and no InterruptWatch beside it.
class SignalsHeld {
 public:
  SignalsHeld();
  ~SignalsHeld();
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;

 private:
  static constexpr std::array signals = {SIGHUP, SIGINT, SIGPIPE, SIGTERM};
  std::array<struct sigaction, signals.size()> before_{};
  struct sigaction large_file_before_ {};
};

}  // namespace omnimeans::cli
