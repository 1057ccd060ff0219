/* SPDX-License-Identifier: MIT */
/* The same library from C: a fit that may be cancelled, its result, and labels of new points one at a time. */
#include <stdio.h>
#include <stdlib.h>

#include <omnimeans/omnimeans.h>

static int show_progress(const omnimeans_progress *progress, void *user_data) {
  (void)user_data;
  if (progress->max_iter == 0) return 0; /* still choosing the first centroids */
  printf("iteration %d: inertia at most %.1f\n", (int)progress->iteration + 1, progress->inertia_bound);
  return 0; /* anything else stops the fit after this iteration */
}

static int failed(const char *what) {
  fprintf(stderr, "%s: %s\n", what, omnimeans_last_error());
  return EXIT_FAILURE;
}

int main(void) {
  static double points[3000 * 2];
  const double fresh[2] = {10.2, 0.1};
  const omnimeans_matrix samples = omnimeans_matrix_f64(points, 3000, 2), one = omnimeans_matrix_f64(fresh, 1, 2);
  omnimeans_options options = OMNIMEANS_OPTIONS_INIT;
  omnimeans_result *result = NULL;
  omnimeans_predictor *predictor = NULL;
  omnimeans_matrix centroids;
  int32_t label = -1;
  size_t i;
  for (i = 0; i < 3000; ++i) { /* three squares */
    points[2 * i] = 10 * (double)(i % 3) + rand() / (double)RAND_MAX;
    points[2 * i + 1] = rand() / (double)RAND_MAX;
  }

  options.n_clusters = 3;
  options.seed = 7;
  options.progress = show_progress;
  if (omnimeans_fit(&samples, NULL, NULL, &options, &result) != OMNIMEANS_OK) return failed("fit");
  centroids = omnimeans_result_centroids(result);
  for (i = 0; i < centroids.rows; ++i) {
    const double *centroid = (const double *)centroids.data + i * centroids.row_stride;
    printf("centroid %d: %.2f %.2f\n", (int)i, centroid[0], centroid[1]);
  }

  if (omnimeans_predictor_create(&centroids, NULL, &predictor) != OMNIMEANS_OK ||
      omnimeans_predictor_label(predictor, &one, &label) != OMNIMEANS_OK)
    return failed("predict");
  printf("a new point is in cluster %d\n", (int)label);
  /* The nearest square is the one that starts at x = 10. */
  i = (size_t)label * centroids.row_stride;
  if (((const double *)centroids.data)[i] < 10 || ((const double *)centroids.data)[i] > 11) return EXIT_FAILURE;
  omnimeans_predictor_free(predictor);
  omnimeans_result_free(result);
  return EXIT_SUCCESS;
}
