/* SPDX-License-Identifier: MIT */
/* The same in C. */
#include <omnimeans/omnimeans.h>
#include <stdio.h>

int main(void) {
  const float points[] = {0, 0, 10, 10, 20, 20, 0, 0, 10, 10, 20, 20};
  const omnimeans_matrix samples = omnimeans_matrix_f32(points, 6, 2);
  omnimeans_options options = OMNIMEANS_OPTIONS_INIT;
  omnimeans_result *result = NULL;
  int good;
  options.n_clusters = 3;
  options.n_init = 4;
  good = omnimeans_fit(&samples, NULL, NULL, &options, &result) == OMNIMEANS_OK && omnimeans_result_inertia(result) == 0;
  printf("omnimeans %s from C: %s\n", omnimeans_version(), good ? "good" : "bad");
  omnimeans_result_free(result);
  return good ? 0 : 1;
}
