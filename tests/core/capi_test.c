/* SPDX-License-Identifier: MIT */
/* The C interface, from C: results, strides, weights, options of other sizes, every status, cancelling. The address
 * sanitizer's build of this test looks for leaks. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "omnimeans/omnimeans.h"

static int failures = 0;

#define EXPECT(condition)                                              \
  do {                                                                 \
    if (!(condition)) {                                                \
      ++failures;                                                      \
      fprintf(stderr, "%s:%d: %s (last error: %s)\n", __FILE__, __LINE__, #condition, omnimeans_last_error()); \
    }                                                                  \
  } while (0)

enum { n = 600, d = 3, k = 6, stride = 5 };

/* Six groups; columns d to stride - 1 are someone else's. */
static float wide[n * stride];
static double narrow[n * d];

static void make_samples(void) {
  unsigned state = 1;
  int i, t;
  for (i = 0; i < n; ++i) {
    for (t = 0; t < stride; ++t) {
      state = state * 1664525u + 1013904223u;
      wide[i * stride + t] = (float)(10 * ((i + t) % k)) + (float)(state >> 8) / 16777216.0f;
      if (t < d) narrow[i * d + t] = wide[i * stride + t];
    }
  }
}

static omnimeans_matrix strided(void) {
  omnimeans_matrix matrix = omnimeans_matrix_f32(wide, n, d);
  matrix.row_stride = stride;
  return matrix;
}

static omnimeans_options defaults(void) {
  omnimeans_options options = OMNIMEANS_OPTIONS_INIT;
  options.n_clusters = k;
  options.seed = 3;
  return options;
}

static void fits_agree_with_predictions(void) {
  const omnimeans_matrix samples = strided();
  const omnimeans_options options = defaults();
  omnimeans_result *result = NULL;
  omnimeans_predictor *predictor = NULL;
  omnimeans_matrix centroids;
  int32_t labels[n], one = -1;
  float distances[n * k];
  double inertia = 0, sum = 0;
  int i;
  EXPECT(omnimeans_fit(&samples, NULL, NULL, &options, &result) == OMNIMEANS_OK);
  if (result == NULL) return;
  centroids = omnimeans_result_centroids(result);
  EXPECT(centroids.type == OMNIMEANS_F32 && centroids.rows == k && centroids.cols == d && centroids.row_stride == d);
  EXPECT(omnimeans_result_n_samples(result) == n && omnimeans_result_n_nonempty(result) == k);
  EXPECT(omnimeans_result_n_iter(result) > 0);
  EXPECT(omnimeans_result_stop_reason(result) == OMNIMEANS_STOP_CONVERGED ||
         omnimeans_result_stop_reason(result) == OMNIMEANS_STOP_TOLERANCE);
  EXPECT(strlen(omnimeans_result_backend(result)) > 0);

  EXPECT(omnimeans_predict(&samples, &centroids, NULL, labels) == OMNIMEANS_OK);
  EXPECT(memcmp(labels, omnimeans_result_labels(result), sizeof labels) == 0);
  EXPECT(omnimeans_inertia(&samples, &centroids, labels, NULL, NULL, &inertia) == OMNIMEANS_OK);
  EXPECT(inertia == omnimeans_result_inertia(result));
  EXPECT(omnimeans_transform(&samples, &centroids, NULL, distances) == OMNIMEANS_OK);
  for (i = 0; i < n; ++i) {
    const double own = distances[i * k + labels[i]];
    int j;
    for (j = 0; j < k; ++j) EXPECT(own <= (double)distances[i * k + j]);
    sum += own * own;
  }
  EXPECT(fabs(sum - inertia) < 1e-5 * inertia); /* n roots rounded to float: 2^-23 each */

  EXPECT(omnimeans_predictor_create(&centroids, NULL, &predictor) == OMNIMEANS_OK);
  memset(labels, -1, sizeof labels);
  EXPECT(omnimeans_predictor_label(predictor, &samples, labels) == OMNIMEANS_OK);
  EXPECT(memcmp(labels, omnimeans_result_labels(result), sizeof labels) == 0);
  for (i = 0; i < n; i += 7) {
    const omnimeans_matrix row = omnimeans_matrix_f32(wide + i * stride, 1, d);
    EXPECT(omnimeans_predictor_label(predictor, &row, &one) == OMNIMEANS_OK && one == labels[i]);
  }
  omnimeans_predictor_free(predictor);
  omnimeans_result_free(result);
}

