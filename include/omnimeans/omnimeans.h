/* SPDX-License-Identifier: MIT */
/* The C interface. Matrices are row-major, one sample a row, float or double, and never copied; handles are
 * opaque and freed by the function named after them (which take NULL); every function that can fail returns a
 * status, and omnimeans_last_error() says in words what went wrong, for each thread on its own. Results are
 * the same bits as those of the C++ interface. Nothing is printed, nothing aborts, no exception gets out. */
#ifndef OMNIMEANS_OMNIMEANS_H
#define OMNIMEANS_OMNIMEANS_H

#include <stddef.h>
#include <stdint.h>

#include "omnimeans/export.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum omnimeans_status {
  OMNIMEANS_OK = 0,
  OMNIMEANS_INVALID_ARGUMENT = 1,
  OMNIMEANS_SHAPE_MISMATCH = 2,
  OMNIMEANS_NON_FINITE_VALUE = 3,
  OMNIMEANS_UNKNOWN_BACKEND = 4,
  OMNIMEANS_UNSUPPORTED_ISA = 5,
  OMNIMEANS_MEMORY_LIMIT_EXCEEDED = 6,
  OMNIMEANS_EMPTY_CLUSTER = 7,
  OMNIMEANS_OUT_OF_MEMORY = 8,
  OMNIMEANS_INTERNAL_ERROR = 9
} omnimeans_status;

/** "ok", "invalid argument", ...; never NULL. */
OMNIMEANS_API const char* omnimeans_status_name(omnimeans_status status);

/** What went wrong in this thread's last call that failed, e.g. "n_clusters = 12 exceeds n_samples = 10"; at
 * most 511 characters; "" before the first. Valid until the thread's next call. */
OMNIMEANS_API const char* omnimeans_last_error(void);

/** The library's version, "major.minor.patch". */
OMNIMEANS_API const char* omnimeans_version(void);

/** The backends: names for omnimeans_options.backend; NULL for an index that is too large. */
OMNIMEANS_API size_t omnimeans_backend_count(void);
OMNIMEANS_API const char* omnimeans_backend_name(size_t index);

typedef enum omnimeans_type { OMNIMEANS_F32 = 0, OMNIMEANS_F64 = 1 } omnimeans_type;

/** rows x cols values, rows row_stride values apart (0: cols). All matrices of a call have the same type. */
typedef struct omnimeans_matrix {
  const void* data;
  omnimeans_type type;
  size_t rows, cols;
  size_t row_stride;
} omnimeans_matrix;

static inline omnimeans_matrix omnimeans_matrix_f32(const float* data, size_t rows, size_t cols) {
  omnimeans_matrix matrix = {data, OMNIMEANS_F32, rows, cols, cols};
  return matrix;
}
static inline omnimeans_matrix omnimeans_matrix_f64(const double* data, size_t rows, size_t cols) {
  omnimeans_matrix matrix = {data, OMNIMEANS_F64, rows, cols, cols};
  return matrix;
}

/** How the first centroids are drawn; Init of options.hpp says what each is. */
typedef enum omnimeans_init {
  OMNIMEANS_INIT_RANDOM = 0,
  OMNIMEANS_INIT_KMEANS_PLUS_PLUS = 1,
  OMNIMEANS_INIT_KMEANS_PLUS_PLUS_TEXTBOOK = 2,
  OMNIMEANS_INIT_KMEANS_PLUS_PLUS_GREEDY = 3,
  OMNIMEANS_INIT_KMEANS_PARALLEL = 4,
  OMNIMEANS_INIT_AFK_MC2 = 5,
  OMNIMEANS_INIT_FARTHEST_FIRST = 6
} omnimeans_init;

typedef enum omnimeans_empty_clusters {
  OMNIMEANS_EMPTY_RELOCATE = 0,
  OMNIMEANS_EMPTY_KEEP = 1,
  OMNIMEANS_EMPTY_ERROR = 2
} omnimeans_empty_clusters;

typedef enum omnimeans_stop_reason {
  OMNIMEANS_STOP_CONVERGED = 0,
  OMNIMEANS_STOP_TOLERANCE = 1,
  OMNIMEANS_STOP_MAX_ITER = 2,
  OMNIMEANS_STOP_DEADLINE = 3,
  OMNIMEANS_STOP_CANCELLED = 4
} omnimeans_stop_reason;

/** Told after every iteration, and after each pass of the seeding: max_iter is 0 then, and nothing is known.
 */
typedef struct omnimeans_progress {
  size_t size; /**< of this struct, in the library */
  uint64_t run, n_init;
  uint64_t iteration, max_iter; /**< iteration from 0 */
  uint64_t labels_changed;
  double inertia_bound;  /**< the inertia is not above it */
  double centroid_shift; /**< sum of squared movements */
} omnimeans_progress;

/** 0: go on; anything else: stop after this iteration. Called in the thread that called omnimeans_fit(). It
 * must not throw, nor leave by longjmp. */
typedef int (*omnimeans_progress_callback)(const omnimeans_progress* progress, void* user_data);

#define OMNIMEANS_OPTIONS_VERSION 1

/** Start from OMNIMEANS_OPTIONS_INIT or omnimeans_options_init(). `size` and `version` say which struct the
 * caller was compiled with: a later library knows it, and takes its defaults for what was added since. */
