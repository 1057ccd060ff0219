// SPDX-License-Identifier: MIT
// The C interface's errors, options and names.
#include <algorithm>
#include <cstring>
#include <exception>
#include <new>

#include "capi/capi.hpp"
#include "omnimeans/backend.hpp"
#include "omnimeans/options.hpp"
#include "omnimeans/version.hpp"

namespace omnimeans::capi {
namespace {

// Of fixed size: to keep the text of an error must not fail.
thread_local char last_error[512] = "";

omnimeans_status keep(omnimeans_status status, const char* text) noexcept {
  const std::size_t length = std::min(std::strlen(text), sizeof(last_error) - 1);
  std::memcpy(last_error, text, length);
  last_error[length] = '\0';
  return status;
}

}  // namespace

omnimeans_status status_of_exception() noexcept {
  try {
    throw;
  } catch (const ShapeMismatch& error) {
    return keep(OMNIMEANS_SHAPE_MISMATCH, error.what());
  } catch (const NonFiniteValue& error) {
    return keep(OMNIMEANS_NON_FINITE_VALUE, error.what());
  } catch (const UnknownBackend& error) {
    return keep(OMNIMEANS_UNKNOWN_BACKEND, error.what());
  } catch (const UnsupportedIsa& error) {
    return keep(OMNIMEANS_UNSUPPORTED_ISA, error.what());
  } catch (const InvalidArgument& error) {
    return keep(OMNIMEANS_INVALID_ARGUMENT, error.what());
  } catch (const MemoryLimitExceeded& error) {
    return keep(OMNIMEANS_MEMORY_LIMIT_EXCEEDED, error.what());
  } catch (const EmptyCluster& error) {
    return keep(OMNIMEANS_EMPTY_CLUSTER, error.what());
  } catch (const std::bad_alloc&) {
    return keep(OMNIMEANS_OUT_OF_MEMORY, "out of memory");
  } catch (const std::exception& error) {
    return keep(OMNIMEANS_INTERNAL_ERROR, error.what());
  } catch (...) {
    return keep(OMNIMEANS_INTERNAL_ERROR, "an exception of unknown type");
  }
}

omnimeans_options complete(const omnimeans_options* options) {
  omnimeans_options known = OMNIMEANS_OPTIONS_INIT;
  if (options == nullptr) return known;
  constexpr std::size_t least = offsetof(omnimeans_options, threads);
  if (options->size < least || options->version == 0) {
    throw InvalidArgument("options: size = " + std::to_string(options->size) +
                          ", version = " + std::to_string(options->size < least ? 0 : options->version) +
                          "; start from OMNIMEANS_OPTIONS_INIT");
  }
  if (options->version > OMNIMEANS_OPTIONS_VERSION || options->size > sizeof known) {
    throw InvalidArgument("options: version = " + std::to_string(options->version) +
                          " is newer than this library, " OMNIMEANS_VERSION);
  }
  std::memcpy(&known, options, options->size);
  return known;
}

static_assert(OMNIMEANS_INIT_RANDOM == static_cast<int>(Init::random));
static_assert(OMNIMEANS_INIT_KMEANS_PLUS_PLUS == static_cast<int>(Init::kmeans_plus_plus));
static_assert(OMNIMEANS_INIT_KMEANS_PLUS_PLUS_TEXTBOOK == static_cast<int>(Init::kmeans_plus_plus_textbook));
static_assert(OMNIMEANS_INIT_KMEANS_PLUS_PLUS_GREEDY == static_cast<int>(Init::kmeans_plus_plus_greedy));
static_assert(OMNIMEANS_INIT_KMEANS_PARALLEL == static_cast<int>(Init::kmeans_parallel));
static_assert(OMNIMEANS_INIT_AFK_MC2 == static_cast<int>(Init::afk_mc2));
static_assert(OMNIMEANS_INIT_FARTHEST_FIRST == static_cast<int>(Init::farthest_first));
static_assert(OMNIMEANS_EMPTY_RELOCATE == static_cast<int>(EmptyClusterPolicy::relocate));
static_assert(OMNIMEANS_EMPTY_KEEP == static_cast<int>(EmptyClusterPolicy::keep));
static_assert(OMNIMEANS_EMPTY_ERROR == static_cast<int>(EmptyClusterPolicy::error));
static_assert(OMNIMEANS_STOP_CONVERGED == static_cast<int>(StopReason::converged));
static_assert(OMNIMEANS_STOP_TOLERANCE == static_cast<int>(StopReason::tolerance));
static_assert(OMNIMEANS_STOP_MAX_ITER == static_cast<int>(StopReason::max_iter));
static_assert(OMNIMEANS_STOP_DEADLINE == static_cast<int>(StopReason::deadline));
static_assert(OMNIMEANS_STOP_CANCELLED == static_cast<int>(StopReason::cancelled));

}  // namespace omnimeans::capi

using namespace omnimeans;

const char* omnimeans_status_name(omnimeans_status status) {
  switch (status) {
    case OMNIMEANS_OK:
      return "ok";
    case OMNIMEANS_INVALID_ARGUMENT:
      return "invalid argument";
    case OMNIMEANS_SHAPE_MISMATCH:
      return "shape mismatch";
    case OMNIMEANS_NON_FINITE_VALUE:
      return "non-finite value";
    case OMNIMEANS_UNKNOWN_BACKEND:
      return "unknown backend";
    case OMNIMEANS_UNSUPPORTED_ISA:
      return "unsupported instruction set";
    case OMNIMEANS_MEMORY_LIMIT_EXCEEDED:
      return "memory limit exceeded";
    case OMNIMEANS_EMPTY_CLUSTER:
      return "empty cluster";
    case OMNIMEANS_OUT_OF_MEMORY:
      return "out of memory";
    case OMNIMEANS_INTERNAL_ERROR:
      return "internal error";
  }
  return "unknown status";
}

const char* omnimeans_last_error(void) {
  return capi::last_error;
}

const char* omnimeans_version(void) {
  return OMNIMEANS_VERSION;
}

size_t omnimeans_backend_count(void) {
  return backends().size();
}

const char* omnimeans_backend_name(size_t index) {
  // Names are literals, so that they end with a zero.
  return index < backends().size() ? backends()[index].info.name.data() : nullptr;
}

omnimeans_status omnimeans_options_init(omnimeans_options* options, size_t size) {
  return capi::guarded([&] {
    capi::check_pointer(options, "options");
    const omnimeans_options defaults = OMNIMEANS_OPTIONS_INIT;
    if (size < offsetof(omnimeans_options, threads) || size > sizeof defaults)
      throw InvalidArgument("options: no version of this library has a struct of " + std::to_string(size) +
                            " bytes");
    std::memcpy(options, &defaults, size);
    options->size = size;
  });
}