static void types_weights_and_given_centroids(void) {
  const omnimeans_matrix samples = omnimeans_matrix_f64(narrow, n, d);
  omnimeans_options options = defaults();
  omnimeans_result *whole = NULL, *part = NULL;
  double start[k * d], again[k * d], weights[n];
  size_t indices[k];
  omnimeans_matrix initial = omnimeans_matrix_f64(start, k, d), half = samples;
  int i, t;
  options.tol = 0;
  EXPECT(omnimeans_seed_centroids(&samples, NULL, &options, start, indices) == OMNIMEANS_OK);
  EXPECT(omnimeans_seed_centroids(&samples, NULL, &options, again, NULL) == OMNIMEANS_OK);
  EXPECT(memcmp(start, again, sizeof start) == 0);
  for (i = 0; i < k; ++i) {
    for (t = 0; t < d; ++t) EXPECT(indices[i] < n && start[i * d + t] == narrow[indices[i] * d + (size_t)t]);
  }
  /* A weight of zero means absent. */
  for (i = 0; i < n; ++i) weights[i] = i < n / 2 ? 1 : 0;
  half.rows = n / 2;
  EXPECT(omnimeans_fit(&samples, weights, &initial, &options, &whole) == OMNIMEANS_OK);
  EXPECT(omnimeans_fit(&half, NULL, &initial, &options, &part) == OMNIMEANS_OK);
  if (whole != NULL && part != NULL) {
    EXPECT(omnimeans_result_inertia(whole) == omnimeans_result_inertia(part));
    EXPECT(memcmp(omnimeans_result_centroids(whole).data, omnimeans_result_centroids(part).data, sizeof start) == 0);
    EXPECT(omnimeans_result_stop_reason(part) == OMNIMEANS_STOP_CONVERGED);
  }
  omnimeans_result_free(whole);
  omnimeans_result_free(part);
}

static int stop_after_two(const omnimeans_progress *progress, void *user_data) {
  uint64_t *calls = user_data;
  EXPECT(progress->size == sizeof *progress);
  if (progress->max_iter == 0) return 0; /* the seeding */
  EXPECT(progress->iteration == *calls && progress->n_init == 1);
  return ++*calls == 2;
}

static void callbacks_cancel(void) {
  const omnimeans_matrix samples = strided();
  omnimeans_options options = defaults();
  omnimeans_result *result = NULL;
  uint64_t calls = 0;
  options.n_clusters = 40;
  options.tol = 0;
  options.progress = stop_after_two;
  options.user_data = &calls;
  EXPECT(omnimeans_fit(&samples, NULL, NULL, &options, &result) == OMNIMEANS_OK);
  EXPECT(calls == 2);
  if (result != NULL) {
    EXPECT(omnimeans_result_stop_reason(result) == OMNIMEANS_STOP_CANCELLED);
    EXPECT(omnimeans_result_n_iter(result) == 2);
  }
  omnimeans_result_free(result);
  options.progress = NULL;
  options.time_limit_seconds = 1e-9;
  EXPECT(omnimeans_fit(&samples, NULL, NULL, &options, &result) == OMNIMEANS_OK);
  if (result != NULL) EXPECT(omnimeans_result_stop_reason(result) == OMNIMEANS_STOP_DEADLINE);
  omnimeans_result_free(result);
}

static void options_of_other_sizes(void) {
  const omnimeans_matrix samples = strided();
  omnimeans_options options;
  omnimeans_result *result = NULL;
  union {
    omnimeans_options options;
    char bytes[sizeof(omnimeans_options) + 8];
  } other;
  const omnimeans_options macro = OMNIMEANS_OPTIONS_INIT;
  memset(&options, 0, sizeof options);
  EXPECT(omnimeans_options_init(&options, sizeof options) == OMNIMEANS_OK);
  EXPECT(memcmp(&options, &macro, sizeof options) == 0);
  /* Of an older library, which had nothing after n_clusters: what lies there is not read. */
  memset(&other, 0xff, sizeof other);
  EXPECT(omnimeans_options_init(&other.options, offsetof(omnimeans_options, n_init)) == OMNIMEANS_OK);
  other.options.n_clusters = k;
  EXPECT(other.options.n_init == UINT64_MAX);
  EXPECT(omnimeans_fit(&samples, NULL, NULL, &other.options, &result) == OMNIMEANS_OK);
  omnimeans_result_free(result);
  EXPECT(omnimeans_options_init(&options, 3) == OMNIMEANS_INVALID_ARGUMENT);
  EXPECT(omnimeans_options_init(&options, sizeof options + 8) == OMNIMEANS_INVALID_ARGUMENT);
  /* Of a newer one, and one that nobody initialised. */
  options = defaults();
  options.version = 2;
  EXPECT(omnimeans_fit(&samples, NULL, NULL, &options, &result) == OMNIMEANS_INVALID_ARGUMENT);
  memset(&options, 0, sizeof options);
  EXPECT(omnimeans_fit(&samples, NULL, NULL, &options, &result) == OMNIMEANS_INVALID_ARGUMENT);
  EXPECT(result == NULL);
}

/* A fit that fails with this status and these words. */
static void expect_failure(const omnimeans_matrix *samples, const void *weights, const omnimeans_matrix *initial,
                           const omnimeans_options *options, omnimeans_status status, const char *words) {
  omnimeans_result *result = (omnimeans_result *)&failures; /* to be overwritten */
  EXPECT(omnimeans_fit(samples, weights, initial, options, &result) == status);
  EXPECT(result == NULL);
  EXPECT(strstr(omnimeans_last_error(), words) != NULL);
}