typedef struct omnimeans_options {
  size_t size;
  uint32_t version;
  int32_t threads; /**< 0: as many as OpenMP would use */
  uint64_t n_clusters;
  uint64_t n_init;   /**< runs from different seeds; the lowest inertia wins */
  uint64_t max_iter; /**< iterations of a run */
  double tol;        /**< relative to the mean feature variance; 0: only a fixed point ends a run */
  uint64_t seed;
  uint64_t memory_limit_bytes; /**< of the seeding, of the backend; 0: half of the physical memory */
  int32_t init;                /**< omnimeans_init; not used where initial centroids are given */
  int32_t empty_clusters;      /**< omnimeans_empty_clusters */
  const char* backend;         /**< NULL: "auto" */
  const char* isa;             /**< NULL: the best that this CPU runs */
  double time_limit_seconds;   /**< looked at after each pass of the seeding and each iteration; 0: none */
  omnimeans_progress_callback progress; /**< may be NULL */
  void* user_data;                      /**< the callback's */
} omnimeans_options;

#define OMNIMEANS_OPTIONS_INIT                                                               \
  {                                                                                          \
    sizeof(omnimeans_options), OMNIMEANS_OPTIONS_VERSION, 0, 8, 1, 300, 1e-4, 0, 0,          \
        OMNIMEANS_INIT_KMEANS_PLUS_PLUS, OMNIMEANS_EMPTY_RELOCATE, NULL, NULL, 0, NULL, NULL \
  }

/** The same for languages without macros; `size` is what the caller reserved for the struct. */
OMNIMEANS_API omnimeans_status omnimeans_options_init(omnimeans_options* options, size_t size);

typedef struct omnimeans_result omnimeans_result;

/** K-means of n_samples x n_features `samples`. `sample_weights`: n_samples values of the samples' type, or
 * NULL; `initial_centroids`: n_clusters x n_features, or NULL; `options`: NULL for the defaults. On success
 * *result is a handle to free; on failure it is NULL. A run that the callback or the time limit ended is a
 * success, and omnimeans_result_stop_reason() says so. */
OMNIMEANS_API omnimeans_status omnimeans_fit(const omnimeans_matrix* samples, const void* sample_weights,
                                             const omnimeans_matrix* initial_centroids,
                                             const omnimeans_options* options, omnimeans_result** result);
OMNIMEANS_API void omnimeans_result_free(omnimeans_result* result);

/** n_clusters x n_features, of the samples' type; valid as long as the result. */
OMNIMEANS_API omnimeans_matrix omnimeans_result_centroids(const omnimeans_result* result);
/** n_samples labels; valid as long as the result. */
OMNIMEANS_API const int32_t* omnimeans_result_labels(const omnimeans_result* result);
OMNIMEANS_API size_t omnimeans_result_n_samples(const omnimeans_result* result);
OMNIMEANS_API double omnimeans_result_inertia(const omnimeans_result* result);
OMNIMEANS_API uint64_t omnimeans_result_n_iter(const omnimeans_result* result);
OMNIMEANS_API omnimeans_stop_reason omnimeans_result_stop_reason(const omnimeans_result* result);
/** Clusters that own a sample: fewer than n_clusters where samples repeat too often. */
OMNIMEANS_API size_t omnimeans_result_n_nonempty(const omnimeans_result* result);
/** The backend that ran; valid as long as the result. */
OMNIMEANS_API const char* omnimeans_result_backend(const omnimeans_result* result);

/** First centroids alone, by options->init and options->seed: copies of samples, to n_clusters x n_features
 * contiguous values of the samples' type, and which samples they are, to n_clusters `indices` (may be NULL).
 * Where the time limit ends the method, the seeds still missing are drawn at random; the callback is not
 * called. */
OMNIMEANS_API omnimeans_status omnimeans_seed_centroids(const omnimeans_matrix* samples,
                                                        const void* sample_weights,
                                                        const omnimeans_options* options, void* centroids,
                                                        size_t* indices);

/** A set of centroids, copied and prepared once, for any number of calls at low latency. Calls with the same
 * predictor may run in several threads at once. Of the options only threads and isa are used. */
typedef struct omnimeans_predictor omnimeans_predictor;
OMNIMEANS_API omnimeans_status omnimeans_predictor_create(const omnimeans_matrix* centroids,
                                                          const omnimeans_options* options,
                                                          omnimeans_predictor** predictor);
OMNIMEANS_API void omnimeans_predictor_free(omnimeans_predictor* predictor);
/** The nearest centroid of each sample, the lowest where several are equally near, to n_samples `labels`. */
OMNIMEANS_API omnimeans_status omnimeans_predictor_label(const omnimeans_predictor* predictor,
                                                         const omnimeans_matrix* samples, int32_t* labels);

/** The same for one call. Of the options only threads and isa are used, here and below. */
OMNIMEANS_API omnimeans_status omnimeans_predict(const omnimeans_matrix* samples,
                                                 const omnimeans_matrix* centroids,
                                                 const omnimeans_options* options, int32_t* labels);
/** Euclidean distances, to n_samples x n_clusters contiguous values of the samples' type. */
OMNIMEANS_API omnimeans_status omnimeans_transform(const omnimeans_matrix* samples,
                                                   const omnimeans_matrix* centroids,
                                                   const omnimeans_options* options, void* distances);
/** Sum of the squared distances to the labelled centroids, times the weights (NULL: ones). */
OMNIMEANS_API omnimeans_status omnimeans_inertia(const omnimeans_matrix* samples,
                                                 const omnimeans_matrix* centroids, const int32_t* labels,
                                                 const void* sample_weights, const omnimeans_options* options,
                                                 double* inertia);

#ifdef __cplusplus
}
#endif

#endif
