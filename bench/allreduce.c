/* The baseline of allreduce.ts: the same measurement in C. */

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  int rank;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  int rounds = atoi(argv[1]);
  double *times = malloc(rounds * sizeof(double));
  for (int i = 2; i + 1 < argc; i += 2) {
    int count = atoi(argv[i]), calls = atoi(argv[i + 1]);
    float *x = calloc(count, sizeof(float));
    for (int round = -1; round < rounds; round++) {
      MPI_Barrier(MPI_COMM_WORLD);
      double start = MPI_Wtime();
      for (int call = 0; call < calls; call++)
        MPI_Allreduce(MPI_IN_PLACE, x, count, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
      if (round >= 0) times[round] = (MPI_Wtime() - start) / calls;
    }
    qsort(times, rounds, sizeof(double), compare);
    if (rank == 0) printf("%.9f\n", times[rounds / 2]);
    free(x);
  }
  MPI_Finalize();
}