static void every_status(void) {
  const omnimeans_matrix samples = strided();
  omnimeans_matrix bad = samples, initial = omnimeans_matrix_f32(wide, 2, d);
  const omnimeans_matrix other_type = omnimeans_matrix_f64(narrow, k, d);
  omnimeans_options options = defaults();
  int32_t label = 7;
  float three[9] = {1, 1, 1, 2, 2, 2, 3, NAN, 3};
  expect_failure(NULL, NULL, NULL, &options, OMNIMEANS_INVALID_ARGUMENT, "X is NULL");
  bad.data = NULL;
  expect_failure(&bad, NULL, NULL, &options, OMNIMEANS_INVALID_ARGUMENT, "X is null");
  bad = samples;
  bad.type = (omnimeans_type)1;
  expect_failure(&bad, NULL, &initial, &options, OMNIMEANS_INVALID_ARGUMENT, "another type");
  expect_failure(&samples, NULL, &other_type, &options, OMNIMEANS_INVALID_ARGUMENT, "another type");
  expect_failure(&samples, NULL, &initial, &options, OMNIMEANS_SHAPE_MISMATCH, "initial_centroids is 2 x 3");
  bad = omnimeans_matrix_f32(three, 3, 3);
  options.n_clusters = 2;
  expect_failure(&bad, NULL, NULL, &options, OMNIMEANS_NON_FINITE_VALUE, "X[2][1] is NaN");
  options.n_clusters = n + 1;
  expect_failure(&samples, NULL, NULL, &options, OMNIMEANS_INVALID_ARGUMENT, "exceeds n_samples = 600");
  options = defaults();
  options.backend = "fastest";
  expect_failure(&samples, NULL, NULL, &options, OMNIMEANS_UNKNOWN_BACKEND, "fastest");
  options = defaults();
  options.isa = "z80";
  expect_failure(&samples, NULL, NULL, &options, OMNIMEANS_UNSUPPORTED_ISA, "z80");
  options = defaults();
  options.backend = "elkan";
  options.init = OMNIMEANS_INIT_RANDOM;
  options.memory_limit_bytes = 10;
  expect_failure(&samples, NULL, NULL, &options, OMNIMEANS_MEMORY_LIMIT_EXCEEDED, "elkan");
  options = defaults();
  options.empty_clusters = OMNIMEANS_EMPTY_ERROR;
  options.n_clusters = 2;
  three[7] = 3;
  initial = omnimeans_matrix_f32(three + 3, 2, 3);
  bad = omnimeans_matrix_f32(three, 1, 3);
  bad.rows = 3;
  bad.row_stride = 0;
  three[3] = three[4] = three[5] = 1000;
  three[6] = three[7] = three[8] = 0;
  bad.data = wide;
  expect_failure(&bad, NULL, &initial, &options, OMNIMEANS_EMPTY_CLUSTER, "cluster");
  options = defaults();
  options.time_limit_seconds = NAN;
  expect_failure(&samples, NULL, NULL, &options, OMNIMEANS_INVALID_ARGUMENT, "time_limit_seconds");
  EXPECT(omnimeans_fit(&samples, NULL, NULL, NULL, NULL) == OMNIMEANS_INVALID_ARGUMENT);
  EXPECT(omnimeans_predict(&samples, &samples, NULL, NULL) == OMNIMEANS_INVALID_ARGUMENT);
  EXPECT(omnimeans_predictor_label(NULL, &samples, &label) == OMNIMEANS_INVALID_ARGUMENT && label == 7);
  EXPECT(omnimeans_predictor_label(NULL, NULL, &label) == OMNIMEANS_INVALID_ARGUMENT && label == 7);
  EXPECT(strcmp(omnimeans_status_name(OMNIMEANS_EMPTY_CLUSTER), "empty cluster") == 0);
  omnimeans_result_free(NULL);
  omnimeans_predictor_free(NULL);
}

static void names(void) {
  size_t i;
  int auto_listed = 0;
  EXPECT(omnimeans_backend_count() > 3);
  EXPECT(omnimeans_backend_name(omnimeans_backend_count()) == NULL);
  for (i = 0; i < omnimeans_backend_count(); ++i) {
    const omnimeans_matrix samples = strided();
    omnimeans_options options = defaults();
    omnimeans_result *result = NULL;
    options.backend = omnimeans_backend_name(i);
    EXPECT(omnimeans_fit(&samples, NULL, NULL, &options, &result) == OMNIMEANS_OK);
    if (result != NULL) EXPECT(strcmp(omnimeans_result_backend(result), options.backend) == 0);
    auto_listed |= strcmp(options.backend, "auto") == 0;
    omnimeans_result_free(result);
  }
  EXPECT(!auto_listed);
  EXPECT(strchr(omnimeans_version(), '.') != NULL);
}

int main(void) {
  EXPECT(strcmp(omnimeans_last_error(), "") == 0);
  make_samples();
  fits_agree_with_predictions();
  types_weights_and_given_centroids();
  callbacks_cancel();
  options_of_other_sizes();
  every_status();
  names();
  if (failures == 0) puts("all good");
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
